#!/bin/bash
# a sha512 link that does not say which blob it is, as another repository tells
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
strong=$(digest_of "strong layer" sha512)
blob=$(put_layer "$vol" app "strong layer")
image512=$(put_strong_image "$vol" app:strong "strong layer")
link_layer "$vol" app "$strong" "$strong"
put_layer "$vol" far "strong layer" >"$vol.out"
link_layer "$vol" far "$strong" "$blob"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts) "$image512" "$blob"
mended alias-unresolved app - "$strong"
