#!/bin/bash
# links that name another digest than their path, of a layer and a revision
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
printf %s "$base" >"$(layer_link "$vol" app "$one")"
printf %s "$beside" >"$(revision_link "$vol" app "$image")"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
mended link-other app - "$one"
mended link-other app - "$image"
