#!/bin/bash
# Removing by name: what goes, what stays, and its undoing.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/real/registry.sh
. "$e2e/real/registry.sh"
# shellcheck source=tests/e2e/real/content.sh
. "$e2e/real/content.sh"

# Two images that share a layer, one with two tags and a past; an index of both; a
# referrer; another repository with the same layer; an orphan, which is none of rm's.
make_named() {
	make_volume vol && one=$(put_image vol app:v1 "first layer" "shared") &&
		past=$(put_image vol app:v2 "what v2 was before") &&
		two=$(put_image vol app:v2 "second layer" "shared") &&
		tag vol app:latest "$two" && sbom=$(put_referrer vol app "$one" "what is in it") &&
		other=$(put_image vol team/other:v1 "shared" "third layer") &&
		unused=$(put_layer vol app "nobody names it") && age vol everything 3d
}
template make_named
shared=$(digest_of shared)

# rm STATUS REF… [OPTION…]: planned into "plan", which changes nothing, and done; what it was
# before is in "whole".
rm_named() {
	volume_content vol >whole && volume_digest vol >before &&
		run "$1" drydock rm --root vol --json "${@:2}" >plan && valid rm plan &&
		run "$1" drydock rm --root vol "${@:2}" >text && volume_digest vol >after &&
		same before after &&
		run "$1" drydock rm --root vol --apply --json "${@:2}" >done.json &&
		valid rm done.json && items plan >planned && items done.json >gone &&
		same planned gone
}

comes_back() {
	run 0 drydock trash restore latest --apply --root vol >/dev/null &&
		volume_content vol >undone && same whole undone
}

test_case 'a tag goes with its manifest and with what only that reached' '
	from_template && rm_named 0 app:v1 && [ ! -e "$(current_link vol app:v1)" ] &&
	blobs_gone vol "$one" "$(digest_of "first layer")" && blobs_exist vol "$shared" "$two" &&
	layer_linked vol app "$shared" && ! layer_linked vol app "$(digest_of "first layer")" &&
	in_trash vol "$(current_link vol app:v1)" && tagged vol app:v2 "$two" && comes_back
'

test_case 'its referrers go with a manifest' '
	from_template && rm_named 0 "app@$one" && blobs_gone vol "$sbom" "$one" &&
	[ ! -e "$(current_link vol app:v1)" ] && goes plan revision app "$sbom" && comes_back
'

test_case 'a referrer that has a tag of its own stays' '
	from_template && tag vol app:sbom "$sbom" && age vol everything 3d &&
	rm_named 0 "app@$one" && blobs_exist vol "$sbom" && tagged vol app:sbom "$sbom"
'

test_case 'one of two tags of a manifest goes alone' '
	from_template && rm_named 0 app:latest && [ "$(items plan | wc -l)" = 2 ] &&
	json ".totals.bytes < 200" plan && blobs_exist vol "$two" && tagged vol app:v2 "$two" &&
	run 0 drydock ls --root vol app --json >list && tags_of list >tags &&
	says_not latest tags && says "further tag|app:v2" text && comes_back
'

test_case 'what a tag pointed to before stays, without the tag' '
	from_template && rm_named 0 app:v2 app:latest && blobs_exist vol "$past" &&
	revision_linked vol app "$past" && blobs_gone vol "$two" && comes_back
'

test_case 'a manifest that an index names stays, its tags go' '
	from_template && index=$(put_index vol app:multi "$one" "$two") && age vol everything 3d &&
	rm_named 1 "app@$one" && blobs_exist vol "$one" "$sbom" "$index" &&
	[ ! -e "$(current_link vol app:v1)" ] && says "app:multi" text && comes_back &&
	rm_named 0 app:multi app:v1 && blobs_gone vol "$one" "$index" && blobs_exist vol "$two"
'

test_case 'a repository goes as a whole, what others need of it stays' '
	from_template && rm_named 0 app && blobs_gone vol "$one" "$two" "$past" "$sbom" &&
	blobs_exist vol "$shared" "$other" && ! layer_linked vol app "$unused" &&
	[ -z "$(find vol/docker/registry/v2/repositories/app -name link)" ] &&
	[ -d vol/docker/registry/v2/repositories/app/_layers ] && says "app is left empty" text &&
	comes_back
'

test_case 'a repository below it is another one' '
	from_template && nested=$(put_image vol app/sub:v1 "nested") && age vol everything 3d &&
	rm_named 0 app && blobs_exist vol "$nested" && tagged vol app/sub:v1 "$nested"
'

test_case 'tags and repositories are named by patterns' '
	from_template && for i in 1 2 3; do put_image vol "app:pr-$i" "pull $i" || return; done \
		>/dev/null && age vol everything 3d && rm_named 0 "app:pr-*" &&
	[ "$(items plan | grep -c "^tag ")" = 3 ] && blobs_gone vol "$(digest_of "pull 2")" &&
	blobs_exist vol "$one" && comes_back && rm_named 0 "team/*" && blobs_gone vol "$other" &&
	blobs_exist vol "$one" && comes_back && rm_named 0 "*:v1" && blobs_exist vol "$other" &&
	blobs_gone vol "$one"
'

test_case 'what names nothing is wrong usage, and nothing goes' '
	from_template && volume_digest vol >before &&
	for ref in "app:x*" nowhere app:v9 "app@$no_such" "$no_such" "x*"; do
		run 2 drydock rm --root vol app:v1 "$ref" --apply 2>err &&
		says "${ref//\*/\\*}" err || return
	done && run 2 drydock rm --root vol 2>err && says reference err && rm -r vol/.drydock &&
	touch -r vol/docker vol && volume_content vol >now && [ -s now ] && blobs_exist vol "$one"
'

test_case 'a plan says exactly how many bytes go' '
	from_template && rm_named 0 app:v1 && sum=0 &&
	for digest in $(items plan | sed -n "s/^blob - - \([^ ]*\) .*/\1/p"); do
		sum=$((sum + $(stat -c %s vol/.drydock/trash/*/docker/registry/v2/blobs/sha256/??/${digest#*:}/data)))
	done && [ "$(freed_blobs plan)" = "$sum" ] && run 0 drydock why --root vol --free --json \
		team/other >why && valid why why
'

test_case 'garbage is left to the collection' '
	from_template && orphan=$(put_blob vol orphan) && rm_named 0 app:v1 --grace 0 &&
	blobs_exist vol "$orphan" "$unused" && stays plan "$orphan" && stays plan "$unused"
'

test_case 'what is named goes however young, which is said; its blobs stay a while' '
	from_template && new=$(put_image vol app:new "just pushed") && rm_named 0 app:new &&
	blobs_gone vol "$new" && blobs_exist vol "$(digest_of "just pushed")" &&
	says "younger than the grace period: named" text && says "only young" text &&
	json ".totals.named_young_items > 0 and .totals.young_items > 0" plan && comes_back &&
	rm_named 0 app:new --grace 0 && blobs_gone vol "$(digest_of "just pushed")" && comes_back
'

test_case 'young content of others stays' '
	from_template && link_layer vol team/new "$(digest_of "first layer")" &&
	rm_named 0 app:v1 && blobs_exist vol "$(digest_of "first layer")" &&
	layer_linked vol team/new "$(digest_of "first layer")"
'

test_case 'what doubt holds stays' '
	from_template && flip_blob vol "$past" && rm_named 1 app:v1 && blobs_exist vol "$one" &&
	json "[.items[].kind] | unique - [\"tag\", \"tag-history\"] == []" plan &&
	held plan app "$past"
'

test_case 'a volume that is held as a whole loses nothing' '
	from_template && ln -s /nowhere vol/docker/registry/v2/repositories/elsewhere &&
	rm_named 1 app && volume_held plan && blobs_exist vol "$one"
'

test_case 'the next collection takes nothing back and nothing more' '
	from_template && run 0 collect vol >/dev/null && run 0 drydock trash empty --root vol --apply &&
	rm_named 0 app:v1 team/other && run 0 drydock gc --root vol --apply --json >gc &&
	nothing_goes gc && json ".revivals == []" gc && run 0 plan vol --json >gc && nothing_goes gc
'

test_case 'a tag that is pushed again after it went is a tag again' '
	from_template && rm_named 0 app:v2 app:latest && tag vol app:v2 "$one" &&
	run 0 collect vol >/dev/null && tagged vol app:v2 "$one" &&
	[ ! -e "$(history_link vol app:v2 "$two")" ]
'

test_case 'one tag of a removal comes back with what it needs' '
	from_template && rm_named 0 app &&
	run 0 drydock trash restore latest app:v1 --root vol --apply >/dev/null &&
	tagged vol app:v1 "$one" && revision_linked vol app "$one" &&
	blobs_exist vol "$one" "$(digest_of "first layer")" && [ ! -e "$(current_link vol app:v2)" ] &&
	run 0 drydock ls --root vol app:v1 >/dev/null
'

test_case '-q is silent, --dry-run changes nothing' '
	from_template && volume_digest vol >before && run 0 drydock rm --root vol -n --apply app >out &&
	says "Nothing was changed" out && volume_digest vol >after && same before after &&
	run 0 drydock rm --root vol -q app --apply >out && [ ! -s out ] && blobs_gone vol "$one"
'

test_case 'why says that it was named, and what brings it back' '
	from_template && rm_named 0 app:v1 && run 0 drydock why --root vol app:v1 >text &&
	says "app:v1: gone" text && says "somebody named it" text &&
	says "trash restore .* app:v1 --apply" text &&
	run 0 drydock why --root vol "$one" >text && says "$one.*: gone" text
'

test_case 'verify finds nothing but the empty directory of the tag' '
	from_template && rm_named 0 app:v1 && run 0 drydock verify --root vol --json >report &&
	findings report | cut -d " " -f 1 | sort -u >codes && says "^tag-empty$" codes &&
	says_not "missing|corrupt|dangling" codes
'

test_case 'a real registry serves what must remain, takes what went anew, and has it back undone' '
	need_registry2 && registry_start vol &&
	for name in base top next pull amd64 arm64 attestation; do
		make_layer "$name" "the layer called $name" || return
	done && push app:v1 oci base top && push app:v2 v2s2 base next && push app:pr-1 oci base pull &&
	push app:pr-2 oci base pull && push_index app:multi && push other:v1 oci base top &&
	push old/app:v1 oci base next && served all && registry_stop && volume_content vol >whole &&
	run 0 drydock rm --root vol --grace 0 --apply "app:pr-*" old/app app:v1 --json >removed &&
	valid rm removed && registry_start vol &&
	served_to_skopeo app:v2 app:multi other:v1 && api_digest other:v1 >/dev/null &&
	! served_to_skopeo app:pr-1 2>/dev/null && ! served_to_skopeo old/app:v1 &&
	! served_to_skopeo app:v1 && push app:pr-1 oci base pull && served_to_skopeo app:pr-1 &&
	run 0 drydock gc --root vol --grace 0 --apply >/dev/null && served_to_skopeo app:pr-1 app:v2 &&
	registry_stop && [ "$(json .totals.bytes removed)" -gt 0 ] &&
	run 0 drydock trash restore "$(run_of removed)" --root vol --apply >/dev/null &&
	registry_start vol && served again && same all again && registry_stop
'

test_case 'a real registry: a removal is undone to the last byte' '
	need_registry2 && registry_start vol && make_layer base base && make_layer top top &&
	push app:v1 oci base top && push app:v2 oci base && served all && registry_stop &&
	volume_content vol >whole && run 0 drydock rm --root vol --grace 0 --apply app >/dev/null &&
	run 0 drydock trash restore latest --root vol --apply >/dev/null &&
	volume_content vol >undone && same whole undone && registry_start vol && served again &&
	same all again && registry_stop
'

test_case 'a manifest that was named and stays is told with its reason, as find tells it' '
	make_volume vol && image=$(put_image vol app:v1 base one) && sbom=$(put_referrer vol app "$image" bill) &&
	child=$(put_image vol app two) && put_index vol app:multi "$child" >&7 && age vol everything 9d &&
	volume_content vol >before && for digest in "$sbom" "$child"; do
		run 1 drydock rm --root vol "app@$digest" --apply >text && says "1 manifest stays" text &&
		grep "  app@$digest: " text >why && run 1 drydock find --root vol -type manifest \
			-digest "$digest" -delete --apply >text && grep "  app@$digest: " text >other &&
		same why other && run 1 drydock rm --root vol "app@$digest" --json >plan && valid rm plan &&
		json ".refused[0].digest == \"$digest\" and .items == []" plan || return
	done && volume_content vol >after && same before after &&
	says "a manifest that stays leads to it" why &&
	run 0 drydock rm --root vol "app@$sbom" app:v1 --json >plan && json ".refused == []" plan
'

done_testing
