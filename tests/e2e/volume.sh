# shellcheck shell=bash
# Volumes made by hand, file for file as the reference writes them: a blob as
# blobs/<alg>/<xx>/<hex>/data, and links of exactly "<alg>:<hex>", no newline.
#
# Functions that make something print its digest. VOL is the root, the directory
# that holds docker/; REF is REPOSITORY or REPOSITORY:TAG.

type_docker=application/vnd.docker.distribution.manifest.v2+json
type_docker_list=application/vnd.docker.distribution.manifest.list.v2+json
type_docker_config=application/vnd.docker.container.image.v1+json
type_docker_layer=application/vnd.docker.image.rootfs.diff.tar.gzip
type_schema1=application/vnd.docker.distribution.manifest.v1+json
type_image=application/vnd.oci.image.manifest.v1+json
type_index=application/vnd.oci.image.index.v1+json
type_config=application/vnd.oci.image.config.v1+json
type_layer=application/vnd.oci.image.layer.v1.tar+gzip
type_artifact=application/vnd.oci.artifact.manifest.v1+json
type_cache_config=application/vnd.buildkit.cacheconfig.v0

# A digest that nothing has.
no_such=sha256:00000000000000000000000000000000000000000000000000000000deadbeef

# ---- where things are ----

blob_dir() {
	local hex=${2#*:}
	printf '%s/docker/registry/v2/blobs/%s/%s/%s' "$1" "${2%%:*}" "${hex:0:2}" "$hex"
}

blob_data() {
	printf '%s/data' "$(blob_dir "$1" "$2")"
}

repository_dir() {
	printf '%s/docker/registry/v2/repositories/%s' "$1" "${2%%:*}"
}

layer_link() {
	printf '%s/_layers/%s/%s/link' "$(repository_dir "$1" "$2")" "${3%%:*}" "${3#*:}"
}

revision_link() {
	printf '%s/_manifests/revisions/%s/%s/link' \
		"$(repository_dir "$1" "$2")" "${3%%:*}" "${3#*:}"
}

tag_dir() {
	printf '%s/_manifests/tags/%s' "$(repository_dir "$1" "$2")" "${2#*:}"
}

current_link() {
	printf '%s/current/link' "$(tag_dir "$1" "$2")"
}

history_link() {
	printf '%s/index/%s/%s/link' "$(tag_dir "$1" "$2")" "${3%%:*}" "${3#*:}"
}

upload_dir() {
	printf '%s/_uploads/%s' "$(repository_dir "$1" "$2")" "$3"
}

# ---- making ----

digest_of() {
	local sum
	sum=$(printf '%s' "$1" | "${2:-sha256}sum")
	printf '%s:%s' "${2:-sha256}" "${sum%% *}"
}

make_volume() {
	mkdir -p "$1/docker/registry/v2/blobs/sha256" "$1/docker/registry/v2/repositories"
}

write_link() {
	mkdir -p "${1%/*}" && printf '%s' "$2" >"$1"
}

# put_file VOL FILE [ALG]: the file's bytes become a blob; an existing one stays.
put_file() {
	local sum digest data
	sum=$("${3:-sha256}sum" <"$2") || return
	digest=${3:-sha256}:${sum%% *}
	data=$(blob_data "$1" "$digest")
	if [ ! -e "$data" ]; then
		mkdir -p "${data%/*}" && cp "$2" "$data" || return
	fi
	printf '%s' "$digest"
}

# put_blob VOL CONTENT [ALG]
put_blob() {
	local digest data
	digest=$(digest_of "$2" "${3:-sha256}")
	data=$(blob_data "$1" "$digest")
	if [ ! -e "$data" ]; then
		mkdir -p "${data%/*}" && printf '%s' "$2" >"$data" || return
	fi
	printf '%s' "$digest"
}

# link_layer VOL REPO DIGEST [CONTENT-OF-THE-LINK]
link_layer() {
	write_link "$(layer_link "$1" "$2" "$3")" "${4:-$3}"
}

link_revision() {
	write_link "$(revision_link "$1" "$2" "$3")" "$3"
}

# put_layer VOL REPO CONTENT: a blob that the repository links.
put_layer() {
	local digest
	digest=$(put_blob "$1" "$3") && link_layer "$1" "$2" "$digest" &&
		printf '%s' "$digest"
}

# tag VOL REPO:TAG DIGEST
tag() {
	write_link "$(history_link "$1" "$2" "$3")" "$3" &&
		write_link "$(current_link "$1" "$2")" "$3"
}

# put_manifest VOL REF JSON: blob, revision link and, if REF has a tag, the tag.
put_manifest() {
	local digest
	digest=$(put_blob "$1" "$3") && link_revision "$1" "$2" "$digest" || return
	case $2 in
	*:*) tag "$1" "$2" "$digest" || return ;;
	esac
	printf '%s' "$digest"
}

# descriptor TYPE DIGEST SIZE [MORE]
descriptor() {
	printf '{"mediaType":"%s","digest":"%s","size":%s%s}' "$1" "$2" "$3" "${4:+,$4}"
}

# content_descriptor TYPE CONTENT [MORE]
content_descriptor() {
	descriptor "$1" "$(digest_of "$2")" "${#2}" "${3-}"
}

# joined WORD…: with commas between them.
joined() {
	local IFS=,
	printf '%s' "$*"
}

# manifest_json TYPE MEMBER…: what every manifest of today has, and these.
manifest_json() {
	printf '{"schemaVersion":2,"mediaType":"%s",%s}' "$1" "$(joined "${@:2}")"
}

# image_json TYPE CONFIG-TYPE LAYER-TYPE MORE CONFIG LAYER…: of contents.
image_json() {
	local type=$1 config_type=$2 layer_type=$3 more=$4 config=$5 parts=() content
	for content in "${@:6}"; do
		parts+=("$(content_descriptor "$layer_type" "$content")")
	done
	manifest_json "$type" ${more:+"$more"} \
		"\"config\":$(content_descriptor "$config_type" "$config")" \
		"\"layers\":[$(joined "${parts[@]}")]"
}

# The config that put_image writes for these layers.
config_of() {
	printf '{"architecture":"amd64","os":"linux","history":"%s"}' "$*"
}

# put_image VOL REF [--docker] [--more JSON-MEMBERS] LAYER…: layers by content.
put_image() {
	local vol=$1 ref=$2 type=$type_image config_type=$type_config
	local layer_type=$type_layer more="" config content
	shift 2
	while :; do
		case ${1-} in
		--docker)
			type=$type_docker config_type=$type_docker_config
			layer_type=$type_docker_layer
			shift
			;;
		--more)
			more=$2
			shift 2
			;;
		*)
			break
			;;
		esac
	done
	config=$(config_of "$@")
	for content in "$@" "$config"; do
		put_layer "$vol" "$ref" "$content" >/dev/null || return
	done
	put_manifest "$vol" "$ref" "$(image_json "$type" "$config_type" "$layer_type" \
		"$more" "$config" "$@")"
}

# put_image_of VOL REF DESCRIPTOR…: layers by descriptor, "{}" as config.
put_image_of() {
	put_layer "$1" "$2" '{}' >/dev/null &&
		put_manifest "$1" "$2" "$(manifest_json "$type_image" \
			"\"config\":$(content_descriptor "$type_config" '{}')" \
			"\"layers\":[$(joined "${@:3}")]")"
}

# put_strong_image VOL REF CONTENT: one layer, pushed as sha512 and stored, as
# the reference does, under its sha256 digest. Makes no alias.
put_strong_image() {
	put_image_of "$1" "$2" "$(descriptor "$type_layer" "$(digest_of "$3" sha512)" "${#3}")"
}

# put_alias_image VOL REF CONTENT: likewise, with the link that says what the sha512 stands for.
put_alias_image() {
	local repository=${2%%:*}
	put_strong_image "$1" "$2" "$3" && put_layer "$1" "$repository" "$3" >/dev/null &&
		link_layer "$1" "$repository" "$(digest_of "$3" sha512)" "$(digest_of "$3")"
}

# put_referrer VOL REF SUBJECT CONTENT
put_referrer() {
	local subject
	subject=$(descriptor "$type_image" "$3" "$(blob_size "$1" "$3")")
	put_image "$1" "$2" --more \
		"\"artifactType\":\"application/vnd.example.sbom\",\"subject\":$subject" "$4"
}

# put_artifact VOL REF CONTENT…: the artifact manifest that OCI withdrew.
put_artifact() {
	local content parts=()
	for content in "${@:3}"; do
		put_layer "$1" "$2" "$content" >/dev/null || return
		parts+=("$(content_descriptor application/octet-stream "$content")")
	done
	put_manifest "$1" "$2" "$(printf '{"mediaType":"%s","artifactType":"%s","blobs":[%s]}' \
		"$type_artifact" application/vnd.example.chart "$(joined "${parts[@]}")")"
}

# put_schema1 VOL REF LAYER…: unsigned.
put_schema1() {
	local content parts=() history=()
	for content in "${@:3}"; do
		put_layer "$1" "$2" "$content" >/dev/null || return
		parts+=("{\"blobSum\":\"$(digest_of "$content")\"}")
		history+=('{"v1Compatibility":"{\"id\":\"1\"}"}')
	done
	put_manifest "$1" "$2" "$(printf '{"schemaVersion":1,"name":"%s","tag":"%s",' \
		"${2%%:*}" \
			"${2#*:}")$(printf '"architecture":"amd64","fsLayers":[%s],"history":[%s]}' \
		"$(joined "${parts[@]}")" "$(joined "${history[@]}")")"
}

blob_size() {
	stat -c %s "$(blob_data "$1" "$2")" 2>/dev/null || echo 1234
}

# index_json VOL TYPE CHILD-TYPE CHILD…
index_json() {
	local child children=()
	for child in "${@:4}"; do
		children+=("$(descriptor "$3" "$child" "$(blob_size "$1" "$child")" \
			'"platform":{"architecture":"amd64","os":"linux"}')")
	done
	manifest_json "$2" "\"manifests\":[$(joined "${children[@]}")]"
}

# put_index VOL REF CHILD…: children by digest; they need not be there.
put_index() {
	local vol=$1 ref=$2
	shift 2
	put_manifest "$vol" "$ref" "$(index_json "$vol" "$type_index" "$type_image" "$@")"
}

# put_cache VOL REF CONTENT…: what BuildKit exports as registry cache, an index
# whose children are blobs and whose last child is its config.
put_cache() {
	local content config='{"layers":[],"records":[]}' children=()
	for content in "${@:3}" "$config"; do
		put_layer "$1" "$2" "$content" >/dev/null || return
	done
	for content in "${@:3}"; do
		children+=("$(content_descriptor "$type_layer" "$content")")
	done
	children+=("$(content_descriptor "$type_cache_config" "$config")")
	put_manifest "$1" "$2" "$(manifest_json "$type_index" \
		"\"manifests\":[$(joined "${children[@]}")]")"
}

# put_upload VOL REPO UUID CONTENT [AGE]: unfinished, begun so long ago.
put_upload() {
	local dir
	dir=$(upload_dir "$1" "$2" "$3")
	mkdir -p "$dir/hashstates/sha256" && printf '%s' "$4" >"$dir/data" &&
		date -u -d "$(ago "${5:-0s}")" +%FT%TZ | tr -d '\n' >"$dir/startedat" &&
		printf x >"$dir/hashstates/sha256/0" && age "$1" "$dir" "${5:-0s}"
}

# ---- changing ----

# What touch -d wants for "2d ago"; units as in the tool's own durations.
ago() {
	local unit
	case $1 in
	*s) unit=seconds ;;
	*m) unit=minutes ;;
	*h) unit=hours ;;
	*d) unit=days ;;
	*w) unit=weeks ;;
	*y) unit=years ;;
	*) return 1 ;;
	esac
	echo "${1%?} $unit ago"
}

# age VOL WHAT… DURATION: sets the mtime of a path, of a digest's bytes and every
# link that names it, or of "everything". The ctime of bytes that no link names
# counts as well and cannot be set: such cases collect with a grace of 0, or wait.
age() {
	local vol=$1 when what args
	args=("${@:2:$#-2}")
	when=$(ago "${!#}") || return
	for what in "${args[@]}"; do
		case $what in
		everything)
			find "$vol" -exec touch -h -d "$when" {} + || return
			;;
		sha256:* | sha512:*)
			find "$vol/docker" -path "*/${what#*:}/*" -type f \
				-exec touch -d "$when" {} + || return
			grep -rlF --include=link -e "$what" "$vol/docker/registry/v2/repositories" |
				while IFS= read -r link; do
					touch -d "$when" "$link"
				done
			;;
		*)
			find "$what" -exec touch -h -d "$when" {} + || return
			;;
		esac
	done
}

# Other bytes under the same name, as many as before.
flip_blob() {
	local data
	data=$(blob_data "$1" "$2")
	printf '\001' | dd of="$data" bs=1 seek="$(($(stat -c %s "$data") / 2))" \
		conv=notrunc status=none
}

remove_blob() {
	rm -r "$(blob_dir "$1" "$2")"
}

# As a manifest is deleted through the API: the directory stays, empty.
delete_revision() {
	rm "$(revision_link "$1" "$2" "$3")"
}

# ---- asking ----

blob_exists() {
	[ -f "$(blob_data "$1" "$2")" ]
}

blobs_exist() {
	local vol=$1 digest
	shift
	for digest; do
		if ! blob_exists "$vol" "$digest"; then
			say "gone from $vol: $digest"
			return 1
		fi
	done
}

blobs_gone() {
	local vol=$1 digest
	shift
	for digest; do
		if [ -e "$(blob_dir "$vol" "$digest")" ]; then
			say "still in $vol: $digest"
			return 1
		fi
	done
}

layer_linked() {
	[ -f "$(layer_link "$1" "$2" "$3")" ]
}

revision_linked() {
	[ -f "$(revision_link "$1" "$2" "$3")" ]
}

# tagged VOL REPO:TAG DIGEST: the tag resolves to it.
tagged() {
	[ "$(cat "$(current_link "$1" "$2")")" = "$3" ]
}

history_has() {
	[ -f "$(history_link "$1" "$2" "$3")" ]
}

# in_trash VOL PATH-OR-DIGEST: withdrawn by some run, under its own path.
in_trash() {
	local vol=$1 path=$2 found
	case $path in
	sha256:* | sha512:*)
		path=$(blob_dir "$vol" "$path")
		;;
	esac
	path=${path#"$vol"/}
	for found in "$vol"/.drydock/trash/*/"$path"; do
		[ -e "$found" ] && return 0
	done
	return 1
}

trash_is_empty() {
	[ -z "$(find "$1/.drydock/trash" -path '*/docker/*' 2>/dev/null)" ]
}

# Every name below VOL with type, mode, owner, times and content: two listings
# that agree say that not one byte was written between them.
volume_digest() {
	"$BUILD/tests/volume-state" "$1"
}

# What a registry sees of the volume: names and contents, neither times nor what
# is ours.
volume_content() {
	"$BUILD/tests/volume-state" -c "$1"
}

# When each of the volume's own files was written.
volume_times() {
	find "$1" -name .drydock -prune -o -type f -printf '%T@ %P\n' | sort -k 2
}

# copy_volume FROM TO: times included.
copy_volume() {
	cp -a "$1" "$2"
}
