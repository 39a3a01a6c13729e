#!/bin/bash
# a layer that the user may not read
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
if [ "$(id -u)" != 0 ]; then
	expect skip "needs root"
fi
chmod 600 "$(blob_data "$vol" "$one")"
expect as as_nobody
expect_sound
stays unseen - - "$one"
