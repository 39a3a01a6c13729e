#!/bin/bash
# files of another owner and another mode than the rest
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
if [ "$(id -u)" != 0 ]; then
	expect skip "needs root"
fi
chown 1234:1234 "$(blob_data "$vol" "$one")"
chmod 600 "$(layer_link "$vol" app "$base")"
expect_sound
stays owner-differs - - "$one"
stays owner-differs app - "$base"
