#!/bin/bash
# an index whose manifest was collected before the index came
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
child=$(put_image "$vol" app "late layer")
late=$(digest_of "late layer")
drydock rm --root "$vol" "app@$child" --grace 0 --apply -q
index=$(put_index "$vol" app:multi "$image" "$child")
expect_sound
expect keep "$index" "$child" "$late"
stays child-collected app - "$child"
