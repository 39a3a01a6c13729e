# shellcheck shell=bash
# What the tests read out of the tool's JSON. The names of its fields are here
# and nowhere else among the tests. A file without a document fails each of these.

# json FILTER FILE: as text; fails when the result is null or false.
json() {
	jq -ers ".[0] | $1" "$2"
}

# valid COMMAND FILE: the document is what schema/COMMAND.json says.
valid() {
	ask_checker 0 "$1" "$2"
}

# ask_checker LINES COMMAND FILE: Python takes longer to start than to check, so one checker is
# started for all cases of a file, by the first that asks.
ask_checker() {
	local place=$work/schema document status
	if [ ! -p "$place.told" ]; then
		mkfifo "$place.ask" "$place.told" || return
		("$top/tests/check-schema" --serve "$place" $$ >/dev/null 2>&1 7>&- 8>&- 9>&- &)
	fi
	document=$3
	[ "${document:0:1}" = / ] || document=$PWD/$document
	# Both pipes are held open meanwhile: what is in one that nobody has open is lost.
	if ! {
		printf '%s\t%s\t%s\n' "$1" "$top/schema/$2.json" "$document" >&6
		read -r -t 60 status <&5
	} 5<>"$place.told" 6<>"$place.ask"; then
		say "nobody checks $3"
		return 1
	fi
	[ "$status" = 0 ] || { cat "$place.findings" >&7; return 1; }
}

# items FILE: kind, repository, tag, digest, path of each thing that goes.
items() {
	jq -rs '.[0].items[] | [.kind, .repository // "-", .tag // "-", .digest // "-",
		.path // "-"] | join(" ")' "$1"
}

holds() {
	jq -rs '.[0].holds[] | [.repository // "-", .digest // "-",
		(.acknowledged | tostring)] | join(" ")' "$1"
}

young() {
	jq -rs '.[0].young[] | [.kind // "-", .repository // "-", .digest // "-"] | join(" ")' "$1"
}

list_says() {
	local list=$1 file=$2 pattern=$3 lines
	lines=$("$list" "$file" 2>&7) || { say "$file has no $list"; return 1; }
	if ! grep -qE -e "$pattern" <<<"$lines"; then
		say "$list of $file has no '$pattern':"
		say "$lines"
		return 1
	fi
}

list_says_not() {
	local list=$1 file=$2 pattern=$3 lines
	lines=$("$list" "$file" 2>&7) || { say "$file has no $list"; return 1; }
	if grep -E -e "$pattern" <<<"$lines" >&7; then
		say "$list of $file has '$pattern'"
		return 1
	fi
}

# goes FILE KIND REPOSITORY DIGEST: it is in the plan ("-": no repository).
goes() {
	list_says items "$1" "^$2 $3 [^ ]+ $4 "
}

# stays FILE DIGEST: nothing of that name is in the plan, blob or link.
stays() {
	list_says_not items "$1" "$2"
}

# held FILE REPOSITORY DIGEST [ACKNOWLEDGED]
held() {
	list_says holds "$1" "^$2 $3 ${4:-false}$"
}

nothing_goes() {
	list_says_not items "$1" .
}

nothing_held() {
	list_says_not holds "$1" .
}

# volume_held FILE: some doubt holds everything, so nothing goes.
volume_held() {
	json '[.holds[] | select(.everything)] | length > 0' "$1" >&7 && nothing_goes "$1"
}

# Bytes: what the plan frees, what the blobs among its items hold, what -m adds.
freed() {
	json .totals.bytes "$1"
}

freed_blobs() {
	jq -rs '[.[0].items[] | select(.kind == "blob") | .bytes] | add // 0' "$1"
}

# Of files that have other names.
not_freed() {
	json .totals.shared_bytes "$1"
}

freed_untagged() {
	json .totals.untagged_bytes "$1"
}

# The run that a gc --apply --json made.
run_of() {
	json .run "$1"
}

# comes_back FILE KIND REPOSITORY DIGEST: from the trash, for it is reachable again.
comes_back() {
	jq -es --arg kind "$2" --arg repository "$3" --arg digest "$4" \
		'.[0].revivals | any(.kind == $kind and (.repository // "-") == $repository and
		.digest == $digest and .why == "reachable")' "$1" >&7 ||
		{ say "$2 $3 $4 is not among what comes back:"; jq -c .revivals "$1" >&7; return 1; }
}

# names_of FILE: the repositories, tags or roles of parts that ls --json lists.
names_of() {
	jq -rs '.[0] | (.repositories // .tags // .parts)[] | .tag // .repository // .role' "$1"
}

# tags_of FILE: "REPOSITORY TAG DIGEST" of what ls --json REPOSITORY lists.
tags_of() {
	jq -rs '.[0].tags[] | [.repository, .tag, .digest] | join(" ")' "$1"
}

# parts_of FILE: "ROLE DIGEST PRESENT" of what ls --json REPOSITORY:TAG lists.
parts_of() {
	jq -rs '.[0].parts[] | [.role, .digest // "-", (.present | tostring)] | join(" ")' "$1"
}

# latest_run VOL: its name in the trash.
latest_run() {
	local dir name=""
	for dir in "$1"/.drydock/trash/*/; do
		dir=${dir%/}
		name=${dir##*/}
	done
	[ "$name" != '*' ] && printf '%s' "$name"
}

# What verify --json prints is a document a line.
valid_lines() {
	ask_checker 1 "$1" "$2"
}

# findings FILE: "FINDING REPOSITORY TAG DIGEST" of each.
findings() {
	jq -r 'select(.finding) | [.finding, .repository // "-", .tag // "-", .digest // "-"] |
		join(" ")' "$1"
}

# found FILE FINDING FILTER: one of these findings is so.
found() {
	jq -es --arg finding "$2" \
		"[.[] | select(.finding == \$finding) | select($3)] | length > 0" "$1" >&7 ||
		{ say "no $2 of $1 is $3:"; jq -c 'select(.finding)' "$1" >&7; return 1; }
}

# summary FILTER FILE
summary() {
	jq -er "select(.summary) | .summary | $1" "$2"
}

# finds STATUS FINDING… [-- ARGUMENT…]: verify of vol ends so, and finds these kinds and
# no others, of any severity; what it printed is in "report". Nothing was written.
finds() {
	local status=$1 wanted=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		wanted+=("$1")
		shift
	done
	volume_digest vol >before && run "$status" drydock verify --root vol --json "${@:2}" \
		>report && volume_digest vol >after && same before after &&
		valid_lines verify report && findings report | cut -d ' ' -f 1 | sort -u >codes &&
		printf '%s\n' "${wanted[@]}" | sed '/^$/d' | sort -u >wanted && same wanted codes
}

# breaks FILE FINDING IMAGE…: exactly these images suffer by that finding.
breaks() {
	local file=$1 finding=$2
	shift 2
	printf '%s\n' "$@" | sort >wanted.images &&
		jq -r --arg finding "$finding" 'select(.finding == $finding) | .images[]' "$file" |
		sort -u >images && same wanted.images images
}

# steps FILE: "ACTION OUTCOME FINDING REPOSITORY TAG" of what repair --json does or leaves.
steps() {
	jq -rs '.[0].steps[] | [.action, .outcome, .finding, .repository // "-", .tag // "-"] |
		join(" ")' "$1"
}

# step FILE FINDING FILTER: one step about that finding is so.
step() {
	jq -es --arg finding "$2" \
		"[.[0].steps[] | select(.finding == \$finding) | select($3)] | length > 0" "$1" \
		>&7 || { say "no step of $1 about $2 is $3:"; jq -c '.steps[]' "$1" >&7; return 1; }
}

# plans STATUS [ARGUMENT…]: repair of vol plans so, into "plan"; nothing was written.
plans() {
	volume_digest vol >before && run "$1" drydock repair --root vol --json "${@:2}" >plan &&
		volume_digest vol >after && same before after && valid repair plan
}

# mends STATUS [ARGUMENT…]: it is done, into "mended"; the plan, which was "plan", is carried out.
mends() {
	plans 1 "${@:2}" && volume_content vol >unmended && volume_times vol >unmended.times &&
		run "$1" drydock repair --root vol --apply --json "${@:2}" >mended &&
		valid repair mended && json .applied mended >&7 &&
		jq '[.steps[] | [.action, .path, .digest]]' plan >planned.steps &&
		jq '[.steps[] | [.action, .path, .digest]]' mended >mended.steps &&
		same planned.steps mended.steps
}

# undoes: the last run is undone, the volume is what it was before "mends", with all times of files.
undoes() {
	run "${1:-0}" drydock trash restore latest --root vol --apply && volume_content vol >undone &&
		same unmended undone || return
	[ ! -e unmended.times ] || { volume_times vol >undone.times && same unmended.times undone.times; }
}

# tree_of FILE: kind and digest of each node of a tree, each below what it is in by a tab more.
tree_of() {
	jq -r 'def walk(d): ("\t" * d // "") + .kind + " " + (.tag // .platform // .digest // .repository),
		(.children[] | walk(d + 1)); .tree[] | walk(0)' "$1"
}

# sized FILE KIND: name and the size of that kind of each row of du.
sized() {
	jq -r --arg kind "$2" '.rows[] | [.repository // .namespace // .mediatype // .age, .tag // empty]
		+ [.[$kind]] | join(" ")' "$1" | sort
}
