#!/bin/bash
# a tag that points to a manifest which only another repository links
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
printf %s "$far" >"$(current_link "$vol" app:v1)"
rm -r "$(repository_dir "$vol" far)"
expect goes "$untagged" "$three"
expect status 0
mended revision-unlinked app v1 "$far"
mended layer-unlinked app - "$far_layer"
mended layer-unlinked app - "$far_config"
if knows history-unlinked; then
	mended history-unlinked app v1 "$far"
fi
