#!/bin/bash
# a blob's directory with nothing in it, where a manifest should be
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
rm "$(blob_data "$vol" "$image")"
expect_hold "$image"
mended blob-no-data - - "$image"
stays manifest-missing app - "$image"
