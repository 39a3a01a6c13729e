#!/bin/bash
# an image one of whose layers is not there
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
remove_blob "$vol" "$one"
expect keep "$image" "$config"
expect goes "$untagged" "$three"
stays layer-missing app - "$one"
