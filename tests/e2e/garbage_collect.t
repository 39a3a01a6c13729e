#!/bin/bash
# The reference's command line. What it says and takes beside a real one: real_registry2.t and 3.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# make_config VOL FILE
make_config() {
	printf 'version: 0.1\nstorage:\n  filesystem: {rootdirectory: %s}\n' "$PWD/$1" >"$2"
}

make_garbage() {
	make_volume vol && image=$(put_image vol app:v1 "base" "top") &&
		dead=$(put_layer vol app "dead layer") && untagged=$(put_image vol app "untagged") &&
		age vol everything 9d
}
template make_garbage

prepare() {
	from_template && make_config vol config.yml
}

test_case 'it acts at once, says so in the lines of the reference, and can be undone' '
	prepare && volume_content vol >before && run 0 drydock garbage-collect config.yml >out &&
	blobs_gone vol $dead && blobs_exist vol $image $untagged && says "^app$" out &&
	says "^app: marking manifest $image $" out && says "^app: marking blob $(digest_of base)$" out &&
	says "^[0-9]+ blobs marked, 1 blobs and 0 manifests eligible for deletion$" out &&
	says "^blob eligible for deletion: $dead$" out &&
	says "^app: layer link eligible for deletion: $dead$" out && in_trash vol $dead &&
	undo=$(sed -n "s/^to undo it: //p" out) && run 0 $undo && volume_content vol >after &&
	same before after
'

test_case 'the last line says what is freed now and when the rest' '
	prepare && run 0 drydock garbage-collect -d config.yml >out &&
	says "^would be freed now: 0 B; with the trash in 7 days, by the next collection: [0-9]+ B$" \
		<(tail -n 1 out) &&
	run 0 drydock garbage-collect config.yml >out &&
	says "^freed now: 0 B; with the trash in 7 days, by the next collection: [0-9]+ B$" \
		<(tail -n 1 out) &&
	run 0 drydock garbage-collect -m --purge config.yml >out &&
	says "^freed now: [1-9][0-9.]* .*; of earlier collections as they expire: [0-9]+ B$" \
		<(tail -n 1 out) && run 0 drydock garbage-collect --trash-keep 0 config.yml >out &&
	says "^freed now: [1-9][0-9]* B$" <(tail -n 1 out) &&
	run 0 drydock garbage-collect config.yml >out && says "^freed now: 0 B$" <(tail -n 1 out)
'

test_case 'a dry run changes nothing, by each of its names' '
	prepare && volume_digest vol >before &&
	for option in -d --dry-run -n "-d -m" -dm; do
		run 0 drydock garbage-collect $option config.yml >out && says "$dead" out || return
	done && volume_digest vol >after && same before after
'

test_case 'untagged manifests go with -m, by each of its names' '
	prepare && run 0 drydock garbage-collect config.yml >out && blobs_exist vol $untagged &&
	run 0 drydock garbage-collect --delete-untagged -d config.yml >out &&
	says "^manifest eligible for deletion: $untagged$" out &&
	says "4 blobs marked, 3 blobs and 1 manifests eligible" out &&
	run 0 drydock garbage-collect -m config.yml >again && same <(grep eligible out) \
		<(grep eligible again) && blobs_gone vol $untagged && blobs_exist vol $image
'

test_case 'switches have values, as in the reference' '
	prepare && volume_digest vol >before &&
	run 0 drydock garbage-collect --delete-untagged=true -d=1 config.yml >out &&
	says "manifest eligible for deletion: $untagged" out &&
	run 0 drydock garbage-collect -m=false --dry-run=True --quiet=false config.yml >out &&
	says "and 0 manifests eligible" out &&
	run 2 drydock garbage-collect --delete-untagged=maybe config.yml 2>err &&
	says "delete-untagged: \"maybe\" is neither true nor false" err && volume_digest vol >after &&
	same before after && run 0 drydock garbage-collect -q=true -d=false config.yml >out &&
	[ ! -s out ] && blobs_gone vol $dead &&
	run 2 drydock gc --root vol --apply=true 2>err
'

test_case 'with -q it is silent, until a person is needed' '
	prepare && run 0 drydock garbage-collect -q config.yml >out 2>&1 && [ ! -s out ] &&
	blobs_gone vol $dead && remove_blob vol $image &&
	run 1 drydock garbage-collect --quiet -m config.yml >out 2>&1 && says "needs a person" out &&
	says "app@$image" out && blobs_exist vol $untagged $(digest_of base) &&
	run 1 drydock garbage-collect -d config.yml >out && says "app@$image" out &&
	says "^would be freed now" <(tail -n 1 out)
'

test_case 'what is young stays, and counts as marked' '
	prepare && young=$(put_layer vol app "young") && run 0 drydock garbage-collect config.yml >out &&
	blobs_exist vol $young && blobs_gone vol $dead && says "app: marking blob $young" out &&
	run 0 drydock garbage-collect --grace 0 config.yml && blobs_gone vol $young
'

test_case 'the operand decides the volume, whatever the environment says' '
	prepare && make_volume other && put_layer other app "of another" >other.dead &&
	age other everything 9d && volume_digest other >before &&
	DRYDOCK_ROOT=other REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=$PWD/other \
		run 0 drydock garbage-collect config.yml >out 2>err &&
	says "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY is not followed" err && blobs_gone vol $dead &&
	volume_digest other >after && same before after &&
	says "to undo it: .*/vol trash" out
'

test_case 'one configuration is wanted, and nothing beside it' '
	prepare && run 2 drydock garbage-collect 2>err && says "hint: .*config.yml" err &&
	run 2 drydock garbage-collect config.yml config.yml 2>err && says "too many" err &&
	run 2 drydock garbage-collect --root vol config.yml 2>err && says "operand" err &&
	run 2 drydock --config config.yml garbage-collect config.yml 2>err && says "operand" err &&
	run 2 drydock garbage-collect nowhere.yml 2>err && says "nowhere.yml" err &&
	printf "version: 0.1\nstorage: {s3: {bucket: b}}\n" >s3.yml &&
	run 2 drydock garbage-collect s3.yml 2>err && says "s3" err && blobs_exist vol $dead
'

test_case 'all that goes is named, also what the reference knows nothing of' '
	prepare && put_upload vol app 6b3c4c4e-8f0c-4e4f-9d0a-000000000001 half 30d &&
	tag vol app:v1 $untagged && tag vol app:v1 $image && delete_revision vol app $untagged &&
	age vol everything 30d && run 0 drydock garbage-collect -d config.yml --json >plan &&
	valid gc plan && run 0 drydock garbage-collect -d config.yml >out &&
	says "^unfinished upload eligible for deletion: app.*6b3c4c4e" out &&
	says "^tag history entry eligible for deletion: app:v1@$untagged$" out &&
	[ "$(grep -c "eligible for deletion:" out)" = "$(items plan | wc -l)" ]
'

test_case 'names are escaped, and layers that several images share are marked once' '
	prepare && put_image vol other:v1 "base" >&7 && put_image vol other:v2 "base" "b" >&7 &&
	run 0 drydock garbage-collect config.yml >out &&
	[ "$(grep -c "marking blob $(digest_of base)" out)" = 1 ] &&
	[ "$(grep -c "^other: marking manifest" out)" = 2 ] &&
	mkdir -p "vol/docker/registry/v2/repositories/$(printf "a\033b")/_layers" &&
	run 0 drydock garbage-collect config.yml >out && ! grep -q "$(printf "\033")" out
'

done_testing
