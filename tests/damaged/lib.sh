# shellcheck shell=bash
# Damaged volumes, a script a case: `tests/damaged/CASE.sh DIRECTORY` makes one and
# prints what is to be expected of it, a line each:
#
#	status N		a collection of it with -m ends with this
#	hold REPOSITORY DIGEST	it is held by doubt about this manifest
#	keep DIGEST		these bytes must never go
#	goes DIGEST		these are dead all the same
#	find FINDING REPOSITORY TAG WHAT
#				verify finds this, and nothing that is not said
#	left FINDING REPOSITORY TAG WHAT
#				and this after a repair; WHAT is the digest, or the path
#				of what has none, "-" stands for what a finding lacks
#	repair OPTION…		the repair is given these
#	as WORD…		verify and repair run behind these words
#	plain			verify remembers, and does not look beside everything
#	times			no file is to be given another age
#	skip WHY		it cannot be made here
#
# The second line of a script is its name in the tests.
set -eu
vol=$1
damaged=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/volume.sh
. "$damaged/../e2e/volume.sh"

# expect WORD [VALUE…]: a line for each value.
expect() {
	local word=$1
	shift
	if [ $# -gt 0 ]; then
		printf "$word %s\n" "$@"
	else
		echo "$word"
	fi
}

# Of one finding each: it is mended; it is there, also after a repair; it is what a
# repair leaves instead.
mended() {
	expect find "$*"
}

stays() {
	expect find "$*"
	expect left "$*"
}

leaves() {
	expect left "$*"
}

# Whether this drydock knows such a finding.
knows() {
	grep -qF "\"$1\"" "$damaged/../../include/drydock/finding.h"
}

# below PATH: as reports have it, from the root on.
below() {
	printf '%s' "${1#"$vol"/}"
}

# frame FILE: what most cases begin with, in "vol", and the names of its parts in FILE:
# "app:v1" to be damaged, "app:v2" beside it, an untagged image, and another repository
# with something dead in it. Nine days old.
frame() {
	local name
	make_volume vol
	image=$(put_image vol app:v1 "base" "layer one")
	beside=$(put_image vol app:v2 "base" "layer two")
	untagged=$(put_image vol app "base" "layer three")
	far=$(put_image vol far:v1 "far layer")
	dead=$(put_layer vol far "dead in far")
	base=$(digest_of base)
	one=$(digest_of "layer one")
	two=$(digest_of "layer two")
	three=$(digest_of "layer three")
	far_layer=$(digest_of "far layer")
	config=$(digest_of "$(config_of base "layer one")")
	beside_config=$(digest_of "$(config_of base "layer two")")
	untagged_config=$(digest_of "$(config_of base "layer three")")
	far_config=$(digest_of "$(config_of "far layer")")
	age vol everything 9d
	for name in image beside untagged far dead base one two three far_layer config \
		beside_config untagged_config far_config; do
		printf '%s=%s\n' "$name" "${!name}"
	done >"$1"
}

# A copy of it, of that which was made for all cases if there is one.
copy_frame() {
	local made=${DAMAGED_FRAME-}
	if [ -z "$made" ]; then
		made=$(mktemp -d)
		(cd "$made" && frame names)
	fi
	cp -a --reflink=auto "$made/vol" "$vol"
	# shellcheck source=/dev/null
	. "$made/names"
	[ -n "${DAMAGED_FRAME-}" ] || rm -r "$made"
	expect keep "$beside" "$far" "$base" "$two" "$beside_config" "$far_layer"
}

make_frame() {
	copy_frame
	expect goes "$dead"
}

# Where nothing goes at all.
make_held_frame() {
	copy_frame
	expect keep "$dead"
}

# What a real registry has written, if there is one: "app:v1" and "app:v2" by skopeo,
# "strong/app:v1" with a layer that was pushed as sha512. Its names are those of the
# frame, and "strong" and "strong_layer", what that layer is called under sha256.
make_real() {
	if [ -z "${DAMAGED_REAL-}" ]; then
		expect skip "needs docker-registry, skopeo and curl"
		exit 0
	fi
	cp -a --reflink=auto "$DAMAGED_REAL/vol" "$vol"
	# shellcheck source=/dev/null
	. "$DAMAGED_REAL/names"
	expect keep "$beside" "$base" "$two" "$beside_config" "$strong_layer"
}

# The parts of app:v1 without its manifest.
image_parts() {
	printf '%s\n' "$one" "$config"
}

# app is held: what only the untagged image uses stays, too.
expect_hold() {
	expect status 1
	expect hold "app $1"
	# shellcheck disable=SC2046
	expect keep $(image_parts) "$untagged" "$three"
}

# Nobody is in doubt: app:v1 stays, and what is untagged goes.
expect_sound() {
	expect status 0
	# shellcheck disable=SC2046
	expect keep "$image" $(image_parts)
	expect goes "$untagged" "$three"
}

# unresolved REPOSITORY DIGEST: a sha512 link that does not say what it stands for, which
# only the bytes tell. A drydock that does not read them for it misses a layer, too.
unresolved() {
	mended alias-unresolved "$1" - "$2"
	if ! grep -qF '"other"' "$damaged/../../schema/verify.json"; then
		mended layer-missing "$1" - "$2"
	fi
}

# reads_badly CALLS PATH: these system calls on it fail as a bad sector does.
reads_badly() {
	expect as "by_path strace -f -qq -o /dev/null -P $2 -e trace=$1 -e inject=$1:error=EIO"
}
