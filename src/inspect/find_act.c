/*
 * Acting on what was found: the object as whoever asked for it sees it.
 */
#include <string.h>

#include "base/cleanup.h"
#include "inspect/find.h"

static enum dd_find_type type_of(const struct dd_find_run_state *run,
				 const struct dd_find_subject *subject)
{
	unsigned flags = dd_find_flags(&run->said, subject->id);
	uint32_t manifest;
	const struct dd_manifest_node *node;

	switch (subject->class) {
	case DD_CLASS_REPOSITORY:
		return DD_FIND_REPOSITORY;
	case DD_CLASS_TAG:
		return DD_FIND_TAG;
	case DD_CLASS_LINK:
		return DD_FIND_LINK;
	case DD_CLASS_UPLOAD:
		return DD_FIND_UPLOAD;
	case DD_CLASS_BLOB:
		return flags & DD_SAID_CONFIG ? DD_FIND_CONFIG :
		       flags & DD_SAID_LAYER  ? DD_FIND_LAYER :
						DD_FIND_BLOB;
	default:
		manifest = dd_find_manifest_of(run, subject);
		node = manifest == DD_NO_ID ? NULL : &run->graph->manifests.items[manifest];
		if (!node)
			return DD_FIND_MANIFEST;
		return node->subject != DD_NO_ID ? DD_FIND_REFERRER :
		       dd_manifest_type_is_index((enum dd_manifest_type)node->type) ?
						   DD_FIND_INDEX :
						   DD_FIND_MANIFEST;
	}
}

/* Of what has no reference, the path below repositories/. */
static int add_path(struct dd_text *text, const struct dd_place *place)
{
	static const char above[] = DD_VOLUME_BASE "/repositories/";
	DD_AUTOFREE char *path = NULL;
	int rc = dd_layout_path(place, &path, NULL);

	if (rc < 0)
		return rc == DD_ENOMEM ? rc : dd_text_printf(text, "?");
	return dd_text_printf(text, "%s",
			      strncmp(path, above, strlen(above)) ? path : path + strlen(above));
}

static int name(struct dd_find_worker *worker, const struct dd_find_subject *subject,
		struct dd_find_object *object)
{
	struct dd_text *text = &worker->name;
	char digest[DD_DIGEST_TEXT];
	const char *slash;
	int rc;

	dd_text_cut(text, 0);
	switch (subject->class) {
	case DD_CLASS_REPOSITORY:
		rc = dd_text_printf(text, "%s", subject->repository);
		break;
	case DD_CLASS_TAG:
		rc = dd_text_printf(text, "%s:%s", subject->repository, subject->tag);
		break;
	case DD_CLASS_REVISION:
		rc = dd_text_printf(text, "%s@%s", subject->repository,
				    dd_digest_format(&subject->digest, digest));
		break;
	case DD_CLASS_BLOB:
		rc = dd_text_printf(text, "%s", dd_digest_format(&subject->digest, digest));
		break;
	default:
		rc = add_path(text, &object->place);
	}
	if (rc < 0)
		return rc;
	object->name = text->bytes;
	slash = strrchr(text->bytes, '/');
	switch (subject->class) {
	case DD_CLASS_REPOSITORY:
		object->base = slash ? slash + 1 : text->bytes;
		break;
	case DD_CLASS_TAG:
		object->base = subject->tag;
		break;
	case DD_CLASS_UPLOAD:
		object->base = subject->upload;
		break;
	case DD_CLASS_LINK:
		object->base = dd_place_kind_name(subject->link);
		break;
	default: /* REPO@DIGEST, or nothing in front of it */
		object->base =
			strrchr(text->bytes, '@') ? strrchr(text->bytes, '@') + 1 : text->bytes;
	}
	return 0;
}

static enum dd_find_state state_of(const struct dd_find_run_state *run,
				   const struct dd_find_subject *subject)
{
	struct dd_verified verified;

	if (!run->options->verified || !(run->facts & DD_FACT_STATE) || !subject->has_digest ||
	    !dd_index_get_verified(run->options->verified, &subject->digest, &subject->stamp,
				   &verified))
		return DD_FIND_UNVERIFIED;
	return verified.verdict == DD_VERDICT_GOOD ? DD_FIND_GOOD : DD_FIND_CORRUPT;
}

static void fill(const struct dd_find_run_state *run, const struct dd_find_subject *subject,
		 struct dd_find_object *object)
{
	const struct dd_find_said *said = &run->said;

	object->type = type_of(run, subject);
	object->repository = subject->repository;
	object->tag = subject->tag;
	object->upload = subject->upload;
	object->has_digest = subject->has_digest;
	object->digest = subject->digest;
	object->has_size = subject->has_size;
	object->size = subject->size;
	object->mtime_ns = subject->mtime_ns;
	object->stored = subject->class == DD_CLASS_BLOB ? subject->there : subject->stored;
	object->problem = subject->problem;
	object->state = state_of(run, subject);
	if (subject->class == DD_CLASS_LINK || subject->id == DD_NO_ID)
		return;
	object->media_type = dd_find_text(said, said->media.items, said->media.count, subject->id);
	object->artifact_type =
		dd_find_text(said, said->artifact.items, said->artifact.count, subject->id);
	object->platform =
		dd_find_text(said, said->platform.items, said->platform.count, subject->id);
	object->counted = run->refs && subject->class & (DD_CLASS_REVISION | DD_CLASS_BLOB) &&
			  subject->id < run->graph->nodes.count;
	if (object->counted) {
		object->refs = run->refs[subject->id];
		object->repos = run->repos[subject->id];
	}
	if (!subject->config)
		return;
	object->created_ns = subject->config->created_ns;
	if (subject->config->platform)
		object->platform = subject->config->platform;
}

enum dd_truth dd_find_act(struct dd_find_worker *worker, const struct dd_find_action *action,
			  const struct dd_find_subject *subject)
{
	struct dd_find_run_state *run = worker->run;
	struct dd_find_object object = { 0 };
	struct dd_error err = { 0 };
	int rc;

	if (action->kind == DD_FIND_QUIT) {
		run->ended = true;
		return DD_TRUE;
	}
	dd_find_place(run, subject, &object.place);
	fill(run, subject, &object);
	rc = name(worker, subject, &object);
	if (rc < 0)
		dd_fail(&err, rc, 0, "name what was found");
	else
		rc = run->options->visit(run->options->arg, action, &object, &err);
	if (rc < 0) {
		dd_find_stop(run, rc, &err);
		run->ended = true;
	}
	return rc > 0 ? DD_TRUE : DD_FALSE;
}
