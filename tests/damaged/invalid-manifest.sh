#!/bin/bash
# a manifest that is no JSON, and matches its digest
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
bad=$(put_manifest "$vol" app:bad "{ not json")
expect_hold "$bad"
expect keep "$image" "$bad"
stays manifest-invalid app - "$bad"
