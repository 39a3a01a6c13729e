#!/bin/bash
# Undoing a collection: what the trash shows, gives back, and lets go.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# Two images of one repository, the first without its tag, and an orphan; then
# everything that no tag reaches is collected.
make_images() {
	make_volume vol &&
		first=$(put_image vol app:v1 "one" "shared") &&
		second=$(put_image vol app:v1 "two" "shared") &&
		orphan=$(put_blob vol "nobody points here")
}
template make_images

make_trash() {
	from_template && volume_content vol >whole &&
		run 0 collect vol -m >/dev/null && run=$(latest_run vol) &&
		blobs_gone vol "$first" "$(digest_of one)" "$orphan"
}

test_case 'list shows each run with what it took' '
	make_trash && run 0 trash list >list && says "$run" list &&
	run 0 trash list --json >list && valid trash list &&
	says "$run" list
'

test_case 'a volume without trash has an empty list' '
	make_volume vol && run 0 trash list >out 2>&1 &&
	run 0 trash list --json >list && valid trash list && [ ! -e vol/.drydock ] &&
	run 2 trash restore latest 2>err && says "trash" err
'

test_case 'show names everything that a run took, and why' '
	make_trash && run 0 trash show "$run" >show && says "$first" show &&
	says "$orphan" show && says "$(digest_of one)" show && says_not "$second" show &&
	run 0 trash show latest >latest && same show latest &&
	run 0 trash show latest --json >show && valid trash show
'

test_case 'show of a run that is not there names it' '
	make_trash && run 2 trash show 20010101T000000Z-abcd 2>err &&
	says "20010101T000000Z-abcd" err && run 2 trash show ../../docker 2>err
'

test_case 'restore without --apply is a plan' '
	make_trash && volume_digest vol >before && run 0 trash restore latest >plan &&
	says "$first" plan && says "$orphan" plan && volume_digest vol >after &&
	same before after
'

test_case 'the whole run comes back exactly where it was' '
	make_trash && run 0 trash restore latest --apply && volume_content vol >now &&
	same whole now && trash_is_empty vol
'

test_case 'a run is named by its time, or a part of it that no other shares' '
	make_trash && run 0 trash restore "$run" --apply && volume_content vol >now &&
	same whole now
'

test_case 'what was restored counts as pushed now' '
	make_volume vol && first=$(put_image vol app:v1 "one") &&
	put_image vol app:v1 "two" >/dev/null &&
	age vol everything 9d && run 0 drydock gc --root vol -m --apply &&
	blobs_gone vol "$first" &&
	run 0 trash restore latest --apply &&
	run 0 drydock gc --root vol -m --apply && blobs_exist vol "$first" "$(digest_of one)" &&
	revision_linked vol app "$first" && layer_linked vol app "$(digest_of one)"
'

test_case 'an orphan that was restored is young, too' '
	make_trash && run 0 trash restore latest --apply && sleep 1.1 &&
	run 0 drydock gc --root vol -m --apply --grace 1h && blobs_exist vol "$orphan" "$first"
'

test_case 'one image comes back with everything that it needs and no more' '
	make_trash && run 0 trash restore latest "app@$first" --apply &&
	blobs_exist vol "$first" "$(digest_of one)" "$(digest_of shared)" &&
	blobs_exist vol "$(digest_of "$(config_of one shared)")" &&
	revision_linked vol app "$first" && layer_linked vol app "$(digest_of one)" &&
	blobs_gone vol "$orphan" && in_trash vol "$orphan"
'

test_case 'one repository comes back' '
	make_volume vol && put_image vol keep:v1 "kept" >/dev/null &&
	a=$(put_image vol a "one") && b=$(put_image vol b "two") &&
	run 0 collect vol -m && blobs_gone vol "$a" "$b" &&
	run 0 trash restore latest a --apply && blobs_exist vol "$a" "$(digest_of one)" &&
	revision_linked vol a "$a" && blobs_gone vol "$b" "$(digest_of two)"
'

test_case 'one digest comes back, and its links' '
	make_trash && run 0 trash restore latest "$orphan" --apply &&
	blobs_exist vol "$orphan" && blobs_gone vol "$first" &&
	layer=$(digest_of one) && run 0 trash restore "$run" "$layer" --apply &&
	blobs_exist vol "$layer" && layer_linked vol app "$layer" && blobs_gone vol "$first"
'

test_case 'a digest may be cut to a unique beginning' '
	make_trash && run 0 trash restore latest "${orphan:0:19}" --apply &&
	blobs_exist vol "$orphan"
'

test_case 'an index comes back with its children' '
	make_volume vol && put_image vol keep:v1 "kept" >/dev/null &&
	child=$(put_image vol app "layer") &&
	index=$(put_index vol app "$child") && run 0 collect vol -m &&
	blobs_gone vol "$index" "$child" &&
	run 0 trash restore latest "app@$index" --apply &&
	blobs_exist vol "$index" "$child" "$(digest_of layer)" &&
	revision_linked vol app "$child"
'

test_case 'what an image needs is fetched from other runs as well' '
	make_volume vol && put_image vol keep:v1 "kept" >/dev/null &&
	image=$(put_image vol app "layer") &&
	run 0 collect vol -m && blobs_gone vol "$image" "$(digest_of layer)" && sleep 1.1 &&
	put_blob vol "other" && run 0 collect vol &&
	older=$(find vol/.drydock/trash -mindepth 1 -maxdepth 1 | sort | head -n 1) &&
	run 0 trash restore "${older##*/}" "app@$image" --apply &&
	blobs_exist vol "$image" "$(digest_of layer)"
'

# An image that two repositories share; "app" loses it to a first run, "lib" later.
make_shared() {
	make_volume vol && put_image vol keep:v1 "kept" >/dev/null &&
		image=$(put_image vol app "one") && put_image vol lib:v1 "one" >/dev/null &&
		run 0 collect vol -m >/dev/null && links=$(latest_run vol) &&
		! revision_linked vol app "$image" && blob_exists vol "$image" &&
		rm -r vol/docker/registry/v2/repositories/lib && sleep 1.1
}

test_case 'a link whose bytes were purged since stays in the trash, and is named' '
	make_shared && run 0 collect vol -m --purge && blobs_gone vol "$image" &&
	run 1 trash restore "$links" >plan && says "$image" plan && says "nowhere" plan &&
	run 1 trash restore "$links" --apply --json >done && valid trash done &&
	json ".items[] | select(.outcome == \"bytes-gone\" and .kind == \"revision\")" done &&
	! revision_linked vol app "$image" && ! layer_linked vol app "$(digest_of one)" &&
	run 0 collect vol -m
'

test_case 'once its bytes are pushed again the link comes back' '
	make_shared && run 0 collect vol -m --purge &&
	run 1 trash restore "$links" --apply && put_image vol lib:v1 "one" >/dev/null &&
	run 0 trash restore "$links" --apply && revision_linked vol app "$image" &&
	layer_linked vol app "$(digest_of one)" && trash_is_empty vol
'

test_case 'a link whose bytes were gone when it was taken comes back as it was' '
	make_volume vol && put_image vol app:v1 "one" >/dev/null &&
	link_layer vol app "$no_such" && volume_content vol >whole &&
	run 0 collect vol && run 0 trash restore latest --apply &&
	volume_content vol >now && same whole now && trash_is_empty vol
'

test_case 'a link to a blob of which a crash left the directory comes back as it was' '
	make_volume vol && put_image vol app:v1 "one" >/dev/null &&
	layer=$(put_layer vol app "unused") && rm "$(blob_data vol "$layer")" &&
	strong=$(digest_of "strong" sha512) && stored=$(put_layer vol app "strong") &&
	link_layer vol app "$strong" "$stored" && rm "$(blob_data vol "$stored")" &&
	volume_content vol >whole && run 0 collect vol && run 0 trash restore latest --apply &&
	volume_content vol >now && same whole now && trash_is_empty vol
'

test_case 'a manifest that was given up is in doubt again when it is back' '
	make_volume vol && put_image vol app:v1 "one" >/dev/null &&
	bad=$(put_image vol app "two") && remove_blob vol "$bad" &&
	volume_content vol >whole && run 0 collect vol -m --accept-loss "app@$bad" &&
	! revision_linked vol app "$bad" &&
	run 1 trash restore latest --apply >out && says "$bad" out &&
	volume_content vol >now && same whole now && run 1 collect vol -m
'

test_case 'a run that all was fetched from is removed, which is said' '
	make_shared && run 0 collect vol -m && blobs_gone vol "$image" &&
	bytes=$(latest_run vol) && run 0 trash restore "$links" --apply >out &&
	says "2 runs have nothing left" out && trash_is_empty vol &&
	run 2 trash restore "$bytes" --apply 2>err && says "from which all came back" err
'

test_case 'what is not in the trash is named' '
	make_trash && run 2 trash restore latest "$no_such" --apply 2>err >out &&
	cat out err >both && says "${no_such#*:}" both &&
	run 2 trash restore latest nowhere:v1 --apply 2>err
'

# Its bytes were found by the link's name when it went.
test_case 'a layer link that names something else comes back as it was' '
	make_volume vol && put_image vol app:v1 "one" >/dev/null &&
	layer=$(put_layer vol app "unused") && link_layer vol app "$layer" "$no_such" &&
	volume_content vol >whole && run 0 collect vol && ! layer_linked vol app "$layer" &&
	run 0 trash restore latest --apply && volume_content vol >now && same whole now
'

for other in "ln -s /etc/passwd" "touch"; do
	test_case "what is in the way of one part stops nothing else: $other" "
		make_trash && layer=\$(digest_of shared) &&
		rm -r \"\$(dirname \"\$(layer_link vol app \"\$layer\")\")\" &&
		$other \"\$(dirname \"\$(layer_link vol app \"\$layer\")\")\" &&
		run 0 trash restore latest --apply &&
		blobs_exist vol \"\$first\" \"\$(digest_of one)\" \"\$orphan\" &&
		revision_linked vol app \"\$first\" && layer_linked vol app \"\$(digest_of one)\"
	"
done

test_case 'a symbolic link in the place of an object stays, and all else comes back' '
	make_trash && link=$(layer_link vol app "$(digest_of one)") && mkdir -p "${link%/*}" &&
	ln -s /etc/passwd "$link" && run 1 trash restore latest --apply >out &&
	says "something else" out && [ -L "$link" ] && blobs_exist vol "$first" "$(digest_of one)" "$orphan" &&
	revision_linked vol app "$first"
'

test_case 'what lies where nothing may be looked at stays in the trash, with links to it; all else comes back' '
	need_root && make_images && run 0 collect vol -m && layer=$(digest_of one) &&
	mkdir -p "$(blob_dir vol "$layer")" "$(blob_dir vol "$orphan")" && chown -R 65534:65534 . &&
	chmod 0 "$(blob_dir vol "$layer")" "$(blob_dir vol "$orphan")" &&
	run 1 as_nobody trash restore latest >out && says "may not be looked into" out &&
	run 1 as_nobody trash restore latest --apply --json >done && valid trash done &&
	[ "$(json ".items[] | select(.outcome == \"barred\") | .kind" done | xargs)" = "blob blob layer-link" ] &&
	in_trash vol "$orphan" && ! layer_linked vol app "$layer" && blobs_exist vol "$first" &&
	revision_linked vol app "$first" &&
	chmod 755 "$(blob_dir vol "$layer")" "$(blob_dir vol "$orphan")" &&
	run 0 as_nobody trash restore latest --apply && blobs_exist vol "$orphan" "$layer" &&
	layer_linked vol app "$layer" && trash_is_empty vol
'

test_case 'what its owner may not read comes back, too' '
	need_root && make_images && chmod 0 "$(blob_data vol "$orphan")" &&
	chown -R 65534:65534 . && run 0 as_nobody collect vol -m && blobs_gone vol "$orphan" &&
	run 0 as_nobody trash restore latest --apply &&
	blobs_exist vol "$orphan" "$first" && revision_linked vol app "$first"
'

test_case 'what cannot be put back is said with the reason, the rest comes back' '
	make_trash && mkdir -p "$(blob_dir vol "$orphan")" &&
	printf "other" >"$(blob_data vol "$orphan")" &&
	run 1 trash restore latest --apply >out 2>&1 && says "$orphan" out &&
	[ "$(cat "$(blob_data vol "$orphan")")" = other ] && in_trash vol "$orphan" &&
	blobs_exist vol "$first" "$(digest_of one)" && revision_linked vol app "$first"
'

test_case 'what was pushed again meanwhile is no obstacle' '
	make_trash && put_blob vol "nobody points here" &&
	put_image vol app:v2 "one" "shared" &&
	run 0 trash restore latest --apply && blobs_exist vol "$orphan" "$first" &&
	tagged vol app:v2 "$first" && trash_is_empty vol
'

test_case 'a tag that moved since is left as it is' '
	make_trash && third=$(put_image vol app:v1 "three") &&
	run 0 trash restore latest --apply && tagged vol app:v1 "$third" &&
	revision_linked vol app "$first" && history_has vol app:v1 "$first"
'

test_case 'empty without --apply is a plan, with it everything goes' '
	make_trash && volume_digest vol >before && run 0 trash empty >plan &&
	says "$run" plan && volume_digest vol >after && same before after &&
	volume_content vol >content && run 0 trash empty --apply && trash_is_empty vol &&
	volume_content vol >now && same content now
'

test_case 'empty --older-than spares what is younger' '
	make_trash && sleep 1.2 && second_orphan=$(put_blob vol "second") &&
	run 0 trash empty --older-than 1h --apply && in_trash vol "$orphan" &&
	run 0 trash empty --older-than 1s --apply && ! in_trash vol "$orphan"
'

test_case 'nothing is removed for good while something new is in doubt' '
	make_trash && bad=$(put_image vol app:v2 "three") && remove_blob vol "$bad" &&
	run 3 trash empty 2>err && says "cannot be told" err &&
	run 3 trash empty --apply 2>err && in_trash vol "$orphan" &&
	run 1 collect vol -m --trash-keep 0 && in_trash vol "$orphan" &&
	run 0 collect vol -m --ack "app@$bad" --trash-keep 0 && ! in_trash vol "$orphan"
'

test_case 'what is reachable again comes back by itself, links and all' '
	make_trash && write_link "$(revision_link vol app "$first")" "$first" &&
	tag vol app:v2 "$first" &&
	run 0 collect vol -m &&
	blobs_exist vol "$first" "$(digest_of one)" "$(digest_of "$(config_of one shared)")" &&
	layer_linked vol app "$(digest_of one)" && blobs_gone vol "$orphan"
'

test_case 'a link that dangled when it went comes back by itself with its bytes, and not before' '
	make_volume vol && put_image vol app:v1 "one" >/dev/null && layer=$(digest_of "lost") &&
	link_layer vol app "$layer" && run 0 collect vol && ! layer_linked vol app "$layer" &&
	put_image vol app:v2 "lost" >/dev/null && remove_blob vol "$layer" &&
	rm -r "$(dirname "$(layer_link vol app "$layer")")" &&
	run 0 collect vol && ! layer_linked vol app "$layer" &&
	put_blob vol "lost" >/dev/null && run 0 collect vol && layer_linked vol app "$layer"
'

test_case 'what is reachable again comes back from a gc that has nothing else to do' '
	make_trash && tag vol app:old "$first" && run 0 collect vol &&
	blobs_exist vol "$first" "$(digest_of one)" && revision_linked vol app "$first"
'

test_case 'what changed in the trash comes back by itself' '
	make_trash && printf x >>"$(blob_data "vol/.drydock/trash/$run" "$orphan")" &&
	run 0 collect vol -m && blob_exists vol "$orphan"
'

# A registry that had a link open when it went has told its client that the image is there.
for command in 'trash empty --apply' 'drydock gc --root vol --apply --trash-keep 0'; do
	test_case "a link that changed in the trash brings what it leads to before that is removed: $command" '
		make_trash && touch "$(revision_link "vol/.drydock/trash/$run" app "$first")" &&
		run 0 '"$command"' && revision_linked vol app "$first" &&
		layer_linked vol app "$(digest_of one)" &&
		blobs_exist vol "$first" "$(digest_of one)" "$(digest_of "$(config_of one shared)")" &&
		[ ! -e "vol/.drydock/trash/$run" ] && run 0 plan vol
	'

	test_case "a layer link that changed in the trash brings its blob before that is removed: $command" '
		make_trash && layer=$(digest_of one) &&
		touch "$(layer_link "vol/.drydock/trash/$run" app "$layer")" &&
		run 0 '"$command"' && layer_linked vol app "$layer" && blob_exists vol "$layer" &&
		[ ! -e "vol/.drydock/trash/$run" ]
	'

	# So has one that remembers the image: of a layer that was pushed as sha512 the blob is known only
	# once the link that says so is back.
	test_case "the link of a sha512 layer brings its blob before that is removed: $command" '
		make_volume vol && image=$(put_alias_image vol app:v1 "strong") &&
		put_image vol app:v1 "two" >/dev/null && run 0 collect vol -m &&
		blobs_gone vol "$image" "$(digest_of strong)" && link_revision vol app "$image" &&
		tag vol app:v1 "$image" && run 0 '"$command"' &&
		blobs_exist vol "$image" "$(digest_of strong)" &&
		layer_linked vol app "$(digest_of strong)" &&
		layer_linked vol app "$(digest_of strong sha512)"
	'
done

test_case 'a temporary file that changed in the trash comes back by itself, without its blob' '
	make_volume vol && put_image vol app:v1 "one" && blob=$(put_blob vol "half") &&
	temp=$(blob_dir vol "$blob")/data.5b2ed2c5-6a2a-4d4a-9b61-0123456789ab.tmp &&
	mv "$(blob_data vol "$blob")" "$temp" && run 0 collect vol && [ ! -e "$temp" ] &&
	printf more >>"vol/.drydock/trash/$(latest_run vol)/${temp#vol/}" &&
	run 0 plan vol && run 0 collect vol && says halfmore "$temp"
'

for other in "mkdir" "mkfifo" "ln -s /etc/passwd"; do
	test_case "what somebody put into the trash in the place of an object stops nothing: $other" "
		make_trash && place=\$(blob_data \"vol/.drydock/trash/\$run\" \"\$orphan\") &&
		rm \"\$place\" && $other \"\$place\" &&
		dead=\$(put_layer vol app 'dead later') && run 0 collect vol &&
		blobs_gone vol \"\$dead\" && run 0 trash restore \"\$run\" --apply &&
		blobs_exist vol \"\$first\" \"\$(digest_of one)\" && blobs_gone vol \"\$orphan\" &&
		run 3 trash empty --apply 2>err && says \"\$run stays\" err &&
		{ [ -e \"\$place\" ] || [ -L \"\$place\" ]; }
	"
done

test_case 'a journal that somebody edited leads nowhere outside the volume' '
	make_trash && echo precious >outside && journal=vol/.drydock/trash/$run/journal &&
	[ -f "$journal" ] &&
	sed -i "s#docker/registry#../../outside#g" "$journal" &&
	run 0 trash restore latest --apply >out 2>&1 &&
	[ "$(cat outside)" = precious ] &&
	[ -z "$(find . -path ./vol -prune -o -name data -print)" ]
'

test_case 'a journal cut off in the middle of a line is read as far as it goes' '
	make_trash && journal=vol/.drydock/trash/$run/journal &&
	truncate -s "$(($(stat -c %s "$journal") - 7))" "$journal" &&
	run 0 trash list >list && says "$run" list &&
	run 0 trash restore latest --apply && blobs_exist vol "$first" "$(digest_of one)"
'

test_case 'unknown words after trash are named' '
	make_volume vol && run 2 trash sweep 2>err && says "sweep" err &&
	run 2 trash 2>err && says "list" err &&
	run 2 trash show 2>err && run 2 trash restore 2>err
'

done_testing
