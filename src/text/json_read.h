/*
 * Between the files that read JSON.
 */
#ifndef TEXT_JSON_READ_H
#define TEXT_JSON_READ_H

#include "base/arena.h"
#include "text/json.h"

/*
 * Plain JSON: an object or array, valid UTF-8, nested little, integers of up to 18 digits, few
 * members an object and none twice. text is writable, ends in a NUL at text[len], and becomes part
 * of the tree. NULL if it is anything else, or if memory did not suffice.
 */
const struct dd_json *dd_json_scan(struct dd_arena *arena, char *text, size_t len);

/* Any JSON that jansson and Go agree about, or why not; all memory comes from the arena. */
int dd_json_parse(struct dd_arena *arena, const char *bytes, size_t len,
		  const struct dd_json **root, struct dd_error *err);

/* Once, before the first parse of the process. */
void dd_json_parse_setup(void);

#endif
