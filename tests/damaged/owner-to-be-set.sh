#!/bin/bash
# files of another owner and another mode, which a repair is to set
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
if [ "$(id -u)" != 0 ]; then
	expect skip "needs root"
fi
chown 1234:1234 "$(blob_data "$vol" "$one")"
chmod 600 "$(layer_link "$vol" app "$base")"
expect repair "--owner --mode"
expect_sound
mended owner-differs - - "$one"
mended owner-differs app - "$base"
