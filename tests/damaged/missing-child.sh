#!/bin/bash
# an index whose child is linked and not there
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
index=$(put_index "$vol" app:multi "$image" "$beside")
remove_blob "$vol" "$image"
expect_hold "$image"
expect keep "$index"
stays manifest-missing app - "$image"
