#!/bin/bash
# a child of an index that has lost its link
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
index=$(put_index "$vol" app:multi "$image" "$untagged")
rm -r "$(dirname "$(revision_link "$vol" app "$untagged")")"
expect status 0
# shellcheck disable=SC2046
expect keep "$index" "$image" $(image_parts) "$untagged" "$three"
mended revision-unlinked app - "$untagged"
