# shellcheck shell=bash
# Sizes, told without us: by du, by jq and shell over the files as they are, and by collecting.

# agrees_with_du VOL: on the sum of everything, to the byte.
agrees_with_du() {
	local wanted
	sync -f "$1" && run 0 drydock du --root "$1" --json >sum && valid du sum || return
	wanted=$(du -s --block-size=1 "$1" | cut -f 1)
	if [ "$(json .totals.all sum)" != "$wanted" ]; then
		say "all is $(json .totals.all sum), du says $wanted"
		return 1
	fi
}

# bytes_of VOL: of each blob's file.
bytes_of() {
	(cd "$1/docker/registry/v2/blobs" && find . -name data -printf '%h %s\n' | sort)
}

# really_frees VOL REF…: what a collection frees once these were removed, and had not freed before.
really_frees() {
	rm -rf with without && copy_volume "$1" with && run 0 collect with >&7 &&
		copy_volume with without &&
		run 0 drydock rm --root without --grace 0 "${@:2}" --apply >&7 &&
		run 0 collect without >&7 && bytes_of with >before && bytes_of without >after &&
		comm -23 before after | awk '{ sum += $2 } END { print sum + 0 }'
}

# reached VOL DIGEST: what a manifest leads to, itself too: digest and bytes, as descriptors say them.
reached() {
	local data child
	data=$(blob_data "$1" "$2") && printf '%s %s\n' "$2" "$(stat -c %s "$data")" || return
	jq -r '[.config?, .layers[]?, .blobs[]?, (.manifests[]? |
		select(.mediaType | test("manifest|index") | not))] | .[] | select(.) |
		"\(.digest) \(.size)"' "$data" || return
	for child in $(jq -r '.manifests[]? | select(.mediaType | test("manifest|index")).digest' \
		"$data"); do
		reached "$1" "$child" || return
	done
}

# tags_by_hand VOL: every tag with its digest.
tags_by_hand() {
	(
		cd "$1/docker/registry/v2/repositories" || exit
		find . -path '*/_manifests/tags/*/current/link' | while IFS= read -r link; do
			repository=${link#./}
			tag=${link%/current/link}
			printf '%s %s %s\n' "${repository%%/_manifests/*}" "${tag##*/}" "$(cat "$link")"
		done
	) | sort
}

# referring VOL REPOSITORY FILE: what manifests lead to whose subject is in the list.
referring() {
	local link digest subject
	while IFS= read -r link; do
		digest=$(cat "$link")
		subject=$(jq -r '.subject.digest // empty' "$(blob_data "$1" "$digest")") || return
		if [ "$subject" ] && grep -q "^$subject " "$3"; then
			reached "$1" "$digest" || return
		fi
	done < <(find "$(repository_dir "$1" "$2")/_manifests/revisions" -name link)
}

# sizes_by_hand VOL: every tag with what a pull transfers, and what the files of that and of what
# refers to it hold, each once.
sizes_by_hand() {
	local repository name digest part size logical physical
	while read -r repository name digest; do
		logical=0 physical=0
		reached "$1" "$digest" | sort -u >pulled || return
		while read -r part size; do
			logical=$((logical + size))
		done <pulled
		while read -r part size; do
			physical=$((physical + $(stat -c %s "$(blob_data "$1" "$part")")))
		done < <({ cat pulled && referring "$1" "$repository" pulled; } | sort -u)
		printf '%s %s %s %s\n' "$repository" "$name" "$logical" "$physical"
	done < <(tags_by_hand "$1")
}

# layers_by_hand VOL: each layer with the number of manifests that name it.
layers_by_hand() {
	find "$1/docker/registry/v2/repositories" -path '*/_manifests/revisions/*/link' \
		-exec cat {} + -exec echo \; | tr -s '\n' | sed 's/sha256:/\n&/g' | sort -u |
		while IFS= read -r digest; do
			[ -z "$digest" ] || jq -r '[.layers[]?.digest] | unique[]' \
				"$(blob_data "$1" "$digest")" || return
		done | sort | uniq -c | awk '{ print $2, $1 }'
}
