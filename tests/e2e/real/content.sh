# shellcheck shell=bash
# What the tests push into a real registry.

# make_layer NAME TEXT: NAME.tar.gz with one file.
make_layer() {
	mkdir -p rootfs && printf '%s\n' "$2" >"rootfs/file-$1" &&
		tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C rootfs \
			-cf "$1.tar" "file-$1" && gzip -nkf "$1.tar" && rm -r rootfs
}

# file_descriptor TYPE FILE [MORE]
file_descriptor() {
	local sum
	sum=$(sha256sum <"$2") &&
		descriptor "$1" "sha256:${sum%% *}" "$(stat -c %s "$2")" "${3-}"
}

# file_manifest CONFIG-TYPE CONFIG-FILE LAYER-DESCRIPTOR…: an image's.
file_manifest() {
	manifest_json "$type_image" "\"config\":$(file_descriptor "$1" "$2")" \
		"\"layers\":[$(joined "${@:3}")]"
}

# layout_add DIR FILE: into an OCI layout; layout_start DIR makes one.
layout_add() {
	local sum
	sum=$(sha256sum <"$2") && cp "$2" "$1/blobs/sha256/${sum%% *}"
}

layout_start() {
	mkdir -p "$1/blobs/sha256" && echo '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
}

# layout_image DIR ARCHITECTURE LAYER…: writes the manifest to DIR.ARCHITECTURE.
layout_image() {
	local dir=$1 arch=$2 layers=() diffs=() name sum
	for name in "${@:3}"; do
		layout_add "$dir" "$name.tar.gz" || return
		layers+=("$(file_descriptor "$type_layer" "$name.tar.gz")")
		sum=$(sha256sum <"$name.tar")
		diffs+=("\"sha256:${sum%% *}\"")
	done
	printf '{"architecture":"%s","os":"linux","config":{},"rootfs":{"type":"layers",%s}}' \
		"$arch" "\"diff_ids\":[$(joined "${diffs[@]}")]" >"$dir.config" &&
		layout_add "$dir" "$dir.config" && file_manifest "$type_config" "$dir.config" \
		"${layers[@]}" >"$dir.$arch" && layout_add "$dir" "$dir.$arch"
}

# layout_index DIR DESCRIPTOR…: what the layout offers, under the name "it".
layout_index() {
	printf '{"schemaVersion":2,"manifests":[%s]}' "$(joined "${@:2}")" >"$1/index.json"
}

named='"annotations":{"org.opencontainers.image.ref.name":"it"}'

# push REPO:TAG FORMAT LAYER…: an image of these layers, by skopeo.
push() {
	local ref=$1 format=$2 dir=layout
	shift 2
	rm -rf "$dir" && layout_start "$dir" && layout_image "$dir" amd64 "$@" &&
		layout_index "$dir" "$(file_descriptor "$type_image" "$dir.amd64" "$named")" &&
		skopeo copy --quiet --format "$format" --dest-tls-verify=false "oci:$dir:it" \
			"docker://$host/$ref" >&7 2>&7
}

# platform_descriptor FILE ARCHITECTURE OS
platform_descriptor() {
	file_descriptor "$type_image" "$1" "\"platform\":{\"architecture\":\"$2\",\"os\":\"$3\"}"
}

# push_index REPO:TAG: two platforms and an attestation, as BuildKit makes them.
push_index() {
	local dir=layout
	rm -rf "$dir" && layout_start "$dir" && layout_image "$dir" amd64 base amd64 &&
		layout_image "$dir" arm64 base arm64 &&
		layout_image "$dir" unknown attestation &&
		manifest_json "$type_index" "\"manifests\":[$(joined \
			"$(platform_descriptor "$dir.amd64" amd64 linux)" \
			"$(platform_descriptor "$dir.arm64" arm64 linux)" \
			"$(platform_descriptor "$dir.unknown" unknown unknown)")]" >index &&
		layout_add "$dir" index &&
		layout_index "$dir" "$(file_descriptor "$type_index" index "$named")" &&
		skopeo copy --quiet --all --dest-tls-verify=false "oci:$dir:it" \
			"docker://$host/$1" >&7 2>&7
}

# What the reference collects rightly, with and without --delete-untagged.
fill_common() {
	local name
	for name in base top next moved doomed nested amd64 arm64 attestation cache chart strong; do
		make_layer "$name" "the layer called $name" || return
	done
	push docker/app:v1 v2s2 base top && push docker/app:v2 v2s2 base next &&
		push oci/app:v1 oci base top && push oci/app:moving oci base moved &&
		push oci/app:moving oci base next &&
		push a:v1 oci nested && push a/b:v1 oci nested base &&
		push a/b/c:v1 v2s2 nested &&
		push docker/app:doomed v2s2 base doomed &&
		api_delete_manifest docker/app "$(api_digest docker/app:doomed)" &&
		upload_location docker/app >location &&
		curl -fsS -X PATCH "$(cat location)" --data-binary @base.tar -o /dev/null \
			-H 'Content-Type: application/octet-stream' 2>&7
}

# An index, a cache of BuildKit's, and an artifact as helm makes it.
fill_indexes() {
	local helm=application/vnd.cncf.helm
	push_index multi/app:v1 &&
		printf '{"layers":[],"records":[]}' >records.json &&
		printf '{"name":"chart","version":"0.1.0"}' >chart.json &&
		api_blobs cache/app cache.tar.gz records.json &&
		api_manifest cache/app buildcache "$type_index" "$(manifest_json "$type_index" \
			"\"manifests\":[$(joined "$(file_descriptor "$type_layer" cache.tar.gz)" \
				"$(file_descriptor "$type_cache_config" records.json)")]")" \
					>/dev/null &&
		api_blobs charts/app chart.tar.gz chart.json &&
		api_manifest charts/app 0.1.0 "$type_image" "$(file_manifest \
			"$helm.config.v1+json" chart.json "$(file_descriptor \
				"$helm.chart.content.v1.tar+gzip" chart.tar.gz)")" >/dev/null
}

# A referrer without a tag.
fill_referrer() {
	local subject=$1 spdx=application/spdx+json size
	printf '{}' >empty.json && printf 'a bill of materials' >sbom &&
		size=$(api GET "oci/app/manifests/$subject" -H "Accept: $type_image" | wc -c) &&
		api_blobs oci/app empty.json sbom &&
		api_manifest oci/app "" "$type_image" "$(manifest_json "$type_image" \
			"\"artifactType\":\"$spdx\"" \
			"\"config\":$(file_descriptor application/vnd.oci.empty.v1+json empty.json)" \
			"\"layers\":[$(file_descriptor "$spdx" sbom)]" \
			"\"subject\":$(descriptor "$type_image" "$subject" "$size")")"
}

# An image whose layer was pushed as sha512.
fill_strong() {
	local strong
	printf '{}' >empty.json && strong=$(api_blob strong/app strong.tar.gz sha512) &&
		api_blobs strong/app empty.json &&
		api_manifest strong/app v1 "$type_image" \
			"$(file_manifest "$type_config" empty.json \
			"$(descriptor "$type_layer" "$strong" "$(stat -c %s strong.tar.gz)")")"
}
