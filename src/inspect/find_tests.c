/*
 * The tests: a table of what there is, which classes of objects each is about, and what it needs.
 */
#include <fnmatch.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/find.h"

#define MATCH(name)                                                      \
	static enum dd_truth name(const struct dd_find_test *test,       \
				  const struct dd_find_subject *subject, \
				  const struct dd_find_run_state *run)

/* clang-format off */
#define UNUSED (void)test, (void)subject, (void)run
/* clang-format on */

MATCH(match_class)
{
	UNUSED;
	return DD_TRUE; /* of other classes it is false already */
}

MATCH(match_false)
{
	UNUSED;
	return DD_FALSE;
}

MATCH(match_blob)
{
	UNUSED;
	return subject->there;
}

MATCH(match_kind)
{
	unsigned flags = dd_find_flags(&run->said, subject->id);
	uint32_t manifest = dd_find_manifest_of(run, subject);
	const struct dd_manifest_node *node =
		manifest == DD_NO_ID ? NULL : &run->graph->manifests.items[manifest];

	switch (test->type) {
	case DD_FIND_LAYER:
		return flags & DD_SAID_LAYER ? DD_TRUE : DD_FALSE;
	case DD_FIND_CONFIG:
		return flags & DD_SAID_CONFIG ? DD_TRUE : DD_FALSE;
	case DD_FIND_INDEX:
		return node && dd_manifest_type_is_index((enum dd_manifest_type)node->type);
	default:
		return node && node->subject != DD_NO_ID;
	}
}

/* As drydock rm has it: "*" does not match a slash. */
MATCH(match_repo)
{
	if (subject->class == DD_CLASS_BLOB)
		return run && dd_find_is_marked(test, subject->id);
	return !strcmp(test->word, subject->repository) ||
	       fnmatch(test->word, subject->repository, FNM_PATHNAME) == 0;
}

MATCH(match_tag)
{
	(void)run;
	if (subject->class == DD_CLASS_TAG)
		return dd_find_glob(test->word, subject->tag);
	return subject->tag_bits >> test->number & 1;
}

MATCH(match_name)
{
	const char *slash = subject->repository ? strrchr(subject->repository, '/') : NULL;
	char digest[DD_DIGEST_TEXT];

	(void)run;
	switch (subject->class) {
	case DD_CLASS_REPOSITORY:
		return dd_find_glob(test->word, slash ? slash + 1 : subject->repository);
	case DD_CLASS_TAG:
		return dd_find_glob(test->word, subject->tag);
	case DD_CLASS_UPLOAD:
		return dd_find_glob(test->word, subject->upload);
	case DD_CLASS_LINK:
		return dd_find_glob(test->word, dd_place_kind_name(subject->link));
	default:
		return dd_find_glob(test->word, dd_digest_format(&subject->digest, digest));
	}
}

MATCH(match_digest)
{
	char text[DD_DIGEST_TEXT], *begin = text;

	(void)run;
	if (!subject->has_digest)
		return DD_FALSE;
	dd_digest_format(&subject->digest, text);
	if (!strchr(test->word, ':'))
		begin = strchr(text, ':') + 1;
	return !strncmp(begin, test->word, strlen(test->word));
}

MATCH(match_marked)
{
	(void)run;
	return dd_find_is_marked(test, subject->id);
}

/* What the config says, else what an index says of it; of an index that of any of its images. */
MATCH(match_platform)
{
	(void)run;
	return subject->config ? subject->config->platforms >> test->number & 1 :
				 dd_find_is_marked(test, subject->id);
}

MATCH(match_label)
{
	(void)run;
	return subject->config && (subject->config->labels >> test->number & 1);
}

static bool age_matches(const struct dd_find_test *test, int64_t time_ns, int64_t now_ns)
{
	int64_t age;

	/* What is of the future is younger than anything. */
	if (!time_ns || __builtin_sub_overflow(now_ns, time_ns, &age))
		return false;
	return age < 0 ? test->amount.sign == '-' : dd_find_compare(&test->amount, (uint64_t)age);
}

MATCH(match_created)
{
	return subject->config && age_matches(test, subject->config->created_ns, run->now_ns);
}

MATCH(match_mtime)
{
	return age_matches(test, subject->mtime_ns, run->now_ns);
}

MATCH(match_newer)
{
	(void)run;
	return subject->mtime_ns > test->time_ns;
}

MATCH(match_size)
{
	(void)run;
	return dd_find_compare(&test->amount, subject->size);
}

MATCH(match_refs)
{
	return dd_find_compare(&test->amount, run->refs[subject->id]);
}

MATCH(match_repos)
{
	return dd_find_compare(&test->amount, run->repos[subject->id]);
}

MATCH(match_shared)
{
	(void)test;
	return run->refs[subject->id] > 1 || run->repos[subject->id] > 1;
}

MATCH(match_tagged)
{
	(void)test;
	return subject->class == DD_CLASS_TAG || subject->tagged ||
	       (subject->class == DD_CLASS_BLOB &&
		(dd_find_flags(&run->said, subject->id) & DD_SAID_TAGGED));
}

MATCH(match_untagged)
{
	UNUSED;
	return subject->untagged;
}

MATCH(match_unreferenced)
{
	(void)test;
	if (run->everything_held)
		return DD_FALSE;
	if (subject->class == DD_CLASS_LINK)
		return subject->unneeded;
	return run->graph->nodes.items[subject->id].flags & DD_NODE_PRESENT &&
	       !(dd_find_flags(&run->said, subject->id) & DD_SAID_REACHED);
}

MATCH(match_dangling)
{
	(void)test;
	if (subject->class == DD_CLASS_BLOB)
		return !subject->there && !subject->stored && !subject->unsure &&
		       !(dd_find_flags(&run->said, subject->id) & DD_SAID_EXTERNAL);
	return !subject->stored && !subject->unsure;
}

MATCH(match_corrupt)
{
	(void)test;
	return dd_find_flags(&run->said, subject->id) &
			       (subject->class == DD_CLASS_BLOB ? DD_SAID_CORRUPT :
								  DD_SAID_SPOILT) ?
		       DD_TRUE :
		       DD_FALSE;
}

MATCH(match_signed)
{
	UNUSED;
	return subject->signs & DD_SIGN_SIGNED ? DD_TRUE : DD_FALSE;
}

MATCH(match_sbom)
{
	UNUSED;
	return subject->signs & DD_SIGN_SBOM ? DD_TRUE : DD_FALSE;
}

MATCH(match_contains)
{
	const struct dd_repository *repo;

	if (subject->class != DD_CLASS_REPOSITORY)
		return dd_find_is_marked(test, subject->id) ||
		       (subject->class == DD_CLASS_TAG && subject->id != DD_NO_ID &&
			subject->id == test->amount.value);
	repo = run->survey->repositories.items[subject->repo];
	for (size_t i = 0; i < repo->revisions.count; i++)
		if (repo->revisions.items[i].state != DD_LINK_ABSENT &&
		    (dd_find_is_marked(test, repo->revisions.items[i].id) ||
		     repo->revisions.items[i].id == test->amount.value))
			return DD_TRUE;
	return DD_FALSE;
}

MATCH(match_empty)
{
	(void)test;
	(void)run;
	if (subject->class == DD_CLASS_REPOSITORY)
		return subject->unneeded; /* told when it was listed */
	return (subject->there || subject->class == DD_CLASS_UPLOAD) && subject->size == 0;
}

/* ---- the table ---- */

#define R DD_CLASS_REPOSITORY
#define T DD_CLASS_TAG
#define M DD_CLASS_REVISION
#define B DD_CLASS_BLOB
#define U DD_CLASS_UPLOAD
#define L DD_CLASS_LINK
#define FACT(name) DD_FACT_##name

/* Facts decide the level where a class has them: a name is known sooner than what it names. */

/* clang-format off */
static const struct dd_find_kind kinds[] = {
	{ "-true", NULL, DD_CLASS_ALL, 0, DD_KNOWN_CLASS, 0, NULL, match_class },
	{ "-false", NULL, DD_CLASS_ALL, 0, DD_KNOWN_CLASS, 0, NULL, match_false },
	{ "-repo", "GLOB", DD_CLASS_ALL, FACT(REPOS), DD_KNOWN_REPOSITORY, 10, dd_find_parse_glob, match_repo },
	{ "-tag", "GLOB", T | M, FACT(TAGS), DD_KNOWN_NAME, 12, dd_find_parse_glob, match_tag },
	{ "-name", "GLOB", DD_CLASS_ALL, 0, DD_KNOWN_NAME, 12, dd_find_parse_glob, match_name },
	{ "-digest", "PREFIX", T | M | B | L, FACT(DIGEST), DD_KNOWN_OBJECT, 15, dd_find_parse_digest, match_digest },
	{ "-layer-of", "REF", B, FACT(LAYER_OF), DD_KNOWN_OBJECT, 18, dd_find_parse_reference, match_marked },
	{ "-contains", "DIGEST", R | T | M, FACT(CONTAINS), DD_KNOWN_OBJECT, 20, dd_find_parse_contained, match_contains },
	{ "-mediatype", "GLOB", T | M | B, FACT(READ), DD_KNOWN_OBJECT, 20, dd_find_parse_glob, match_marked },
	{ "-artifact-type", "GLOB", T | M, FACT(READ), DD_KNOWN_OBJECT, 20, dd_find_parse_glob, match_marked },
	{ "-annotation", "KEY[=GLOB]", T | M | B, FACT(READ), DD_KNOWN_OBJECT, 20, dd_find_parse_pair, match_marked },
	{ "-tagged", NULL, R | T | M | B, FACT(TAGGED), DD_KNOWN_OBJECT, 20, NULL, match_tagged },
	{ "-untagged", NULL, M, FACT(UNTAGGED), DD_KNOWN_OBJECT, 20, NULL, match_untagged },
	{ "-refs", "[+-]N", M | B, FACT(COUNT), DD_KNOWN_OBJECT, 22, dd_find_parse_count, match_refs },
	{ "-repos", "[+-]N", M | B, FACT(COUNT), DD_KNOWN_OBJECT, 22, dd_find_parse_count, match_repos },
	{ "-shared", NULL, M | B, FACT(COUNT), DD_KNOWN_OBJECT, 22, NULL, match_shared },
	{ "-signed", NULL, T | M, FACT(SIGNS), DD_KNOWN_OBJECT, 22, NULL, match_signed },
	{ "-has-sbom", NULL, T | M, FACT(SIGNS), DD_KNOWN_OBJECT, 22, NULL, match_sbom },
	{ "-corrupt", NULL, T | M | B, FACT(STATE), DD_KNOWN_OBJECT, 24, NULL, match_corrupt },
	{ "-mtime", "[+-]AGE", DD_CLASS_ALL, FACT(LOOK), DD_KNOWN_OBJECT, 40, dd_find_parse_age, match_mtime },
	{ "-newer", "TIME|REF", DD_CLASS_ALL, FACT(LOOK), DD_KNOWN_OBJECT, 40, dd_find_parse_newer, match_newer },
	{ "-unreferenced", NULL, B | L, FACT(REACH), DD_KNOWN_OBJECT, 21, NULL, match_unreferenced },
	{ "-empty", NULL, R | B | U, FACT(CONTENT) | FACT(LOOK), DD_KNOWN_OBJECT, 42, NULL, match_empty },
	{ "-size", "[+-]SIZE", DD_CLASS_ALL, FACT(SIZE), DD_KNOWN_OBJECT, 44, dd_find_parse_size, match_size },
	{ "-dangling", NULL, T | M | B | L, FACT(DIGEST) | FACT(STORED) | FACT(NAMED) | FACT(LOOK), DD_KNOWN_OBJECT, 46, NULL, match_dangling },
	{ "-platform", "OS/ARCH[/VARIANT]", T | M, FACT(PLATFORM), DD_KNOWN_OBJECT, 60, dd_find_parse_platform, match_platform },
	{ "-label", "KEY[=GLOB]", T | M | B, FACT(CONFIG), DD_KNOWN_OBJECT, 60, dd_find_parse_pair, match_label },
	{ "-created", "[+-]AGE", T | M | B, FACT(CONFIG), DD_KNOWN_OBJECT, 60, dd_find_parse_age, match_created },
};

static const struct dd_find_kind type_kinds[DD_FIND_TYPE_COUNT] = {
	[DD_FIND_REPOSITORY] = { "-type", NULL, R, 0, DD_KNOWN_CLASS, 1, NULL, match_class },
	[DD_FIND_TAG] = { "-type", NULL, T, 0, DD_KNOWN_CLASS, 1, NULL, match_class },
	[DD_FIND_MANIFEST] = { "-type", NULL, M, 0, DD_KNOWN_CLASS, 1, NULL, match_class },
	[DD_FIND_INDEX] = { "-type", NULL, M, FACT(KIND), DD_KNOWN_OBJECT, 16, NULL, match_kind },
	[DD_FIND_REFERRER] = { "-type", NULL, M, FACT(KIND), DD_KNOWN_OBJECT, 16, NULL, match_kind },
	[DD_FIND_CONFIG] = { "-type", NULL, B, FACT(KIND), DD_KNOWN_OBJECT, 16, NULL, match_kind },
	[DD_FIND_LAYER] = { "-type", NULL, B, FACT(KIND), DD_KNOWN_OBJECT, 16, NULL, match_kind },
	[DD_FIND_BLOB] = { "-type", NULL, B, FACT(LOOK), DD_KNOWN_OBJECT, 30, NULL, match_blob },
	[DD_FIND_UPLOAD] = { "-type", NULL, U, 0, DD_KNOWN_CLASS, 1, NULL, match_class },
	[DD_FIND_LINK] = { "-type", NULL, L, 0, DD_KNOWN_CLASS, 1, NULL, match_class },
};
/* clang-format on */

const struct dd_find_kind *dd_find_kind_at(size_t index)
{
	return index < DD_COUNT(kinds) ? &kinds[index] : NULL;
}

const struct dd_find_kind *dd_find_kind_of(const char *name)
{
	for (size_t i = 0; i < DD_COUNT(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

const struct dd_find_kind *dd_find_kind_of_type(enum dd_find_type type)
{
	return &type_kinds[type];
}

const char *dd_find_type_name(enum dd_find_type type)
{
	static const char *const names[] = {
#define X(constant, name, text) [constant] = name,
		DD_FIND_TYPES(X)
#undef X
	};

	return names[type];
}
