#!/bin/bash
# layers that docker-registry wrote: one flipped, one cut, and one of the right size
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_real
flip_blob "$vol" "$one"
truncate -s 10 "$(blob_data "$vol" "$strong_layer")"
size=$(stat -c %s "$(blob_data "$vol" "$two")")
head -c "$size" /dev/zero >"$(blob_data "$vol" "$two")"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
expect status 0
mended blob-corrupt - - "$one"
mended blob-corrupt - - "$two"
mended blob-corrupt - - "$strong_layer"
leaves layer-missing app - "$one"
leaves layer-missing app - "$two"
leaves layer-missing strong/app - "$strong"
