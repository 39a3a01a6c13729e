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

done_testing
