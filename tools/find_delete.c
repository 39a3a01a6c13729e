/*
 * -delete: what was found is handed to the same code that carries out drydock rm.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/escape.h>
#include <drydock/gc.h>
#include <drydock/units.h>

#include "cleanup.h"
#include "find.h"
#include "plan.h"
#include "render.h"
#include "talk.h"

#define REFUSED_SHOWN 20

struct refused {
	char *name;
	char *path; /* of a link, which may go with what it names; else NULL */
	const char *why;
};

struct find_deletions {
	struct dd_place *places; /* own strings */
	size_t count, room;
	int64_t began_ns;
	struct refused *refused; /* what cannot go on its own at all */
	size_t refused_count;
};

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "remember what is to go");
}

int find_deletions_open(struct find_deletions **deletions, struct dd_error *err)
{
	*deletions = calloc(1, sizeof(**deletions));
	if (!*deletions)
		return no_memory(err);
	/* The clock of file systems is a little behind. */
	(*deletions)->began_ns = dd_time_now() - DD_SECOND;
	return 0;
}

static void release_refused(struct refused *refused)
{
	free(refused->name);
	free(refused->path);
}

void find_deletions_closep(struct find_deletions **pointer)
{
	struct find_deletions *deletions = *pointer;

	if (!deletions)
		return;
	for (size_t i = 0; i < deletions->count; i++) {
		free((char *)deletions->places[i].repository);
		free((char *)deletions->places[i].tag);
		free((char *)deletions->places[i].upload);
	}
	for (size_t i = 0; i < deletions->refused_count; i++)
		release_refused(&deletions->refused[i]);
	free(deletions->places);
	free(deletions->refused);
	free(deletions);
	*pointer = NULL;
}

static const char *why_never(enum dd_find_type type)
{
	return type == DD_FIND_REPOSITORY ?
		       "a repository goes with its tags and manifests: drydock rm" :
		       "a link goes with what it names: drydock gc";
}

static int refuse(struct find_deletions *deletions, const struct dd_find_object *object,
		  struct dd_error *err)
{
	struct refused *refused =
		reallocarray(deletions->refused, deletions->refused_count + 1, sizeof(*refused));

	if (!refused)
		return no_memory(err);
	deletions->refused = refused;
	refused += deletions->refused_count;
	*refused = (struct refused){ .name = strdup(object->name), .why = why_never(object->type) };
	if (!refused->name)
		return no_memory(err);
	deletions->refused_count++;
	return object->type == DD_FIND_LINK ? dd_layout_path(&object->place, &refused->path, err) :
					      0;
}

static bool copy(const char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

int find_delete(struct find_deletions *deletions, const struct dd_find_object *object,
		struct dd_error *err)
{
	struct dd_place *place;
	bool whole;

	if (object->type == DD_FIND_REPOSITORY || object->type == DD_FIND_LINK)
		return refuse(deletions, object, err);
	if (deletions->count == deletions->room) {
		size_t room = deletions->room ? 2 * deletions->room : 64;

		place = reallocarray(deletions->places, room, sizeof(*place));
		if (!place)
			return no_memory(err);
		deletions->places = place;
		deletions->room = room;
	}
	place = &deletions->places[deletions->count++];
	*place = (struct dd_place){ .kind = object->place.kind == DD_IN_UPLOAD ? DD_AT_UPLOAD :
										 object->place.kind,
				    .digest = object->place.digest };
	whole = copy(&place->repository, object->repository);
	whole &= copy(&place->tag, object->tag);
	whole &= copy(&place->upload, object->upload);
	return whole ? 0 : no_memory(err);
}

/* ---- carrying it out ---- */

static void write_json(const void *gc, struct dd_json_out *out)
{
	dd_gc_json(gc, out);
	dd_json_newline(out);
}

static const char *key_of(const struct refused *refused)
{
	return refused->path ? refused->path : "";
}

static int compare_refused(const void *left, const void *right)
{
	return strcmp(key_of(left), key_of(right));
}

/* A link that goes with what it names does not stay. */
static int pass_over_gone(struct find_deletions *deletions, const struct dd_gc *gc,
			  struct dd_error *err)
{
	size_t kept = 0;

	if (!deletions->refused_count)
		return 0;
	qsort(deletions->refused, deletions->refused_count, sizeof(*deletions->refused),
	      compare_refused);
	for (size_t i = 0; i < dd_gc_get_plan(gc)->item_count; i++) {
		struct refused key = { 0 }, *found;
		struct dd_item item;
		int rc;

		dd_gc_get_item(gc, i, &item);
		rc = dd_layout_path(&item.place, &key.path, err);
		if (rc < 0)
			return rc;
		found = bsearch(&key, deletions->refused, deletions->refused_count, sizeof(key),
				compare_refused);
		free(key.path);
		if (found)
			found->why = NULL;
	}
	for (size_t i = 0; i < deletions->refused_count; i++) {
		if (deletions->refused[i].why)
			deletions->refused[kept++] = deletions->refused[i];
		else
			release_refused(&deletions->refused[i]);
	}
	deletions->refused_count = kept;
	return 0;
}

static void print_one(const char *name, const char *why)
{
	printf("  %s: %s\n", dd_escaped(name), dd_escaped(why));
}

static void print_refused(const struct tool *tool, const struct find_deletions *deletions,
			  const struct dd_gc_plan *plan)
{
	size_t count = plan ? plan->refusal_count : 0, total = deletions->refused_count + count;
	size_t shown = tool->verbose || total <= REFUSED_SHOWN ? total : REFUSED_SHOWN;

	if (!total)
		return;
	printf("\n%sOf what was found %s%s\n", style_on(STYLE_HEADING),
	       render_count(total, "object stays", "objects stay"), style_off());
	for (size_t i = 0; i < shown && i < deletions->refused_count; i++)
		print_one(deletions->refused[i].name, deletions->refused[i].why);
	for (size_t i = deletions->refused_count; i < shown; i++) {
		const struct dd_refusal *refusal = &plan->refusals[i - deletions->refused_count];
		AUTOFREE char *name = render_place(refusal->place);

		print_one(name ? name : "?", refusal->why);
	}
	render_more(2, total - shown, BY_VERBOSE);
}

static int print(struct tool *tool, const struct find_deletions *deletions,
		 const struct dd_gc_options *options, const struct dd_gc *gc, bool apply,
		 bool failed)
{
	struct dd_error err = { 0 };

	if (tool->json) {
		for (size_t i = 0; i < deletions->refused_count; i++)
			talk_line(DD_LOG_WARNING, "%s: %s", deletions->refused[i].name,
				  deletions->refused[i].why);
		return tool_print_json_lines(write_json, gc, &err);
	}
	plan_print(tool, options, gc, apply, failed);
	print_refused(tool, deletions, dd_gc_get_plan(gc));
	return 0;
}

int find_deletions_apply(struct find_deletions *deletions, struct tool *tool,
			 const struct find_deletion_rules *rules, struct dd_error *err)
{
	CLEANUP(dd_index_closep) struct dd_index *index = NULL;
	CLEANUP(dd_gc_closep) struct dd_gc *gc = NULL;
	struct dd_gc_options options = { .grace_ns = rules->grace_ns,
					 .uploads_older_ns = rules->grace_ns,
					 .trash_keep_ns = DD_GC_TRASH_KEEP,
					 .lock_wait_ns = rules->lock_wait_ns,
					 .command = tool->command };
	bool apply = rules->apply && !tool->dry_run;
	const struct dd_gc_plan *plan;
	int rc;

	if (!deletions || (!deletions->count && !deletions->refused_count))
		return 0;
	if (!deletions->count) {
		print_refused(tool, deletions, NULL);
		return DD_EXIT_ATTENTION;
	}
	options.objects = deletions->places;
	options.object_count = deletions->count;
	options.objects_since_ns = deletions->began_ns;
	rc = cache_open(tool, rules->cache, DD_INDEX_SURVEYED, &index, err);
	options.index = index;
	if (rc == 0)
		rc = (apply ? dd_gc_apply : dd_gc_plan)(tool->ctx, tool->store, &options, &gc, err);
	plan = gc ? dd_gc_get_plan(gc) : NULL;
	if (rc == 0)
		rc = pass_over_gone(deletions, gc, err);
	if (plan && (rc == 0 || plan->applied) &&
	    print(tool, deletions, &options, gc, rules->apply, rc < 0) < 0 && rc == 0)
		rc = DD_EIO;
	if (rc < 0)
		return rc;
	return plan->refusal_count || deletions->refused_count ? (int)DD_EXIT_ATTENTION :
								 (int)dd_gc_plan_exit(plan);
}
