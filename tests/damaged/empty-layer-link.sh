#!/bin/bash
# a link of a layer without bytes
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
: >"$(layer_link "$vol" app "$one")"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
mended link-empty app - "$one"
