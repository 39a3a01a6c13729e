/*
 * One manifest or blob, for people.
 */
#ifndef TOOLS_SHOW_H
#define TOOLS_SHOW_H

#include <drydock/show.h>

#include "tool.h"

int show_print(const struct dd_show *show, struct dd_error *err);

#endif
