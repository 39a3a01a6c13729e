#!/bin/bash
# directories of another owner and another mode than the rest
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
if [ "$(id -u)" != 0 ]; then
	expect skip "needs root"
fi
app=$vol/docker/registry/v2/repositories/app
chown 1234:1234 "$app/_layers/sha256"
chmod 700 "$app/_manifests/tags"
expect_sound
stays directory-owner-differs app - "$(below "$app/_layers/sha256")"
stays directory-owner-differs app - "$(below "$app/_manifests/tags")"
