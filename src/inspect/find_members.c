/*
 * What may match, in the order in which it is told: repository by repository, in each its tags,
 * manifests, links and uploads; then what is stored, by digest.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/find.h"

/* A digest that will be told, by its order. */
struct ordered {
	struct dd_digest digest;
	uint32_t id, item;
	uint8_t kind;
};

struct members {
	struct dd_find_run_state *run;
	dd_find_member_fn *fn;
	void *arg;
	const struct dd_repository *repo;
	uint32_t index;
	size_t revisions;   /* of the repositories before this one */
	uint64_t *tag_bits; /* by id, of the repository's tags; NULL: nobody asks */
	uint8_t *signs;	    /* by id; NULL: nobody asks */
	DD_LIST(struct ordered) order;
};

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "list what may match");
}

static int compare_ordered(const void *left, const void *right)
{
	const struct ordered *a = left, *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->item != b->item && a->kind == DD_AT_HISTORY)
		return a->item < b->item ? -1 : 1;
	return dd_digest_compare(&a->digest, &b->digest);
}

static int put_in_order(struct members *members, uint8_t kind, uint32_t item, uint32_t id,
			struct dd_error *err)
{
	struct ordered *slot = dd_list_add(&members->order);

	if (!slot)
		return no_memory(err);
	slot->kind = kind;
	slot->item = item;
	slot->id = id;
	dd_ids_get(&members->run->graph->ids, id, &slot->digest);
	return 0;
}

static void sort(struct members *members)
{
	if (members->order.count)
		qsort(members->order.items, members->order.count, sizeof(*members->order.items),
		      compare_ordered);
}

static struct dd_find_subject subject_of(const struct members *members, unsigned class)
{
	return (struct dd_find_subject){
		.level = DD_KNOWN_OBJECT,
		.class = class,
		.repo = members->repo ? members->index : DD_NO_ID,
		.id = DD_NO_ID,
		.repository = members->repo ? members->repo->name : NULL,
		.state = DD_LINK_GOOD,
	};
}

/* ---- repositories and tags ---- */

static int tell_repository(struct members *members, struct dd_error *err)
{
	struct dd_find_subject subject = subject_of(members, DD_CLASS_REPOSITORY);
	const struct dd_repository *repo = members->repo;
	bool any = false;

	for (size_t i = 0; i < repo->tags.count; i++) {
		const struct dd_tag *tag = &repo->tags.items[i];

		if (dd_tag_is_empty(tag))
			continue;
		subject.tagged = any = true;
		if (tag->moved_ns > subject.mtime_ns)
			subject.mtime_ns = tag->moved_ns;
	}
	for (size_t i = 0; i < repo->revisions.count; i++)
		any |= repo->revisions.items[i].state != DD_LINK_ABSENT;
	subject.unneeded = !any;
	return members->fn(members->arg, &subject, err);
}

static int tell_tags(struct members *members, struct dd_error *err)
{
	const struct dd_find_run_state *run = members->run;
	int rc = 0;

	for (uint32_t i = 0; i < members->repo->tags.count && rc == 0; i++) {
		const struct dd_tag *tag = &members->repo->tags.items[i];
		struct dd_find_subject subject = subject_of(members, DD_CLASS_TAG);

		if ((run->surveyed && dd_tag_is_empty(tag)) ||
		    !dd_find_wants_tag(run, subject.repository, tag->name))
			continue;
		subject.item = i;
		subject.tag = tag->name;
		if (run->surveyed) {
			subject.state = tag->state;
			subject.mtime_ns = tag->moved_ns;
			subject.id = tag->current;
			subject.has_digest = tag->current != DD_NO_ID;
			subject.fetched = DD_FACT_DIGEST;
			if (tag->state != DD_LINK_GOOD && !subject.has_digest)
				subject.problem = tag->state == DD_LINK_ABSENT ?
							  "its current link is not there" :
							  "its current link holds no digest";
		}
		if (subject.has_digest) {
			dd_ids_get(&run->graph->ids, subject.id, &subject.digest);
			subject.signs = members->signs ? members->signs[subject.id] : 0;
		}
		rc = members->fn(members->arg, &subject, err);
	}
	return rc;
}

/* ---- manifests ---- */

static int tell_revisions(struct members *members, struct dd_error *err)
{
	const struct dd_repository *repo = members->repo;
	int rc = 0;

	members->order.count = 0;
	for (uint32_t i = 0; i < repo->revisions.count && rc == 0; i++)
		if (repo->revisions.items[i].state != DD_LINK_ABSENT)
			rc = put_in_order(members, 0, i, repo->revisions.items[i].id, err);
	sort(members);
	for (size_t i = 0; i < members->order.count && rc == 0; i++) {
		const struct ordered *one = &members->order.items[i];
		struct dd_find_subject subject = subject_of(members, DD_CLASS_REVISION);

		subject.item = one->item;
		subject.id = one->id;
		subject.digest = one->digest;
		subject.has_digest = true;
		subject.fetched = DD_FACT_DIGEST;
		if (members->run->tagged)
			subject.tagged = members->run->tagged[members->revisions + one->item];
		if (members->run->untagged)
			subject.untagged = members->run->untagged[members->revisions + one->item];
		if (members->tag_bits)
			subject.tag_bits = members->tag_bits[one->id];
		if (members->signs)
			subject.signs = members->signs[one->id];
		rc = members->fn(members->arg, &subject, err);
	}
	return rc;
}

/* ---- links and uploads ---- */

/* By the same rules as a collection: gc/gather.c. */
static bool is_unneeded(const struct members *members, enum dd_place_kind kind, uint32_t id)
{
	const struct dd_find_run_state *run = members->run;
	unsigned flags = run->graph->nodes.items[id].flags;

	if (!run->mark || !members->repo->valid || dd_mark_reached(run->mark, id))
		return false;
	if (kind == DD_AT_HISTORY)
		return true;
	return kind == DD_AT_LAYER && !(flags & (DD_NODE_WANTED | DD_NODE_READ)) &&
	       (flags & (DD_NODE_ALIAS | DD_NODE_REACHED)) != (DD_NODE_ALIAS | DD_NODE_REACHED);
}

static int put_links(struct members *members, struct dd_error *err)
{
	const struct dd_repository *repo = members->repo;
	int rc = 0;

	members->order.count = 0;
	for (size_t i = 0; i < repo->layers.count && rc == 0; i++)
		rc = put_in_order(members, DD_AT_LAYER, 0, repo->layers.items[i], err);
	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++)
		if (repo->revisions.items[i].state != DD_LINK_ABSENT)
			rc = put_in_order(members, DD_AT_REVISION, 0, repo->revisions.items[i].id,
					  err);
	for (uint32_t i = 0; i < repo->tags.count && rc == 0; i++) {
		const struct dd_tag *tag = &repo->tags.items[i];

		for (uint32_t k = 0; k < tag->history_count && rc == 0; k++)
			rc = put_in_order(members, DD_AT_HISTORY, i,
					  repo->histories.items[tag->history + k], err);
	}
	sort(members);
	return rc;
}

static int tell_links(struct members *members, struct dd_error *err)
{
	const struct dd_repository *repo = members->repo;
	struct dd_find_run_state *run = members->run;
	int rc = run->mark ? dd_mark_repository(run->mark, members->index, err) : 0;

	if (rc == 0)
		rc = put_links(members, err);
	for (size_t i = 0; i < members->order.count && rc == 0; i++) {
		const struct ordered *one = &members->order.items[i];
		struct dd_find_subject subject = subject_of(members, DD_CLASS_LINK);

		subject.link = one->kind;
		subject.id = one->id;
		subject.digest = one->digest;
		subject.has_digest = true;
		if (one->kind == DD_AT_HISTORY)
			subject.tag = repo->tags.items[one->item].name;
		subject.unneeded = is_unneeded(members, subject.link, one->id);
		rc = members->fn(members->arg, &subject, err);
	}
	for (size_t i = 0; i < repo->tags.count && rc == 0; i++) {
		const struct dd_tag *tag = &repo->tags.items[i];
		struct dd_find_subject subject = subject_of(members, DD_CLASS_LINK);

		subject.link = DD_AT_TAG;
		subject.tag = tag->name;
		subject.id = tag->current;
		subject.has_digest = tag->current != DD_NO_ID;
		if (subject.has_digest)
			dd_ids_get(&run->graph->ids, tag->current, &subject.digest);
		rc = members->fn(members->arg, &subject, err);
	}
	return rc;
}

static int tell_uploads(struct members *members, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < members->repo->uploads.count && rc == 0; i++) {
		struct dd_find_subject subject = subject_of(members, DD_CLASS_UPLOAD);

		subject.upload = members->repo->uploads.items[i].id;
		rc = members->fn(members->arg, &subject, err);
	}
	return rc;
}

/* ---- what is told for a whole repository ---- */

/* With the bits of this repository's tags; taken away again afterwards, by the same loop. */
static void set_tag_bits(struct members *members, bool on)
{
	const struct dd_find *find = members->run->find;

	for (size_t i = 0; i < members->repo->tags.count && members->tag_bits; i++) {
		const struct dd_tag *tag = &members->repo->tags.items[i];

		if (tag->current == DD_NO_ID)
			continue;
		if (!on)
			members->tag_bits[tag->current] = 0;
		for (size_t t = 0; t < find->tests.count && on; t++)
			if (!strcmp(find->tests.items[t]->kind->name, "-tag") &&
			    dd_find_glob(find->tests.items[t]->word, tag->name))
				members->tag_bits[tag->current] |= UINT64_C(1)
								   << find->tests.items[t]->number;
	}
}

static void sign(struct members *members, uint32_t subject, unsigned flags, bool on)
{
	uint8_t bits = (uint8_t)((flags & DD_SAID_SIGNATURE ? DD_SIGN_SIGNED : 0) |
				 (flags & DD_SAID_SBOM ? DD_SIGN_SBOM : 0));

	members->signs[subject] = on ? members->signs[subject] | bits : 0;
}

/* cosign's tags: sha256-<hex>.sig, .sbom, and .att, of which the manifest says what it attests. */
static void sign_by_tag(struct members *members, const struct dd_tag *tag, bool on)
{
	static const struct {
		const char *ending;
		unsigned flags;
	} endings[] = { { ".sig", DD_SAID_SIGNATURE }, { ".sbom", DD_SAID_SBOM }, { ".att", 0 } };
	const struct dd_find_run_state *run = members->run;
	const char *dash = strchr(tag->name, '-'), *dot = dash ? strchr(dash, '.') : NULL;
	int alg = dot ? dd_algorithm_parse(tag->name, (size_t)(dash - tag->name)) : -1;
	struct dd_digest digest;
	uint32_t id;

	if (alg < 0 || dd_digest_parse_hex(&digest, (enum dd_algorithm)alg, dash + 1,
					   (size_t)(dot - dash - 1)) < 0)
		return;
	id = dd_ids_find(&run->graph->ids, &digest);
	for (size_t i = 0; i < DD_COUNT(endings) && id != DD_NO_ID; i++)
		if (!strcmp(endings[i].ending, dot))
			sign(members, id,
			     endings[i].flags | (tag->current == DD_NO_ID ?
							 0 :
							 dd_find_flags(&run->said, tag->current)),
			     on);
}

/* The first attestation of an index, or of a later one. */
static size_t first_attest(const struct dd_find_said *said, uint32_t index)
{
	return dd_first_from(said->attests.items, said->attests.count, index, index);
}

static void set_signs(struct members *members, bool on)
{
	const struct dd_find_run_state *run = members->run;
	const struct dd_repository *repo = members->repo;
	const struct dd_find_said *said = &run->said;

	if (!members->signs)
		return;
	for (size_t i = 0; i < repo->tags.count; i++)
		sign_by_tag(members, &repo->tags.items[i], on);
	for (size_t i = 0; i < repo->revisions.count; i++) {
		uint32_t id = repo->revisions.items[i].id;
		uint32_t manifest = run->graph->nodes.items[id].manifest;

		if (repo->revisions.items[i].state == DD_LINK_ABSENT || manifest == DD_NO_ID)
			continue;
		if (run->graph->manifests.items[manifest].subject != DD_NO_ID)
			sign(members, run->graph->manifests.items[manifest].subject,
			     dd_find_flags(said, id), on);
		for (size_t k = first_attest(said, id);
		     k < said->attests.count && said->attests.items[k].index == id; k++) {
			const struct dd_find_attest *attest = &said->attests.items[k];
			unsigned flags = dd_find_flags(said, attest->attestation);

			sign(members, attest->subject, flags, on);
			sign(members, id, flags & DD_SAID_SBOM, on); /* of the index as a whole */
		}
	}
}

static int tell_members(struct members *members, struct dd_error *err)
{
	static const struct {
		unsigned class;
		int (*tell)(struct members *members, struct dd_error *err);
	} parts[] = { { DD_CLASS_REPOSITORY, tell_repository },
		      { DD_CLASS_TAG, tell_tags },
		      { DD_CLASS_REVISION, tell_revisions },
		      { DD_CLASS_LINK, tell_links },
		      { DD_CLASS_UPLOAD, tell_uploads } };
	const struct dd_find_run_state *run = members->run;
	int rc = 0;

	set_tag_bits(members, true);
	set_signs(members, true);
	for (size_t i = 0; i < DD_COUNT(parts) && rc == 0; i++)
		if (run->classes & parts[i].class &&
		    dd_find_wants_repository(run, parts[i].class, members->repo->name))
			rc = parts[i].tell(members, err);
	set_tag_bits(members, false);
	set_signs(members, false);
	return rc;
}

/* ---- what is stored ---- */

/* Or named, where it matters that it is not. */
static bool is_member(const struct dd_find_run_state *run, uint32_t id)
{
	unsigned flags = run->graph->nodes.items[id].flags;

	if (flags & DD_NODE_PRESENT)
		return true;
	return run->class_facts[dd_find_class_index(DD_CLASS_BLOB)] &
		       (DD_FACT_KIND | DD_FACT_NAMED) &&
	       dd_find_flags(&run->said, id) & (DD_SAID_LAYER | DD_SAID_CONFIG | DD_SAID_PART);
}

/* A key first: comparing digests one by one costs more than looking at them. */
struct key {
	uint64_t start;
	uint32_t id;
	uint8_t alg;
};

static int compare_keys(const void *left, const void *right, void *arg)
{
	const struct key *a = left, *b = right;
	const struct dd_ids *ids = arg;
	struct dd_digest one, two;

	if (a->alg != b->alg)
		return a->alg < b->alg ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	dd_ids_get(ids, a->id, &one);
	dd_ids_get(ids, b->id, &two);
	return dd_digest_compare(&one, &two);
}

static struct dd_find_subject blob_of(const struct members *members, uint32_t id)
{
	struct dd_find_subject subject = subject_of(members, DD_CLASS_BLOB);

	subject.id = id;
	subject.has_digest = true;
	dd_ids_get(&members->run->graph->ids, id, &subject.digest);
	return subject;
}

/* Most do not match, and what needs no look is told before they are put in order. */
static bool may_match(const struct members *members, struct dd_find_subject *subject)
{
	subject->level = DD_KNOWN_WEIGHED;
	dd_find_evaluate(members->run->find->root, subject, members->run, NULL);
	return subject->acts;
}

static int tell_blobs(struct members *members, struct dd_error *err)
{
	struct dd_graph *graph = members->run->graph;
	DD_AUTOFREE struct key *keys = calloc(graph->nodes.count + 1, sizeof(*keys));
	size_t count = 0;
	int rc = 0;

	if (!keys)
		return no_memory(err);
	members->repo = NULL;
	for (uint32_t id = 0; id < graph->nodes.count; id++) {
		struct dd_find_subject subject;

		if (!is_member(members->run, id))
			continue;
		subject = blob_of(members, id);
		if (may_match(members, &subject))
			keys[count++] = (struct key){ dd_digest_start(&subject.digest), id,
						      subject.digest.alg };
	}
	if (count)
		qsort_r(keys, count, sizeof(*keys), compare_keys, &graph->ids);
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct dd_find_subject subject;

		if (i + DD_IDS_AHEAD < count)
			dd_ids_prefetch_id(&graph->ids, keys[i + DD_IDS_AHEAD].id);
		subject = blob_of(members, keys[i].id);
		rc = members->fn(members->arg, &subject, err);
	}
	return rc;
}

int dd_find_members(struct dd_find_run_state *run, dd_find_member_fn *fn, void *arg,
		    struct dd_error *err)
{
	const struct dd_survey *survey = run->survey;
	struct members members = { .run = run, .fn = fn, .arg = arg };
	size_t count = run->graph->nodes.count + 1;
	int rc = 0;

	if (run->class_facts[dd_find_class_index(DD_CLASS_REVISION)] & DD_FACT_TAGS) {
		members.tag_bits = calloc(count, sizeof(*members.tag_bits));
		rc = members.tag_bits ? 0 : no_memory(err);
	}
	if (rc == 0 && run->facts & DD_FACT_SIGNS) {
		members.signs = calloc(count, sizeof(*members.signs));
		rc = members.signs ? 0 : no_memory(err);
	}
	for (uint32_t i = 0; i < survey->repositories.count && rc == 0; i++) {
		members.repo = survey->repositories.items[i];
		members.index = i;
		rc = tell_members(&members, err);
		members.revisions += members.repo->revisions.count;
	}
	if (rc == 0 && run->classes & DD_CLASS_BLOB)
		rc = tell_blobs(&members, err);
	free(members.tag_bits);
	free(members.signs);
	dd_list_release(&members.order);
	return rc;
}
