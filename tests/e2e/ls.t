#!/bin/bash
# Lists: repositories, tags, and what a manifest is made of.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

make_lists() {
	make_volume vol && small=$(put_image vol team/small:v1 "s") &&
		large=$(put_image vol large:v1 "$(printf %05000d 0)" "second layer") &&
		old=$(put_image vol large:v0 "an old layer") &&
		put_layer vol empty/of/tags "loose" >/dev/null
}
template make_lists

test_case 'without arguments it lists repositories with tags and manifests, sorted by name' '
	from_template && run 0 drydock ls --root vol --json >list && valid ls list &&
	names_of list >names &&
	printf "%s\n" empty/of/tags large team/small >expected && same expected names &&
	json ".repositories[1].tags == 2 and .repositories[1].manifests == 2" list &&
	json ".problems == 0" list &&
	run 0 drydock ls --root vol >text && says "^large +2 +2 " text &&
	says "^team/small +1 +1 " text
'

test_case 'a repository lists its tags with digest, type, size and age' '
	from_template && run 0 drydock ls --root vol large >text &&
	says "^v1 +$large .*image" text && says "^v0 +$old" text &&
	run 0 drydock ls --root vol large --json >list && valid ls list && tags_of list >tags &&
	printf "%s\n" "large v0 $old" "large v1 $large" >expected && same expected tags &&
	json ".tags[1].size > 10000 and .tags[0].size < 1000" list &&
	json ".tags[1].pushed" list
'

test_case 'the size is that of manifest, config and layers, each once' '
	make_volume vol && image=$(put_image vol app:v1 "12345" "12345" "123") &&
	run 0 drydock ls --root vol app --json >list &&
	config=$(config_of 12345 12345 123) &&
	size=$((8 + ${#config} + $(blob_size vol "$image"))) &&
	[ "$(json ".tags[0].size" list)" = "$size" ] &&
	run 0 drydock ls --root vol app -b >text && says " $size " text
'

test_case 'a manifest lists its parts, by tag, by digest, and by a digest cut short' '
	from_template &&
	printf "%s\n" "self $large true" \
		"config $(digest_of "$(config_of "$(printf %05000d 0)" "second layer")") true" \
		"layer $(digest_of "$(printf %05000d 0)") true" \
			"layer $(digest_of "second layer") true" | sort >expected &&
	for reference in large:v1 "large@$large" "$large" "large@${large:0:20}" "${large:0:20}"; do
		run 0 drydock ls --root vol "$reference" --json >list && valid ls list &&
		parts_of list | sort >parts && same expected parts || return
	done && run 0 drydock ls --root vol large:v1 >text && says "config" text &&
	says "$(digest_of "second layer")" text
'

test_case 'an index lists its children with their platforms' '
	from_template && index=$(put_index vol large:multi "$large" "$old") &&
	run 0 drydock ls --root vol large:multi --json >list && valid ls list &&
	parts_of list >parts && says " $large true" parts && says " $old true" parts &&
	json "[.parts[].platform // empty] | index(\"linux/amd64\") != null" list &&
	run 0 drydock ls --root vol large:multi >text && says "linux/amd64" text
'

test_case 'every type of manifest has a type' '
	make_volume vol && put_image vol app:docker --docker a &&
	image=$(put_image vol app:oci b) && put_index vol app:index "$image" &&
	put_artifact vol app:artifact c && put_schema1 vol app:schema1 d &&
	put_cache vol app:cache e && run 0 drydock ls --root vol app --json >list &&
	valid ls list &&
	json "[.tags[] | select(.type == null)] | length == 0" list &&
	json ".tags | length == 6" list
'

test_case '--sort size puts the largest first, --sort pushed the latest, --reverse turns \
	either round' '
	from_template && age vol everything 9d && touch "$(current_link vol team/small:v1)" &&
	run 0 drydock ls --root vol --sort size --json >list &&
	[ "$(names_of list | head -n 1)" = large ] &&
	run 0 drydock ls --root vol --sort size --reverse --json >list &&
	[ "$(names_of list | tail -n 1)" = large ] &&
	run 0 drydock ls --root vol --sort pushed --json >list &&
	[ "$(names_of list | head -n 1)" = team/small ] &&
	run 0 drydock ls --root vol --sort pushed --reverse --json >list &&
	[ "$(names_of list | tail -n 1)" = team/small ] &&
	run 0 drydock ls --root vol --reverse --json >list &&
	[ "$(names_of list | head -n 1)" = team/small ] &&
	run 2 drydock ls --root vol --sort colour 2>err && says "sort" err && says "pushed" err
'

test_case 'what is not there is named, with what to try' '
	from_template && run 2 drydock ls --root vol nowhere 2>err && says "nowhere" err &&
	says "drydock ls" err &&
	run 2 drydock ls --root vol large:v9 2>err && says "v9" err &&
	run 2 drydock ls --root vol "large@$no_such" 2>err && says "$no_such" err &&
	run 2 drydock ls --root vol "$no_such" 2>err && says "$no_such" err
'

test_case 'two blobs that begin alike make a digest ambiguous' '
	make_volume vol && a=sha256:abcd$(printf %060d 1) && b=sha256:abcd$(printf %060d 2) &&
	for digest in "$a" "$b"; do
		mkdir -p "$(blob_dir vol "$digest")" &&
		echo x >"$(blob_data vol "$digest")" || return
	done &&
	run 2 drydock ls --root vol sha256:abcd 2>err && says "$a" err && says "$b" err &&
	run 2 drydock ls --root vol sha256:abc 2>err
'

test_case 'words that can be no reference are refused with the forms there are' '
	from_template &&
	for word in "" ":" "@" "app@" "app@sha256:xyz" "../x" "/etc" "a/../b" "app:../x"; do
		run 2 drydock ls --root vol "$word" 2>err &&
		says "REPO" err || { say "of: $word"; return 1; }
	done
'

test_case 'a tag to what is not there is listed with its problem' '
	from_template && remove_blob vol "$large" &&
	run 1 drydock ls --root vol large --json >list && valid ls list &&
	json ".tags[] | select(.tag == \"v1\") | .problem" list &&
	run 1 drydock ls --root vol large >text && says "^v1 .*(missing|not there)" text &&
	says "^v0 +$old" text && json ".problems > 0" list
'

test_case 'a damaged manifest is listed with its problem, and the others whole' '
	from_template && flip_blob vol "$large" &&
	run 1 drydock ls --root vol large --json >list && valid ls list &&
	json ".tags[] | select(.tag == \"v1\") | .problem" list &&
	json "[.tags[] | select(.tag == \"v0\") | .problem // empty] == []" list &&
	run 1 drydock ls --root vol large:v1 2>err && says "$large" err
'

test_case 'a missing layer is shown as absent' '
	from_template && remove_blob vol "$(digest_of "second layer")" &&
	run 1 drydock ls --root vol large:v1 --json >list && valid ls list &&
	parts_of list >parts && says "layer $(digest_of "second layer") false" parts
'

test_case 'a layer that was pushed as sha512 is stored where its link says' '
	make_volume vol && put_alias_image vol app:v1 "a strong layer" >/dev/null &&
	run 0 drydock ls --root vol app:v1 --json >list && valid ls list && parts_of list >parts &&
	says "layer $(digest_of "a strong layer" sha512) true" parts &&
	remove_blob vol "$(digest_of "a strong layer")" && run 1 drydock ls --root vol app:v1 >text &&
	says "it is not there" text
'

test_case 'nothing in the volume is nothing to list' '
	make_volume vol && run 0 drydock ls --root vol --json >list && valid ls list &&
	json ".repositories == []" list &&
	run 0 drydock ls --root vol >text && says "no repositories" text
'

test_case 'a list is made of a volume that may only be read' '
	need_root && from_template && chmod 755 . && volume_digest vol >before &&
	run 0 as_nobody drydock ls --root vol >list && says "large" list &&
	volume_digest vol >after && same before after
'

test_case 'nested repositories are each listed by their own name' '
	make_volume vol && put_image vol a:v1 one && put_image vol a/b:v1 two &&
	put_image vol a/b/c:v1 three && run 0 drydock ls --root vol --json >list &&
	names_of list >names && printf "%s\n" a a/b a/b/c >expected && same expected names &&
	run 0 drydock ls --root vol a/b --json >list && names_of list >names &&
	[ "$(cat names)" = v1 ]
'

done_testing
