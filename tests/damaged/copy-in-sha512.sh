#!/bin/bash
# a layer with a wrong byte whose bytes are stored by their sha512, too
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
expect goes "$(put_blob "$vol" "layer one" sha512)"
link_layer "$vol" app "$(digest_of "layer one" sha512)"
flip_blob "$vol" "$one"
expect_sound
mended blob-corrupt - - "$one"
