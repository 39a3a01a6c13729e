#!/bin/bash
# Retention: which tags a policy keeps, what goes with the others, and what is refused.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/real/registry.sh
. "$e2e/real/registry.sh"
# shellcheck source=tests/e2e/real/content.sh
. "$e2e/real/content.sh"

# Builds of one image, the higher the number the older; releases; a signature of pr-4 as cosign
# names it, and an SBOM that refers to pr-4; a tag of two names.
make_tags() {
	local i
	make_volume vol && for i in 1 2 3 4; do
		build[i]=$(put_image vol "app:pr-$i" "build $i" "base") || return
	done && release=$(put_image vol app:v1.10.0 "release" "base") &&
		older=$(put_image vol app:v1.9.0 "older release" "base") &&
		tag vol app:latest "$release" &&
		signature=$(put_image vol "app:sha256-${build[4]#*:}.sig" "a signature") &&
		kept_signature=$(put_image vol "app:sha256-${release#*:}.sig" "another one") &&
		sbom=$(put_referrer vol app "${build[4]}" "what is in it") &&
		other=$(put_image vol team/other:v1 "base" "other") &&
		untagged=$(put_image vol team/other "without a tag") && age vol everything 200d &&
		for i in 1 2 3 4; do
			age vol "$(tag_dir vol "app:pr-$i")" "${i}0d" || return
		done
}
build=()
template make_tags
base=$(digest_of base)

# policy RULE…: each is one rule, in flow style; into "rules".
policy() {
	echo rules: >rules && printf -- '- {%s}\n' "$@" >>rules
}

# verdicts FILE: "REPOSITORY:TAG REASON RULE" of policy test --json.
verdicts() {
	jq -r '.tags[] | "\(.repository):\(.tag) \(.reason) \(.rule // "-")"' "$1"
}

# tested STATUS [OPTION…]: policy test of vol; into "tried", valid; nothing was written.
tested() {
	volume_digest vol >before && run "$1" drydock policy test rules --root vol --json "${@:2}" \
		>tried && valid policy-test tried && volume_digest vol >after && same before after
}

# says_of TAG REASON [RULE]
decides() {
	verdicts tried >verdicts && says "^${1//\*/.} $2 ${3:-.*}$" verdicts
}

# tags_there: "REPOSITORY:TAG" of all that have a current link.
tags_there() {
	find vol/docker/registry/v2/repositories -path "*/_manifests/tags/*/current/link" |
		sed 's,^vol/docker/registry/v2/repositories/\(.*\)/_manifests/tags/\(.*\)/current/link$,\1:\2,' |
		sort
}

# retained STATUS [OPTION…]: planned, done, and exactly what was said stays; what it was is in
# "whole".
retained() {
	volume_content vol >whole && tested 0,1 "${@:2}" &&
		run "$1" drydock gc --root vol --policy rules --json "${@:2}" >plan && valid gc plan &&
		run "$1" drydock gc --root vol --policy rules --apply --json "${@:2}" >done.json &&
		valid gc done.json && items plan >planned && items done.json >gone &&
		same planned gone &&
		jq -r '.tags[] | select(.kept) | "\(.repository):\(.tag)"' tried | sort >said &&
		tags_there >there && same said there
}

comes_back() {
	run 0 drydock trash restore latest --apply --root vol >/dev/null &&
		volume_content vol >undone && same whole undone
}

test_case 'a tag that no rule keeps goes with what only it reached, and comes back' '
	from_template && policy "repositories: app, tags: \"pr-*\", keep: {newest: 2}" && retained 0 &&
	blobs_gone vol "${build[3]}" "${build[4]}" "$(digest_of "build 3")" &&
	blobs_exist vol "${build[1]}" "${build[2]}" "$base" "$release" "$older" &&
	says "^tag app pr-3 " gone && layer_linked vol app "$base" && comes_back
'

test_case 'what no rule is about stays' '
	from_template && policy "repositories: app, tags: \"pr-*\", keep: {newest: 1}" && tested 0 &&
	decides app:v1.9.0 no-rule - && decides team/other:v1 no-rule - && decides app:pr-1 newest 1 &&
	decides app:pr-2 not-kept 1
'

test_case 'the first rule that is about a tag decides, and anything in it keeps' '
	from_template && policy "repositories: app, tags: \"pr-*\", keep: {pushed-within: 25d, tags: pr-4}" \
		"repositories: \"**\", keep: {newest-versions: 1, tags: \"/lat.*/\"}" && tested 0 &&
	decides app:pr-1 pushed-within 1 && decides app:pr-2 pushed-within 1 &&
	decides app:pr-3 not-kept 1 && decides app:pr-4 tags 1 && decides app:latest tags 2 &&
	decides app:v1.10.0 newest-versions 2 && decides app:v1.9.0 not-kept 2 &&
	decides team/other:v1 newest-versions 2 && retained 0
'

test_case 'a digest stays as long as one tag of it does' '
	from_template && policy "repositories: app, tags: [latest, \"v*\"], keep: {tags: \"v1.10.*\"}" &&
	retained 0 && blobs_exist vol "$release" && tagged vol app:v1.10.0 "$release" &&
	revision_linked vol app "$release" && [ ! -e "$(current_link vol app:latest)" ] &&
	blobs_gone vol "$older"
'

test_case 'signatures and referrers go with their subject, and only with it' '
	from_template && policy "repositories: app, keep: {newest: 3, tags: [latest, \"v*\"]}" && retained 0 &&
	decides "app:sha256-${build[4]#*:}.sig" with-subject && blobs_gone vol "$signature" "$sbom" &&
	decides "app:sha256-${release#*:}.sig" referrer && blobs_exist vol "$kept_signature" && comes_back
'

test_case 'signatures and referrers stay where the policy says so' '
	from_template && policy "repositories: app, keep: {newest: 3, tags: [latest, \"v*\"]}, referrers: keep" &&
	retained 0 -m && blobs_exist vol "$signature" "$sbom" "$kept_signature" &&
	blobs_gone vol "${build[4]}" "$untagged"
'

test_case 'untagged manifests go where the policy says so, and nowhere else' '
	from_template && past=$(put_image vol app "also without a tag") && age vol everything 200d &&
	policy "repositories: team/*, keep: all, untagged: remove" && retained 0 &&
	blobs_gone vol "$untagged" && blobs_exist vol "$past" "$other" && comes_back
'

test_case 'the history of a tag goes where the policy says so' '
	from_template && write_link "$(history_link vol app:latest "$older")" "$older" &&
	age vol everything 200d && policy "repositories: app, keep: all, history: keep" && retained 0 &&
	history_has vol app:latest "$older" &&
	policy "repositories: app, keep: all, history: remove" && retained 0 &&
	! history_has vol app:latest "$older" && history_has vol app:latest "$release" &&
	tagged vol app:latest "$release" && blobs_exist vol "$older"
'

test_case 'a tag that is younger than the grace period stays' '
	from_template && touch "$(current_link vol app:pr-4)" &&
	policy "repositories: app, tags: \"pr-*\", keep: {tags: pr-1}" && retained 0 &&
	decides app:pr-4 young 1 && blobs_exist vol "${build[4]}" "$signature" &&
	blobs_gone vol "${build[3]}"
'

test_case 'a tag whose manifest was pushed again lately stays, whole and with its history' '
	from_template && write_link "$(history_link vol app:pr-4 "$older")" "$older" &&
	age vol everything 200d && touch "$(revision_link vol app "${build[4]}")" &&
	policy "repositories: app, tags: \"pr-*\", keep: {tags: pr-1}" && retained 0 &&
	decides app:pr-4 young 1 && history_has vol app:pr-4 "$older" && blobs_exist vol "${build[4]}"
'

test_case 'in a repository that doubt holds no tag goes' '
	from_template && flip_blob vol "$older" &&
	policy "repositories: \"**\", keep: {tags: [pr-1, v1]}" && retained 1 && decides app:pr-2 held 1 &&
	[ "$(grep -c "^app:pr-" there)" = 4 ]
'

test_case 'the last tags of a repository go with --allow-empty alone' '
	from_template && policy "repositories: \"team/**\", keep: {tags: nothing}" && retained 0 &&
	decides team/other:v1 last-tags 1 && json ".policy.without_tags == [\"team/other\"]" plan >&7 &&
	run 0 drydock gc --root vol --policy rules >text && says "team/other.*allow-empty" text &&
	retained 0 --allow-empty && blobs_gone vol "$other" && comes_back
'

test_case 'a rule that matches nothing, and one that is never reached, are pointed out' '
	from_template && policy "repositories: app, keep: all" "repositories: nowhere, keep: all" \
		"repositories: \"*\", tags: \"pr-*\", keep: {newest: 1}" && run 0 drydock policy test rules \
		--root vol >text && says "rule 2 \(line 3\) matches nothing" text &&
	says "rule 3 \(line 4\) is never reached" text && tested 0 &&
	json "[.policy.rules[].state] == [\"used\", \"matches-nothing\", \"unreachable\"]" tried >&7 &&
	policy "repositories: \"**\", keep: all" "repositories: app, keep: all" &&
	run 0 drydock policy check rules >text && says "rule 2 .*never reached: rule 1" text
'

test_case 'a list keeps what it names, whatever the rules say' '
	from_template && policy "repositories: app, tags: \"pr-*\", keep: {tags: pr-1}" &&
	printf "%s\n" "# deployed" "registry.example.com:5000/app:pr-2" "app@${build[3]}" >list &&
	retained 0 --keep-from list && decides app:pr-2 listed 1 && decides app:pr-3 listed 1 &&
	blobs_exist vol "${build[2]}" "${build[3]}" && blobs_gone vol "${build[4]}" && comes_back &&
	run 0 drydock gc --root vol --policy rules --keep-from - --json <list >plan && valid gc plan &&
	stays plan "${build[2]}"
'

test_case 'a list keeps a digest that no tag leads to, and one within an index' '
	from_template && index=$(put_index vol app:multi "${build[4]}") && age vol everything 200d &&
	echo "$untagged" >list && echo "${build[4]}" >>list &&
	policy "repositories: app, tags: [\"pr-*\", multi], keep: {tags: pr-1}" &&
	retained 0 -m --keep-from list && blobs_exist vol "$untagged" "$(digest_of "without a tag")" &&
	revision_linked vol team/other "$untagged" && decides app:multi listed 1 && blobs_exist vol "$index"
'

test_case 'a list of what runs keeps the images whose configurations or layers it names' '
	from_template && index=$(put_index vol app:multi "${build[4]}") && age vol everything 200d &&
	id_of() { jq -r .config.digest "$(blob_data vol "$1")"; } &&
	{ echo "docker://$(id_of "${build[2]}")"; id=$(id_of "${build[3]}"); echo "${id#*:}"; digest_of "build 4"; } >list &&
	policy "repositories: app, tags: [\"pr-*\", multi], keep: {tags: pr-1}" &&
	retained 0 -m --keep-from list && decides app:pr-2 listed 1 && decides app:pr-3 listed 1 &&
	decides app:multi listed 1 && blobs_exist vol "${build[2]}" "${build[3]}" "${build[4]}" "$index"
'

test_case 'with a list that is empty, unreadable, or of somewhere else nothing goes' '
	from_template && policy "repositories: app, tags: \"pr-*\", keep: {tags: pr-1}" && : >empty &&
	echo "elsewhere/app:v1" >elsewhere && echo "<none>" >wrong && volume_digest vol >before &&
	run 3 drydock gc --root vol --policy rules --keep-from empty --apply 2>err && says "no reference" err &&
	run 3 drydock gc --root vol --policy rules --keep-from elsewhere --apply 2>err && says "names nothing" err &&
	run 2 drydock gc --root vol --policy rules --keep-from wrong --apply 2>err && says "line 1" err &&
	run 2 drydock gc --root vol --policy rules --keep-from nowhere --apply 2>err && says "nowhere" err &&
	run 3 drydock gc --root vol --policy rules --keep-from - --apply </dev/null 2>err &&
	tags_there | wc -l >there && says "^10$" there
'

test_case 'to fit, what was used longest ago goes first, and no more than is needed' '
	from_template && for i in 1 2 3 4; do head -c 100000 /dev/urandom >layer &&
		put_file vol layer >digest && link_layer vol fat "$(cat digest)" &&
		put_image_of vol "fat:b$i" "$(descriptor "$type_layer" "$(cat digest)" 100000)" >/dev/null ||
		return; done && age vol everything 200d &&
	for i in 1 2 3 4; do age vol "$(tag_dir vol "fat:b$i")" "${i}0d" || return; done &&
	printf "rules: [{repositories: fat, keep: {tags: none}}]\nfit: 260K\n" >rules && tested 0 &&
	decides fat:b1 fits 1 && decides fat:b2 fits 1 && decides fat:b3 not-kept 1 &&
	decides fat:b4 not-kept 1 && json ".policy.left_bytes <= 266240" tried >&7 && retained 0 &&
	find vol/docker/registry/v2/blobs -type f -printf "%s\n" | add_up >left &&
	[ "$(cat left)" = "$(json .policy.left_bytes tried)" ] && comes_back && age vol everything 200d &&
	for i in 1 2 3 4; do age vol "$(tag_dir vol "fat:b$i")" "${i}0d" || return; done &&
	policy "repositories: fat, keep: {tags: b4}, fit: 250K" && tested 0 && decides fat:b4 tags 1 &&
	decides fat:b3 not-kept 1 && decides fat:b2 not-kept 1 && decides fat:b1 fits 1
'

test_case 'to fit, a tag that frees nothing stays, and what does not fit is told' '
	from_template && policy "repositories: app, tags: [latest, v1.9.0], keep: {tags: none}" &&
	echo "fit: 1K" >>rules && tested 0 && decides app:latest fits 1 && decides app:v1.9.0 not-kept 1 &&
	run 0 drydock policy test rules --root vol >text && says "more than the 1.0 KiB" text
'

# accessed "REPO/manifests/TAG" DAYS-AGO AGENT: a line of a log.
accessed() {
	printf "10.0.0.1 - - [%s] \"GET /v2/%s HTTP/1.1\" 200 9 \"\" \"%s\"\n" \
		"$(date -u -d "$2 days ago" "+%d/%b/%Y:%H:%M:%S +0000")" "$1" "$3"
}

test_case 'what was pulled lately stays, once a log says so' '
	from_template && policy "repositories: app, tags: \"pr-*\", keep: {pulled-within: 20d}" &&
	tested 0 && decides app:pr-4 pulls-unknown 1 && says "." tried &&
	{ accessed app/manifests/pr-1 60 x && accessed app/manifests/pr-2 5 curl &&
		accessed "app/manifests/${build[3]}" 6 containerd &&
		accessed app/manifests/pr-4 7 "Trivy/1.2" && accessed gone/manifests/v1 1 x; } >log &&
	volume_digest vol >before && run 0 drydock policy import-pulls log --root vol --json >import &&
	valid policy-import import && volume_digest vol >after && same before after &&
	run 0 drydock policy import-pulls log --ignore-agent "*trivy*" --ignore-agent "*Trivy*" \
		--root vol --apply >text && says "1 pull among these by user agents" text && says "1 name is not in" text &&
	run 0 drydock policy import-pulls log --root vol --ignore-agent "Trivy/*" --apply --json >again &&
	json ".news == [] and .known == 3" again >&7 && tested 0 && decides app:pr-1 not-kept 1 &&
	decides app:pr-2 pulled-within 1 && decides app:pr-3 pulled-within 1 && decides app:pr-4 not-kept 1 &&
	retained 0
'

test_case 'a log that is none is refused' '
	from_template && echo "listening on :5000" >log &&
	run 2 drydock policy import-pulls log --root vol --apply 2>err && says "access log" err &&
	run 2 drydock policy import-pulls nowhere --root vol 2>err && says "nowhere" err
'

test_case 'why names the rule that keeps a tag, or that none does' '
	from_template && policy "repositories: app, tags: \"pr-*\", keep: {newest: 2}" &&
	run 0 drydock why --root vol app:pr-1 --policy rules >text && says "rule 1 .*newest: 2" text &&
	run 0 drydock why --root vol app:pr-1 --policy rules --json >why && valid why why &&
	json ".policy.kept and .paths[0].policy.rule == 1" why >&7 &&
	run 0 drydock why --root vol app:pr-4 --policy rules >text && says "nothing in the rule keeps it" text &&
	says "gc --policy rules --apply" text && run 0 drydock why --root vol app:pr-4 --json --policy rules >why &&
	valid why why && json ".state == \"goes\" and (.policy.kept | not)" why >&7 &&
	echo "app:pr-4" >list && run 0 drydock why --root vol "${build[4]}" --policy rules --keep-from list >text &&
	says "list of what is kept names it" text && run 0 drydock why --root vol app:latest --json >why &&
	valid why why
'

test_case 'errors of a policy name file, line and column, and nothing goes' '
	from_template && volume_digest vol >before && printf "rules:\n- repositories: app\n  kep: all\n" >rules &&
	for command in "gc --apply --policy rules --root vol" "policy check rules" \
		"policy test rules --root vol" "why app:pr-1 --policy rules --root vol"; do
		run 2 drydock $command 2>err && says "rules: line 3, column 3: .*kep" err &&
		says "did you mean .keep." err || return
	done && volume_digest vol >after && same before after
'

test_case 'a pattern that gives up is named, and nothing goes' '
	from_template && tag vol "app:$(printf "a%.0s" {1..120})" "$release" &&
	policy "repositories: app, keep: {tags: \"/(a|aa)+[xy]/\"}" &&
	run 3 drydock gc --root vol --policy rules --apply 2>err && says "line 2, column .*\(a\|aa\)\+" err &&
	tagged vol app:pr-4 "${build[4]}"
'

test_case 'the brakes count what a policy takes' '
	from_template && policy "repositories: app, tags: \"pr-*\", keep: {newest: 1}" &&
	run 1 drydock gc --root vol --policy rules --apply --max-items 3 >text && says "too much" text &&
	tagged vol app:pr-4 "${build[4]}"
'

# example NAME SED-SCRIPT: the policy that the manual has for what NAME does, with other numbers.
example() {
	sed -n "/^\.\\\\\" $1/,/^\.Ed/p" "$top/man/drydock-policy.5" | sed "/^\./d; $2" >rules
}

test_case 'the rules of other tools are said as the manual says them' '
	from_template && example gitlab "s/newest: 10/newest: 2/; s/90d/15d/" &&
	run 0 drydock policy check rules && tested 0 && decides app:latest all 1 &&
	decides app:v1.9.0 all 1 && decides app:pr-1 newest 2 && decides app:pr-2 newest 2 &&
	decides app:pr-3 not-kept 2 && example deckschrubber "s/newest: 5/newest: 1/" &&
	run 0 drydock policy check rules && tested 0 && decides app:latest no-rule &&
	decides app:pr-1 newest 2 && decides app:pr-2 pushed-within 2 && decides app:pr-4 not-kept 2 &&
	example regbot "" && run 0 drydock policy check rules && tested 0 && decides app:latest no-rule &&
	decides app:pr-1 pushed-within 1 && decides app:pr-4 not-kept 1
'

gc_policy="gc --root vol --policy rules --apply"

test_case 'a tag that is pushed again between plan and withdrawal stays, whole' '
	need_strace && from_template && policy "repositories: app, tags: \"pr-*\", keep: {newest: 2}" &&
	pause_after gc renameat2 1 $gc_policy && tag vol app:pr-4 "${build[4]}" && resume gc 0 &&
	tagged vol app:pr-4 "${build[4]}" && revision_linked vol app "${build[4]}" &&
	blobs_exist vol "${build[4]}" "$(digest_of "build 4")" "$base" "$sbom" "$signature" &&
	tagged vol "app:sha256-${build[4]#*:}.sig" "$signature" &&
	blobs_gone vol "${build[3]}"
'

test_case 'a signature comes back with its subject, unless somebody has removed it since' '
	from_template && sig=app:sha256-${build[4]#*:}.sig &&
	policy "repositories: app, keep: {newest: 3, tags: [latest, \"v*\"]}" &&
	run 0 drydock $gc_policy && blobs_gone vol "$signature" &&
	put_image vol app:pr-4 "build 4" "base" >/dev/null && cp -a vol other &&
	put_image vol "$sig" "a signature" >/dev/null && run 0 drydock rm --root vol "$sig" --apply &&
	run 0 collect vol && [ ! -e "$(current_link vol "$sig")" ] && tagged vol app:pr-4 "${build[4]}" &&
	run 0 collect other && tagged other "$sig" "$signature"
'

test_case 'a tag that is moved between plan and withdrawal stays' '
	need_strace && from_template && policy "repositories: app, tags: \"pr-*\", keep: {newest: 2}" &&
	pause_after gc renameat2 1 $gc_policy && tag vol app:pr-4 "$older" && resume gc 0 &&
	tagged vol app:pr-4 "$older" && blobs_exist vol "$older" && blobs_gone vol "${build[3]}"
'

test_case 'a new tag of what is going keeps it, and the old one goes' '
	need_strace && from_template && policy "repositories: app, tags: \"pr-*\", keep: {newest: 2}" &&
	pause_after gc renameat2 1 $gc_policy && tag vol app:new "${build[4]}" && resume gc 0 &&
	tagged vol app:new "${build[4]}" && [ ! -e "$(current_link vol app:pr-4)" ] &&
	revision_linked vol app "${build[4]}" && blobs_exist vol "${build[4]}" "$(digest_of "build 4")"
'

test_case 'after a policy at random exactly what it keeps is there, and whole' '
	need_command python3 && "$BUILD/tests/make-volume" --out made --repositories 8 --tags 9 --moves 1 \
		--untagged 2 --layers 3 --shared 2 --layer-bytes 900 --index-every 4 --platforms 2 \
		--referrers 30 --age 300d --nested >/dev/null &&
	for seed in 1 2 3 4 5 6 7 8; do
		rm -rf vol && cp -a made vol && "$e2e/random-policy" vol "$seed" >rules &&
		retained 0 --grace 0 && run 0 drydock verify --root vol --json >report &&
		findings report | grep -E "missing|corrupt" | grep -v ^subject-missing >bad
		[ ! -s bad ] && [ -s said ] ||
		{ cat rules >&7; return 1; }
	done
'

test_case 'a real registry serves what a policy keeps; its own log tells what was pulled' '
	need_registry2 && registry_start vol && make_layer base "the base" &&
	for name in pr-1 pr-2 pr-3 v1 v2; do
		make_layer "$name" "the layer called $name" && push "app:$name" oci base "$name" || return
	done && served_to_skopeo app:pr-2 && registry_stop && served_log=registry.log &&
	grep -a "manifests/pr-2 " "$served_log" | grep -a "GET" >log &&
	sed "s,\[.*\],[$(date -u -d "60 days ago" "+%d/%b/%Y:%H:%M:%S +0000")],; s,pr-2,pr-9,; 1q" log >old &&
	run 0 drydock policy import-pulls old log --root vol --apply &&
	policy "repositories: app, tags: \"pr-*\", keep: {pulled-within: 30d}" && retained 0 --grace 0 &&
	registry_start vol && served_to_skopeo app:pr-2 app:v1 app:v2 &&
	! served_to_skopeo app:pr-1 2>/dev/null && registry_stop
'

# late N STATUS COMMAND…: it is late once it has made N renames.
late() {
	sanitized && skip "a sanitizer wants to be loaded first"
	LD_PRELOAD=$BUILD/tests/late.so LATE_AFTER=$1 run "${@:2}"
}

test_case 'when the time is up no manifest of a tag that went is left as merely untagged' '
	make_volume vol && for i in 1 2 3 4 5 6; do
		put_image vol "app:old$i" "layer $i" >&7 || return
	done && kept=$(put_image vol app:v1 "one") && age vol everything 9d &&
	printf "rules:\n- repositories: \"**\"\n  keep:\n    tags: \"v*\"\n" >rules.yaml &&
	late 8 3 drydock gc --root vol --policy rules.yaml --grace 0 --apply --time-limit 1h >&7 && tagged vol app:v1 "$kept" &&
	run 0 drydock gc --root vol --policy rules.yaml --grace 0 --apply >&7 &&
	run 0 drydock gc --root vol --json >plan && json ".totals.manifests == 1 and .totals.blobs == 3" plan &&
	run 0 drydock verify --root vol --no-index >&7
'

done_testing
