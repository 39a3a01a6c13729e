#!/bin/bash
# drydockd, by the distribution specification's own suite.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"

# With the caches of whoever runs us, not those of the test's own home.
suite=$(BUILD=$BUILD HOME=$real_home "$top/script/go-program" conformance 2>"$work/why") ||
	skip "$(tail -n 1 "$work/why")"

test_case 'the conformance suite passes, all of it, and nothing is skipped' '
	[ -x "$suite" ] && RUN_LIMIT=600 run 0 env BUILD="$BUILD" HOME="$real_home" \
		sh "$top/script/conformance" "$PWD/report" >out && cat out >&7
'

done_testing
