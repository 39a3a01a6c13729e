#!/bin/bash
# a layer of two repositories that has a wrong byte
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
shared=$(put_image "$vol" far:v2 "layer one")
flip_blob "$vol" "$one"
expect_sound
expect keep "$shared"
mended blob-corrupt - - "$one"
leaves layer-missing app - "$one"
leaves layer-missing far - "$one"
