#!/bin/bash
# a manifest with one wrong byte
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
flip_blob "$vol" "$image"
expect_hold "$image"
expect keep "$image"
mended blob-corrupt - - "$image"
leaves manifest-missing app - "$image"
