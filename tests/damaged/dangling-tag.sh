#!/bin/bash
# a tag to a manifest that is nowhere
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
tag "$vol" app:gone "$no_such"
expect_hold "$no_such"
expect keep "$image"
stays tag-dangling app gone "$no_such"
