#!/bin/bash
# What a collection does when it is applied.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# One tagged image and one of each thing that goes.
make_garbage() {
	make_volume vol &&
		image=$(put_image vol app:v1 "base" "top") &&
		orphan=$(put_blob vol "nobody points here") &&
		dead=$(put_layer vol app "linked, in no manifest") &&
		uuid=6b3c4c4e-8f0c-4e4f-9d0a-000000000001 &&
		put_upload vol app "$uuid" half 30d
}
template make_garbage

kept() {
	blobs_exist vol "$image" "$(digest_of base)" "$(digest_of top)" \
		"$(digest_of "$(config_of base top)")" &&
		tagged vol app:v1 "$image" && revision_linked vol app "$image" &&
		layer_linked vol app "$(digest_of base)" &&
		layer_linked vol app "$(digest_of top)"
}

test_case 'gc takes the aged orphan and nothing else' '
	make_volume vol && orphan=$(put_layer vol app "nobody points here") &&
	fresh=$(put_blob vol "still being pushed") && age vol "$orphan" 2d &&
	run 0 drydock gc --root vol >plan && says "$orphan" plan &&
	run 0 drydock gc --root vol --apply &&
	blobs_gone vol "$orphan" && blobs_exist vol "$fresh"
'

test_case 'what goes is in the trash under its own path, byte for byte' '
	from_template && run 0 collect vol && kept && blobs_gone vol "$orphan" "$dead" &&
	in_trash vol "$orphan" && in_trash vol "$dead" && ! layer_linked vol app "$dead" &&
	link=$(layer_link vol app "$dead") && in_trash vol "${link%/link}" &&
	in_trash vol "$(upload_dir vol app "$uuid")" &&
	run=$(latest_run vol) && [[ $run =~ ^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}$ ]] &&
	[ "$(cat "$(blob_data "vol/.drydock/trash/$run" "$orphan")")" = "nobody points here" ] &&
	[ "$(cat "$(layer_link "vol/.drydock/trash/$run" app "$dead")")" = "$dead" ]
'

test_case 'what an image needs is untouched, times and all' '
	from_template &&
	find vol/docker -type f -newermt 2000-01-01 | grep -v "_uploads" >all &&
	grep -ve "${orphan#*:}" -e "${dead#*:}" all | sort | xargs stat -c "%n %i %s %Y %Z %a" \
		>before &&
	run 0 collect vol &&
	find vol/docker -type f | sort | xargs stat -c "%n %i %s %Y %Z %a" >after &&
	same before after
'

test_case 'an untagged manifest that is linked as a layer, too, goes with that link, and once' '
	from_template && old=$(put_image vol app "old") && link_layer vol app "$old" &&
	age vol everything 3d && run 0 collect vol -m && kept &&
	blobs_gone vol "$old" "$(digest_of old)" && ! layer_linked vol app "$old" &&
	! revision_linked vol app "$old" && run 0 plan vol --json -m >plan && items plan >left &&
	[ ! -s left ]
'

test_case 'a layer link that is young keeps the manifest that it names' '
	from_template && old=$(put_image vol app "old") && link_layer vol app "$old" &&
	age vol everything 3d && touch "$(layer_link vol app "$old")" &&
	run 0 drydock gc --root vol -m --json >plan && items plan >goes &&
	! grep -e "${old#*:}" goes && ! grep -e "$(digest_of old)" goes
'

test_case 'a manifest that is linked as a layer where it is tagged keeps that link' '
	from_template && link_layer vol app "$image" && age vol everything 3d &&
	run 0 collect vol -m && kept && layer_linked vol app "$image"
'

test_case 'the report is what the plan was' '
	from_template && run 0 plan vol --json -m >plan &&
	run 0 collect vol --json -m >report &&
	valid gc report && json .applied report &&
	[ "$(json .run report)" = "$(latest_run vol)" ] &&
	items plan >planned && items report >done && same planned done && [ -s done ]
'

test_case 'the second run finds nothing to do' '
	from_template && run 0 collect vol && volume_content vol >before &&
	run=$(latest_run vol) &&
	run 0 collect vol --json >report && nothing_goes report && volume_content vol >after &&
	same before after && in_trash vol "$orphan" && [ "$(latest_run vol)" = "$run" ]
'

test_case 'nothing to do makes no trash' '
	make_volume vol && put_image vol app:v1 one >/dev/null && run 0 collect vol &&
	trash_is_empty vol
'

test_case 'directories that a registry writes in stay, empty or not' '
	make_volume vol && put_image vol app one >/dev/null &&
	dead=$(put_layer vol app "dead") &&
	find vol/docker -type d | grep -vE "/[0-9a-f]{64}(/|$)" | sort >before &&
	run 0 collect vol -m --allow-empty && [ -z "$(find vol/docker -type f)" ] &&
	find vol/docker -type d | sort >after && same before after
'

test_case 'untagged revisions go with -m, their tag history too' '
	make_volume vol && first=$(put_image vol app:v1 "one" "shared") &&
	second=$(put_image vol app:v1 "two" "shared") && run 0 collect vol -m &&
	blobs_gone vol "$first" "$(digest_of one)" && ! revision_linked vol app "$first" &&
	! history_has vol app:v1 "$first" && history_has vol app:v1 "$second" &&
	tagged vol app:v1 "$second" &&
	blobs_exist vol "$second" "$(digest_of two)" "$(digest_of shared)"
'

test_case '--purge removes for good' '
	from_template && run 0 collect vol --purge && kept &&
	blobs_gone vol "$orphan" "$dead" &&
	trash_is_empty vol && [ -z "$(find vol/.drydock -name data)" ] &&
	[ -z "$(find vol/.drydock -name "${orphan#*:}")" ]
'

test_case 'trash older than --trash-keep is emptied at the end' '
	from_template && run 0 collect vol && first=$(latest_run vol) &&
	in_trash vol "$orphan" &&
	second=$(put_blob vol "the next orphan") && sleep 1.2 &&
	run 0 collect vol --trash-keep 1h && in_trash vol "$orphan" && in_trash vol "$second" &&
	sleep 1.2 && run 0 collect vol --trash-keep 1s && ! in_trash vol "$orphan" &&
	! in_trash vol "$second" && [ ! -d "vol/.drydock/trash/$first" ] && kept
'

# as_if_made RUN AGO: under the name that it would have had then.
as_if_made() {
	mv "vol/.drydock/trash/$1" \
		"vol/.drydock/trash/$(date -u -d "$(ago "$2")" +%Y%m%dT%H%M%SZ)-${1##*-}"
}

test_case 'trash is kept for a week unless told otherwise' '
	from_template && run 0 collect vol && run=$(latest_run vol) && as_if_made "$run" 6d &&
	run 0 collect vol && in_trash vol "$orphan" &&
	as_if_made "$(latest_run vol)" 8d && run 0 collect vol && ! in_trash vol "$orphan" &&
	kept
'

test_case 'what we make takes owner and mode of its surroundings, as root too' '
	need_root && from_template && chown -R 1234:4321 vol && chmod -R g+w vol && umask 077 &&
	run 0 collect vol && [ "$(stat -c %u:%g vol/.drydock)" = 1234:4321 ] &&
	find vol/.drydock ! -user 1234 -o ! -group 4321 >strange && same /dev/null strange &&
	[ "$(stat -c %a vol/.drydock/trash)" = "$(stat -c %a vol/docker)" ]
'

test_case 'an ordinary user collects a volume of his own' '
	need_root && from_template && chown -R 65534:65534 vol && chmod 755 . &&
	run 0 as_nobody collect vol && kept && blobs_gone vol "$orphan" "$dead" &&
	in_trash vol "$orphan"
'

# What the renames of a trace withdrew, one word a line: link, or blob.
moved() {
	grep -E 'rename.*= 0$' "$1" | grep -v '/_uploads>' |
		sed -nE 's/.*registry\/v2\/(repositories).*/link/p; s/.*registry\/v2\/blobs.*/blob/p'
}

test_case 'references go before what they refer to' '
	need_strace && from_template && put_image vol app "untagged" >/dev/null &&
	run 0 strace -f -qq -y -o calls -e trace=rename,renameat,renameat2 \
		drydock gc --root vol --grace 0 -m --apply &&
	moved calls >steps &&
	[ "$(grep -c link steps)" -ge 3 ] && [ "$(grep -c blob steps)" -ge 4 ] &&
	! sed -n "/blob/,\$p" steps | grep link
'

test_case 'a volume whose tags a database owns is refused' '
	from_template && mkdir vol/docker/registry/lockfiles &&
	touch vol/docker/registry/lockfiles/database-in-use &&
	volume_digest vol >before && run 3 collect vol 2>err && says "database-in-use" err &&
	run 3 plan vol 2>err && says "database" err && volume_digest vol >after &&
	same before after
'

test_case '-m on a volume with manifests and not one tag is refused' '
	make_volume vol && image=$(put_image vol app "one") &&
	other=$(put_image vol lib "two") &&
	volume_digest vol >before && run 3 collect vol -m 2>err && says "tag" err &&
	says "--allow-empty" err &&
	run 3 plan vol -m 2>err && volume_digest vol >after && same before after &&
	run 0 collect vol && blobs_exist vol "$image" "$other" &&
	run 0 collect vol -m --allow-empty && blobs_gone vol "$image" "$other"
'

test_case 'one tag in any repository is enough for -m' '
	make_volume vol && image=$(put_image vol app "one") &&
	put_image vol lib:v1 "two" >/dev/null &&
	run 0 collect vol -m && blobs_gone vol "$image"
'

test_case 'the registry never sees what is ours' '
	from_template && run 0 collect vol && [ -d vol/.drydock ] &&
	[ -z "$(find vol/docker -name "*drydock*")" ] &&
	[ "$(ls -A vol | sort | tr "\n" " ")" = ".drydock docker " ]
'

test_case 'a lock file or trash put there by somebody as a symlink is not followed' '
	from_template && mkdir elsewhere && mkdir vol/.drydock &&
	ln -s "$PWD/elsewhere" vol/.drydock/trash &&
	run 3 collect vol 2>err && says "trash" err && [ -z "$(ls -A elsewhere)" ] &&
	blobs_exist vol "$orphan" &&
	rm vol/.drydock/trash && touch victim && ln -s "$PWD/victim" vol/.drydock/lock &&
	run 3 collect vol 2>err && says "lock" err && [ ! -s victim ] &&
	blobs_exist vol "$orphan" &&
	rm -r vol/.drydock && ln -s "$PWD/elsewhere" vol/.drydock &&
	run 3 collect vol 2>err && says "\.drydock" err && [ -z "$(ls -A elsewhere)" ] &&
	blobs_exist vol "$orphan"
'

test_case 'a .drydock that belongs to somebody else is not used' '
	need_root && from_template && mkdir -m 0777 vol/.drydock && chown 1234 vol/.drydock &&
	run 3 collect vol 2>err && says "\.drydock" err && blobs_exist vol "$orphan"
'

test_case 'an upload that has no file any more goes, too, and comes back' '
	make_volume vol && put_image vol app:v1 base >image &&
		uuid=6b3c4c4e-8f0c-4e4f-9d0a-000000000001 && mkdir -p "$(upload_dir vol app $uuid)" &&
	age vol everything 9d && volume_content vol >first && run 0 drydock gc --root vol --apply --json >done &&
	goes done upload app "[^ ]+" && [ "$(json .totals.skipped_items done)" = 0 ] &&
	[ ! -e "$(upload_dir vol app $uuid)" ] && run 0 drydock gc --root vol --json >plan &&
	nothing_goes plan && run 0 drydock trash restore latest --root vol --apply &&
	volume_content vol >last && same first last
'

# ---- brakes ----

test_case 'a plan that takes more than it may is shown, and nothing is taken' '
	make_volume vol && image=$(put_image vol app:v1 base) && one=$(put_blob vol one) &&
	two=$(put_blob vol two) && age vol everything 9d &&
	for brake in "--max-items 1" "--max-bytes 5B" "--max-share 30"; do
		# shellcheck disable=SC2086 # an option and its value
		run 1 drydock gc --root vol --grace 0 $brake >text && says "Too much" text &&
		says "^To do it all the same: the same with --apply, without that limit" text &&
		run 1 drydock gc --root vol --grace 0 --apply $brake >text && says "^To go" text &&
		says_not "^Withdrawn" text && says "^To do it all the same: the same without that" text &&
		run 1 drydock gc --root vol --grace 0 --apply $brake --json >plan && valid gc plan &&
		json ".applied and .run == null and (.brake | length) > 0" plan &&
		blobs_exist vol $one $two && trash_is_empty vol || return
	done && run 1 drydock gc --root vol --grace 0 --apply --max-items 1 -q >text &&
	says "Too much" text && run 2 drydock gc --root vol --max-share 101 2>err &&
	run 2 drydock gc --root vol --max-share 12x 2>err &&
	run 0 drydock gc --root vol --grace 0 --apply --max-items 2 --max-bytes 6B --max-share 50% &&
	blobs_gone vol $one $two && blob_exists vol $image
'

test_case 'a brake keeps old trash, too, and does not keep anything from coming back' '
	make_volume vol && put_image vol app:v1 base && one=$(put_blob vol one) && age vol $one 9d &&
	run 0 drydock gc --root vol --grace 0 --apply && two=$(put_blob vol two) && age vol $two 9d &&
	three=$(put_blob vol three) && age vol $three 9d &&
	run 1 drydock gc --root vol --grace 0 --apply --trash-keep 0 --max-items 1 && in_trash vol $one &&
	put_image_of vol app:v2 "$(descriptor $type_layer $one 3)" && link_layer vol app $one &&
	run 1 drydock gc --root vol --grace 0 --apply --max-items 1 && blob_exists vol $one
'

done_testing
