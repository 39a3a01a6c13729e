#!/bin/bash
# Every situation in which the reference collector aborts, or deletes what is
# still reachable: ours survives each, with and without --delete-untagged, and
# goes on to take what is dead elsewhere. Those that need a second writer beside
# the collector are in races.t.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# defect SENTENCE STATUS BODY: the body makes a situation in "vol" and lists in
# "keep" what must survive it.
defect() {
	local option
	for option in '' ' -m'; do
		test_case "$1${option:+, with -m}" "
			from_template && {
				$3
			} && survives $2$option
		"
	done
}

begin() {
	make_volume vol && put_image vol healthy:v1 'healthy layer' >/dev/null &&
		dead=$(put_layer vol healthy 'dead elsewhere')
}
template begin

# Twice, for a collector that kept something by luck.
survives() {
	local keep_all
	read -r -a keep_all <<<"$keep $(digest_of 'healthy layer')"
	run "$1" collect vol "${@:2}" && blobs_exist vol "${keep_all[@]}" &&
		blobs_gone vol "$dead" &&
		run "$1" collect vol "${@:2}" && blobs_exist vol "${keep_all[@]}"
}

# one_image REF: a layer, a config, a manifest.
one_image() {
	image=$(put_image vol "$1" "one layer") &&
		pieces="$(digest_of 'one layer') $(digest_of "$(config_of 'one layer')")" &&
		keep="$image $pieces"
}

defect 'an empty revision link' 0 '
	one_image app:v1 && : >"$(revision_link vol app "$image")"
'

defect 'an empty tag link' 0 '
	one_image app:v1 && : >"$(current_link vol app:v1)"
'

defect 'an empty layer link' 0 '
	one_image app:v1 && : >"$(layer_link vol app "$(digest_of "one layer")")"
'

defect 'links that end in a newline' 0 '
	one_image app:v1 && echo >>"$(current_link vol app:v1)" &&
	echo >>"$(revision_link vol app "$image")" &&
	echo >>"$(layer_link vol app "$(digest_of "one layer")")"
'

defect 'links full of garbage' 0 '
	one_image app:v1 && head -c 71 /dev/urandom >"$(current_link vol app:v1)" &&
	echo "sha256:../../../../etc" >"$(revision_link vol app "$image")" &&
	echo garbage >"$(layer_link vol app "$(digest_of "one layer")")"
'

defect 'a manifest of no bytes' 1 '
	one_image app:v1 && : >"$(blob_data vol "$image")"
'

defect 'a manifest of an unknown type' 1 '
	layer=$(put_layer vol app "odd layer") &&
	keep="$layer $(put_manifest vol app:v1 "{\"mediaType\":\"x/y\",\"things\":[]}")"
'

defect 'a manifest of more than 4 MiB' 0 '
	config=$(put_layer vol app "{}") && layer=$(put_layer vol app "big one") &&
	{ printf "{\"mediaType\":\"%s\",\"annotations\":{\"pad\":\"%05000000d\"}," \
		"$type_image" 0 &&
	printf "\"schemaVersion\":2,\"config\":%s,\"layers\":[%s]}" \
		"$(descriptor "$type_config" "$config" 2)" \
			"$(descriptor "$type_layer" "$layer" 7)"; } >big &&
	image=$(put_file vol big) && link_revision vol app "$image" &&
	tag vol app:v1 "$image" &&
	keep="$image $config $layer"
'

defect 'a manifest of schema 1' 0 '
	keep="$(put_schema1 vol app:v1 "schema 1 layer") $(digest_of "schema 1 layer")"
'

defect 'alien files' 0 '
	one_image app:v1 &&
	for place in blobs blobs/sha256 repositories; do
		touch "vol/docker/registry/v2/$place/.DS_Store" &&
		mkdir "vol/docker/registry/v2/$place/@eaDir" || return
	done &&
	touch "$(repository_dir vol app)/_manifests/revisions/sha256/README" \
		"$(repository_dir vol app)/_layers/.hidden" "$(blob_dir vol "$image")/data~"
'

defect 'children of a tagged index' 0 '
	one_image app && keep="$keep $(put_index vol app:v1 "$image")"
'

defect 'referrers of a tagged image, without tags themselves' 0 '
	one_image app:v1 && first=$(put_referrer vol app "$image" "signature") &&
	second=$(put_referrer vol app "$first" "countersignature") &&
	keep="$keep $first $second $(digest_of signature) $(digest_of countersignature)"
'

defect 'a manifest whose blob is missing' 1 '
	one_image app:v1 && remove_blob vol "$image" && keep=$pieces
'

defect 'a manifest whose blob is bit-flipped' 1 '
	one_image app:v1 && flip_blob vol "$image"
'

defect 'a missing child manifest of an index' 1 '
	one_image app && index=$(put_index vol app:v1 "$image") && remove_blob vol "$image" &&
	keep="$index $pieces"
'

defect 'a missing index' 1 '
	one_image app && index=$(put_index vol app:v1 "$image") && remove_blob vol "$index"
'

defect 'a layer pushed as sha512' 0 '
	layer=$(put_layer vol app "strong layer") &&
	link_layer vol app "$(digest_of "strong layer" sha512)" "$layer" &&
	keep="$layer $(put_strong_image vol app:v1 "strong layer")"
'

defect 'a repository without _layers' 0 '
	one_image app:v1 && rm -r "$(repository_dir vol app)/_layers"
'

defect 'a tag without a revision link' 0 '
	one_image app:v1 && rm -r "$(repository_dir vol app)/_manifests/revisions"
'

defect 'a tag without current' 0 '
	one_image app:v1 && rm -r "$(tag_dir vol app:v1)/current"
'

defect 'a tag with neither current nor a revision link' 0 '
	one_image app:v1 &&
	rm -r "$(tag_dir vol app:v1)/current" "$(repository_dir vol app)/_manifests/revisions"
'

defect 'an index sparse in one repository and full in another' 0 '
	one_image full && index=$(put_index vol full:v1 "$image") &&
	link_revision vol sparse "$index" &&
	tag vol sparse:v1 "$index" && mkdir -p "$(repository_dir vol sparse)/_layers" &&
	keep="$keep $index"
'

defect 'a repository with an invalid name' 0 '
	one_image "Upper--Case/..x:v1"
'

defect 'an untagged image reached through a layer descriptor' 0 '
	one_image app && keep="$keep $(put_image_of vol app:v1 \
		"$(descriptor "$type_image" "$image" "$(blob_size vol "$image")")")"
'

test_case 'what the reference never cleans goes: dangling and dead links, uploads, tag history' '
	make_volume vol && first=$(put_image vol app:v1 "one") &&
	second=$(put_image vol app:v1 "two") &&
	link_layer vol app "$no_such" && dead=$(put_layer vol app "dead") &&
	put_upload vol gone 6b3c4c4e-8f0c-4e4f-9d0a-000000000001 half 30d &&
	run 0 collect vol -m && ! layer_linked vol app "$no_such" &&
	! layer_linked vol app "$dead" &&
	! history_has vol app:v1 "$first" && blobs_exist vol "$second" "$(digest_of two)" &&
	[ ! -e "$(upload_dir vol gone 6b3c4c4e-8f0c-4e4f-9d0a-000000000001)" ]
'

done_testing
