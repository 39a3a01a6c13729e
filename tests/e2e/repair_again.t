#!/bin/bash
# One repair is enough, and repairs are undone to the last file, in whatever order.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/verified.sh
. "$e2e/verified.sh"

# holds_bytes VOL DIGEST: the blob is there with its bytes.
holds_bytes() {
	[ "${2%%:*}:$("${2%%:*}sum" <"$(blob_data "$1" "$2")" | cut -d ' ' -f 1)" = "$2" ]
}

# Files as they are: bytes, owner, mode and time.
state() {
	(cd vol/docker && find . -type f -printf '%p %u:%g %m %T@\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

# once STATUS OPTION…: it is mended by one repair, and neither a second one nor verifying
# finds more than what its status told.
once() {
	run "$1" drydock repair --root vol --apply --json "${@:2}" >first && volume_digest vol >mended &&
		run "$1" drydock repair --root vol --apply --full --json "${@:2}" >second &&
		json '[.steps[] | select(.action != "leave")] == []' second && run "$1" drydock verify --root vol --full &&
		volume_content vol >after && run "$1" drydock repair --root vol --apply --no-index "${@:2}" &&
		volume_content vol >again && same after again
}

# gone PATH…: the directories that these files are in, and nothing says that they were there.
gone() {
	local path
	for path; do
		rm -r "${path%/*}" || return
	done
}

# ---- once is enough ----

test_case 'a manifest that comes from elsewhere brings its links and those of its layers' '
	from_template && copy_volume vol other && remove_blob vol $image && gone "$(revision_link vol app $image)" \
		"$(layer_link vol app $one)" "$(layer_link vol app $config)" && remove_blob vol $one && age vol everything 9d &&
	once 0 --from other && volume_content vol >now && volume_content other >whole && same whole now
'

test_case 'an index that comes from elsewhere brings what its manifests need' '
	from_template && index=$(put_index vol app:all $image $beside) && outer=$(put_index vol app:outer $index) &&
	age vol everything 9d && copy_volume vol other && remove_blob vol $outer && remove_blob vol $index &&
	rm -r "$(tag_dir vol app:v1)" "$(tag_dir other app:v1)" && remove_blob vol $one &&
	gone "$(revision_link vol app $outer)" "$(revision_link vol app $image)" "$(history_link vol app:outer $outer)" &&
	age vol everything 9d && once 0 --from other && volume_content vol >now && volume_content other >whole && same whole now
'

test_case 'a child that a tag has lost brings the link of its own in the same run' '
	from_template && put_index vol app:all $image >/dev/null && rm -r "$(tag_dir vol app:v1)" && age vol everything 9d &&
	copy_volume vol other && gone "$(revision_link vol app $image)" && remove_blob vol $one && age vol everything 9d &&
	once 0 --from other && volume_content vol >now && volume_content other >whole && same whole now
'

test_case 'a link that dangles goes as soon as the manifest is there that might have needed it' '
	from_template && copy_volume vol other && remove_blob vol $image && link_layer vol app $no_such &&
	age vol everything 9d && once 0 --from other && ! layer_linked vol app $no_such
'

test_case 'what a manifest from elsewhere says of its parts is told at once' '
	from_template && bad=$(put_image_of vol app:bad "$(descriptor $type_layer $one 99)") && age vol everything 9d &&
	copy_volume vol other && remove_blob vol $bad && age vol everything 9d && once 1 --from other &&
	step first size-differs ".action == \"leave\"" && holds_bytes vol $bad
'

test_case 'a reference brings what its manifest names, and reads it' '
	from_template && copy_volume vol other && remove_blob vol $image && flip_blob vol $one && remove_blob vol $config &&
	age vol everything 9d && run 0 drydock repair --root vol --apply --from other app:v1 && run 0 drydock verify --root vol --full
'

test_case 'a sha512 link learns what it stands for from bytes that come in the same run' '
	from_template && put_alias_image vol app:strong "strong layer" && age vol everything 9d && copy_volume vol other &&
	strong=$(digest_of "strong layer" sha512) && link_layer vol app $strong $strong && remove_blob vol $(digest_of "strong layer") &&
	gone "$(layer_link other app $strong)" && age vol everything 9d && once 0 --from other &&
	[ "$(cat "$(layer_link vol app $strong)")" = "$(digest_of "strong layer")" ] && blobs_gone vol $strong
'

test_case 'a volume as a source is asked what its own sha512 links stand for' '
	from_template && put_alias_image vol app:strong "strong layer" && age vol everything 9d && copy_volume vol other &&
	strong=$(digest_of "strong layer" sha512) && gone "$(layer_link vol app $strong)" \
		"$(layer_link vol app $(digest_of "strong layer"))" && remove_blob vol $(digest_of "strong layer") && age vol everything 9d &&
	once 0 --from other && holds_bytes vol $strong && layer_linked vol app $strong
'

test_case 'a sha512 layer whose link is lost is linked to its bytes, and not copied' '
	from_template && put_alias_image vol app:strong "strong layer" && strong=$(digest_of "strong layer" sha512) &&
	gone "$(layer_link vol app $strong)" && age vol everything 9d && once 0 &&
	[ "$(cat "$(layer_link vol app $strong)")" = "$(digest_of "strong layer")" ] && blobs_gone vol $strong
'

test_case 'what a sha512 link stands for in one repository is written in all of them' '
	make_volume vol && strong=$(digest_of g sha512) && put_strong_image vol app:v1 g && put_strong_image vol b:v1 g &&
	put_layer vol app g && link_layer vol app $strong && age vol everything 9d && once 0 &&
	[ "$(cat "$(layer_link vol b $strong)")" = "$(digest_of g)" ]
'

test_case 'a sha512 layer is found by the size that a manifest tells which is only read ahead' '
	from_template && strong=$(digest_of "strong layer" sha512) && child=$(put_strong_image vol app "strong layer") &&
	put_blob vol "strong layer" && index=$(put_index vol app:all $child) && link_layer vol app $strong $(digest_of "strong layer") &&
	link_layer vol far sha512:$(printf %0128d 0) && age vol everything 9d && copy_volume vol other && remove_blob vol $index &&
	gone "$(layer_link vol app $strong)" && once 1 --from other &&
	[ "$(cat "$(layer_link vol app $strong)")" = "$(digest_of "strong layer")" ]
'

test_case 'what an empty sha512 link stands for comes from elsewhere in the same run' '
	from_template && lone=$(put_layer vol app "needed by nobody") && name=sha512:$(printf "needed by nobody" | sha512sum | cut -d " " -f 1) &&
	link_layer vol app $name && : >"$(layer_link vol app $name)" && copy_volume vol source && rm -r "$(blob_dir vol $lone)" &&
	age vol everything 9d && once 0 --from source && holds_bytes vol $lone && [ "$(cat "$(layer_link vol app $name)")" = $lone ]
'

test_case 'a rotten manifest without its link, of which there is no copy, is told as lost the first time, too' '
	from_template && lone=$(put_image vol alone:v1 "layer of one") && flip_blob vol $lone &&
	rm -r "$(dirname "$(revision_link vol alone $lone)")" && age vol everything 9d && once 1
'

test_case 'a rotten manifest that nobody misses is mended by going' '
	from_template && put_index vol app:some $far $image >/dev/null && rm -r "$(repository_dir vol far)" &&
	flip_blob vol $far && age vol everything 9d && once 0 && blobs_gone vol $far
'

# ---- undone, with the times ----

test_case 'undoing a repair brings back each file with the time that it had' '
	from_template && uuid=00000000-0000-4000-8000-000000000001 && put_upload vol app $uuid half 9d &&
	link_layer vol far $no_such && flip_blob vol $one && : >"$(layer_link vol app $base)" &&
	rm "$(revision_link vol app $beside)" && echo x >"$(blob_dir vol $far)/data.tmp" &&
	link_layer vol app $(put_blob vol lone) $no_such && age vol everything 9d && state >before &&
	run 1 drydock repair --root vol --full --apply >text && state >mended && ! cmp -s before mended &&
	run 0 drydock trash restore latest --root vol --apply >text && state >undone && same before undone &&
	! grep -q "counts as pushed now" text
'

# ---- in whatever order ----

test_case 'a link that a push wrote again after the repair stays when that is undone' '
	from_template && rm -r "$(dirname "$(revision_link vol app $image)")" && rm -r "$(dirname "$(history_link vol app:v2 $beside)")" &&
	age vol everything 9d && run 0 drydock repair --root vol --apply && sleep 0.01 && write_link "$(revision_link vol app $image)" $image &&
	run 0 drydock trash restore latest --root vol --json >plan &&
	[ "$(jq -r .items[].outcome plan | sort | tr "\n" " ")" = "taken-away written-again " ] &&
	run 0 drydock trash restore latest --root vol --apply && revision_linked vol app $image &&
	[ ! -e "$(history_link vol app:v2 $beside)" ]
'

test_case 'a repair is undone after a collection that took what it wrote was undone' '
	from_template && index=$(put_index vol app:all $image $beside) && rm -r "$(dirname "$(revision_link vol app $image)")" &&
	rm -r "$(tag_dir vol app:v1)" && age vol everything 9d &&
	run 0 drydock repair --root vol --apply && revision_linked vol app $image && volume_content vol >mended &&
	run 0 drydock rm --root vol app:all --apply &&
	run 0 drydock gc --root vol -m --grace 0 --apply && ! revision_linked vol app $image &&
	for run in $(ls -r vol/.drydock/trash); do
		run 0 drydock trash restore $run --root vol --apply || return 1
	done && volume_content vol >undone && same mended undone
'

test_case 'of a link that several repairs wrote the last is undone first, and what a push wrote stays' '
	from_template && : >"$(layer_link vol app $one)" && age vol everything 9d &&
	run 0 drydock repair --root vol --apply && printf junk >"$(layer_link vol app $one)" && age vol everything 9d &&
	volume_content vol >between && run 0 drydock repair --root vol --apply &&
	run 0 drydock trash restore latest --root vol --apply && volume_content vol >undone && same between undone &&
	printf %s $one >"$(layer_link vol app $one)" && run 1 drydock trash restore latest --root vol --apply >text &&
	says "something else is in its place" text && layer_linked vol app $one
'

test_case 'what lay in a directory that went for being empty comes back to the blob that is there by now' '
	from_template && copy_volume vol other && rm "$(blob_data vol $one)" && echo junk >"$(blob_dir vol $one)/data.tmp" &&
	age vol everything 9d && volume_content vol >whole && run 1 drydock repair --root vol --full --apply &&
	first=$(ls vol/.drydock/trash) && run 0 drydock repair --root vol --full --apply --from other &&
	second=$(ls vol/.drydock/trash | tail -n 1) && run 0 drydock trash restore $first --root vol --apply &&
	run 0 drydock trash restore $second --root vol --apply && volume_content vol >undone && same whole undone
'

test_case 'what a crash left beside a link comes back, whatever becomes of what the link names' '
	from_template && flip_blob vol $image && echo junk >"$(revision_link vol app $image).tmp" && age vol everything 9d &&
	volume_content vol >whole && run 1 drydock repair --root vol --full --apply &&
	run 0 drydock trash restore latest --root vol --apply && volume_content vol >undone && same whole undone
'

test_case 'undoing a repair fetches nothing from other runs' '
	from_template && old=$(put_image vol app:v1 base "layer three") && tag vol app:v1 $image && age vol everything 9d &&
	run 0 drydock gc --root vol -m --apply --grace 0 && revision_link vol app $old >/dev/null &&
	write_link "$(history_link vol app:v1 $old)" $old && mkdir -p "$(blob_dir vol $old)" && : >"$(blob_data vol $old)" &&
	rm -r vol/.drydock/trash/*/docker/registry/v2/blobs && age vol "$PWD/vol/docker" 9d && volume_content vol >whole &&
	run 0 drydock repair --root vol --full --apply && run 0 drydock trash restore latest --root vol --apply &&
	volume_content vol >undone && same whole undone
'

done_testing
