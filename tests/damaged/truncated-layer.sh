#!/bin/bash
# a layer that lacks its last byte
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
truncate -s -1 "$(blob_data "$vol" "$one")"
expect_sound
mended blob-corrupt - - "$one"
leaves layer-missing app - "$one"
