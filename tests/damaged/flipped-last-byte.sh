#!/bin/bash
# a layer whose last byte is wrong
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
data=$(blob_data "$vol" "$one")
printf '\377' | dd of="$data" bs=1 seek="$(($(stat -c %s "$data") - 1))" conv=notrunc status=none
expect_sound
mended blob-corrupt - - "$one"
leaves layer-missing app - "$one"
