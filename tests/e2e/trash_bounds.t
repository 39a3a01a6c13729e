#!/bin/bash
# Bounds on the trash: how much it may take, how much should be free; what goes early for that.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# Three runs that took 1000, 2000 and 3000 bytes, the oldest first, and a blob of 500 to go next.
make_runs() {
	local n
	make_volume vol && image=$(put_image vol app:v1 "one") || return
	for n in 1 2 3; do
		head -c "${n}000" /dev/zero | tr '\0' "$n" >bytes &&
			blob[n]=$(put_file vol bytes) && run 0 collect vol >/dev/null &&
			run_of[n]=$(latest_run vol) && sleep 1.1 || return
	done
	head -c 500 /dev/zero >bytes && next=$(put_file vol bytes)
}
blob=() run_of=()
template make_runs

gc="drydock gc --root vol --grace 0"

# expiring FILE: number and reason of each run that goes; "this" is the one that is made.
expiring() {
	jq -r '.expiring[] | "\(.run // "this") \(.why)"' "$1" |
		sed "s/${run_of[1]}/1/; s/${run_of[2]}/2/; s/${run_of[3]}/3/; s/^2026[^ ]*\|^20[0-9T]*Z[^ ]*/this/"
}

# gives_up WHAT COMMAND…: of a plan, and of the same applied, and nothing else is gone then.
gives_up() {
	local runs=$1 n
	shift
	run 0 "$@" --json >planned && valid gc planned &&
		run 0 "$@" --json --apply >report && valid gc report || return
	for n in planned report; do
		if [ "$(expiring "$n" | paste -sd,)" != "$runs" ]; then
			say "in $n: $(expiring "$n")"
			return 1
		fi
	done
	for n in 1 2 3; do
		case $runs in
		*"$n "*) ! in_trash vol "${blob[n]}" ;;
		*) in_trash vol "${blob[n]}" ;;
		esac || { say "run $n"; return 1; }
	done
	json '.expiring | all(.removed)' report >/dev/null
}

test_case 'over --trash-max the oldest runs go, and only as many as needed' '
	from_template && gives_up "1 trash-max" $gc --min-free 0 --trash-max 6000 &&
	in_trash vol "$next" && [ "$(json .totals.early_runs report)" = 1 ] &&
	[ "$(json .totals.freed_bytes report)" = 1000 ] && json ".purged | not" report
'

test_case 'a trash that takes just --trash-max stays' '
	from_template && gives_up "" $gc --min-free 0 --trash-max 6500
'

test_case 'two runs go where one is not enough' '
	from_template && gives_up "1 trash-max,2 trash-max" $gc --min-free 0 --trash-max 5K
'

test_case 'the run itself stays while it alone is within --trash-max' '
	from_template && gives_up "1 trash-max,2 trash-max,3 trash-max" $gc --min-free 0 --trash-max 500 &&
	in_trash vol "$next"
'

test_case 'a run that alone is over --trash-max goes as well' '
	from_template &&
	gives_up "1 trash-max,2 trash-max,3 trash-max,this trash-max" $gc --min-free 0 --trash-max 499 &&
	json ".purged and .totals.freed_bytes == 6500 and .totals.early_runs == 3" report &&
	trash_is_empty vol && blob_exists vol "$image" && blobs_gone vol "$next"
'

test_case 'the text says which runs go early, and for which bound' '
	from_template && run 0 $gc --min-free 0 --trash-max 6000 >plan &&
	says "${run_of[1]}.* early: .*--trash-max" plan && says_not "${run_of[2]}" plan &&
	says "freed now +1000 B" plan &&
	run 0 $gc --min-free 0 --trash-max 6000 --apply >text &&
	says "1 run removed from the trash for good .1 of them early" text &&
	says "${run_of[1]}.* early: .*--trash-max" text
'

test_case 'below --min-free the oldest runs go, and only as many as needed' '
	from_template && gives_up "1 min-free" with_space 9000 100000 $gc --min-free 10000
'

test_case 'one byte more, and one run more' '
	from_template && gives_up "1 min-free,2 min-free" with_space 9000 100000 $gc --min-free 10001
'

test_case 'where enough is free nothing goes early' '
	from_template && gives_up "" with_space 10000 100000 $gc
'

test_case 'a tenth is to be free unless it is said otherwise' '
	from_template && gives_up "1 min-free" with_space 9999 100000 $gc &&
	[ "$(json .short_bytes report)" = 0 ]
'

test_case '--min-free 0 gives nothing up, however full the disk is' '
	from_template && gives_up "" with_space 0 100000 $gc --min-free 0
'

test_case 'for --min-free the run itself never goes, and what is lacking then is said' '
	from_template && gives_up "1 min-free,2 min-free,3 min-free" \
		with_space 0 100000 $gc --min-free 50% &&
	in_trash vol "$next" && [ "$(json .short_bytes report)" = 44000 ] &&
	run 0 with_space 0 100000 $gc --min-free 50% >text && says "short of --min-free" text &&
	run 0 with_space 0 100000 $gc --min-free 50% --apply -q >text 2>&1 && [ ! -s text ]
'

test_case 'where free space cannot be told nothing is given up for it' '
	need_strace && from_template && run 0 strace -f -qq -o trace -e trace=fstatfs \
		-e inject=fstatfs:error=ENOSYS drydock gc --root vol --grace 0 --apply 2>err &&
	[ "$(grep -c "nothing is given up for --min-free" err)" = 1 ] && in_trash vol "${blob[1]}" &&
	in_trash vol "$next"
'

test_case 'what --purge frees at once counts as free' '
	from_template && run 0 with_space 9000 100000 $gc --min-free 10500 --purge --json >plan &&
	[ "$(expiring plan)" = "1 min-free" ]
'

test_case 'runs that are old go anyway, and count' '
	from_template && gives_up "1 old,2 old,3 old" with_space 0 100000 $gc --trash-keep 0 --trash-max 4000
'

test_case 'a run that frees nothing is not given up for space' '
	make_volume vol && put_image vol app:v1 "kept" && shared=$(put_blob vol "in a backup, too") &&
	ln "$(blob_data vol "$shared")" backup && run 0 collect vol && sleep 1.1 &&
	own=$(put_blob vol "nowhere else") && run 0 collect vol && sleep 1.1 && put_blob vol last &&
	run 0 $gc --min-free 0 --trash-max 4B --apply --json >report &&
	in_trash vol "$shared" && ! in_trash vol "$own" && json ".expiring | length == 1" report
'

test_case 'nothing goes early while something new is in doubt' '
	from_template && bad=$(put_image vol app:v2 "three") && remove_blob vol "$bad" &&
	run 1 $gc --min-free 0 --trash-max 1B --json >report && valid gc report &&
	json ".trash_doubted and .expiring == []" report &&
	run 1 $gc --min-free 0 --trash-max 1B --apply --json >report 2>err && valid gc report &&
	json ".trash_doubted and .expiring == []" report && says "cannot be told" err &&
	in_trash vol "${blob[1]}" && in_trash vol "$next" &&
	run 0 $gc --min-free 0 --trash-max 1B --apply --ack "app@$bad" && trash_is_empty vol
'

test_case 'what is needed of the trash comes back before anything goes early' '
	from_template && link_revision vol app "${blob[2]}" && tag vol app:old "${blob[2]}" &&
	run 0,1 $gc --min-free 0 --trash-max 1B --apply && blob_exists vol "${blob[2]}"
'

test_case 'a run of which not all can be looked at is not given up for space' '
	from_template && place=$(blob_data "vol/.drydock/trash/${run_of[1]}" "${blob[1]}") &&
	rm "$place" && mkfifo "$place" && run 0 $gc --min-free 0 --trash-max 1000 --apply --json >report &&
	! in_trash vol "${blob[2]}" && ! in_trash vol "${blob[3]}" && [ -p "$place" ]
'

test_case 'a braked run gives nothing up' '
	from_template && run 1 with_space 0 100000 $gc --apply --trash-max 1B --max-bytes 1B &&
	in_trash vol "${blob[1]}" && blob_exists vol "$next"
'

test_case 'who removes by name gives nothing up' '
	from_template && run 0 with_space 0 100000 drydock rm --root vol app --apply &&
	in_trash vol "${blob[1]}" && in_trash vol "${blob[3]}"
'

test_case 'trash empty gives up only as many runs as a bound asks for' '
	from_template && run 0 trash empty --trash-max 5000 --json >report && valid trash report &&
	[ "$(json "[.runs[].run] | join(\" \")" report)" = "${run_of[1]}" ] &&
	run 0 trash empty --trash-max 5000 --apply && ! in_trash vol "${blob[1]}" &&
	in_trash vol "${blob[2]}" && run 0 with_space 9000 100000 drydock trash --root vol empty \
		--min-free 10% --apply --json >report && valid trash report &&
	json ".totals.kept == 1 and .runs[0].why == \"min-free\"" report &&
	! in_trash vol "${blob[2]}" && in_trash vol "${blob[3]}" &&
	run 0 trash empty --trash-max 1M >text && says "nothing to empty.*within the bounds" text &&
	run 0 with_space 0 100000 drydock trash --root vol empty --min-free 10% --apply >text &&
	trash_is_empty vol && says "6.8 KiB more should be free" text
'

test_case 'trash empty --older-than with a bound: the older ones go, and others if need be' '
	from_template && run 0 trash empty --older-than 1h --trash-max 5000 --apply &&
	! in_trash vol "${blob[1]}" && in_trash vol "${blob[2]}"
'

test_case 'bounds that make no sense are wrong usage' '
	make_volume vol && for wrong in "gc --min-free 101%" "gc --min-free 5X" "gc --min-free %" \
		"gc --min-free -1" "gc --trash-max 0" "gc --trash-max 20" "gc --min-free 1000%" "gc --min-free 20" "trash empty --min-free 0" \
		"trash list --min-free 5%" "trash restore latest --trash-max 5G"; do
		run 2 drydock --root vol $wrong 2>err && says "min-free|trash-max" err || return
	done
'

# The same on a file system that is really full.
test_case 'a disk that is filled up gets its room from the oldest runs' '
	need_root && need_command mkfs.ext4 losetup && truncate -s 32M image.ext4 &&
	mkfs.ext4 -q -m 0 image.ext4 && mkdir disk && { mount -o loop image.ext4 disk ||
		skip "cannot mount a loop device here"; } && on_exit "umount -l $PWD/disk" &&
	make_volume disk && put_image disk app:v1 "kept" && for n in 1 2 3; do
		head -c 4000000 /dev/urandom >bytes && blob[n]=$(put_file disk bytes) &&
		run 0 collect disk && sleep 1.1 || return
	done && head -c 30000 /dev/urandom >bytes && next=$(put_file disk bytes) &&
	{ dd if=/dev/zero of=disk/filler bs=64k status=none 2>full || says "no space" full; } &&
	run 0 drydock gc --root disk --grace 0 --min-free 6M --apply >text && says "early" text &&
	! in_trash disk "${blob[1]}" && ! in_trash disk "${blob[2]}" && in_trash disk "${blob[3]}" &&
	in_trash disk "$next"
'

done_testing
