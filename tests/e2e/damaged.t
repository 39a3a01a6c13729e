#!/bin/bash
# Every damaged volume is planned, collected and collected again: what must stay
# stays, what is dead goes, and the second run has nothing more to do.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

expected() {
	sed -n "s/^$1 //p" expectations
}

# judge FILE: the holds in a report are those that were expected.
judge_holds() {
	holds "$1" | cut -d ' ' -f 1,2 | sort >holds && expected hold | sort >expected.holds &&
		same expected.holds holds
}

survives() {
	local status keep goes
	status=$(expected status) && mapfile -t keep < <(expected keep) &&
		mapfile -t goes < <(expected goes) &&
		volume_digest vol >before && run "${status:-0,1}" plan vol -m --json >plan &&
		volume_digest vol >after && same before after && valid gc plan &&
		judge_holds plan &&
		run "${status:-0,1}" collect vol -m && blobs_exist vol "${keep[@]}" &&
		blobs_gone vol "${goes[@]}" && volume_content vol >first &&
		run "${status:-0,1}" collect vol -m --json >second.json &&
		nothing_goes second.json &&
		volume_content vol >second && same first second
}

for script in "$top"/tests/damaged/*.sh; do
	case $script in
	*/lib.sh) continue ;;
	esac
	test_case "$(sed -n '2s/^# //p' "$script")" "
		'$script' vol >expectations && [ -s expectations ] && survives
	"
done

done_testing
