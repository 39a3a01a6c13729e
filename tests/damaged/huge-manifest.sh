#!/bin/bash
# a manifest that is larger than any may be
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
truncate -s 17000000 "$vol.huge"
huge=$(put_file "$vol" "$vol.huge")
link_revision "$vol" app "$huge"
tag "$vol" app:huge "$huge"
expect_hold "$huge"
expect keep "$image" "$huge"
stays manifest-too-big app - "$huge"
