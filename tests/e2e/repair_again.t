#!/bin/bash
# One repair is enough, and repairs are undone to the last file, in whatever order.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/verified.sh
. "$e2e/verified.sh"

# Files as they are: bytes, owner, mode and time.
state() {
	(cd vol/docker && find . -type f -printf '%p %u:%g %m %T@\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

# ---- undone, with the times ----

test_case 'undoing a repair brings back each file with the time that it had' '
	from_template && uuid=00000000-0000-4000-8000-000000000001 && put_upload vol app $uuid half 9d &&
	link_layer vol far $no_such && flip_blob vol $one && : >"$(layer_link vol app $base)" &&
	rm "$(revision_link vol app $beside)" && echo x >"$(blob_dir vol $far)/data.tmp" &&
	link_layer vol app $(put_blob vol lone) $no_such && age vol everything 9d && state >before &&
	run 1 drydock repair --root vol --full --apply >text && state >mended && ! cmp -s before mended &&
	run 0 drydock trash restore latest --root vol --apply >text && state >undone && same before undone &&
	! grep -q "counts as pushed now" text
'

# ---- in whatever order ----

test_case 'a link that says what the repair wrote is undone, whatever gave it another time' '
	from_template && rm -r "$(dirname "$(layer_link vol app $one)")" && : >"$(layer_link vol app $base)" &&
	rm -r "$(dirname "$(history_link vol app:v2 $beside)")" && age vol everything 9d && volume_content vol >whole &&
	run 0 drydock repair --root vol --apply && touch "$(layer_link vol app $one)" "$(layer_link vol app $base)" &&
	printf %s $beside >"$(history_link vol app:v2 $beside)" && run 0 drydock trash restore latest --root vol --apply &&
	volume_content vol >undone && same whole undone
'

test_case 'a repair is undone after a collection that took what it wrote was undone' '
	from_template && index=$(put_index vol app:all $image $beside) && rm -r "$(dirname "$(revision_link vol app $image)")" &&
	rm -r "$(tag_dir vol app:v1)" && age vol everything 9d && volume_content vol >whole &&
	run 0 drydock repair --root vol --apply && revision_linked vol app $image && repair=$(basename vol/.drydock/trash/*) &&
	cp -a "$(tag_dir vol app:all)" kept && run 0 drydock rm --root vol app:all --apply &&
	run 0 drydock gc --root vol -m --grace 0 --apply && ! revision_linked vol app $image &&
	for run in $(ls -r vol/.drydock/trash); do
		run 0 drydock trash restore $run --root vol --apply || return 1
	done && volume_content vol >undone && same whole undone
'

test_case 'of a link that several repairs wrote the last is undone first' '
	from_template && : >"$(layer_link vol app $one)" && age vol everything 9d && volume_content vol >whole &&
	run 0 drydock repair --root vol --apply && printf junk >"$(layer_link vol app $one)" && age vol everything 9d &&
	volume_content vol >between && run 0 drydock repair --root vol --apply &&
	run 0 drydock trash restore latest --root vol --apply && volume_content vol >undone && same between undone &&
	printf %s $one >"$(layer_link vol app $one)" && run 0 drydock trash restore latest --root vol --apply &&
	volume_content vol >undone && same whole undone
'

done_testing
