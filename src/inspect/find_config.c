/*
 * What configs say: read when they are asked for, each once, and proved first.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "graph/stored.h"
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
	struct dd_digest named, digest;
	struct dd_info info;
	int rc;

	dd_ids_get(&worker->run->graph->ids, id, &named);
	place.digest = named;
	rc = dd_store_read(worker->run->store, &place, DD_MANIFEST_MAX, buffer, NULL, err);
	if (rc == DD_ENOENT &&
	    dd_stored_stat_id(worker->run->store, worker->run->graph, id, &place, &info, NULL) == 0)
		rc = dd_store_read(worker->run->store, &place, DD_MANIFEST_MAX, buffer, NULL, err);
	if (rc == DD_ENOMEM)
		return rc;
	if (rc == DD_ETOOBIG) /* no image's: an artifact may have anything as config */
		return 0;
	if (rc == 0)
		rc = dd_digest_of(&digest, (enum dd_algorithm)named.alg, buffer->bytes, buffer->len,
				  err);
	if (rc == 0 && dd_digest_equal(&digest, &named))
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

/* Where a config says nothing, what an index says of it: it need not have been pushed. */
static void describe(const struct dd_find_run_state *run, uint32_t id,
		     struct dd_find_config *config)
{
	const struct dd_find_said *said = &run->said;

	if (config->platform)
		return;
	config->platform = dd_find_text(said, said->platform.items, said->platform.count, id);
	for (size_t i = 0; i < run->find->tests.count; i++) {
		const struct dd_find_test *test = run->find->tests.items[i];

		if (!strcmp(test->kind->name, "-platform") && dd_find_is_marked(test, id))
			config->platforms |= UINT64_C(1) << test->number;
	}
}

static int config_of_image(struct dd_find_worker *worker, uint32_t id,
			   const struct dd_find_config **out, struct dd_error *err)
{
	struct dd_find_run_state *run = worker->run;
	uint32_t manifest = run->graph->nodes.items[id].manifest;
	uint32_t config =
		manifest < run->said.config.count ? run->said.config.items[manifest] : DD_NO_ID;
	struct dd_find_config made = { 0 };
	int rc = 0;

	*out = known(run, id);
	if (*out)
		return 0;
	if (config != DD_NO_ID)
		rc = config_of_blob(worker, config, out, err);
	if (*out)
		made = **out;
	describe(run, id, &made);
	return rc < 0 ? rc : keep(run, id, &made, out);
}

/* ---- indexes: all their images together ---- */

#define PLATFORMS 64 /* that are told */

struct joined {
	struct dd_find_config config;
	const char *platforms[PLATFORMS];
	size_t count;
	bool more;
};

static void join(struct joined *to, const struct dd_find_config *from)
{
	if (from->created_ns > to->config.created_ns)
		to->config.created_ns = from->created_ns;
	to->config.labels |= from->labels;
	to->config.platforms |= from->platforms;
	if (from->problem)
		to->config.problem = from->problem;
	/* BuildKit says so of what is no image. */
	if (!from->platform || !strcmp(from->platform, "unknown/unknown"))
		return;
	for (size_t i = 0; i < to->count; i++)
		if (!strcmp(to->platforms[i], from->platform))
			return;
	to->more |= to->count == PLATFORMS;
	if (to->count < PLATFORMS)
		to->platforms[to->count++] = from->platform;
}

/* "linux/amd64,linux/arm64" */
static int name_platforms(struct dd_find_run_state *run, struct joined *joined)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	int rc = 0;

	for (size_t i = 0; i < joined->count && rc == 0; i++)
		rc = dd_text_printf(&text, "%s%s", i ? "," : "", joined->platforms[i]);
	if (rc == 0 && joined->more)
		rc = dd_text_printf(&text, ",...");
	if (rc < 0 || !text.len)
		return rc;
	pthread_mutex_lock(&run->lock);
	joined->config.platform = dd_arena_copy(&run->said.arena, text.bytes, text.len);
	pthread_mutex_unlock(&run->lock);
	return joined->config.platform ? 0 : DD_ENOMEM;
}

static int push(struct dd_find_worker *worker, uint32_t id)
{
	uint32_t *slot = dd_list_add(&worker->stack);

	if (!slot)
		return DD_ENOMEM;
	*slot = id;
	return 0;
}

static bool is_index(const struct dd_graph *graph, uint32_t id)
{
	uint32_t manifest = graph->nodes.items[id].manifest;

	return manifest != DD_NO_ID &&
	       dd_manifest_type_is_index(
		       (enum dd_manifest_type)graph->manifests.items[manifest].type);
}

/* Through indexes in it, each once. */
static int join_images(struct dd_find_worker *worker, uint32_t id, struct joined *joined,
		       struct dd_error *err)
{
	const struct dd_graph *graph = worker->run->graph;
	int rc;

	if (!worker->stamps)
		worker->stamps = calloc(graph->nodes.count + 1, sizeof(*worker->stamps));
	if (!worker->stamps)
		return DD_ENOMEM;
	worker->pass++;
	worker->stack.count = 0;
	rc = push(worker, id);
	while (rc == 0 && worker->stack.count) {
		const struct dd_manifest_node *node;
		const struct dd_find_config *one;

		id = worker->stack.items[--worker->stack.count];
		if (worker->stamps[id] == worker->pass)
			continue;
		worker->stamps[id] = worker->pass;
		if (!is_index(graph, id)) {
			rc = config_of_image(worker, id, &one, err);
			if (rc == 0)
				join(joined, one);
			continue;
		}
		node = &graph->manifests.items[graph->nodes.items[id].manifest];
		/* From the last to the first, for the stack turns them round. */
		for (uint32_t i = node->count; i > 0 && rc == 0; i--)
			rc = push(worker, DD_EDGE_ID(graph->edges.items[node->first + i - 1]));
	}
	return rc;
}

static int config_of_index(struct dd_find_worker *worker, uint32_t id,
			   const struct dd_find_config **out, struct dd_error *err)
{
	struct joined joined = { 0 };
	int rc;

	*out = known(worker->run, id);
	if (*out)
		return 0;
	rc = join_images(worker, id, &joined, err);
	if (rc == 0)
		rc = name_platforms(worker->run, &joined);
	describe(worker->run, id, &joined.config);
	return rc < 0 ? rc : keep(worker->run, id, &joined.config, out);
}

int dd_find_fetch_config(struct dd_find_worker *worker, struct dd_find_subject *subject,
			 struct dd_error *err)
{
	struct dd_find_run_state *run = worker->run;
	int rc;

	if (subject->class == DD_CLASS_BLOB) {
		rc = dd_find_flags(&run->said, subject->id) & DD_SAID_CONFIG && subject->there ?
			     config_of_blob(worker, subject->id, &subject->config, err) :
			     0;
		return rc == DD_ENOMEM ? dd_fail(err, rc, 0, "read a config") : rc;
	}
	if (dd_find_manifest_of(run, subject) == DD_NO_ID)
		return 0;
	rc = is_index(run->graph, subject->id) ?
		     config_of_index(worker, subject->id, &subject->config, err) :
		     config_of_image(worker, subject->id, &subject->config, err);
	if (subject->config && subject->config->problem && !subject->problem)
		subject->problem = subject->config->problem;
	return rc == DD_ENOMEM ? dd_fail(err, rc, 0, "read a config") : rc;
}
