/*
 * An image's configuration in short. Source: OCI image-spec 1.1, config.md.
 */
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "graph/stored.h"
#include "inspect/show.h"
#include "text/json.h"

#define CONFIG_MAX ((uint64_t)4 << 20) /* bytes: what is larger is no image's */

/* Fields that are of the wrong type are as good as absent: nothing is decided by them. */
static const struct dd_json *field(const struct dd_json *object, const char *name,
				   enum dd_json_type type)
{
	const struct dd_json *value = NULL;

	if (!object || object->type != DD_JSON_OBJECT ||
	    dd_json_field(object, name, &value, NULL) < 0)
		return NULL;
	return value && value->type == type ? value : NULL;
}

static int take_text(struct dd_showing *showing, const struct dd_json *object, const char *name,
		     const char **text, struct dd_error *err)
{
	const struct dd_json *value = field(object, name, DD_JSON_STRING);

	*text = NULL;
	if (!value || !value->len)
		return 0;
	*text = dd_show_copy(showing, value->text, err);
	return *text ? 0 : DD_ENOMEM;
}

static int64_t take_time(const struct dd_json *object, const char *name)
{
	const struct dd_json *value = field(object, name, DD_JSON_STRING);
	int64_t ns = 0;

	return value && dd_time_parse(&ns, value->text, value->len) == 0 ? ns : 0;
}

/* The texts of an array, or the keys of an object. */
static int take_texts(struct dd_showing *showing, const struct dd_json *object, const char *name,
		      enum dd_json_type type, struct dd_texts *texts, struct dd_error *err)
{
	const struct dd_json *value = field(object, name, type);
	const char **items;

	if (!value || !value->len)
		return 0;
	items = dd_show_alloc(showing, value->len, sizeof(*items), err);
	if (!items)
		return DD_ENOMEM;
	texts->items = items;
	for (const struct dd_json *item = value->first; item; item = item->next) {
		const char *text = type == DD_JSON_OBJECT	? item->key :
				   item->type == DD_JSON_STRING ? item->text :
								  "?";

		items[texts->count] = dd_show_copy(showing, text, err);
		if (!items[texts->count++])
			return DD_ENOMEM;
	}
	return 0;
}

static int take_labels(struct dd_showing *showing, const struct dd_json *config,
		       struct dd_error *err)
{
	const struct dd_json *value = field(config, "Labels", DD_JSON_OBJECT);
	struct dd_label *labels;

	if (!value || !value->len)
		return 0;
	labels = dd_show_alloc(showing, value->len, sizeof(*labels), err);
	if (!labels)
		return DD_ENOMEM;
	showing->show->config.labels = labels;
	for (const struct dd_json *item = value->first; item; item = item->next) {
		struct dd_label *label = &labels[showing->show->config.label_count++];

		label->key = dd_show_copy(showing, item->key, err);
		label->value =
			dd_show_copy(showing, item->type == DD_JSON_STRING ? item->text : "?", err);
		if (!label->key || !label->value)
			return DD_ENOMEM;
	}
	return 0;
}

static int take_platform(struct dd_showing *showing, const struct dd_json *root,
			 struct dd_error *err)
{
	const struct dd_json *os = field(root, "os", DD_JSON_STRING),
			     *architecture = field(root, "architecture", DD_JSON_STRING),
			     *variant = field(root, "variant", DD_JSON_STRING);
	const struct dd_descriptor like = {
		.os = os && os->len ? os->text : NULL,
		.architecture = architecture && architecture->len ? architecture->text : NULL,
		.variant = variant && variant->len ? variant->text : NULL
	};
	char text[DD_PLATFORM_TEXT];
	const char *platform = dd_platform_format(&like, text);

	showing->show->config.platform = dd_show_copy(showing, platform, err);
	return platform && !showing->show->config.platform ? DD_ENOMEM : 0;
}

/* The layer that a step made: they come in the same order. */
static size_t next_layer(const struct dd_show *show, size_t at)
{
	while (at < show->part_count && show->parts[at].role != DD_ROLE_LAYER)
		at++;
	return at;
}

static int take_history(struct dd_showing *showing, const struct dd_json *root,
			struct dd_error *err)
{
	const struct dd_json *value = field(root, "history", DD_JSON_ARRAY);
	struct dd_show *show = showing->show;
	size_t layer = next_layer(show, 0);
	struct dd_show_step *steps;
	bool matched = true;
	int rc = 0;

	if (!value || !value->len)
		return 0;
	steps = dd_show_alloc(showing, value->len, sizeof(*steps), err);
	if (!steps)
		return DD_ENOMEM;
	show->config.history = steps;
	for (const struct dd_json *item = value->first; item && rc == 0; item = item->next) {
		struct dd_show_step *step = &steps[show->config.history_count++];
		const struct dd_json *empty = field(item, "empty_layer", DD_JSON_BOOL);

		step->empty = empty && empty->boolean;
		step->created_ns = take_time(item, "created");
		step->part = DD_SHOW_NONE;
		if (!step->empty && layer < show->part_count) {
			step->part = layer;
			layer = next_layer(show, layer + 1);
		} else if (!step->empty) {
			matched = false;
		}
		rc = take_text(showing, item, "created_by", &step->created_by, err);
		if (rc == 0)
			rc = take_text(showing, item, "comment", &step->comment, err);
	}
	show->config.matched = matched && layer >= show->part_count;
	/* Which step made which layer is then a guess, and not made. */
	for (size_t i = 0; i < show->config.history_count && !show->config.matched; i++)
		steps[i].part = DD_SHOW_NONE;
	return rc;
}

static int take_all(struct dd_showing *showing, const struct dd_json *root, struct dd_error *err)
{
	struct dd_show_config *config = &showing->show->config;
	const struct dd_json *inner = field(root, "config", DD_JSON_OBJECT);
	int rc = take_platform(showing, root, err);

	config->known = true;
	config->created_ns = take_time(root, "created");
	if (rc == 0)
		rc = take_text(showing, root, "author", &config->author, err);
	if (rc == 0)
		rc = take_text(showing, inner, "User", &config->user, err);
	if (rc == 0)
		rc = take_text(showing, inner, "WorkingDir", &config->directory, err);
	if (rc == 0)
		rc = take_text(showing, inner, "StopSignal", &config->stop_signal, err);
	if (rc == 0)
		rc = take_texts(showing, inner, "Entrypoint", DD_JSON_ARRAY, &config->entrypoint,
				err);
	if (rc == 0)
		rc = take_texts(showing, inner, "Cmd", DD_JSON_ARRAY, &config->command, err);
	if (rc == 0)
		rc = take_texts(showing, inner, "Env", DD_JSON_ARRAY, &config->environment, err);
	if (rc == 0)
		rc = take_texts(showing, inner, "ExposedPorts", DD_JSON_OBJECT, &config->ports,
				err);
	if (rc == 0)
		rc = take_texts(showing, inner, "Volumes", DD_JSON_OBJECT, &config->volumes, err);
	if (rc == 0)
		rc = take_labels(showing, inner, err);
	return rc < 0 ? rc : take_history(showing, root, err);
}

static int read_and_take(struct dd_showing *showing, const struct dd_show_part *part,
			 struct dd_error *err)
{
	DD_CLEANUP(dd_json_reader_closep) struct dd_json_reader *reader = NULL;
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	const struct dd_json *root = NULL;
	struct dd_digest digest;
	struct dd_place place;
	struct dd_info info;
	int rc = dd_stored_stat(showing->store, showing->show->repository, &part->digest, &place,
				&info, err);

	if (rc == 0)
		rc = dd_store_read(showing->store, &place, CONFIG_MAX, &buffer, NULL, err);
	if (rc == 0)
		rc = dd_digest_of(&digest, (enum dd_algorithm)part->digest.alg, buffer.bytes,
				  buffer.len, err);
	if (rc == 0 && !dd_digest_equal(&digest, &part->digest))
		return dd_fail(err, DD_ECORRUPT, 0, "read the configuration");
	if (rc == 0)
		rc = dd_json_reader_open(&reader, err);
	if (rc == 0)
		rc = dd_json_read(reader, buffer.bytes, buffer.len, dd_json_budget(buffer.len),
				  &root, err);
	if (rc == 0 && root->type == DD_JSON_OBJECT)
		rc = take_all(showing, root, err);
	return rc;
}

int dd_show_configure(struct dd_showing *showing, struct dd_error *err)
{
	const struct dd_show *show = showing->show;
	const struct dd_show_part *part = NULL;
	struct dd_error own = { 0 };
	int rc;

	for (size_t i = 0; i < show->part_count && !part; i++)
		if (show->parts[i].role == DD_ROLE_CONFIG)
			part = &show->parts[i];
	/* What is no image's means something else to somebody else. */
	if (!part || !part->present || show->artifact)
		return 0;
	rc = read_and_take(showing, part, &own);
	if (rc == DD_ENOMEM || rc == DD_ECANCELLED) {
		if (err)
			*err = own;
		return rc;
	}
	if (rc < 0)
		showing->show->config.problem = dd_code_text(rc);
	return 0;
}
