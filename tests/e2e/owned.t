#!/bin/bash
# A volume that somebody serves: who may change it, and how that is done by who serves it. The part of
# the daemon is played by own-volume, which does at each step what it is told.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# One tagged image, a blob that nothing names, and a link to a layer that no manifest needs.
make_garbage() {
	make_volume vol && image=$(put_image vol app:v1 "base" "top") &&
		orphan=$(put_blob vol "nobody points here") &&
		dead=$(put_layer vol app "linked, in no manifest") && age vol "$orphan" 2d
}
template make_garbage

# own [LEASE-MS [EVERY-MS WORD…]]: somebody serves the volume "vol" from here on.
own() {
	coproc OWNER { exec "$BUILD/tests/own-volume" vol "$DRYDOCK" "$@" 2>owner.log; }
	owner_pid=${OWNER_PID?}
	exec 5<&"${OWNER[0]}" 6>&"${OWNER[1]}"
	on_exit "kill $owner_pid 2>/dev/null"
	read -r answer <&5 && [ "$answer" = ready ]
}

# tell WORD…: have it do something; what it answers is printed unless that is "ok".
tell() {
	echo "$*" >&6 && read -r answer <&5 || return 1
	[ "$answer" = ok ] || echo "$answer"
}

stop_owning() {
	echo quit >&6
	wait "$owner_pid"
}

# Carried out by who serves the volume: that counts.
errands() {
	[ "$(tell counts | sed "s/.*errands=\([0-9]*\).*/\1/")" = "$1" ]
}

# ---- who may change it ----

test_case 'a second daemon is refused, and told who serves the volume' '
	from_template && own 0 &&
	run 1 "$BUILD/tests/own-volume" vol "$DRYDOCK" 2>second </dev/null &&
	says "is served by own-volume, since 20" second && stop_owning &&
	own 0 && stop_owning
'

test_case 'whoever only looks is not in the way of who serves' '
	from_template && own 0 && run 0 plan vol >plan && says "$orphan" plan &&
	run 0 drydock ls --root vol >list && run 0 drydock trash list --root vol && errands 0 &&
	blobs_exist vol "$orphan" && stop_owning
'

test_case 'what changes the volume is carried out by who serves it, and looks the same' '
	from_template && cp -a vol alone && run 0 collect alone >plain &&
	own 0 && run 0 collect vol >handed && errands 1 && stop_owning &&
	sed "s|alone|vol|; s/20[0-9TZ]*-[0-9a-f]*/RUN/g" plain >one &&
	sed "s/20[0-9TZ]*-[0-9a-f]*/RUN/g" handed >other && same one other &&
	blobs_gone vol "$orphan" "$dead" && tagged vol app:v1 "$image" &&
	! layer_linked vol app "$dead" && in_trash vol "$orphan"
'

test_case 'every command that changes is handed over' '
	from_template && tag vol app:v2 "$image" && age vol everything 2d && own 0 &&
	run 0 drydock find --root vol -type tag -name v2 -delete --apply && errands 1 &&
	! tagged vol app:v2 "$image" &&
	run 0 drydock --root vol gc --grace 0 --apply && errands 2 &&
	run 0 trash restore latest --apply && errands 3 && blobs_exist vol "$dead" &&
	run 0 drydock rm --root vol app:v1 --grace 0 --apply && errands 4 &&
	! tagged vol app:v1 "$image" &&
	run 0 drydock repair --root vol --apply && errands 5 &&
	run 0 drydock trash --root vol empty --apply && errands 6 &&
	echo "{version: 0.1, storage: {filesystem: {rootdirectory: $PWD/vol}}}" >config.yml &&
	run 0 drydock garbage-collect config.yml && errands 7 &&
	echo "::1 - - [30/Nov/2025:12:00:00 +0000] \"GET /v2/app/manifests/v1 HTTP/1.1\" 200 9 \"-\" \"x\"" |
		run 0 drydock policy import-pulls - --root vol --apply && errands 8 &&
	stop_owning
'

test_case 'standard input, the directory and relative names are the caller'"'"'s' '
	from_template && tag vol app:v2 "$image" && age vol everything 2d &&
	printf "rules:\n- {repositories: \"**\", keep: {tags: none}}\n" >rules && own 0 &&
	mkdir sub && cd sub && echo app:v1 | run 0 drydock gc --root ../vol --apply --grace 0 \
		--policy ../rules --keep-from - --min-free 0 --metrics here.prom >out &&
	says "withdrawn" out && [ -s here.prom ] && cd .. && errands 1 &&
	tagged vol app:v1 "$image" && ! tagged vol app:v2 "$image" &&
	blobs_gone vol "$orphan" && stop_owning
'

test_case 'with -q it is silent, whatever is done, unless a person is needed' '
	from_template && own 0 && run 0 collect vol -q >text 2>&1 && errands 1 && [ ! -s text ] &&
	blobs_gone vol "$orphan" "$dead" && run 0 collect vol -q >text 2>&1 && errands 2 &&
	[ ! -s text ] && flip_blob vol "$image" && run 1 collect vol -q >text 2>&1 && errands 3 &&
	says "needs a person" text && stop_owning
'

test_case 'a plan file is the caller'"'"'s, and what of it is leased stays' '
	from_template && mkdir sub && cd sub && run 0 plan ../vol --plan-out plan.json >out && cd .. &&
	own 1 && tell pin app "$dead" && cd sub &&
	run 0 drydock gc --root ../vol --apply --plan plan.json --json >out && cd .. && errands 1 &&
	valid gc sub/out && json ".totals.leased_items == 1" sub/out && blobs_gone vol "$orphan" &&
	blobs_exist vol "$dead" && layer_linked vol app "$dead" && tell unpin app "$dead" && cd sub &&
	run 0 drydock gc --root ../vol --apply --plan plan.json >out && cd .. && errands 2 &&
	blobs_gone vol "$dead" && tagged vol app:v1 "$image" && stop_owning
'

# Its worker is late once it has made so many renames.
own_late() {
	sanitized && skip "a sanitizer wants to be loaded first"
	printf "#!/bin/sh\nLD_PRELOAD=%s LATE_AFTER=%s exec %s \"\$@\"\n" "$BUILD/tests/late.so" "$1" \
		"$DRYDOCK" >late && chmod +x late && DRYDOCK=$PWD/late own "${@:2}"
}

test_case 'when the time is up it stops between two items, and the next run goes on' '
	from_template && own_late 1 0 && run 3 collect vol --time-limit 1h --json >report 2>err &&
	errands 1 && valid gc report && says "time limit was reached" err &&
	json ".totals.left_items > 0 and .totals.withdrawn_items > 0" report &&
	tell take app "$dead" && stop_owning && own 0 && run 0 collect vol && errands 1 &&
	blobs_gone vol "$orphan" "$dead" && tagged vol app:v1 "$image" && stop_owning
'

test_case 'the exit status and what goes wrong come back' '
	from_template && own 0 && run 2 collect vol --no-such-option && errands 0 &&
	run 2 drydock rm --root vol nosuch:tag --apply 2>err && errands 1 &&
	says "nosuch" err && flip_blob vol "$image" && run 1 collect vol >out && errands 2 &&
	says "app@$image" out && stop_owning
'

test_case 'another run that holds the lock is in the way as ever' '
	from_template && own 0 && exec 8<>vol/.drydock/lock && flock 8 &&
	run 4 collect vol 2>err && says "locked" err && exec 8>&- && run 0 collect vol &&
	stop_owning
'

test_case 'who serves waits for nobody: while a run is at work nobody begins to serve' '
	from_template && run 0 collect vol && exec 8<>vol/.drydock/lock && flock 8 &&
	run 1 "$BUILD/tests/own-volume" vol "$DRYDOCK" 2>err </dev/null && says "locked" err &&
	exec 8>&- && own 0 && stop_owning
'

test_case 'served, and nobody answers: refused, with what to do' '
	from_template && own 0 && rm vol/.drydock/control && run 3 collect vol 2>err &&
	says "does not answer" err && says "look at its log" err && blobs_exist vol "$orphan" &&
	stop_owning
'

test_case 'a socket of a daemon that is gone is in nobody'"'"'s way' '
	from_template && own 0 && kill -9 "$owner_pid" && { wait "$owner_pid" || true; } &&
	[ -S vol/.drydock/control ] && run 0 collect vol && blobs_gone vol "$orphan" &&
	own 0 && run 0 collect vol && errands 1 && stop_owning && [ ! -e vol/.drydock/control ]
'

test_case 'another user is turned away' '
	need_root && from_template && own 0 && chmod 0666 vol/.drydock/control &&
	run 3 as_nobody collect vol 2>err && blobs_exist vol "$orphan" &&
	errands 0 && stop_owning
'

test_case 'a root deeper than an address holds' '
	deep=$(printf "%0100d/%0100d" 1 2) && from_template && mkdir -p "$deep" && mv vol "$deep/" &&
	cd "$deep" && own 0 && run 0 collect vol && errands 1 && blobs_gone vol "$orphan" &&
	stop_owning
'

test_case 'a gate that is named from outside opens nothing' '
	from_template && own 0 && run 3 env DRYDOCK_GATE=9 drydock gc --root vol --apply 2>err \
		9<>/dev/null && says "gate" err && blobs_exist vol "$orphan" && errands 0 && stop_owning
'

# ---- signals ----

# interrupted SIGNAL STATUS
interrupted() {
	tell pause app && start gc collect vol && tell paused && kill "-$1" "$(cat gc.pid)" && tell go &&
		finish gc "$2" && tell take app "$dead" && run 0 drydock trash --root vol list &&
		tagged vol app:v1 "$image"
}

test_case 'a signal to the caller ends the run in order, and the status says so' '
	from_template && own 0 && interrupted TERM 143 && stop_owning && own 0 && run 0 collect vol &&
	blobs_gone vol "$orphan" "$dead" && stop_owning
'

test_case 'so does an interrupt from the keyboard' '
	from_template && own 0 && interrupted INT 130 && stop_owning && own 0 && run 0 collect vol &&
	blobs_gone vol "$orphan" "$dead" && stop_owning
'

test_case 'a caller that is killed stops the run, and nobody waits for what it held' '
	from_template && own 0 && tell pause app && start gc collect vol && tell paused && kill -9 "$(cat gc.pid)" && wait_until test -e gc.status && tell go &&
	tell take app "$dead" && stop_owning && run 0 collect vol
'

test_case 'who serves asks the worker to end when it ends itself' '
	from_template && own 0 && tell pause app && start gc collect vol && tell paused && { echo go; echo quit; } >&6 && wait "$owner_pid" &&
	finish gc 0,143 && run 0 collect vol &&
	blobs_gone vol "$orphan"
'

# ---- leases ----

test_case 'what a client was told of stays, and is reported' '
	from_template && own 3600000 0 && run 3 collect vol 2>err &&
	says "nothing is collected until" err && blobs_exist vol "$orphan" "$dead" && stop_owning
'

test_case 'a lease keeps link and blob until it runs out' '
	from_template && own 1 && tell pin app "$dead" && run 0 collect vol >out &&
	says "1 leased" out && blobs_gone vol "$orphan" && blobs_exist vol "$dead" &&
	layer_linked vol app "$dead" && run 0 collect vol --json >out &&
	json ".totals.leased_items == 1" out && valid gc out && tell unpin app "$dead" &&
	run 0 collect vol && blobs_gone vol "$dead" && stop_owning
'

test_case 'whoever asks for what goes at this moment waits, and sees it gone' '
	from_template && own 1 && tell pause app && start gc collect vol && tell paused && tell background && tell take app "$dead" && tell waiting &&
	layer_linked vol app "$dead" && tell go && tell join && finish gc 0 &&
	! layer_linked vol app "$dead" && stop_owning
'

test_case 'a push that comes after the mark stays, though its lease has run out' '
	from_template && late=$(put_blob vol "pushed late") && own 1 && tell pause app &&
	start gc collect vol && tell paused && tell pin other "$late" &&
	link_layer vol other "$late" && tell unpin other "$late" && sleep 0.01 && tell go &&
	finish gc 0 && blobs_exist vol "$late" && layer_linked vol other "$late" && stop_owning
'

test_case 'a tag that is written during the mark is not removed' '
	from_template && other=$(put_image vol app:v2 "base" "else") && own 1 && tell pause app &&
	start gc drydock rm --root vol app:v1 app:v2 --apply && tell paused &&
	tell pin app tag:v2 && tag vol app:v2 "$image" && tell unpin app tag:v2 && tell go &&
	finish gc 0 && tagged vol app:v2 "$image" && blobs_exist vol "$image" "$(digest_of top)" &&
	stop_owning
'

test_case 'an upload at work stays, however old it is said to be' '
	from_template && uuid=6b3c4c4e-8f0c-4e4f-9d0a-000000000001 &&
	put_upload vol app $uuid half 30d && own 1 && tell pin app "upload:$uuid" && run 0 collect vol >out && says "1 leased" out &&
	[ -d "$(upload_dir vol app $uuid)" ] && tell unpin app "upload:$uuid" && run 0 collect vol &&
	[ ! -d "$(upload_dir vol app $uuid)" ] && stop_owning
'

# ---- somebody else writes ----

test_case 'what nobody told of is noticed once, and collected by grace from then on' '
	from_template && age vol everything 2d && own 1 && alien=$(put_blob vol "by another hand") &&
	run 3 collect vol 2>err && says "somebody else" err && blobs_exist vol "$dead" "$alien" &&
	run 0 collect vol && blobs_gone vol "$dead" && blobs_exist vol "$alien" &&
	run 0 collect vol && [ "$(grep -c "somebody else writes" owner.log)" = 1 ] &&
	tell counts >counts && says foreign=1 counts && stop_owning
'

test_case 'a tag by another hand is noticed, too' '
	from_template && own 1 && put_image vol app:alien "base" "alien" >/dev/null &&
	run 3 collect vol 2>err && says "somebody else" err && stop_owning
'

test_case 'what it wrote itself goes without grace' '
	from_template && own 1 && ours=$(put_blob vol "by our own hand") &&
	file=$(blob_data vol "$ours") && tell wrote "${file#vol/}" && run 0 collect vol &&
	blobs_gone vol "$ours" "$orphan" && tell counts >counts && says foreign=0 counts && stop_owning
'

test_case 'what a run of ours puts back is not taken for another hand' '
	from_template && own 1 && run 0 collect vol && blobs_gone vol "$orphan" &&
	run 0 drydock trash --root vol restore latest --apply && blobs_exist vol "$orphan" &&
	run 0 collect vol && blobs_gone vol "$orphan" && tell counts >counts && says foreign=0 counts && stop_owning
'

# ---- collections of its own ----

test_case 'it collects by itself' '
	from_template && own 1 3600000 --grace 0 --min-free 0 &&
	wait_until grep -q "collection: done" owner.log && stop_owning &&
	blobs_gone vol "$orphan" "$dead" && says "collection: done, status 0" owner.log
'

done_testing
