#!/bin/bash
# a layer without a link in its repository
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
rm -r "$(dirname "$(layer_link "$vol" app "$one")")"
expect_sound
mended layer-unlinked app - "$one"
