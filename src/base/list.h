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

static inline int dd_list_grow(void **items, size_t *room, size_t size)
{
	size_t more = *room ? *room + *room / 2 : 8;
	void *grown = reallocarray(*items, more, size);

	if (!grown)
		return DD_ENOMEM;
	*items = grown;
	*room = more;
	return 0;
}

#endif
