/*
 * A file of users and bcrypt hashes, a line each: "name:$2y$10$…", blank lines and those that begin
 * with "#" apart.
 *
 * As the reference reads it: of two lines for one name the last counts, and no hash but bcrypt's is
 * ever taken. It is silent about both; we are not.
 */
#ifndef SERVE_HTPASSWD_H
#define SERVE_HTPASSWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drydock/context.h>

#define DD_HTPASSWD_MAX ((size_t)16 << 20)
#define DD_BCRYPT_TEXT 61     /* with a NUL */
#define DD_BCRYPT_COST_MAX 17 /* some seconds; more would be an outage */

struct dd_htpasswd;

/*
 * name: for messages. A line that is none is DD_ECONFIG, with its number; one whose hash cannot be
 * used is passed over, and logged.
 */
int dd_htpasswd_read(struct dd_context *ctx, const char *name, const char *bytes, size_t len,
		     struct dd_htpasswd **htpasswd, struct dd_error *err);
void dd_htpasswd_closep(struct dd_htpasswd **htpasswd);
size_t dd_htpasswd_count(const struct dd_htpasswd *htpasswd);

/* Of a user; NULL: there is none of that name. */
const char *dd_htpasswd_find(const struct dd_htpasswd *htpasswd, const char *user);
/*
 * What to compute instead for a name that is none, so that it takes as long: costs as they are in
 * the file, the same for the same number.
 */
const char *dd_htpasswd_stand_in(const struct dd_htpasswd *htpasswd, uint64_t number);

/* Whether the password has that hash. Takes its time. 0 or DD_ENOMEM. */
int dd_bcrypt_check(const char *hash, const char *password, bool *matches, struct dd_error *err);

#endif
