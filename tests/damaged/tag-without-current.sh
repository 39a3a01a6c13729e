#!/bin/bash
# a tag that has a history and points nowhere
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
rm -r "$(tag_dir "$vol" app:v1)/current"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
expect goes "$untagged" "$three"
expect status 0
mended tag-no-current app v1 "$(below "$(current_link "$vol" app:v1)")"
