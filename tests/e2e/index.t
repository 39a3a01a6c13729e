#!/bin/bash
# What earlier runs found out: it saves time, and never changes an answer.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# Everything at once, and old enough to be remembered (what is younger than two
# seconds is not: time stamps have a grain).
make_all() {
	"$BUILD/tests/make-volume" --preset small --out vol \
		--damage empty-link,garbage-link,corrupt-manifest,empty-manifest,missing-current,tmp,alien &&
		put_image vol hand/app:v1 one two >/dev/null &&
		image=$(put_image vol hand/app:v2 two three) &&
		put_strong_image vol hand/strong:v1 four >/dev/null &&
		put_referrer vol hand/app "$image" signature >/dev/null &&
		put_cache vol hand/cache:v1 five six >/dev/null && put_schema1 vol hand/old:v1 seven &&
		dead=$(put_layer vol hand/app dead) && age vol everything 9d
}
template make_all

# In a cache of its own.
from_old_template() {
	from_template && export DRYDOCK_CACHE=$PWD/known && sleep 2.2
}

# plans VOL NAME [OPTION…]: the plan in all its parts but for what time does to it.
plans() {
	local option
	for option in '' -m; do
		run 0,1 drydock gc --root "$1" --grace 0 --json ${option:+"$option"} "${@:3}" >"$2.json" &&
			jq . "$2.json" || return
	done >"$2"
}

# Whatever the index says, the plan is what it is without one.
same_plans() {
	plans vol without --no-index && plans vol with && same without with
}

# The index of a day long past, and what has happened since.
behind() {
	rm -rf "$DRYDOCK_CACHE" && cp -a cache "$DRYDOCK_CACHE" && same_plans
}

test_case 'with the index, without it and when it has just been made the plan is the same' '
	from_old_template && same_plans && [ -s "$(echo "$DRYDOCK_CACHE"/*/survey)" ] && same_plans
'

test_case 'with the index nothing is opened but what an earlier run did not know' '
	need_strace && from_old_template && same_plans &&
	run 0,1 strace -f -qq -o before -e trace=openat,openat2 drydock gc --root vol --no-index >&7 &&
	[ "$(grep -c "/data\"" before)" -gt 60 ] &&
	run 0,1 strace -f -qq -o trace -e trace=openat,openat2,getdents64 drydock gc --root vol >&7 &&
	[ "$(grep -c "/data\"" trace)" -lt 20 ] &&
	[ "$(grep -c getdents64 trace)" -lt 300 ]
'

# Each in turn, and together; what a registry does, and what it never would.
changes=(
	"put_image vol hand/app:v3 two eight"
	"tag vol hand/app:v2 \$(cat \$(current_link vol hand/app:v1))"
	"printf %s \$image >\$(current_link vol hand/app:v2)"
	"delete_revision vol hand/app \$image"
	"rm -r \$(tag_dir vol hand/app:v1)"
	"flip_blob vol \$image"
	": >\$(blob_data vol \$image)"
	"rm \$(blob_data vol \$image)"
	"put_layer vol hand/app nine"
	"rm -r \$(dirname \$(layer_link vol hand/app \$(digest_of two)))"
	": >\$(revision_link vol hand/app \$image)"
	"echo >>\$(current_link vol hand/app:v1)"
	"mv vol/docker/registry/v2/repositories/hand/app vol/docker/registry/v2/repositories/hand/moved"
	"rm -r vol/docker/registry/v2/repositories/hand"
	"put_image vol brand/new:v1 ten"
	"chmod 0 vol/docker/registry/v2/repositories/hand/app/_manifests/revisions"
	"mkdir vol/docker/registry/v2/repositories/hand/app/_manifests/tags/v1/index/sha512"
	"ln -s /nowhere vol/docker/registry/v2/repositories/hand/linked"
	"rm -r vol/docker/registry/v2/blobs/sha256/[0-3]*"
	"cp -p \$(blob_data vol \$(digest_of one)) \$(blob_data vol \$image)"
	"ln -f \$(blob_data vol \$(digest_of one)) \$(blob_data vol \$image)"
	"swap hand/app hand/old"
	"restore_older"
)

# Two repositories change places: no file of them changes, nor does a directory in them.
swap() {
	mv "$(repository_dir vol "$1")" aside && mv "$(repository_dir vol "$2")" "$(repository_dir vol "$1")" &&
		mv aside "$(repository_dir vol "$2")"
}

# As from a backup of before, by rsync -a: with the times that files and directories had then.
restore_older() {
	cp -a vol backup && put_image vol hand/app:v4 four five &&
		printf %s "$image" >"$(current_link vol hand/app:v1)" && same_plans &&
		rm -rf vol/docker && cp -a backup/docker vol/ && same_plans
}

for change in "${changes[@]}"; do
	test_case "an index from before it gives the same plan: $change" '
		from_old_template && same_plans && cp -a "$DRYDOCK_CACHE" cache &&
		eval "$change" >&7 && behind
	'
done

test_case 'an index from before all of these at once gives the same plan' '
	from_old_template && same_plans && cp -a "$DRYDOCK_CACHE" cache &&
	{ for change in "${changes[@]}"; do
		eval "$change" >&7 2>&1
	done || :; } && behind && sleep 2.2 && same_plans && same_plans
'

test_case 'what is mounted over a part of the volume is seen, and so is what lies below it afterwards' '
	need_root && from_old_template && same_plans && cp -a "$DRYDOCK_CACHE" cache &&
	shard=$(dirname "$(blob_dir vol "$image")") && old=$(repository_dir vol hand/old) &&
	{ mount --bind "$(repository_dir vol hand/app)" "$old" || skip "cannot mount here"; } &&
	on_exit "umount -l $PWD/$old 2>/dev/null" && behind &&
	{ mount -t tmpfs none "$shard" || skip "cannot mount here"; } &&
	on_exit "umount -l $PWD/$shard 2>/dev/null" && behind && json ".holds | length > 0" with.json &&
	cp -a "$DRYDOCK_CACHE" cache && umount "$shard" && umount "$old" && behind
'

test_case 'a manifest written over in place, as long as before and with its old time, is read again' '
	from_old_template && same_plans && data=$(blob_data vol "$image") && touch -r "$data" when &&
	flip_blob vol "$image" && touch -r when "$data" && same_plans &&
	json "[.holds[] | select(.digest == \"$image\")] | length > 0" with.json
'

test_case 'a collection by an index that is days behind loses nothing' '
	from_old_template && rm -rf "$DRYDOCK_CACHE" && run 0,1 drydock gc --root vol >&7 &&
	cp -a "$DRYDOCK_CACHE" cache &&
	late=$(put_image vol hand/late:v1 "dead" "late") && link_layer vol hand/app "$dead" &&
	printf %s "$image" >"$(current_link vol hand/app:v1)" &&
	rm -rf "$DRYDOCK_CACHE" && cp -a cache "$DRYDOCK_CACHE" &&
	run 0,1 drydock gc --root vol --grace 0 -m --apply >&7 &&
	blobs_exist vol "$late" "$dead" "$image" "$(digest_of late)" "$(digest_of two)" "$(digest_of three)" &&
	tagged vol hand/late:v1 "$late" && layer_linked vol hand/late "$dead"
'

test_case 'what has gone from the volume goes from the index' '
	export DRYDOCK_CACHE=$PWD/known && "$BUILD/tests/make-volume" --repositories 40 --tags 20 --age 9d --out vol >&7 && sleep 2.2 &&
	run 0 drydock gc --root vol >&7 && large=$(stat -c %s "$DRYDOCK_CACHE"/*/survey) &&
	find vol/docker/registry/v2/repositories -mindepth 1 -maxdepth 1 | tail -n +5 | xargs rm -r &&
	rm -r vol/docker/registry/v2/blobs/sha256/[1-9a-f]* &&
	run 0,1 drydock gc --root vol >&7 &&
	[ "$(stat -c %s "$DRYDOCK_CACHE"/*/survey)" -lt $((large / 2)) ]
'

test_case 'what was kept of a volume that is no more at its path goes after a while' '
	from_template && export DRYDOCK_CACHE=$PWD/known &&
	another() { mv vol was && cp -a was vol && rm -rf was && run 0,1 drydock gc --root vol >&7; } &&
	run 0,1 drydock gc --root vol >&7 && cp -a vol elsewhere && run 0,1 drydock gc --root elsewhere >&7 &&
	first=$(echo known/*-vol-*) && aside=$(echo known/*-elsewhere-*) && another &&
	second=$(echo known/*-vol-*) && second=${second/"$first"/} && second=${second// /} &&
	find "$first" "$aside" -exec touch -d "91 days ago" {} + && another &&
	[ ! -e "$first" ] && [ -e "$second/volume" ] && [ -e "$aside/volume" ]
'

test_case 'little news is read again and not written, so that a quiet night writes nothing' '
	export DRYDOCK_CACHE=$PWD/known && "$BUILD/tests/make-volume" --repositories 40 --tags 20 --age 9d --out vol >&7 && sleep 2.2 &&
	run 0 drydock gc --root vol >&7 && before=$(stat -c %i "$DRYDOCK_CACHE"/*/survey) &&
	put_image vol hand/app:v1 one && run 0 drydock gc --root vol >&7 &&
	[ "$(stat -c %i "$DRYDOCK_CACHE"/*/survey)" = "$before" ] && same_plans
'

test_case 'a damaged index is a word, made anew, and changes no answer' '
	from_old_template && same_plans && file=$(echo "$DRYDOCK_CACHE"/*/survey) &&
	printf x | dd of="$file" bs=1 seek=9000 conv=notrunc status=none &&
	run 0,1 drydock gc --root vol --grace 0 --json >with.json 2>err && says "is damaged" err &&
	same_plans && run 0,1 drydock gc --root vol --grace 0 --json >with.json 2>err &&
	says_not "index" err
'

test_case 'an index that cannot be written is a word, and the plan goes on' '
	from_old_template && : >blocked && run 0,1 drydock gc --root vol --cache-dir blocked/here >out 2>err &&
	says "without the index" err && says "repositories" out &&
	run 0,1 drydock gc --root vol --no-index --cache-dir blocked/here >out 2>err && says_not "index" err
'

test_case 'why and rm answer by the index as without it' '
	from_old_template && same_plans && rm -f out.* &&
	for option in "" --no-index; do
		run 0,1 drydock why "$dead" --root vol --grace 0 --json $option >"why$option" &&
		run 0,1 drydock rm hand/app:v2 --root vol --grace 0 --json $option >"rm$option" || return
	done && same why why--no-index && same rm rm--no-index
'

# looks NAME [OPTION…]: what each command that only looks has to say.
looks() {
	local command
	for command in "ls --json" tree "tree --depth 9" "du --by layer" "du --by mediatype" "find --json" \
		"find -type manifest -untagged" "find -type layer -refs +1 -printf %p%m%n\n" \
		"find -type tag -platform linux/amd64 -o -annotation *" "snapshot -"; do
		# shellcheck disable=SC2086 # words
		set -f && run 0,1 drydock --root vol $command "${@:2}" 2>&7 | grep -v drydock-snapshot |
			grep -v " end " && set +f || return
	done >"$1"
}

test_case 'what only looks says the same with the index as without, whoever made it' '
	from_old_template && looks plain --no-index && looks made && same plain made &&
	looks again && same plain again && same_plans && looks again && same plain again &&
	rm -r "$DRYDOCK_CACHE" && same_plans && looks again && same plain again &&
	put_image vol hand/app:v9 nine >&7 && looks again && looks plain --no-index && same plain again
'

test_case 'a look at the repositories alone lets nothing be forgotten, and reads no manifest again' '
	need_strace && from_old_template && same_plans && survey=$(echo "$DRYDOCK_CACHE"/*/survey) &&
	stat -c "%i %Y" "$survey" >before && for command in ls tree "find -type tag -mediatype *"; do
		# shellcheck disable=SC2086 # words
		set -f && run 0,1 strace -f -qq -o trace -e trace=openat,openat2 \
			drydock --root vol $command >&7 && set +f &&
		[ "$(grep -c "/data\"" trace)" -lt 20 ] || return
	done && stat -c "%i %Y" "$survey" >after && same before after
'

done_testing
