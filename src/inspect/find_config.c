/*
 * What configs say: read when they are asked for, each once, and proved first.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "inspect/find.h"

/* Of one that is none, NULL. Within their budget texts end in a NUL. */
static const char *text_at(const struct dd_json *object, const char *name)
{
	const struct dd_json *value = NULL;

	if (dd_json_field(object, name, &value, NULL) < 0 || !value ||
	    value->type != DD_JSON_STRING || !value->len)
		return NULL;
	return value->text;
}

static void read_labels(const struct dd_find *find, const struct dd_json *root,
			struct dd_find_config *config)
{
	const struct dd_json *inner = NULL, *labels = NULL;

	if (dd_json_field(root, "config", &inner, NULL) < 0 || !inner ||
	    inner->type != DD_JSON_OBJECT || dd_json_field(inner, "Labels", &labels, NULL) < 0 ||
	    !labels || labels->type != DD_JSON_OBJECT)
		return;
	for (const struct dd_json *label = labels->first; label; label = label->next)
		for (size_t i = 0; i < find->tests.count; i++) {
			const struct dd_find_test *test = find->tests.items[i];

			if (label->type == DD_JSON_STRING && !strcmp(test->kind->name, "-label") &&
			    dd_find_annotation_matches(test, label->key, label->text))
				config->labels |= UINT64_C(1) << test->number;
		}
}

static int read_platform(struct dd_find_run_state *run, const struct dd_json *root,
			 struct dd_find_config *config)
{
	const char *os = text_at(root, "os"), *architecture = text_at(root, "architecture"),
		   *variant = text_at(root, "variant");
	char text[256];

	if (!os && !architecture)
		return 0;
	dd_find_platform_text(text, sizeof(text), os, architecture, variant);
	for (size_t i = 0; i < run->find->tests.count; i++) {
		const struct dd_find_test *test = run->find->tests.items[i];

		if (!strcmp(test->kind->name, "-platform") &&
		    dd_find_platform_matches(test->word, os, architecture, variant))
			config->platforms |= UINT64_C(1) << test->number;
	}
	pthread_mutex_lock(&run->lock);
	config->platform = dd_arena_copy(&run->said.arena, text, strlen(text));
	pthread_mutex_unlock(&run->lock);
	return config->platform ? 0 : DD_ENOMEM;
}

static int understand(struct dd_find_worker *worker, struct dd_find_config *config,
		      struct dd_error *err)
{
	const struct dd_buffer *buffer = &worker->buffer;
	const struct dd_json *root;
	const char *created;
	int rc = worker->json ? 0 : dd_json_reader_open(&worker->json, err);

	if (rc < 0)
		return rc;
	/* What is no JSON is an artifact's, and says nothing. */
	rc = dd_json_read(worker->json, buffer->bytes, buffer->len, dd_json_budget(buffer->len),
			  &root, err);
	if (rc == 0 && root->type == DD_JSON_OBJECT) {
		created = text_at(root, "created");
		if (created && dd_time_parse(&config->created_ns, created, strlen(created)) < 0)
			config->created_ns = 0;
		read_labels(worker->run->find, root, config);
		rc = read_platform(worker->run, root, config);
	}
	dd_json_reader_release(worker->json);
	return rc == DD_ENOMEM ? rc : 0;
}

static int read_config(struct dd_find_worker *worker, uint32_t id, struct dd_find_config *config,
		       struct dd_error *err)
{
	struct dd_place place = { .kind = DD_AT_BLOB };
	struct dd_buffer *buffer = &worker->buffer;
	struct dd_digest digest;
	int rc;

	dd_ids_get(&worker->run->graph->ids, id, &place.digest);
	rc = dd_store_read(worker->run->store, &place, DD_MANIFEST_MAX, buffer, NULL, err);
	if (rc == DD_ENOMEM)
		return rc;
	if (rc == DD_ETOOBIG) /* no image's: an artifact may have anything as config */
		return 0;
	if (rc == 0)
		rc = dd_digest_of(&digest, (enum dd_algorithm)place.digest.alg, buffer->bytes,
				  buffer->len, err);
	if (rc == 0 && dd_digest_equal(&digest, &place.digest))
		return understand(worker, config, err);
	config->problem = rc == DD_ENOENT ? "its config is not there" :
			  rc < 0	  ? "its config cannot be read" :
					    "its config is corrupt";
	dd_find_problem(worker->run, dd_find_place_text(&place), config->problem);
	return 0;
}

/* ---- once each ---- */

static const struct dd_find_config *known(struct dd_find_run_state *run, uint32_t id)
{
	const struct dd_find_config *config;

	pthread_mutex_lock(&run->lock);
	config = run->configs[id];
	pthread_mutex_unlock(&run->lock);
	return config;
}

/* Two threads may have read the same: the first one counts. */
static int keep(struct dd_find_run_state *run, uint32_t id, const struct dd_find_config *made,
		const struct dd_find_config **out)
{
	struct dd_find_config *kept = NULL;

	pthread_mutex_lock(&run->lock);
	if (!run->configs[id]) {
		kept = dd_arena_alloc(&run->said.arena, sizeof(*kept));
		if (kept)
			*kept = *made;
		run->configs[id] = kept;
	}
	*out = run->configs[id];
	pthread_mutex_unlock(&run->lock);
	return *out ? 0 : DD_ENOMEM;
}

static int config_of_blob(struct dd_find_worker *worker, uint32_t id,
			  const struct dd_find_config **out, struct dd_error *err)
{
	struct dd_find_config config = { 0 };
	int rc;

	*out = known(worker->run, id);
	if (*out)
		return 0;
	rc = read_config(worker, id, &config, err);
	return rc < 0 ? rc : keep(worker->run, id, &config, out);
}

static void join(struct dd_find_config *to, const struct dd_find_config *from)
{
	if (!from)
		return;
	if (from->created_ns > to->created_ns)
		to->created_ns = from->created_ns;
	to->labels |= from->labels;
	to->platforms |= from->platforms;
	if (from->problem)
		to->problem = from->problem;
}

static int config_of_image(struct dd_find_worker *worker, uint32_t manifest,
			   const struct dd_find_config **out, struct dd_error *err)
{
	uint32_t id = manifest < worker->run->said.config.count ?
			      worker->run->said.config.items[manifest] :
			      DD_NO_ID;

	*out = NULL;
	return id == DD_NO_ID ? 0 : config_of_blob(worker, id, out, err);
}

/* All of an index's images together; what is an index in it is passed over. */
static int config_of_index(struct dd_find_worker *worker, uint32_t id,
			   const struct dd_manifest_node *node, const struct dd_find_config **out,
			   struct dd_error *err)
{
	const struct dd_graph *graph = worker->run->graph;
	struct dd_find_config config = { 0 };
	int rc = 0;

	*out = known(worker->run, id);
	if (*out)
		return 0;
	for (uint32_t i = 0; i < node->count && rc == 0; i++) {
		uint32_t part = DD_EDGE_ID(graph->edges.items[node->first + i]);
		uint32_t manifest = graph->nodes.items[part].manifest;
		const struct dd_find_config *one = NULL;

		if (manifest != DD_NO_ID)
			rc = config_of_image(worker, manifest, &one, err);
		join(&config, one);
	}
	return rc < 0 ? rc : keep(worker->run, id, &config, out);
}

int dd_find_fetch_config(struct dd_find_worker *worker, struct dd_find_subject *subject,
			 struct dd_error *err)
{
	struct dd_find_run_state *run = worker->run;
	uint32_t manifest = dd_find_manifest_of(run, subject);
	const struct dd_manifest_node *node;
	int rc;

	if (subject->class == DD_CLASS_BLOB) {
		rc = dd_find_flags(&run->said, subject->id) & DD_SAID_CONFIG && subject->there ?
			     config_of_blob(worker, subject->id, &subject->config, err) :
			     0;
		return rc == DD_ENOMEM ? dd_fail(err, rc, 0, "read a config") : rc;
	}
	if (manifest == DD_NO_ID)
		return 0;
	node = &run->graph->manifests.items[manifest];
	rc = dd_manifest_type_is_index((enum dd_manifest_type)node->type) ?
		     config_of_index(worker, subject->id, node, &subject->config, err) :
		     config_of_image(worker, manifest, &subject->config, err);
	if (subject->config && subject->config->problem && !subject->problem)
		subject->problem = subject->config->problem;
	return rc == DD_ENOMEM ? dd_fail(err, rc, 0, "read a config") : rc;
}
