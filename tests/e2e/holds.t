#!/bin/bash
# Doubt holds: each rule of what is held, and of what is no doubt.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# Repository "app" with a tagged image, a tagged image to be damaged ("bad"), an
# untagged one, and a dead layer; repository "far" with a dead layer of its own.
make_pair() {
	make_volume vol &&
		good=$(put_image vol app:good "base" "good layer") &&
		bad=$(put_image vol app:bad "base" "bad layer") &&
		untagged=$(put_image vol app "base" "untagged layer") &&
		dead=$(put_layer vol app "dead in app") &&
		far_image=$(put_image vol far:v1 "far layer") &&
		far_dead=$(put_layer vol far "dead in far") &&
		age vol everything 9d
}
template make_pair

# What a hold on app@bad must have kept, and what it must not have.
app_held() {
	blobs_exist vol "$good" "$untagged" "$dead" "$(digest_of base)" \
		"$(digest_of "good layer")" "$(digest_of "bad layer")" \
		"$(digest_of "untagged layer")" "$(digest_of "$(config_of base "bad layer")")" &&
		revision_linked vol app "$untagged" && layer_linked vol app "$dead" &&
		blobs_exist vol "$far_image" "$(digest_of "far layer")" &&
		blobs_gone vol "$far_dead"
}

test_case 'a manifest that is missing though linked holds its repository, and no other' '
	from_template && remove_blob vol "$bad" && run 1 plan vol -m --json >plan &&
	valid gc plan &&
	held plan app "$bad" && [ "$(holds plan | wc -l)" = 1 ] && run 1 collect vol -m &&
	app_held
'

test_case 'a missing manifest that a tag points to holds, also where a half-written tag names it' '
	from_template && remove_blob vol "$bad" && rm -r "$(dirname "$(revision_link vol app "$bad")")" &&
	write_link "$(history_link vol app:a "$bad")" "$bad" && age vol everything 9d &&
	run 1 plan vol -m --json >plan && held plan app "$bad" && run 1 collect vol -m && app_held
'

test_case 'a manifest whose bytes are not what its digest says holds its repository' '
	from_template && flip_blob vol "$bad" && run 1 plan vol -m --json >plan &&
	held plan app "$bad" &&
	run 1 collect vol -m && app_held && blob_exists vol "$bad"
'

test_case 'a manifest cut short holds its repository' '
	from_template && truncate -s 20 "$(blob_data vol "$bad")" && run 1 collect vol -m &&
	app_held
'

test_case 'a manifest of no bytes holds its repository' '
	from_template && truncate -s 0 "$(blob_data vol "$bad")" && run 1 collect vol -m &&
	app_held &&
	blob_exists vol "$bad"
'

test_case 'a manifest without bytes, its directory there, holds its repository' '
	from_template && rm "$(blob_data vol "$bad")" && run 1 collect vol -m && app_held
'

test_case 'a directory where the bytes of a manifest should be holds its repository' '
	from_template && rm "$(blob_data vol "$bad")" && mkdir "$(blob_data vol "$bad")" &&
	run 1 collect vol -m && app_held
'

test_case 'a manifest of an unknown type holds its repository' '
	from_template &&
	odd=$(put_manifest vol app:odd "$(manifest_json application/x-new "\"parts\":[]")") &&
	run 1 plan vol -m --json >plan && held plan app "$odd" && run 1 collect vol -m &&
	app_held && blobs_exist vol "$odd"
'

test_case 'a manifest that is no JSON holds its repository' '
	from_template && odd=$(put_manifest vol app:odd "not JSON at all") &&
	run 1 plan vol -m --json >plan && held plan app "$odd" && run 1 collect vol -m &&
	app_held
'

test_case 'the text says what holds, why, and what would release it' '
	from_template && remove_blob vol "$bad" && run 1 plan vol -m >text &&
	says "$bad" text &&
	says "missing" text && says "accept-loss" text && says "--ack" text
'

test_case 'the JSON says what holds, why, and what would release it' '
	from_template && remove_blob vol "$bad" && run 1 plan vol -m --json >plan &&
	json ".holds[0].reason | length > 3" plan && json ".holds[0].release | length > 3" plan
'

test_case 'what was applied says of each hold what the plan said' '
	from_template && flip_blob vol "$bad" && truncate -s 0 "$(blob_data vol "$untagged")" &&
	run 1 plan vol -m --json >plan && run 1 collect vol -m --json >report &&
	jq .holds plan >planned && jq .holds report >done && same planned done &&
	json ".holds[0].detail | length > 3" plan
'

test_case 'an untagged damaged manifest is doubt as well' '
	from_template && flip_blob vol "$untagged" && run 1 plan vol --json >plan &&
	held plan app "$untagged" &&
	run 1 plan vol -m --json >plan && held plan app "$untagged" && stays plan "$dead"
'

test_case 'a damaged manifest holds where it is reached, not only where it is linked' '
	from_template &&
	index=$(put_manifest vol other:v1 "$(index_json vol "$type_index" "$type_image" "$bad")") &&
	other_dead=$(put_layer vol other "dead in other") && flip_blob vol "$bad" &&
	run 1 plan vol --json >plan && held plan app "$bad" && held plan other "$bad" &&
	run 1 collect vol && app_held && blobs_exist vol "$other_dead"
'

test_case 'what a tag history names is held, too' '
	make_volume vol && former=$(put_image vol app:v1 "former layer") &&
	bad=$(put_image vol app:v1 "bad layer") &&
	rm -r "$(dirname "$(revision_link vol app "$former")")" && flip_blob vol "$bad" &&
	run 1 collect vol -m && blobs_exist vol "$former" "$(digest_of "former layer")" &&
	history_has vol app:v1 "$former"
'

test_case 'doubt in a repository without layer links holds everything' '
	from_template && remove_blob vol "$bad" && rm -r "$(repository_dir vol app)/_layers" &&
	volume_content vol >before && run 1 plan vol -m --json >plan && nothing_goes plan &&
	run 1 collect vol -m && volume_content vol >after && same before after
'

test_case 'doubt in a repository whose layer links cannot be read holds everything' '
	need_root && from_template && remove_blob vol "$bad" && chown -R 65534 vol &&
	chmod 755 . &&
	chown -R 0 "$(repository_dir vol app)/_layers" &&
	chmod 700 "$(repository_dir vol app)/_layers" &&
	volume_content vol >before && run 1 as_nobody collect vol -m &&
	volume_content vol >after && same before after
'

test_case 'a directory that may hide repositories and cannot be read holds everything' '
	need_root && from_template && chown -R 65534 vol && chmod 755 . &&
	chown -R 0 "$(repository_dir vol far)" &&
	chmod 700 "$(repository_dir vol far)" && volume_content vol >before &&
	run 1 as_nobody plan vol --json >plan && nothing_goes plan &&
	run 1 as_nobody collect vol 2>err && volume_content vol >after && same before after
'

for part in _manifests _layers _manifests/revisions _manifests/tags _manifests/revisions/sha256; do
	test_case "a file where the directory $part should be holds everything" '
		from_template && dir=$(repository_dir vol app)/$part && mv "$dir" away && echo >"$dir" &&
		volume_content vol >before && run 1 plan vol -m --json >plan && nothing_goes plan &&
		run 1 collect vol -m && volume_content vol >after && same before after
	'
done

image_is_there() {
	blobs_exist vol "$good" "$(digest_of base)" "$(digest_of "good layer")" "$far_image"
}

test_case 'blobs without one repository are held: what is not mounted looks like that' '
	from_template && repositories=vol/docker/registry/v2/repositories && mv $repositories away &&
	volume_content vol >before && run 1 plan vol -m --json >plan && valid gc plan &&
	nothing_goes plan && held plan - - && run 1 collect vol --purge && mkdir -p $repositories/lib &&
	run 1 collect vol --purge -m && run 1 drydock status --root vol --json >status &&
	valid status status && rmdir $repositories/lib $repositories && volume_content vol >after &&
	same before after && mv away $repositories && run 0 collect vol && image_is_there &&
	mv $repositories away && run 0 collect vol --allow-empty && blobs_gone vol "$good" "$far_image"
'

test_case 'a manifest that may not be read holds its repository' '
	need_root && from_template && chown -R 65534 vol && chmod 755 . &&
	chown 0 "$(blob_data vol "$bad")" &&
	chmod 600 "$(blob_data vol "$bad")" && run 1 as_nobody collect vol -m && app_held &&
	blob_exists vol "$bad"
'

test_case 'a symlink where a repository could stand holds everything' '
	from_template && mv "$(repository_dir vol far)" elsewhere &&
	ln -s "$PWD/elsewhere" "$(repository_dir vol far)" &&
	volume_content vol >before && run 1 plan vol -m --json >plan && nothing_goes plan &&
	run 1 collect vol -m && volume_content vol >after && same before after
'

test_case 'a symlink where a blob directory could stand holds everything' '
	from_template && shard=$(dirname "$(blob_dir vol "$far_image")") &&
	mv "$shard" elsewhere && ln -s "$PWD/elsewhere" "$shard" &&
	volume_content vol >before && run 1 collect vol -m && volume_content vol >after &&
	same before after
'

test_case 'an alias that nothing resolves holds its repository' '
	from_template && link_layer vol app "$(digest_of "whatever it was" sha512)" &&
	put_strong_image vol app:strong "whatever it was" &&
	run 1 collect vol -m && app_held
'

test_case 'an alias is not resolved by a directory of its name that holds no bytes' '
	from_template && strong=$(digest_of "whatever it was" sha512) && link_layer vol app "$strong" &&
	put_strong_image vol app:strong "whatever it was" && mkdir -p "$(blob_dir vol "$strong")" &&
	run 1 collect vol -m && app_held
'

test_case 'an alias is learnt from another repository' '
	from_template && layer=$(put_layer vol far "strong layer") &&
	strong=$(digest_of "strong layer" sha512) &&
	link_layer vol far "$strong" "$layer" && link_layer vol app "$strong" &&
	put_strong_image vol app:strong "strong layer" &&
	run 0 collect vol && blobs_exist vol "$layer" && blobs_gone vol "$dead" "$far_dead"
'

test_case 'what an alias is learnt from stays, so that the next collection knows it, too' '
	from_template && layer=$(put_layer vol far "strong layer") &&
	strong=$(digest_of "strong layer" sha512) &&
	link_layer vol far "$strong" "$layer" && link_layer vol app "$strong" &&
	put_strong_image vol app:strong "strong layer" &&
	run 0 collect vol && layer_linked vol far "$strong" &&
	run 0 collect vol && later=$(put_blob vol "later") && run 0 collect vol &&
	blobs_gone vol "$later" && blobs_exist vol "$layer"
'

test_case 'an alias that no link resolves is learnt by hashing' '
	from_template && layer=$(put_layer vol app "strong layer") &&
	strong=$(digest_of "strong layer" sha512) &&
	link_layer vol app "$strong" && put_strong_image vol app:strong "strong layer" &&
	run 1 collect vol && blobs_exist vol "$layer"
'

test_case 'an old tag that holds nothing falls back on its history' '
	from_template && former=$(put_image vol app:moved "former") &&
	latter=$(put_image vol app:moved "latter") &&
	age vol everything 9d && : >"$(current_link vol app:moved)" && age vol everything 9d &&
	run 0 collect vol -m &&
	blobs_exist vol "$former" "$latter" "$(digest_of former)" "$(digest_of latter)" &&
	blobs_gone vol "$far_dead"
'

test_case 'a young empty manifest that fills up meanwhile is no doubt' '
	make_volume vol && image=$(put_image vol app:v1 "layer") &&
	data=$(blob_data vol "$image") && cp "$data" full &&
	: >"$data" && { { sleep 0.05 && cat full >"$data"; } & } && writer=$! &&
	run 0 plan vol --json >plan &&
	wait "$writer" && run 0 plan vol --json >plan && nothing_held plan
'

test_case '--accept-loss gives one hold up' '
	from_template && remove_blob vol "$bad" &&
	run 0 collect vol -m --accept-loss "app@$bad" --json >report &&
	nothing_held report &&
	blobs_gone vol "$dead" "$untagged" "$(digest_of "bad layer")" "$far_dead" &&
	blobs_exist vol "$good" "$(digest_of "good layer")" "$(digest_of base)" "$far_image"
'

test_case '--accept-loss of one leaves the other hold' '
	from_template && remove_blob vol "$bad" && remove_blob vol "$untagged" &&
	run 1 collect vol --accept-loss "app@$bad" --json >report &&
	held report app "$untagged" &&
	blobs_exist vol "$dead" "$(digest_of "bad layer")" && blobs_gone vol "$far_dead"
'

test_case '--accept-loss wants REPOSITORY@DIGEST' '
	from_template && for value in app "$bad" "app@" "app@sha256:xyz" "@$bad" app:bad; do
		run 2 plan vol --accept-loss "$value" 2>err && says "accept-loss" err &&
		run 2 plan vol --ack "$value" 2>err && says "ack" err || return
	done
'

test_case 'an acknowledged hold goes on holding, is listed, and reddens no status' '
	from_template && remove_blob vol "$bad" &&
	run 0 collect vol -m --ack "app@$bad" --json >report &&
	valid gc report && held report app "$bad" true && app_held &&
	run 0 collect vol -m --json >report && held report app "$bad" true && app_held &&
	run 0 plan vol -m --json >report && held report app "$bad" true
'

test_case 'an acknowledgement without --apply is not remembered' '
	from_template && remove_blob vol "$bad" && volume_digest vol >before &&
	run 0 plan vol --ack "app@$bad" >text &&
	volume_digest vol >after && same before after && run 1 plan vol >text
'

test_case 'a new doubt beside an acknowledged one reddens the status' '
	from_template && remove_blob vol "$bad" && run 0 collect vol --ack "app@$bad" &&
	remove_blob vol "$far_image" &&
	run 1 plan vol --json >plan && held plan app "$bad" true &&
	held plan far "$far_image" false
'

test_case 'a hold that was mended is gone' '
	from_template && cp "$(blob_data vol "$bad")" good && flip_blob vol "$bad" &&
	run 1 plan vol &&
	cp good "$(blob_data vol "$bad")" && run 0 plan vol --json >plan && nothing_held plan &&
	goes plan blob - "$dead"
'

test_case 'no doubt: empty revision and layer directories' '
	from_template && delete_revision vol app "$untagged" &&
	rm "$(layer_link vol app "$(digest_of "untagged layer")")" &&
	run 0 collect vol --json >report && nothing_held report &&
	blobs_gone vol "$untagged" "$(digest_of "untagged layer")"
'

test_case 'no doubt: a tag to a missing blob whose revision directory is empty' '
	from_template && delete_revision vol app "$bad" && remove_blob vol "$bad" &&
	run 0 collect vol --json >report && nothing_held report &&
	blobs_gone vol "$dead" "$(digest_of "bad layer")" &&
	tagged vol app:bad "$bad"
'

test_case 'no doubt: a pull-through cache with tags whose manifests expired' '
	from_template && echo "{}" >vol/scheduler-state.json &&
	delete_revision vol app "$bad" && remove_blob vol "$bad" &&
	run 0 collect vol --json >report && nothing_held report && blobs_exist vol "$good"
'

test_case 'what is said to be held by doubt is what goes once that is given up' '
	from_template && remove_blob vol "$bad" && other=$(put_image vol other "young layer") &&
	age vol everything 9d && touch "$(layer_link vol other "$(digest_of "young layer")")" &&
	for option in "" -m; do
		run 1 drydock gc --root vol $option --json >held &&
		run 0 drydock gc --root vol $option --accept-loss "app@$bad" --json >free &&
		[ "$(json .totals.held_bytes held)" -gt 0 ] &&
		[ "$(json .totals.held_bytes held)" = $(($(freed free) - $(freed held))) ] || return
	done
'

test_case 'no doubt: tag history that names what is gone' '
	from_template && write_link "$(history_link vol app:good "$no_such")" "$no_such" &&
	run 0 collect vol --json >report && nothing_held report && blobs_gone vol "$dead"
'

test_case 'no doubt: a repository with an invalid name, whose contents are roots all the same' '
	from_template && image=$(put_image vol "UPPER/-bad-name:v1" "upper layer") &&
	run 0 collect vol -m --json >report && nothing_held report && blobs_gone vol "$dead" &&
	blobs_exist vol "$image" "$(digest_of "upper layer")"
'

done_testing
