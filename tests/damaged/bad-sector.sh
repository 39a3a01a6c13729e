#!/bin/bash
# a layer that cannot be read
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
reads_badly read,preadv2 "$(realpath "$(blob_data "$vol" "$one")")"
expect_sound
stays blob-unreadable - - "$one"
