/*
 * The layout of a registry volume, both ways: places to paths and paths to places. Pure: no file
 * is touched.
 *
 * Source: what the distribution registry (registry:2, registry:3) writes under
 * <root>/docker/registry/v2/. A place is named by typed parts, so that no path is ever made from
 * bytes that were not looked at. What was withdrawn is the same place with a run: it lies under
 * <root>/.drydock/trash/<run>/ by its own path.
 */
#ifndef DRYDOCK_LAYOUT_H
#define DRYDOCK_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include <drydock/digest.h>
#include <drydock/error.h>

#define DD_VOLUME_BASE "docker/registry/v2" /* below the root */
#define DD_STATE_BASE ".drydock"	    /* below the root; ours, the registry ignores it */

/*
 * X(kind, name, template). %R repository, %A algorithm, %P first byte of %H, %H the digest's hex,
 * %T tag, %U upload, %B and %I the second digest, %N a plain name, %r a run. A template that begins
 * with "/" is below the root itself, the others below DD_VOLUME_BASE.
 */
#define DD_PLACES(X)                                                                               \
	/* files that the registry writes */                                                       \
	X(DD_AT_BLOB, "blob", "blobs/%A/%P/%H/data")                                               \
	X(DD_AT_LAYER, "layer-link", "repositories/%R/_layers/%A/%H/link")                         \
	X(DD_AT_REVISION, "revision", "repositories/%R/_manifests/revisions/%A/%H/link")           \
	X(DD_AT_HISTORY, "tag-history", "repositories/%R/_manifests/tags/%T/index/%A/%H/link")     \
	X(DD_AT_TAG, "tag", "repositories/%R/_manifests/tags/%T/current/link")                     \
	X(DD_AT_SIGNATURE, "signature",                                                            \
	  "repositories/%R/_manifests/revisions/%A/%H/signatures/%B/%I/link")                      \
	X(DD_AT_TARSUM, "tarsum-link", "repositories/%R/_layers/tarsum/%N/%A/%H/link")             \
	/* a blob below a shard that is not its own: %N is the shard's name */                     \
	X(DD_AT_STRAY, "stray-blob", "blobs/%A/%N/%H/data")                                        \
	X(DD_AT_UPLOAD, "upload", "repositories/%R/_uploads/%U/data")                              \
	X(DD_AT_STARTEDAT, "upload-start", "repositories/%R/_uploads/%U/startedat")                \
	X(DD_AT_SCHEDULER, "scheduler-state", "/scheduler-state.json")                             \
	X(DD_AT_DATABASE, "database-in-use", "/docker/registry/lockfiles/database-in-use")         \
	/* files of ours */                                                                        \
	X(DD_AT_LOCK, "lock", "/.drydock/lock")                                                    \
	X(DD_AT_OWNER, "owner", "/.drydock/owner")                                                 \
	X(DD_AT_CONTROL, "control", "/.drydock/control")                                           \
	X(DD_AT_RESERVE, "reserve", "/.drydock/reserve")                                           \
	X(DD_AT_RECORDS, "records", "/.drydock/records")                                           \
	X(DD_AT_JOURNAL, "journal", "/.drydock/trash/%r/journal")                                  \
	/* what a repair has ready: %N is a number */                                              \
	X(DD_AT_STAGED, "staged", "/.drydock/trash/%r/staged/%N")                                  \
	/* in an OCI image layout */                                                               \
	X(DD_AT_LAYOUT, "oci-layout", "/oci-layout")                                               \
	X(DD_AT_LAYOUT_BLOB, "oci-blob", "/blobs/%A/%H")                                           \
	/* directories that are listed */                                                          \
	X(DD_IN_VOLUME, "volume", "")                                                              \
	X(DD_IN_BLOBS, "blobs", "blobs")                                                           \
	X(DD_IN_BLOBS_OF, "blobs-of", "blobs/%A")                                                  \
	X(DD_IN_SHARD, "shard", "blobs/%A/%P")                                                     \
	X(DD_IN_REPOSITORIES, "repositories", "repositories")                                      \
	X(DD_IN_REPOSITORY, "repository", "repositories/%R")                                       \
	X(DD_IN_LAYERS, "layers", "repositories/%R/_layers")                                       \
	X(DD_IN_LAYERS_OF, "layers-of", "repositories/%R/_layers/%A")                              \
	X(DD_IN_TARSUMS, "tarsums", "repositories/%R/_layers/tarsum")                              \
	X(DD_IN_TARSUM, "tarsum", "repositories/%R/_layers/tarsum/%N")                             \
	X(DD_IN_TARSUM_OF, "tarsum-of", "repositories/%R/_layers/tarsum/%N/%A")                    \
	X(DD_IN_MANIFESTS, "manifests", "repositories/%R/_manifests")                              \
	X(DD_IN_REVISIONS, "revisions", "repositories/%R/_manifests/revisions")                    \
	X(DD_IN_REVISIONS_OF, "revisions-of", "repositories/%R/_manifests/revisions/%A")           \
	X(DD_IN_SIGNATURES, "signatures", "repositories/%R/_manifests/revisions/%A/%H/signatures") \
	X(DD_IN_SIGNATURES_OF, "signatures-of",                                                    \
	  "repositories/%R/_manifests/revisions/%A/%H/signatures/%B")                              \
	X(DD_IN_TAGS, "tags", "repositories/%R/_manifests/tags")                                   \
	X(DD_IN_TAG, "tag-directory", "repositories/%R/_manifests/tags/%T")                        \
	X(DD_IN_HISTORY, "history", "repositories/%R/_manifests/tags/%T/index")                    \
	X(DD_IN_HISTORY_OF, "history-of", "repositories/%R/_manifests/tags/%T/index/%A")           \
	X(DD_IN_UPLOADS, "uploads", "repositories/%R/_uploads")                                    \
	X(DD_IN_UPLOAD, "upload-directory", "repositories/%R/_uploads/%U")                         \
	X(DD_IN_STATE, "state", "/.drydock")                                                       \
	X(DD_IN_TRASH, "trash", "/.drydock/trash")                                                 \
	X(DD_IN_RUN, "run", "/.drydock/trash/%r")                                                  \
	X(DD_IN_PURGES, "purges", "/.drydock/purge")                                               \
	X(DD_IN_PURGE, "purge", "/.drydock/purge/%r")

enum dd_place_kind {
#define X(kind, name, template) kind,
	DD_PLACES(X)
#undef X
	DD_PLACE_COUNT
};

/* Borrowed strings; members that the template does not name are ignored. */
struct dd_place {
	enum dd_place_kind kind;
	const char *repository; /* untrusted bytes, see dd_repository_safe() */
	const char *tag;
	const char *upload;
	const char *name;	 /* %N */
	const char *run;	 /* set: in the trash, under this run */
	const char *beside;	 /* set: the file of this name in the place's directory instead */
	struct dd_digest digest; /* %A %P %H */
	struct dd_digest second; /* %B %I */
};

/*
 * The path below the root, in heap memory of the caller's; *path is NULL on error. DD_EFORMAT if a
 * part is none (a tag with a slash, say): such a place does not exist.
 * dd_layout_owner() gives the directory that is withdrawn with the object: the one above the file
 * (the file itself for a tag and for anything beside).
 */
int dd_layout_path(const struct dd_place *place, char **path, struct dd_error *err);
int dd_layout_owner(const struct dd_place *place, char **path, struct dd_error *err);

/* The same as dd_layout_path(), but in usual if it fits: then *path is that, and not to be freed. */
#define DD_LAYOUT_USUAL 320
int dd_layout_write(const struct dd_place *place, char usual[static DD_LAYOUT_USUAL], char **path,
		    struct dd_error *err);

/* Whether that is a directory of its own: the file is then not renamed itself. */
bool dd_place_has_directory(const struct dd_place *place);

/*
 * What lies at a path below the root; only files are recognised. The strings of *place point into
 * *memory, which the caller frees. DD_EFORMAT if the layout has no such path.
 */
int dd_layout_parse(const char *path, struct dd_place *place, char **memory, struct dd_error *err);

/* "blob", "layer-link", …: the kind in reports. */
const char *dd_place_kind_name(enum dd_place_kind kind);
int dd_place_kind_parse(const char *name); /* -1 if there is none */

/*
 * Names. The first two are what a registry accepts (distribution reference grammar, 2.8 and 3.x);
 * the others are what can safely be a part of a path.
 */
#define DD_REPOSITORY_MAX 255
#define DD_TAG_MAX 128
bool dd_repository_valid(const char *name);
bool dd_tag_valid(const char *tag);
bool dd_repository_safe(const char *name); /* no component empty, ".", "..", or reserved */
bool dd_repository_reserved(const char *component, size_t len); /* "_layers" and its like */
bool dd_name_safe(const char *name);  /* one component: not empty, ".", "..", no slash */
bool dd_upload_valid(const char *id); /* a UUID */
bool dd_run_valid(const char *run);   /* 20261123T174501Z-9f3a */
/* "<link|data|startedat>.<uuid>.tmp", as registry 3.1 leaves it after a crash. */
bool dd_temp_valid(const char *name);
/* It is one that is left beside the place's own file: "link.<uuid>.tmp" is no blob's. */
bool dd_temp_beside(const struct dd_place *place, const char *name);

#endif
