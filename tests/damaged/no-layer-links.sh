#!/bin/bash
# a repository without any layer link
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
rm -r "$(repository_dir "$vol" app)/_layers"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
expect goes "$untagged" "$three"
expect status 0
for layer in "$base" "$one" "$two" "$three" "$config" "$beside_config" "$untagged_config"; do
	mended layer-unlinked app - "$layer"
done
