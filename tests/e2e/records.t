#!/bin/bash
# What is remembered in a volume does not only grow, and says the same when it was made shorter.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"

long=$(printf "a%.0s" {1..100})

# Six builds with names that make long lines, none of them needed by the policy in "rules" but for
# being pulled.
make_builds() {
	local i
	make_volume vol && for i in 1 2 3 4 5 6; do
		put_image vol "app:pr-$i-$long" "build $i" >/dev/null || return
	done && put_image vol app:v1 "release" >/dev/null && age vol everything 90d &&
		printf 'rules:\n- {repositories: app, tags: "pr-*", keep: {pulled-within: 20d}}\n' >rules
}
template make_builds

# accessed NUMBER SECONDS-AGO…: a line of a log for each.
accessed() {
	local number=$1 ago
	shift
	for ago; do
		printf '10.0.0.1 - - [%s] "GET /v2/app/manifests/pr-%s-%s HTTP/1.1" 200 9 "" "curl"\n' \
			"$(date -u -d "@$(($(date +%s) - ago))" "+%d/%b/%Y:%H:%M:%S +0000")" "$number" "$long"
	done
}

days=86400

# The builds that were pulled lately are the even ones. The records hold it, behind 100 KiB of what is
# not so any more.
remember_pulls() {
	{
		accessed "of-what-is-gone" 60
		for i in 1 2 3 4 5 6; do
			accessed "$i" $((40 * days))
		done
	} >old && for i in 2 4 6; do
		accessed "$i" $((5 * days + i))
	done >new && drydock policy import-pulls old --root vol --apply >&7 &&
		cp vol/.drydock/records once && while [ "$(size)" -lt 100000 ]; do
			cat once >>vol/.drydock/records
		done && cat once >>vol/.drydock/records &&
		printf "0123456789abcdef a damaged line\n" >>vol/.drydock/records
}

size() {
	stat -c %s vol/.drydock/records
}

# verdicts FILE: of each tag, and why.
verdicts() {
	run 0 drydock policy test rules --root vol --json >tested &&
		jq -r ".tags[] | \"\(.tag) \(.reason)\"" tested >"$1"
}

test_case 'after a hundred imports the records are no larger than after a few' '
	from_template && most=0 && for n in {1..100}; do
		for i in 1 2 3 4 5 6; do
			accessed "$i" $(((200 - n) * 60)) || return
		done >log && run 0 drydock policy import-pulls log --root vol --apply -q >&7 || return
		[ "$(size)" -le "$most" ] || most=$(size)
	done && say "at most $most bytes" && [ "$most" -gt 60000 ] && [ "$most" -lt 70000 ] &&
	[ "$(size)" -lt 60000 ] && run 0 drydock policy import-pulls log --root vol --json >again &&
	jq -e ".news == [] and .known == 6" again
'

test_case 'a policy decides the same when the records were made shorter' '
	from_template && remember_pulls &&
	run 0 drydock policy import-pulls new --root vol --json >news && cp vol/.drydock/records long &&
	verdicts before && run 0 drydock gc --root vol --apply >&7 && [ "$(size)" -lt 5000 ] &&
	verdicts after && same before after && grep -a "a damaged line" vol/.drydock/records &&
	run 0 drydock policy import-pulls new --root vol --apply >&7 && verdicts short &&
	cp long vol/.drydock/records && run 0 drydock policy import-pulls new --root vol --apply >&7 &&
	[ "$(size)" -lt 5000 ] && verdicts whole && same short whole &&
	[ "$(grep -c pulled-within short)" = 3 ] &&
	run 0 drydock gc --root vol --policy rules --grace 0 --apply >&7 &&
	run 0 drydock ls --root vol app >left && [ "$(grep -c pr- left)" = 3 ] && says "pr-2-" left
'

test_case 'without --apply the records are as long as they were' '
	from_template && remember_pulls && volume_digest vol >before &&
	run 0 drydock gc --root vol >&7 && run 0 drydock policy import-pulls new --root vol >&7 &&
	run 0,1 drydock status --root vol >&7 && volume_digest vol >after && same before after
'

test_case 'an import that comes while the records are made shorter is not lost' '
	need_strace && from_template && remember_pulls && for i in 2 4 6; do
		accessed "$i" $((3 * days))
	done >late && paused_at=$PWD/vol/.drydock pause_after gc /^renameat 1 gc --root vol --apply &&
	run 4 drydock policy import-pulls late --root vol --apply 2>err && says "locked" err &&
	resume gc 0 && run 0 drydock policy import-pulls late --root vol --apply >&7 && verdicts now &&
	[ "$(grep -c pulled-within now)" = 3 ] && [ "$(size)" -lt 6000 ]
'

test_case 'where there is no room for shorter records the long ones stay, and a later run makes them shorter' '
	need_strace && from_template && remember_pulls && before=$(size) &&
	run 0 by_path strace -f -qq -o trace -P "$PWD/vol/.drydock/records.new" -e trace=write \
		-e inject=write:error=ENOSPC drydock gc --root vol --apply >&7 &&
	[ "$(size)" -ge "$before" ] && [ ! -e vol/.drydock/records.new ] &&
	run 0 drydock gc --root vol --apply >&7 && [ "$(size)" -lt 5000 ]
'

test_case 'records that cannot be made durable are left as they were, and it is said' '
	need_strace && from_template && remember_pulls && before=$(size) &&
	run 1 by_path strace -f -qq -o trace -P "$PWD/vol/.drydock/records.new" -e trace=fsync \
		-e inject=fsync:error=EIO drydock gc --root vol --apply >&7 2>err &&
	says "warning: make the records shorter: " err && [ "$(size)" -ge "$before" ] &&
	[ ! -e vol/.drydock/records.new ]
'

test_case 'drydockd makes them shorter when it notes pulls' '
	need_command curl jq && from_template && remember_pulls && serve vol &&
	ask 200 "$url/app/manifests/v1" && stop && grep -a "pulled.* app v1" vol/.drydock/records &&
	[ "$(size)" -lt 5000 ] && grep -a "pulled.* app pr-6-" vol/.drydock/records
'

done_testing
