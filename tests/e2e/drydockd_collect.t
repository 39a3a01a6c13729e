#!/bin/bash
# drydockd: collecting while it serves.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"

need_command curl jq

# with_lease DURATION [YAML]: the daemon, on the volume "vol", which lets clients delete.
with_lease() {
	mkdir -p vol && cat >config.yml <<-END && serve_config config.yml -v
		version: 0.1
		storage: {filesystem: {rootdirectory: $PWD/vol}, delete: {enabled: true}}
		drydock: {lease: $1${2+, $2}}
	END
}

# By now what a client was told before this is forgotten.
lease_over() {
	sleep 1.1
}

# However slow the collection is that comes next, its lease lasts: it is renewed until asked_enough.
go_on_asking() {
	ask 200 -I "$1" && : >asking && { while [ -e asking ] && curl -sfI "$1"; do :; done >/dev/null & } &&
		asker=$!
}

asked_enough() {
	rm asking && wait "$asker"
}

# The daemon, whose worker stands still, until "go_on": after its first call of this name, on the path that is given.
with_worker_stopped_at() {
	need_strace && cat >slow-drydock <<-END && chmod +x slow-drydock &&
		#!/bin/sh
		# Who is traced cannot look for leaks.
		export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
		exec $(command -v by_path) strace -D -f -qq -o $PWD/trace ${2+-P "$2"} \\
			-e trace=$1 -e inject=$1:signal=SIGSTOP:when=1 $DRYDOCK "\$@"
	END
		with_lease 1s "program: $PWD/slow-drydock"
}

# In the midst of its mark.
with_slow_worker() {
	with_worker_stopped_at getdents64 "$PWD/vol/docker/registry/v2/blobs/sha256"
}

# start_slow COMMAND…: as "gc", until its worker stands still.
start_slow() {
	start gc "$@" && wait_until grep -q "stopped by SIGSTOP" trace
}

# go_on STATUS: of "gc". Each of its threads stops once.
go_on() {
	wait_until ended_or_goes_on "$(cat daemon.pid)" && finish gc "$1"
}

ended_or_goes_on() {
	pkill -CONT -P "$1"
	[ -e gc.status ]
}

test_case 'what is handed over is done by the daemon, under its own user, and looks as ever' '
	with_lease 1s && image=$(push_image app v1) && orphan=$(push_text app "nobody needs it") &&
	lease_over && run 0 collect vol -m >out && says "2 objects of 2 withdrawn" out &&
	says "has \"drydock gc\" done" daemon.err && blobs_gone vol "$orphan" &&
	blobs_exist vol "$image" && ask 200 "$url/app/manifests/v1" && stop
'

test_case 'status says who serves the volume, and since when' '
	with_lease 1h && run 0 drydock status --root vol >text && says "Served: by drydockd, process" text &&
	run 0 drydock status --root vol --json >json && valid status json &&
	jq -e ".server.held and (.server.since | length > 0) and (.lock.held | not)" json && stop &&
	run 0 drydock status --root vol >text && says_not Served text
'

test_case 'right after the start nothing is collected, and until when is said' '
	with_lease 1h && orphan=$(push_text app "nobody needs it") && run 3 collect vol 2>err &&
	says "nothing is collected until" err && blobs_exist vol "$orphan" &&
	run 3 collect vol --json >out 2>err && stop
'

test_case 'a lease that is given as an option counts more than the configuration' '
	with_lease 1h && stop && serve_config config.yml --lease=1s &&
	orphan=$(push_text app "nobody needs it") && lease_over && run 0 collect vol &&
	blobs_gone vol "$orphan"
'

test_case 'what a client was told of stays as long as its lease' '
	with_lease 1s && orphan=$(push_text app "nobody needs it") && lease_over &&
	go_on_asking "$url/app/blobs/$orphan" && run 0 collect vol >out && says leased out &&
	blobs_exist vol "$orphan" && asked_enough && lease_over && run 0 collect vol && blobs_gone vol "$orphan"
'

test_case 'what was collected and is asked for is back, and was never gone' '
	with_lease 1s && orphan=$(push_text app "nobody needs it") && lease_over &&
	run 0 collect vol && blobs_gone vol "$orphan" && ask 200 -I "$url/app/blobs/$orphan" &&
	blobs_exist vol "$orphan" && layer_linked vol app "$orphan" &&
	ask 200 "$url/app/blobs/$orphan" && [ "$(cat body)" = "nobody needs it" ]
'

test_case 'a manifest that names what was collected is accepted, and pulls whole' '
	with_lease 1s && image=$(push_image app v1 same) && cp manifest.json again.json &&
	ask 202 -X DELETE "$url/app/manifests/$image" && lease_over && run 0 collect vol &&
	layer=$(jq -r ".layers[0].digest" again.json) && blobs_gone vol "$layer" &&
	ask 201 -X PUT -H "Content-Type: $type_image" --data-binary @again.json \
		"$url/app/manifests/v2" && blobs_exist vol "$layer" "$image" &&
	ask 200 "$url/app/blobs/$layer" && run 0 drydock verify --root vol --full
'

test_case 'what a client deleted stays gone, whoever asks, and can be put back by hand' '
	with_lease 1s && image=$(push_image app v1) && ask 202 -X DELETE "$url/app/manifests/$image" &&
	ask 404 "$url/app/manifests/$image" && ask 404 "$url/app/manifests/v1" && lease_over &&
	run 0 collect vol && ask 404 "$url/app/manifests/$image" &&
	run 0 drydock trash list --root vol >list && says "delete" list &&
	run=$(drydock trash list --root vol --json | jq -r ".runs | map(.run) | min") &&
	run 0 trash restore "$run" --apply && ask 200 "$url/app/manifests/v1" && stop
'

test_case 'while a collection is at work a client that deletes does not wait for its end' '
	with_slow_worker && kept=$(push_image app kept) && image=$(push_image app v1 other) &&
	orphan=$(push_text app "nobody needs it") && lease_over && start_slow collect vol -m &&
	ask 202 -m 20 -X DELETE "$url/app/manifests/v1" && ask 404 "$url/app/manifests/v1" &&
	ask 202 -m 20 -X DELETE "$url/app/manifests/$image" &&
	ask 202 -m 20 -X DELETE "$url/app/blobs/$(jq -r ".layers[0].digest" manifest.json)" &&
	go_on 0 && blobs_gone vol "$orphan" && ask 404 "$url/app/manifests/$image" &&
	ask 200 "$url/app/manifests/kept" && run 0 drydock trash list --root vol --json >runs &&
	jq -e "[.runs[].state] == [\"done\", \"done\", \"done\", \"done\"]" runs &&
	run 0 drydock verify --root vol --full
'

test_case 'a client that deletes while somebody else has the lock is told when to come again' '
	with_lease 1s && push_image app v1 >/dev/null && exec 8<>vol/.drydock/lock && flock 8 &&
	fails_with 503 UNAVAILABLE -X DELETE "$url/app/manifests/v1" && [ "$(header Retry-After)" ] &&
	says_not "$PWD|flock|process" body && exec 8>&- && ask 202 -X DELETE "$url/app/manifests/v1"
'

test_case 'rm takes what is named though it was pulled a moment ago, and at once it is gone' '
	with_lease 1h && image=$(push_image app v1) && other=$(push_image app v2 other) &&
	ask 200 "$url/app/manifests/v1" && run 0 drydock rm --root vol app:v1 --apply >out &&
	ask 404 "$url/app/manifests/v1" && ask 404 "$url/app/manifests/$image" &&
	ask 200 "$url/app/manifests/v2" && says leased out
'

test_case 'what another hand writes is noticed, and once it is only grace that counts' '
	with_lease 1s && push_image app v1 >/dev/null && lease_over &&
	alien=$(put_blob vol "by another hand") && run 3 collect vol 2>err &&
	says "somebody else" err && says "somebody else writes" daemon.err &&
	run 0 collect vol && blobs_exist vol "$alien" && stop
'

test_case 'whatever the daemon itself writes is no other hand' '
	with_lease 1s && image=$(push_image app v1) && push_image app v2 other >/dev/null &&
	new_upload app && ask 202 -X PATCH --data-binary @manifest.json "$location" &&
	ask 201 -X POST "$url/b/blobs/uploads/?mount=$(jq -r ".layers[0].digest" manifest.json)&from=app" &&
	ask 202 -X DELETE "$url/app/manifests/$image" && lease_over && run 0 collect vol -m &&
	run 0 trash restore latest --apply && run 0 collect vol -m && lease_over &&
	run 0 collect vol -m --leftovers && says_not "somebody else" daemon.err && stop
'

test_case 'it collects by itself, and says how it went' '
	with_lease 1s "collect: {every: 1s, options: [--grace, \"0\", --min-free, \"0\"]}" &&
	orphan=$(push_text app "nobody needs it") && file=$(blob_data vol "$orphan") &&
	wait_until test ! -e "$file" && wait_until grep -q "collection: done, status 0" daemon.err && stop
'

test_case 'a second daemon is refused, and one that was killed is not in the way' '
	with_lease 1s && push_image app v1 >/dev/null && serve_name=second &&
	run 4 drydockd --config config.yml --addr 127.0.0.1:0 2>err && says "is served by drydockd" err &&
	kill_daemon daemon && run 0 drydock gc --root vol --apply && with_lease 1s &&
	ask 200 "$url/app/manifests/v1" && stop second
'

test_case 'a daemon that ends asks its collection to end, and loses nothing' '
	with_lease 1s "collect: {every: 1h, options: [--grace, \"0\"]}" &&
	push_image app v1 >/dev/null && stop && run 0 drydock verify --root vol --full &&
	run 0 drydock gc --root vol --apply
'

test_case 'it ends in the midst of a collection: whoever waits for that is told, pulls are written down' '
	with_slow_worker && image=$(push_image app v1) && lease_over && ask 200 "$url/app/manifests/v1" &&
	start_slow collect vol && kill -TERM "$(cat daemon.pid)" && go_on 143 && finish daemon 0 &&
	grep -a "pull.* app .*v1" vol/.drydock/records && run 0 drydock verify --root vol --full
'

test_case 'a daemon that is killed leaves a worker that ends in order' '
	with_lease 1s && image=$(push_image app v1) && push_text app "nobody needs it" >/dev/null &&
	lease_over && start gc collect vol && kill_daemon && wait_until test -e gc.status &&
	run 0 drydock gc --root vol --grace 0 --lock-wait 1m --apply &&
	run 0 drydock verify --root vol --full && blobs_exist vol "$image"
'

# Killed while its worker has taken something and not given back what it holds; a client may wait for it.
# "worker" is that process.
kill_it_holding() {
	with_worker_stopped_at renameat2 && image=$(push_image app v1) &&
		orphan=$(push_text app "nobody needs it") && lease_over && start_slow collect vol &&
		worker=$(pgrep -P "$(cat daemon.pid)") && start head curl -sSI "$url/app/blobs/$orphan" &&
		kill_daemon daemon && finish head 7,52,56 && finish gc 3
}

# It stops in each of its threads.
worker_ended() {
	kill -CONT "$worker" || :
	flock -n vol/.drydock/lock true
}

# From the first moment of the next daemon on.
nothing_is_held_or_lost() {
	with_lease 1s && ask 200 -m 20 "$url/app/manifests/v1" &&
		ask 200 -m 20 "$url/app/blobs/$(jq -r ".layers[0].digest" manifest.json)" &&
		ask 200 -m 20 "$url/app/blobs/$orphan" && [ "$(cat body)" = "nobody needs it" ] &&
		push_image app v1 >/dev/null && lease_over && run 0 collect vol &&
		blobs_gone vol "$orphan" && ask 200 "$url/app/manifests/$image" &&
		run 0 drydock verify --root vol --full && says_not "somebody else" daemon.err && stop daemon
}

test_case 'a daemon that is killed while something is held leaves nothing held, and nothing lost' '
	kill_it_holding && wait_until worker_ended && nothing_is_held_or_lost
'

test_case 'nor if its worker is killed as well' '
	kill_it_holding && kill -KILL "$worker" && wait_until worker_ended && nothing_is_held_or_lost
'

done_testing
