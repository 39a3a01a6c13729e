#!/bin/bash
# drydockd: sequences of requests that were valid until they were changed at random.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"

need_command curl jq

# FUZZ_SEED and FUZZ_COUNT search on.
test_case 'requests that were changed at random are answered, and change nothing that they should not' '
	mkdir outside && cd outside && serve vol && before=$(ls -A . ..) &&
	/usr/bin/python3 "$top/tests/fuzz/http.py" "$host" "${FUZZ_SEED:-1}" "${FUZZ_COUNT:-750}" >&7 &&
	[ "$before" = "$(ls -A . ..)" ] && stop && run 0 drydock verify --root vol &&
	[ -z "$(find vol -type l -o -name "*%*" -o -name "* *")" ]
'

done_testing
