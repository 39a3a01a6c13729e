#!/bin/bash
# links that hold no digest, of a layer, a revision and a history
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
printf '\033[31mrm -rf' >"$(layer_link "$vol" app "$one")"
truncate -s 40 "$(revision_link "$vol" app "$image")"
: >"$(history_link "$vol" app:v1 "$image")"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
mended link-malformed app - "$one"
mended link-malformed app - "$image"
mended history-broken app v1 "$image"
