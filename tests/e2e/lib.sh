# shellcheck shell=bash
# What the end-to-end tests stand on. A test file sources this, says its cases
# by test_case, and ends with done_testing; it prints TAP and runs on its own:
#
#	BUILD=/tmp/build prove tests/e2e/gc_plan.t
#
# DRYDOCK names another binary than $BUILD/drydock; KEEP=1 leaves the working
# directory behind; ONLY='regular expression' runs the cases whose name matches.

e2e=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$e2e/../.." && pwd)
BUILD=${BUILD:-$top/build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
DRYDOCK=${DRYDOCK:-$BUILD/drydock}
case $DRYDOCK in /*) ;; *) DRYDOCK=$PWD/$DRYDOCK ;; esac

if [ ! -x "$DRYDOCK" ]; then
	echo "Bail out! There is no $DRYDOCK: make it, or name another by DRYDOCK"
	exit 1
fi
if [ ! -x "$BUILD/tests/launch" ]; then
	echo "Bail out! There is no $BUILD/tests/launch: make test-programs"
	exit 1
fi

export LC_ALL=C.UTF-8 TZ=UTC
unset DRYDOCK_ROOT DRYDOCK_CACHE XDG_CACHE_HOME
unset "${!REGISTRY_@}"

# A sanitizer's report must not look like one of our exit statuses.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}exitcode=97"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}halt_on_error=1:exitcode=98"
export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}halt_on_error=1:exitcode=99"

# Thousands of small volumes come and go: a disk's file system takes longer over that than the tool
# does. They lie in memory where there is room for them, but for the stories that registries, the
# server and collections play as they do at a user's; TMPDIR says otherwise.
room() {
	[ -w "$1" ] && ! findmnt -n -o OPTIONS -T "$1" | grep -qw noexec &&
		[ "$(df --output=avail -B 1M "$1" | tail -n 1)" -ge 2048 ]
}

place_for() {
	case ${1##*/} in
	real_* | soak.t | drydockd_* | gc_apply.t) echo /tmp ;;
	*) room /dev/shm 2>/dev/null && echo /dev/shm || echo /tmp ;;
	esac
}

work=$(mktemp -d "${TMPDIR:-$(place_for "$0")}/drydock-e2e.XXXXXX") || exit 1
# An ordinary user must get through to the volumes made below.
chmod 0755 "$work"
mkdir "$work/bin" "$work/home"
export DRYDOCK_CACHE="$work/cache" # never that of the machine
ln -s "$DRYDOCK" "$work/bin/drydock"
# by_path COMMAND…: without the right to copy mounts, below which no tracer knows a path.
# shellcheck disable=SC2016 # the script's own words
printf '#!/bin/sh\n[ "$(id -u)" != 0 ] || exec setpriv --bounding-set=-sys_admin -- "$@"\nexec "$@"\n' \
	>"$work/bin/by_path"
chmod +x "$work/bin/by_path"
# Thousands of reports are asked one thing each, for which jq 1.6 takes ten times as long to start.
if command -v gojq >/dev/null; then
	ln -s "$(command -v gojq)" "$work/bin/jq"
fi
real_home=${HOME-}
export PATH="$work/bin:$PATH:/usr/sbin:/sbin" HOME="$work/home"

case_number=0
failures=0
exec 7>&2

finish_file() {
	if [ "${KEEP:-0}" = 1 ]; then
		echo "# kept: $work"
	else
		rm -rf --one-file-system "$work"
	fi
}
trap finish_file EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# diagnose DEPTH: what a failing case has to say, as TAP diagnostics: the commands
# of its body, which runs that deep in functions, and what they printed.
diagnose() {
	echo "#   last commands:"
	sed -n "s/^+*$(($1 + 1)): /#     /p" "$work/trace" | tail -n 12 | cut -c 1-300
	echo "#   output:"
	tail -n 60 "$work/log" | cut -c 1-500 | tr -d '\000' | sed 's/^/#     /'
}

# A function of its own, so that a body may return from within a loop.
run_body() {
	eval "$1"
}

# test_case SENTENCE BODY: the body is one chain of commands joined by &&, run
# in a directory of its own. A statement outside the chain would hide whatever
# failed before it, so the chain is checked first.
test_case() {
	local sentence=$1 body=$2 dir status

	if ! [[ $sentence =~ ${ONLY:-.} ]]; then
		return
	fi
	case_number=$((case_number + 1))
	dir=$work/$case_number
	mkdir "$dir"
	rm -f "$work/skip"
	(
		cd "$dir" || exit 1
		exec </dev/null >"$work/log" 2>&1 7>&1 8>"$work/trace"
		trap run_cleanups EXIT
		run_body "(exit 117) && $body"
		status=$?
		if [ "$status" != 117 ]; then
			say "the && chain is broken (status $status)"
			exit 1
		fi
		BASH_XTRACEFD=8
		PS4='+${#FUNCNAME[@]}: '
		set -x
		run_body "$body"
		status=$?
		set +x
		exit "$status"
	) 2>/dev/null
	status=$?
	if [ "$status" != 0 ]; then
		failures=$((failures + 1))
		echo "not ok $case_number - $sentence"
		diagnose "${#FUNCNAME[@]}"
	elif [ -e "$work/skip" ]; then
		echo "ok $case_number - $sentence # SKIP $(cat "$work/skip")"
	else
		echo "ok $case_number - $sentence"
	fi
	if [ "${KEEP:-0}" != 1 ]; then
		chmod -R u+rwX "$dir" 2>/dev/null
		rm -rf --one-file-system "$dir"
	fi
}

# template FUNCTION: runs it once, before the cases, in a directory of its own; the
# variables that it sets are there for all of them, and from_template copies what
# it made into the directory of a case.
template() {
	mkdir "$work/template"
	if ! { pushd "$work/template" && "$1" && popd; } >/dev/null; then
		echo "Bail out! $1 failed"
		exit 1
	fi
}

from_template() {
	cp -a "$work/template/." .
}

done_testing() {
	echo "1..$case_number"
	[ "$failures" = 0 ]
	exit
}

# skip WHY, in a body or, before the first case, for the whole file.
skip() {
	if [ "$BASH_SUBSHELL" = 0 ]; then
		echo "1..0 # SKIP $*"
		exit 0
	fi
	echo "$*" >"$work/skip"
	exit 0
}

# What container engines do when they unpack: not in a chroot, whose root is no mount.
need_mounted_root() {
	findmnt -n / >/dev/null || skip "the root directory is not mounted"
}

# The sum of the numbers on standard input, one a line.
add_up() {
	awk '{ sum += $1 } END { printf "%d\n", sum }'
}

need_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

need_command() {
	local command
	for command; do
		command -v "$command" >/dev/null || skip "needs $command"
	done
}

# A tracer, and the right to use it.
need_strace() {
	need_command strace
	strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
	# Leaks cannot be looked for in a traced process.
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
}

# Address space limits and figures of memory mean nothing under a sanitizer.
sanitized() {
	grep -aqE '__(asan|tsan|msan)_init' "$DRYDOCK"
}

# say TEXT…: into the diagnostics, wherever stderr goes at the moment.
say() {
	printf '%s\n' "$*" >&7
}

# on_exit COMMAND…: run when the case ends, the latest first.
cleanups=()
on_exit() {
	cleanups=("$*" "${cleanups[@]}")
}

run_cleanups() {
	local command
	for command in "${cleanups[@]}"; do
		eval "$command"
	done
}

# Words that run and start know in the place of a command, for what is said often:
#
#	as_nobody COMMAND…	under an identity that owns nothing
#	plan VOL [OPTION…]	gc of everything that is not reached, however young
#	collect VOL [OPTION…]	the same, applied, however full the disk is
#	with_space FREE SIZE COMMAND…	where so many bytes of so many are free
#	trash …			drydock trash, of the volume "vol"
#
# The expanded command is left in the array "command".
expand() {
	command=()
	while :; do
		case $1 in
		as_nobody)
			nobody_binary || return
			command+=(env "PATH=$work/nobody:$PATH" HOME=/nonexistent
				setpriv --reuid=65534 --regid=65534 --clear-groups --)
			shift
			;;
		with_space)
			command+=(env "LD_PRELOAD=$BUILD/tests/space.so" "DRYDOCK_TEST_SPACE=$2 $3"
				"ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0:detect_leaks=0")
			shift 3
			;;
		plan)
			command+=(drydock gc --root "$2" --grace 0 "${@:3}")
			return 0
			;;
		collect)
			command+=(drydock gc --root "$2" --grace 0 --min-free 0 --apply "${@:3}")
			return 0
			;;
		trash)
			command+=(drydock trash --root vol "${@:2}")
			return 0
			;;
		*)
			command+=("$@")
			return 0
			;;
		esac
	done
}

# The binary may lie where that user cannot go.
nobody_binary() {
	need_root && need_command setpriv || return
	if [ ! -x "$work/nobody/drydock" ]; then
		mkdir -p "$work/nobody" && cp -L "$DRYDOCK" "$work/nobody/drydock"
	fi
}

# run STATUS[,STATUS] COMMAND…: exactly this exit status; a death by signal or a
# time-out is never the status that was asked for.
run() {
	local wanted=$1 command verdict
	expand "${@:2}" || return
	{ verdict=$("$BUILD/tests/launch" -l "${RUN_LIMIT:-60}" -- "${command[@]}" 3>&1 >&9); } 9>&1
	case ,$wanted, in
	*,"${verdict#exit }",*) return 0 ;;
	esac
	say "wanted status $wanted, got $verdict: ${command[*]}"
	show_stream 1
	show_stream 2
	return 1
}

# What a redirected stream of the command received.
show_stream() {
	local file
	file=$(readlink "/proc/$BASHPID/fd/$1")
	if [ -f "$file" ] && [ "$file" != "$work/log" ]; then
		tail -n 20 "$file" >&7
	fi
}

# start NAME COMMAND…: in the background; NAME.pid appears once it runs.
start() {
	local name=$1 command
	expand "${@:2}" || return
	rm -f "$name.pid" "$name.status"
	"$BUILD/tests/launch" -l "${RUN_LIMIT:-60}" -p "$PWD/$name.pid" -s "$PWD/$name.status" \
		-- "${command[@]}" >"$name.out" 2>"$name.err" &
	on_exit "stop_started '$PWD/$name'"
	wait_until test -e "$name.pid"
}

# The launcher notices that its command ended, so its name is no one else's.
stop_started() {
	if [ ! -e "$1.status" ]; then
		kill -CONT -- "-$(cat "$1.pid")"
		kill -KILL -- "-$(cat "$1.pid")"
		# How it ended is still written down.
		wait_until test -e "$1.status"
	fi 2>/dev/null
	return 0
}

# finish NAME STATUS[,STATUS]: waits for what was started and judges it as run does.
finish() {
	local verdict
	wait_until test -e "$1.status" || return 1
	verdict=$(cat "$1.status")
	case ,$2, in
	*,"${verdict#exit }",*) return 0 ;;
	esac
	say "wanted status $2 of $1, got $verdict"
	tail -n 20 "$1.err" >&7
	return 1
}

# wait_until COMMAND…: up to a minute.
wait_until() {
	local tries=0
	until "$@" 2>/dev/null; do
		tries=$((tries + 1))
		if [ "$tries" -gt 1200 ]; then
			say "never came true: $*"
			return 1
		fi
		sleep 0.05
	done
}

# says REGEX FILE: a line of the file matches, whatever its case.
says() {
	if ! grep -aiqE -e "$1" -- "$2"; then
		say "no line of $2 says '$1':"
		tail -n 30 "$2" >&7
		return 1
	fi
}

says_not() {
	if grep -aiqE -e "$1" -- "$2"; then
		say "$2 says '$1':"
		grep -aiE -e "$1" -- "$2" >&7
		return 1
	fi
}

same() {
	diff -u "$1" "$2" >&7
}

# shellcheck source=tests/e2e/volume.sh
. "$e2e/volume.sh"
# shellcheck source=tests/e2e/report.sh
. "$e2e/report.sh"
# shellcheck source=tests/e2e/tracing.sh
. "$e2e/tracing.sh"
