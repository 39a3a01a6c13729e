#!/bin/bash
# Every damaged volume is verified, planned, collected, and repaired. What must stay stays,
# what is dead goes, and the second collection has nothing more to do. What is found is
# exactly what is broken, what a repair leaves is what it has to, and undoing that gives
# the volume back as it was.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/real/registry.sh
. "$e2e/real/registry.sh"
# shellcheck source=tests/e2e/real/content.sh
. "$e2e/real/content.sh"

export BUILD

# ---- volumes that cases begin with, made once ----

names_of_real() {
	local name manifest
	for name in base one two; do
		printf '%s=sha256:%s\n' "$name" "$(sha256sum <"$name.tar.gz" | cut -d ' ' -f 1)"
	done
	for name in image:v1 beside:v2; do
		manifest=$(cat "$(current_link vol "app:${name#*:}")") &&
			printf '%s=%s\n' "${name%:*}" "$manifest" "${name%:*}_config" \
				"$(jq -r .config.digest "$(blob_data vol "$manifest")")"
	done | sed 's/^image_config=/config=/'
	printf 'strong=sha512:%s\n' "$(sha512sum <strong.tar.gz | cut -d ' ' -f 1)"
	printf 'strong_layer=sha256:%s\n' "$(sha256sum <strong.tar.gz | cut -d ' ' -f 1)"
}

# As docker-registry writes it; without one no case gets it.
make_real_frame() {
	local name
	command -v docker-registry >/dev/null && command -v skopeo >/dev/null &&
		command -v curl >/dev/null || return 0
	registry=docker-registry
	mkdir "$work/real" && cd "$work/real" && for name in base one two strong; do
		make_layer "$name" "the layer called $name" || return
	done && registry_start vol && push app:v1 oci base one && push app:v2 oci base two &&
		fill_strong >strong && registry_stop && names_of_real >names && age vol everything 9d &&
		export DAMAGED_REAL=$work/real
}

make_frames() {
	# shellcheck disable=SC2016 # the words are that shell's
	mkdir "$work/frame" && cd "$work/frame" &&
		bash -c '. "$0" vol && frame names' "$top/tests/damaged/lib.sh" && make_real_frame
}

if ! { pushd "$work" && make_frames && popd; } >/dev/null 2>"$work/frames.log"; then
	sed 's/^/# /' "$work/frames.log"
	echo 'Bail out! The volumes to be damaged cannot be made'
	exit 1
fi
export DAMAGED_FRAME=$work/frame

# ---- what is expected ----

expected() {
	sed -n "s/^$1 //p" expectations
}

is_expected() {
	grep -qx "$1" expectations
}

# status_of FILE: what verify and repair end with, by what is found in the volume.
status_of() {
	local severities
	severities=$(cut -d ' ' -f 1 "$1" | sort -u | while read -r finding; do
		sed -n "s/.*\"$finding\", DD_SEVERITY_\([A-Z]*\).*/\1/p" \
			"$top/include/drydock/finding.h"
	done) &&
		case $severities in
		*ERROR*) echo 1 ;;
		*) grep -qE '^(unseen|symlink) ' "$1" && echo 3 || echo 0 ;;
		esac
}

# judge_holds FILE: the holds in a report are those that were expected.
judge_holds() {
	holds "$1" | cut -d ' ' -f 1,2 | sort >holds && expected hold | sort >expected.holds &&
		same expected.holds holds
}

# The findings of a report, as the cases say them.
found_in() {
	jq -r 'select(.finding) | [.finding, .repository // "-", .tag // "-",
		.digest // .path // "-"] | join(" ")' "$1" | LC_ALL=C sort
}

# verifies WORD: it finds what is expected by this word, and nothing else.
verifies() {
	local as how=(--full)
	read -ra as < <(expected as)
	if is_expected plain; then
		how=()
	fi
	expected "$1" | LC_ALL=C sort >expected.findings
	run "$(status_of expected.findings)" "${as[@]}" drydock verify --root vol --json "${how[@]}" \
		>report && found_in report >findings &&
		cat report >>"$work/reports" && same expected.findings findings
}

# ---- what is done ----

survives() {
	local status keep goes
	status=$(expected status) && mapfile -t keep < <(expected keep) &&
		mapfile -t goes < <(expected goes) &&
		run "${status:-0,1}" plan vol -m --json >plan && volume_digest vol >after &&
		same before after && judge_holds plan && cat plan >>"$work/plans" &&
		run "${status:-0,1}" collect vol -m && blobs_exist vol "${keep[@]}" &&
		blobs_gone vol "${goes[@]}" && volume_content vol >first &&
		run "${status:-0,1}" collect vol -m --json >second.json &&
		nothing_goes second.json &&
		volume_content vol >second && same first second
}

# The volume is as it was in "whole"; directories that others may have begun to
# write in stay, when they are empty.
is_undone() {
	volume_content vol >undone && { diff whole undone >difference || true; } &&
		if grep '^[<>]' difference | grep -v '^> d ' >&7; then
			return 1
		fi
}

# A second repair finds nothing to do, and undoing the first leaves no trace.
is_repaired() {
	local as options
	read -ra as < <(expected as)
	mapfile -t options < <(expected repair | tr ' ' '\n')
	expected left >left
	volume_content vol >whole &&
		run "$(status_of left)" "${as[@]}" drydock repair --root vol --full --apply \
			"${options[@]}" >repair && verifies left && volume_content vol >first &&
		run "$(status_of left)" "${as[@]}" drydock repair --root vol --full --apply \
			"${options[@]}" >again && volume_content vol >second && same first second &&
		if cmp -s whole first; then
			return
		fi && run 0 trash restore latest --apply && is_undone
}

can_repair=$(drydock repair --help >"$work/repair.log" 2>&1 && echo yes)
can_repair() {
	[ "$can_repair" ]
}

stands() {
	if is_expected "skip .*"; then
		skip "$(expected skip)"
	fi
	if expected as | grep -q strace; then
		need_strace
	fi
	chmod 755 . && { is_expected times || age vol "$PWD/vol/docker" 9d; } &&
		cp -a --reflink=auto vol kept && volume_digest vol >before && verifies find && survives &&
		if can_repair; then
			rm -r vol && mv kept vol && is_repaired
		fi
}

for script in "$top"/tests/damaged/*.sh; do
	case $script in
	*/lib.sh) continue ;;
	esac
	test_case "$(sed -n '2s/^# //p' "$script")" "
		'$script' vol >expectations && [ -s expectations ] && stands
	"
done

test_case 'what verify and gc said of them is as their schemas have it' '
	jq -c . "$work/plans" >plans && valid_lines verify "$work/reports" && valid_lines gc plans
'

test_case 'every finding that there is has a damaged volume' '
	sed -n "s/.*X(DD_FOUND_[A-Z_]*, \"\([a-z-]*\)\".*/\1/p" "$top/include/drydock/finding.h" |
		sort >all && [ "$(wc -l <all)" -gt 40 ] &&
	jq -r "select(.finding) | .finding" "$work/reports" | sort -u >seen && same all seen
'

test_case 'a repair mends what it can, and undoing it leaves no trace' '
	{ can_repair || skip "this drydock has no repair"; }
'

done_testing
