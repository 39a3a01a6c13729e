#!/bin/bash
# links that end in a newline, of a layer, a revision, a tag and its history
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
echo "$one" >"$(layer_link "$vol" app "$one")"
echo "$image" >"$(revision_link "$vol" app "$image")"
echo "$image" >"$(current_link "$vol" app:v1)"
echo "$image" >"$(history_link "$vol" app:v1 "$image")"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
mended link-malformed app - "$one"
mended link-malformed app - "$image"
mended link-malformed app v1 "$(below "$(current_link "$vol" app:v1)")"
mended history-broken app v1 "$image"
