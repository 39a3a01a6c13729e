#!/bin/bash
# a wrong byte in a layer of the same size and time, which was verified before
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
sleep 2.1 # what is younger is not remembered
drydock verify --root "$vol" -q
data=$(blob_data "$vol" "$one")
touch -r "$data" "$vol/stamp"
flip_blob "$vol" "$one"
touch -r "$vol/stamp" "$data"
rm "$vol/stamp"
expect_sound
expect plain
expect times
mended blob-corrupt - - "$one"
leaves layer-missing app - "$one"
