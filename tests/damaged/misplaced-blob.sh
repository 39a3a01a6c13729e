#!/bin/bash
# blobs in the directory of another shard, one of which is in its own, too
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
shard=$vol/docker/registry/v2/blobs/sha256/00
mkdir -p "$shard"
mv "$(blob_dir "$vol" "$one")" "$shard/"
cp -a "$(blob_dir "$vol" "$two")" "$shard/"
expect status 0
expect keep "$image" "$config"
expect goes "$untagged" "$three"
mended blob-misplaced - - "$one"
mended blob-misplaced - - "$two"
mended layer-missing app - "$one"
