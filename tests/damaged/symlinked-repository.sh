#!/bin/bash
# a symbolic link where a repository could be
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_held_frame
mv "$(repository_dir "$vol" far)" "$vol.far"
ln -s "$(realpath "$vol.far")" "$(repository_dir "$vol" far)"
expect status 1
expect hold "- -"
stays symlink - - "$(below "$(repository_dir "$vol" far)")"
