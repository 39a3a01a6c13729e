# shellcheck shell=bash
# Damaged volumes, a script a case: `tests/damaged/CASE.sh DIRECTORY` makes one and
# prints what is to be expected of it, a line each:
#
#	status N		a collection of it with -m ends with this
#	hold REPOSITORY DIGEST	it is held by doubt about this manifest
#	keep DIGEST		these bytes must never go
#	goes DIGEST		these are dead all the same
#
# The second line of a script is its name in the tests.
set -eu
vol=$1
# shellcheck source=tests/e2e/volume.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/volume.sh"

# expect WORD VALUE…: a line for each value.
expect() {
	local word=$1
	shift
	printf "$word %s\n" "$@"
}

# The frame of most cases: "app:v1" to be damaged, "app:v2" beside it, an untagged
# image, and another repository with something dead in it.
make_frame() {
	make_volume "$vol"
	image=$(put_image "$vol" app:v1 "base" "layer one")
	beside=$(put_image "$vol" app:v2 "base" "layer two")
	untagged=$(put_image "$vol" app "base" "layer three")
	far=$(put_image "$vol" far:v1 "far layer")
	dead=$(put_layer "$vol" far "dead in far")
	expect keep "$beside" "$far" "$(digest_of base)" "$(digest_of "layer two")" \
		"$(digest_of "$(config_of base "layer two")")" "$(digest_of "far layer")"
	expect goes "$dead"
}

# The parts of app:v1 without its manifest.
image_parts() {
	printf '%s\n' "$(digest_of "layer one")" "$(digest_of "$(config_of base "layer one")")"
}

# app is held: what only the untagged image uses stays, too.
expect_hold() {
	expect status 1
	expect hold "app $1"
	# shellcheck disable=SC2046
	expect keep $(image_parts) "$untagged" "$(digest_of "layer three")"
}
