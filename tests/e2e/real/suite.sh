# shellcheck shell=bash
# The same cases for every real registry: it is filled, its volume is collected
# by it and by us on copies, and it must serve all that is left.

# prepare: volumes as the registry left them, once a file. "common" holds what the
# reference collects rightly with and without -m; "indexes" what it still does
# without; "all" the rest as well. LIST.served is what each offers, pulled whole.
prepare() {
	[ ! -d "$work/all" ] || return 0
	mkdir "$work/stage" && pushd "$work/stage" >/dev/null && fill_stages &&
	popd >/dev/null || return
}

fill_stages() {
	registry_start vol && fill_common && served "$work/common.served" &&
		api_digest oci/app:moving >"$work/kept" && registry_stop &&
		grep -hv "$(cat "$work/kept")" "$(tag_dir vol oci/app:moving)"/index/*/*/link \
			>"$work/former" &&
		copy_volume vol "$work/common" &&
		registry_start vol && fill_indexes && served "$work/indexes.served" &&
		registry_stop && copy_volume vol "$work/indexes" &&
		registry_start vol &&
		fill_referrer "$(api_digest oci/app:v1)" >"$work/referrer" &&
		fill_strong >"$work/strong" && served "$work/all.served" && registry_stop &&
		mv vol "$work/all"
}

# take NAME [AS]: a copy of one of them.
take() {
	prepare && copy_volume "$work/$1" "${2:-vol}"
}

# serves_all NAME: the registry, started on "vol", serves what it did, whole; to
# skopeo as well but for what that cannot copy, a cache (its index holds no images)
# and a layer named by its sha512.
serves_all() {
	local refs
	registry_start vol && served list && same "$work/$1.served" list &&
		mapfile -t refs < <(awk '!/^(cache|strong)\// { print $1 ":" $2 }' list) &&
		[ "${#refs[@]}" -gt 4 ] && served_to_skopeo "${refs[@]}" && registry_stop
}

# agrees NAME [-m]: we and the reference leave the same bytes.
agrees() {
	take "$1" && take "$1" reference && reference_gc reference "${@:2}" &&
		run 0 collect vol "${@:2}" && blob_list vol >ours &&
		blob_list reference >theirs &&
		same theirs ours && blob_list "$work/$1" >before && ! cmp -s before ours &&
		[ -s ours ] && serves_all "$1"
}

real_suite() {
	local name=$1

	test_case "$name: nothing in its volume is strange, doubtful or damaged" '
		take all && run 0 plan vol -v --json >plan 2>err && valid gc plan &&
		nothing_held plan &&
		run 0 plan vol -m --json >plan && nothing_held plan &&
		json ".totals.strange == 0 and .totals.unreadable == 0" plan &&
		run 0 drydock find --root vol -dangling >found && same /dev/null found &&
		run 0 drydock tree --root vol --depth 9 --json >tree && valid tree tree
	'

	test_case "$name: ls shows the tags that it offers, with their digests" '
		take all && awk "{ print \$1, \$2, \$3 }" "$work/all.served" | sort >theirs &&
		for repository in $(awk "{ print \$1 }" "$work/all.served" | sort -u); do
			run 0 drydock ls --root vol --json "$repository" >list &&
			valid ls list && tags_of list || return
		done >unsorted && sort unsorted >ours && same theirs ours
	'

	test_case "$name: a tag that moved tells from where, and what came with it" '
		take common && kept=$(cat "$work/kept") && former=$(cat "$work/former") &&
		run 0 drydock log --root vol oci/app:moving --json >list && valid history list &&
		jq -r ".tags[0].entries[] | [.digest, .state] | join(\" \")" list >found &&
		printf "%s\n" "$kept current" "$former here" >expected && same expected found &&
		run 0 drydock diff --root vol oci/app:moving --json >list && valid diff list &&
		layers() { jq -r ".layers[].digest" "$(blob_data vol "$1")" | sort; } &&
		layers "$former" >old && layers "$kept" >new &&
		for difference in same:-12 went:-23 appeared:-13; do
			comm "${difference#*:}" old new >expected &&
			jq -r --arg d "${difference%:*}" ".images[0].layers[] |
				select(.difference == \$d) | .digest" list | sort >found &&
			[ -s found ] && same expected found || return
		done
	'

	test_case "$name: images and what is left of them, as the reference collects" '
		agrees common
	'

	test_case "$name: the same with --delete-untagged" '
		agrees common -m && kept=$(cat "$work/kept") && blobs_exist vol "$kept"
	'

	test_case "$name: indexes, caches and artifacts, as the reference collects" '
		agrees indexes
	'

	test_case "$name: garbage-collect says what the reference says" '
		says_the_same common && says_the_same common -m && says_the_same indexes
	'

	test_case "$name: it serves everything after garbage-collect took what it would take" '
		take common && reference_gc vol -m -d && run 0 drydock garbage-collect -m --grace 0 \
			reference.yml >ours && registry_start vol && served list &&
		same "$work/common.served" list && registry_stop && eligible blob ours >took &&
		eligible blob reference.out >would && same would took && [ -s took ] &&
		blobs_gone vol $(cat took)
	'

	test_case "$name: it serves everything after we collected with --delete-untagged" '
		take all && run 0 collect vol -m && registry_start vol && served list &&
		same "$work/all.served" list &&
		referrer=$(cat "$work/referrer") &&
		api GET "oci/app/manifests/$referrer" -H "Accept: $type_image" >manifest &&
		[ "sha256:$(sha256sum <manifest | cut -d" " -f1)" = "$referrer" ] &&
		registry_stop && serves_all all &&
		run 0 collect vol -m --json >again && nothing_goes again
	'

	test_case "$name: a collection is undone to the last byte" '
		take all && volume_content vol >before && run 0 collect vol -m &&
		volume_content vol >between && ! cmp -s before between &&
		run 0 trash restore latest --apply && volume_content vol >after &&
		same before after && serves_all all
	'

	test_case "$name: its own configuration leads to the volume" '
		take common && registry_config "$PWD/vol" 5000 >config.yml &&
		run 0 drydock gc --config config.yml --grace 0 --json >ours &&
		run 0 plan vol --json >plan && items ours >a && items plan >b && same a b &&
		[ -s a ]
	'

	test_case "$name: du tells of each tag what jq and stat make of the raw files" '
		take all && rm -r "$(repository_dir vol strong/app)" &&
		run 0 drydock du --root vol --by tag --apparent-size --json >sum && valid du sum &&
		jq -r ".rows[] | [.repository, .tag, .logical, .physical] | join(\" \")" sum | sort >ours &&
		sizes_by_hand vol >theirs && same theirs ours && [ "$(wc -l <ours)" -gt 8 ]
	'

	test_case "$name: the totals of du are those of du -s, before a collection and after" '
		take all && agrees_with_du vol && run 0 collect vol -m && agrees_with_du vol &&
		json ".totals.trash > 0" sum
	'

	test_case "$name: what du calls exclusive is what removing each tag frees" '
		take all && run 0 drydock du --root vol --by tag --apparent-size --json >sum &&
		sized sum exclusive >list && [ "$(wc -l <list)" -gt 8 ] &&
		while read -r repository tag bytes; do
			freed=$(really_frees vol "$repository:$tag") && [ "$freed" = "$bytes" ] ||
				{ say "$repository:$tag: says $bytes, frees $freed"; return 1; }
		done <list
	'

	test_case "$name: tree has of each tag what jq finds below it, and marks what is shared" '
		take all && while read -r repository tag digest; do
			run 0 drydock tree --root vol "$repository:$tag" --json >tree && valid tree tree &&
			jq -r "def walk: select(.kind != \"referrer\") | .digest, (.children[] | walk);
				.tree[] | walk" tree | sort -u >ours &&
			reached vol "$digest" | cut -d " " -f 1 | sort -u >theirs && same theirs ours &&
			run 0 drydock show --root vol --json "$repository:$tag" >shown &&
			valid show shown && json ".digest == \"$digest\"" shown || return
		done < <(tags_by_hand vol | grep -v ^strong/) &&
		run 0 drydock du --root vol --by layer --json >sum && valid du sum &&
		jq -r ".rows[] | [.digest, .manifests] | join(\" \")" sum | sort >ours &&
		layers_by_hand vol >all && while read -r digest count; do
			! blob_exists vol "$digest" || echo "$digest $count"
		done <all >theirs && grep -Fxf theirs ours >both && same theirs both
	'

	test_case "$name: what was collected can be pushed again once it was restarted" '
		take all && run 0 collect vol -m && registry_start vol &&
		make_layer base "the layer called base" &&
		make_layer moved "the layer called moved" &&
		push oci/app:again oci base moved && served list &&
		says "^oci/app again " list && registry_stop &&
		run 0 collect vol -m && registry_start vol && served after && same list after &&
		served_to_skopeo oci/app:again
	'

	test_case "$name: pushing while we collect again and again" '
		take common && age vol everything 2h && registry_start vol &&
		for name in base one two three four five; do
			make_layer "$name" "layer $name" || return
		done &&
		{ { for name in one two three four five; do
			push "busy/app:$name" oci base "$name" &&
			push busy/app:latest v2s2 base "$name" || exit
		done; } & } && pusher=$! &&
		while kill -0 "$pusher" 2>/dev/null; do
			run 0 collect vol -m --grace 1h || return
		done && wait "$pusher" && blobs_gone vol "$(cat "$work/former")" &&
		served list && [ "$(grep -c "^busy/app " list)" = 6 ] && registry_stop &&
		registry_start vol && served after && same list after
	'

	test_case "$name: an upload left unfinished goes when it is old" '
		take common && upload=$(find vol -path "*_uploads/*" -name startedat) &&
		[ -f "$upload" ] && run 0 collect vol && [ -f "$upload" ] &&
		run 0 plan vol --uploads-older-than 0 --json >plan &&
		goes plan upload docker/app "[^ ]+" &&
		run 0 collect vol --uploads-older-than 0 && [ ! -e "$(dirname "$upload")" ] &&
		serves_all common
	'

	test_case "$name: damaged in many ways and repaired from a backup, it serves everything" '
		take all && copy_volume vol backup && age vol everything 9d && damage_all vol &&
		run 1 drydock verify --root vol >&7 &&
		run 0 drydock repair --root vol --from backup --apply --json >mended &&
		valid repair mended && run 0 drydock verify --root vol >&7 &&
		json ".totals.blobs_put > 4 and .totals.links > 4" mended && serves_all all
	'

	test_case "$name: what has no copy is withdrawn, and pushing it again heals the image" '
		take all && age vol everything 9d && make_layer base "the layer called base" &&
		base=sha256:$(sha256sum <base.tar.gz | cut -d " " -f 1) && blob_exists vol $base &&
		flip_blob vol $base && age vol $base 9d && run 1 drydock repair --root vol --apply >&7 &&
		blobs_gone vol $base && make_layer moved "the layer called moved" &&
		registry_start vol && push oci/app:healed oci base moved && registry_stop &&
		run 0 drydock verify --root vol >&7 && serves_again
	'
}

# eligible KIND FILE: the digests that it says so of.
eligible() {
	sed -n "/^\(.*: \)\?$1 eligible for deletion/s/.*\(sha[0-9]*:[0-9a-f]*\).*/\1/p" "$2" | sort
}

# says_the_same NAME [-m]: line for line what is eligible and how much is marked. Layer links are what
# the later reference alone removes, and they are compared where it says so.
says_the_same() {
	local kind
	rm -rf vol && take "$1" && reference_gc vol -d "${@:2}" &&
		volume_content vol >before && run 0 drydock garbage-collect -d --grace 0 "${@:2}" \
		reference.yml >ours && volume_content vol >after && same before after &&
		for kind in blob manifest "layer link"; do
			eligible "$kind" reference.out >theirs && eligible "$kind" ours >list &&
				{ [ "$kind" = "layer link" ] && [ ! -s theirs ] || same theirs list; } || return
		done && grep "blobs marked" reference.out >theirs && grep "blobs marked" ours >list &&
		same theirs list && grep -o "marking manifest.*" reference.out | sort >theirs &&
		grep -o "marking manifest.*" ours | sort >list && same theirs list
}

# damage_all VOL: every third blob loses a byte or all, links say nothing or are gone.
damage_all() {
	local number=0 file
	while IFS= read -r file; do
		number=$((number + 1))
		case $((number % 6)) in
		0) printf '\001' | dd of="$file" bs=1 conv=notrunc status=none ;;
		3) : >"$file" ;;
		esac || return
	done < <(find "$1/docker/registry/v2/blobs" -name data -size +0 | sort) &&
	while IFS= read -r file; do
		number=$((number + 1))
		case $((number % 8)) in
		0) : >"$file" ;;
		2) rm "$file" ;;
		4) echo >>"$file" ;;
		esac || return
	done < <(find "$1/docker/registry/v2/repositories" -path '*_layers/sha256/*/link' -o \
		-path '*_manifests/revisions/*/link' | sort) && age "$1" everything 9d
}

# What it served before it still does, and one more.
serves_again() {
	registry_start vol && served list && says "^oci/app healed " list &&
		grep -v "^oci/app healed " list >rest && same "$work/all.served" rest && registry_stop
}
