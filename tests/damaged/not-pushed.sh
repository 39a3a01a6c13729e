#!/bin/bash
# what was never pushed, and need not be: a child, a foreign layer, a subject
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_frame
index=$(put_index "$vol" app:index "$image" "$no_such")
foreign=$(digest_of foreign)
windows=$(put_image_of "$vol" app:windows "$(descriptor \
	application/vnd.docker.image.rootfs.foreign.diff.tar.gzip "$foreign" 5 \
	'"urls":["https://example.com/x"]')")
subject=$(digest_of subject)
referrer=$(put_referrer "$vol" app:sbom "$subject" sbom)
expect_sound
expect keep "$index" "$windows" "$referrer"
stays child-sparse app - "$no_such"
stays layer-foreign app - "$foreign"
stays subject-missing app - "$subject"
