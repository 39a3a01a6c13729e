#!/bin/bash
# drydockd and docker-registry, in turn on one volume: what one wrote the other serves, and goes on with.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"

need_registry2
need_command jq

export REGISTRY_STORAGE_DELETE_ENABLED=true

# reference VOL, and its end: "host" and "url" are its own meanwhile.
reference() {
	registry_start "$1" && url=http://$host/v2
}

# image_is TAG DIGEST: with all its parts.
image_is() {
	ask 200 -H "Accept: $type_image" "$url/app/manifests/$1" &&
		[ "$(header Docker-Content-Digest)" = "$2" ] && mv body image.json &&
		jq -r ".config.digest, .layers[].digest" image.json >parts &&
		while read -r digest; do
			ask 200 "$url/app/blobs/$digest" &&
				[ "sha256:$(sha256sum <body | cut -d " " -f 1)" = "$digest" ] || return 1
		done <parts
}

# put_reference TAG TEXT: an image, pushed as docker does: an upload for each blob.
put_reference() {
	printf "{\"os\":\"linux\",\"text\":\"%s\"}" "$2" >config && printf "layer %s" "$2" >layer &&
		config=$(api_blob app config) && layer=$(api_blob app layer) &&
		api_manifest app "$1" "$type_image" "$(printf "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":%s},\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%s}]}" \
			"$type_image" "$config" "$(stat -c %s config)" "$layer" "$(stat -c %s layer)")"
}

test_case 'what one pushes the other serves, both ways, and a verification finds nothing' '
	serve vol && ours=$(push_image app ours one) && stop && reference vol &&
	image_is ours "$ours" && theirs=$(put_reference theirs two) && registry_stop && serve vol &&
	image_is ours "$ours" && image_is theirs "$theirs" && stop &&
	run 0 drydock verify --root vol --full
'


test_case 'a tag that one moves and the other moves back is where it was put last' '
	serve vol && one=$(push_image app v1 one) && stop && reference vol &&
	two=$(put_reference v1 two) && image_is v1 "$two" && registry_stop && serve vol &&
	image_is v1 "$two" && [ "$(push_image app v1 one)" = "$one" ] && image_is v1 "$one" && stop &&
	reference vol && image_is v1 "$one" && registry_stop
'

test_case 'an upload that docker-registry began is gone on with' '
	reference vol && location=$(upload_location app) && id=${location##*/} && id=${id%%\?*} &&
	registry_stop && serve vol && printf 01234 >a && ask 204 "$url/app/blobs/uploads/$id" &&
	ask 202 -X PATCH --data-binary @a "$url/app/blobs/uploads/$id" &&
	ask 201 -X PUT "$(header Location)?digest=$(digest_of 01234)" && stop && reference vol &&
	ask 200 "$url/app/blobs/$(digest_of 01234)" && registry_stop
'

test_case 'what one deletes the other does not serve' '
	serve vol && one=$(push_image app v1 one) && two=$(push_image app v2 two) &&
	ask 202 -X DELETE "$url/app/manifests/$one" && stop && reference vol &&
	ask 404 -H "Accept: $type_image" "$url/app/manifests/v1" && api_delete_manifest app "$two" &&
	registry_stop && serve vol && ask 404 "$url/app/manifests/v2" &&
	ask 404 "$url/app/manifests/$two" && [ "$(push_image app v2 two)" = "$two" ] && image_is v2 "$two"
'

test_case 'skopeo copies from one to the other and back, with all platforms' '
	make_volume from && put_image from app:v1 >digest && serve_name=one serve from && one=$host &&
	serve_name=two serve vol && skopeo copy --all --quiet --src-tls-verify=false \
		--dest-tls-verify=false "docker://$one/app:v1" "docker://$host/lib/app:v1" &&
	served_to_skopeo lib/app:v1 && ask 200 -I "$url/lib/app/manifests/v1" &&
	[ "$(header Docker-Content-Digest)" = "$(cat digest)" ] && stop one && stop two
'

done_testing
