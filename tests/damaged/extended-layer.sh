#!/bin/bash
# a layer with a byte too many
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
printf x >>"$(blob_data "$vol" "$one")"
expect_sound
mended blob-corrupt - - "$one"
leaves layer-missing app - "$one"
