/*
 * Basic authentication by an htpasswd file, which may be changed while it is used.
 */
#ifndef SERVE_PASSWORDS_H
#define SERVE_PASSWORDS_H

#include <drydock/context.h>
#include <drydock/digest.h>

#include "serve/htpasswd.h"

struct dd_passwords;

/* ctx is borrowed, path copied. */
int dd_passwords_open(struct dd_context *ctx, const char *path, struct dd_passwords **passwords,
		      struct dd_error *err);
void dd_passwords_closep(struct dd_passwords **passwords);

/*
 * Whether the file was looked at within the last second; if not, have a look, which may wait. What
 * cannot be read any more is logged once, and what was read before goes on to count.
 */
bool dd_passwords_are_fresh(const struct dd_passwords *passwords);
void dd_passwords_look(struct dd_passwords *passwords);

/* The hash that a user's password has to have; false: there is no such user. */
bool dd_passwords_find(struct dd_passwords *passwords, const char *user,
		       char hash[static DD_BCRYPT_TEXT]);
/* One to compute in vain: dd_htpasswd_stand_in(). */
void dd_passwords_stand_in(struct dd_passwords *passwords, uint64_t number,
			   char hash[static DD_BCRYPT_TEXT]);

#endif
