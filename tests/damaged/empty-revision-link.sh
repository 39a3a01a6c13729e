#!/bin/bash
# a revision's link without bytes, as a power loss leaves it under registry 2.8
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
: >"$(revision_link "$vol" app "$image")"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
mended link-empty app - "$image"
