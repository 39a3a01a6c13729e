/*
 * Growing arrays. DD_LIST(type) declares one; { 0 } is empty; room doubles.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdlib.h>
#include <string.h>

#include <drydock/error.h>

#define DD_LIST(type)               \
	struct {                    \
		type *items;        \
		size_t count, room; \
	}

/* A pointer to a new, zeroed last item; NULL without memory. */
#define dd_list_add(list)                                                                     \
	((list)->count < (list)->room || dd_list_grow((void **)&(list)->items, &(list)->room, \
						      sizeof(*(list)->items)) == 0 ?          \
		 memset(&(list)->items[(list)->count++], 0, sizeof(*(list)->items)) :         \
		 NULL)

/* Room for so many more. 0 or DD_ENOMEM. */
#define dd_list_reserve(list, more)                                                            \
	((more) <= (list)->room - (list)->count ?                                              \
		 0 :                                                                           \
		 dd_list_widen((void **)&(list)->items, &(list)->room, (list)->count + (more), \
			       sizeof(*(list)->items)))

#define dd_list_release(list)                     \
	do {                                      \
		free((list)->items);              \
		(list)->items = NULL;             \
		(list)->count = (list)->room = 0; \
	} while (0)

/* Of items that are sorted by a member: the first whose member is not below a value; count: none. */
#define dd_first_from(items, count, member, value)                                  \
	({                                                                          \
		size_t first_low = 0, first_high = (count);                         \
		while (first_low < first_high) {                                    \
			size_t first_at = first_low + (first_high - first_low) / 2; \
			if ((items)[first_at].member < (value))                     \
				first_low = first_at + 1;                           \
			else                                                        \
				first_high = first_at;                              \
		}                                                                   \
		first_low;                                                          \
	})

/* Room for at least so many, and half as many more than before, for the next will come. */
static inline int dd_list_widen(void **items, size_t *room, size_t least, size_t size)
{
	size_t more = *room + *room / 2;
	void *wide;

	if (more < least)
		more = least;
	wide = reallocarray(*items, more, size);
	if (!wide)
		return DD_ENOMEM;
	*items = wide;
	*room = more;
	return 0;
}

static inline int dd_list_grow(void **items, size_t *room, size_t size)
{
	return dd_list_widen(items, room, *room < 8 ? 8 : *room + 1, size);
}

#endif
