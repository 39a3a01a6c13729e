#!/bin/bash
# Why something is kept, goes or went, and what would go with it.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# Two images that share a layer, one with two tags; an index of both; a referrer; an
# image that lost its tag; another repository with the same layer; an orphan.
make_ways() {
	make_volume vol && one=$(put_image vol app:v1 "first layer" "shared") &&
		two=$(put_image vol app:v2 "second layer" "shared") &&
		tag vol app:latest "$two" && index=$(put_index vol app:multi "$one" "$two") &&
		sbom=$(put_referrer vol app "$one" "what is in it") &&
		old=$(put_image vol app "an old layer") &&
		other=$(put_image vol team/other:v1 "shared" "third layer") &&
		unused=$(put_layer vol app "nobody names it") && age vol everything 3d
}
template make_ways
shared=$(digest_of shared)

# ways FILE: "ROOT REPOSITORY:TAG DIGEST…" of each, in order.
ways() {
	jq -r '.paths[] | [.root, (.repository // "-") + ":" + (.tag // "-"), .steps[].digest] |
		join(" ")' "$1"
}

# why STATUS REF [OPTION…]: into "answer" and "text"; nothing was written.
why() {
	volume_digest vol >before && run "$1" drydock why --root vol --json "${@:2}" >answer &&
		valid why answer && run "$1" drydock why --root vol "${@:2}" >text &&
		volume_digest vol >after && same before after
}

test_case 'a layer is kept by every tag that leads to it, the shortest way first' '
	from_template && why 0 "$shared" && json ".state == \"kept\" and .present" answer &&
	ways answer >got && json ".path_total == 6" answer &&
	printf "%s\n" "tag app:latest $two $shared" "tag app:multi $index $one $shared" \
		"tag app:multi $index $two $shared" "tag app:v1 $one $shared" \
		"tag app:v2 $two $shared" "tag team/other:v1 $other $shared" |
		sort >expected && sort got >sorted && same expected sorted && head -n 4 got >short &&
	[ "$(grep -c multi short)" = 0 ] &&
	says "^ *tag app:v1 -> manifest $one -> layer $shared$" text &&
	says "^ *tag app:multi -> index $index -> manifest $one \(linux/amd64\) -> layer $shared$" text
'

test_case 'a tag is asked for by its name, a digest may be cut short' '
	from_template && why 0 app:v2 && json ".digest == \"$two\"" answer &&
	says "tag app:v2 -> manifest $two$" text && why 0 "${two:0:20}" &&
	json ".digest == \"$two\"" answer && why 0 "app@${two:0:20}" &&
	json ".digest == \"$two\" and .repository == \"app\"" answer
'

test_case 'of one repository only the ways in it are told' '
	from_template && why 0 "team/other@$shared" && ways answer >got &&
	echo "tag team/other:v1 $other $shared" >expected && same expected got
'

test_case 'a referrer is kept by its subject' '
	from_template && why 0 "$sbom" && ways answer >got &&
	says "^tag app:v1 $one $sbom$" got && says "tag app:v1 -> manifest $one -> referrer $sbom" text &&
	json "[.paths[] | select(.root == \"untagged\")] == []" answer
'

test_case 'a subject keeps its referrers in other repositories, too' '
	from_template && far=$(put_image vol far:v2 "far away") &&
	ref=$(put_referrer vol near "$far" "about what is far") && age vol everything 3d &&
	why 0 "near@$ref" && ways answer >got && echo "tag far:v2 $far $ref" >expected &&
	same expected got
'

test_case 'what only an untagged manifest keeps goes with -m, and only then' '
	from_template && why 0 "$(digest_of "an old layer")" && ways answer >got &&
	echo "untagged app:- $old $(digest_of "an old layer")" >expected && same expected got &&
	json ".state == \"kept\" and ([.going[].untagged] | all)" answer &&
	json "[.going[] | select(.kind == \"blob\")] | length == 1" answer && says "gc -m --apply" text
'

test_case 'what nothing keeps goes, and why is said' '
	from_template && why 0 "app@$unused" && json ".state == \"goes\" and .paths == []" answer &&
	json "[.going[].reason] | index(\"link-unused\") != null" answer &&
	says "nothing keeps it" text && says "drydock --root vol gc --apply" text
'

test_case 'what is young says until when' '
	from_template && touch "$(layer_link vol app "$unused")" && why 0 "$unused" &&
	json ".state == \"kept\" and .paths[0].root == \"young\" and .paths[0].until != null" answer &&
	says "young in app \(could go in 23 hours\)" text && why 0 "$unused" --grace 0 &&
	json ".state == \"goes\"" answer
'

test_case 'an untagged manifest that is young goes with -m later' '
	from_template && touch "$(revision_link vol app "$old")" && why 0 "$old" &&
	json "[.going[].until] | all" answer && says "young: could go in 23 hours" text
'

test_case 'what doubt holds names the doubt and what would release it' '
	from_template && flip_blob vol "$old" && why 1 "app@$unused" &&
	json ".state == \"kept\" and .paths[0].root == \"held\"" answer &&
	json ".paths[0].doubtful == \"$old\" and (.paths[0].acknowledged | not)" answer &&
	says "held by doubt in app" text && says "--accept-loss app@$old" text &&
	run 0 drydock gc --root vol --apply --ack "app@$old" >/dev/null &&
	run 0 drydock why --root vol "app@$unused" >text && says "held by doubt" text
'

test_case 'what is gone says since when, by which run, why, and what brings it back' '
	from_template && layer=$(digest_of "an old layer") && volume_content vol >whole &&
	run 0 drydock gc --root vol --apply -m --grace 0 >/dev/null && run=$(latest_run vol) &&
	why 0 "$layer" && json ".state == \"gone\" and (.present | not)" answer &&
	json "[.gone[].run] | unique == [\"$run\"]" answer && json "[.gone[].since] | all" answer &&
	says "blob $layer: since .*$run .*gc --root vol --apply -m.*no manifest" text &&
	command=$(sed -n "s/^To have it back: //p" text) &&
	[ "$command" = "drydock --root vol trash restore $run $layer --apply" ] &&
	run 0 $command >/dev/null && blobs_exist vol "$layer" && why 0 "app@$old" &&
	$(sed -n "s/^To have it back: //p" text) >/dev/null && run 0 drydock ls --root vol "app@$old"
'

test_case 'what was never here is wrong usage' '
	from_template && run 2 drydock why --root vol "$no_such" 2>err && says "$no_such was never here" err &&
	run 2 drydock why --root vol app:v9 2>err && says "app:v9 was never here" err &&
	run 2 drydock why --root vol "nowhere@$one" 2>err && says "nowhere@$one" err
'

test_case 'a repository, nothing, and one word too many are wrong usage' '
	from_template && run 2 drydock why --root vol app 2>err && says "--free" err &&
	run 2 drydock why --root vol 2>err && says "reference" err &&
	run 2 drydock why --root vol app:v1 app:v2 2>err && says "app:v2" err &&
	run 2 drydock why --root vol --free 2>err
'

test_case 'a digest that two share is ambiguous' '
	make_volume vol && a=sha256:abcd$(printf %060d 1) && b=sha256:abcd$(printf %060d 2) &&
	for digest in "$a" "$b"; do
		mkdir -p "$(blob_dir vol "$digest")" &&
		echo x >"$(blob_data vol "$digest")" || return
	done &&
	run 2 drydock why --root vol sha256:abcd 2>err && says "$a" err && says "$b" err
'

test_case 'what is needed and not there needs a person; a sparse index does not' '
	from_template && remove_blob vol "$shared" && why 1 "$shared" &&
	json ".state == \"kept\" and (.present | not) and (.sparse | not)" answer &&
	says "not here" text && put_index vol app:sparse "$no_such" >/dev/null &&
	why 0 "$no_such" && json ".sparse" answer && says "sparse index" text
'

test_case 'a layer that was pushed as sha512 is here, for its link says where it is stored' '
	make_volume vol && put_alias_image vol app:v1 "a strong layer" >/dev/null &&
	strong=$(digest_of "a strong layer" sha512) && run 0 drydock why --root vol "$strong" --json >answer &&
	json ".present and .bytes == 14" answer && remove_blob vol "$(digest_of "a strong layer")" &&
	run 1 drydock why --root vol "$strong" >text && says "not here" text
'

test_case 'of many ways some are listed and all are counted, -v lists them' '
	from_template && for i in $(seq 60); do tag vol "app:t$i" "$one" || return; done &&
	why 0 "app@$one" && json ".path_total == 62 and (.paths | length) == 20" answer &&
	says "… and 42 more \(-v lists them\)" text && why 0 "app@$one" -v &&
	json ".paths | length == 62" answer && [ "$(grep -c " -> manifest $one" text)" = 62 ]
'

test_case 'names of tags are shown as text' '
	from_template && name=$(printf "v\0331") && tag vol "app:$name" "$one" &&
	run 0,1 drydock why --root vol "$one" >text && [ "$(grep -c "$(printf "\033")" text)" = 0 ]
'

# ---- what would go ----

# frees STATUS BYTES REF…: exactly so many, and as many go once they are gone.
frees() {
	volume_digest vol >before && run "$1" drydock why --root vol --free --json "${@:3}" >answer &&
		valid why answer && run "$1" drydock why --root vol --free -b "${@:3}" >text &&
		volume_digest vol >after && same before after &&
		[ "$(json .free.bytes answer)" = "$2" ]
}

sizes() {
	local digest sum=0
	for digest; do
		sum=$((sum + $(blob_size vol "$digest"))) || return
	done
	echo "$sum"
}

test_case '--free: a tag frees what nothing else needs, shared layers do not count' '
	from_template && config=$(digest_of "$(config_of shared "third layer")") &&
	frees 0 "$(sizes "$other" "$config" "$(digest_of "third layer")")" team/other:v1 &&
	json ".free.blobs == 3 and .free.tags == 1 and .free.manifests == 1" answer &&
	json ".free.kept_bytes == 6 and .free.kept_blobs == 1" answer &&
	json "[.free.keepers[] | select(.tag == \"v1\")] | length == 1" answer &&
	says "3 blobs would go" text && says "app:v1" text
'

test_case '--free: one of two tags of a manifest frees nothing, both do' '
	from_template && frees 0 0 app:latest && json "[.free.next[] | select(.step == 1) | .tag] == [\"multi\", \"v2\"]" answer &&
	config=$(digest_of "$(config_of "second layer" shared)") &&
	frees 0 "$(sizes "$two" "$config" "$(digest_of "second layer")" "$index")" app:latest app:v2 app:multi
'

test_case '--free: a manifest takes its tags and its referrers along' '
	from_template && run 0 drydock why --root vol --free --json app:multi app:v1 >answer &&
	valid why answer && bytes=$(json .free.bytes answer) &&
	[ "$bytes" -gt "$(sizes "$one" "$sbom" "$index")" ] &&
	frees 0 "$(json .free.bytes answer)" "app@$one" "app@$index" &&
	json ".free.tags == 2 and .free.manifests == 3" answer
'

test_case '--free: a repository, and a pattern of tags' '
	from_template && run 0 drydock why --root vol --free --json "app:*" >answer &&
	json ".free.tags == 4" answer && tags=$(json .free.bytes answer) &&
	run 0 drydock why --root vol --free --json app >answer && valid why answer &&
	json ".free.tags == 4 and .free.bytes > $tags" answer &&
	json "[.free.keepers[].repository] == [\"team/other\"]" answer &&
	run 2 drydock why --root vol --free "app:x*" 2>err && says "app:x\*" err &&
	run 2 drydock why --root vol --free app:v1 nowhere 2>err && says "nowhere" err
'

test_case '--free: as many bytes as a collection frees once they are gone' '
	from_template && run 0 collect vol >/dev/null && rm -r vol/.drydock &&
	run 0 drydock why --root vol --free --json app >answer &&
	rm -r vol/docker/registry/v2/repositories/app &&
	run 0 plan vol --json >after.plan && [ "$(json .free.bytes answer)" = "$(freed after.plan)" ]
'

test_case '--free: what would have to go next frees that much, and the fewest are first' '
	from_template && run 0 drydock why --root vol --free --json team/other >answer &&
	json "[.free.next[].step] | unique == [1]" answer &&
	json "[.free.next[].tag] | sort == [\"latest\",\"multi\",\"v1\"]" answer &&
	json ".free.next[0].bytes == 6" answer && base=$(json .free.bytes answer) &&
	run 0 drydock why --root vol --free --json team/other app:latest app:v2 app:multi app:v1 >all &&
	json ".free.kept_bytes == 0 and .free.bytes > $base + 6" all
'

test_case '--free: of many keepers some are listed, -v lists them' '
	from_template && for i in $(seq 30); do put_image vol "many:v$i" shared "own $i" || return
	done >/dev/null && age vol everything 3d &&
	run 0 drydock why --root vol --free --json team/other >answer && valid why answer &&
	json ".free.keeper_total == 33 and (.free.keepers | length) == 20" answer &&
	json ".free.next_total == 33 and (.free.next | length) == 20" answer &&
	run 0 drydock why --root vol --free team/other >text && says "… and 13 more" text &&
	run 0 drydock why --root vol --free -v --json team/other >answer && valid why answer &&
	json "(.free.next | length) == 33" answer
'

test_case '--free: what doubt holds stays' '
	from_template && flip_blob vol "$old" && frees 0 0 app:v1 app:multi &&
	json ".free.held_bytes > 0" answer && says "youth or doubt" text
'

test_case '--free: another hard link frees nothing' '
	from_template && ln "$(blob_data vol "$(digest_of "third layer")")" elsewhere &&
	run 0 drydock why --root vol --free --json team/other >answer && valid why answer &&
	json ".free.linked_bytes == 11" answer
'

done_testing
