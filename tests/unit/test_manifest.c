/*
 * Manifests of every kind: what is read, and as what.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <drydock/manifest.h>

#include "base/cleanup.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define A "\"digest\":\"sha256:" HEX_A "\""
#define B "\"digest\":\"sha256:" HEX_B "\""
#define DOCKER "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define OCI "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_ARTIFACT "application/vnd.oci.artifact.manifest.v1+json"

static struct dd_manifest_parser *parser;
static const struct dd_manifest *manifest;
static struct dd_error err;

static int open_parser(void **state)
{
	(void)state;
	return dd_manifest_parser_open(&parser, NULL);
}

static int close_parser(void **state)
{
	(void)state;
	dd_manifest_parser_closep(&parser);
	return 0;
}

static int parse(const char *text, const char *named_type)
{
	memset(&err, 0, sizeof(err));
	return dd_manifest_parse(parser, text, strlen(text), named_type, &manifest, &err);
}

static void expect(const char *text, enum dd_manifest_type type, size_t count)
{
	if (parse(text, NULL) < 0)
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(manifest->type, type);
	assert_int_equal(manifest->count, count);
}

static void expect_error(const char *text, int code, const char *reason)
{
	int rc = parse(text, NULL);

	if (rc != code || !strstr(err.text, reason))
		fail_msg("%s: %s, not %s: \"%s\", not \"%s\"", text, dd_code_name(rc),
			 dd_code_name(code), err.text, reason);
	assert_null(manifest);
}

static void expect_part(size_t index, enum dd_role role, char nibble, uint64_t size)
{
	const struct dd_descriptor *part = &manifest->descriptors[index];
	char hex[65];

	memset(hex, nibble, 64);
	hex[64] = '\0';
	assert_int_equal(part->role, role);
	assert_int_equal(part->digest.alg, DD_SHA256);
	assert_non_null(strstr(dd_digest_text(&part->digest), hex));
	assert_int_equal(part->size, size);
}

static void a_docker_image_is_read(void **state)
{
	(void)state;
	expect("{\"schemaVersion\":2,\"mediaType\":\"" DOCKER "\",\"config\":{\"mediaType\":"
	       "\"application/vnd.docker.container.image.v1+json\",\"size\":7," A "},\"layers\":"
	       "[{\"mediaType\":\"application/vnd.docker.image.rootfs.diff.tar.gzip\",\"size\":100," B
	       "},{\"mediaType\":\"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip\","
	       "\"size\":1000," A ",\"urls\":[\"https://a.example/\",\"https://b.example/\"]}]}",
	       DD_MANIFEST_DOCKER, 3);
	assert_false(manifest->inferred);
	assert_string_equal(manifest->media_type, DOCKER);
	assert_int_equal(manifest->size, 1107);
	assert_null(manifest->subject);
	expect_part(0, DD_ROLE_CONFIG, 'a', 7);
	expect_part(1, DD_ROLE_LAYER, 'b', 100);
	expect_part(2, DD_ROLE_LAYER, 'a', 1000);
	assert_int_equal(manifest->descriptors[1].urls, 0);
	assert_int_equal(manifest->descriptors[2].urls, 2);
	assert_string_equal(manifest->descriptors[0].media_type,
			    "application/vnd.docker.container.image.v1+json");
	assert_false(manifest->descriptors[0].is_manifest);
	assert_false(manifest->descriptors[1].is_manifest);
}

static void a_docker_list_names_platforms(void **state)
{
	const struct dd_descriptor *child;

	(void)state;
	expect("{\"schemaVersion\":2,\"mediaType\":\"" DOCKER_LIST
	       "\",\"manifests\":[{\"mediaType\":"
	       "\"" DOCKER "\",\"size\":5," A ",\"platform\":{\"architecture\":\"arm64\",\"os\":"
	       "\"linux\",\"variant\":\"v8\"}},{\"mediaType\":\"" DOCKER "\",\"size\":6," B
	       ",\"platform\":{\"architecture\":\"amd64\",\"os\":\"windows\",\"os.version\":"
	       "\"10.0.17763\",\"os.features\":[\"win32k\"]}}]}",
	       DD_MANIFEST_DOCKER_LIST, 2);
	expect_part(0, DD_ROLE_CHILD, 'a', 5);
	child = &manifest->descriptors[0];
	assert_true(child->is_manifest);
	assert_string_equal(child->architecture, "arm64");
	assert_string_equal(child->os, "linux");
	assert_string_equal(child->variant, "v8");
	assert_null(child->os_version);
	assert_string_equal(manifest->descriptors[1].os_version, "10.0.17763");
	assert_null(manifest->descriptors[1].variant);
}

static void an_oci_image_brings_all_that_1_1_has(void **state)
{
	const struct dd_descriptor *layer;

	(void)state;
	expect("{\"schemaVersion\":2,\"mediaType\":\"" OCI "\",\"artifactType\":\"application/x\","
	       "\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"size\":2," A
	       ",\"data\":\"e30=\"},\"layers\":[{\"mediaType\":\"text/plain\",\"artifactType\":"
	       "\"application/y\",\"size\":3," B ",\"annotations\":{\"k\":\"v\",\"n\":null}}],"
	       "\"subject\":{\"mediaType\":\"" OCI "\",\"size\":900," A "},"
	       "\"annotations\":{\"org.opencontainers.image.created\":\"today\",\"b\":\"x\\u0000y\"}}",
	       DD_MANIFEST_OCI, 3);
	assert_string_equal(manifest->artifact_type, "application/x");
	assert_int_equal(manifest->annotations.count, 2);
	assert_string_equal(
		dd_annotations_get(&manifest->annotations, "org.opencontainers.image.created"),
		"today");
	assert_int_equal(manifest->annotations.items[1].value_len, 3);
	assert_memory_equal(manifest->annotations.items[1].value, "x\0y", 4);
	assert_null(dd_annotations_get(&manifest->annotations, "B"));
	assert_true(manifest->descriptors[0].has_data);
	layer = &manifest->descriptors[1];
	assert_false(layer->has_data);
	assert_string_equal(layer->artifact_type, "application/y");
	assert_string_equal(dd_annotations_get(&layer->annotations, "k"), "v");
	assert_string_equal(dd_annotations_get(&layer->annotations, "n"), "");
	expect_part(2, DD_ROLE_SUBJECT, 'a', 900);
	assert_ptr_equal(manifest->subject, &manifest->descriptors[2]);
	assert_true(manifest->subject->is_manifest);
	/* The subject is no part. */
	assert_int_equal(manifest->size, 5);
}

static void children_are_manifests_by_their_media_type(void **state)
{
	(void)state;
	expect("{\"schemaVersion\":2,\"mediaType\":\"" OCI_INDEX "\",\"manifests\":["
	       "{\"mediaType\":\"" OCI "\"," A "},{\"mediaType\":\"" OCI_INDEX "\"," A "},"
	       "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\"," A "},"
	       "{\"mediaType\":\"application/vnd.buildkit.cacheconfig.v0\"," A "},"
	       "{" A "},{\"mediaType\":\"\"," A "},"
	       "{\"mediaType\":\"Application/vnd.OCI.image.manifest.v1+json; charset=utf-8\"," A
	       "}]}",
	       DD_MANIFEST_OCI_INDEX, 7);
	assert_true(manifest->descriptors[0].is_manifest);
	assert_true(manifest->descriptors[1].is_manifest);
	assert_false(manifest->descriptors[2].is_manifest);
	assert_false(manifest->descriptors[3].is_manifest);
	assert_true(manifest->descriptors[4].is_manifest);
	assert_true(manifest->descriptors[5].is_manifest);
	assert_null(manifest->descriptors[5].media_type);
	assert_true(manifest->descriptors[6].is_manifest);
	assert_false(manifest->descriptors[0].has_size);
}

static void a_layer_of_a_manifests_type_is_a_manifest(void **state)
{
	(void)state;
	expect("{\"mediaType\":\"" OCI "\",\"layers\":[{\"mediaType\":\"" OCI "\"," A "},{" B "}]}",
	       DD_MANIFEST_OCI, 2);
	assert_true(manifest->descriptors[0].is_manifest);
	assert_false(manifest->descriptors[1].is_manifest);
}

static void an_artifact_manifest_names_blobs(void **state)
{
	(void)state;
	expect("{\"mediaType\":\"" OCI_ARTIFACT "\",\"artifactType\":\"application/sbom\","
	       "\"blobs\":[{\"size\":9," A "}],\"subject\":{\"mediaType\":\"" OCI "\"," B "}}",
	       DD_MANIFEST_OCI_ARTIFACT, 2);
	expect_part(0, DD_ROLE_BLOB, 'a', 9);
	expect_part(1, DD_ROLE_SUBJECT, 'b', 0);
}

static void schema_1_names_its_layers_by_blob_sum(void **state)
{
	(void)state;
	expect("{\"schemaVersion\":1,\"name\":\"a\",\"tag\":\"b\",\"architecture\":\"amd64\","
	       "\"fsLayers\":[{\"blobSum\":\"sha256:" HEX_A "\"},{\"blobSum\":\"sha256:" HEX_B
	       "\"},"
	       "{\"blobSum\":\"tarsum.v1+sha256:" HEX_A "\"}],"
	       "\"history\":[{\"v1Compatibility\":\"{}\"}]}",
	       DD_MANIFEST_SCHEMA1, 3);
	assert_true(manifest->inferred);
	expect_part(0, DD_ROLE_LAYER, 'a', 0);
	expect_part(1, DD_ROLE_LAYER, 'b', 0);
	assert_false(manifest->descriptors[1].legacy);
	assert_true(manifest->descriptors[2].legacy);
	expect("{\"schemaVersion\":1,\"fsLayers\":[],\"signatures\":[{}]}",
	       DD_MANIFEST_SCHEMA1_SIGNED, 0);
	expect("{\"schemaVersion\":1,\"mediaType\":\"application/vnd.docker.distribution.manifest."
	       "v1+prettyjws\",\"fsLayers\":[]}",
	       DD_MANIFEST_SCHEMA1_SIGNED, 0);
	assert_false(manifest->inferred);
}

static void a_tarsum_is_a_digest_in_schema_1_only(void **state)
{
	(void)state;
	expect_error("{\"layers\":[{\"digest\":\"tarsum.v1+sha256:" HEX_A "\"}]}", DD_EUNKNOWN,
		     "layers[0].digest: \"tarsum.v1+sha256:" HEX_A "\" is of an unknown algorithm");
}

static void the_type_is_inferred_when_nothing_says_it(void **state)
{
	static const struct {
		const char *text;
		enum dd_manifest_type type;
	} cases[] = {
		{ "{\"manifests\":[]}", DD_MANIFEST_OCI_INDEX },
		{ "{\"layers\":[]}", DD_MANIFEST_OCI },
		{ "{\"fsLayers\":[]}", DD_MANIFEST_SCHEMA1 },
		{ "{\"blobs\":[]}", DD_MANIFEST_OCI_ARTIFACT },
		{ "{\"layers\":[],\"manifests\":[]}", DD_MANIFEST_OCI_INDEX },
		{ "{\"mediaType\":null,\"layers\":[]}", DD_MANIFEST_OCI },
		{ "{\"mediaType\":\"\",\"layers\":[]}", DD_MANIFEST_OCI },
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++) {
		expect(cases[i].text, cases[i].type, 0);
		assert_true(manifest->inferred);
		assert_null(manifest->media_type);
	}
}

static void the_document_outranks_the_descriptor_that_led_to_it(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"layers\":[]}", DOCKER), 0);
	assert_int_equal(manifest->type, DD_MANIFEST_DOCKER);
	assert_false(manifest->inferred);
	assert_null(manifest->media_type);
	assert_int_equal(parse("{\"mediaType\":\"" OCI "\",\"layers\":[]}", DOCKER), 0);
	assert_int_equal(manifest->type, DD_MANIFEST_OCI);
	assert_int_equal(parse("{\"layers\":[]}", "application/octet-stream"), 0);
	assert_int_equal(manifest->type, DD_MANIFEST_OCI);
	assert_true(manifest->inferred);
}

static void what_is_two_things_at_once_names_the_parts_of_both(void **state)
{
	(void)state;
	expect("{\"mediaType\":\"" OCI "\",\"config\":{" A "},\"layers\":[{" B "}],"
	       "\"fsLayers\":[{\"blobSum\":\"sha256:" HEX_A "\"}],\"manifests\":[{" B "}],"
	       "\"blobs\":[{" A "}],\"subject\":{" B "}}",
	       DD_MANIFEST_OCI, 6);
	expect_part(0, DD_ROLE_CONFIG, 'a', 0);
	expect_part(1, DD_ROLE_LAYER, 'b', 0);
	expect_part(2, DD_ROLE_LAYER, 'a', 0);
	expect_part(3, DD_ROLE_CHILD, 'b', 0);
	expect_part(4, DD_ROLE_BLOB, 'a', 0);
	expect_part(5, DD_ROLE_SUBJECT, 'b', 0);
}

static void an_unknown_type_is_doubt(void **state)
{
	(void)state;
	expect_error("{\"mediaType\":\"application/x\",\"layers\":[{" A "}]}", DD_EUNKNOWN,
		     "of an unknown type: application/x");
	expect_error("{\"mediaType\":\"application/x\"}", DD_EUNKNOWN,
		     "of an unknown type: application/x");
	expect_error("{}", DD_EUNKNOWN, "of an unknown type");
	expect_error("{\"schemaVersion\":2}", DD_EUNKNOWN, "of an unknown type");
	expect_error("{\"mediaType\":\"" OCI "\"}", DD_EUNKNOWN, "of an unknown type");
	expect_error("{\"mediaType\":\"" OCI_INDEX "\",\"manifests\":null}", DD_EUNKNOWN,
		     "of an unknown type");
	expect_error("{\"config\":{" A "}}", DD_EUNKNOWN, "of an unknown type");
	expect_error("{\"subject\":{" A "}}", DD_EUNKNOWN, "of an unknown type");
	expect_error("{\"schemaVersion\":3,\"layers\":[]}", DD_EUNKNOWN, "schemaVersion 3");
	expect_error("{\"schemaVersion\":0,\"layers\":[]}", DD_EUNKNOWN, "schemaVersion 0");
	expect_error("{\"mediaType\":\"" OCI "\\u0000\",\"layers\":[]}", DD_EFORMAT,
		     "mediaType: there is a NUL in it");
}

static void fields_match_whatever_their_case(void **state)
{
	(void)state;
	expect("{\"SCHEMAVERSION\":2,\"MediaType\":\"" OCI
	       "\",\"CONFIG\":{\"Digest\":\"sha256:" HEX_A
	       "\",\"SIZE\":4},\"LAYERS\":[{\"DIGEST\":\"sha256:" HEX_B "\"}]}",
	       DD_MANIFEST_OCI, 2);
	expect_part(0, DD_ROLE_CONFIG, 'a', 4);
	expect_part(1, DD_ROLE_LAYER, 'b', 0);
	expect("{\"layer\xc5\xbf\":[{\"dige\xc5\xbft\":\"sha256:" HEX_A "\"}]}", DD_MANIFEST_OCI,
	       1);
	expect_part(0, DD_ROLE_LAYER, 'a', 0);
	expect("{\"FSLAYERS\":[{\"blobsum\":\"sha256:" HEX_A "\"}]}", DD_MANIFEST_SCHEMA1, 1);
}

static void a_field_given_twice_is_doubt(void **state)
{
	(void)state;
	expect_error("{\"layers\":[],\"layers\":[{" A "}]}", DD_EFORMAT,
		     "the field \"layers\" is given twice");
	expect_error("{\"layers\":[],\"LAYERS\":[{" A "}]}", DD_EFORMAT,
		     "the field \"layers\" is given twice, as \"layers\" and \"LAYERS\"");
	expect_error("{\"layers\":[],\"layer\xc5\xbf\":[{" A "}]}", DD_EFORMAT, "is given twice");
	expect_error("{\"layers\":[],\"Layers\":null}", DD_EFORMAT, "is given twice");
	expect_error("{\"layers\":[{" A "},{" A ",\"Digest\":\"x\"}]}", DD_EFORMAT,
		     "layers[1]: the field \"digest\" is given twice");
	expect_error("{\"manifests\":[{" A ",\"platform\":{\"os\":\"a\",\"OS\":\"b\"}}]}",
		     DD_EFORMAT, "manifests[0].platform: the field \"os\" is given twice");
	/* Not a field of ours: Go does not look at it either. */
	expect("{\"layers\":[],\"other\":1,\"OTHER\":2}", DD_MANIFEST_OCI, 0);
}

static void null_is_as_good_as_absent(void **state)
{
	(void)state;
	expect("{\"schemaVersion\":null,\"layers\":[{" A ",\"size\":null,\"mediaType\":null,"
	       "\"urls\":null,\"data\":null,\"platform\":null,\"annotations\":null,"
	       "\"artifactType\":null}],\"config\":null,\"subject\":null,\"annotations\":null,"
	       "\"manifests\":null,\"blobs\":null,\"fsLayers\":null}",
	       DD_MANIFEST_OCI, 1);
	assert_false(manifest->descriptors[0].has_size);
	assert_false(manifest->descriptors[0].has_data);
	/* So is an empty text. */
	expect("{\"layers\":[{" A ",\"data\":\"\",\"artifactType\":\"\"}]}", DD_MANIFEST_OCI, 1);
	assert_false(manifest->descriptors[0].has_data);
	assert_null(manifest->descriptors[0].artifact_type);
}

static void a_bad_digest_is_named_with_its_place(void **state)
{
	(void)state;
	expect_error("{\"layers\":[{" A "},{" A "},{" A "},{\"digest\":\"sha256:abc\"}]}",
		     DD_EFORMAT, "layers[3].digest: \"sha256:abc\" is not a digest");
	expect_error("{\"layers\":[{\"digest\":\"blake3:" HEX_A "\"}]}", DD_EUNKNOWN,
		     "layers[0].digest: \"blake3:");
	expect_error("{\"layers\":[{}]}", DD_EFORMAT, "layers[0].digest: missing");
	expect_error("{\"layers\":[{\"digest\":null}]}", DD_EFORMAT, "layers[0].digest: missing");
	expect_error("{\"layers\":[{\"digest\":\"\"}]}", DD_EFORMAT,
		     "layers[0].digest: \"\" is not");
	expect_error("{\"layers\":[{\"digest\":\"sha256:" HEX_A "\\u0000\"}]}", DD_EFORMAT,
		     "is not a digest");
	expect_error("{\"layers\":[],\"config\":{\"digest\":7}}", DD_EFORMAT,
		     "config.digest: a string was expected, not a whole number");
	expect_error("{\"layers\":[],\"subject\":{}}", DD_EFORMAT, "subject.digest: missing");
	expect_error("{\"fsLayers\":[{" A "}]}", DD_EFORMAT, "fsLayers[0].blobSum: missing");
	expect_error("{\"fsLayers\":[{\"blobSum\":[]}]}", DD_EFORMAT,
		     "fsLayers[0].blobSum: a string was expected, not an array");
	expect_error("{\"manifests\":[{\"digest\":\"SHA256:" HEX_A "\"}]}", DD_EUNKNOWN,
		     "manifests[0].digest");
}

static void a_sha512_digest_is_read(void **state)
{
	(void)state;
	expect("{\"layers\":[{\"digest\":\"sha512:" HEX_A HEX_B "\"}]}", DD_MANIFEST_OCI, 1);
	assert_int_equal(manifest->descriptors[0].digest.alg, DD_SHA512);
	assert_string_equal(dd_digest_text(&manifest->descriptors[0].digest),
			    "sha512:" HEX_A HEX_B);
}

static void a_size_is_a_whole_number_of_63_bits(void **state)
{
	(void)state;
	expect("{\"layers\":[{" A ",\"size\":9223372036854775807}]}", DD_MANIFEST_OCI, 1);
	assert_true(manifest->descriptors[0].size == INT64_MAX);
	expect("{\"layers\":[{" A ",\"size\":0}]}", DD_MANIFEST_OCI, 1);
	assert_true(manifest->descriptors[0].has_size);
	expect_error("{\"layers\":[{" A ",\"size\":-1}]}", DD_EFORMAT,
		     "layers[0].size: -1 is negative");
	expect_error("{\"layers\":[{" A ",\"size\":1.0}]}", DD_EFORMAT,
		     "layers[0].size: a whole number was expected, not a fractional");
	expect_error("{\"layers\":[{" A ",\"size\":1e3}]}", DD_EFORMAT, "layers[0].size");
	expect_error("{\"layers\":[{" A ",\"size\":\"1\"}]}", DD_EFORMAT,
		     "layers[0].size: a whole number was expected, not a string");
	expect_error("{\"layers\":[{" A ",\"size\":9223372036854775808}]}", DD_EFORMAT, "\"size\"");
	expect_error("{\"layers\":[{" A ",\"size\":1e999}]}", DD_EFORMAT, "\"size\"");
}

static void a_sum_of_sizes_does_not_wrap(void **state)
{
	(void)state;
	expect("{\"layers\":[{" A ",\"size\":9223372036854775807},{" A
	       ",\"size\":9223372036854775807},"
	       "{" A ",\"size\":9223372036854775807}]}",
	       DD_MANIFEST_OCI, 3);
	assert_true(manifest->size == UINT64_MAX);
}

static void a_value_of_the_wrong_type_is_refused_and_named(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "[]", "an object was expected, not an array" },
		{ "{\"layers\":{}}", "layers: an array was expected, not an object" },
		{ "{\"layers\":\"\"}", "layers: an array was expected, not a string" },
		{ "{\"layers\":[],\"config\":[]}", "config: an object was expected, not an array" },
		{ "{\"layers\":[],\"manifests\":1}", "manifests: an array was expected" },
		{ "{\"layers\":[],\"blobs\":true}", "blobs: an array was expected, not a boolean" },
		{ "{\"layers\":[],\"fsLayers\":{}}", "fsLayers: an array was expected" },
		{ "{\"layers\":[],\"subject\":\"x\"}", "subject: an object was expected" },
		{ "{\"layers\":[null]}", "layers[0]: an object was expected, not null" },
		{ "{\"layers\":[{" A "},[]]}", "layers[1]: an object was expected, not an array" },
		{ "{\"mediaType\":1,\"layers\":[]}", "mediaType: a string was expected" },
		{ "{\"schemaVersion\":\"2\",\"layers\":[]}", "schemaVersion: a whole number" },
		{ "{\"schemaVersion\":2.0,\"layers\":[]}", "schemaVersion: a whole number" },
		{ "{\"artifactType\":{},\"layers\":[]}", "artifactType: a string was expected" },
		{ "{\"annotations\":[],\"layers\":[]}", "annotations: an object was expected" },
		{ "{\"annotations\":{\"k\":1},\"layers\":[]}",
		  "annotations: \"k\": a string was expected, not a whole number" },
		{ "{\"layers\":[{" A ",\"mediaType\":1}]}", "layers[0].mediaType: a string" },
		{ "{\"layers\":[{" A ",\"artifactType\":1}]}", "layers[0].artifactType: a string" },
		{ "{\"layers\":[{" A ",\"urls\":\"x\"}]}",
		  "layers[0].urls: an array was expected" },
		{ "{\"layers\":[{" A ",\"urls\":[1]}]}", "layers[0].urls: a string was expected" },
		{ "{\"layers\":[{" A ",\"data\":[]}]}", "layers[0].data: a string was expected" },
		{ "{\"layers\":[{" A ",\"annotations\":{\"k\":[]}}]}",
		  "layers[0].annotations: \"k\"" },
		{ "{\"manifests\":[{" A ",\"platform\":[]}]}", "manifests[0].platform: an object" },
		{ "{\"manifests\":[{" A ",\"platform\":{\"os\":1}}]}",
		  "manifests[0].platform.os: a string was expected" },
		{ "{\"manifests\":[{" A ",\"platform\":{\"os.version\":[]}}]}",
		  "manifests[0].platform.os.version: a string was expected" },
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++)
		expect_error(cases[i].text, DD_EFORMAT, cases[i].reason);
}

static void what_is_not_json_is_refused(void **state)
{
	(void)state;
	expect_error("", DD_EFORMAT, "empty");
	expect_error("\xef\xbb\xbf{\"layers\":[]}", DD_EFORMAT, "not JSON");
	expect_error("{\"layers\":[]}x", DD_EFORMAT, "end of file expected");
	expect_error("{\"layers\":[]", DD_EFORMAT, "'}' expected");
	expect_error("\x1f\x8b\x08", DD_EFORMAT, "not JSON");
}

static void bytes_are_checked_before_they_are_parsed(void **state)
{
	static const char text[] = "{\"layers\":[]}", other[] = "{\"layers\":[] }", bad[] = "{";
	struct dd_digest digests[DD_ALGORITHM_COUNT], of_bad;

	(void)state;
	for (int alg = 0; alg < DD_ALGORITHM_COUNT; alg++) {
		assert_int_equal(dd_digest_of(&digests[alg], (enum dd_algorithm)alg, text,
					      strlen(text), NULL),
				 0);
		/* More than once: the hasher is used again. */
		for (int i = 0; i < 3; i++) {
			assert_int_equal(dd_manifest_verify_and_parse(parser, &digests[alg], text,
								      strlen(text), NULL, &manifest,
								      &err),
					 0);
			assert_int_equal(manifest->type, DD_MANIFEST_OCI);
		}
		assert_int_equal(dd_manifest_verify_and_parse(parser, &digests[alg], other,
							      strlen(other), NULL, &manifest, &err),
				 DD_ECORRUPT);
		assert_null(manifest);
		assert_int_equal(strncmp(err.text, dd_digest_text(&digests[alg]),
					 strlen(dd_digest_text(&digests[alg]))),
				 0);
		assert_non_null(strstr(err.text, " holds "));
	}
	assert_int_equal(dd_digest_of(&of_bad, DD_SHA256, bad, 1, NULL), 0);
	assert_int_equal(
		dd_manifest_verify_and_parse(parser, &of_bad, bad, 1, NULL, &manifest, &err),
		DD_EFORMAT);
	assert_int_equal(
		dd_manifest_verify_and_parse(parser, &of_bad, "", 0, NULL, &manifest, NULL),
		DD_ECORRUPT);
}

static void what_is_handed_out_does_not_refer_to_the_input(void **state)
{
	char text[] =
		"{\"layers\":[{\"mediaType\":\"text/plain\"," A ",\"annotations\":{\"k\":\"v\"}}]}";

	(void)state;
	expect(text, DD_MANIFEST_OCI, 1);
	memset(text, '#', sizeof(text) - 1);
	assert_string_equal(manifest->descriptors[0].media_type, "text/plain");
	assert_string_equal(manifest->descriptors[0].annotations.items[0].key, "k");
	assert_string_equal(manifest->descriptors[0].annotations.items[0].value, "v");
}

static void a_parser_can_go_on_after_an_error(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		expect_error("{\"layers\":[{" A "},{}]}", DD_EFORMAT, "layers[1].digest");
		expect("{\"layers\":[{" A "}]}", DD_MANIFEST_OCI, 1);
	}
	assert_int_equal(dd_manifest_parse(parser, "{", 1, NULL, &manifest, NULL), DD_EFORMAT);
	assert_int_equal(dd_manifest_parse(parser, "{\"layers\":[{}]}", 15, NULL, &manifest, NULL),
			 DD_EFORMAT);
}

static void the_tables_say_what_a_type_is(void **state)
{
	(void)state;
	assert_int_equal(dd_manifest_type_of(OCI), DD_MANIFEST_OCI);
	assert_int_equal(dd_manifest_type_of("APPLICATION/VND.OCI.IMAGE.INDEX.V1+JSON"),
			 DD_MANIFEST_OCI_INDEX);
	assert_int_equal(dd_manifest_type_of(DOCKER ";q=1"), DD_MANIFEST_DOCKER);
	assert_int_equal(dd_manifest_type_of(DOCKER "x"), DD_MANIFEST_NONE);
	assert_int_equal(dd_manifest_type_of(""), DD_MANIFEST_NONE);
	assert_int_equal(dd_manifest_type_of(NULL), DD_MANIFEST_NONE);
	assert_true(dd_media_type_is_manifest(DOCKER_LIST));
	assert_false(dd_media_type_is_manifest("application/json"));
	for (enum dd_manifest_type type = DD_MANIFEST_NONE + 1; type < DD_MANIFEST_TYPE_COUNT;
	     type++)
		assert_int_equal(dd_manifest_type_of(dd_manifest_type_media_type(type)), type);
	assert_string_equal(dd_manifest_type_name(DD_MANIFEST_NONE), "unknown");
	assert_string_equal(dd_manifest_type_name(DD_MANIFEST_SCHEMA1_SIGNED), "schema1-signed");
	assert_null(dd_manifest_type_media_type(DD_MANIFEST_NONE));
	assert_true(dd_manifest_type_is_index(DD_MANIFEST_DOCKER_LIST));
	assert_false(dd_manifest_type_is_index(DD_MANIFEST_OCI_ARTIFACT));
	assert_string_equal(dd_role_name(DD_ROLE_CHILD), "manifest");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_parser, close_parser)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_docker_image_is_read),
		TEST(a_docker_list_names_platforms),
		TEST(an_oci_image_brings_all_that_1_1_has),
		TEST(children_are_manifests_by_their_media_type),
		TEST(a_layer_of_a_manifests_type_is_a_manifest),
		TEST(an_artifact_manifest_names_blobs),
		TEST(schema_1_names_its_layers_by_blob_sum),
		TEST(a_tarsum_is_a_digest_in_schema_1_only),
		TEST(the_type_is_inferred_when_nothing_says_it),
		TEST(the_document_outranks_the_descriptor_that_led_to_it),
		TEST(what_is_two_things_at_once_names_the_parts_of_both),
		TEST(an_unknown_type_is_doubt),
		TEST(fields_match_whatever_their_case),
		TEST(a_field_given_twice_is_doubt),
		TEST(null_is_as_good_as_absent),
		TEST(a_bad_digest_is_named_with_its_place),
		TEST(a_sha512_digest_is_read),
		TEST(a_size_is_a_whole_number_of_63_bits),
		TEST(a_sum_of_sizes_does_not_wrap),
		TEST(a_value_of_the_wrong_type_is_refused_and_named),
		TEST(what_is_not_json_is_refused),
		TEST(bytes_are_checked_before_they_are_parsed),
		TEST(what_is_handed_out_does_not_refer_to_the_input),
		TEST(a_parser_can_go_on_after_an_error),
		TEST(the_tables_say_what_a_type_is),
	};

	return cmocka_run_group_tests_name("manifests", tests, NULL, NULL);
}
