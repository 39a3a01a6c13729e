#!/bin/bash
# a tag's link without bytes, as a power loss leaves it under registry 2.8
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
: >"$(current_link "$vol" app:v1)"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
mended link-empty app v1 "$(below "$(current_link "$vol" app:v1)")"
