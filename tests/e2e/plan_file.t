#!/bin/bash
# Plans as files: made now, carried out later, as far as all is as it was.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# An image, an untagged one that shares a layer with it, and garbage; and a plan of all that.
make_planned() {
	make_volume vol &&
		image=$(put_image vol app:v1 "base" "top") &&
		untagged=$(put_image vol app "base" "former top") &&
		orphan=$(put_blob vol "nobody points here") &&
		dead=$(put_layer vol app "linked, in no manifest") &&
		put_upload vol app 6b3c4c4e-8f0c-4e4f-9d0a-000000000001 half 30d
}
template make_planned

make_plan() {
	from_template && run 0 plan vol -m --plan-out plan.json >out
}

by_plan() {
	run "$1" drydock gc --root vol --plan plan.json --json "${@:2}" >report && valid gc report
}

# left WHY KIND PATH-PART: it is among what stays.
left() {
	json "[.left[] | select(.why == \"$1\" and .kind == \"$2\")] | any(.path | contains(\"$3\"))" \
		report >/dev/null || { say "not left, $*"; json .left report >&7; return 1; }
}

nothing_goes() {
	json '(.items | length) == 0 and .totals.withdrawn_items == 0' report >/dev/null
}

# resum FILE: the last line's sum made right again, as somebody would who means harm.
resum() {
	head -n -1 "$1" >resummed &&
		printf '{"end":%s,"sha256":"%s"}\n' "${2:-$(grep -c '"path"' resummed)}" \
			"$(sha256sum <resummed | cut -d " " -f 1)" >>resummed && mv resummed "$1"
}

test_case 'a plan file has a head, each thing with what it was judged by, and an end' '
	from_template && volume_digest vol >before &&
	run 0 plan vol -m --plan-out plan.json --json >report && valid gc report &&
	valid_lines plan plan.json &&
	[ "$(jq -r "select(.path).path" plan.json)" = "$(jq -r ".items[].path" report)" ] &&
	[ "$(jq -r "select(.drydock_plan).items" plan.json)" = "$(json ".items | length" report)" ] &&
	[ "$(jq -r "select(.drydock_plan).bytes" plan.json)" = "$(json .totals.bytes report)" ] &&
	[ "$(stat -c "%d %i %s" "$(blob_data vol "$orphan")")" = \
		"$(jq -r "select(.path and (.path | contains(\"${orphan#*:}\"))).stamp" plan.json |
		cut -d " " -f 1-3)" ] &&
	volume_digest vol >after && same before after
'

test_case 'the text of a plan says how to carry out just this file' '
	from_template && run 0 plan vol --plan-out "my plan.json" >text &&
	says "gc --apply --plan .my plan.json." text && says "$orphan" text
'

test_case 'what is as it was goes by a plan file, and can be put back' '
	make_plan && by_plan 0 --apply && json ".left == [] and .totals.unplanned_items == 0" report &&
	blobs_gone vol "$untagged" "$orphan" "$dead" "$(digest_of "former top")" &&
	blobs_exist vol "$image" "$(digest_of base)" "$(digest_of top)" &&
	run 0 trash restore latest --apply && blobs_exist vol "$untagged" "$orphan" "$dead"
'

test_case 'without --apply a plan file is looked at, and nothing is written' '
	make_plan && volume_digest vol >before && by_plan 0 && goes report blob - "$orphan" &&
	run 0 drydock gc --root vol --plan plan.json >text && says "By a plan of" text &&
	says "10 of the 10 objects" text && says "plan.json --apply" text &&
	volume_digest vol >after && same before after
'

test_case 'what the plan file does not name stays, and is counted' '
	make_plan && new=$(put_blob vol "a new orphan") && other=$(put_layer vol lib "dead in lib") &&
	by_plan 0 --apply && blobs_exist vol "$new" "$other" && layer_linked vol lib "$other" &&
	blobs_gone vol "$orphan" "$dead" && [ "$(json .totals.unplanned_items report)" = 3 ] &&
	run 0 collect vol -m && blobs_gone vol "$new" "$other"
'

test_case 'what was written to since stays, with all that it leads to' '
	make_plan && printf %s "$untagged" >"$(revision_link vol app "$untagged")" && by_plan 0 --apply &&
	left changed revision "${untagged#*:}" && left needed blob "${untagged#*:}" &&
	blobs_exist vol "$untagged" "$(digest_of "former top")" &&
	revision_linked vol app "$untagged" && layer_linked vol app "$(digest_of "former top")" &&
	blobs_gone vol "$orphan" "$dead"
'

test_case 'what was pushed again since stays' '
	make_plan && tag vol app:old "$untagged" && by_plan 0 --apply &&
	left needed blob "${untagged#*:}" && left needed revision "${untagged#*:}" &&
	blobs_exist vol "$untagged" "$(digest_of "former top")" && blobs_gone vol "$orphan"
'

test_case 'a link that came since keeps the blob that the plan file names, so that nothing dangles' '
	make_plan && link_layer vol lib "$dead" && link_revision vol lib "$untagged" && by_plan 0 --apply &&
	blobs_exist vol "$dead" "$untagged" && layer_linked vol lib "$dead" &&
	left needed blob "${dead#*:}" && run 0 plan vol -m
'

test_case 'what is gone, or another thing under its name, is said to be' '
	make_plan && remove_blob vol "$orphan" && rm "$(blob_data vol "$dead")" &&
	printf "linked, in no manifest" >"$(blob_data vol "$dead")" && by_plan 0 --apply &&
	left gone blob "${orphan#*:}" && left changed blob "${dead#*:}" && blob_exists vol "$dead"
'

test_case 'a plan file that was carried out names only what is gone' '
	make_plan && by_plan 0 --apply && by_plan 0 --apply && nothing_goes &&
	[ "$(json "[.left[].why] | unique | join(\" \")" report)" = gone ] &&
	run 0 drydock gc --root vol --apply --plan plan.json >text && says "not there any more" text &&
	run 0 drydock gc --root vol --apply --plan plan.json -q >text && [ ! -s text ]
'

test_case 'what is in doubt by now holds what the plan file names' '
	make_plan && bad=$(put_image vol app:v2 "three") && remove_blob vol "$bad" &&
	by_plan 1 --apply && blobs_exist vol "$dead" "$untagged" && blobs_gone vol "$orphan"
'

test_case 'a volume that is held as a whole loses nothing by a plan file' '
	make_plan && ln -s /nowhere vol/docker/registry/v2/repositories/link && by_plan 1 --apply &&
	nothing_goes && left held blob "${orphan#*:}" && blobs_exist vol "$orphan" "$untagged"
'

test_case 'what goes is judged by the options that the file says' '
	from_template && run 0 drydock gc --root vol -m --plan-out plan.json >out && by_plan 0 --apply &&
	blobs_exist vol "$untagged" "$orphan" && from_template &&
	bad=$(put_image vol bad:v1 "three") && remove_blob vol "$bad" &&
	put_layer vol bad "dead in bad" >/dev/null &&
	run 0 plan vol --accept-loss "bad@$bad" --plan-out plan.json >out && by_plan 0 --apply &&
	blobs_gone vol "$(digest_of "dead in bad")" "$orphan" && blobs_exist vol "$untagged"
'

test_case 'options that say what goes are not for a plan file' '
	make_plan && for option in -m "--grace 1h" "--uploads-older-than 1d" --leftovers --allow-empty \
		"--accept-loss app@$untagged" "--plan-out other.json"; do
		run 2 drydock gc --root vol --plan plan.json $option 2>err && says "plan" err || return
	done && run 2 drydock gc --root vol --apply --plan-out plan.json 2>err &&
	run 0 drydock gc --root vol --apply -n --plan-out plan.json
'

test_case 'brakes, and what is removed for good, are for who carries a plan file out' '
	make_plan && by_plan 1 --apply --max-items 2 && blobs_exist vol "$orphan" &&
	by_plan 0 --apply --purge && blobs_gone vol "$orphan" && trash_is_empty vol
'

# Something happens to the volume, one of a dozen things, by a number.
happen() {
	case $(($1 % 12)) in
	0) put_image vol app:v1 "base" "newer $1" ;;
	1) tag vol app:old "$untagged" ;;
	2) link_layer vol lib "$dead" ;;
	3) link_revision vol lib "$untagged" ;;
	4) put_image vol "lib:v$1" "base" "former top" ;;
	5) rm -rf "$(tag_dir vol app:v1)" ;;
	6) printf %s "$dead" >"$(layer_link vol app "$dead")" ;;
	7) rm -rf "$(blob_dir vol "$orphan")" ;;
	8) put_blob vol "orphan $1" ;;
	9) rm -rf "$(dirname "$(layer_link vol app "$(digest_of "former top")")")" ;;
	10) put_index vol "app:index$1" "$untagged" ;;
	11) rm -rf "$(dirname "$(revision_link vol app "$untagged")")" ;;
	esac >/dev/null
}

test_case 'whatever happened since: it takes a part of what a collection of today would, and leaves it the rest' '
	for ((n = 0; n < 12; n++)); do
		rm -rf vol other && make_plan && put_image vol keep:v1 "kept" && happen "$n" &&
		happen $((n * 5 + 1)) &&
		run 0 plan vol -m --json >today && by_plan 0 &&
		items today | sort >allowed && items report | sort >going &&
		[ -z "$(comm -13 allowed going)" ] &&
		jq -r "select(.path).path" plan.json | sort >planned &&
		json ".items[].path" report | sort >paths && [ -z "$(comm -13 planned paths)" ] &&
		cp -a vol other && run 0 collect other -m >/dev/null && by_plan 0 --apply &&
		run 0 plan vol -m >/dev/null && run 0 collect vol -m >/dev/null &&
		volume_content vol | grep "^[0-9a-f]\{64\}" >a &&
		volume_content other | grep "^[0-9a-f]\{64\}" >b && same a b ||
		{ say "round $n"; return 1; }
	done
'

test_case 'a plan of another volume is refused' '
	make_plan && cp -a vol other && volume_digest other >before &&
	run 3 drydock gc --root other --apply --plan plan.json 2>err && says "another volume" err &&
	says "$PWD/vol" err && volume_digest other >after && same before after
'

test_case 'a plan of another version, or another format, is refused' '
	make_plan && for change in "s/\"version\":\"[^\"]*\"/\"version\":\"9.9.9\"/" \
		"s/\"drydock_plan\":1/\"drydock_plan\":2/"; do
		sed "1$change" plan.json >other.json && resum other.json &&
		run 3 drydock gc --root vol --apply --plan other.json 2>err &&
		says "the plan is of drydock" err && blobs_exist vol "$orphan" || return
	done
'

test_case 'a plan file cut off anywhere is refused' '
	make_plan && size=$(stat -c %s plan.json) && for part in 0 1 40 400 1000 $((size / 2)) \
		$((size - 90)) $((size - 2)) $((size - 1)); do
		head -c "$part" plan.json >cut.json &&
		run 3 drydock gc --root vol --apply --plan cut.json 2>err &&
		says "cut short|no plan|empty" err || return
	done && blobs_exist vol "$orphan" "$untagged" && [ ! -e vol/.drydock ]
'

test_case 'a plan file that was damaged or edited is refused' '
	make_plan && for change in "s/\"bytes\":18/\"bytes\":19/" "3d" "3p" "\$d" "\$s/\"end\":10/\"end\":9/" \
		"4s/{/[/" "4s/.*/null/" "4s/.*/{}/" "5s/stamp/stomp/" "1d" "\$a more" "2s/docker/..\/docker/"; do
		sed "$change" plan.json >other.json && ! cmp -s plan.json other.json &&
		run 3 drydock gc --root vol --apply --plan other.json 2>err && says "other.json" err || return
	done && blobs_exist vol "$orphan" && [ ! -e vol/.drydock ]
'

test_case 'a plan file of somebody who means harm takes nothing that a collection would not' '
	from_template && run 0 plan vol -m --plan-out plan.json >out && echo precious >outside &&
	stamp=$(stat -c "%d %i %s" "$(blob_data vol "$image")") &&
	line=$(grep "${orphan#*:}" plan.json) && hex=${image#*:} &&
	printf "%s\n" "$line" | sed "s#blobs/[^\"]*#blobs/sha256/${hex:0:2}/$hex/data#" >more &&
	sed -i "1s/\"items\":10/\"items\":11/" plan.json && sed -i "\$e cat more" plan.json &&
	resum plan.json && by_plan 0 --apply && left changed blob "$hex" &&
	blobs_exist vol "$image" && blobs_gone vol "$orphan" &&
	for path in "../outside" "docker/registry/v2/../../../../outside" "/etc/passwd" ".drydock/lock" \
		".drydock/trash/20261123T174501Z-9f3a/journal" "%00" "%2" "docker/%"; do
		head -n 1 plan.json | sed "s/\"items\":11/\"items\":1/" >evil.json &&
		printf "{\"path\":\"%s\",\"bytes\":1,\"stamp\":\"1 2 3 4 5\"}\n{}\n" "$path" >>evil.json &&
		resum evil.json 1 && run 3 drydock gc --root vol --apply --plan evil.json 2>err &&
		says "path" err || return
	done && [ "$(cat outside)" = precious ]
'

test_case 'a plan file that is huge, deep or endless is refused soon, in little memory' '
	make_plan && head -n 1 plan.json >long.json && head -c 3000000 /dev/zero | tr "\0" x >>long.json &&
	run 3 drydock gc --root vol --plan long.json 2>err && says "too long" err &&
	{ head -n 1 plan.json; printf "[%.0s" {1..30000}; echo; } >deep.json &&
	run 3 drydock gc --root vol --plan deep.json 2>err &&
	run 3 drydock gc --root vol --plan /dev/zero 2>err && says "no plan" err &&
	run 3 drydock gc --root vol --plan vol 2>err &&
	run 2 drydock gc --root vol --plan nowhere.json 2>err && says "nowhere" err
'

test_case 'a thing that is named twice is refused' '
	make_plan && sed -i "1s/\"items\":10/\"items\":11/; 3p" plan.json && resum plan.json &&
	run 3 drydock gc --root vol --apply --plan plan.json 2>err && says "twice" err
'

test_case 'names that are no text are named exactly' '
	make_volume vol && image=$(put_image vol app:v1 "one") && old=$(put_image vol app "two") &&
	odd=$(printf "od%%d \377") && write_link "$(history_link vol "app:$odd" "$old")" "$old" &&
	write_link "$(current_link vol "app:$odd")" "$image" &&
	run 0 plan vol -m --plan-out plan.json >out &&
	valid_lines plan plan.json &&
	says "od%25d%20%FF" plan.json && by_plan 0 --apply && json ".left == []" report &&
	! history_has vol "app:$odd" "$old" && blobs_gone vol "$old"
'

test_case 'a plan file is never written below the volume, nor over what is no file' '
	from_template && ln -s vol/docker link && volume_digest vol >before && mkdir directory &&
	mkfifo fifo && for path in vol/plan.json vol/docker/registry/v2/plan.json link/registry/plan.json \
		./vol/../vol/plan.json directory fifo /dev/null nowhere/plan.json; do
		run 2,3 drydock gc --root vol --plan-out "$path" 2>err && says "plan" err || return
	done && volume_digest vol >after && same before after && [ -z "$(ls directory)" ] && [ -p fifo ]
'

test_case 'a plan file that cannot be written leaves the one before as it was' '
	need_root && make_plan && mkdir small && { mount -t tmpfs -o size=16k none small ||
		skip "cannot mount a tmpfs here"; } && on_exit "umount -l $PWD/small" &&
	echo before >small/plan.json && for ((n = 0; n < 60; n++)); do
		put_blob vol "more $n" >/dev/null || return
	done && run 3 plan vol --plan-out small/plan.json 2>err && says "space" err &&
	[ "$(cat small/plan.json)" = before ] && [ "$(ls small)" = plan.json ]
'

test_case 'a plan by a policy is carried out by the same policy, and without it takes no tag' '
	make_volume vol && kept=$(put_image vol app:v1 "one") && gone=$(put_image vol app:old "two") &&
	age vol everything 9d &&
	printf "rules:\n- repositories: \"**\"\n  keep:\n    tags: \"v*\"\n" >rules.yaml &&
	run 0 drydock gc --root vol --policy rules.yaml --plan-out plan.json --grace 0 >words &&
	says "gc --apply --plan plan.json --policy rules.yaml" words &&
	run 0 drydock gc --root vol --apply --plan plan.json --json >without && tagged vol app:old "$gone" &&
	run 0 drydock gc --root vol --apply --plan plan.json --policy rules.yaml >&7 &&
	tagged vol app:v1 "$kept" && [ ! -e "$(current_link vol app:old)" ] && blobs_gone vol "$gone"
'

test_case 'a plan by a policy, most of whose tags moved since, is told in full and takes the rest' '
	make_volume vol && kept=$(put_image vol app:v1 "one") && put_image vol app:x "two" &&
	put_image vol app:y "three" && age vol everything 9d &&
	printf "rules:\n- repositories: \"**\"\n  keep:\n    tags: \"v*\"\n" >rules.yaml &&
	run 0 drydock gc --root vol --policy rules.yaml --plan-out plan.json --grace 0 >&7 &&
	named=$(grep -c "\"path\"" plan.json) && printf %s "$kept" >"$(current_link vol app:x)" &&
	run 0 drydock gc --root vol --policy rules.yaml --plan plan.json --json >plan && valid gc plan &&
	json ".totals.items + .totals.stayed_items == $named and (.left | length) == .totals.stayed_items" plan &&
	printf %s "$kept" >"$(current_link vol app:y)" &&
	run 0 drydock gc --root vol --policy rules.yaml --plan plan.json --json >plan && valid gc plan &&
	json ".totals.items + .totals.stayed_items == $named" plan &&
	run 0 drydock gc --root vol --policy rules.yaml --apply --plan plan.json >&7 &&
	tagged vol app:v1 "$kept" && run 0 drydock verify --root vol --no-index >&7
'

done_testing
