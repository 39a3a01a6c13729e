#!/bin/bash
# a tag whose revision link is not there
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
rm -r "$(dirname "$(revision_link "$vol" app "$image")")"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
expect goes "$untagged" "$three"
expect status 0
mended revision-unlinked app v1 "$image"
