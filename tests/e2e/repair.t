#!/bin/bash
# What is mended, from where, and that all of it can be undone.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# "app:v1" and "app:v2" share "base"; "far:v1" is another repository's.
make_frame() {
	make_volume vol && image=$(put_image vol app:v1 base "layer one") &&
		beside=$(put_image vol app:v2 base "layer two") &&
		far=$(put_image vol far:v1 "far layer") && age vol everything 9d &&
		base=$(digest_of base) && one=$(digest_of "layer one") &&
		two=$(digest_of "layer two") && config=$(digest_of "$(config_of base "layer one")")
}
template make_frame

# holds VOL DIGEST: the blob is there with its bytes.
holds_bytes() {
	[ "${2%%:*}:$("${2%%:*}sum" <"$(blob_data "$1" "$2")" | cut -d ' ' -f 1)" = "$2" ]
}

# ---- nothing to do ----

test_case 'of a volume that is whole nothing is mended, and nothing is made in it' '
	from_template && plans 0 && [ -z "$(steps plan)" ] && volume_digest vol >before &&
	run 0 drydock repair --root vol --apply >text && says "Nothing to mend" text &&
	volume_digest vol >after && same before after
'

# ---- where good bytes come from ----

test_case 'a corrupt blob without any copy is withdrawn, and a push heals the image' '
	from_template && flip_blob vol $one && age vol everything 9d && mends 1 &&
	step mended blob-corrupt ".action == \"withdraw\" and .reason == \"damaged\"" &&
	step mended blob-corrupt ".images == [\"app:v1\"]" && json ".totals.left == 1" mended &&
	blobs_gone vol $one && in_trash vol $one && finds 1 layer-missing && put_blob vol "layer one" &&
	finds 0
'

test_case 'what was withdrawn as damaged does not come back by a collection, but by undoing' '
	from_template && flip_blob vol $one && age vol everything 9d && mends 1 &&
	run 0 drydock gc --root vol --apply --grace 0 >text && blobs_gone vol $one &&
	in_trash vol $one && undoes && blob_exists vol $one && finds 1 blob-corrupt
'

test_case 'good bytes are taken from the trash before anything else' '
	from_template && dead=$(put_blob vol "layer three") && age vol $dead 9d &&
	run 0 drydock gc --root vol --apply --grace 0 && blobs_gone vol $dead &&
	put_image_of vol app:v3 "$(descriptor $type_layer $dead 11)" && link_layer vol app $dead &&
	put_blob other "layer three" && age vol everything 9d &&
	finds 1 layer-missing && mends 0 --from "$PWD/other" &&
	step mended layer-missing ".from | startswith(\"the trash, run \")" &&
	holds_bytes vol $dead && finds 0 && undoes
'

test_case 'what several repositories miss heals the images of all of them' '
	from_template && put_image vol far:v2 base && remove_blob vol $base && age vol everything 9d &&
	plans 1 && step plan layer-missing ".action == \"leave\" and .findings == 2" &&
	step plan layer-missing ".images == [\"app:v1\", \"app:v2\", \"far:v2\"]" &&
	put_blob other base && mends 0 --from "$PWD/other" &&
	step mended layer-missing ".images == [\"app:v1\", \"app:v2\", \"far:v2\"]" &&
	step mended layer-missing ".image_count == 3" && holds_bytes vol $base && finds 0 && undoes
'

test_case 'a copy under another algorithm serves where a manifest tells the size' '
	from_template && put_blob vol "layer one" sha512 && flip_blob vol $one &&
	age vol everything 9d && mends 0 && holds_bytes vol $one &&
	step mended blob-corrupt ".from | startswith(\"the same bytes under sha512:\")" && finds 0 && undoes
'

test_case 'another volume is a source, named at any level, and is not written to' '
	from_template && copy_volume vol other && flip_blob vol $one && remove_blob vol $base &&
	: >"$(blob_data vol $image)" && age vol everything 9d && volume_digest other >other.before &&
	mends 0 --from other/docker/registry && volume_digest other >other.after &&
	same other.before other.after && holds_bytes vol $one && holds_bytes vol $base &&
	holds_bytes vol $image && finds 0 && json ".totals.blobs_put == 3" mended && undoes
'

test_case 'an OCI image layout is a source' '
	from_template && mkdir -p layout/blobs/sha256 && echo "{\"imageLayoutVersion\":\"1.0.0\"}" \
		>layout/oci-layout && printf "layer one" >layout/blobs/sha256/${one#*:} &&
	flip_blob vol $one && age vol everything 9d && mends 0 --from layout && holds_bytes vol $one &&
	finds 0 && undoes
'

test_case 'of several sources the first that is good serves, and one that lies is said' '
	from_template && copy_volume vol bad && flip_blob bad $one && copy_volume vol good &&
	flip_blob vol $one && age vol everything 9d && mends 0 --from bad --from good &&
	step mended blob-corrupt ".from | endswith(\"/good\")" && holds_bytes vol $one &&
	flip_blob vol $one && run 1 drydock repair --root vol --from bad >text 2>err &&
	says "damaged, too" err
'

test_case 'a source that is neither a volume nor a layout is wrong usage' '
	from_template && mkdir nothing && run 2 drydock repair --root vol --from nothing 2>err &&
	says "nothing" err && run 2 drydock repair --root vol --from missing 2>err
'

test_case 'the volume itself is no source, by whatever path' '
	from_template && ln -s vol link && flip_blob vol $one && for path in vol/docker/registry/v2 link; do
		run 2 drydock repair --root vol --from $path 2>err && says "the volume itself" err || return
	done
'

test_case 'a blob that is misplaced is moved, without a copy being made' '
	from_template && mkdir -p vol/docker/registry/v2/blobs/sha256/ff &&
	inode=$(stat -c %i "$(blob_data vol $one)") &&
	mv "$(blob_dir vol $one)" vol/docker/registry/v2/blobs/sha256/ff/ &&
	finds 1 blob-misplaced layer-missing && mends 0 && holds_bytes vol $one &&
	[ "$(stat -c %i "$(blob_data vol $one)")" = $inode ] && finds 0 && undoes
'

test_case 'a misplaced blob that is where it belongs, too, is withdrawn' '
	from_template && mkdir -p vol/docker/registry/v2/blobs/sha256/ff &&
	cp -a "$(blob_dir vol $one)" vol/docker/registry/v2/blobs/sha256/ff/ && finds 0 blob-misplaced &&
	plans 0 && run 0 drydock repair --root vol --apply --json >mended &&
	step mended blob-misplaced ".reason == \"duplicate\"" && holds_bytes vol $one && finds 0
'

test_case 'of two copies that are misplaced, or under a wrong name, one is moved, the other goes' '
	from_template && astray=vol/docker/registry/v2/blobs/sha256 && mkdir -p $astray/ff $astray/fe &&
	cp -a "$(blob_dir vol $one)" $astray/ff/ && mv "$(blob_dir vol $one)" $astray/fe/ &&
	mv "$(blob_dir vol $two)" $astray/fe/${no_such#*:} && age vol everything 9d &&
	finds 1 blob-misplaced layer-missing && mends 0 && json ".totals.changed == 0" mended &&
	holds_bytes vol $one && holds_bytes vol $two && finds 0 && undoes
'

test_case 'what is misplaced under a wrong name is moved for a link that would dangle, not moved and withdrawn' '
	from_template && gone=$(put_layer vol app "nobody needs it") &&
	astray=vol/docker/registry/v2/blobs/sha256 && mkdir -p $astray/fe &&
	mv "$(blob_dir vol $gone)" $astray/fe/${no_such#*:} && age vol everything 9d &&
	finds 0 blob-misplaced link-dangling && plans 0 && volume_content vol >unmended &&
	run 0 drydock repair --root vol --apply --json >mended &&
	json ".totals | .changed == 0 and .steps == 1 and .mended == 2" mended &&
	holds_bytes vol $gone && finds 0 && undoes
'

test_case 'a layer that is stored by its sha512 digest is put there, and its link is right' '
	make_volume vol && strong=$(put_blob vol g sha512) && put_strong_image vol app:v1 g &&
	link_layer vol app $strong && age vol everything 9d && finds 0 && copy_volume vol other &&
	remove_blob vol $strong && age vol everything 9d && finds 1 layer-missing alias-unresolved &&
	mends 0 --from other && holds_bytes vol $strong && finds 0 && undoes
'

test_case 'a manifest that comes back brings what it names, in the same run' '
	from_template && copy_volume vol other && remove_blob vol $image && remove_blob vol $one &&
	rm -r "$(dirname "$(layer_link vol app $one)")" && age vol everything 9d &&
	finds 1 manifest-missing && mends 0 --from other && holds_bytes vol $image &&
	holds_bytes vol $one && [ "$(cat "$(layer_link vol app $one)")" = $one ] && finds 0 && undoes
'

test_case 'a layer that lacks its bytes and its link gets both' '
	from_template && copy_volume vol other && remove_blob vol $one &&
	rm -r "$(dirname "$(layer_link vol app $one)")" && age vol everything 9d &&
	finds 1 layer-missing && mends 0 --from other && finds 0 && undoes
'

test_case 'what a repair withdrew stays damaged, though its journal cannot be read' '
	from_template && flip_blob vol $one && age vol everything 9d && mends 1 &&
	journal=$(echo vol/.drydock/trash/*/journal) && sed -i "/ item /d" "$journal" &&
	run 0 drydock gc --root vol --apply --grace 0 >text && blobs_gone vol $one &&
	in_trash vol $one && undoes && finds 1 blob-corrupt
'

# ---- links ----
test_case 'links that are missing are written, and those that say nothing are written anew' '
	from_template && rm -r "$(dirname "$(layer_link vol app $one)")" &&
	rm -r "$(dirname "$(revision_link vol far $far)")" &&
	rm -r "$(dirname "$(history_link vol app:v2 $beside)")" && : >"$(layer_link vol app $base)" &&
	echo $image >"$(revision_link vol app $image)" && : >"$(history_link vol app:v1 $image)" &&
	printf %s $two >"$(layer_link vol far "$(digest_of "far layer")")" && age vol everything 9d &&
	finds 1 layer-unlinked revision-unlinked history-unlinked link-empty link-malformed \
		link-other history-broken && mends 0 && finds 0 &&
	[ "$(cat "$(layer_link vol app $base)")" = $base ] &&
	[ "$(cat "$(revision_link vol app $image)")" = $image ] && undoes &&
	finds 1 layer-unlinked revision-unlinked history-unlinked link-empty link-malformed \
		link-other history-broken
'

test_case 'an empty link that nobody needs, to bytes that are nowhere, goes' '
	from_template && link_layer vol app $no_such && : >"$(layer_link vol app $no_such)" &&
	age vol everything 9d && finds 1 link-empty && mends 0 && ! layer_linked vol app $no_such &&
	finds 0 && undoes
'

test_case 'an empty link to a manifest that is gone is written: it holds the layers' '
	from_template && remove_blob vol $image && : >"$(revision_link vol app $image)" &&
	age vol everything 9d && mends 1 && [ "$(cat "$(revision_link vol app $image)")" = $image ] &&
	finds 1 manifest-missing
'

test_case 'a link that dangles goes, unless its bytes can be had' '
	from_template && gone=$(put_layer vol app "was deleted") && remove_blob vol $gone &&
	age vol everything 9d && finds 0 link-dangling && plans 0 &&
	step plan link-dangling ".action == \"withdraw\"" && put_blob other "was deleted" &&
	plans 0 --from other && step plan link-dangling ".action == \"put-blob\"" &&
	run 0 drydock repair --root vol --apply && finds 0 && ! layer_linked vol app $gone
'

test_case 'a dangling link that comes back has its own time' '
	from_template && gone=$(put_layer vol app "was deleted") && remove_blob vol $gone &&
	flip_blob vol $one && age vol everything 9d && mends 1 && ! layer_linked vol app $gone && undoes
'

test_case 'a link that dangles stays where a manifest is missing that may need it' '
	from_template && remove_blob vol $image && remove_blob vol $one && age vol everything 9d &&
	finds 1 manifest-missing link-dangling && run 1 drydock repair --root vol --apply &&
	layer_linked vol app $one
'

test_case 'a link to what goes goes with it, so that a second run has nothing to do' '
	from_template && dead=$(put_layer vol app "nobody needs it") &&
	old=$(put_manifest vol app "$(manifest_json $type_image "\"old\":1")") &&
	link_revision vol far "$old" && tag vol app:v1 $old && tag vol app:v1 $image &&
	rm "$(revision_link vol app $old)" "$(revision_link vol far $old)" && flip_blob vol $dead &&
	flip_blob vol $old && age vol everything 9d && mends 0 && finds 0 &&
	! layer_linked vol app $dead && [ ! -e "$(history_link vol app:v1 $old)" ] && plans 0 &&
	[ -z "$(steps plan)" ] && undoes
'

test_case 'a broken entry of a tag history whose bytes are nowhere goes, but for the last that tells' '
	from_template && tag vol app:v1 $no_such && tag vol app:v1 $image &&
	: >"$(history_link vol app:v1 $no_such)" && age vol everything 9d && finds 0 history-broken link-dangling &&
	plans 0 && volume_content vol >unmended && run 0 drydock repair --root vol --apply --json >mended &&
	step mended history-broken ".action == \"withdraw\"" && finds 0 && undoes &&
	rm "$(current_link vol app:v1)" "$(revision_link vol app $image)" && age vol everything 9d &&
	mends 1 && [ "$(cat "$(history_link vol app:v1 $no_such)")" = $no_such ]
'

test_case 'a child whose own link is the last that an index lacks gets it with the others' '
	from_template && put_index vol app:all $image && rm -r "$(dirname "$(layer_link vol app $one)")" &&
	put_image_of vol app:v3 "$(descriptor $type_layer $one 9)" && rm -r "$(tag_dir vol app:v1)" &&
	rm -r "$(dirname "$(revision_link vol app $image)")" && age vol everything 9d &&
	finds 1 layer-unlinked child-sparse && mends 0 && finds 0 && revision_linked vol app $image && undoes
'

test_case 'what a sha512 link stands for is learnt from another repository' '
	make_volume vol && strong=$(digest_of g sha512) && plain=$(digest_of g) &&
	put_strong_image vol app:v1 g && put_layer vol app g && link_layer vol app $strong $plain &&
	put_strong_image vol other:v1 g && link_layer vol other $strong && age vol everything 9d &&
	finds 1 alias-unresolved && mends 0 && [ "$(cat "$(layer_link vol other $strong)")" = $plain ] &&
	finds 0 && undoes
'

test_case 'what a sha512 link stands for is found by its size, whatever was verified before' '
	make_volume vol && strong=$(digest_of g sha512) && put_strong_image vol app:v1 g &&
	put_image vol far:v1 g && link_layer vol app $strong && age vol everything 9d && sleep 2.1 &&
	finds 1 alias-unresolved && finds 1 alias-unresolved && mends 0 &&
	[ "$(cat "$(layer_link vol app $strong)")" = "$(digest_of g)" ] && blobs_gone vol $strong &&
	finds 0 && undoes
'

# ---- tags ----

test_case 'a tag whose link is gone points to the one manifest that is left of its history' '
	from_template && rm "$(current_link vol app:v1)" && finds 1 tag-no-current && mends 0 &&
	tagged vol app:v1 $image && finds 0 && undoes
'

test_case 'what its history tells counts where the link to the manifest is written in the same run' '
	from_template && tag vol app:latest $image && rm -r "$(dirname "$(revision_link vol app $image)")" &&
	rm "$(current_link vol app:v1)" && age vol everything 9d &&
	finds 1 revision-unlinked tag-no-current && mends 0 && tagged vol app:v1 $image && finds 0 && undoes
'

test_case 'what a tag pointed to is not forgotten while nothing else tells it' '
	from_template && tag vol app:v9 $no_such && rm "$(current_link vol app:v9)" &&
	age vol everything 9d && finds 1 tag-no-current link-dangling && mends 1 &&
	[ -e "$(history_link vol app:v9 $no_such)" ] && finds 1 tag-no-current link-dangling
'

test_case 'of several the newest is beyond doubt only if it is so by a minute' '
	from_template && tag vol app:v1 $beside && : >"$(current_link vol app:v1)" &&
	age vol everything 9d && mends 1 && step mended link-empty ".action == \"leave\"" &&
	step mended link-empty "(.offers | length) == 2" &&
	run 1 drydock repair --root vol >text && says "choose" text && says "$beside" text &&
	age vol "$(history_link vol app:v1 $image)" 8d && mends 0 && tagged vol app:v1 $image && undoes
'

test_case 'times in the future are no evidence' '
	from_template && tag vol app:v1 $beside && : >"$(current_link vol app:v1)" &&
	age vol everything 9d && touch -d "1 day" "$(history_link vol app:v1 $image)" && plans 1 &&
	step plan link-empty ".action == \"leave\""
'

test_case 'a person chooses: a digest, also one that is cut, of the repository' '
	from_template && tag vol app:v1 $beside && : >"$(current_link vol app:v1)" &&
	age vol everything 9d && mends 0 --choose "app:v1=${beside:0:16}" && tagged vol app:v1 $beside &&
	finds 0 && undoes && run 2 drydock repair --root vol --choose "app:v1=$far" 2>err &&
	says "no such manifest" err && run 2 drydock repair --root vol --choose "app:v2=$image" 2>err &&
	says "nothing is wrong" err && says_not "to read" err &&
	run 2 drydock repair --root vol --choose app=1 2>err &&
	run 2 drydock repair --root vol --choose app:v1=sha256:zzzz 2>err && says "is wanted" err &&
	run 2 drydock repair --root vol --choose app:v9=$image 2>err && says "has no tag v9" err &&
	says_not "to read" err
'

test_case 'what is left is said to need what helps: a choice, or a push' '
	from_template && tag vol app:v1 $beside && : >"$(current_link vol app:v1)" &&
	age vol everything 9d && run 1 drydock repair --root vol >text &&
	says "1 finding. Where a tag points, --choose says" text &&
	flip_blob vol $one && age vol everything 9d && run 1 drydock repair --root vol >text &&
	says "pushed again. Where a tag points" text && tag vol app:v1 $image &&
	age vol everything 9d && run 1 drydock repair --root vol >text && says "pushed again\.$" text
'

test_case 'what a tag points to and is no manifest gets no link as one' '
	from_template && tag vol far:v1 $one && age vol everything 9d && finds 1 manifest-invalid &&
	[ "$(findings report | wc -l)" = 1 ] && plans 1 && step plan manifest-invalid ".action == \"leave\"" &&
	[ "$(steps plan | wc -l)" = 1 ]
'

test_case 'a tag that dangles moves only as a person chooses' '
	from_template && tag vol app:gone $no_such && age vol everything 9d && plans 1 &&
	step plan tag-dangling ".action == \"leave\"" && mends 0 --choose "app:gone=$image" &&
	tagged vol app:gone $image && undoes && tagged vol app:gone $no_such
'

test_case 'a tag that only ends in a newline points where it says' '
	from_template && tag vol app:v1 $beside && tag vol app:v1 $image &&
	echo $image >"$(current_link vol app:v1)" && age vol everything 9d && mends 0 &&
	tagged vol app:v1 $image && [ "$(stat -c %s "$(current_link vol app:v1)")" = 71 ] && undoes
'

# ---- what was left behind, owners ----

test_case 'empty directories, temporary files and stale uploads are withdrawn' '
	from_template && id=2b2f7c6e-0a5e-4c0a-9d69-7d2f3d7d5c1 && put_upload vol app ${id}1 old 9d &&
	put_upload vol app ${id}2 x 9d && rm "$(upload_dir vol app ${id}2)/startedat" &&
	put_upload vol app ${id}3 young 1h && mkdir -p "$(blob_dir vol $no_such)" &&
	: >"$(layer_link vol app $one).7f1c4f5e-9a0b-4c2d-8e3f-6a5b4c3d2e1f.tmp" &&
	age vol "$(repository_dir vol app)/_layers" "$(blob_dir vol $no_such)" 9d &&
	finds 0 upload-stale upload-no-start blob-no-data temp-left -- --full && plans 0 --full &&
	volume_content vol >unmended && run 0 drydock repair --root vol --full --apply >text &&
	finds 0 -- --full && [ ! -e "$(blob_dir vol $no_such)" ] &&
	[ -e "$(upload_dir vol app ${id}3)" ] && [ ! -e "$(upload_dir vol app ${id}1)" ] && undoes
'

temp=data.7f1c4f5e-9a0b-4c2d-8e3f-6a5b4c3d2e1f.tmp

test_case 'a temporary file goes with the directory that it alone lies in, and comes back with it' '
	from_template && mkdir -p "$(blob_dir vol $no_such)" && echo half >"$(blob_dir vol $no_such)/$temp" &&
	age vol "$(blob_dir vol $no_such)" 9d && finds 0 blob-no-data temp-left -- --full &&
	volume_content vol >unmended && run 0 drydock repair --root vol --full --apply --json >mended &&
	json ".totals | .changed == 0 and .failed == 0 and .mended == 2" mended && finds 0 -- --full &&
	[ ! -e "$(blob_dir vol $no_such)" ] && undoes
'

test_case 'a temporary file beside a corrupt blob goes with it' '
	from_template && flip_blob vol $one && echo half >"$(blob_dir vol $one)/$temp" &&
	age vol everything 9d && volume_content vol >unmended &&
	run 1 drydock repair --root vol --full --apply --json >mended &&
	json ".totals | .changed == 0 and .failed == 0" mended && blobs_gone vol $one &&
	finds 1 layer-missing -- --full && undoes
'

test_case 'what a registry has made a moment ago is left alone' '
	from_template && id=2b2f7c6e-0a5e-4c0a-9d69-7d2f3d7d5c1 && mkdir -p "$(blob_dir vol $no_such)" &&
	put_upload vol app ${id}1 old 9d && touch -d "10 minutes ago" "$(upload_dir vol app ${id}1)/data" &&
	run 0 drydock repair --root vol --apply --json >mended && [ -z "$(steps mended)" ] &&
	[ -d "$(blob_dir vol $no_such)" ] && age vol "$(blob_dir vol $no_such)" 9d &&
	echo half >"$(blob_dir vol $no_such)/$temp" && touch -d "9 days ago" "$(blob_dir vol $no_such)" &&
	run 0 drydock repair --root vol --full --apply --json >mended && [ -z "$(steps mended)" ] &&
	[ -e "$(blob_dir vol $no_such)/$temp" ]
'

test_case 'owners and modes are set as the rest has them, when asked, and set back' '
	need_root && from_template && chown 1234:1234 "$(blob_data vol $one)" &&
	chmod 0600 "$(layer_link vol app $one)" && plans 0 && [ -z "$(steps plan)" ] &&
	plans 0 --owner && [ "$(steps plan | wc -l)" = 1 ] && volume_content vol >unmended &&
	run 0 drydock repair --root vol --owner --mode --apply --json >mended &&
	json ".totals.owners == 2" mended && finds 0 && undoes
'

test_case 'what root writes belongs to the owner of what is around it' '
	need_root && from_template && chown -R 1234:1235 vol && chmod -R u=rwX,g=rX,o= vol &&
	rm -r "$(dirname "$(layer_link vol app $one)")" && copy_volume vol other && flip_blob vol $two &&
	age vol everything 9d && mends 0 --from other &&
	[ -z "$(find vol ! -user 1234 -o ! -group 1235)" ] && finds 0 && undoes
'

# ---- care ----

test_case 'a reference is mended, and nothing else' '
	from_template && : >"$(layer_link vol app $one)" && : >"$(revision_link vol far $far)" &&
	age vol everything 9d && mends 0 app:v1 && finds 1 link-empty && finds 0 -- app:v1 &&
	finds 1 link-empty -- far:v1
'

test_case 'many damages at once are mended in one run, and undone in one' '
	from_template && copy_volume vol other && flip_blob vol $one && remove_blob vol $two &&
	: >"$(blob_data vol $far)" && : >"$(layer_link vol app $base)" && rm "$(current_link vol app:v2)" &&
	rm -r "$(dirname "$(revision_link vol app $image)")" && age vol everything 9d &&
	mends 0 --from other && finds 0 && undoes && mends 0 --from other && finds 0 &&
	run 0 drydock trash list --root vol --json >trash
'

# struck CALL FAILURE WHEN COMMAND…: the tool, whose calls fail from that one on.
struck() {
	need_strace
	run 0,1,3 strace -f -qq -o trace -e trace="$1" -e inject="$1:$2:when=$3" "${@:4}" >text 2>err
}

test_case 'what a link was is not lost, whichever of the renames fails' '
	from_template && : >"$(layer_link vol app $one)" && echo $image >"$(revision_link vol app $image)" &&
	age vol everything 9d && cp -a vol pristine && volume_content vol >unmended && for at in 1 2 3 4 5; do
		rm -rf vol && cp -a pristine vol &&
			struck renameat2 error=EIO $at drydock repair --root vol --apply &&
			run 0 drydock gc --root vol && run 0,1 drydock repair --root vol --apply &&
			finds 0 && while drydock trash restore latest --root vol --apply; do :; done &&
			volume_content vol >undone && same unmended undone || return 1
		rm -rf vol && cp -a pristine vol &&
			struck renameat2 error=EIO $at+ drydock repair --root vol --apply &&
			run 0,1 drydock repair --root vol --apply && finds 0 &&
			while drydock trash restore latest --root vol --apply; do :; done &&
			volume_content vol >undone && same unmended undone || return 1
	done
'

test_case 'what was written to since the repair stays, and whoever undoes that is told' '
	from_template && rm -r "$(dirname "$(current_link vol app:v1)")" && age vol everything 9d && mends 0 &&
	printf %s $image >"$(current_link vol app:v1)" &&
	run 1 drydock trash restore latest --root vol --json >plan &&
	json ".items[0].outcome == \"changed\"" plan && run 1 drydock trash restore latest --root vol --apply &&
	tagged vol app:v1 $image && run 2 drydock trash restore latest --root vol
'

test_case 'of a copy without its times, too' '
	from_template && rm "$(current_link vol app:v1)" && : >"$(current_link vol app:v2)" &&
	age vol everything 9d && mends 0 && cp -r vol copy &&
	run 1 drydock trash restore latest --root copy --json >plan && json ".totals.unresolved == 2" plan &&
	run 1 drydock trash restore latest --root copy --apply && tagged copy app:v1 $image && undoes
'

test_case 'what came back by undoing another run was not written to since' '
	from_template && gone=$(put_layer vol app "gone layer") && age vol everything 9d && volume_content vol >unmended &&
	run 0 drydock gc --root vol --apply --grace 0 && put_image_of vol app:v3 "$(descriptor $type_layer $gone 10)" &&
	age vol everything 9d && run 0 drydock repair --root vol --apply && layer_linked vol app $gone &&
	for run in vol/.drydock/trash/*; do
		run 0 drydock trash restore ${run##*/} --root vol --apply || return 1
	done && layer_linked vol app $gone && blob_exists vol $gone
'

test_case 'on a full disk links are written out of what was kept aside' '
	need_root && need_command mkfs.ext4 losetup && from_template && truncate -s 60M image.ext4 &&
	mkfs.ext4 -q -m 0 image.ext4 && mkdir disk &&
		{ mount -o loop image.ext4 disk || skip "cannot mount a loop device here"; } &&
	on_exit "umount $PWD/disk" && cp -a vol/docker disk/ && run 0 drydock gc --root disk --apply &&
	: >"$(layer_link disk app $base)" && rm -r "$(dirname "$(layer_link disk app $one)")" &&
	age disk "$PWD/disk/docker" 9d && { dd if=/dev/zero of=disk/fill bs=4k; true; } &&
	run 0 drydock repair --root disk --apply && run 0 drydock verify --root disk &&
	run 0 drydock trash restore latest --root disk --apply && [ ! -s "$(layer_link disk app $base)" ]
'

test_case 'two runs do not mend at once' '
	from_template && flip_blob vol $one && mkdir -p vol/.drydock && exec 5>vol/.drydock/lock &&
	flock 5 && run 4 drydock repair --root vol --apply 2>err && says "locked" err &&
	plans 1 && exec 5>&-
'

test_case 'after a collection and a repair both can be undone, the repair first' '
	from_template && dead=$(put_blob vol garbage) && age vol $dead 9d && volume_content vol >first &&
	run 0 drydock gc --root vol --apply --grace 0 && : >"$(layer_link vol app $one)" &&
	age vol "$(layer_link vol app $one)" 9d && mends 0 && undoes &&
	run 0 drydock trash restore latest --root vol --apply && blob_exists vol $dead
'

test_case 'what the report says: what is done, from where, and how to undo it' '
	from_template && copy_volume vol other && flip_blob vol $one && : >"$(layer_link vol app $base)" &&
	age vol everything 9d && run 1 drydock repair --root vol --from other >text &&
	says "To be put in place" text && says "Links to be written" text &&
	says "Nothing was changed. To do it: drydock repair --root vol --from other --apply" text &&
	run 0 drydock repair --root vol --from other --apply >text && says "^Put in place" text &&
	says "To undo it: drydock --root vol trash restore" text && says "Nothing that is damaged is left" text &&
	flip_blob vol $two && run 1 drydock repair --root vol -q >text && says "needs a person" text
'

done_testing
