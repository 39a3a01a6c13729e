#!/bin/bash
# a tag that points nowhere, one of whose candidates is clearly newer
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
tag "$vol" app:v1 "$beside"
rm -r "$(dirname "$(current_link "$vol" app:v1)")"
age "$vol" everything 9d
age "$vol" "$(history_link "$vol" app:v1 "$beside")" 8d
expect_sound
expect times
mended tag-no-current app v1 "$(below "$(current_link "$vol" app:v1)")"
