/*
 * References in an expression: what they name here.
 */
#include <string.h>

#include <drydock/reference.h>

#include "base/cleanup.h"
#include "inspect/find.h"
#include "store/resolve.h"

/* ---- -newer ---- */

static int resolve_newer(struct dd_find_run_state *run, struct dd_find_test *test,
			 struct dd_error *err)
{
	struct dd_reference reference;
	struct dd_place place = { .kind = DD_AT_BLOB };
	struct dd_info info;
	int rc = dd_reference_parse(&reference, test->word, err);

	if (rc < 0)
		return rc;
	place.repository = reference.repository;
	place.tag = reference.tag;
	if (reference.tag[0])
		place.kind = DD_AT_TAG;
	else if (reference.repository[0])
		place.kind = DD_AT_REVISION;
	rc = dd_resolve(run->store, &reference, &place.digest, err);
	if (rc == 0)
		rc = dd_store_stat(run->store, &place, &info, err);
	if (rc == 0)
		test->time_ns = info.mtime_ns;
	return rc;
}

/* ---- -layer-of ---- */

struct layers {
	struct dd_find_run_state *run;
	struct dd_find_test *test;
	struct dd_manifest_parser *parser;
	struct dd_buffer buffer;
	DD_LIST(struct dd_digest) pending;
	struct dd_ids seen;
};

static int push(struct layers *layers, const struct dd_digest *digest, struct dd_error *err)
{
	uint32_t count = layers->seen.count, id = dd_ids_intern(&layers->seen, digest);
	struct dd_digest *slot;

	if (id != DD_NO_ID && id < count)
		return 0;
	slot = id == DD_NO_ID ? NULL : dd_list_add(&layers->pending);
	if (!slot)
		return dd_fail(err, DD_ENOMEM, 0, "read manifests");
	*slot = *digest;
	return 0;
}

static int take_parts(struct layers *layers, const struct dd_manifest *manifest,
		      struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < manifest->count && rc == 0; i++) {
		const struct dd_descriptor *part = &manifest->descriptors[i];
		uint32_t id;

		if (part->legacy)
			continue;
		if (part->role == DD_ROLE_CHILD && part->is_manifest) {
			rc = push(layers, &part->digest, err);
		} else if (part->role == DD_ROLE_LAYER || part->role == DD_ROLE_BLOB) {
			id = dd_graph_intern(layers->run->graph, &part->digest);
			if (id == DD_NO_ID || dd_find_mark(layers->test, id) < 0)
				rc = dd_fail(err, DD_ENOMEM, 0, "read manifests");
		}
	}
	return rc;
}

/* An index names what need not be here; only what was asked for has to be. */
static int read_manifests(struct layers *layers, struct dd_error *err)
{
	struct dd_place place = { .kind = DD_AT_BLOB };
	bool first = true;
	int rc = dd_manifest_parser_open(&layers->parser, err);

	while (rc == 0 && layers->pending.count) {
		const struct dd_manifest *manifest;
		struct dd_error own = { 0 };

		place.digest = layers->pending.items[--layers->pending.count];
		rc = dd_store_read(layers->run->store, &place, DD_MANIFEST_MAX, &layers->buffer,
				   NULL, &own);
		if (rc == 0)
			rc = dd_manifest_verify_and_parse(layers->parser, &place.digest,
							  layers->buffer.bytes, layers->buffer.len,
							  NULL, &manifest, &own);
		if (rc == 0) {
			rc = take_parts(layers, manifest, err);
		} else if (first || rc == DD_ENOMEM) {
			if (err)
				*err = own;
		} else {
			if (rc != DD_ENOENT)
				dd_find_problem(layers->run, dd_find_place_text(&place),
						dd_code_text(rc));
			rc = 0;
		}
		first = false;
	}
	return rc;
}

static int resolve_layers(struct dd_find_run_state *run, struct dd_find_test *test,
			  struct dd_error *err)
{
	struct layers layers = { .run = run, .test = test };
	struct dd_reference reference;
	struct dd_digest digest;
	int rc = dd_reference_parse(&reference, test->word, err);

	if (rc == 0)
		rc = dd_resolve(run->store, &reference, &digest, err);
	if (rc == 0)
		rc = push(&layers, &digest, err);
	if (rc == 0)
		rc = read_manifests(&layers, err);
	dd_manifest_parser_closep(&layers.parser);
	dd_buffer_release(&layers.buffer);
	dd_ids_release(&layers.seen);
	dd_list_release(&layers.pending);
	return rc;
}

int dd_find_resolve(struct dd_find_run_state *run, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < run->find->tests.count && rc == 0; i++) {
		struct dd_find_test *test = run->find->tests.items[i];

		if (!strcmp(test->kind->name, "-newer") && !test->timed)
			rc = resolve_newer(run, test, err);
		else if (!strcmp(test->kind->name, "-layer-of"))
			rc = resolve_layers(run, test, err);
		if (rc < 0)
			dd_wrap(err, rc, "%s", test->kind->name);
	}
	return rc;
}

/* ---- -contains ---- */

static int resolve_contained(struct dd_find_run_state *run, struct dd_find_test *test,
			     struct dd_error *err)
{
	const struct dd_ids *ids = &run->graph->ids;
	struct dd_digest digest, other;
	char text[DD_DIGEST_TEXT];
	uint32_t found = DD_NO_ID;

	if (dd_digest_parse(&digest, test->word, strlen(test->word)) == 0)
		found = dd_ids_find(ids, &digest);
	for (uint32_t id = 0; id < ids->count && found == DD_NO_ID; id++) {
		dd_ids_get(ids, id, &digest);
		if (!strncmp(dd_digest_format(&digest, text), test->word, strlen(test->word)))
			found = id;
	}
	for (uint32_t id = found == DD_NO_ID ? ids->count : found + 1;
	     id < ids->count && dd_digest_parse(&other, test->word, strlen(test->word)) < 0; id++) {
		dd_ids_get(ids, id, &other);
		if (!strncmp(dd_digest_format(&other, text), test->word, strlen(test->word)))
			return dd_fail(err, DD_EAMBIGUOUS, 0, "-contains: '%s' could be %s or %s",
				       test->word, dd_digest_text(&digest), text);
	}
	if (found == DD_NO_ID)
		return dd_fail(err, DD_ENOENT, 0, "-contains: nothing here names %s", test->word);
	test->amount.value = found;
	return 0;
}

int dd_find_resolve_contained(struct dd_find_run_state *run, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < run->find->tests.count && rc == 0; i++)
		if (!strcmp(run->find->tests.items[i]->kind->name, "-contains"))
			rc = resolve_contained(run, run->find->tests.items[i], err);
	return rc;
}
