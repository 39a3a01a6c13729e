#!/bin/bash
# Collections that nobody watches: what they say, leave behind, and start.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# An image, an orphan, an untagged image, and what a crash left.
make_nightly() {
	make_volume vol && image=$(put_image vol app:v1 "base" "top") &&
		orphan=$(put_blob vol "nobody points here") && dead=$(put_layer vol app "dead layer") &&
		untagged=$(put_image vol app "untagged") && age vol everything 9d
}
template make_nightly

# nightly STATUS [OPTION…]
nightly() {
	run "$1" drydock gc --root vol --grace 0 --apply "${@:2}"
}

damage() {
	damaged=$(put_image vol other:v1 "of another") && remove_blob vol "$damaged"
}

# ---- what it says ----

test_case 'with -q it is silent, whatever it did' '
	from_template && nightly 0 -q >text 2>&1 && blobs_gone vol $orphan &&
	nightly 0 -q >>text 2>&1 && run 0 drydock gc --root vol -q >>text 2>&1 && [ ! -s text ]
'

test_case 'with -q a person who is needed hears why, and what was done' '
	from_template && damage && nightly 1 -q >text && says "/vol needs a person" text &&
	says "manifest-missing" text && says "other@$damaged" text &&
	says "^Summary: 2 objects|^Summary: 3 objects" text && says ", [12] holds?\.$" <(tail -n 1 text)
'

test_case 'without -q the last line says it all' '
	from_template && nightly 0 >text && tail -n 1 text >last &&
	says "^Summary: 3 objects withdrawn, 0 B freed now, 99 B in 7 days\.$" last &&
	nightly 0 -m --purge >text && tail -n 1 text >last &&
	says "^Summary: [0-9]+ objects removed, [1-9][0-9.]* K?i?B freed now\.$" last &&
	nightly 0 >text && tail -n 1 text >last &&
	says "^Summary: 0 objects withdrawn, 0 B freed now\.$" last &&
	put_blob vol "is young" && run 0 drydock gc --root vol --apply >text &&
	says "^Summary: .*, 1 only young\.$" <(tail -n 1 text)
'

test_case 'a plan has no summary of a run' '
	from_template && run 0 drydock gc --root vol >text && says_not "^Summary" text
'

# ---- metrics ----

# metric NAME [LABEL]: its value.
metric() {
	sed -n "s/^$1{volume=\"[^\"]*\/vol\"${2:+,$2}} //p" m.prom
}

# Each metric is said to be a gauge, once, right before its first line.
exposition() {
	awk "
		/^# HELP [a-z_]+ ./ { help = \$3; next }
		/^# TYPE [a-z_]+ gauge\$/ { if (\$3 != help || seen[\$3]++) exit 1; type = \$3; next }
		/^[a-z_]+\{volume=\"[^\"]*\"(,[a-z]+=\"[a-z-]+\")?\} [0-9.e+-]+\$/ {
			sub(/\{.*/, \"\"); if (\$0 != type) exit 1; lines++; next
		}
		{ exit 1 }
		END { if (lines < 5) exit 1 }
	" "$1" || { say "not in the text format:"; cat "$1" >&7; return 1; }
}

test_case 'metrics tell what the report tells' '
	from_template && put_blob vol "is young" && touch before &&
	run 0 drydock gc --root vol --apply --metrics m.prom --json >report && exposition m.prom &&
	[ "$(metric drydock_gc_success)" = 1 ] && [ "$(metric drydock_gc_exit_status)" = 0 ] &&
	[ "$(metric drydock_gc_applied)" = 1 ] &&
	[ "$(metric drydock_gc_last_run_timestamp_seconds)" = \
		"$(metric drydock_gc_last_success_timestamp_seconds)" ] &&
	[ "$(metric drydock_gc_freed_bytes "when=\"now\"")" = 0 ] &&
	[ "$(metric drydock_gc_freed_bytes "when=\"later\"")" = \
		"$(json .totals.withdrawn_bytes report)" ] &&
	[ "$(metric drydock_gc_withdrawn_items)" = "$(json .totals.withdrawn_items report)" ] &&
	[ "$(metric drydock_gc_kept_bytes "reason=\"young\"")" = \
		"$(json .totals.young_bytes report)" ] &&
	[ "$(metric drydock_gc_kept_bytes "reason=\"untagged\"")" -gt 0 ] &&
	[ "$(metric drydock_gc_trash_runs)" = 1 ] &&
	[ "$(metric drydock_gc_trash_bytes)" = "$(json .totals.withdrawn_bytes report)" ]
'

test_case 'metrics of a run tell what is held and what untagged images keep, as a plan does' '
	from_template && damage && put_layer vol other "held back" && age vol everything 9d &&
	run 1 plan vol --json >plan && nightly 1 --metrics m.prom --json >report && valid gc report &&
	[ "$(metric drydock_gc_kept_bytes "reason=\"held\"")" = "$(json .totals.held_bytes plan)" ] &&
	[ "$(metric drydock_gc_kept_bytes "reason=\"held\"")" -gt 0 ] &&
	[ "$(metric drydock_gc_kept_bytes "reason=\"untagged\"")" = \
		"$(json .totals.untagged_bytes plan)" ] &&
	[ "$(metric drydock_gc_holds "state=\"new\"")" -gt 0 ] && nightly 0 --metrics m.prom \
		--ack other@$damaged >&7 && [ "$(metric drydock_gc_holds "state=\"new\"")" = 0 ] &&
	[ "$(metric drydock_gc_holds "state=\"acknowledged\"")" -gt 0 ]
'

# fails STATUS COMMAND…: metrics say so, and that it went well once.
fails() {
	run "$1" drydock "${@:2}" --metrics m.prom && exposition m.prom &&
		[ "$(metric drydock_gc_success)" = 0 ] && [ "$(metric drydock_gc_exit_status)" = "$1" ] &&
		[ "$(metric drydock_gc_last_success_timestamp_seconds)" = "$last" ]
}

test_case 'metrics are written when a run fails, and keep the last success' '
	from_template && nightly 0 --metrics m.prom && damage &&
	last=$(metric drydock_gc_last_success_timestamp_seconds) && says "^[1-9]" <(echo "$last") &&
	fails 1 gc --root vol --grace 0 --apply && fails 2 gc --root nowhere --apply &&
	fails 2 gc --root vol --plan nowhere --apply &&
	[ -z "$(metric drydock_gc_blobs)" ] && { exec 5>vol/.drydock/lock; } && flock 5 &&
	fails 4 gc --root vol --apply && exec 5>&- && fails 1 gc --root vol --apply -q
'

test_case 'a plan is no success of a collection' '
	from_template && run 0 drydock gc --root vol --metrics m.prom && exposition m.prom &&
	[ "$(metric drydock_gc_applied)" = 0 ] && [ "$(metric drydock_gc_success)" = 1 ] &&
	[ "$(metric drydock_gc_last_success_timestamp_seconds)" = 0 ]
'

test_case 'metrics that cannot be written are told of, and nothing is left beside them' '
	from_template && nightly 3 --metrics nowhere/m.prom 2>err && says "nowhere/m.prom" err &&
	blobs_gone vol $orphan && mkdir m.prom && nightly 2 --metrics m.prom 2>err &&
	says "m.prom is not a regular file" err && [ -z "$(find . -name "m.prom.*")" ]
'

test_case 'metrics are never written below the volume, and nothing is done that they were to tell of' '
	from_template && ln -s vol/docker link && volume_digest vol >before &&
	for path in vol/m.prom vol/docker/registry/v2/m.prom link/m.prom ./vol/../vol/m.prom; do
		run 2 drydock gc --root vol --apply --metrics "$path" 2>err &&
		says "m.prom lies below the volume" err && [ "$(grep -c "lies below" err)" = 1 ] &&
		run 2 drydock verify --root vol --metrics "$path" 2>err && says "below the volume" err &&
		run 2 drydock du --root vol --metrics "$path" 2>err && says "below the volume" err || return
	done && volume_digest vol >after && same before after
'

# ---- the log ----

test_case 'with --log-format json each message is an object in a line' '
	from_template && run 2 drydock gc --root nowhere --log-format json 2>err &&
	valid_lines log err && [ "$(wc -l <err)" = 1 ] &&
	json ".level == \"error\" and .command == \"gc\"" err && json ".text | test(\"nowhere\")" err &&
	json ".hint | test(\"--root\")" err &&
	run 2 drydock --log-format=json gc --no-such 2>err && valid_lines log err &&
	run 2 drydock --log-format json sweep 2>err && valid_lines log err &&
	json ".command == null" err
'

test_case 'what is only logged is logged as JSON, too, and no progress is drawn' '
	from_template && run 0 drydock verify --root vol --no-index --log-format json \
		--progress always 2>err >&7 && valid_lines log err && [ -s err ] &&
	printf "version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\n" "$PWD/vol" >config.yml &&
	REGISTRY_STORAGE=s3 run 0 drydock garbage-collect -d --log-format json config.yml 2>err >&7 && valid_lines log err && json ".level == \"warning\"" err
'

test_case 'a name that would break a line does not' '
	from_template && run 2 drydock gc --root "no
	where" --log-format json 2>err && [ "$(wc -l <err)" = 1 ] && valid_lines log err &&
	run 2 drydock gc --log-format xml 2>err && says "text.json" err
'

# ---- the time limit ----

# late N STATUS OPTION…: a run that is late once it has made N renames.
late() {
	sanitized && skip "a sanitizer wants to be loaded first"
	LD_PRELOAD=$BUILD/tests/late.so LATE_AFTER=$1 nightly "$2" --time-limit 1h "${@:3}"
}

# More than are looked at ahead.
put_many() {
	local i
	for i in {1..200}; do
		put_blob vol "orphan number $i" || return
	done
}

test_case 'when the time is up a run stops between two items, and the next one goes on' '
	from_template && put_many >&7 && run 0 plan vol -m --json >plan &&
	late 20 3 -m --json >report 2>err && valid gc report &&
	says "time limit was reached: [1-9][0-9]* of $(json .totals.items plan) objects are left" err &&
	json ".totals.left_items > 0 and .totals.withdrawn_items >= 20" report &&
	json ".totals.left_items + .totals.withdrawn_items + .totals.skipped_items == .totals.items" \
		report && blobs_exist vol $image && run 0 drydock verify --root vol --no-index >&7 &&
	nightly 0 -m --json >rest && json .totals.items rest >items &&
	[ "$(cat items)" = "$(json .totals.left_items report)" ] &&
	run 0 plan vol -m --json >plan && nothing_goes plan && blobs_exist vol $image
'

test_case 'a run that stops among links takes no blob, and loses nothing' '
	from_template && late 2 3 -m >text 2>err && says "ended early" text &&
	says "^Summary: .* left for the next run" text && blobs_exist vol $orphan $image &&
	run 0 drydock verify --root vol --no-index >&7 && nightly 0 -m &&
	blobs_gone vol $orphan $untagged $dead && blobs_exist vol $image
'

test_case 'what a run took until the time was up can be put back' '
	from_template && put_many >&7 && volume_content vol >before && late 20 3 -m -q 2>err &&
	run 0 trash restore latest --apply && volume_content vol >after && same before after
'

test_case 'a look at the volume that takes longer than the limit takes nothing' '
	from_template && volume_content vol >before && late 0 3 >text 2>err && [ ! -s text ] &&
	says "time limit" err && says "hint: nothing was taken" err && volume_content vol >after &&
	same before after
'

test_case 'old trash that the time does not suffice for is left to the next run' '
	from_template && nightly 0 && put_blob vol "next" >next && late 1 3 --trash-keep 0 2>err &&
	says "old trash is left" err && in_trash vol $orphan && blobs_gone vol "$(cat next)" &&
	nightly 0 --trash-keep 0 && ! in_trash vol $orphan
'

# ---- what follows a run ----

# shellcheck disable=SC2016 # the command expands it
follow='env | grep ^DRYDOCK_ | sort >followed; echo "from the command"'

test_case 'a command follows a run that took something, and knows what happened' '
	from_template && nightly 0 --json --post-exec "$follow" >report 2>err && valid gc report &&
	says "from the command" err && says "^DRYDOCK_ROOT=.*/vol$" followed &&
	says "^DRYDOCK_RUN=$(json .run report)$" followed && says "^DRYDOCK_STATUS=0$" followed &&
	says "^DRYDOCK_WITHDRAWN_ITEMS=$(json .totals.withdrawn_items report)$" followed &&
	says "^DRYDOCK_WITHDRAWN_BYTES=99$" followed && says "^DRYDOCK_FREED_BYTES=0$" followed &&
	says "^DRYDOCK_PURGED=0$" followed && says "^DRYDOCK_COMMAND=gc$" followed
'

test_case 'no command follows a plan, or a run that took nothing' '
	from_template && run 0 drydock gc --root vol --grace 0 --post-exec "touch followed" &&
	nightly 0 -n --post-exec "touch followed" && nightly 1 --max-items 1 --post-exec "touch followed" &&
	[ ! -e followed ] && nightly 0 && nightly 0 --post-exec "touch followed" && [ ! -e followed ]
'

test_case 'a command that fails is told of, and the exit status is 3' '
	from_template && nightly 3 -q --post-exec "exit 7" --metrics m.prom 2>err &&
	says "post-exec \"exit 7\": ended with status 7" err && blobs_gone vol $orphan &&
	[ "$(metric drydock_gc_success)" = 0 ] && put_blob vol "next" &&
	nightly 3 --post-exec "kill -9 \$\$" 2>err && says "ended by signal 9" err &&
	damage && put_blob vol "third" && nightly 3 --post-exec false 2>err && says "status 1" err
'

test_case 'the command may use the volume: the lock is free, and DRYDOCK_ROOT leads there' '
	from_template && nightly 0 -q --post-exec "drydock trash restore latest --apply >followed" &&
	blobs_exist vol $orphan && says "back|restored" followed
'

test_case 'a command follows a run that ended early, too' '
	from_template && put_many >&7 && late 20 3 --post-exec "$follow" 2>err &&
	says "^DRYDOCK_STATUS=3$" followed && says "^DRYDOCK_LEFT_ITEMS=[1-9]" followed
'

test_case 'a command follows a removal by name' '
	from_template && run 0 drydock rm --root vol app:v1 --post-exec "touch planned" &&
	run 0 drydock rm --root vol app:v1 --apply --post-exec "$follow" 2>err && [ ! -e planned ] &&
	says "^DRYDOCK_COMMAND=rm$" followed && says "^DRYDOCK_WITHDRAWN_ITEMS=[1-9]" followed &&
	run 3 drydock rm --root vol app@$untagged --apply --post-exec false 2>err && says "post-exec" err
'

# ---- contrib ----

contrib=$top/contrib

# Units as they are installed, but for the binary, which is this one.
install_units() {
	local unit name
	mkdir units && for unit in "$contrib"/systemd/*; do
		name=${unit##*/}
		sed "s|@BINDIR@|$work/bin|" "$unit" >"units/${name%.in}" || return
	done
}

test_case 'systemd understands the units' '
	need_command systemd-analyze && install_units && ln -sf "$BUILD/drydockd" "$work/bin/" && cd units &&
	for unit in *; do
		run 0 systemd-analyze verify --man=no "./${unit/@/@test}" >&7 2>../text && [ ! -s ../text ] ||
			return
	done && [ "$(ls | wc -l)" = 6 ]
'

test_case 'the services are confined' '
	need_command systemd-analyze && install_units && cd units &&
	for unit in *.service; do
		run 0 systemd-analyze security --offline=true --threshold=30 --no-pager "./$unit" >&7 ||
			return
	done
'

# commands_of: each that cron or systemd would run, with the options that come with it.
commands_of() {
	sed -n "s/^[0-9].*	root	//p" "$contrib/drydock.cron" &&
		. "$contrib/drydock.default" && sed -n "s|^ExecStart=@BINDIR@/||p" "$contrib"/systemd/*@*.in |
		while IFS= read -r command; do
			command=${command/\$DRYDOCK_GC/$DRYDOCK_GC}
			echo "${command/\$DRYDOCK_VERIFY/$DRYDOCK_VERIFY}"
		done
}

test_case 'what cron and systemd run does its work in silence' '
	from_template && for i in {1..8}; do put_image vol many:v$i "layer $i" || return; done >&7 &&
	age vol everything 9d && commands_of >commands && [ "$(wc -l <commands)" = 4 ] &&
	while IFS= read -r command; do
		read -ra words <<<"${command//\/var\/lib\/registry/vol}" &&
		DRYDOCK_ROOT=vol run 0 "${words[@]}" >text 2>&1 && [ ! -s text ] || return
	done <commands && says "^drydock gc .*--apply" commands && blobs_gone vol $dead $untagged
'

test_case 'a crontab has its fields, and a name that cron reads' '
	grep -E "^[0-9]" "$contrib/drydock.cron" >lines && [ -s lines ] &&
	! grep -vE "^[0-9]+ [0-9]+ \* \* \*	root	drydock [^%]*$" lines
'

done_testing
