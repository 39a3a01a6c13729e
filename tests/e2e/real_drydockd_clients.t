#!/bin/bash
# drydockd and clients in Go: crane, regctl, oras, helm and cosign.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"
# shellcheck source=tests/e2e/real/content.sh
. "$e2e/real/content.sh"
# shellcheck source=tests/e2e/real/clients.sh
. "$e2e/real/clients.sh"

need_registry2
need_command jq openssl

# ---- crane ----

crane_push() {
	make_layer "$1" "the layer called $1" &&
		crane append --insecure -f "$1.tar.gz" -f shared.tar.gz -t "$host/crane/app:$1" >&7 &&
		crane pull --insecure --format oci "$host/crane/app:$1" "$1.layout" >&7
}

crane_pull() {
	rm -rf got && crane pull --insecure --format oci "$host/crane/app:$1" got >&7 &&
		diff -r "$1.layout/blobs" got/blobs >&7 && crane validate --insecure --remote \
		"$host/crane/app:$1" >&7
}

test_case 'what crane pushed to it or to docker-registry it pulls from both' '
	need_program crane && make_layer shared "of both" && both_ways crane
'

test_case 'crane copies between repositories, lists, retags and deletes' '
	need_program crane && serve_deleting && platform_layers all && push_index multi/app:v1 &&
	digest=$(crane digest --insecure "$host/multi/app:v1") &&
	crane copy --insecure "$host/multi/app:v1" "$host/copied/app:v1" 2>&7 &&
	[ "$(crane digest --insecure "$host/copied/app:v1")" = "$digest" ] &&
	crane tag --insecure "$host/copied/app:v1" v2 && crane ls --insecure "$host/copied/app" >list &&
	printf "%s\n" v1 v2 >expected && same expected list &&
	crane catalog --insecure "$host" >list && printf "%s\n" copied/app multi/app >expected &&
	same expected list && crane delete --insecure "$host/copied/app@$digest" &&
	run 1 crane digest --insecure "$host/copied/app:v2" 2>gone && says "MANIFEST_UNKNOWN" gone &&
	[ "$(crane digest --insecure "$host/multi/app:v1")" = "$digest" ] && stop &&
	run 0 drydock verify --root vol >&7
'

# ---- regctl ----

regctl_push() {
	platform_layers "$1" && regctl registry set --tls disabled "$host" && push_index "by/skopeo:$1" &&
		rm -rf layout && regctl image copy "$host/by/skopeo:$1" "ocidir://$1.layout:it" >&7 &&
		regctl image copy "ocidir://$1.layout:it" "$host/regctl/app:$1" >&7
}

regctl_pull() {
	rm -rf got && regctl registry set --tls disabled "$host" &&
		regctl image copy "$host/regctl/app:$1" ocidir://got:it >&7 &&
		diff -r "$1.layout/blobs" got/blobs >&7
}

test_case 'what regctl copied to it or to docker-registry it copies from both' '
	need_program regctl && export REGCTL_CONFIG=$PWD/regctl.json && both_ways regctl
'

test_case 'regctl deletes one tag of two, pushes in chunks and copies with referrers' '
	need_program regctl && export REGCTL_CONFIG=$PWD/regctl.json && serve_deleting &&
	regctl registry set --tls disabled --blob-chunk 65536 --blob-max 65536 "$host" &&
	head -c 400000 /dev/urandom >big && regctl artifact put --artifact-type text/big -f big \
		"$host/a:v1" && regctl artifact get "$host/a:v1" >got && cmp big got &&
	cat daemon.out >&7 && [ "$(grep -c "PATCH /v2/a/blobs/uploads/" daemon.out)" -gt 5 ] &&
	echo "a bill" >sbom &&
	regctl artifact put --artifact-type text/bill --subject "$host/a:v1" -f sbom &&
	regctl image copy --referrers "$host/a:v1" "$host/b:v1" >&7 &&
	regctl artifact list "$host/b:v1" --format "{{jsonPretty .}}" >list && says "text/bill" list &&
	regctl image copy "$host/a:v1" "$host/a:v2" >&7 && regctl tag delete "$host/a:v1" &&
	regctl tag ls "$host/a" >list && echo v2 >expected && same expected list &&
	stop && run 0 drydock verify --root vol >&7
'

# ---- oras ----

oras_push() {
	echo "what $1 says" >"$1.txt" && oras push --plain-http --no-tty "$host/oras/app:$1" \
		--artifact-type application/vnd.example.words "$1.txt:text/plain" shared.txt >&7
}

oras_pull() {
	rm -rf got && oras pull --plain-http --no-tty -o got "$host/oras/app:$1" >&7 &&
		same "$1.txt" "got/$1.txt" && same shared.txt got/shared.txt
}

test_case 'what oras pushed to it or to docker-registry it pulls from both' '
	need_program oras && echo "of both" >shared.txt && both_ways oras
'

# discovered REF: the types of what is attached, sorted.
discovered() {
	oras discover --plain-http --format json "$1" >found &&
		jq -r '.referrers[].artifactType' found | sort
}

# attach TYPE REF
attach() {
	echo "$1" >attached && oras attach --plain-http --no-tty --artifact-type "$1" "$2" \
		attached:text/plain >&7
}

test_case 'what oras attached, here or at a registry that has no referrers, is discovered' '
	need_program oras && echo "of both" >shared.txt && registry_start vol && oras_push one &&
	attach example/there "$host/oras/app:one" && registry_stop && serve vol &&
	[ "$(discovered "$host/oras/app:one")" = example/there ] &&
	attach example/here "$host/oras/app:one" && attach example/more "$host/oras/app:one" &&
	printf "%s\n" example/here example/more example/there >expected &&
	discovered "$host/oras/app:one" >got && same expected got &&
	oras discover --plain-http --format json --artifact-type example/more \
		"$host/oras/app:one" >found &&
	json "[.referrers[].artifactType] == [\"example/more\"]" found &&
	oras copy --from-plain-http --to-plain-http --no-tty -r "$host/oras/app:one" \
		"$host/oras/copy:one" >&7 &&
	discovered "$host/oras/copy:one" >got && same expected got && stop &&
	run 0 collect vol -m && serve vol && discovered "$host/oras/copy:one" >got && same expected got
'

# ---- helm ----

helm_push() {
	local number=0.1.0
	[ "$1" = ours ] || number=0.2.0
	mkdir -p chart/templates && printf 'apiVersion: v2\nname: small\nversion: %s\n' "$number" \
		>chart/Chart.yaml && printf 'kind: ConfigMap\nmetadata: {name: %s}\n' "$1" \
		>chart/templates/it.yaml && helm package chart >&7 &&
		helm push --plain-http "small-$number.tgz" "oci://$host/charts" >&7 2>&7
}

helm_pull() {
	local number=0.1.0
	[ "$1" = ours ] || number=0.2.0
	rm -rf got && mkdir got && helm pull --plain-http "oci://$host/charts/small" \
		--version "$number" -d got >&7 2>&7 && cmp "small-$number.tgz" "got/small-$number.tgz" &&
		helm show chart --plain-http "oci://$host/charts/small" --version "$number" >shown &&
		says "version: $number" shown
}

test_case 'what helm pushed to it or to docker-registry it pulls from both' '
	need_program helm && both_ways helm
'

# ---- cosign ----

cosign_keys() {
	export COSIGN_PASSWORD='' COSIGN_YES=true
	[ -f cosign.key ] || cosign generate-key-pair >&7 2>&7
}

# Neither a log nor a time that somebody else keeps.
sign() {
	cosign sign --key cosign.key --tlog-upload=false --allow-http-registry "$@" >&7 2>&7
}

verified() {
	cosign verify --key cosign.pub --insecure-ignore-tlog=true --allow-http-registry "$@" \
		>verified 2>&7
}

cosign_push() {
	cosign_keys && make_layer "$1" "the layer called $1" && push "signed/app:$1" oci "$1" &&
		api_digest "signed/app:$1" >"$1.digest" && sign "$host/signed/app@$(cat "$1.digest")"
}

cosign_pull() {
	verified "$host/signed/app:$1" &&
		json ".[0].critical.image[\"docker-manifest-digest\"] == \"$(cat "$1.digest")\"" verified
}

test_case 'what cosign signed at it or at docker-registry it verifies at both' '
	need_program cosign && both_ways cosign
'

test_case 'cosign signs by a referrer, and nothing else is taken for signed' '
	need_program cosign && serve vol && cosign_keys && make_layer one "first" &&
	push signed/app:v1 oci one && make_layer two "second" && push signed/app:v2 oci two &&
	digest=$(api_digest signed/app:v1) && export COSIGN_EXPERIMENTAL=1 &&
	sign --registry-referrers-mode oci-1-1 "$host/signed/app@$digest" &&
	ask 200 "$url/signed/app/referrers/$digest" && json ".manifests | length == 1" body &&
	ask 200 "$url/signed/app/tags/list" && json ".tags == [\"v1\", \"v2\"]" body &&
	verified --experimental-oci11 "$host/signed/app:v1" &&
	json ".[0].critical.image[\"docker-manifest-digest\"] == \"$digest\"" verified &&
	! verified --experimental-oci11 "$host/signed/app:v2" && stop &&
	run 0 collect vol -m && serve vol && verified --experimental-oci11 "$host/signed/app:v1" &&
	stop && run 0 drydock verify --root vol >&7
'

# ---- TLS and passwords ----

test_case 'with a password and TLS, each of them logs in and gets what it pushed' '
	need_program crane oras helm && serve_guarded && export SSL_CERT_FILE=$PWD/ca.crt &&
	export DOCKER_CONFIG=$PWD/docker.home && make_layer one "first" &&
	run 1 crane append -f one.tar.gz -t "$host/a:1" 2>refused && says "UNAUTHORIZED" refused &&
	run 0 crane auth login -u alice -p wonder "$host" >&7 2>&7 &&
	run 0 crane append -f one.tar.gz -t "$host/a:1" >&7 &&
	run 0 crane validate --remote "$host/a:1" >&7 &&
	run 0 crane auth logout "$host" >&7 && echo wrong >password &&
	run 1 oras login -u alice --password-stdin "$host" <password 2>refused &&
	says "unauthorized" refused &&
	echo wonder >password && run 0 oras login -u alice --password-stdin "$host" <password >&7 &&
	run 0 oras pull -o got "$host/a:1" >&7 &&
	run 0 helm registry login -u alice --password-stdin --ca-file ca.crt "$host" <password >&7 2>&7 &&
	mkdir -p chart && printf "apiVersion: v2\nname: small\nversion: 0.1.0\n" >chart/Chart.yaml &&
	run 0 helm package chart >&7 &&
	run 0 helm push --ca-file ca.crt small-0.1.0.tgz "oci://$host/charts" >&7 2>&7
'

done_testing
