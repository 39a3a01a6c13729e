#!/bin/bash
# a layer that is missing and lies in the trash
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
late=$(put_blob "$vol" "late layer")
drydock gc --root "$vol" --grace 0 --apply -q
image_of_it=$(put_image "$vol" far:late "late layer")
remove_blob "$vol" "$late"
sleep 1.1 # so that the next run is a later one
expect_sound
expect keep "$image_of_it" "$late"
mended layer-missing far - "$late"
