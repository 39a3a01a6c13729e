#!/bin/bash
# an upload that nobody has gone on with for weeks, and a young one
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
put_upload "$vol" app 00000000-0000-4000-8000-000000000001 half 30d
put_upload "$vol" app 00000000-0000-4000-8000-000000000002 half 1h
expect_sound
expect times
mended upload-stale app - \
	"$(below "$(upload_dir "$vol" app 00000000-0000-4000-8000-000000000001)/data")"
