#!/bin/bash
# a layer and a manifest that an image layout has, and one that it has not
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
mkdir -p "$vol.oci/blobs/sha256"
echo '{"imageLayoutVersion":"1.0.0"}' >"$vol.oci/oci-layout"
for blob in "$one" "$image"; do
	cp "$(blob_data "$vol" "$blob")" "$vol.oci/blobs/sha256/${blob#*:}"
	remove_blob "$vol" "$blob"
done
# What is wrong there, too, is no help.
flip_blob "$vol" "$far_layer"
cp "$(blob_data "$vol" "$far_layer")" "$vol.oci/blobs/sha256/${far_layer#*:}"
expect repair --from "$vol.oci"
expect status 1
expect hold "app $image"
mended manifest-missing app - "$image"
mended link-dangling app - "$one"
mended blob-corrupt - - "$far_layer"
leaves layer-missing far - "$far_layer"
