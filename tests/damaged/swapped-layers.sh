#!/bin/bash
# two layers of the same size, each in the place of the other
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
mv "$(blob_data "$vol" "$one")" "$vol/kept"
mv "$(blob_data "$vol" "$two")" "$(blob_data "$vol" "$one")"
mv "$vol/kept" "$(blob_data "$vol" "$two")"
expect_sound
mended blob-corrupt - - "$one"
mended blob-corrupt - - "$two"
leaves layer-missing app - "$one"
leaves layer-missing app - "$two"
