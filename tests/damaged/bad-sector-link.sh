#!/bin/bash
# a link that cannot be read
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
reads_badly read "$(realpath "$(layer_link "$vol" app "$one")")"
expect_sound
stays link-unreadable app - "$one"
