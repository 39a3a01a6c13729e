#!/bin/bash
# several kinds of damage among some thousand blobs
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
expect status 1
"$BUILD/tests/make-volume" --repositories 2 --tags 160 --moves 0 --layers 8 --shared 3 \
	--uploads 0 --age 9d --out "$vol"
mapfile -t repositories < <(find "$vol/docker/registry/v2/repositories" \
	-name _manifests -printf '%P\n' | sort)
repository=${repositories[0]%/_manifests}
other=${repositories[1]%/_manifests}
mapfile -t tags < <(ls "$(repository_dir "$vol" "$repository")/_manifests/tags")

# manifest REPOSITORY N: what the Nth tag points to; last_layer: a layer that only that has.
manifest() {
	cat "$(current_link "$vol" "$1:${tags[$2]}")"
}
last_layer() {
	jq -r '.layers[-1].digest' "$(blob_data "$vol" "$(manifest "$1" "$2")")"
}

for n in 0 10 20 30 40 50 60 70 80 90; do
	layer=$(last_layer "$repository" "$n")
	flip_blob "$vol" "$layer"
	mended blob-corrupt - - "$layer"
	leaves layer-missing "$repository" - "$layer"
	expect keep "$(manifest "$other" "$n")" "$layer"
	layer=$(last_layer "$other" "$n")
	remove_blob "$vol" "$layer"
	stays layer-missing "$other" - "$layer"
	layer=$(last_layer "$repository" "$((n + 1))")
	rm "$(layer_link "$vol" "$repository" "$layer")"
	mended layer-unlinked "$repository" - "$layer"
	: >"$(current_link "$vol" "$other:${tags[n + 2]}")"
	mended link-empty "$other" "${tags[n + 2]}" "$(below \
		"$(current_link "$vol" "$other:${tags[n + 2]}")")"
done
bad=$(manifest "$repository" 5)
flip_blob "$vol" "$bad"
expect hold "$repository $bad"
mended blob-corrupt - - "$bad"
leaves manifest-missing "$repository" - "$bad"
