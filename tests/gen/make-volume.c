/*
 * Makes registry volumes of any size, laid out exactly as registry:2 does, for
 * tests and benchmarks: digests are right, manifests are valid, and the same
 * options give the same volume (but for times, which are counted back from
 * now; a ctime cannot be set at all).
 *
 * Each repository has tags; each tag pointed to one revision after another,
 * and what it pointed to before is untagged now but still there, as after any
 * `docker push` of the same tag. Each image has layers of its own and layers
 * of a base that the repository's images of the same age share; at each move
 * of the tags the base is a new one.
 */
#include "content.h"
#include "damage.h"
#include "settings.h"

#include <time.h>

struct maker {
	struct settings set;
	struct writer w;
	struct text text;
	char *bytes;	       /* one layer */
	struct part empty;     /* the blob "{}" */
	struct part *base;     /* the shared layers, a row a generation */
	struct part *parts;    /* one image's layers */
	struct part *children; /* one index's images */
	struct victim victims[DAMAGE_KINDS];
};

/* The repository being written. */
struct repository {
	char name[256];
	uint64_t number;
	const struct family *types;
	uint64_t images; /* so far; an image's number */
	uint64_t uploads;
	bool empty_linked;
	int dir, layers, revisions, tags; /* directories, the latter at the level of the hex */
};

static struct part put_layer(struct maker *m, enum layer_kind kind, uint64_t owner, uint64_t number)
{
	size_t len = m->set.layer_bytes;

	fill_layer(m->bytes, len, m->set.seed, kind, owner, number);
	return (struct part){ .hex = put_blob(&m->w, m->bytes, len), .size = len };
}

static struct part put_text(struct maker *m)
{
	return (struct part){ .hex = put_blob(&m->w, m->text.at, m->text.len),
			      .size = m->text.len };
}

static struct part put_manifest(struct maker *m, struct repository *repo)
{
	struct part manifest = put_text(m);

	put_link(&m->w, repo->revisions, manifest.hex.text, &manifest.hex);
	m->w.manifests++;
	return manifest;
}

static void link_layer(struct maker *m, struct repository *repo, const struct part *layer)
{
	put_link(&m->w, repo->layers, layer->hex.text, &layer->hex);
}

static void make_referrer(struct maker *m, struct repository *repo, const struct part *image)
{
	struct part sbom = put_layer(m, LAYER_SBOM, repo->number, repo->images);

	link_layer(m, repo, &sbom);
	if (!repo->empty_linked)
		link_layer(m, repo, &m->empty);
	repo->empty_linked = true;
	referrer_text(&m->text, &m->empty, &sbom, repo->types, image);
	put_manifest(m, repo);
}

/* Leaves the image's layers in m->parts. */
static struct part make_image(struct maker *m, struct repository *repo, uint64_t generation,
			      const char *platform)
{
	const struct settings *set = &m->set;
	uint64_t number = repo->images++;
	struct part config, image;
	char label[sizeof(repo->name) + 64];

	memcpy(m->parts, m->base + generation * set->shared, set->shared * sizeof(*m->parts));
	for (uint64_t i = set->shared; i < set->layers; i++) {
		m->parts[i] = put_layer(m, LAYER_OWN, repo->number, number * set->layers + i);
		link_layer(m, repo, &m->parts[i]);
	}
	snprintf(label, sizeof(label), "%s-%" PRIu64 "-%" PRIu64, repo->name, number, set->seed);
	config_text(&m->text, label, platform, m->parts, set->layers);
	config = put_text(m);
	link_layer(m, repo, &config);
	manifest_text(&m->text, repo->types, &config, m->parts, set->layers);
	image = put_manifest(m, repo);
	/* Evenly spread: as many as the percentage of all images so far asks for. */
	if ((number + 1) * set->referrers / 100 > number * set->referrers / 100)
		make_referrer(m, repo, &image);
	return image;
}

static struct part make_index(struct maker *m, struct repository *repo, uint64_t generation)
{
	for (uint64_t i = 0; i < m->set.platforms; i++)
		m->children[i] = make_image(m, repo, generation, platform_name(i));
	index_text(&m->text, repo->types, m->children, m->set.platforms);
	return put_manifest(m, repo);
}

static void remember_victims(struct maker *m, const struct repository *repo, uint64_t tag,
			     const char *name, const struct hex *manifest)
{
	for (size_t i = 0; i < DAMAGE_KINDS; i++) {
		struct victim *victim = &m->victims[i];

		if (repo->number != i % m->set.repositories ||
		    tag != i / m->set.repositories % m->set.tags)
			continue;
		snprintf(victim->repository, sizeof(victim->repository), "%s", repo->name);
		snprintf(victim->tag, sizeof(victim->tag), "%s", name);
		victim->manifest = *manifest;
		/* The last layer is the image's own, if it has one. */
		if (m->set.layers > 0)
			victim->layer = m->parts[m->set.layers - 1].hex;
	}
}

static void make_tag(struct maker *m, struct repository *repo, uint64_t number)
{
	bool is_index = m->set.index_every && (number + 1) % m->set.index_every == 0;
	struct part revision = { 0 };
	char name[32];
	int tag, history;

	snprintf(name, sizeof(name), "v%" PRIu64, number);
	tag = make_enter_dir(&m->w, repo->tags, name);
	make_dir(&m->w, tag, "index");
	history = make_enter_dir(&m->w, tag, "index/sha256");
	for (uint64_t generation = 0; generation <= m->set.moves; generation++) {
		revision = is_index ? make_index(m, repo, generation) :
				      make_image(m, repo, generation, platform_name(0));
		put_link(&m->w, history, revision.hex.text, &revision.hex);
	}
	put_link(&m->w, tag, "current", &revision.hex);
	remember_victims(m, repo, number, name, &revision.hex);
	leave_dir(&m->w, history);
	set_age(&m->w, tag, "index");
	leave_dir(&m->w, tag);
	m->w.tags++;
}

/* What a client left that was killed between two PATCHes. */
static void make_upload(struct maker *m, struct repository *repo, int uploads)
{
	uint64_t state = m->set.seed ^ (repo->number << 32) ^ repo->uploads;
	uint64_t high = next_random(&state), low = next_random(&state);
	char id[64], started[sizeof("2006-01-02T15:04:05Z")], offset[32];
	struct tm utc;
	int dir, states;

	snprintf(id, sizeof(id),
		 "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-a%03" PRIx64 "-%012" PRIx64,
		 high >> 32, high >> 16 & 0xffff, high & 0xfff, low >> 48 & 0xfff,
		 low & 0xffffffffffff);
	strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&m->w.when.tv_sec, &utc));
	dir = make_enter_dir(&m->w, uploads, id);
	write_file(&m->w, dir, "startedat", started, strlen(started));
	fill_layer(m->bytes, m->set.layer_bytes, m->set.seed, LAYER_UPLOAD, repo->number,
		   repo->uploads);
	write_file(&m->w, dir, "data", m->bytes, m->set.layer_bytes);
	make_dir(&m->w, dir, "hashstates");
	states = make_enter_dir(&m->w, dir, "hashstates/sha256");
	snprintf(offset, sizeof(offset), "%" PRIu64, m->set.layer_bytes);
	write_file(&m->w, states, offset, m->bytes, LAYER_MIN);
	leave_dir(&m->w, states);
	set_age(&m->w, dir, "hashstates");
	leave_dir(&m->w, dir);
	repo->uploads++;
}

static void make_uploads(struct maker *m, struct repository *repo)
{
	const struct settings *set = &m->set;
	uint64_t n = set->uploads / set->repositories +
		     (repo->number < set->uploads % set->repositories);
	int uploads;

	uploads = make_enter_dir(&m->w, repo->dir, "_uploads");
	for (uint64_t i = 0; i < n; i++)
		make_upload(m, repo, uploads);
	leave_dir(&m->w, uploads);
}

/*
 * Nested names come in threes, each the parent of the next, as a/b and a/b/c
 * may be repositories like a itself.
 */
static int enter_repository(struct maker *m, struct repository *repo, int repositories)
{
	uint64_t number = repo->number;
	uint64_t group = number / 3;

	if (!m->set.nested)
		snprintf(repo->name, sizeof(repo->name), "app-%05" PRIu64, number);
	else if (number % 3 == 0)
		snprintf(repo->name, sizeof(repo->name), "team-%05" PRIu64, group);
	else if (number % 3 == 1)
		snprintf(repo->name, sizeof(repo->name), "team-%05" PRIu64 "/app", group);
	else
		snprintf(repo->name, sizeof(repo->name), "team-%05" PRIu64 "/app/part_b.c", group);
	return make_enter_dir(&m->w, repositories, repo->name);
}

static void make_base(struct maker *m, struct repository *repo)
{
	uint64_t n = (m->set.moves + 1) * m->set.shared;

	for (uint64_t i = 0; i < n; i++) {
		m->base[i] = put_layer(m, LAYER_BASE, repo->number, i);
		link_layer(m, repo, &m->base[i]);
	}
}

static void make_repository(struct maker *m, int repositories, uint64_t number)
{
	struct repository repo = { .number = number };

	repo.types = number % 2 ? &oci_types : &docker_types;
	repo.dir = enter_repository(m, &repo, repositories);
	make_dir(&m->w, repo.dir, "_layers");
	repo.layers = make_enter_dir(&m->w, repo.dir, "_layers/sha256");
	make_dir(&m->w, repo.dir, "_manifests");
	make_dir(&m->w, repo.dir, "_manifests/revisions");
	repo.revisions = make_enter_dir(&m->w, repo.dir, "_manifests/revisions/sha256");
	repo.tags = make_enter_dir(&m->w, repo.dir, "_manifests/tags");
	make_base(m, &repo);
	for (uint64_t i = 0; i < m->set.tags; i++)
		make_tag(m, &repo, i);
	for (uint64_t i = 0; i < m->set.untagged; i++)
		make_image(m, &repo, m->set.moves, platform_name(0));
	make_uploads(m, &repo);
	leave_dir(&m->w, repo.tags);
	leave_dir(&m->w, repo.revisions);
	leave_dir(&m->w, repo.layers);
	set_age(&m->w, repo.dir, "_manifests/revisions");
	set_age(&m->w, repo.dir, "_manifests");
	set_age(&m->w, repo.dir, "_layers");
	leave_dir(&m->w, repo.dir);
}

/* The directories between, which a later repository was made in. */
static void age_parents(struct maker *m, int repositories)
{
	char name[64];

	for (uint64_t i = 0; m->set.nested && !m->w.dry && i < m->set.repositories; i += 3) {
		snprintf(name, sizeof(name), "team-%05" PRIu64, i / 3);
		set_age(&m->w, repositories, name);
		snprintf(name, sizeof(name), "team-%05" PRIu64 "/app", i / 3);
		if (i + 1 < m->set.repositories)
			set_age(&m->w, repositories, name);
	}
}

static void *room_for(uint64_t n, size_t size)
{
	void *room = n < SIZE_MAX / size ? calloc(n + 1, size) : NULL;

	if (!room)
		errx(3, "no memory for %" PRIu64 " things of %zu bytes", n, size);
	return room;
}

static void make_volume(struct maker *m)
{
	const struct settings *set = &m->set;
	int repositories;

	m->bytes = room_for(set->layer_bytes, 1);
	m->base = room_for((set->moves + 1) * set->shared, sizeof(*m->base));
	m->parts = room_for(set->layers, sizeof(*m->parts));
	m->children = room_for(set->platforms, sizeof(*m->children));
	writer_open(&m->w, set->out);
	repositories = make_enter_dir(&m->w, m->w.volume, "repositories");
	if (set->referrers > 0)
		m->empty = (struct part){ .hex = put_blob(&m->w, "{}", 2), .size = 2 };
	for (uint64_t i = 0; i < set->repositories; i++)
		make_repository(m, repositories, i);
	for (uint64_t i = 0; i < set->orphans; i++)
		put_layer(m, LAYER_ORPHAN, 0, i);
	age_parents(m, repositories);
	leave_dir(&m->w, repositories);
	if (!m->w.dry)
		do_damage(&m->w, set->damage, m->victims);
	writer_close(&m->w);
	free(m->children);
	free(m->parts);
	free(m->base);
	free(m->bytes);
	free(m->text.at);
}

int main(int argc, char **argv)
{
	struct maker m = { 0 };

	read_settings(&m.set, argc, argv);
	m.w.dry = m.set.need;
	m.w.when.tv_sec = time(NULL) - (time_t)m.set.age;
	make_volume(&m);
	if (m.set.need)
		printf("%" PRIu64 " inodes, %" PRIu64 " bytes\n", m.w.inodes, m.w.bytes);
	else
		printf("%s: %" PRIu64 " blobs (%" PRIu64 " manifests), %" PRIu64 " tags, %" PRIu64
		       " links\n",
		       m.set.out, m.w.blobs, m.w.manifests, m.w.tags, m.w.links);
	return fflush(stdout) || ferror(stdout) ? 3 : 0;
}
