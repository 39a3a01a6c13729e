#!/bin/bash
# a manifest of a type that nobody knows
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
odd=$(put_manifest "$vol" app:odd '{"schemaVersion":9,"mediaType":"application/x.odd"}')
expect_hold "$odd"
expect keep "$image" "$odd"
stays manifest-unknown app - "$odd"
