/*
 * The order of reading on a disk that turns: by where things lie, so that its head goes one way.
 */
#ifndef VERIFY_ORDER_H
#define VERIFY_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* What was read within such a time counts as read at once: by the same night's run. */
#define DD_ORDER_NIGHT (INT64_C(3600) * 1000000000)

/*
 * Put ids in order. places: where each lies, by id (dd_info.where). whens: NULL, or by id when each
 * was last read, 0: never; then what was read longest ago goes first, and place decides among what
 * was read about then.
 */
void dd_order_by_place(uint32_t *ids, size_t count, const uint64_t *places, const int64_t *whens);

/* Begin at another one, and go round: which, chance (any number) decides. */
void dd_order_begin_anywhere(uint32_t *ids, size_t count, uint64_t chance);

#endif
