/*
 * Numbers among the options, by their kinds: options.h says what each of them may be.
 */
#ifndef OPTION_NUMBERS_H
#define OPTION_NUMBERS_H

#include "options.h"

int option_set_number(unsigned *number, const char *text, struct dd_error *err);
int option_set_percent(unsigned *percent, const char *text, struct dd_error *err);
int option_set_amount(uint64_t *amount, const char *text, struct dd_error *err);
int option_set_fraction(struct option_fraction *fraction, const char *text, struct dd_error *err);
int option_set_duration(int64_t *ns, const char *text, struct dd_error *err);
int option_set_space(struct option_space *space, const char *text, struct dd_error *err);
int option_set_size(uint64_t *bytes, const char *text, struct dd_error *err);

#endif
