# shellcheck shell=bash
# Stopping the tool between two system calls, so that a test can do in peace what
# a registry, an operator or a signal might do just then.

# pause_after NAME CALL N COMMAND…: starts it and returns when it stands still
# after the Nth CALL (of those on $paused_at, if set); fails if it ended without.
pause_after() {
	local name=$1 call=$2 nth=$3
	shift 3
	rm -f "$name.trace"
	start "$name" strace -f -qq -o "$name.trace" -e trace="$call" \
		${paused_at:+-P "$paused_at"} -e inject="$call:signal=SIGSTOP:when=$nth" \
		${paused_at:+by_path} drydock "$@" || return
	wait_until paused_or_ended "$name" && is_paused "$name"
}

is_paused() {
	grep -qF -e '--- stopped by SIGSTOP ---' "$1.trace" && [ ! -e "$1.status" ]
}

paused_or_ended() {
	is_paused "$1" || [ -e "$1.status" ]
}

# The tool itself, below the tracer.
traced_pid() {
	local tracer
	tracer=$(cat "$1.pid")
	tr -d ' ' <"/proc/$tracer/task/$tracer/children"
}

# resume NAME STATUS: lets it run to its end. Each of its threads stops once.
resume() {
	local pid
	pid=$(traced_pid "$1")
	wait_until ended_or_continued "$1" "$pid" && finish "$1" "$2"
}

ended_or_continued() {
	kill -CONT "$2"
	[ -e "$1.status" ]
}

# interrupt NAME SIGNAL STATUS: what the signal makes of it.
interrupt() {
	kill "-$2" "$(traced_pid "$1")" && resume "$1" "$3"
}

# calls_of CALL COMMAND…: how many times it succeeds in one run of the tool.
calls_of() {
	local call=$1
	shift
	strace -f -qq -o calls.trace -e trace="$call" drydock "$@" >&7 2>&7
	grep -cE "$call\(.* = 0$" calls.trace
}
