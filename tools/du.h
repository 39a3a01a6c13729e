/*
 * What takes the space, for people.
 */
#ifndef TOOLS_DU_H
#define TOOLS_DU_H

#include <drydock/du.h>

#include "tool.h"

int du_print(const struct dd_du *du, struct dd_error *err);

#endif
