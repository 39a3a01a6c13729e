#!/bin/bash
# an image whose configuration has a wrong byte
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
flip_blob "$vol" "$config"
expect_sound
mended blob-corrupt - - "$config"
leaves config-missing app - "$config"
