#!/bin/bash
# an image one of whose layers is not there
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
remove_blob "$vol" "$(digest_of "layer one")"
expect keep "$image" "$(digest_of "$(config_of base "layer one")")"
expect goes "$untagged" "$(digest_of "layer three")"
