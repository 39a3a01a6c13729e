#!/bin/bash
# Histories of tags: where each has pointed, and which of them moved.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# "latest" has been first, second and third; of first nothing is left, second is untagged.
make_histories() {
	make_volume vol && first=$(put_image vol app:latest one) &&
		second=$(put_image vol app:latest two) && third=$(put_image vol app:latest three) &&
		tag vol app:v3 "$third" && still=$(put_image vol app:still four) &&
		tag vol team/copy:v1 "$still" && link_revision vol team/copy "$still" &&
		set_times vol app:latest "$first" 3d "$second" 2d "$third" 1d &&
		delete_revision vol app "$first" && remove_blob vol "$first"
}

# set_times VOL TAG DIGEST AGE…
set_times() {
	local vol=$1 name=$2
	shift 2
	while [ $# -gt 0 ]; do
		touch -d "$(ago "$2")" "$(history_link "$vol" "$name" "$1")" || return
		shift 2
	done
}
template make_histories

# entries FILE: of the only tag.
entries() {
	jq -r '.tags[0].entries[] | [.digest, .before // "-", .state] | join(" ")' "$1"
}

# history_by_hand VOL TAG: by the raw files alone, the latest first.
history_by_hand() {
	find "$(tag_dir "$1" "$2")/index" -name link -printf '%T@ %h\n' | sort -rn |
		sed 's|.*/index/\([^/]*\)/|\1:|'
}

test_case 'a tag tells what it has pointed to, the latest first, and what is still here' '
	from_template && run 0 drydock log --root vol app:latest --json >list &&
	valid history list && entries list >found &&
	printf "%s\n" "$third $second current" "$second $first here" "$first - gone" >expected &&
	same expected found && run 0 drydock log --root vol app:latest >text &&
	says "$third .*${second:0:19} .*current" text && says "$first +- +gone" text &&
	says "3 manifests; 2 of them can still be pulled" text
'

test_case 'a history is what the raw links say' '
	from_template && run 0 drydock log --root vol app:latest --json >list &&
	jq -r ".tags[0].entries[].digest" list >found &&
	history_by_hand vol app:latest >expected && same expected found &&
	stat -c %Y "$(history_link vol app:latest "$second")" >seconds &&
	[ "$(json ".tags[0].entries[1].set | fromdate" list)" = "$(cat seconds)" ]
'

test_case 'what lost its revision and kept its bytes is deleted, not gone' '
	from_template && delete_revision vol app "$second" &&
	run 0 drydock log --root vol app:latest --json >list && entries list >found &&
	says "^$second .* deleted" found && says "^$first .* gone" found
'

test_case 'a tag that moved back is told by the last time each manifest was set' '
	from_template && write_link "$(current_link vol app:latest)" "$second" &&
	touch "$(history_link vol app:latest "$second")" &&
	run 0 drydock log --root vol app:latest --json >list && entries list >found &&
	printf "%s\n" "$second $third current" "$third $first here" "$first - gone" >expected &&
	same expected found && json ".tags[0].unclear | not" list
'

test_case 'times that contradict each other are said to' '
	from_template && age vol everything 5d &&
	run 0 drydock log --root vol app:latest --json >list && json ".tags[0].unclear" list &&
	run 0 drydock log --root vol app:latest >text && says "the order is not known" text &&
	entries list | head -n 1 >found && says "$third .*current" found &&
	from_template && set_times vol app:latest "$second" 0s "$third" 1d &&
	run 0 drydock log --root vol app:latest --json >list && json ".tags[0].unclear" list
'

test_case 'a repository lists its tags, those that moved most first' '
	from_template && run 0 drydock log --root vol app --json >list && valid history list &&
	jq -r ".tags[] | [.tag, .digests, .here, .same] | join(\" \")" list >found &&
	printf "%s\n" "latest 3 2 1" "still 1 1 0" "v3 1 1 1" >expected && same expected found &&
	json ".total == {tags: 3, moved: 1, never: 2, shared: 2}" list &&
	run 0 drydock log --root vol app >text && says "^latest +3 +2 .*$third +1$" text &&
	says "3 tags: 1 moved, 2 never did; 2 point" text
'

test_case 'a repository is told without a look at any other' '
	need_strace && from_template &&
	run 0 strace -f -o trace by_path drydock log --root vol app &&
	says_not "team" trace && says "latest" trace
'

test_case 'without a word all tags of the volume are told, and share digests across repositories' '
	from_template && run 0 drydock log --root vol --json >list && valid history list &&
	json ".total.tags == 4 and .total.shared == 4" list &&
	run 0 drydock log --root vol >text && says "^app:latest +3" text &&
	says "^team/copy:v1 +1" text
'

test_case '--moved, --never and --same choose, --sort orders, --top cuts' '
	from_template && tags() {
		run 0 drydock log --root vol --json "$@" >list && valid history list &&
			jq -r ".tags[] | .repository + \":\" + .tag" list
	} && [ "$(tags --moved)" = app:latest ] &&
	[ "$(tags --never | tr "\n" " ")" = "app:still app:v3 team/copy:v1 " ] &&
	tags --same >found && [ "$(wc -l <found)" = 4 ] &&
	json "[.tags[].digest] | . == sort" list &&
	[ "$(tags --sort name --top 2 | tr "\n" " ")" = "app:latest app:still " ] &&
	json ".total.tags == 4 and .hidden == 2" list &&
	run 0 drydock log --root vol --top 1 --never >text && says "… and 2 more$" text &&
	touch -d "1 day" "$(current_link vol app:v3)" &&
	[ "$(tags --sort time --top 1)" = app:v3 ] &&
	run 2 drydock log --root vol --moved --never 2>err && says "exclude" err &&
	run 2 drydock log --root vol app:latest --top 3 2>err && says "--top" err
'

test_case 'a tag that was deleted has no history and is not listed' '
	from_template && rm -r "$(tag_dir vol app:v3)/current" "$(tag_dir vol app:v3)/index" &&
	run 0 drydock log --root vol app --json >list &&
	json "[.tags[].tag] == [\"latest\", \"still\"]" list &&
	run 2 drydock log --root vol app:v3 2>err && says "no tag v3" err
'

test_case 'what is not there, or has no history, is refused by name' '
	from_template && run 2 drydock log --root vol nowhere 2>err && says "nowhere" err &&
	says "drydock ls" err && run 2 drydock log --root vol app:v9 2>err && says "v9" err &&
	run 2 drydock log --root vol "app@$third" 2>err && says "never changes" err &&
	run 2 drydock log --root vol app app 2>err
'

test_case 'a broken tag is told with its problem, and the others whole' '
	from_template && write_link "$(current_link vol app:v3)" "nonsense" &&
	rm "$(current_link vol app:still)" && run 1 drydock log --root vol app --json >list &&
	valid history list && json ".problems == 2" list &&
	json ".tags[] | select(.tag == \"latest\") | .problem == null" list &&
	json ".tags[] | select(.tag == \"v3\") | .problem | test(\"no digest\")" list &&
	run 1 drydock log --root vol app >text && says "still .*not there" text &&
	from_template && remove_blob vol "$third" && run 1 drydock log --root vol app:v3 >text &&
	says "manifest that it points to is not there" text
'

test_case 'a directory that may not be read is counted, and ends with status 1' '
	need_root && from_template && chmod 755 . && chmod 700 "$(tag_dir vol app:v3)" &&
	run 1 as_nobody drydock log --root vol --json >list && valid history list &&
	json ".problems > 0 and .total.tags >= 3" list
'

test_case 'names that no registry would make are escaped' '
	from_template && mkdir -p "$(tag_dir vol "app:e$(printf "\033")vil")/current" &&
	printf "%s" "$third" >"$(current_link vol "app:e$(printf "\033")vil")" &&
	run 0 drydock log --root vol app >text && says "e.x1bvil" text &&
	! grep -q "$(printf "\033")" text && run 0 drydock log --root vol app --json >list &&
	valid history list
'

test_case 'nothing in the volume is changed, and it may be one that cannot be written to' '
	need_root && from_template && chmod 755 . && volume_digest vol >before &&
	run 0 as_nobody drydock log --root vol && volume_digest vol >after && same before after
'

test_case 'a reader that goes away ends it quietly' '
	from_template && { drydock log --root vol --json 2>err; echo "$?" >status; } |
		head -c 1 >first && [ ! -s err ]
'

done_testing
