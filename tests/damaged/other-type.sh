#!/bin/bash
# an index that names a manifest by another type than it has
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
index=$(put_manifest "$vol" app:index \
	"$(index_json "$vol" "$type_index" "$type_docker" "$image")")
expect_sound
expect keep "$index"
stays type-differs app - "$image"
