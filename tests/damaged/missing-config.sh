#!/bin/bash
# an image whose configuration is not there
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
remove_blob "$vol" "$config"
expect status 0
expect keep "$image" "$one"
expect goes "$untagged" "$three"
stays config-missing app - "$config"
