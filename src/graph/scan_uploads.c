/*
 * Uploads: when each began, and when anything of it was last written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/scan.h"

struct uploads {
	struct dd_scan *scan;
	struct dd_repository *repo;
	const struct dd_place *directory;
	DD_LIST(char *) ids;
};

static int add_upload(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct uploads *uploads = arg;
	char **id;

	if (entry->type != DD_ENTRY_DIRECTORY || !dd_upload_valid(entry->name))
		return dd_scan_note(uploads->scan,
				    entry->type == DD_ENTRY_SYMLINK ? DD_STRANGE_SYMLINK :
								      DD_STRANGE_ALIEN,
				    uploads->directory, entry->name, NULL);
	id = dd_list_add(&uploads->ids);
	if (!id || !(*id = strdup(entry->name)))
		return dd_fail(err, DD_ENOMEM, 0, "list uploads");
	return 0;
}

static void later(int64_t *newest, int64_t time)
{
	if (time > *newest)
		*newest = time;
}

/* 1 if the file is there, 0 if not, an error if that cannot be told. */
static int look_at_part(struct dd_scan *scan, const struct dd_place *place,
			struct dd_upload *upload, struct dd_info *info, struct dd_error *err)
{
	int rc = dd_store_stat(scan->store, place, info, err);

	if (rc == DD_ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	later(&upload->newest_ns, info->mtime_ns);
	upload->device = info->device;
	return 1;
}

/* What startedat says; 0 if it says nothing. */
static int64_t started(struct dd_scan *scan, const struct dd_place *place)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	int64_t when = 0;

	if (dd_store_read(scan->store, place, 64, &buffer, NULL, NULL) < 0 ||
	    dd_time_parse(&when, (const char *)buffer.bytes, buffer.len) < 0)
		return 0;
	return when;
}

struct upload_look {
	struct dd_scan *scan;
	const struct dd_place *place;
};

static int see_upload_part(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct upload_look *look = arg;

	return dd_survey_add_temp(look->scan->survey, look->scan->store, look->place, entry->name,
				  err);
}

/* DD_ENOENT if it ended meanwhile. */
static int look(struct uploads *uploads, const char *id, struct dd_upload *upload,
		struct dd_error *err)
{
	struct dd_place place = { .kind = DD_AT_STARTEDAT,
				  .repository = uploads->repo->name,
				  .upload = id };
	struct dd_scan *scan = uploads->scan;
	struct dd_info info = { 0 };
	int64_t when = 0;
	int rc = look_at_part(scan, &place, upload, &info, err);

	if (rc < 0)
		return rc;
	upload->has_startedat = rc;
	if (rc) {
		upload->stamp = info.stamp;
		when = started(scan, &place);
	}
	place.kind = DD_AT_UPLOAD;
	rc = look_at_part(scan, &place, upload, &info, err);
	if (rc < 0)
		return rc;
	upload->has_data = rc;
	if (rc) {
		upload->stamp = info.stamp;
		upload->bytes = info.size;
		upload->links = info.links;
	}
	upload->began_ns = when;
	/* A crash between making the directory and writing into it. */
	if (!upload->has_data && !upload->has_startedat) {
		place.kind = DD_IN_UPLOAD;
		rc = look_at_part(scan, &place, upload, &info, err);
		upload->stamp = info.stamp;
		if (rc == 0)
			return DD_ENOENT;
	}
	place.kind = DD_AT_STARTEDAT;
	return rc < 0 ? rc :
			dd_store_list_owner(scan->store, &place, see_upload_part,
					    &(struct upload_look){ scan, &place }, err);
}

static int add(struct uploads *uploads, const char *id, struct dd_error *err)
{
	struct dd_upload upload = { 0 }, *added;
	int rc = look(uploads, id, &upload, err);

	if (rc == DD_ENOMEM)
		return rc;
	if (rc == DD_ENOENT)
		return 0;
	if (rc < 0) /* what cannot be looked at is not judged */
		return dd_scan_note(uploads->scan, DD_STRANGE_UNREADABLE, uploads->directory, id,
				    err);
	upload.id = strdup(id);
	added = upload.id ? dd_list_add(&uploads->repo->uploads) : NULL;
	if (!added) {
		free(upload.id);
		return dd_fail(err, DD_ENOMEM, 0, "remember uploads");
	}
	*added = upload;
	return 0;
}

static void scan_uploads(void *arg)
{
	struct uploads *uploads = arg;
	struct dd_scan *scan = uploads->scan;
	const struct dd_place place = { .kind = DD_IN_UPLOADS, .repository = uploads->repo->name };
	struct dd_error err = { 0 };
	int rc = 0;

	if (!dd_scan_stopped(scan)) {
		uploads->directory = &place;
		rc = dd_scan_list(scan, NULL, &place, add_upload, uploads, &err);
		if (rc < 0 && rc != DD_ENOENT && rc != DD_ENOMEM) /* an upload refers to nothing */
			rc = dd_scan_note(scan, DD_STRANGE_UNREADABLE, &place, NULL, &err);
		else if (rc == DD_ENOENT)
			rc = 0;
	}
	for (size_t i = 0; i < uploads->ids.count; i++) {
		if (rc == 0 && uploads->ids.items[i] && !dd_scan_stopped(scan))
			rc = add(uploads, uploads->ids.items[i], &err);
		free(uploads->ids.items[i]);
	}
	if (rc < 0)
		dd_scan_stop(scan, rc, &err);
	dd_list_release(&uploads->ids);
	free(uploads);
}

void dd_scan_uploads(struct dd_scan *scan, struct dd_repository *repo)
{
	struct uploads *uploads = calloc(1, sizeof(*uploads));

	if (!uploads) {
		dd_scan_stop(scan, DD_ENOMEM, NULL);
		return;
	}
	*uploads = (struct uploads){ .scan = scan, .repo = repo };
	dd_jobs_add(scan->jobs, scan_uploads, uploads);
}
