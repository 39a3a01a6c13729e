# shellcheck shell=bash
# What is searched in, and what was found. A test file of find sources this after lib.sh.

upload=7a0dc8c8-9e8e-4b7c-a9d1-0123456789ab

# put_configured VOL REF CONFIG MORE LAYER…: an image with this config.
put_configured() {
	local content
	for content in "${@:3:1}" "${@:5}"; do
		put_layer "$1" "$2" "$content" >/dev/null || return
	done
	put_manifest "$1" "$2" "$(image_json "$type_image" "$type_config" "$type_layer" "$4" "$3" \
		"${@:5}")"
}

make_found() {
	make_volume vol && one=$(put_image vol app:v1 "first layer" "shared") &&
		two=$(put_image vol app:v2 "second layer" "shared") && tag vol app:latest "$two" &&
		other=$(put_image vol team/other:v1.0 "shared" "third layer") &&
		past=$(put_image vol app "nobody tags it") && index=$(put_index vol app:multi "$one" "$two") &&
		sbom=$(put_referrer vol app "$one" "what is in it") &&
		orphan=$(put_blob vol "nobody points here") &&
		unused=$(put_layer vol app "linked, and unused") &&
		put_upload vol app "$upload" "half a layer" 3d && age vol everything 3d
}
template make_found
shared=$(digest_of shared)

# found FILE WORD…: what the expression finds, and nothing is wrong.
found() {
	run 0 drydock find --root vol "${@:2}" >"$1" 2>err && [ ! -s err ]
}

# finds NAME…: exactly these are in "found", in any order.
finds() {
	printf "%s\n" "$@" | sort >expected && sort found >sorted && same expected sorted
}

finds_nothing() {
	[ ! -s found ] || { say "found: $(head -n 5 found)"; return 1; }
}

# blobs VOL, tags VOL, revisions VOL: by the files alone.
blobs() {
	find "$1/docker/registry/v2/blobs" -name data -printf "%P\n" |
		sed -E "s|^([^/]*)/../([^/]*)/data|\1:\2|"
}

tags() {
	(cd "$1/docker/registry/v2/repositories" && find . -path "*/_manifests/tags/*/current/link") |
		sed -E "s|^\./(.*)/_manifests/tags/(.*)/current/link|\1:\2|"
}

revisions() {
	(cd "$1/docker/registry/v2/repositories" &&
		find . -path "*/_manifests/revisions/*/link") |
		sed -E "s|^\./(.*)/_manifests/revisions/([^/]*)/(.*)/link|\1@\2:\3|"
}

links() {
	(cd "$1/docker/registry/v2/repositories" && find . -name link -printf "%P\n")
}

sorted_as() {
	"$1" vol | sort >expected && sort found >sorted && same expected sorted
}
