#!/bin/bash
# a tag's link that ends in the middle of the digest
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
truncate -s 40 "$(current_link "$vol" app:v1)"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
mended link-malformed app v1 "$(below "$(current_link "$vol" app:v1)")"
