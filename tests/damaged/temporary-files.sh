#!/bin/bash
# what a crash of registry 3.1 leaves beside links and data
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
uuid=6b3c4c4e-8f0c-4e4f-9d0a-000000000001
: >"$(current_link "$vol" app:v1).$uuid.tmp"
printf %s "$untagged" >"$(revision_link "$vol" app "$beside").$uuid.tmp"
mkdir -p "$(blob_dir "$vol" "$no_such")"
printf half >"$(blob_data "$vol" "$no_such").$uuid.tmp"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
expect goes "$untagged"
expect status 0
mended temp-left app v1 "$(below "$(current_link "$vol" app:v1).$uuid.tmp")"
mended temp-left app - "$beside"
mended temp-left - - "$no_such"
mended blob-no-data - - "$no_such"
