#!/bin/bash
# drydockd: manifests, tags, lists and referrers.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"

need_command curl jq

export REGISTRY_STORAGE_DELETE_ENABLED=true

test_case 'a manifest is pushed by tag, and served by tag and by digest' '
	serve vol && digest=$(push_image app v1) && tagged vol app:v1 "$digest" &&
	for reference in v1 "$digest"; do
		ask 200 "$url/app/manifests/$reference" && cmp manifest.json body &&
		[ "$(header Content-Type)" = "$type_image" ] &&
		[ "$(header Docker-Content-Digest)" = "$digest" ] &&
		[ "$(header ETag)" = "\"$digest\"" ] || return 1
	done && ask 200 -I "$url/app/manifests/v1" &&
	[ "$(header Content-Length)" = "$(stat -c %s manifest.json)" ] &&
	ask 304 -H "If-None-Match: \"$digest\"" "$url/app/manifests/v1" &&
	run 0 drydock verify --root vol
'

test_case 'several tags come with one push by digest, and are told back' '
	serve vol && push_image app v1 >digest && digest=$(cat digest) &&
	ask 201 -X PUT -H "Content-Type: $type_image" --data-binary @manifest.json \
		"$url/app/manifests/$digest?tag=a&tag=b.2" &&
	[ "$(header OCI-Tag | sort | tr "\n" " ")" = "a b.2 " ] &&
	ask 200 -I "$url/app/manifests/b.2" && ask 200 -I "$url/app/manifests/a" &&
	fails_with 400 TAG_INVALID -X PUT -H "Content-Type: $type_image" --data-binary @manifest.json \
		"$url/app/manifests/$digest?tag=ok&tag=.bad" && ask 404 -I "$url/app/manifests/ok"
'

test_case 'what is no manifest, or names what is not there, is refused, and what is missing is named' '
	serve vol && push_image app v1 >digest &&
	for bytes in "" "{" "[]" "{}" "null" "hello"; do
		fails_with 400 MANIFEST_INVALID -X PUT -H "Content-Type: $type_image" \
			--data-binary "$bytes" "$url/app/manifests/bad" || return 1
	done && fails_with 404 MANIFEST_BLOB_UNKNOWN -X PUT -H "Content-Type: $type_image" \
		--data-binary @manifest.json "$url/other/manifests/v1" &&
	says "$(jq -r .config.digest manifest.json)" body &&
	fails_with 400 DIGEST_INVALID -X PUT -H "Content-Type: $type_image" \
		--data-binary @manifest.json "$url/app/manifests/$(digest_of other)"
'

test_case 'a tag that moves shows at once, whatever was remembered of it' '
	serve vol && one=$(push_image app v1 one) && ask 200 -I "$url/app/manifests/v1" &&
	[ "$(header Docker-Content-Digest)" = "$one" ] && two=$(push_image app v1 two) &&
	ask 200 -I "$url/app/manifests/v1" && [ "$(header Docker-Content-Digest)" = "$two" ]
'

test_case 'a tag is deleted and the manifest stays; a manifest is deleted with its tags' '
	serve vol && digest=$(push_image app v1) && ask 200 -I "$url/app/manifests/v1" &&
	ask 202 -X DELETE "$url/app/manifests/v1" && fails_with 404 MANIFEST_UNKNOWN "$url/app/manifests/v1" &&
	ask 200 -I "$url/app/manifests/$digest" && push_image app v2 again >again &&
	again=$(cat again) && ask 202 -X DELETE "$url/app/manifests/$again" &&
	fails_with 404 MANIFEST_UNKNOWN "$url/app/manifests/$again" &&
	fails_with 404 MANIFEST_UNKNOWN "$url/app/manifests/v2" &&
	fails_with 404 MANIFEST_UNKNOWN -X DELETE "$url/app/manifests/v2"
'

test_case 'without delete.enabled nothing is deleted, and the key is named' '
	unset REGISTRY_STORAGE_DELETE_ENABLED && serve vol && digest=$(push_image app v1) &&
	for what in manifests/v1 manifests/$digest; do
		fails_with 405 UNSUPPORTED -X DELETE "$url/app/$what" &&
		says storage.delete.enabled body || return 1
	done && ask 200 -I "$url/app/manifests/v1"
'

test_case 'what was deleted and is pushed again is there again' '
	serve vol && digest=$(push_image app v1) && ask 202 -X DELETE "$url/app/manifests/$digest" &&
	[ "$(push_image app v1)" = "$digest" ] && ask 200 "$url/app/manifests/v1" &&
	ask 200 "$url/app/blobs/$(jq -r .layers[0].digest manifest.json)"
'

test_case 'tags are listed in order, in pages that lead to the next' '
	serve vol && for tag in b a d c; do push_image app $tag >digest || return 1; done &&
	ask 200 "$url/app/tags/list" && [ "$(jq -c . body)" = "{\"name\":\"app\",\"tags\":[\"a\",\"b\",\"c\",\"d\"]}" ] &&
	ask 200 "$url/app/tags/list?n=2" && [ "$(jq -c .tags body)" = "[\"a\",\"b\"]" ] &&
	[ "$(header Link)" = "</v2/app/tags/list?last=b&n=2>; rel=\"next\"" ] &&
	ask 200 "$url/app/tags/list?last=b&n=2" && [ "$(jq -c .tags body)" = "[\"c\",\"d\"]" ] &&
	[ -z "$(header Link)" ] && ask 200 "$url/app/tags/list?n=0" && [ "$(jq -c .tags body)" = "[]" ] &&
	ask 200 "$url/app/tags/list?last=bb" && [ "$(jq -c .tags body)" = "[\"c\",\"d\"]" ] &&
	for n in x -1 1x ""; do
		fails_with 400 PAGINATION_NUMBER_INVALID "$url/app/tags/list?n=$n" || return 1
	done && fails_with 404 NAME_UNKNOWN "$url/none/tags/list"
'

test_case 'repositories are listed likewise' '
	serve vol && for repo in b/x a c; do push_image $repo v1 >digest || return 1; done &&
	ask 200 "$url/_catalog" && [ "$(jq -c .repositories body)" = "[\"a\",\"b/x\",\"c\"]" ] &&
	ask 200 "$url/_catalog?n=2" && [ "$(header Link)" = "</v2/_catalog?last=b/x&n=2>; rel=\"next\"" ] &&
	ask 200 "$url/_catalog?n=2&last=b/x" && [ "$(jq -c .repositories body)" = "[\"c\"]" ]
'

test_case 'referrers are listed, filtered by their type, and a push says whose it is' '
	serve vol && subject=$(push_image app v1) && size=$(stat -c %s manifest.json) &&
	empty=$(push_text app "{}") &&
	for type in application/one application/two; do
		printf "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"artifactType\":\"%s\",\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":\"%s\",\"size\":2},\"layers\":[],\"subject\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%s}}" \
			"$type_image" $type "$empty" "$type_image" "$subject" "$size" >referrer &&
		ask 201 -X PUT -H "Content-Type: $type_image" --data-binary @referrer \
			"$url/app/manifests/sha256:$(sha256sum <referrer | cut -d " " -f 1)" &&
		[ "$(header OCI-Subject)" = "$subject" ] || return 1
	done && ask 200 "$url/app/referrers/$subject" && [ "$(jq ".manifests | length" body)" = 2 ] &&
	[ "$(header Content-Type)" = application/vnd.oci.image.index.v1+json ] &&
	[ -z "$(header OCI-Filters-Applied)" ] &&
	ask 200 "$url/app/referrers/$subject?artifactType=application/two" &&
	[ "$(jq -r ".manifests[].artifactType" body)" = application/two ] &&
	[ "$(header OCI-Filters-Applied)" = artifactType ] &&
	ask 200 "$url/app/referrers/$(digest_of nobody)" && [ "$(jq -c .manifests body)" = "[]" ] &&
	fails_with 400 DIGEST_INVALID "$url/app/referrers/v1"
'

test_case 'an image whose manifest was damaged is not served, and a push heals it' '
	serve vol && digest=$(push_image app v1) && stop && flip_blob vol "$digest" && serve vol &&
	fails_with 404 MANIFEST_UNKNOWN "$url/app/manifests/v1" &&
	fails_with 404 MANIFEST_UNKNOWN "$url/app/manifests/$digest" &&
	[ "$(push_image app v1)" = "$digest" ] && ask 200 "$url/app/manifests/v1" &&
	cmp manifest.json body && run 0 drydock verify --root vol
'

test_case 'who only wants to read is served, and who wants to write is told of the key' '
	serve vol && digest=$(push_image app v1) && stop &&
	printf "version: 0.1\nstorage: {filesystem: {rootdirectory: $PWD/vol}, delete: {enabled: true}, maintenance: {readonly: {enabled: true}}}\n" >config.yml &&
	serve_config config.yml && ask 200 "$url/app/manifests/v1" &&
	fails_with 405 UNSUPPORTED -X POST "$url/app/blobs/uploads/" && says readonly body &&
	fails_with 405 UNSUPPORTED -X PUT -H "Content-Type: $type_image" --data-binary @manifest.json \
		"$url/app/manifests/v2" && fails_with 405 UNSUPPORTED -X DELETE "$url/app/manifests/v1"
'

done_testing
