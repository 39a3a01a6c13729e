#!/bin/bash
# verify, run after run: on a volume that is at work, within limits, and what it remembers.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/verified.sh
. "$e2e/verified.sh"

# ---- a volume that is at work ----

# stop_at NAME CALL PATH ARGUMENT…: verify, stopped after the first such call on that path.
stop_at() {
	local name=$1 call=$2 path
	path=$(realpath "$3") && rm -f "$name.trace" &&
		start "$name" by_path strace -f -qq -o "$name.trace" -P "$path" -e trace="$call" \
			-e inject="$call:signal=SIGSTOP:when=1" drydock verify --root vol --json \
			"${@:4}" && wait_until paused_or_ended "$name" && is_paused "$name"
}

test_case 'a blob that was half written when it was read, and is whole by now, is no damage' '
	need_strace && from_template && data=$(blob_data vol $one) && printf "layer" >"$data" &&
	stop_at verify read "$data" -j 1 && printf "layer one" >"$data" && resume verify 0 &&
	valid_lines verify verify.out && summary ".errors == 0 and .verified_blobs == 10" verify.out
'

test_case 'a blob that goes on changing is not judged, and counted' '
	need_strace && from_template && data=$(blob_data vol $one) && printf "layer" >"$data" &&
	{ while sleep 0.01; do printf x >>"$data"; done & } && on_exit kill $! &&
	run 0 by_path strace -f -qq -o trace -P "$(realpath "$data")" -e trace=read,preadv2 \
		-e inject=read:delay_exit=300000 drydock verify --root vol --json >report && summary ".changed_blobs == 1" report
'

test_case 'while a blob goes on changing nobody says that every byte is as it was stored' '
	need_strace && from_template && data=$(blob_data vol $one) && printf "layer" >"$data" &&
	{ while sleep 0.01; do printf x >>"$data"; done & } && on_exit kill $! &&
	run 0 by_path strace -f -qq -o trace -P "$(realpath "$data")" -e trace=read,preadv2 \
		-e inject=read:delay_exit=300000 drydock verify --root vol >report &&
	says "changed +1 blob" report && says_not "every byte" report
'

test_case 'a large blob that somebody writes to all the time keeps nobody for ever' '
	need_strace && from_template && data=$(blob_data vol $one) && head -c 200000 /dev/zero >"$data" &&
	{ while sleep 0.01; do printf x >>"$data"; done & } && on_exit kill $! &&
	run 0 timeout 120 by_path strace -f -qq -o trace -P "$(realpath "$data")" -e trace=read \
		-e inject=read:delay_exit=300000 drydock verify --root vol --json >report && summary ".changed_blobs == 1" report
'

test_case 'a blob that is deleted after it was seen is no damage' '
	need_strace && from_template && loose=$(put_blob vol loose) &&
	stop_at verify getdents64 "$(dirname "$(blob_dir vol $loose)")" -j 1 &&
	remove_blob vol $loose && resume verify 0 &&
	summary ".errors + .warnings + .notes == 0 and .blobs == 10" verify.out
'

test_case 'a repository or an image that is removed after it was seen is no damage' '
	need_strace && from_template && stop_at verify read "$(blob_data vol $one)" -j 1 --no-index &&
	rm -r "$(repository_dir vol far)" && tag vol app:v1 $beside && delete_revision vol app $image &&
	rm -r "$(dirname "$(layer_link vol app $one)")" && resume verify 0 &&
	valid_lines verify verify.out && summary ".errors == 0 and .warnings == 0" verify.out
'

test_case 'an image that is pushed meanwhile is no damage' '
	need_strace && from_template &&
	stop_at verify getdents64 "$(repository_dir vol app)/_layers/sha256" &&
	put_image vol app:v3 base "layer three" && resume verify 0 &&
	summary ".errors + .warnings + .notes == 0" verify.out
'

# The blob that is read first.
test_case 'an interrupted run tells what it found, and ends as one' '
	need_strace && from_template && echo x >vol/docker/registry/v2/blobs/sha256/README &&
	lowest=$(put_blob vol "low 33") && [[ $lowest = sha256:00* ]] &&
	stop_at verify read "$(blob_data vol $lowest)" -j 1 --no-index --rate 10B &&
	interrupt verify INT 130 && valid_lines verify verify.out && found verify.out alien .path &&
	summary "(.complete | not) and .left_blobs > 0" verify.out
'

# ---- limits, output ----

test_case '--max-bytes reads no more than that, and says what is left' '
	make_volume vol && for i in 1 2 3 4 5; do put_blob vol "$(printf %01000d $i)"; done &&
	finds 0 -- --no-index --max-bytes 2500 && summary ".read_bytes == 2000 and .left_blobs == 3" report &&
	summary ".left_bytes == 3000 and .complete" report &&
	run 0 drydock verify --root vol --no-index --max-bytes 2500 >text && says "not read +3 blobs" text &&
	says_not "to go" text
'

test_case 'a limited run tells how many like it will have read all, if the next one goes on from there' '
	make_volume vol && for i in 1 2 3 4 5; do put_blob vol "$(printf %01000d $i)"; done && sleep 2.1 &&
	run 0 drydock verify --root vol --max-bytes 2000 >text && says "; about 2 such runs to go$" text &&
	run 0 drydock verify --root vol --max-bytes 2000 >text && says "; about 1 such run to go$" text &&
	run 0 drydock verify --root vol --max-bytes 2000 >text && says_not "to go" text &&
	run 0 drydock verify --root vol --full --max-bytes 10B >text && says "about 4 such runs to go$" text
'

test_case 'a bar is full when as much is read as the run may read' '
	make_volume vol && for i in 1 2 3 4; do put_blob vol "$(printf %0250000d $i)"; done &&
	run 0 drydock verify --root vol --no-index --max-bytes 500000B --rate 100K --progress always 2>err &&
	tr "\r\033" "\n\n" <err >lines && says "^reading .* of 488.3 KiB," lines &&
	says_not "^reading .* of 976.6 KiB" lines
'

test_case 'what an interrupted run did not come to is as old as it was' '
	need_strace && make_volume vol && for i in 1 2 3; do put_blob vol "$(printf %01000d $i)"; done &&
	sleep 2.1 && finds 0 && first=$(summary .oldest_read report) && sleep 1.1 &&
	stop_at verify read "$(blob_data vol "$(digest_of "$(printf %01000d 2)")")" -j 1 --full --rate 10B &&
	interrupt verify INT 130 && [ "$(summary .oldest_read verify.out)" = "$first" ] &&
	summary ".left_blobs > 0 and .left_bytes > 0" verify.out
'

test_case '--budget begins nothing after that' '
	make_volume vol && for i in 1 2 3; do put_blob vol "$(printf %01000d $i)"; done &&
	finds 0 -- --no-index --budget 1s --rate 500 -j 1 && summary ".left_blobs > 0 and .read_blobs > 0" report
'

test_case '--rate keeps all threads together below it' '
	make_volume vol && for i in 1 2 3 4 5; do put_blob vol "$(printf %01000d $i)"; done &&
	finds 0 -- --no-index --rate 2000 && summary ".reading_milliseconds >= 1900" report &&
	run 0 drydock verify --root vol --no-index --rate 2000 2>err >text &&
	says "to read: 4.9 KiB in 5 blobs, which takes 2 seconds" err
'

test_case '--max-load is a number, and where the load is below it nothing waits' '
	from_template && finds 0 -- --max-load 9999 && summary ".left_blobs == 0" report &&
	summary ".waited_milliseconds == 0" report && finds 0 -- --max-load 9998.75 &&
	for wrong in -1 1. .5 1,5 1e3 10000 x ""; do
		run 2 drydock verify --root vol "--max-load=$wrong" || exit 1
	done && run 2 drydock verify --root vol --quick --max-load 1
'

# ---- what is remembered ----

test_case 'a second run reads nothing that has not changed, and finds what has' '
	from_template && sleep 2.1 && finds 0 && summary ".remembered_blobs == 0" report &&
	finds 0 && summary ".remembered_blobs == 10 and .read_blobs == 0" report &&
	summary ".oldest_read" report && touch -r "$(blob_data vol $one)" stamp &&
	flip_blob vol $one && touch -r stamp "$(blob_data vol $one)" && finds 1 blob-corrupt &&
	summary ".remembered_blobs == 9" report && finds 1 blob-corrupt
'

test_case 'what was verified too long ago is read again, and so is everything by --full' '
	from_template && sleep 2.1 && finds 0 && finds 0 -- --reverify-after 0 &&
	summary ".remembered_blobs == 0 and .read_blobs == 10" report && finds 0 -- --full &&
	summary ".remembered_blobs == 0" report && finds 0 -- --no-index &&
	summary ".remembered_blobs == 0" report && finds 0 -- --reverify-after 1h &&
	summary ".remembered_blobs == 10" report
'

# opens COUNT [OPTION…]: so many links and blobs are opened by a verification; a revision's and that
# of a tag's history are called the same, and are one.
opens() {
	run 0 strace -f -qq -o trace -e trace=openat,openat2 drydock verify --root vol -q "${@:2}" || return
	sed -nE "s,.*[/\"]([^/\"]*/(link|data))\".*,\1,p" trace | sort -u >opened &&
		{ [ "$(wc -l <opened)" -eq "$1" ] || { cat opened >&7 && return 1; }; }
}

test_case 'a second run opens neither links nor blobs, unless it is to read everything' '
	need_strace && make_volume vol && put_image vol app:v1 one two && sleep 2.1 &&
	opens 9 && opens 0 && opens 9 --full && opens 0 && opens 9 --no-index &&
	opens 9 --reverify-after 0 && opens 0
'

# damage_file HOW FILE: its times are as they were.
damage_file() {
	cp -p "$2" good && cp -p "$2" bad && printf x | dd of=bad bs=1 seek=20 conv=notrunc status=none &&
		touch -r good bad || return
	case $1 in
	in_place) cat bad >"$2" && touch -r good "$2" ;;
	renamed) mv bad "$2" ;;
	esac
}

# What is remembered of before the damage changes nothing; nor does what the look itself remembers.
same_findings() {
	run 0,1 drydock verify --root vol --json --no-index >report && findings report >without &&
		[ -s without ] || return
	for turn in 1 2; do
		run 0,1 drydock verify --root vol --json >report && findings report >with &&
			same without with || return
	done
}

damage_each() {
	local file
	for file in "$(layer_link vol app "$(digest_of two)")" "$(revision_link vol app "$image")" \
		"$(current_link vol app:v1)" "$(history_link vol app:v1 "$image")" \
		"$(blob_data vol "$image")"; do
		say "$file"
		rm -rf known && cp -a kept known && damage_file "$1" "$file" && same_findings &&
			cp -p good "$file" || return
	done
}

test_case 'a link or a manifest that is damaged after it was remembered is found' '
	export DRYDOCK_CACHE=$PWD/known && make_volume vol && image=$(put_image vol app:v1 one two) &&
	sleep 2.1 && finds 0 && mv known kept && damage_each in_place && damage_each renamed
'

test_case 'a link or a manifest that is damaged right after it was written and verified is found' '
	export DRYDOCK_CACHE=$PWD/known && make_volume vol && image=$(put_image vol app:v1 one two) &&
	finds 0 && summary ".remembered_blobs == 0" report && mv known kept && damage_each in_place
'

test_case 'night after night a limited run goes on where the last one stopped' '
	make_volume vol && for i in 1 2 3 4 5; do put_blob vol "$(printf %01000d $i)"; done &&
	sleep 2.1 && finds 0 -- --max-bytes 2500 && summary ".left_blobs == 3" report &&
	summary ".never_blobs == 3" report && finds 0 -- --max-bytes 2500 &&
	summary ".left_blobs == 1 and .remembered_blobs == 2" report &&
	finds 0 -- --max-bytes 2500 && summary ".left_blobs == 0 and .never_blobs == 0" report &&
	finds 0 -- --max-bytes 2500 && summary ".read_blobs == 0" report
'

test_case 'with a limit what was read longest ago goes first' '
	make_volume vol && put_blob vol "$(printf %01000d 1)" && sleep 2.1 && finds 0 &&
	first=$(summary .oldest_read report) &&
	for i in 2 3 4 5; do put_blob vol "$(printf %01000d $i)"; done && sleep 2.1 && finds 0 &&
	[ "$(summary .oldest_read report)" = "$first" ] &&
	finds 0 -- --reverify-after 0 --max-bytes 1000 && summary ".read_blobs == 1" report &&
	[ "$(summary .oldest_read report)" != "$first" ]
'

test_case 'when what was longest not read was read is known without the index, by the log of runs' '
	make_volume vol && for i in 1 2 3 4 5; do put_blob vol "$(printf %01000d $i)"; done &&
	age vol everything 9d && sleep 2.1 && export DRYDOCK_CACHE=$PWD/cache && finds 0 &&
	first=$(summary .oldest_read report) && sleep 1.1 && rm cache/*/index &&
	printf torn >>"$(echo cache/*/runs)" && finds 0 -- --max-bytes 2500 &&
	summary ".left_blobs == 3 and .never_blobs == 0" report &&
	[ "$(summary .oldest_read report)" = "$first" ] && put_blob vol new &&
	finds 0 -- --max-bytes 10B && summary ".never_blobs == 0 and .left_blobs == 3" report &&
	[ "$(summary .oldest_read report)" = "$first" ] && finds 0 &&
	summary ".remembered_blobs >= 2" report &&
	[ "$(summary .oldest_read report)" != "$first" ] && rm cache/*/runs &&
	ln -s nowhere "$(echo cache/*/)runs" && finds 0 && run 0 drydock verify --root vol 2>err &&
	says "runs is a symbolic link" err
'

test_case 'options that make no sense are refused' '
	from_template && run 2 drydock verify --root vol --quick --rate 1M 2>err && says quick err &&
	run 2 drydock verify --root vol --quick --full && run 2 drydock verify --root vol a b &&
	run 2 drydock verify --root vol --max-bytes 0 && run 2 drydock verify --root vol --rate fast &&
	run 2 drydock verify --root vol --budget 0 2>err && says budget err
'

test_case 'metrics are written whatever comes of it, with the last success' '
	from_template && run 0 drydock verify --root vol --metrics m.prom &&
	says "^drydock_verify_success{volume=\".*/vol\"} 1$" m.prom &&
	says "^drydock_verify_read_bytes{volume=" m.prom &&
	last=$(grep ^drydock_verify_last_success m.prom) && says " [1-9][0-9.]*$" <(echo "$last") &&
	flip_blob vol $one && age vol everything 9d && run 1 drydock verify --root vol --metrics m.prom &&
	says "^drydock_verify_success{.*} 0$" m.prom && says "finding=\"blob-corrupt\"} 1$" m.prom &&
	[ "$(grep ^drydock_verify_last_success m.prom)" = "$last" ] &&
	run 2 drydock verify --root nowhere --metrics m2.prom && says "_success{.*} 0$" m2.prom &&
	run 3 drydock verify --root vol app:v2 --metrics /nonexistent/m.prom 2>err &&
	says "nonexistent" err && [ -z "$(find . -name "m*.prom.*")" ]
'

test_case 'metrics of a run that did not find the volume are about the one of the run before' '
	from_template && run 0 drydock verify --root vol/docker/registry/v2 --metrics m.prom &&
	last=$(grep ^drydock_verify_last_success m.prom) && mv vol away &&
	for how in "--root vol/docker/registry/v2" "--config registry.yml" ""; do
		echo "storage: {filesystem: {rootdirectory: $PWD/vol}}" >registry.yml &&
		DRYDOCK_ROOT=$PWD/vol/docker run 2 drydock verify $how --metrics m.prom 2>err &&
		says "^drydock_verify_success{volume=\"$PWD/vol\"} 0$" m.prom &&
		[ "$(grep ^drydock_verify_last_success m.prom)" = "$last" ] || exit
	done
'

test_case 'metrics do not take the place of what is no file: a pipe, a device by a link' '
	from_template && mkfifo pipe && ln -s /dev/zero link && mkdir directory &&
	for what in pipe link directory; do
		run 2 drydock verify --root vol --metrics $what 2>err && says "not a regular file" err || return
	done && [ -p pipe ] && [ -L link ] &&
	run 2 drydock du --root vol --metrics pipe 2>err && says "not a regular file" err && [ -p pipe ] &&
	run 2 drydock verify --root vol --metrics= >text 2>err && says "name of the file is empty" err &&
	[ ! -s text ]
'

test_case 'for cron it is silent until there is damage' '
	from_template && run 0 drydock verify --root vol -q >text 2>&1 && [ ! -s text ] &&
	flip_blob vol $one && age vol everything 9d && run 1 drydock verify --root vol -q >text 2>&1 &&
	says "needs a person" text && says "$one" text && says_not Verified text
'

done_testing
