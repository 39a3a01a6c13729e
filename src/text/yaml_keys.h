/*
 * Mappings whose keys are all known: what else is in a file of ours is refused, with its place and
 * with the key that was probably meant.
 */
#ifndef TEXT_YAML_KEYS_H
#define TEXT_YAML_KEYS_H

#include "text/yaml.h"

/* Puts the node's place in front of an error that was noticed there; returns rc. */
int dd_yaml_at(const struct dd_yaml_node *node, int rc, struct dd_error *err);
/* "line 3, column 9: WHAT: WHY"; returns DD_ECONFIG. */
int dd_yaml_wrong(const struct dd_yaml_node *node, const char *what, const char *why,
		  struct dd_error *err);

/*
 * Which of the known keys the member of a mapping is. names is a table of structures of stride bytes
 * that begin with a const char *, ended by NULL. DD_ECONFIG: none of them, given twice, or without
 * a value. where: "a rule", for the message.
 */
int dd_yaml_which_key(const struct dd_yaml_node *mapping, size_t member, const void *names,
		      size_t stride, const char *where, size_t *which, struct dd_error *err);

/* DD_ECONFIG: it is no single value, or has a NUL in it. */
int dd_yaml_expect_text(const struct dd_yaml_node *node, const char *name, struct dd_error *err);

#endif
