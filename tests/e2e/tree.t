#!/bin/bash
# The tree: repositories, tags, platforms, layers, and what is about them.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

make_forest() {
	make_volume vol && one=$(put_image vol team/app:one "shared layer" "layer of one") &&
		two=$(put_image vol team/app:two "shared layer" "layer of two") &&
		index=$(put_index vol team/app:multi "$one" "$two") &&
		sbom=$(put_referrer vol team/app "$two" "a bill of materials") &&
		loose=$(put_image vol team/app "nobody tagged this") &&
		other=$(put_image vol other:v1 "of another") && config=$(digest_of "$(config_of \
			"shared layer" "layer of one")")
}
template make_forest

test_case 'a repository is a tree of tags, platforms, layers, and referrers under their subject' '
	from_template && run 0 drydock tree --root vol team/app --json >tree && valid tree tree &&
	tree_of tree >got &&
	{ echo "repository team/app" && printf "\ttag multi\n\t\tmanifest linux/amd64\n" &&
	printf "\t\t\tconfig %s\n\t\t\tlayer %s\n\t\t\tlayer %s\n" "$config" \
		"$(digest_of "shared layer")" "$(digest_of "layer of one")" &&
	printf "\t\tmanifest linux/amd64\n\t\t\tconfig %s\n\t\t\tlayer %s\n\t\t\tlayer %s\n" \
		"$(digest_of "$(config_of "shared layer" "layer of two")")" \
		"$(digest_of "shared layer")" "$(digest_of "layer of two")" &&
	printf "\t\t\treferrer %s\n\t\t\t\tconfig %s\n\t\t\t\tlayer %s\n" "$sbom" \
		"$(digest_of "$(config_of "a bill of materials")")" \
		"$(digest_of "a bill of materials")"; } >expected &&
	head -n "$(wc -l <expected)" got >first && same expected first &&
	grep "^	[a-z]" got >level && printf "\t%s\n" "tag multi" "tag one" "tag two" \
		"untagged $loose" >expected && same expected level
'

test_case 'a layer that several manifests name is marked, with how many do' '
	from_template && run 0 drydock tree --root vol team/app --json >tree &&
	jq -r "[.. | objects | select(.kind == \"layer\")] | unique_by(.digest)[] |
		[.digest, .used_by] | join(\" \")" tree | sort >got &&
	printf "%s\n" "$(digest_of "shared layer") 2" "$(digest_of "layer of one") 1" \
		"$(digest_of "layer of two") 1" "$(digest_of "a bill of materials") 1" \
		"$(digest_of "nobody tagged this") 1" | sort >expected && same expected got &&
	run 0 drydock tree --root vol team/app >text &&
	says "layer +$(digest_of "shared layer") .* by 2$" text &&
	says "layer +$(digest_of "layer of two") .* -$" text
'

test_case 'the volume as a whole is shown down to its tags, and as deep as one asks' '
	from_template && run 0 drydock tree --root vol --json >tree && valid tree tree &&
	json "[.tree[].repository] == [\"other\", \"team/app\"]" tree &&
	json "[.tree[].children[].children[]] == []" tree &&
	json ".tree[1].children[0].cut" tree &&
	run 0 drydock tree --root vol --depth 1 --json >tree && valid tree tree &&
	json "[.tree[].children[]] == []" tree && json ".tree[0].cut" tree &&
	run 0 drydock tree --root vol --depth 9 --json >tree && valid tree tree &&
	json "[.. | objects | select(.kind == \"referrer\")] | length == 2" tree
'

test_case 'one tag, manifest or digest is a tree of its own' '
	from_template && run 0 drydock tree --root vol team/app:two --json >tree && valid tree tree &&
	json ".tree | length == 1 and .[0].tag == \"two\" and .[0].repository == \"team/app\"" tree &&
	run 0 drydock tree --root vol "team/app@${two:0:20}" --json >tree && valid tree tree &&
	json ".tree[0].digest == \"$two\"" tree &&
	json "[.tree[0].children[] | select(.kind == \"referrer\")] | length == 1" tree &&
	run 0 drydock tree --root vol "$index" --json >tree && valid tree tree &&
	json "[.tree[0].children[].digest] == [\"$one\", \"$two\"]" tree &&
	run 2 drydock tree --root vol "$(digest_of "layer of one")" 2>err && says "no manifest" err
'

test_case 'totals of a tree are those of ls' '
	from_template && run 0 drydock tree --root vol team/app --json >tree &&
	run 0 drydock ls --root vol team/app --json >list &&
	jq -r ".tree[0].children[] | select(.tag) | [.tag, .total] | join(\" \")" tree >got &&
	jq -r ".tags[] | [.tag, .size] | join(\" \")" list >expected && same expected got &&
	run 0 drydock ls --root vol --json >list &&
	[ "$(json ".tree[0].total" tree)" = "$(json ".repositories[1].size" list)" ]
'

test_case 'attestations of BuildKit stand under the image that they are about' '
	make_volume vol && image=$(put_image vol app "an image") &&
	proof=$(put_image_of vol app "$(descriptor application/vnd.in-toto+json \
		"$(put_layer vol app "a proof")" 7)") &&
	about="\"platform\":{\"architecture\":\"unknown\",\"os\":\"unknown\"},\"annotations\":{
		\"vnd.docker.reference.type\":\"attestation-manifest\",
		\"vnd.docker.reference.digest\":\"$image\"}" &&
	put_manifest vol app:v1 "$(manifest_json "$type_index" "\"manifests\":[$(joined \
		"$(descriptor "$type_image" "$proof" "$(blob_size vol "$proof")" "$about")" \
		"$(descriptor "$type_image" "$image" "$(blob_size vol "$image")" \
			"\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}")")]")" &&
	run 0 drydock tree --root vol app:v1 --json >tree && valid tree tree &&
	json "[.tree[0].children[].platform] == [\"linux/arm64\"]" tree &&
	json ".tree[0].children[0].children | map(select(.kind == \"attestation\")) |
		map(.digest) == [\"$proof\"]" tree
'

test_case 'what a tag says to be about by its name stands under its subject, not among the tags' '
	from_template && signature=$(put_image vol "team/app:${one/:/-}.sig" "a signature") &&
	run 0 drydock tree --root vol team/app --json >tree && valid tree tree &&
	json "[.tree[0].children[] | select(.kind == \"tag\").tag] == [\"multi\", \"one\", \"two\"]" \
		tree &&
	json ".tree[0].children[1].children | map(select(.kind == \"referrer\")) |
		map(.tag) == [\"${one/:/-}.sig\"]" tree &&
	run 0 drydock tree --root vol team/app >text && says "referrer ${one/:/-}.sig" text
'

test_case 'a platform that was never pushed is shown and is no problem' '
	from_template && put_index vol team/app:sparse "$one" "$no_such" &&
	run 0 drydock tree --root vol team/app:sparse --json >tree && valid tree tree &&
	json ".tree[0].children[1] | .present == false and .problem == null" tree &&
	run 0 drydock tree --root vol team/app:sparse >text && says "$no_such .*not here" text
'

test_case 'a layer that was pushed as sha512 is there, for its link says where it is stored' '
	make_volume vol && put_alias_image vol app:v1 "a strong layer" >/dev/null &&
	for what in app app:v1 --depth=9; do
		run 0 drydock tree --root vol "$what" --json >tree && valid tree tree &&
		json ".. | objects | select(.kind == \"layer\") | .present" tree || return
	done && remove_blob vol "$(digest_of "a strong layer")" &&
	run 1 drydock tree --root vol app >text && says "it is not there" text
'

test_case 'what is damaged or not there is shown as such, all else as well, and the status is 1' '
	from_template && remove_blob vol "$two" && remove_blob vol "$(digest_of "layer of one")" &&
	: >"$(current_link vol other:v1)" &&
	run 1 drydock tree --root vol --depth 9 --json >tree && valid tree tree &&
	jq -r "[.. | objects | select(.problem?) | .tag // .digest] | unique[]" tree >got &&
	{ printf "%s\n" "$(digest_of "layer of one")" "$two" two v1; } | sort >expected &&
	sort got >sorted && same expected sorted &&
	json ".problems >= 4" tree && run 1 drydock tree --root vol team/app >text &&
	says "PROBLEM" text && says "it is not there" text && says "^.*one " text
'

test_case 'a manifest is taken apart once below a tag, however often it is named there' '
	from_template && inner=$(put_index vol team/app "$one" "$one") &&
	put_index vol team/app:twice "$inner" "$inner" &&
	run 0 drydock tree --root vol team/app:twice --json >tree && valid tree tree &&
	json "[.. | objects | select(.kind? == \"layer\")] | length == 2" tree &&
	json "[.. | objects | select(.repeated? == true)] | length == 2" tree &&
	run 0 drydock tree --root vol team/app:twice >text && says "parts are above" text
'

test_case 'schema 1 does not say how large its layers are: their files do' '
	make_volume vol && put_schema1 vol app:v1 "an old layer" >&7 &&
	run 0 drydock tree --root vol app --json >tree && valid tree tree &&
	json "[.. | objects | select(.kind? == \"layer\").size] == [12]" tree &&
	run 0 drydock tree --root vol app >text && says "layer .* 12 B" text &&
	remove_blob vol "$(digest_of "an old layer")" && run 1 drydock tree --root vol app >text &&
	says "layer .* - .*not there" text
'

test_case 'a tree of indexes is checked against its schema in time that its size takes' '
	make_volume vol && deep=$(put_image vol app "a layer") && for _ in {1..20}; do
		deep=$(put_index vol app "$deep") || return
	done && tag vol app:deep "$deep" && run 0 drydock tree --root vol app:deep --json >tree &&
	run 0 timeout 60 "$top/tests/check-schema" "$top/schema/tree.json" <tree &&
	sed "s/\"layer\"/\"lair\"/" tree >wrong &&
	run 1 timeout 60 "$top/tests/check-schema" "$top/schema/tree.json" <wrong
'

test_case 'branches are those of the locale, and plain ones with --ascii' '
	from_template && run 0 drydock tree --root vol team/app:one >text && says "├─" text &&
	run 0 drydock tree --root vol team/app:one --ascii >text && says "^\|-config" text &&
	LC_ALL=C run 0 drydock tree --root vol team/app:one >text && says "^\|-config" text
'

test_case 'a tree fits the terminal: types give way first, names last' '
	need_command script && make_volume vol &&
	deep=$(put_image vol app:2026-11-30-release-candidate-of-a-branch-1 "a layer") && for _ in {1..6}; do
		deep=$(put_index vol app "$deep") || return
	done && tag vol app:deep "$deep" &&
	run 0 script -qec "stty cols 80; drydock tree --root vol app" /dev/null >terminal &&
	tr -d "\r" <terminal | sed "s/\x1b\[[0-9;]*m//g" >plain && ! grep -E "^.{81}" plain &&
	says "2026-11-30.*-1 " plain && says "layer .* sha256:[0-9a-f]{12} +….*gzip " plain &&
	run 0 script -qec "stty cols 200; drydock tree --root vol app" /dev/null >terminal &&
	says "2026-11-30-release-candidate-of-a-branch-1 " terminal && says "[+]gzip " terminal &&
	run 0 drydock tree --root vol app >text && says "2026-11-30-release-candidate-of-a-branch-1 " text
'

test_case 'names are escaped, also those that look like branches or colours' '
	make_volume vol && put_image vol app:v1 "a layer" &&
	name=$(printf "\033[31mred\nline") &&
	mv "$(tag_dir vol app:v1)" "$(repository_dir vol app)/_manifests/tags/$name" &&
	run 0 drydock tree --root vol >text && says "x1b\[31mred.x0aline" text &&
	[ "$(wc -l <text)" = 3 ] && run 0 drydock tree --root vol --json >tree && valid tree tree
'

test_case 'whoever stops reading ends it without a word' '
	from_template && for n in {1..200}; do
		mkdir -p "$(repository_dir vol "repo$n")/_layers/sha256" || return
	done &&
	{ drydock tree --root vol 2>err; echo "$?" >status; } | head -c 1 >out &&
	[ ! -s err ] && grep -qxE "0|3|141" status
'

test_case 'of one repository no other is looked at' '
	need_strace && from_template &&
	run 0 strace -f -o trace drydock tree --root vol team/app >text && ! grep -q "\"other\|other/_" trace
'

test_case 'what is not there is wrong usage' '
	from_template && run 2 drydock tree --root vol nothing 2>err && says "no repository" err &&
	run 2 drydock tree --root vol team/app:nothing 2>err && says "no tag" err &&
	run 2 drydock tree --root vol "$no_such" 2>err
'

done_testing
