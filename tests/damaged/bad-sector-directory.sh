#!/bin/bash
# a directory of layer links that cannot be read
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
directory=$(realpath "$(repository_dir "$vol" app)/_layers/sha256")
reads_badly getdents64 "$directory"
expect_sound
stays directory-unreadable app - "$(below "$vol/docker${directory##*/docker}")"
