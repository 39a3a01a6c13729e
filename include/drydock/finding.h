/*
 * Findings: all that verifying can find, as one table. The reports, the JSON documents, the manual's
 * list and the tests come from it.
 *
 * An error is damage: something that was stored cannot be had as it was stored. A warning is not as
 * it should be, and hurts nobody yet. A note is what deletions, caches and crashes leave behind, or
 * what a format allows: nobody needs to do anything.
 */
#ifndef DRYDOCK_FINDING_H
#define DRYDOCK_FINDING_H

#include <stdbool.h>

#define DD_SEVERITIES(X)                                         \
	X(DD_SEVERITY_ERROR, "error", "error", "errors")         \
	X(DD_SEVERITY_WARNING, "warning", "warning", "warnings") \
	X(DD_SEVERITY_NOTE, "note", "note", "notes")

enum dd_severity {
#define X(constant, name, one, many) constant,
	DD_SEVERITIES(X)
#undef X
	DD_SEVERITY_COUNT
};

/* clang-format off */
/* X(constant, code, severity, what it is, what repair does or NULL); the worst first */
#define DD_FINDINGS(X) \
	X(DD_FOUND_BLOB_CORRUPT, "blob-corrupt", DD_SEVERITY_ERROR, \
	  "a blob's bytes do not match its digest", \
	  "a good copy takes its place; without one it is withdrawn, so that a push heals it") \
	X(DD_FOUND_BLOB_EMPTY, "blob-empty", DD_SEVERITY_ERROR, \
	  "a blob's file has no bytes", \
	  "a good copy takes its place; without one it is withdrawn, so that a push heals it") \
	X(DD_FOUND_BLOB_UNREADABLE, "blob-unreadable", DD_SEVERITY_ERROR, \
	  "a blob's file cannot be read", \
	  "a good copy takes its place; without one it stays: look at the disk first") \
	X(DD_FOUND_MANIFEST_MISSING, "manifest-missing", DD_SEVERITY_ERROR, \
	  "a manifest is linked, but its bytes are not there", \
	  "put there from where a good copy is; without one push it again") \
	X(DD_FOUND_MANIFEST_INVALID, "manifest-invalid", DD_SEVERITY_ERROR, \
	  "a manifest cannot be understood", \
	  NULL) \
	X(DD_FOUND_MANIFEST_UNKNOWN, "manifest-unknown", DD_SEVERITY_ERROR, \
	  "a manifest is of an unknown type", \
	  NULL) \
	X(DD_FOUND_MANIFEST_TOO_BIG, "manifest-too-big", DD_SEVERITY_ERROR, \
	  "a manifest is over the bounds", \
	  NULL) \
	X(DD_FOUND_CONFIG_MISSING, "config-missing", DD_SEVERITY_ERROR, \
	  "a manifest names a configuration that is not there", \
	  "put there from where a good copy is; without one push the image again") \
	X(DD_FOUND_LAYER_MISSING, "layer-missing", DD_SEVERITY_ERROR, \
	  "a manifest names a layer that is not there", \
	  "put there from where a good copy is; without one push the image again") \
	X(DD_FOUND_CHILD_MISSING, "child-missing", DD_SEVERITY_ERROR, \
	  "an index names a blob that is not there", \
	  "put there from where a good copy is; without one push it again") \
	X(DD_FOUND_CHILD_COLLECTED, "child-collected", DD_SEVERITY_ERROR, \
	  "an index names a manifest that was collected: the next gc --apply brings it back", \
	  NULL) \
	X(DD_FOUND_SIZE_DIFFERS, "size-differs", DD_SEVERITY_ERROR, \
	  "a blob is not as large as a manifest says", \
	  NULL) \
	X(DD_FOUND_LAYER_UNLINKED, "layer-unlinked", DD_SEVERITY_ERROR, \
	  "the repository has no link to what one of its manifests names, so a pull fails", \
	  "the link is written") \
	X(DD_FOUND_REVISION_UNLINKED, "revision-unlinked", DD_SEVERITY_ERROR, \
	  "the repository has no link to a manifest that a tag or an index names", \
	  "the link is written") \
	X(DD_FOUND_TAG_DANGLING, "tag-dangling", DD_SEVERITY_ERROR, \
	  "a tag points to a manifest that is not there", \
	  "the manifest is put there from where a good copy is; or --choose another one") \
	X(DD_FOUND_TAG_NO_CURRENT, "tag-no-current", DD_SEVERITY_ERROR, \
	  "a tag has a history, but points nowhere", \
	  "pointed to what its history leaves no doubt about; else --choose decides") \
	X(DD_FOUND_LINK_EMPTY, "link-empty", DD_SEVERITY_ERROR, \
	  "a link is empty", \
	  "written anew from its path; a tag's from its history, or --choose decides") \
	X(DD_FOUND_LINK_MALFORMED, "link-malformed", DD_SEVERITY_ERROR, \
	  "a link does not hold a digest and nothing else", \
	  "written anew from its path; a tag's from its history, or --choose decides") \
	X(DD_FOUND_LINK_OTHER, "link-other", DD_SEVERITY_ERROR, \
	  "a link names another digest than its path", \
	  "written anew from its path") \
	X(DD_FOUND_LINK_UNREADABLE, "link-unreadable", DD_SEVERITY_ERROR, \
	  "a link cannot be read", \
	  NULL) \
	X(DD_FOUND_ALIAS_UNRESOLVED, "alias-unresolved", DD_SEVERITY_ERROR, \
	  "a sha512 link does not say which blob it stands for", \
	  "written anew when another repository or the bytes themselves tell it") \
	X(DD_FOUND_DIRECTORY_UNREADABLE, "directory-unreadable", DD_SEVERITY_ERROR, \
	  "a directory cannot be read", \
	  NULL) \
	X(DD_FOUND_UNSEEN, "unseen", DD_SEVERITY_WARNING, \
	  "a file or directory may not be read by this user, so it was not verified", \
	  NULL) \
	X(DD_FOUND_SYMLINK, "symlink", DD_SEVERITY_WARNING, \
	  "a symbolic link stands where a directory could; what is behind was not verified", \
	  NULL) \
	X(DD_FOUND_BLOB_MISPLACED, "blob-misplaced", DD_SEVERITY_WARNING, \
	  "a blob lies in a directory that is not its own, where no registry finds it", \
	  "moved to its place; withdrawn if a good one is there") \
	X(DD_FOUND_BLOB_NO_DATA, "blob-no-data", DD_SEVERITY_WARNING, \
	  "a blob's directory is there without the blob", \
	  "the directory is withdrawn") \
	X(DD_FOUND_HISTORY_BROKEN, "history-broken", DD_SEVERITY_WARNING, \
	  "an entry of a tag's history does not hold its digest", \
	  "written anew from its path") \
	X(DD_FOUND_HISTORY_UNLINKED, "history-unlinked", DD_SEVERITY_WARNING, \
	  "a tag's history lacks what the tag points to", \
	  "the link is written") \
	X(DD_FOUND_TYPE_DIFFERS, "type-differs", DD_SEVERITY_WARNING, \
	  "a manifest is of another media type than the index says that names it", \
	  NULL) \
	X(DD_FOUND_REPOSITORY_NAME, "repository-name", DD_SEVERITY_WARNING, \
	  "a repository has a name that no registry accepts", \
	  NULL) \
	X(DD_FOUND_LINK_DANGLING, "link-dangling", DD_SEVERITY_NOTE, \
	  "a link that no image needs names what is gone", \
	  "withdrawn, unless the bytes can be put there") \
	X(DD_FOUND_TAG_LEFT, "tag-left", DD_SEVERITY_NOTE, \
	  "a tag points to a manifest that was deleted", \
	  NULL) \
	X(DD_FOUND_TAG_EMPTY, "tag-empty", DD_SEVERITY_NOTE, \
	  "a tag's directory is there without the tag", \
	  NULL) \
	X(DD_FOUND_CACHE_EXPIRED, "cache-expired", DD_SEVERITY_NOTE, \
	  "a pull-through cache has dropped what is named, and fetches it again when asked", \
	  NULL) \
	X(DD_FOUND_CHILD_SPARSE, "child-sparse", DD_SEVERITY_NOTE, \
	  "an index names a manifest that was never pushed here", \
	  "its link is written where the repair links all else that it needs") \
	X(DD_FOUND_LAYER_FOREIGN, "layer-foreign", DD_SEVERITY_NOTE, \
	  "a layer that is fetched from elsewhere is not here", \
	  NULL) \
	X(DD_FOUND_SUBJECT_MISSING, "subject-missing", DD_SEVERITY_NOTE, \
	  "a manifest refers to a subject that is not here", \
	  NULL) \
	X(DD_FOUND_REPOSITORY_INCOMPLETE, "repository-incomplete", DD_SEVERITY_NOTE, \
	  "a repository has layers and no manifest", \
	  NULL) \
	X(DD_FOUND_REPOSITORY_EMPTY, "repository-empty", DD_SEVERITY_NOTE, \
	  "nothing is in a repository", \
	  NULL) \
	X(DD_FOUND_NAME_CASE, "name-case", DD_SEVERITY_NOTE, \
	  "two names differ in nothing but case", \
	  NULL) \
	X(DD_FOUND_UPLOAD_STALE, "upload-stale", DD_SEVERITY_NOTE, \
	  "an upload was left unfinished", \
	  "withdrawn") \
	X(DD_FOUND_UPLOAD_NO_START, "upload-no-start", DD_SEVERITY_NOTE, \
	  "an upload does not say when it began", \
	  "withdrawn") \
	X(DD_FOUND_TEMP_LEFT, "temp-left", DD_SEVERITY_NOTE, \
	  "a crash of the registry left a temporary file behind", \
	  "withdrawn") \
	X(DD_FOUND_ALIEN, "alien", DD_SEVERITY_NOTE, \
	  "a name is not one of a registry's", \
	  NULL) \
	X(DD_FOUND_OWNER_DIFFERS, "owner-differs", DD_SEVERITY_NOTE, \
	  "files have another owner or mode than the rest", \
	  "set as the rest has it, by --owner and --mode") \
	X(DD_FOUND_DIRECTORY_OWNER_DIFFERS, "directory-owner-differs", DD_SEVERITY_NOTE, \
	  "directories have another owner or mode than the rest", \
	  NULL)
/* clang-format on */

enum dd_finding {
#define X(constant, name, severity, text, repair) constant,
	DD_FINDINGS(X)
#undef X
	DD_FINDING_COUNT
};

const char *dd_finding_name(enum dd_finding finding);
enum dd_severity dd_finding_severity(enum dd_finding finding);
const char *dd_finding_text(enum dd_finding finding);
/* What drydock repair does about it; NULL: nothing. */
const char *dd_finding_repair(enum dd_finding finding);
int dd_finding_parse(const char *name); /* -1 if there is none */

const char *dd_severity_name(enum dd_severity severity);
/* "1 error", "2 errors" need the word alone. */
const char *dd_severity_word(enum dd_severity severity, bool many);

#endif
