#!/bin/bash
# uploads without startedat, without data, and with nothing at all
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
put_upload "$vol" app 00000000-0000-4000-8000-000000000001 half
rm "$(upload_dir "$vol" app 00000000-0000-4000-8000-000000000001)/startedat"
put_upload "$vol" app 00000000-0000-4000-8000-000000000002 half
echo "yesterday, perhaps" >"$(upload_dir "$vol" app 00000000-0000-4000-8000-000000000002)/startedat"
rm "$(upload_dir "$vol" app 00000000-0000-4000-8000-000000000002)/data"
mkdir -p "$(upload_dir "$vol" app 00000000-0000-4000-8000-000000000003)"
mkdir -p "$(upload_dir "$vol" app not-a-uuid)"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
expect goes "$untagged"
expect status 0
age "$vol" "$vol/docker" 1h # too young to be collected
expect times
uploads=$(below "$(upload_dir "$vol" app 00000000-0000-4000-8000-00000000000)")
mended upload-no-start app - "${uploads}1/data"
mended upload-no-start app - "${uploads}2/startedat"
mended upload-no-start app - "${uploads}3/startedat"
stays alien app - "$(below "$(upload_dir "$vol" app not-a-uuid)")"
