#!/bin/bash
# a manifest that says another size of a layer than it has
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
wrong=$(put_image_of "$vol" app:wrong "$(descriptor "$type_layer" "$one" 99)")
expect_sound
expect keep "$wrong"
stays size-differs app - "$one"
