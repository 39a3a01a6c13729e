#!/bin/bash
# names that no registry accepts, and names that differ in case alone
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
upper=$(put_image "$vol" UPPER:v1 upper)
again=$(put_image "$vol" app:V1 again)
echo x >"$vol/docker/registry/v2/blobs/sha256/README"
echo x >"$(blob_dir "$vol" "$one")/data.orig"
echo x >"$(repository_dir "$vol" app)/_manifests/tags/.DS_Store"
expect_sound
expect keep "$upper" "$again"
stays repository-name UPPER - "$(below "$(repository_dir "$vol" UPPER)")"
stays name-case app v1 "$(below "$(tag_dir "$vol" app:v1)")"
stays alien - - docker/registry/v2/blobs/sha256/README
stays alien - - "$one"
stays alien app - "$(below "$(repository_dir "$vol" app)/_manifests/tags/.DS_Store")"
