/*
 * The options of make-volume. Counts are a table: the option's name, the field
 * it sets, the least it may be, and what the help says of it.
 */
#ifndef TESTS_GEN_SETTINGS_H
#define TESTS_GEN_SETTINGS_H

#include "content.h"
#include "damage.h"

#include <getopt.h>
#include <stddef.h>

struct settings {
	uint64_t repositories, tags, moves, untagged;
	uint64_t layers, shared, layer_bytes;
	uint64_t index_every, platforms, referrers;
	uint64_t orphans, uploads;
	uint64_t seed, age; /* age in seconds */
	bool nested, need;
	unsigned int damage; /* a bit a kind */
	const char *out;
};

/* clang-format off */
static const struct count_option {
	const char *name;
	size_t field;
	uint64_t least, most;
	const char *help;
} count_options[] = {
#define COUNT(name, field, least, most, help) \
	{ name, offsetof(struct settings, field), least, most, help }
	COUNT("repositories", repositories, 0, 10000000, "how many repositories"),
	COUNT("tags", tags, 0, 10000000, "tags in each"),
	COUNT("moves", moves, 0, 10000, "earlier revisions of each tag"),
	COUNT("untagged", untagged, 0, 10000000, "images of each that never had a tag"),
	COUNT("layers", layers, 0, 1000, "layers of each image"),
	COUNT("shared", shared, 0, 1000, "of these, layers that the repository's images share"),
	COUNT("layer-bytes", layer_bytes, LAYER_MIN, 1 << 30, "size of each layer"),
	COUNT("index-every", index_every, 0, 10000000, "every Nth tag is an index (0: none)"),
	COUNT("platforms", platforms, 0, 1000, "images in an index"),
	COUNT("referrers", referrers, 0, 100, "of 100 images, how many have a referrer"),
	COUNT("orphans", orphans, 0, 100000000, "blobs that nothing names"),
	COUNT("uploads", uploads, 0, 10000000, "unfinished uploads, in all repositories together"),
	COUNT("seed", seed, 0, UINT64_MAX, "another seed gives other bytes"),
#undef COUNT
};
/* clang-format on */

#define COUNT_OPTIONS (sizeof(count_options) / sizeof(*count_options))

/* What is made when no option says otherwise. */
static const struct settings default_settings = {
	.repositories = 1,
	.tags = 3,
	.layers = 3,
	.layer_bytes = 64,
	.platforms = 3,
	.age = 3 * 24 * 60 * 60,
};

/* clang-format off */
static const struct preset {
	const char *name;
	struct settings set;
	const char *help;
} presets[] = {
	{ "small",
	  { .repositories = 3, .tags = 5, .moves = 1, .untagged = 1, .layers = 4, .shared = 2,
	    .index_every = 5, .platforms = 3, .referrers = 20, .orphans = 5, .uploads = 2,
	    .nested = true },
	  "a little of everything" },
	{ "tag-heavy",
	  { .repositories = 4, .tags = 1000, .moves = 1, .layers = 8, .shared = 5,
	    .index_every = 10, .platforms = 3 },
	  "few repositories of many tags, 49,000 blobs" },
	{ "wide",
	  { .repositories = 1000, .tags = 20, .moves = 1, .layers = 8, .shared = 5,
	    .index_every = 10, .platforms = 3 },
	  "many repositories of few tags, 254,000 blobs" },
	{ "million",
	  { .repositories = 4000, .tags = 20, .moves = 1, .layers = 8, .shared = 5,
	    .index_every = 10, .platforms = 3 },
	  "four times as wide, 1,016,000 blobs" },
};
/* clang-format on */

#define PRESETS (sizeof(presets) / sizeof(*presets))

enum { OPT_PRESET = 256, OPT_NESTED, OPT_AGE, OPT_DAMAGE, OPT_NEED, OPT_OUT, OPT_HELP, OPT_COUNT };

static void print_help(void)
{
	printf("usage: make-volume [OPTION...] --out DIR\n\n");
	for (size_t i = 0; i < COUNT_OPTIONS; i++)
		printf("  --%-16s %s\n", count_options[i].name, count_options[i].help);
	printf("  --%-16s %s\n", "nested", "repository names of one, two and three components");
	printf("  --%-16s %s\n", "age", "how far back all times are set: 90s 15m 24h 3d 4w");
	printf("  --%-16s %s\n", "out", "where to make it: a directory that is empty or not there");
	printf("  --%-16s %s\n", "need",
	       "print the inodes and bytes it will take, about; make nothing");
	printf("  --%-16s %s\n", "damage", "a list of kinds, divided by commas:");
	for (size_t i = 0; i < DAMAGE_KINDS; i++)
		printf("    %-18s %s\n", damages[i].name, damages[i].help);
	printf("  --%-16s %s\n", "preset", "one of these; options after it change it:");
	for (size_t i = 0; i < PRESETS; i++)
		printf("    %-18s %s\n", presets[i].name, presets[i].help);
}

static uint64_t read_count(const struct count_option *option, const char *text)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *end || strchr(text, '-'))
		errx(2, "--%s: %s is not a number", option->name, text);
	if (n < option->least || n > option->most)
		errx(2, "--%s: %s is not between %" PRIu64 " and %" PRIu64, option->name, text,
		     option->least, option->most);
	return n;
}

static uint64_t read_age(const char *text)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (!errno && end != text && !strchr(text, '-') && n <= 1000000000)
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
			if (end[0] == units[i].unit && !end[1])
				return n * units[i].seconds;
	errx(2, "--age: %s is not a duration like 90s, 15m, 24h, 3d or 4w", text);
}

static void read_preset(struct settings *set, const char *name)
{
	for (size_t i = 0; i < PRESETS; i++)
		if (!strcmp(name, presets[i].name)) {
			const struct settings given = *set;

			*set = presets[i].set;
			set->layer_bytes = default_settings.layer_bytes;
			set->age = default_settings.age;
			set->need = given.need;
			set->out = given.out;
			return;
		}
	errx(2, "--preset: there is no %s", name);
}

static void check_settings(const struct settings *set)
{
	uint64_t tags = set->repositories * set->tags;

	if (!set->out && !set->need)
		errx(2, "--out says where to make the volume: give it");
	if (set->shared > set->layers)
		errx(2, "--shared: more than --layers");
	if (set->uploads > 0 && set->repositories == 0)
		errx(2, "--uploads: there is no repository to hold them");
	if (set->damage && tags < DAMAGE_KINDS)
		errx(2, "--damage: needs at least %d tags, there are %" PRIu64, DAMAGE_KINDS, tags);
	if (set->damage && set->layers == 0)
		errx(2, "--damage: needs images that have layers");
}

static void read_option(struct settings *set, int option, const char *argument)
{
	switch (option) {
	case OPT_PRESET:
		read_preset(set, argument);
		break;
	case OPT_NESTED:
		set->nested = true;
		break;
	case OPT_AGE:
		set->age = read_age(argument);
		break;
	case OPT_DAMAGE:
		set->damage = read_damage(argument);
		break;
	case OPT_NEED:
		set->need = true;
		break;
	case OPT_OUT:
		set->out = argument;
		break;
	case OPT_HELP:
		print_help();
		exit(0);
	default:
		exit(2); /* getopt has said why */
	}
}

static void read_settings(struct settings *set, int argc, char **argv)
{
	struct option options[COUNT_OPTIONS + 8] = {
		{ "preset", required_argument, NULL, OPT_PRESET },
		{ "nested", no_argument, NULL, OPT_NESTED },
		{ "age", required_argument, NULL, OPT_AGE },
		{ "damage", required_argument, NULL, OPT_DAMAGE },
		{ "need", no_argument, NULL, OPT_NEED },
		{ "out", required_argument, NULL, OPT_OUT },
		{ "help", no_argument, NULL, OPT_HELP },
	};
	int option;

	for (size_t i = 0; i < COUNT_OPTIONS; i++)
		options[7 + i] = (struct option){ count_options[i].name, required_argument, NULL,
						  OPT_COUNT + (int)i };
	*set = default_settings;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option >= OPT_COUNT) {
			const struct count_option *count = &count_options[option - OPT_COUNT];

			*(uint64_t *)((char *)set + count->field) = read_count(count, optarg);
		} else {
			read_option(set, option, optarg);
		}
	}
	if (optind < argc)
		errx(2, "what is %s? There are only options", argv[optind]);
	check_settings(set);
}

#endif
