/*
 * Manifests: bytes in, descriptors out. No input or output of its own.
 *
 * Sources: OCI image-spec 1.1 (manifest.md, image-index.md, descriptor.md), the OCI artifact
 * manifest of image-spec 1.1-rc2 (withdrawn), and the registry's manifest-v2-2 and manifest-v2-1
 * specifications. A document is read as the reference's JSON reader (Go's encoding/json) reads it,
 * so as not to miss what that sees:
 *
 * - the name of a field counts whatever its case ("LAYERS"), a field given twice is an error;
 * - null is as good as absent;
 * - bytes that are no UTF-8, and lone surrogates, are U+FFFD;
 * - a value of the wrong type is an error, never passed over.
 *
 * The type is what the document's mediaType says, else what the descriptor said that led here, else
 * it is inferred: manifests → index, layers → image manifest, fsLayers → schema 1, blobs → artifact
 * manifest. Descriptors are all that are there, of all kinds, whatever the type is. So a document
 * that is two things at once names the parts of both.
 */
#ifndef DRYDOCK_MANIFEST_H
#define DRYDOCK_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drydock/digest.h>
#include <drydock/error.h>

/* X(constant, media type, short name, is an index: what it lists in "manifests" are manifests) */
#define DD_MANIFEST_TYPES(X)                                                                       \
	X(DD_MANIFEST_DOCKER, "application/vnd.docker.distribution.manifest.v2+json",              \
	  "docker-image", false)                                                                   \
	X(DD_MANIFEST_DOCKER_LIST, "application/vnd.docker.distribution.manifest.list.v2+json",    \
	  "docker-list", true)                                                                     \
	X(DD_MANIFEST_OCI, "application/vnd.oci.image.manifest.v1+json", "oci-image", false)       \
	X(DD_MANIFEST_OCI_INDEX, "application/vnd.oci.image.index.v1+json", "oci-index", true)     \
	X(DD_MANIFEST_OCI_ARTIFACT, "application/vnd.oci.artifact.manifest.v1+json",               \
	  "oci-artifact", false)                                                                   \
	X(DD_MANIFEST_SCHEMA1, "application/vnd.docker.distribution.manifest.v1+json", "schema1",  \
	  false)                                                                                   \
	X(DD_MANIFEST_SCHEMA1_SIGNED, "application/vnd.docker.distribution.manifest.v1+prettyjws", \
	  "schema1-signed", false)

enum dd_manifest_type {
	DD_MANIFEST_NONE, /* no manifest's media type */
#define X(constant, media_type, name, index) constant,
	DD_MANIFEST_TYPES(X)
#undef X
	DD_MANIFEST_TYPE_COUNT
};

/* Of a media type; letter case and parameters (";…") do not matter. NONE for others and for NULL. */
enum dd_manifest_type dd_manifest_type_of(const char *media_type);
bool dd_media_type_is_manifest(const char *media_type);

/* Static texts; "unknown" for NONE, whose media type is NULL. */
const char *dd_manifest_type_name(enum dd_manifest_type type);
const char *dd_manifest_type_media_type(enum dd_manifest_type type);
bool dd_manifest_type_is_index(enum dd_manifest_type type);

/* X(constant, name) */
#define DD_ROLES(X)                  \
	X(DD_ROLE_CONFIG, "config")  \
	X(DD_ROLE_LAYER, "layer")    \
	X(DD_ROLE_CHILD, "manifest") \
	X(DD_ROLE_BLOB, "blob")      \
	X(DD_ROLE_SUBJECT, "subject")

/* Schema 1's fsLayers are layers. */
enum dd_role {
#define X(constant, name) constant,
	DD_ROLES(X)
#undef X
	DD_ROLE_COUNT
};

const char *dd_role_name(enum dd_role role);

struct dd_annotation {
	const char *key;
	const char *value; /* NUL-terminated; may have NULs inside too */
	size_t value_len;
};

struct dd_annotations {
	const struct dd_annotation *items; /* in the document's order */
	size_t count;
};

/* The value under a key, or NULL. */
const char *dd_annotations_get(const struct dd_annotations *annotations, const char *key);

/* Strings are NULL where the document has none (or an empty one); untrusted. */
struct dd_descriptor {
	enum dd_role role;
	bool is_manifest; /* by its media type; a child or subject that names none is taken for one */
	bool legacy;	  /* a tarsum of schema 1: nothing can be found by it, digest is all zero */
	bool has_data;	  /* brings its bytes along ("data") */
	bool has_size;
	unsigned urls; /* number of places where it can be had elsewhere */
	struct dd_digest digest;
	uint64_t size; /* bytes; 0 if not given */
	const char *media_type, *artifact_type;
	const char *os, *architecture, *variant, *os_version;
	struct dd_annotations annotations;
};

struct dd_manifest {
	enum dd_manifest_type type;
	bool inferred;		/* neither the document nor a descriptor said the type */
	const char *media_type; /* as the document has it, NULL if it has none */
	const char *artifact_type;
	const struct dd_descriptor *descriptors; /* config, layers, children, blobs, subject */
	size_t count;
	const struct dd_descriptor *subject; /* one of descriptors, or NULL */
	struct dd_annotations annotations;
	uint64_t size; /* bytes of all but the subject; what is named twice counts twice */
};

/* More bytes than this are refused (DD_ETOOBIG). */
#define DD_MANIFEST_MAX ((size_t)16 << 20)

/*
 * A parser serves one thread at a time; what it returns lives in it until its next use. Large
 * documents wait for one another over the whole process, so that memory stays within one budget.
 */
struct dd_manifest_parser;

int dd_manifest_parser_open(struct dd_manifest_parser **parser, struct dd_error *err);
void dd_manifest_parser_close(struct dd_manifest_parser *parser);
void dd_manifest_parser_closep(struct dd_manifest_parser **parser);

/*
 * named_type is the media type that a descriptor gave, or NULL; one that is no manifest's is passed
 * over. Nothing half-read is ever returned:
 *
 * DD_EFORMAT   not JSON, or a field of the wrong type or out of range, which is named
 * DD_EUNKNOWN  no type that we know, or a digest of an unknown algorithm
 * DD_ETOOBIG   over DD_MANIFEST_MAX or the memory budget
 */
int dd_manifest_parse(struct dd_manifest_parser *parser, const void *bytes, size_t len,
		      const char *named_type, const struct dd_manifest **manifest,
		      struct dd_error *err);

/* First that the bytes have the digest: DD_ECORRUPT names both. */
int dd_manifest_verify_and_parse(struct dd_manifest_parser *parser, const struct dd_digest *want,
				 const void *bytes, size_t len, const char *named_type,
				 const struct dd_manifest **manifest, struct dd_error *err);

#endif
