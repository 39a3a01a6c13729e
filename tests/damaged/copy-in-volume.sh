#!/bin/bash
# a layer, a configuration and a manifest that another volume has
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
cp -a "$vol" "$vol.other"
expect repair --from "$vol.other"
flip_blob "$vol" "$two"
remove_blob "$vol" "$far_config"
: >"$(blob_data "$vol" "$image")"
expect_hold "$image"
expect keep "$image"
mended blob-corrupt - - "$two"
mended config-missing far - "$far_config"
mended blob-empty - - "$image"
