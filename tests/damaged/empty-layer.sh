#!/bin/bash
# a layer without bytes, beside one that has none by right
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
: >"$(blob_data "$vol" "$one")"
nothing=$(put_layer "$vol" app "")
expect_sound
expect goes "$nothing"
mended blob-empty - - "$one"
leaves layer-missing app - "$one"
