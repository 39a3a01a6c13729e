#!/bin/bash
# a tag that points nowhere, with two candidates of the same time
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
tag "$vol" app:v1 "$beside"
rm -r "$(dirname "$(current_link "$vol" app:v1)")"
expect_sound
stays tag-no-current app v1 "$(below "$(current_link "$vol" app:v1)")"
