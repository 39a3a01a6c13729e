#!/bin/bash
# drydockd and docker-registry on one volume, in turns and at once; and what clients delete, undone by
# the tool.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"

need_command jq
need_registry2

export REGISTRY_STORAGE_DELETE_ENABLED=true

# Both at once; "ours" and "theirs" are where.
serve_both() {
	serve "$1" && ours=$host && registry_start "$1" && theirs=$host
}

# at HOST COMMAND…: with this server as the one that is asked.
at() {
	# shellcheck disable=SC2034 # read by what is called
	local host=$1 url=http://$1/v2
	"${@:2}"
}

# copy FROM TO: with all its images.
copy() {
	skopeo copy --quiet --all --preserve-digests --src-tls-verify=false --dest-tls-verify=false "docker://$1" \
		"docker://$2" >&7 2>&7
}

# digest_at HOST REPO:TAG
digest_at() {
	at "$1" ask 200 -I -H "Accept: $type_image" "http://$1/v2/${2%:*}/manifests/${2##*:}" &&
		header Docker-Content-Digest
}

tags_at() {
	curl -fsS "http://$1/v2/$2/tags/list" | jq -r '.tags // [] | sort | join(" ")'
}

# their_image REPO TAG TEXT: pushed in the way that every registry knows; prints its digest.
their_image() {
	local config layer
	printf '{"os":"linux","text":"%s"}' "$3" >config && printf 'layer of %s' "$3" >layer &&
		config=$(api_blob "$1" config) && layer=$(api_blob "$1" layer) || return
	api_manifest "$1" "$2" "$type_image" "$(printf \
		'{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}' "$type_image" \
		"{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"$config\",\"size\":$(stat -c %s config)}" \
		"{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"$layer\",\"size\":$(stat -c %s layer)}")"
}

test_case 'what either of them takes the other one gives, whole' '
	serve_both vol && one=$(at $ours push_image app v1 one) &&
	two=$(at $theirs their_image app v2 two) &&
	for server in $ours $theirs; do
		[ "$(digest_at $server app:v1)" = "$one" ] && [ "$(digest_at $server app:v2)" = "$two" ] &&
		[ "$(tags_at $server app)" = "v1 v2" ] && host=$server &&
		served_to_skopeo app:v1 app:v2 || return 1
	done && stop && registry_stop && run 0 drydock verify --root vol
'

test_case 'images are copied from one server to the other, on the same volume' '
	serve_both vol && digest=$(at $ours push_image app v1) && copy $ours/app:v1 $theirs/there/app:v1 &&
	copy $theirs/there/app:v1 $ours/back/app:v1 && [ "$(digest_at $ours back/app:v1)" = "$digest" ] &&
	[ "$(digest_at $theirs there/app:v1)" = "$digest" ] &&
	curl -fsS "http://$ours/v2/_catalog" | jq -e ".repositories == [\"app\",\"back/app\",\"there/app\"]" >&7 &&
	run 0 drydock verify --root vol
'

test_case 'a tag that the other one moves shows within a second' '
	serve_both vol && one=$(at $ours push_image app v1 one) &&
	[ "$(digest_at $ours app:v1)" = "$one" ] && two=$(at $theirs their_image app v1 two) &&
	[ "$one" != "$two" ] && moved() { [ "$(digest_at $ours app:v1)" = "$two" ]; } &&
	wait_until moved && three=$(at $ours push_image app v1 three) &&
	[ "$(digest_at $theirs app:v1)" = "$three" ]
'

test_case 'a referrer that the other one took is listed' '
	serve_both vol && subject=$(at $ours push_image app v1) &&
	size=$(stat -c %s manifest.json) && ask 200 "http://$ours/v2/app/referrers/$subject" &&
	[ "$(jq -c .manifests body)" = "[]" ] && jq -c ". + {subject: {mediaType: \"$type_image\",
		digest: \"$subject\", size: $size}, artifactType: \"application/x\"}" manifest.json >referrer &&
	ask 201 -X PUT -H "Content-Type: $type_image" --data-binary @referrer \
		"http://$theirs/v2/app/manifests/sbom" &&
	ask 200 "http://$ours/v2/app/referrers/$subject" &&
	[ "$(jq -r ".manifests[].artifactType" body)" = application/x ] &&
	digest=$(jq -r ".manifests[].digest" body) &&
	ask 202 -X DELETE "http://$theirs/v2/app/manifests/$digest" &&
	ask 200 "http://$ours/v2/app/referrers/$subject" && [ "$(jq -c .manifests body)" = "[]" ]
'

test_case 'what we delete is gone for the other one, too, which lists no tag that is none' '
	serve_both vol && at $ours push_image app v1 one >one && at $ours push_image app v2 two >two &&
	ask 202 -X DELETE "http://$ours/v2/app/manifests/v1" && [ "$(tags_at $ours app)" = v2 ] &&
	[ "$(tags_at $theirs app)" = v2 ] && ask 200 -I -H "Accept: $type_image" \
		"http://$theirs/v2/app/manifests/$(cat one)" &&
	ask 202 -X DELETE "http://$ours/v2/app/manifests/$(cat two)" && [ -z "$(tags_at $theirs app)" ] &&
	ask 404 -I "http://$theirs/v2/app/manifests/$(cat two)"
'

test_case 'what a client deleted lies in the trash, and restoring it brings tags and history back' '
	serve vol && one=$(push_image app v1 one) && two=$(push_image app v1 two) && push_image app v2 two >same &&
	ask 202 -X DELETE "$url/app/manifests/v1" && ask 202 -X DELETE "$url/app/manifests/$two" &&
	ask 404 -I "$url/app/manifests/v2" && run 0 drydock trash --root vol list --json >trash.json &&
	runs=$(jq -r ".runs | sort_by(.run) | reverse | .[].run" trash.json) && [ "$(echo "$runs" | wc -l)" = 2 ] &&
	says "delete app:v1" trash.json && says "delete app@$two" trash.json &&
	for run in $runs; do run 0 drydock trash restore "$run" --root vol --apply >&7 || return 1; done &&
	ask 200 -I "$url/app/manifests/v2" && ask 200 -I "$url/app/manifests/v1" &&
	[ "$(header Docker-Content-Digest)" = "$two" ] &&
	[ -e "vol/docker/registry/v2/repositories/app/_manifests/tags/v1/index/sha256/${one#*:}/link" ] &&
	run 0 drydock verify --root vol
'

test_case 'docker-registry pushes and moves tags while we collect, with the grace that there is: nothing that counts goes' '
	make_volume vol && orphan=$(put_layer vol ours "nobody needs it") && age vol "$orphan" 2d && serve vol --lease 1s && ours=$host &&
	registry_start vol && theirs=$host && at $ours push_image ours v0 >&7 && sleep 1.1 && : >pushing && {
		while [ -e pushing ]; do
			# 1: what is half written at this moment is doubt.
			run 0,1 drydock gc --root vol --delete-untagged --min-free 0 --apply -q || : >failed
			echo >>collected
		done & } && collector=$! && for i in $(seq 10); do
		at $theirs their_image app "v$i" "image $((i / 2))" >"digest-v$i" && cp "digest-v$i" digest-moved &&
		at $theirs their_image app moved "image $((i / 2))" >&7 && at $ours push_image ours "v$i" "ours $i" >&7 || return 1
	done && rm pushing && wait "$collector" && [ ! -e failed ] && [ "$(wc -l <collected)" -ge 2 ] && blobs_gone vol "$orphan" &&
	says "somebody else writes" daemon.err && for i in $(seq 10); do
		[ "$(digest_at $theirs "app:v$i")" = "$(cat "digest-v$i")" ] && [ "$(digest_at $ours "app:v$i")" = "$(cat "digest-v$i")" ] || return 1
	done && host=$theirs && served_to_skopeo app:moved app:v1 ours:v10 && host=$ours && served_to_skopeo app:moved app:v10 ours:v1 &&
	run 0 drydock verify --root vol
'

test_case 'an image that a collection took while we serve comes back when it is asked for' '
	serve vol && digest=$(push_image app v1) && ask 202 -X DELETE "$url/app/manifests/v1" && stop &&
	find vol/docker -exec touch -h -d "3 days ago" {} + &&
	run 0 drydock gc --root vol --delete-untagged --allow-empty --apply >&7 &&
	blobs_gone vol "$digest" && serve vol && ask 200 "$url/app/manifests/$digest" &&
	cmp manifest.json body && ask 200 "$url/app/blobs/$(jq -r .layers[0].digest manifest.json)" &&
	run 0 drydock verify --root vol
'

done_testing
