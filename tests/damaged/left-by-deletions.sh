#!/bin/bash
# what deletions and broken pushes leave: tags, directories, layers alone
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
gone=$(put_image "$vol" app:gone base "layer gone")
remove_blob "$vol" "$gone"
delete_revision "$vol" app "$gone"
mkdir -p "$(tag_dir "$vol" app:empty)" "$(repository_dir "$vol" none)/_layers"
put_layer "$vol" half "half pushed" >"$vol.out"
expect_sound
stays tag-left app gone "$gone"
stays tag-empty app empty "$(below "$(current_link "$vol" app:empty)")"
stays repository-empty none - "$(below "$(repository_dir "$vol" none)")"
stays repository-incomplete half - "$(below "$(repository_dir "$vol" half)")"
