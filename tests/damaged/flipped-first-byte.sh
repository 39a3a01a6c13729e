#!/bin/bash
# a layer whose first byte is wrong
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
data=$(blob_data "$vol" "$one")
printf '\377' | dd of="$data" bs=1 seek=0 conv=notrunc status=none
expect_sound
mended blob-corrupt - - "$one"
leaves layer-missing app - "$one"
