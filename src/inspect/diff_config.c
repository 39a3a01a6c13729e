/*
 * What a configuration says. Source: OCI image-spec 1.1, config.md.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "graph/stored.h"
#include "inspect/diff.h"
#include "text/json.h"

#define CONFIG_MAX ((uint64_t)4 << 20) /* bytes: what is larger is no image's */

/* How a field is told. */
enum shape {
	WORD,	 /* a text */
	WORDS,	 /* an array, as a whole */
	ASSIGNS, /* an array of "key=value" */
	MEMBERS, /* an object: a text under each key */
	KEYS	 /* an object whose keys are all that counts */
};

static const struct {
	bool inner; /* in "config" */
	const char *name, *field;
	enum shape shape;
} fields[] = {
	{ false, "os", "os", WORD },
	{ false, "architecture", "architecture", WORD },
	{ false, "variant", "variant", WORD },
	{ false, "created", "created", WORD },
	{ false, "author", "author", WORD },
	{ true, "User", "user", WORD },
	{ true, "WorkingDir", "directory", WORD },
	{ true, "Entrypoint", "entrypoint", WORDS },
	{ true, "Cmd", "command", WORDS },
	{ true, "Env", "environment", ASSIGNS },
	{ true, "Labels", "label", MEMBERS },
	{ true, "ExposedPorts", "port", KEYS },
	{ true, "Volumes", "volume", KEYS },
	{ true, "StopSignal", "stop-signal", WORD },
};

static const char *text_of(const struct dd_json *value)
{
	return value->type == DD_JSON_STRING ? value->text : "?";
}

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "compare configurations");
}

/* ["nginx", "-g", "daemon off;"], as it would be written. */
static int join(const struct dd_json *array, struct dd_text *text)
{
	int rc = dd_text_add(text, "[", 1);

	for (const struct dd_json *item = array->first; item && rc == 0; item = item->next) {
		rc = dd_text_add(text, item == array->first ? "\"" : ", \"",
				 item == array->first ? 1 : 3);
		for (const char *at = text_of(item); *at && rc == 0; at++) {
			if (*at == '"' || *at == '\\')
				rc = dd_text_add(text, "\\", 1);
			if (rc == 0)
				rc = dd_text_add(text, at, 1);
		}
		if (rc == 0)
			rc = dd_text_add(text, "\"", 1);
	}
	return rc < 0 ? rc : dd_text_add(text, "]", 1);
}

static int say_words(struct dd_differing *differing, struct dd_sided *side, unsigned order,
		     const struct dd_json *value, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };

	if (join(value, &text) < 0)
		return no_memory(err);
	return dd_sided_say(differing, side, order, fields[order].field, NULL, text.bytes, err);
}

static int say_assign(struct dd_differing *differing, struct dd_sided *side, unsigned order,
		      const char *text, struct dd_error *err)
{
	DD_AUTOFREE char *key = strdup(text);
	char *equals = key ? strchr(key, '=') : NULL;

	if (!key)
		return no_memory(err);
	if (equals)
		*equals++ = '\0';
	return dd_sided_say(differing, side, order, fields[order].field, key, equals ? equals : "",
			    err);
}

static int say_field(struct dd_differing *differing, struct dd_sided *side, unsigned order,
		     const struct dd_json *value, struct dd_error *err)
{
	const char *field = fields[order].field;
	enum shape shape = fields[order].shape;
	int rc = 0;

	if (shape == WORD && value->type == DD_JSON_STRING && value->len)
		return dd_sided_say(differing, side, order, field, NULL, value->text, err);
	if (shape == WORDS && value->type == DD_JSON_ARRAY && value->len)
		return say_words(differing, side, order, value, err);
	if (value->type != (shape == ASSIGNS ? DD_JSON_ARRAY : DD_JSON_OBJECT) || shape == WORD ||
	    shape == WORDS)
		return 0;
	for (const struct dd_json *item = value->first; item && rc == 0; item = item->next)
		rc = shape == ASSIGNS ? say_assign(differing, side, order, text_of(item), err) :
					dd_sided_say(differing, side, order, field, item->key,
						     shape == KEYS ? "yes" : text_of(item), err);
	return rc;
}

static int say_all(struct dd_differing *differing, struct dd_sided *side,
		   const struct dd_json *root, struct dd_error *err)
{
	const struct dd_json *inner = NULL;
	int rc = 0;

	/* A field of the wrong type is as good as absent: nothing is decided by it. */
	if (root->type != DD_JSON_OBJECT)
		return 0;
	if (dd_json_field(root, "config", &inner, NULL) < 0 ||
	    (inner && inner->type != DD_JSON_OBJECT))
		inner = NULL;
	for (unsigned i = 0; i < DD_COUNT(fields) && rc == 0; i++) {
		const struct dd_json *object = fields[i].inner ? inner : root, *value = NULL;

		if (object && dd_json_field(object, fields[i].name, &value, NULL) == 0 && value)
			rc = say_field(differing, side, i, value, err);
	}
	return rc;
}

static int read_config(struct dd_differing *differing, struct dd_sided *side, struct dd_error *err)
{
	DD_CLEANUP(dd_json_reader_closep) struct dd_json_reader *reader = NULL;
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	const struct dd_digest *named = &side->config.digest;
	const struct dd_json *root = NULL;
	struct dd_digest digest;
	struct dd_place place;
	struct dd_info info;
	int rc = dd_stored_stat(differing->store, side->repository, named, &place, &info, err);

	if (rc == 0)
		rc = dd_store_read(differing->store, &place, CONFIG_MAX, &buffer, NULL, err);
	if (rc == 0)
		rc = dd_digest_of(&digest, (enum dd_algorithm)named->alg, buffer.bytes, buffer.len,
				  err);
	if (rc == 0 && !dd_digest_equal(&digest, named))
		return dd_fail(err, DD_ECORRUPT, 0, "read the configuration");
	if (rc == 0)
		rc = dd_json_reader_open(&reader, err);
	if (rc == 0)
		rc = dd_json_read(reader, buffer.bytes, buffer.len, dd_json_budget(buffer.len),
				  &root, err);
	return rc < 0 ? rc : say_all(differing, side, root, err);
}

int dd_sided_configure(struct dd_differing *differing, struct dd_sided *side, struct dd_error *err)
{
	struct dd_error own = { 0 };
	int rc;

	if (!side->has_config)
		return 0;
	rc = read_config(differing, side, &own);
	if (rc == DD_ENOMEM || rc == DD_ECANCELLED) {
		if (err)
			*err = own;
		return rc;
	}
	if (rc == DD_ENOENT)
		side->problem = "its configuration is not there";
	else if (rc == DD_ECORRUPT)
		side->problem = "its configuration's bytes are not those of its digest";
	else if (rc < 0)
		side->problem = "its configuration cannot be read";
	return 0;
}
