#!/bin/bash
# a pull-through cache that has dropped a manifest with its link, and a layer
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
echo '{}' >"$vol/scheduler-state.json"
remove_blob "$vol" "$image"
delete_revision "$vol" app "$image"
remove_blob "$vol" "$three"
expect status 0
expect goes "$one" "$untagged"
stays cache-expired app v1 "$image"
stays cache-expired app - "$three"
