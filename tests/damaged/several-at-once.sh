#!/bin/bash
# a layer, a manifest, a link, a tag and an upload broken at once
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
flip_blob "$vol" "$one"
near=$(put_image "$vol" near:v1 "near layer")
truncate -s 20 "$(blob_data "$vol" "$near")"
expect status 1
expect hold "near $near"
expect keep "$near" "$(digest_of "near layer")"
: >"$(layer_link "$vol" app "$base")"
rm -r "$(dirname "$(current_link "$vol" app:v1)")"
rm -r "$(dirname "$(revision_link "$vol" app "$beside")")"
link_layer "$vol" far "$no_such"
uuid=00000000-0000-4000-8000-000000000001
put_upload "$vol" far "$uuid" half
rm "$(upload_dir "$vol" far "$uuid")/startedat"
mended blob-corrupt - - "$one"
mended blob-corrupt - - "$near"
mended link-empty app - "$base"
mended tag-no-current app v1 "$(below "$(current_link "$vol" app:v1)")"
mended revision-unlinked app v2 "$beside"
mended link-dangling far - "$no_such"
mended upload-no-start far - "$(below "$(upload_dir "$vol" far "$uuid")/data")"
leaves layer-missing app - "$one"
leaves manifest-missing near - "$near"
