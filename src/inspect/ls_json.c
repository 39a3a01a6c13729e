/*
 * Lists as JSON: schema/ls.json.
 */
#include <drydock/inspect.h>

static void put_repository(const struct dd_ls_row *row, struct dd_json_out *out)
{
	dd_json_text(out, "repository", row->repository);
	dd_json_uint(out, "tags", row->tags);
	dd_json_uint(out, "manifests", row->manifests);
}

static void put_tag(const struct dd_ls_row *row, struct dd_json_out *out)
{
	dd_json_text(out, "repository", row->repository);
	dd_json_text(out, "tag", row->tag);
	dd_json_digest(out, "digest", row->has_digest ? &row->digest : NULL);
	dd_json_text(out, "type", row->type);
}

static void put_part(const struct dd_ls_row *row, struct dd_json_out *out)
{
	dd_json_text(out, "role", row->name);
	dd_json_digest(out, "digest", row->has_digest ? &row->digest : NULL);
	dd_json_text(out, "type", row->type);
	dd_json_text(out, "platform", row->platform);
	dd_json_bool(out, "present", row->present);
}

void dd_ls_json(const struct dd_ls *ls, struct dd_json_out *out)
{
	static const char *const lists[] = { [DD_LS_REPOSITORIES] = "repositories",
					     [DD_LS_TAGS] = "tags",
					     [DD_LS_PARTS] = "parts" };
	static void (*const put[])(const struct dd_ls_row *, struct dd_json_out *) = {
		[DD_LS_REPOSITORIES] = put_repository,
		[DD_LS_TAGS] = put_tag,
		[DD_LS_PARTS] = put_part,
	};

	dd_json_object(out, NULL);
	dd_json_text(out, "command", "ls");
	dd_json_array(out, lists[ls->what]);
	for (size_t i = 0; i < ls->count && !dd_json_failed(out); i++) {
		const struct dd_ls_row *row = &ls->rows[i];

		dd_json_object(out, NULL);
		put[ls->what](row, out);
		dd_json_uint(out, "size", row->size);
		if (row->pushed_ns)
			dd_json_time(out, "pushed", row->pushed_ns);
		dd_json_text(out, "problem", row->problem);
		dd_json_end(out);
	}
	dd_json_end(out);
	dd_json_uint(out, "problems", ls->problems);
	dd_json_end(out);
}
