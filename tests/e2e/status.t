#!/bin/bash
# Status: the page that a person looks at first.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# An image, an untagged one, an upload, and something that nothing reaches.
make_one_of_each() {
	make_volume vol && image=$(put_image vol app:v1 "layer") &&
		untagged=$(put_image vol app "old layer") && orphan=$(put_blob vol "an orphan") &&
		put_upload vol app "11111111-2222-3333-4444-555555555555" "half a layer" &&
		age vol everything 3d
}
template make_one_of_each

# page STATUS [OPTION…]: for people in "page", as JSON in "status"; neither writes to the volume.
page() {
	volume_digest vol >before && run "$1" drydock status --root vol "${@:2}" >page &&
		run "$1" drydock status --root vol --json "${@:2}" >status &&
		volume_digest vol >after && same before after && valid status status
}

problems() {
	json '[.problems[].problem] | join(" ") | if . == "" then "none" else . end' "$1"
}

# has_problems STATUS-FILE PROBLEM…: exactly these, in this order.
has_problems() {
	local found
	found=$(problems "$1") || return
	[ "$found" = "${*:2}" ] || { say "problems: $found"; return 1; }
}

# remember LINE: a record, checksummed as ours are.
remember() {
	local sum
	mkdir -p vol/.drydock && chmod 755 vol/.drydock &&
		sum=$(printf %s "$1" | sha256sum | cut -c -16) &&
		printf "%s %s\n" "$sum" "$1" >>vol/.drydock/records
}

# Nanoseconds since the epoch, so many seconds ago.
seconds_ago() {
	printf %s "$(($(date +%s) - $1))000000000"
}

# remember_end BEGAN-SECONDS-AGO STATUS REASON
remember_end() {
	remember "collecting $(seconds_ago "$1") 20260101T000000Z-0001 gc%20--apply" &&
		remember "collected $(seconds_ago "$1") $(seconds_ago "$(($1 - 1))") 20260101T000000Z-0001 $2 \
0 0 0 0 0 0 0 1 1 2 7 0 604800000000000 $3"
}

test_case 'status is the first of the commands, and needs no argument' '
	from_template && run 0 drydock --help >help && grep -A1 "^Commands" help >first &&
	says "^  status " first && run 2 drydock status --root vol app 2>err && says "app" err
'

test_case 'a volume that nobody collected or verified is told as it is, and is in order' '
	from_template && page 0 && has_problems status none &&
	json ".volume | .repositories == 1 and .tags == 1 and .manifests == 2 and .blobs == 7" \
		status &&
	json "(.volume.estimated | not) and .volume.unsized_blobs == 0" status &&
	json ".collection == null and .verification == null and .last_success == null" status &&
	json ".trash.bytes == 0 and .trash.runs == []" status && [ ! -e vol/.drydock ] &&
	says "in order" page && says "1 repository, 1 tag, 2 manifests, 7 blobs" page &&
	says "Collected: never" page && says "Verified: never" page && says "Trash: empty" page
'

test_case 'the size of the blobs is what their files hold' '
	from_template && page 0 &&
	bytes=$(find vol/docker/registry/v2/blobs -name data -printf "%s\n" |
		awk "{ sum += \$1 } END { print sum }") &&
	[ "$(json .volume.bytes status)" = "$bytes" ]
'

test_case 'what could be collected, now and with -m, is what gc says' '
	from_template && page 0 --grace 0 && run 0 plan vol --json >plan &&
	run 0 plan vol -m --json >plan.m &&
	[ "$(json .plan.bytes status)" = "$(freed plan)" ] &&
	[ "$(json .plan.items status)" = "$(json .totals.items plan)" ] &&
	[ "$(json ".plan.bytes + .plan.untagged_bytes" status)" = "$(freed plan.m)" ] &&
	[ "$(json ".plan.items + .plan.untagged_items" status)" = "$(json .totals.items plan.m)" ] &&
	says "To collect: 9 B in 1 object; with -m" page
'

test_case 'what is only young is told, and since when it could go' '
	from_template && put_blob vol "fresh" && page 0 && json ".plan.young_items == 2" status &&
	json .plan.young_until status && says "Young: 14 B in 2 objects" page &&
	page 0 --grace 0 && json ".plan.young_items == 0" status
'

test_case 'unfinished uploads are counted, with their size and age' '
	from_template && page 0 && json ".uploads | .count == 1 and .bytes == 12 and .oldest != null" \
		status && says "Uploads: 1 unfinished, 12 B, the oldest begun" page
'

test_case 'after a collection it says when, by what, and what came of it' '
	from_template && run 0 collect vol >out && page 0 && json ".collection |
	.outcome == \"done\" and .status == 0 and (.made_by | test(\"^gc --root vol .*--apply$\")) and
	.ended != null and .totals.withdrawn_items == 1 and .totals.withdrawn_bytes == 9" status &&
	json ".last_success == .collection.ended" status &&
	says "Collected: just now, done; 1 object withdrawn, 9 B|Collected: .*ago, done; 1" page &&
	says " drydock gc --root vol .*--apply$" page
'

test_case 'the trash is told run by run, with when each expires' '
	from_template && run 0 collect vol >out && run=$(latest_run vol) && page 0 &&
	json ".trash.bytes == 9 and .trash.keep_seconds == 7 * 86400" status &&
	json ".trash.runs | length == 1 and .[0].run == \"$run\" and .[0].objects == 1" status &&
	json ".trash.runs[0] | (.expires | fromdate) - (.began | fromdate) == 7 * 86400" status &&
	says "Trash: 9 B in 1 run" page && says "$run +9 B +expires in 6 days" page &&
	page 0 --trash-keep 0 && says "$run .*goes with the next gc --apply" page
'

test_case 'the trash expires as the last collection had it' '
	from_template && run 0 collect vol --trash-keep 30d >out && page 0 &&
	json ".trash.keep_seconds == 30 * 86400" status && page 0 --trash-keep 1d &&
	json ".trash.keep_seconds == 86400" status
'

test_case 'a removal by name is no collection' '
	from_template && run 0 drydock rm --root vol app:v1 --apply >out && page 0 &&
	json ".collection == null" status && json ".trash.runs | length == 1" status
'

test_case 'a verification is told with what it found, until it finds nothing any more' '
	from_template && run 0 drydock verify --root vol >out && page 0 &&
	json ".verification | .errors == 0 and .read_blobs == 7 and .never_blobs == 0" status &&
	says "Verified: .*, whole" page &&
	flip_blob vol "$(digest_of layer)" && run 1 drydock verify --root vol --full >out &&
	page 1 && has_problems status damage && says "Verified: .*1 finding of damage" page &&
	says "→ drydock --root vol repair" page &&
	put_layer other app "layer" >/dev/null && run 0 drydock repair --root vol --from other --apply \
		>out && page 1 && has_problems status verify-again && says "→ drydock --root vol verify" page &&
	run 0 drydock verify --root vol >out && page 0 && has_problems status none
'

test_case 'a hold is told with what holds, and how it is released, until it is known' '
	from_template && truncate -s 5 "$(blob_data vol "$untagged")" && page 1 &&
	has_problems status held && held status app "$untagged" && says "app@$untagged" page &&
	says "Held: " page && says "--accept-loss app@$untagged" page &&
	says "→ drydock --root vol repair" page && run 1 collect vol >out &&
	page 1 && has_problems status held && json ".collection.outcome == \"attention\"" status &&
	json ".collection.totals.holds == 1 and .last_success == null" status &&
	page 1 --quick && has_problems status was-held &&
	run 0 collect vol --ack "app@$untagged" >out && page 0 &&
	has_problems status none && held status app "$untagged" true && says "1 acknowledged" page
'

test_case 'a collection that was stopped by a brake needs a person' '
	from_template && put_blob vol "another orphan" &&
	run 1 collect vol --max-items 1 >out && page 1 &&
	has_problems status collection-stopped && json ".collection.reason" status &&
	says "took nothing: .*--max-items" page
'

test_case 'a collection that failed needs a person, and says why' '
	from_template && remember_end 7500 3 "the%20disk%20is%20on%20fire" && page 1 &&
	has_problems status collection-failed &&
	json ".collection.reason == \"the disk is on fire\" and .collection.status == 3" status &&
	says "Collected: 2 hours ago, failed: the disk is on fire" page
'

test_case 'one that was interrupted needs nobody' '
	from_template && remember_end 7500 130 interrupted && page 0 &&
	json ".collection.outcome == \"interrupted\"" status && says "interrupted" page
'

test_case 'a good collection after a bad one is what counts' '
	from_template && remember_end 7500 3 "broken" && run 0 collect vol >out &&
	page 0 && json ".collection.outcome == \"done\"" status
'

test_case 'a collection without an end has died if nobody is at work' '
	from_template && remember "collecting $(seconds_ago 600) 20260101T000000Z-0002 gc%20--apply" &&
	page 1 && has_problems status collection-died && says "[0-9]+ minutes ago, did not come" page
'

test_case 'one that was killed is told so, until the next one ends well' '
	need_strace && from_template &&
	pause_after one renameat2 1 gc --root vol --grace 0 --apply &&
	kill -KILL "$(traced_pid one)" && wait_until test -e one.status && page 1 &&
	has_problems status collection-died && run 0 collect vol >out && page 0 &&
	has_problems status none
'

test_case 'a removal that was killed is told so, until the next run puts that in order' '
	need_strace && from_template && pause_after one renameat2 1 rm --root vol app:v1 --apply &&
	kill -KILL "$(traced_pid one)" && wait_until test -e one.status && sleep 1.1 && page 1 &&
	has_problems status run-unfinished && run 0 collect vol >out && page 0
'

test_case 'while somebody holds the lock it says who, and what has no end is at work' '
	from_template && run 0 collect vol >out &&
	remember "collecting $(seconds_ago 60) 20260101T000000Z-0003 gc%20-m" && exec 5<>vol/.drydock/lock &&
	flock 5 && printf "drydock gc -m, process 7 on here, since %s\n" \
		"$(date -u -d "90 seconds ago" +%FT%TZ)" >vol/.drydock/lock && page 0 &&
	json ".lock | .held and (.by | startswith(\"drydock gc -m\")) and .since != null" status &&
	json ".collection.outcome == \"running\"" status &&
	says "Lock: held by drydock gc -m, process 7 on here, since [0-9]+ minutes? ago" page &&
	says "Collected: [0-9]+ minutes? ago, at work" page &&
	run 4 collect vol 2>err && exec 5>&- && page 1 &&
	has_problems status collection-died && json ".lock.held | not" status
'

test_case 'who holds the lock does not vouch for what began before' '
	from_template && run 0 collect vol >out &&
	remember "collecting $(seconds_ago 600) 20260101T000000Z-0003 gc%20-m" && exec 5<>vol/.drydock/lock &&
	flock 5 && printf "drydock repair, process 7 on here, since %s\n" \
		"$(date -u -d "60 seconds ago" +%FT%TZ)" >vol/.drydock/lock && page 1 &&
	has_problems status collection-died
'

test_case '--quick tells what the last collection found, as an estimate, and looks at no repository' '
	from_template && page 0 --quick && json ".volume == null and .plan == null and .quick" status &&
	run 0 collect vol >out && put_image vol app:v2 "more" && page 0 --quick &&
	json ".volume | .estimated and .tags == 1 and .blobs == 7 and .unsized_blobs == 7" status &&
	json ".plan == null and .holds == null and .uploads == null" status &&
	says "about 1 repository, 1 tag.* estimate" page && says "not looked for" page &&
	need_strace && run 0 strace -f -o trace -e trace=file drydock status --root vol --quick &&
	says_not "\"docker/registry/v2/(repositories|blobs)" trace && says "records" trace
'

test_case 'with -q it says what needs a person and nothing else' '
	from_template && page 0 -q && [ ! -s page ] && remember_end 7500 3 "broken" && page 1 -q &&
	says "needs a person" page && says "failed: broken" page && says "→ drydock" page &&
	says_not "Volume:|Disk:|Trash:" page
'

test_case 'the answer is the same with an index, without one, and where there can be none' '
	from_template && run 0 collect vol >out && page 0 && mv status first &&
	for option in "" --no-index "--cache-dir /dev/null/here" "--cache-dir new"; do
		run 0 drydock status --root vol --json $option >status 2>err || return
		jq "del(.now, .volume.seen, .space)" first >a &&
		jq "del(.now, .volume.seen, .space)" status >b && same a b || return
	done
'

test_case 'an index that is damaged costs a word' '
	from_template && run 0 drydock verify --root vol >out && page 0 &&
	find "$DRYDOCK_CACHE" -type f -name "survey" -exec sh -c "echo damaged >\"\$1\"" - {} \; &&
	find "$DRYDOCK_CACHE" -type f -name "index" -exec sh -c "echo damaged >\"\$1\"" - {} \; &&
	run 0 drydock status --root vol --json >status 2>err && json .verification status
'

test_case 'a verification is known by its log alone' '
	from_template && export DRYDOCK_CACHE="$PWD/cache" && run 0 drydock verify --root vol >out &&
	find cache -type f ! -name runs ! -name volume -delete && page 0 &&
	json ".verification.errors == 0" status
'

test_case 'who may not look everywhere is told what may be seen' '
	need_root && from_template && run 0 collect vol >out &&
	chmod 700 vol/.drydock/trash && chmod 600 vol/.drydock/records && chmod 755 . &&
	run 1 as_nobody drydock status --root vol --json >status 2>err && valid status status &&
	json "[.trouble[].part] | contains([\"trash\", \"collection\", \"plan\"])" status &&
	json ".space.size > 0" status && run 1 as_nobody drydock status --root vol >page 2>err &&
	says "permission" page && says "Disk: " page
'

test_case 'a directory that cannot be read is told, and what else there is' '
	need_root && from_template && put_image vol locked:v1 "secret" >/dev/null &&
	chmod 700 "$(repository_dir vol locked)/_manifests" && chmod 755 . &&
	run 1 as_nobody drydock status --root vol --json >status 2>err && valid status status &&
	problems status >found && says "held|unreadable" found && json ".volume.repositories == 2" status
'

test_case 'a volume whose tags a database keeps is told so, and is in order' '
	from_template && mkdir vol/docker/registry/lockfiles &&
	touch vol/docker/registry/lockfiles/database-in-use && page 0 &&
	json "[.trouble[].part] == [\"plan\"]" status && says "To collect: a database owns" page
'

test_case 'a disk that is nearly full needs a person' '
	need_root && mkdir disk && { mount -t tmpfs -o size=2m tmpfs disk || skip "cannot mount here"; } &&
	on_exit "umount -l $PWD/disk" && make_volume disk/vol && ln -s disk/vol vol &&
	image=$(put_image disk/vol app:v1 "layer") && put_blob disk/vol "orphan" >/dev/null &&
	run 0 drydock status --root disk/vol >page &&
	{ dd if=/dev/zero of=disk/filler bs=64k count=29 status=none || true; } &&
	run 1 drydock status --root disk/vol --json >status && has_problems status disk-nearly-full &&
	json ".problems[0].command == \"gc -m\"" status &&
	run 1 drydock status --root disk/vol >page && says "disk is nearly full: .* free" page &&
	run 0 drydock gc --root disk/vol --grace 0 --apply >out &&
	run 1 drydock status --root disk/vol --json >status &&
	json ".problems[0].command == \"trash empty\"" status
'

test_case 'nothing that the volume says reaches a terminal as it is' '
	from_template && run 0 collect vol >out &&
	remember "collecting $(seconds_ago 60) 20260101T000000Z-%1B[31m gc%1B[31mred%0A" &&
	remember_end 30 3 "%1B]0;title%07" && exec 5<>vol/.drydock/lock && flock 5 &&
	printf "evil \033[31m\n" >vol/.drydock/lock && page 1 && ! grep -q "$(printf "\033")" page &&
	page 1 --color=always && ! grep -qF "$(printf "\033]0")" page
'

test_case 'records that are damaged or of a later version are passed over' '
	from_template && run 0 collect vol >out && echo "damaged" >>vol/.drydock/records &&
	remember "collected 1 2 3" && remember "collected x x x x x x x x x x x x x x x x x x x" &&
	remember "collecting" && remember "predicted 1 2 3" && printf "torn" >>vol/.drydock/records &&
	page 0 && json ".collection.outcome == \"done\"" status
'

test_case 'a collection is found however much was remembered since' '
	from_template && run 0 collect vol >out && run 0,1 drydock status --root vol --json >before &&
	yes "what somebody pulled, many times" | head -n 300000 >>vol/.drydock/records &&
	run 0,1 drydock status --root vol --quick --json >after &&
	same <(json "[.collection, .last_success] | tostring" before) <(json "[.collection, .last_success] | tostring" after)
'

test_case 'a collection that cannot be remembered says so, is done all the same, and needs a person' '
	need_strace && from_template && run 0 collect vol --grace 365d >out &&
	run 1 by_path strace -f -o trace -P "$PWD/vol/.drydock/records" -e trace=write \
		-e inject=write:error=ENOSPC drydock gc --root vol --grace 0 --apply >out 2>err &&
	says "warning: remember that a collection began: .*No space left" err &&
	blobs_gone vol "$orphan"
'

done_testing
