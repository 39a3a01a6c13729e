#!/bin/bash
# a cache of BuildKit, one of whose blobs is not there
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
cache=$(put_cache "$vol" app:cache "cached one" "cached two")
remove_blob "$vol" "$(digest_of "cached one")"
expect_sound
expect keep "$cache" "$(digest_of "cached two")"
stays child-missing app - "$(digest_of "cached one")"
