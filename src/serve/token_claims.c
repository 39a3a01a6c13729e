/*
 * What a token claims, once its signature has been found good.
 */
#include <string.h>

#include <drydock/layout.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "serve/token.h"
#include "text/json.h"

#define SECONDS_MAX (INT64_C(1) << 33) /* some centuries: no overflow in nanoseconds */

enum claim { ISSUER, AUDIENCE, SUBJECT, EXPIRES, NOT_BEFORE, ACCESS, CLAIMS };

static const struct dd_json_name claim_names[CLAIMS] = {
	[ISSUER] = DD_JSON_NAME("iss"),	    [AUDIENCE] = DD_JSON_NAME("aud"),
	[SUBJECT] = DD_JSON_NAME("sub"),    [EXPIRES] = DD_JSON_NAME("exp"),
	[NOT_BEFORE] = DD_JSON_NAME("nbf"), [ACCESS] = DD_JSON_NAME("access"),
};

static int refuse(struct dd_error *err, const char *why)
{
	return dd_fail(err, DD_EREFUSED, 0, "%s", why);
}

static bool is_text(const struct dd_json *value)
{
	return value && value->type == DD_JSON_STRING && !memchr(value->text, '\0', value->len);
}

static bool says(const struct dd_json *value, const char *text)
{
	return is_text(value) && !strcmp(value->text, text);
}

static int check_audience(const struct dd_json *audience, const char *wanted, struct dd_error *err)
{
	bool found = says(audience, wanted);

	if (audience && audience->type == DD_JSON_ARRAY)
		for (const struct dd_json *one = audience->first; one && !found; one = one->next)
			found = says(one, wanted);
	return found ? 0 : refuse(err, "it is for another service");
}

/* Seconds since the epoch, in nanoseconds. */
static int read_time(const struct dd_json *value, int64_t *ns)
{
	if (value->type != DD_JSON_INTEGER || value->integer < 0 || value->integer > SECONDS_MAX)
		return DD_EFORMAT;
	*ns = value->integer * DD_SECOND;
	return 0;
}

static int check_times(const struct dd_json *const *claims, int64_t now_ns, int64_t *until_ns,
		       struct dd_error *err)
{
	int64_t from_ns;

	if (!claims[EXPIRES] || read_time(claims[EXPIRES], until_ns) < 0)
		return refuse(err, "it does not say, in whole seconds, when it expires");
	*until_ns += DD_TOKEN_LEEWAY;
	if (*until_ns <= now_ns)
		return refuse(err, "it has expired");
	if (!claims[NOT_BEFORE])
		return 0;
	if (read_time(claims[NOT_BEFORE], &from_ns) < 0)
		return refuse(err, "from when on it counts is no whole number of seconds");
	return from_ns - DD_TOKEN_LEEWAY > now_ns ? refuse(err, "it does not count yet") : 0;
}

static unsigned read_actions(const struct dd_json *list)
{
	static const struct {
		const char *name;
		unsigned actions;
	} known[] = { { "pull", DD_AUTH_PULL },
		      { "push", DD_AUTH_PUSH },
		      { "delete", DD_AUTH_DELETE },
		      { "*", DD_AUTH_PULL | DD_AUTH_PUSH | DD_AUTH_DELETE | DD_AUTH_CATALOG } };
	unsigned actions = 0;

	if (!list || list->type != DD_JSON_ARRAY)
		return 0;
	for (const struct dd_json *one = list->first; one; one = one->next)
		for (size_t i = 0; i < DD_COUNT(known); i++)
			if (says(one, known[i].name))
				actions |= known[i].actions;
	return actions;
}

enum access_field { TYPE, NAME, ACTIONS, ACCESS_FIELDS };

/* What we do not know the token does not grant here: of other types of things, to other ends. */
static int read_access(struct dd_identity *identity, const struct dd_json *entry,
		       struct dd_error *err)
{
	static const struct dd_json_name names[ACCESS_FIELDS] = {
		[TYPE] = DD_JSON_NAME("type"),
		[NAME] = DD_JSON_NAME("name"),
		[ACTIONS] = DD_JSON_NAME("actions"),
	};
	const struct dd_json *field[ACCESS_FIELDS];
	unsigned actions;

	if (entry->type != DD_JSON_OBJECT ||
	    dd_json_fields(entry, names, ACCESS_FIELDS, field, NULL) < 0)
		return refuse(err, "an entry of its access is malformed");
	actions = read_actions(field[ACTIONS]);
	if (says(field[TYPE], "repository") && is_text(field[NAME]))
		return dd_identity_grant(identity, field[NAME]->text,
					 actions & ~(unsigned)DD_AUTH_CATALOG, err);
	if (says(field[TYPE], "registry") && says(field[NAME], "catalog"))
		return dd_identity_grant(identity, NULL, actions & DD_AUTH_CATALOG, err);
	return 0;
}

static int read_identity(const struct dd_json *const *claims, struct dd_identity **out,
			 struct dd_error *err)
{
	DD_CLEANUP(dd_identity_closep) struct dd_identity *identity = NULL;
	int rc;

	if (claims[SUBJECT] && !is_text(claims[SUBJECT]))
		return refuse(err, "its subject is no name");
	rc = dd_identity_open(&identity, claims[SUBJECT] ? claims[SUBJECT]->text : NULL, err);
	if (rc < 0)
		return rc;
	identity->has_token = identity->limited = true;
	if (claims[ACCESS] && claims[ACCESS]->type != DD_JSON_ARRAY)
		return refuse(err, "its access is no list");
	for (const struct dd_json *entry = claims[ACCESS] ? claims[ACCESS]->first : NULL;
	     entry && rc == 0; entry = entry->next)
		rc = read_access(identity, entry, err);
	if (rc < 0)
		return rc;
	*out = identity;
	identity = NULL;
	return 0;
}

int dd_claims_read(const char *json, size_t len, const struct dd_claims_wanted *wanted,
		   struct dd_identity **identity, int64_t *until_ns, struct dd_error *err)
{
	DD_CLEANUP(dd_json_reader_closep) struct dd_json_reader *reader = NULL;
	const struct dd_json *root, *claims[CLAIMS];
	int rc = dd_json_reader_open(&reader, err);

	*identity = NULL;
	if (rc < 0)
		return rc;
	rc = dd_json_read(reader, json, len, dd_json_budget(len), &root, err);
	if (rc == DD_ENOMEM)
		return rc;
	if (rc < 0 || root->type != DD_JSON_OBJECT ||
	    dd_json_fields(root, claim_names, CLAIMS, claims, NULL) < 0)
		return refuse(err, "its claims are malformed");
	if (!says(claims[ISSUER], wanted->issuer))
		return refuse(err, "it is from another issuer");
	rc = check_audience(claims[AUDIENCE], wanted->audience, err);
	if (rc == 0)
		rc = check_times(claims, wanted->now_ns, until_ns, err);
	if (rc == 0)
		rc = read_identity(claims, identity, err);
	return rc;
}
