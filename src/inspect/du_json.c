/*
 * What takes the space, as JSON: schema/du.json.
 */
#include <drydock/du.h>

static void put_name(enum dd_du_by by, const struct dd_du_row *row, struct dd_json_out *out)
{
	switch (by) {
	case DD_DU_REPOSITORY:
	case DD_DU_NAMESPACE:
		dd_json_text(out, row->is_repository ? "repository" : "namespace", row->name);
		dd_json_uint(out, "depth", row->depth);
		dd_json_uint(out, "repositories", row->repositories);
		dd_json_uint(out, "tags", row->tags);
		break;
	case DD_DU_TAG:
		dd_json_text(out, "repository", row->name);
		dd_json_text(out, "tag", row->tag);
		break;
	case DD_DU_LAYER:
		dd_json_digest(out, "digest", &row->digest);
		dd_json_text(out, "mediatype", row->name);
		dd_json_uint(out, "manifests", row->manifests);
		dd_json_uint(out, "repositories", row->repositories);
		break;
	default:
		dd_json_text(out, dd_du_by_name(by), row->name);
	}
}

static void put_row(const struct dd_du *du, const struct dd_du_row *row, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	put_name(du->by, row, out);
	dd_json_uint(out, "blobs", row->blobs);
	if (du->by != DD_DU_AGE)
		dd_json_uint(out, "logical", row->logical);
	dd_json_uint(out, "physical", row->physical);
	if (du->exclusive) {
		dd_json_uint(out, "exclusive", row->exclusive);
		dd_json_uint(out, "shared", row->physical - row->exclusive);
		if (row->held)
			dd_json_bool(out, "held", true);
	}
	if (row->hidden)
		dd_json_uint(out, "hidden", row->hidden);
	dd_json_end(out);
}

static void put_totals(const struct dd_du *du, struct dd_json_out *out)
{
	dd_json_object(out, "totals");
#define X(name, member, text) dd_json_uint(out, name, du->totals.member);
	DD_DU_TOTALS(X)
#undef X
	dd_json_uint(out, "all", du->totals.all);
	dd_json_uint(out, "logical", du->totals.logical);
	dd_json_uint(out, "repositories", du->totals.repositories);
	dd_json_uint(out, "tags", du->totals.tags);
	dd_json_uint(out, "unreferenced_blobs", du->totals.unreferenced_blobs);
	dd_json_end(out);
}

void dd_du_json(const struct dd_du *du, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "command", "du");
	dd_json_text(out, "by", dd_du_by_name(du->by));
	dd_json_text(out, "only", du->repository);
	dd_json_text(out, "sizes", du->apparent ? "apparent" : "allocated");
	dd_json_array(out, "rows");
	for (size_t i = 0; i < du->count && !dd_json_failed(out); i++)
		if (du->rows[i].shown)
			put_row(du, &du->rows[i], out);
	dd_json_end(out);
	dd_json_uint(out, "hidden", du->hidden);
	put_totals(du, out);
	dd_json_uint(out, "problems", du->problems);
	dd_json_end(out);
}
