#!/bin/bash
# an image one of whose layers has a wrong byte, which no collection reads
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
flip_blob "$vol" "$one"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
expect goes "$untagged" "$three"
expect status 0
mended blob-corrupt - - "$one"
leaves layer-missing app - "$one"
