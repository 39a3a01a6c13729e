#!/bin/bash
# drydockd and the clients that need no daemon: podman, buildah and skopeo.
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

# need_engine NAME: "engine COMMAND…" is it, with a storage of its own.
need_engine() {
	need_command "$1" busybox
	need_mounted_root
	engine_name=$1
	echo '{}' >auth.json
	# Which policy the machine has is not the matter here.
	mkdir -p "$HOME/.config/containers" &&
		echo '{"default":[{"type":"insecureAcceptAnything"}]}' \
			>"$HOME/.config/containers/policy.json" || return
	on_exit "engine_forget"
	engine info >info 2>&1 || skip "$1 does not run here: $(tail -n 1 info | cut -c 1-200)"
}

# The registries would take the variable for theirs.
engine() {
	REGISTRY_AUTH_FILE=$PWD/auth.json "$engine_name" --storage-driver vfs \
		--root "$PWD/storage" --runroot "$PWD/runroot" "$@"
}

engine_forget() {
	engine rmi --all --force >&7 2>&7
}

podman_push() {
	archive_rootfs | engine import --message "$1" - "$host/podman/app:$1" >&7 &&
		engine push --tls-verify=false "$host/podman/app:$1" >&7 &&
		engine image inspect --format '{{.Id}}' "$host/podman/app:$1" >"$1.id"
}

podman_pull() {
	engine_forget && engine pull --tls-verify=false "$host/podman/app:$1" >&7 &&
		engine image inspect --format '{{.Id}}' "$host/podman/app:$1" >got &&
		same "$1.id" got && engine save --format oci-archive -o saved.tar "$host/podman/app:$1" >&7 &&
		rm -rf saved && mkdir saved && tar -C saved -xf saved.tar && saved_layer saved &&
		same_rootfs saved.layer
}

# saved_layer LAYOUT: of its one image, as "saved.layer".
saved_layer() {
	local manifest layer
	manifest=$(jq -r '.manifests[0].digest' "$1/index.json") &&
		layer=$(jq -r '.layers[0].digest' "$1/blobs/sha256/${manifest#*:}") &&
		{ gzip -dc "$1/blobs/sha256/${layer#*:}" >saved.layer 2>/dev/null ||
			cp "$1/blobs/sha256/${layer#*:}" saved.layer; }
}

# An image of both formats, built from nothing.
buildah_push() {
	local format=oci container
	[ "$1" = ours ] || format=docker
	container=$(engine from scratch) && engine copy "$container" rootfs / >&7 &&
		engine config --cmd /bin/sh --label "name=$1" "$container" &&
		engine commit --quiet --format "$format" "$container" "$host/buildah/app:$1" >"$1.id" &&
		engine rm "$container" >&7 &&
		engine push --tls-verify=false "$host/buildah/app:$1" >&7
}

buildah_pull() {
	engine_forget && engine pull --tls-verify=false "$host/buildah/app:$1" >&7 &&
		[ "$(engine inspect --type image --format '{{.FromImageID}}' \
			"$host/buildah/app:$1")" = "$(cat "$1.id")" ] && rm -rf saved &&
		engine push --quiet "$host/buildah/app:$1" "oci:$PWD/saved" >&7 && saved_layer saved &&
		same_rootfs saved.layer
}

# An index of two platforms with an attestation, and all of it again.
skopeo_push() {
	platform_layers "$1" && push_index "multi/app:$1" && mv layout "$1.layout" && mv index "$1.index"
}

skopeo_pull() {
	rm -rf pulled && skopeo copy --quiet --all --src-tls-verify=false \
		"docker://$host/multi/app:$1" "oci:pulled:it" >&7 2>&7 &&
		(cd "$1.layout/blobs" && find . -type f | sort) >expected &&
		(cd pulled/blobs && find . -type f | sort) >got &&
		[ "$(wc -l <got)" -gt 9 ] && same expected got &&
		skopeo inspect --raw --tls-verify=false "docker://$host/multi/app:$1" >raw &&
		cmp raw "$1.index"
}

for client in podman buildah; do
	test_case "what $client pushed to it or to docker-registry it pulls from both" "
		need_engine $client && make_rootfs && both_ways $client
	"
done

test_case 'what skopeo copied with all platforms to it or to docker-registry it copies from both' '
	both_ways skopeo
'

test_case 'skopeo copies from one repository to another, and converts between formats' '
	serve vol && make_layer one "first" && make_layer two "second" &&
	push from/app:1 oci one two && push from/app:2 v2s2 one two &&
	for tag in 1 2; do
		for format in oci v2s2; do
			skopeo copy --quiet --format $format --src-tls-verify=false --dest-tls-verify=false \
				"docker://$host/from/app:$tag" "docker://$host/$format/app:$tag" >&7 || return
		done
	done && served list && [ "$(wc -l <list)" = 6 ] &&
	skopeo list-tags --tls-verify=false "docker://$host/oci/app" >tags &&
	jq -e ".Tags == [\"1\", \"2\"]" tags &&
	run 1 skopeo delete --tls-verify=false "docker://$host/oci/app:1" 2>refused &&
	says "storage.delete.enabled" refused && stop && run 0 drydock verify --root vol >&7
'

test_case 'skopeo trusts the certificate that it is given, logs in, and copies both ways' '
	export REGISTRY_AUTH_FILE=$PWD/auth.json && serve_guarded && make_layer one "first" &&
	mkdir certs && cp ca.crt certs/ && layout_start layout && layout_image layout amd64 one &&
	layout_index layout "$(file_descriptor "$type_image" layout.amd64 "$named")" &&
	run 1 skopeo copy oci:layout:it "docker://$host/a:1" 2>refused && says "x509" refused &&
	run 1 skopeo copy --dest-cert-dir certs oci:layout:it "docker://$host/a:1" 2>refused &&
	says "unauthorized|authentication required" refused &&
	run 1 skopeo login --cert-dir certs -u alice -p wrong "$host" 2>refused &&
	says "invalid username/password" refused &&
	run 0 skopeo login --cert-dir certs -u alice -p wonder "$host" >&7 &&
	run 0 skopeo copy --dest-cert-dir certs oci:layout:it "docker://$host/a:1" >&7 &&
	run 0 skopeo copy --src-cert-dir certs "docker://$host/a:1" oci:pulled:it >&7 &&
	cmp layout.amd64 "pulled/blobs/sha256/$(sha256sum <layout.amd64 | cut -d " " -f 1)" &&
	run 0 skopeo logout "$host" >&7 &&
	run 1 skopeo copy --src-cert-dir certs "docker://$host/a:1" oci:again:it 2>refused
'

test_case 'podman logs in over TLS and pushes with its certificate' '
	need_engine podman && make_rootfs && serve_guarded && mkdir certs && cp ca.crt certs/ &&
	archive_rootfs | engine import - "$host/a:1" >&7 &&
	! engine push --cert-dir certs "$host/a:1" 2>refused &&
	says "authentication required" refused &&
	engine login --cert-dir certs -u alice -p wonder "$host" >&7 &&
	engine push --cert-dir certs "$host/a:1" >&7 && engine_forget &&
	engine pull --cert-dir certs "$host/a:1" >&7
'

done_testing
