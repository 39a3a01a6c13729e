/*
 * drydock cat: the stored bytes of a blob, untouched.
 */
#include "bytes.h"
#include "tool.h"

static const struct option table[] = {
	{ 0 },
};

static int run(struct tool *tool, const struct options *options, struct dd_error *err)
{
	struct dd_reference reference;
	int rc = tool_check_words(options, 1, err);

	if (rc == 0 && !options->word_count) {
		rc = dd_fail(err, DD_EUSAGE, 0, "of what? A digest is wanted");
		dd_hint(err, "write sha256:…, REPO@sha256:… or REPO:TAG");
	}
	if (rc == 0 && tool->json)
		rc = dd_fail(err, DD_EUSAGE, 0, "the bytes are what they are: no --json here");
	if (rc == 0)
		rc = bytes_parse(&reference, options->words[0], err);
	if (rc == 0)
		rc = tool_open(tool, err);
	return rc < 0 ? rc : bytes_print(tool, &reference, err);
}

const struct command command_cat = {
	.name = "cat",
	.arguments = "DIGEST | REPO@DIGEST | REPO:TAG",
	.summary = "the stored bytes of a blob or manifest",
	.description =
		"Writes the bytes to standard output as they are, and hashes them on the way: if\n"
		"they are not those of the digest, that is said at the end, and the status is 1.\n",
	.examples = "  drydock cat sha256:3b6ab2dc | tar -tzv  what is in this layer?\n"
		    "  drydock cat library/app:v1 | jq .\n",
	.options = table,
	.run = run,
};
