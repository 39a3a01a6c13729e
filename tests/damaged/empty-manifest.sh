#!/bin/bash
# a manifest without bytes, as a full disk leaves it under registry 2.8
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
: >"$(blob_data "$vol" "$image")"
expect_hold "$image"
expect keep "$image"
mended blob-empty - - "$image"
leaves manifest-missing app - "$image"
