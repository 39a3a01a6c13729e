/*
 * Doubt: what cannot be read, parsed or recognised is not unreferenced. It holds, until somebody
 * mends it or gives up what it may have reached.
 */
#ifndef DRYDOCK_DOUBT_H
#define DRYDOCK_DOUBT_H

/* X(constant, name, text, what would release it): what holds by doubt; %s is REPO@DIGEST */
#define DD_DOUBTS(X)                                                                          \
	X(DD_DOUBT_MISSING, "manifest-missing",                                               \
	  "a manifest is linked, but its bytes are not there",                                \
	  "push it again, delete it, or give it up: --accept-loss %s")                        \
	X(DD_DOUBT_CORRUPT, "manifest-corrupt", "a manifest's bytes differ from its digest",  \
	  "remove the file and push it again, delete the manifest, or give it up: "           \
	  "--accept-loss %s")                                                                 \
	X(DD_DOUBT_UNREADABLE, "manifest-unreadable", "a manifest cannot be read",            \
	  "mend the disk or the permissions, or give it up: --accept-loss %s")                \
	X(DD_DOUBT_INVALID, "manifest-invalid", "a manifest cannot be understood",            \
	  "delete it, or give it up: --accept-loss %s")                                       \
	X(DD_DOUBT_UNKNOWN, "manifest-unknown", "a manifest is of an unknown type",           \
	  "delete it, or give it up: --accept-loss %s")                                       \
	X(DD_DOUBT_TOO_BIG, "manifest-too-big", "a manifest is over the bounds",              \
	  "delete it, or give it up: --accept-loss %s")                                       \
	X(DD_DOUBT_LINK, "link-unreadable", "a link cannot be read or understood",            \
	  "mend or remove the link")                                                          \
	X(DD_DOUBT_ALIAS, "alias-unresolved", "what a sha512 link stands for is not known",   \
	  "push the layer again, or remove the link")                                         \
	X(DD_DOUBT_DIRECTORY, "directory-unreadable", "a directory may hide references",      \
	  "mend the disk or the permissions")                                                 \
	X(DD_DOUBT_SYMLINK, "symlink", "a symbolic link stands where a directory could",      \
	  "mount what it points to there instead, or remove it")                              \
	X(DD_DOUBT_NO_LAYERS, "no-layers", "a held repository does not name its layers",      \
	  "release what holds the repository")                                                \
	X(DD_DOUBT_NO_REPOSITORY, "no-repository", "there are blobs, and not one repository", \
	  "mount or restore the repositories; if there are to be none: --allow-empty")

enum dd_doubt {
#define X(constant, name, text, release) constant,
	DD_DOUBTS(X)
#undef X
	DD_DOUBT_COUNT
};

const char *dd_doubt_name(enum dd_doubt doubt);
const char *dd_doubt_text(enum dd_doubt doubt);
const char *dd_doubt_release(enum dd_doubt doubt);

#endif
