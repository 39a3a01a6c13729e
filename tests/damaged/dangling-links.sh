#!/bin/bash
# links to layers that are gone
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
link_layer "$vol" app "$no_such"
mkdir -p "$(dirname "$(layer_link "$vol" app "$far")")"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
expect goes "$untagged"
expect status 0
mended link-dangling app - "$no_such"
