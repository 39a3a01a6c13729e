#!/bin/bash
# a tag whose history lacks what it points to
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
rm -r "$(tag_dir "$vol" app:v1)/index"
expect_sound
if knows history-unlinked; then
	mended history-unlinked app v1 "$image"
fi
