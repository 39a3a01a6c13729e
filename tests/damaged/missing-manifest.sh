#!/bin/bash
# a manifest that is linked and tagged, and not there
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
remove_blob "$vol" "$image"
expect_hold "$image"
stays manifest-missing app - "$image"
