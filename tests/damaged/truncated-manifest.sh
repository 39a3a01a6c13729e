#!/bin/bash
# a manifest that ends in the middle
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
truncate -s 100 "$(blob_data "$vol" "$image")"
expect_hold "$image"
expect keep "$image"
mended blob-corrupt - - "$image"
leaves manifest-missing app - "$image"
