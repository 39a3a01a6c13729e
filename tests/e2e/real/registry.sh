# shellcheck shell=bash
# Real registries: starting and stopping them, and speaking their API.
#
# The registry of a file is chosen by "registry", a binary with the commands
# "serve CONFIG" and "garbage-collect CONFIG".

need_registry2() {
	need_command docker-registry skopeo curl
	registry=docker-registry
}

need_registry3() {
	need_command skopeo curl
	# With the caches of whoever runs us, not those of the test's own home.
	registry=$(BUILD=$BUILD HOME=$real_home "$top/script/go-program" registry 2>"$work/registry3") ||
		skip "$(tail -n 1 "$work/registry3")"
}

# With $registry_cache set ("inmemory") it remembers what it saw, as the images do.
registry_config() {
	cat <<-END
		version: 0.1
		log: {level: warn}
		storage:
		  filesystem: {rootdirectory: $1}
		  delete: {enabled: true}
		  ${registry_cache:+cache: {blobdescriptor: $registry_cache\}}
		http:
		  addr: 127.0.0.1:$2
		  secret: none
		validation:
		  manifests:
		    indexes: {platforms: none}
	END
}

free_port() {
	/usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# registry_start VOL: serves it; "host" is where.
registry_start() {
	local tries
	mkdir -p "$1" || return
	# Another program may take the port between the question and its use.
	for tries in 1 2 3; do
		host=127.0.0.1:$(free_port)
		registry_config "$(cd "$1" && pwd)" "${host#*:}" >registry.yml
		"$registry" serve registry.yml >registry.log 2>&1 &
		registry_pid=$!
		on_exit "kill $registry_pid 2>/dev/null"
		if wait_until registry_answers_or_died && registry_answers; then
			return 0
		fi
	done
	say "$registry does not start (tried $tries times):"
	tail -n 5 registry.log >&7
	return 1
}

registry_answers() {
	curl -fs -o /dev/null "http://$host/v2/"
}

registry_answers_or_died() {
	registry_answers || ! kill -0 "$registry_pid"
}

registry_stop() {
	kill "$registry_pid" && { wait "$registry_pid" || true; }
}

# reference_gc VOL [OPTION…]: the reference's own collection.
reference_gc() {
	registry_config "$(cd "$1" && pwd)" 0 >reference.yml
	"$registry" garbage-collect "${@:2}" reference.yml >reference.out 2>&1 ||
		{ tail -n 5 reference.out >&7; return 1; }
}

# The digests of all bytes that are left.
blob_list() {
	(cd "$1/docker/registry/v2/blobs" && find . -name data | sort)
}

# served FILE: every tag with its digest, each pulled whole, part by part.
served() {
	"$e2e/real/pull" "http://$host" >"$1" 2>&7
}

# served_to_skopeo REF…: each is copied with all its platforms.
served_to_skopeo() {
	local ref
	for ref; do
		rm -rf pulled
		skopeo copy --quiet --all --src-tls-verify=false "docker://$host/$ref" \
			dir:pulled >&7 2>&7 || { say "skopeo cannot pull $ref"; return 1; }
	done
}

# ---- the API, for what skopeo does not push ----

# api METHOD PATH [CURL-OPTION…]: fails unless the status is 2xx.
api() {
	curl -fsS -X "$1" "http://$host/v2/$2" "${@:3}" 2>&7
}

# upload_location REPO: where the bytes of a new upload go.
upload_location() {
	api POST "$1/blobs/uploads/" -D - -o /dev/null -H 'Content-Length: 0' |
		tr -d '\r' | sed -n 's/^[Ll]ocation: //p'
}

# api_blob REPO FILE [ALG]: prints the digest under which it was pushed.
api_blob() {
	local location sum alg=${3:-sha256}
	sum=$("${alg}sum" <"$2") && location=$(upload_location "$1") || return
	case $location in
	*\?*) location=$location\& ;;
	*) location=$location\? ;;
	esac
	curl -fsS -X PUT "${location}digest=$alg:${sum%% *}" --data-binary "@$2" -o /dev/null \
		-H 'Content-Type: application/octet-stream' 2>&7 &&
		printf '%s:%s' "$alg" "${sum%% *}"
}

# api_blobs REPO FILE…
api_blobs() {
	local file
	for file in "${@:2}"; do
		api_blob "$1" "$file" >/dev/null || return
	done
}

# api_manifest REPO TAG-OR-NOTHING TYPE JSON: prints its digest.
api_manifest() {
	local digest
	digest=$(digest_of "$4")
	api PUT "$1/manifests/${2:-$digest}" -H "Content-Type: $3" --data-binary "$4" \
		-o /dev/null && printf '%s' "$digest"
}

api_delete_manifest() {
	api DELETE "$1/manifests/$2" -o /dev/null
}

# The digest that a tag has.
api_digest() {
	api HEAD "${1%%:*}/manifests/${1#*:}" -I -H "Accept: $type_docker" -H \
		"Accept: $type_image" \
		-H "Accept: $type_index" -H "Accept: $type_docker_list" |
		tr -d '\r' | sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p'
}
