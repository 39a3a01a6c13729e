#!/bin/bash
# the bytes of a push that ended before the first link
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
expect goes "$(put_blob "$vol" "pushed, never linked")" "$untagged"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
expect status 0
