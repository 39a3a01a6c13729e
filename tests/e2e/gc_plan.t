#!/bin/bash
# What a collection plans: what goes, what stays, and what it says of both.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# A volume with something of every kind that goes, and one tagged image.
make_garbage() {
	make_volume vol &&
		image=$(put_image vol app:v1 "base" "top") &&
		untagged=$(put_image vol app "base" "former top") &&
		orphan=$(put_blob vol "nobody points here") &&
		dead=$(put_layer vol app "linked, in no manifest") &&
		put_upload vol app 6b3c4c4e-8f0c-4e4f-9d0a-000000000001 half 30d
}
template make_garbage

test_case 'a plan writes not one byte below the root' '
	from_template && volume_digest vol >before &&
	run 0 plan vol >/dev/null && run 0 plan vol -m --json >/dev/null &&
	volume_digest vol >after && same before after
'

test_case '--dry-run wins over --apply' '
	from_template && volume_digest vol >before &&
	run 0 plan vol --apply -n >out && says "$orphan" out &&
	run 0 drydock -n gc --root vol --grace 0 --apply >out && says "$orphan" out &&
	volume_digest vol >after && same before after
'

test_case 'the plan names each thing that goes, with kind and repository' '
	from_template && run 0 plan vol --json >plan && valid gc plan &&
	goes plan blob - "$orphan" && goes plan blob - "$dead" &&
	goes plan layer-link app "$dead" && goes plan upload app "[^ ]+" &&
	stays plan "$image" && stays plan "$untagged" && nothing_held plan
'

test_case 'the text of the plan names what goes and why, and says how to do it' '
	from_template && run 0 plan vol >plan && says "$orphan" plan &&
	says "$dead" plan && says "app" plan && says "6b3c4c4e" plan && says "--apply" plan &&
	says_not "$image" plan
'

test_case 'untagged revisions stay, and go with --delete-untagged' '
	from_template && run 0 plan vol --json >plan && stays plan "$untagged" &&
	for option in -m --delete-untagged; do
		run 0 plan vol --json "$option" >plan && valid gc plan &&
		goes plan revision app "$untagged" && goes plan blob - "$untagged" &&
		goes plan blob - "$(digest_of "former top")" &&
		goes plan layer-link app "$(digest_of "former top")" &&
		stays plan "$(digest_of base)" && stays plan "$image" || return
	done
'

test_case 'without -m it is said how much -m would free' '
	from_template && run 0 plan vol --json >short && run 0 plan vol --json -m >long &&
	a=$(freed short) && b=$(freed long) && [ "$b" -gt "$a" ] &&
	[ "$(freed_untagged short)" = "$((b - a))" ] &&
	run 0 plan vol >text && says "(-m|--delete-untagged)" text
'

test_case 'everything that every type of manifest reaches stays' '
	make_volume vol &&
	put_image vol one/docker:v1 --docker "layer a" "layer b" >kept &&
	put_image vol two/oci:v1 "layer c" >>kept &&
	child=$(put_image vol three/index "layer d") &&
	put_index vol three/index:v1 "$child" >>kept &&
	put_cache vol four/cache:v1 "layer e" "layer f" >>kept &&
	put_artifact vol five/artifact:v1 "layer g" >>kept &&
	put_schema1 vol six/schema1:v1 "layer h" >>kept &&
	subject=$(put_image vol seven/subject:v1 "layer i") &&
	first=$(put_referrer vol seven/subject "$subject" "layer j") &&
	put_referrer vol seven/subject "$first" "layer k" >>kept &&
	orphan=$(put_blob vol orphan) &&
	for option in "" -m; do
		run 0 plan vol --json $option >plan && nothing_held plan &&
		goes plan blob - "$orphan" && [ "$(items plan | wc -l)" = 1 ] || return
	done
'

test_case 'the signatures of a schema 1 manifest stay with it and go with it' '
	make_volume vol && put_image vol app:v1 "one" && signed=$(put_schema1 vol app:old "layer a") &&
	signature=$(put_blob vol "who signed it") &&
	write_link "$(dirname "$(revision_link vol app "$signed")")/signatures/sha256/${signature#*:}/link" \
		"$signature" &&
	run 0 plan vol -m --json >plan && nothing_goes plan &&
	rm -r "$(tag_dir vol app:old)" &&
	run 0 plan vol -m --json >plan && goes plan blob - "$signature" &&
	run 0 collect vol -m && blobs_gone vol "$signature" "$signed"
'

test_case 'the signatures of a manifest that cannot be understood stay' '
	make_volume vol && image=$(put_image vol app:v1 "one") && signature=$(put_blob vol "who signed it") &&
	write_link "$(dirname "$(revision_link vol app "$image")")/signatures/sha256/${signature#*:}/link" \
		"$signature" &&
	printf x >"$(blob_data vol "$image")" && run 1 plan vol -m --json >plan && stays plan "$signature"
'

test_case 'what a link of registry 2.0 names stays, by the index, too; one in doubt holds its repository' '
	make_volume vol && put_image vol app:v1 "one" >&7 && old=$(put_layer vol app "named by a tarsum") &&
	orphan=$(put_blob vol orphan) && run 0 plan vol --json >plan && goes plan blob - "$old" &&
	link="$(repository_dir vol app)/_layers/tarsum/tarsum.v1/sha256/${old#*:}/link" &&
	write_link "$link" "$old" && age vol everything 9d &&
	for option in "" -m --no-index; do
		run 0 plan vol --json $option >plan && stays plan "$old" && goes plan blob - "$orphan" || return
	done &&
	printf x >"$link" && run 1 plan vol --json >plan && stays plan "$old"
'

test_case 'a manifest without mediaType is known by what is in it' '
	make_volume vol && a=$(put_layer vol app "layer a") && c=$(put_layer vol app "{}") &&
	image=$(put_manifest vol app "{\"schemaVersion\":2,\"layers\":[$(descriptor x/z "$a" 7)],
		\"config\":$(descriptor x/y "$c" 2)}") &&
	put_manifest vol app:v1 "{\"manifests\":[$(descriptor "$type_image" "$image" 100)]}" &&
	run 0 plan vol -m --json >plan && nothing_goes plan && nothing_held plan
'

test_case 'indexes nest' '
	make_volume vol && image=$(put_image vol app "deep layer") &&
	inner=$(put_index vol app "$image") &&
	middle=$(put_index vol app "$inner") && put_index vol app:v1 "$middle" &&
	run 0 plan vol -m --json >plan && nothing_goes plan
'

test_case 'a layer link goes from the repository that no longer uses the blob' '
	make_volume vol && put_image vol user:v1 "shared" && put_image vol other:v1 "own" &&
	link_layer vol other "$(digest_of shared)" &&
	run 0 plan vol --json >plan && goes plan layer-link other "$(digest_of shared)" &&
	[ "$(items plan | wc -l)" = 1 ]
'

test_case 'a blob counts once, however many repositories link it' '
	make_volume vol && for repo in a b c; do
		put_layer vol "$repo" "12345678" || return
	done &&
	run 0 plan vol --json >plan && [ "$(items plan | grep -c "^blob ")" = 1 ] &&
	[ "$(items plan | grep -c "^layer-link ")" = 3 ] && [ "$(freed_blobs plan)" = 8 ]
'

test_case 'a blob with other hard links is said to free nothing' '
	make_volume vol && put_image vol app:v1 "kept" && orphan=$(put_blob vol "elsewhere, too") &&
	plain=$(put_blob vol "plain") &&
	ln "$(blob_data vol "$orphan")" backup && run 0 plan vol --json >plan &&
	goes plan blob - "$orphan" && [ "$(freed plan)" = 5 ] && [ "$(not_freed plan)" = 14 ] &&
	run 0 plan vol >text && says "hard.?link" text
'

test_case 'a tag history entry goes with its revision, that of a living one stays' '
	make_volume vol && first=$(put_image vol app:v1 "one") &&
	second=$(put_image vol app:v1 "two") &&
	run 0 plan vol --json >plan && nothing_goes plan &&
	run 0 plan vol --json -m >plan && goes plan tag-history app "$first" &&
	goes plan revision app "$first" && stays plan "$second"
'

test_case 'tag history that names what is long gone goes' '
	make_volume vol && image=$(put_image vol app:v1 "one") &&
	write_link "$(history_link vol app:v1 "$no_such")" "$no_such" &&
	run 0 plan vol --json >plan && goes plan tag-history app "$no_such" &&
	nothing_held plan &&
	stays plan "$image"
'

test_case 'a dangling layer link goes' '
	make_volume vol && put_image vol app:v1 "one" && link_layer vol app "$no_such" &&
	run 0 plan vol --json >plan && goes plan layer-link app "$no_such" &&
	[ "$(items plan | wc -l)" = 1 ]
'

test_case 'an upload goes when it is older than --uploads-older-than' '
	make_volume vol && old=00000000-0000-4000-8000-00000000000 &&
	put_upload vol app "${old}1" x 2h && put_upload vol app "${old}2" x 8d &&
	run 0 drydock gc --root vol --json >plan && items plan >got &&
	says "${old}2" got && says_not "${old}1" got &&
	run 0 drydock gc --root vol --json --uploads-older-than 1h >plan && items plan >got &&
	says "${old}1" got && says "${old}2" got &&
	run 0 drydock gc --root vol --json --uploads-older-than 4w >plan && nothing_goes plan
'

test_case 'an upload that began long ago and still receives bytes stays' '
	make_volume vol && old=00000000-0000-4000-8000-00000000000 &&
	put_upload vol app "${old}1" x 8d &&
	touch "$(upload_dir vol app "${old}1")/data" &&
	run 0 drydock gc --root vol --json >plan && nothing_goes plan
'

test_case 'an upload without a usable startedat is as old as the newest thing in it' '
	make_volume vol && old=00000000-0000-4000-8000-00000000000 &&
	for n in {1..4}; do put_upload vol app "$old$n" x 8d || return; done &&
	rm "$(upload_dir vol app "${old}1")/startedat" &&
	: >"$(upload_dir vol app "${old}2")/startedat" &&
	echo "last week" >"$(upload_dir vol app "${old}3")/startedat" &&
	rm "$(upload_dir vol app "${old}4")/startedat" &&
	age vol "$(upload_dir vol app "${old}1")" "$(upload_dir vol app "${old}2")" \
		"$(upload_dir vol app "${old}3")" "$(upload_dir vol app "${old}4")" 8d &&
	touch "$(upload_dir vol app "${old}4")/data" &&
	run 0 drydock gc --root vol --json >plan && items plan >got &&
	says "${old}1" got && says "${old}2" got && says "${old}3" got && says_not "${old}4" got
'

test_case 'an upload of which nothing is there yet stays' '
	make_volume vol && dir=$(upload_dir vol app 00000000-0000-4000-8000-000000000001) &&
	mkdir -p "$dir" &&
	run 0 drydock gc --root vol --json >plan && nothing_goes plan &&
	mkdir -p "$dir/hashstates/sha256" && run 0 drydock gc --root vol --json >plan &&
	nothing_goes plan
'

test_case 'an upload of which nothing is there goes when its directory is old' '
	make_volume vol && dir=$(upload_dir vol app 00000000-0000-4000-8000-000000000001) &&
	mkdir -p "$dir" && age vol "$dir" 8d &&
	run 0 drydock gc --root vol --json >plan && items plan >got &&
	says "8000-000000000001" got
'

test_case 'a row of referrers stays as long as its first subject, across repositories, too' '
	make_volume vol && image=$(put_image vol app:v1 "layer") && put_image vol lib:v1 "lib" &&
	subject=$image && row=() &&
	for i in 1 2 3 4 5 6 7 8; do
		case $i in [57]) repo=lib ;; *) repo=app ;; esac &&
		subject=$(put_referrer vol "$repo" "$subject" "sbom $i") &&
		row+=("$subject" "$(digest_of "sbom $i")") || return
	done &&
	run 0 collect vol -m --json >done && nothing_goes done &&
	blobs_exist vol "${row[@]}" && rm -r "$(tag_dir vol app:v1)" &&
	run 0 collect vol -m && blobs_gone vol "$image" "${row[@]}"
'

test_case 'a temporary file counts once, however often somebody looked beside what is gone' '
	make_volume vol && put_image vol app:v1 "one" && put_image vol app "untagged" &&
	blob=$(put_blob vol "half") &&
	mv "$(blob_data vol "$blob")" \
		"$(blob_data vol "$blob").6b3c4c4e-8f0c-4e4f-9d0a-000000000001.tmp" &&
	run 0 plan vol -m --json >untagged && run 0 plan vol --leftovers --json >plan &&
	[ "$(items plan | wc -l)" = 1 ] && [ "$(freed plan)" = 4 ] &&
	[ "$(freed_untagged plan)" = $(($(freed untagged) - 4)) ] &&
	[ "$(json .totals.untagged_items plan)" = $(($(json .totals.items untagged) - 1)) ]
'

# Registry 3.1 writes "link.<uuid>.tmp" and renames it. Without being asked nobody looks beside what is
# there: every directory would have to be opened.
for beside in 'current_link vol app:v1' 'revision_link vol app "$image"' \
	'blob_data vol "$image"' 'blob_data vol "$layer"' 'layer_link vol app "$layer"' \
	'history_link vol app:v1 "$image"'; do
	test_case "a temporary file beside what stays goes with --leftovers: $beside" '
		make_volume vol && image=$(put_image vol app:v1 "one") &&
		layer=$(digest_of one) &&
		file=$('"$beside"').6b3c4c4e-8f0c-4e4f-9d0a-000000000001.tmp &&
		mkdir -p "$(dirname "$file")" && echo x >"$file" &&
		run 0 drydock gc --root vol --leftovers --json >plan && nothing_goes plan &&
		run 0 plan vol --json >plan && nothing_goes plan &&
		run 0 plan vol --leftovers --json >plan &&
		list_says items plan "^temp .* ${file#vol/}$" && [ "$(items plan | wc -l)" = 1 ] &&
		run 0 collect vol --leftovers && [ ! -e "$file" ] &&
		run 0 plan vol --leftovers --json >plan && nothing_goes plan
	'
done

test_case 'a temporary file that is named as in another place is passed over, and stops nothing' '
	make_volume vol && layer=$(put_layer vol app "one") && stays=$(put_image vol app:v1 "two") &&
	odd=.6b3c4c4e-8f0c-4e4f-9d0a-000000000001.tmp &&
	file=$(dirname "$(revision_link vol app "$stays")")/data$odd && echo x >"$file" &&
	blob=$(dirname "$(blob_data vol "$stays")")/link$odd && echo x >"$blob" &&
	run 0 collect vol -m --leftovers && blobs_gone vol "$layer" && [ -e "$file" ] && [ -e "$blob" ] &&
	run 0 plan vol -m --leftovers --json >plan && nothing_goes plan
'

for beside in 'current_link vol app:v2' 'revision_link vol app "$no_such"' \
	'blob_data vol "$no_such"' 'layer_link vol app "$no_such"'; do
	test_case "a temporary file goes where the file proper never came: $beside" '
		make_volume vol && image=$(put_image vol app:v1 "one") &&
		file=$('"$beside"').6b3c4c4e-8f0c-4e4f-9d0a-000000000001.tmp &&
		mkdir -p "$(dirname "$file")" && echo x >"$file" &&
		run 0 drydock gc --root vol --json >plan && nothing_goes plan &&
		run 0 plan vol --json >plan &&
		list_says items plan "^temp .* ${file#vol/}$" && [ "$(items plan | wc -l)" = 1 ]
	'
done

test_case 'alien files are passed over and reported' '
	make_volume vol && put_image vol app:v1 "one" && orphan=$(put_blob vol orphan) &&
	touch vol/docker/registry/v2/repositories/.DS_Store \
		vol/docker/registry/v2/blobs/sha256/README \
		"$(repository_dir vol app)/notes.txt" vol/lost+found &&
	mkdir vol/docker/registry/v2/blobs/sha256/zz "$(blob_dir vol "$orphan")/.nfs0001" &&
	run 0 plan vol -v --json >plan 2>err && goes plan blob - "$orphan" &&
	nothing_held plan &&
	run 0 plan vol -v >out 2>&1 && says "notes.txt" out
'

test_case 'a repository that would be emptied is named' '
	make_volume vol && put_image vol full/app:v1 "one" && put_image vol bare/app "two" &&
	run 0 plan vol -m >plan && says "empt.*bare/app|bare/app.*empt" plan &&
	says_not "empt.*full/app|full/app.*empt" plan
'

test_case 'what is referenced through urls only is no loss' '
	make_volume vol &&
	put_image_of vol win:v1 \
		"$(descriptor application/vnd.docker.image.rootfs.foreign.diff.tar.gzip \
		"$no_such" 99 "\"urls\":[\"http://127.0.0.1/x\"]")" &&
	run 0 plan vol --json >plan && nothing_goes plan && nothing_held plan
'

test_case 'a sparse index is a note and no doubt' '
	make_volume vol && child=$(put_image vol app "layer") &&
	put_index vol app:v1 "$child" "$no_such" &&
	orphan=$(put_blob vol orphan) &&
	run 0 plan vol -m --json >plan && nothing_held plan && stays plan "$child" &&
	goes plan blob - "$orphan"
'

test_case 'a layer pushed as sha512 stays under both of its names' '
	make_volume vol && layer=$(put_layer vol app "strong layer") &&
	strong=$(digest_of "strong layer" sha512) &&
	link_layer vol app "$strong" "$layer" && put_strong_image vol app:v1 "strong layer" &&
	run 0 plan vol -m --json >plan && nothing_goes plan && nothing_held plan
'

test_case 'a blob stored as sha512 is a blob like any other' '
	make_volume vol && used=$(put_blob vol "strong layer" sha512) &&
	link_layer vol app "$used" &&
	orphan=$(put_blob vol "strong orphan" sha512) &&
	put_strong_image vol app:v1 "strong layer" &&
	run 0 plan vol -m --json >plan && stays plan "$used" && goes plan blob - "$orphan" &&
	nothing_held plan
'

test_case 'a referrers directory from an unmerged proposal is tolerated' '
	make_volume vol && image=$(put_image vol app:v1 "one") &&
	dir=$(repository_dir vol app)/_referrers/subjects/sha256/${image#*:} &&
	write_link "$dir/sha256/${image#*:}/link" "$image" &&
	run 0 plan vol --json >plan && nothing_goes plan && nothing_held plan
'

test_case 'an empty volume has an empty plan' '
	make_volume vol && run 0 plan vol --json >plan && valid gc plan && nothing_goes plan &&
	mkdir -p bare/docker/registry/v2 && run 0 plan bare --json >plan && nothing_goes plan
'

test_case 'quiet says nothing when nobody is needed' '
	from_template && run 0 plan vol -q >out 2>&1 && [ ! -s out ]
'

test_case 'the number of jobs changes nothing in the plan' '
	from_template && put_image vol deep/er/app:v2 "one" "two" && put_blob vol "more" &&
	for jobs in 1 2 32; do
		run 0 plan vol --json -m -j "$jobs" >plan && items plan >"items.$jobs" || return
	done && same items.1 items.2 && same items.1 items.32 && [ -s items.1 ]
'

test_case 'of very many objects that -m would take an upper bound is told, by what manifests say' '
	"$BUILD/tests/make-volume" --repositories 2 --tags 900 --moves 1 --layers 6 --shared 1 \
		--age 9d --out vol >&7 && run 0 drydock gc --root vol --json >plan &&
	valid gc plan && run 0 drydock gc --root vol -m --json >exact && valid gc exact &&
	json ".estimated and .totals.untagged_items > 20000" plan &&
	json ".estimated | not" exact &&
	[ "$(json .totals.untagged_items plan)" = "$(json .totals.items exact)" ] &&
	[ "$(json .totals.untagged_bytes plan)" = "$(json .totals.bytes exact)" ] &&
	run 0 drydock gc --root vol >words && says "with -m.*at most, [0-9]* objects" words
'

done_testing
