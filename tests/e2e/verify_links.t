#!/bin/bash
# verify: links, tags, repositories and names: what is damage, what a note, and what neither.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/verified.sh
. "$e2e/verified.sh"

# ---- links ----

test_case 'an empty link is found, of a layer, of a revision, of a tag' '
	from_template && : >"$(layer_link vol app $one)" && : >"$(revision_link vol far $far)" &&
	: >"$(current_link vol app:v2)" && age vol everything 9d && finds 1 link-empty &&
	[ "$(findings report | wc -l)" = 3 ] && breaks report link-empty app:v1 app:v2 far:v1
'

test_case 'a link that ends in a newline, is cut, or holds anything else is malformed' '
	from_template && echo "$one" >"$(layer_link vol app $one)" &&
	printf %.40s $far >"$(revision_link vol far $far)" &&
	printf "\033[31mrm -rf" >"$(current_link vol app:v2)" && age vol everything 9d &&
	finds 1 link-malformed && breaks report link-malformed app:v1 app:v2 far:v1 &&
	found report link-malformed ".found | startswith(\"white space\")" &&
	run 1 drydock verify --root vol >text && says_not "$(printf "\033")" text
'

test_case 'a link that is far too long is malformed, whatever was read before it' '
	from_template && head -c 100000 /dev/zero >"$(layer_link vol far "$(digest_of "far layer")")" &&
	head -c 100000 /dev/zero >"$(layer_link vol app $one)" && age vol everything 9d &&
	finds 1 link-malformed && [ "$(findings report | wc -l)" = 2 ] &&
	found report link-malformed ".found == \"it is far too long\"" &&
	breaks report link-malformed app:v1 far:v1
'

test_case 'a link that names another digest than its path is found' '
	from_template && printf %s $base >"$(layer_link vol app $one)" && finds 1 link-other &&
	found report link-other ".expected == \"$one\" and .found == \"$base\"" &&
	breaks report link-other app:v1
'

test_case 'a sha512 link that says only itself, and is no blob, does not resolve' '
	make_volume vol && put_strong_image vol app:v1 g && put_layer vol app g &&
	link_layer vol app "$(digest_of g sha512)" "$(digest_of g)" && finds 0 &&
	link_layer vol app "$(digest_of g sha512)" && finds 1 alias-unresolved layer-missing -- --quick &&
	found report alias-unresolved ".other == null and .found == \"only its own name\"" &&
	finds 1 alias-unresolved && breaks report alias-unresolved app:v1 &&
	found report alias-unresolved ".other == \"$(digest_of g)\" and .found == .other"
'

test_case 'what a sha512 link stands for is learnt from another repository, without reading' '
	make_volume vol && put_strong_image vol app:v1 g && put_image vol far:v1 g &&
	layer=$(digest_of g) && strong=$(digest_of g sha512) &&
	link_layer vol far "$strong" "$layer" &&
	link_layer vol app "$strong" && finds 1 alias-unresolved -- --quick &&
	found report alias-unresolved ".repository == \"app\" and .other == \"$layer\""
'

test_case 'what a sha512 link stands for is found although it was verified before' '
	make_volume vol && put_strong_image vol app:v1 g && put_layer vol app g && put_layer vol app h &&
	age vol everything 9d && sleep 2.1 && finds 1 layer-missing &&
	link_layer vol app "$(digest_of g sha512)" && finds 1 alias-unresolved &&
	summary ".remembered_blobs == 2" report &&
	found report alias-unresolved ".other == \"$(digest_of g)\""
'

test_case 'where the repository links no such blob, it is found by the size that a manifest tells' '
	make_volume vol && put_strong_image vol app:v1 g && put_image vol far:v1 g &&
	head -c 3000000 /dev/urandom >large && put_file vol large &&
	put_strong_image vol app:v2 "nowhere" && link_layer vol app "$(digest_of g sha512)" &&
	link_layer vol app "$(digest_of nowhere sha512)" && finds 1 alias-unresolved layer-missing &&
	found report alias-unresolved ".digest == \"$(digest_of g sha512)\" and .other == \"$(digest_of g)\"" &&
	found report alias-unresolved ".digest == \"$(digest_of nowhere sha512)\" and .other == null" &&
	strong=$(sha512sum <large | cut -c 1-128) && link_layer vol app "sha512:$strong" &&
	finds 1 alias-unresolved layer-missing -- --full &&
	found report alias-unresolved ".other == \"sha256:$(sha256sum <large | cut -c 1-64)\""
'

test_case 'what a sha512 link stands for is told the same with a memory and without' '
	make_volume vol && put_strong_image vol app:v1 g && put_image vol far:v1 g && age vol everything 9d && sleep 2.1 &&
	finds 1 layer-missing && link_layer vol app "$(digest_of g sha512)" && finds 1 alias-unresolved -- --no-index &&
	found report alias-unresolved ".other == \"$(digest_of g)\"" && finds 1 alias-unresolved &&
	found report alias-unresolved ".other == \"$(digest_of g)\"" && summary ".remembered_blobs > 0" report
'

test_case 'the links of a layer that was pushed as sha512 are needed under both names' '
	make_volume vol && put_strong_image vol app:v1 g && layer=$(put_layer vol app g) &&
	link_layer vol app "$(digest_of g sha512)" "$layer" && remove_blob vol "$layer" &&
	finds 1 layer-missing
'

test_case 'bytes that are stored under sha512 alone are missing where they are named by sha256' '
	make_volume vol && put_image vol app:v1 g && strong=$(put_blob vol g sha512) &&
	link_layer vol app "$strong" "$(digest_of g)" && put_strong_image vol far:v1 g &&
	link_layer vol far "$strong" && put_strong_image vol far:v2 nowhere &&
	link_layer vol far "$(digest_of nowhere sha512)" && age vol everything 9d &&
	finds 1 alias-unresolved layer-missing && remove_blob vol "$(digest_of g)" &&
	for how in --quick --full; do
		finds 1 alias-unresolved layer-missing link-other -- $how &&
		breaks report layer-missing app:v1 far:v2 &&
		found report link-other ".repository == \"app\" and .digest == \"$strong\"" || return
	done
'

test_case 'a link that is broken hurts only images that name the digest that it is called by' '
	make_volume vol && put_alias_image vol app:v1 g && put_image vol app:v2 g &&
	: >"$(layer_link vol app "$(digest_of g sha512)")" && age vol everything 9d &&
	finds 1 link-empty && breaks report link-empty app:v1 &&
	link_layer vol app "$(digest_of g sha512)" "$(digest_of g)" &&
	: >"$(layer_link vol app "$(digest_of g)")" && finds 1 link-empty &&
	breaks report link-empty app:v2 && finds 0 -- app:v1 && finds 1 link-empty -- app:v2
'

test_case 'an entry of a tag history that does not hold its digest hurts no image' '
	from_template && : >"$(history_link vol app:v1 $image)" && age vol everything 9d &&
	finds 0 history-broken && found report history-broken ".tag == \"v1\""
'

test_case 'what deletion leaves behind is no damage' '
	from_template && gone=$(put_layer vol app "was deleted") && remove_blob vol $gone &&
	dead=$(put_image vol app:v1 base "layer three") && tag vol app:v1 $image &&
	remove_blob vol $dead && delete_revision vol app $dead &&
	remove_blob vol "$(digest_of "layer three")" &&
	mkdir -p "$(dirname "$(layer_link vol app $no_such)")" &&
	tag vol app:left $dead && finds 0 link-dangling tag-left &&
	found report link-dangling ".digest == \"$gone\"" &&
	found report link-dangling ".digest == \"$dead\" and .tag == \"v1\""
'

test_case 'a pull-through cache drops what it likes' '
	from_template && echo "{}" >vol/scheduler-state.json && remove_blob vol $image &&
	remove_blob vol $base && finds 0 cache-expired
'

test_case 'links of signatures and of registry 2.0 are read, too' '
	make_volume vol && signed=$(put_schema1 vol app:v1 a) && sig=$(put_blob vol signature) &&
	sigdir=$(dirname "$(revision_link vol app $signed)")/signatures/sha256/${sig#*:} &&
	write_link "$sigdir/link" $sig &&
	write_link "$(repository_dir vol app)/_layers/tarsum/v1/sha256/${no_such#*:}/link" \
		"$(digest_of a)" && finds 0 &&
	printf x >"$sigdir/link" && age vol everything 9d && finds 1 link-malformed &&
	: >"$(repository_dir vol app)/_layers/tarsum/v1/sha256/${no_such#*:}/link" &&
	age vol everything 9d && finds 1 link-malformed link-empty
'

# ---- tags ----

test_case 'a tag without current, one that points to nothing, and one that is only a directory' '
	from_template && rm -r "$(dirname "$(current_link vol app:v1)")" && finds 1 tag-no-current &&
	breaks report tag-no-current app:v1 && tag vol app:gone $no_such &&
	finds 1 tag-no-current tag-dangling && breaks report tag-dangling app:gone &&
	mkdir -p "$(tag_dir vol app:empty)" && finds 1 tag-no-current tag-dangling tag-empty
'

test_case 'a tag of which a push that died left only directories has no past, and is no damage' '
	from_template && mkdir -p "$(dirname "$(history_link vol app:new "$image")")" \
		"$(tag_dir vol app:new)/current" && finds 0 tag-empty
'

test_case 'a tag whose history lacks what it points to hurts no image' '
	from_template && rm -r "$(dirname "$(history_link vol app:v1 $image)")" &&
	finds 0 history-unlinked && found report history-unlinked ".tag == \"v1\" and .digest == \"$image\""
'

# ---- repositories and names ----

test_case 'names that are none, and names that differ in case, are told' '
	from_template && put_image vol UPPER:v1 x >/dev/null && finds 0 repository-name &&
	put_image vol app:V1 base >/dev/null && finds 0 repository-name name-case &&
	found report name-case ".tag == \"V1\" or .tag == \"v1\""
'

test_case 'a repository with nothing in it, and one with layers alone, are notes' '
	from_template && mkdir -p "$(repository_dir vol none)/_layers" && finds 0 repository-empty &&
	put_layer vol half content && finds 0 repository-empty repository-incomplete
'

test_case 'alien names are notes, those beside links and blobs with --full' '
	from_template && echo x >vol/docker/registry/v2/blobs/sha256/README &&
	echo x >"$(repository_dir vol app)/_manifests/tags/.DS_Store" && finds 0 alien &&
	[ "$(findings report | wc -l)" = 2 ] && echo x >"$(blob_dir vol $one)/data.orig" &&
	finds 0 alien && [ "$(findings report | wc -l)" = 2 ] && finds 0 alien -- --full &&
	[ "$(findings report | wc -l)" = 3 ] && path=$(blob_dir vol $one)/data.orig &&
	found report alien ".path == \"${path#vol/}\""
'

test_case 'with --full alien names are told wherever a registry makes names of its own' '
	from_template && put_upload vol app 2b2f7c6e-0a5e-4c0a-9d69-7d2f3d7d5c11 young 1h &&
	echo x >vol/docker/registry/v2/README && echo x >"$(repository_dir vol app)/_manifests/x" &&
	mkdir "$(tag_dir vol app:v1)/previous" &&
	echo x >"$(upload_dir vol app 2b2f7c6e-0a5e-4c0a-9d69-7d2f3d7d5c11)/notes" &&
	finds 0 alien -- --full && [ "$(findings report | wc -l)" = 4 ] &&
	found report alien ".path == \"docker/registry/v2/README\"" &&
	found report alien ".path | endswith(\"app/_manifests/tags/v1/previous\")"
'

test_case 'temporary files of a crash are notes: where the file is missing, and with --full all' '
	from_template && temp=.7f1c4f5e-9a0b-4c2d-8e3f-6a5b4c3d2e1f.tmp &&
	: >"$(layer_link vol app $one)$temp" && age vol everything 9d && finds 0 &&
	finds 0 temp-left -- --full && mv "$(blob_data vol $one)" "$(blob_data vol $one)$temp" &&
	age vol everything 9d && finds 1 temp-left blob-no-data layer-missing
'

test_case 'unfinished uploads are notes when they are old, or do not say how old they are' '
	from_template && put_upload vol app 2b2f7c6e-0a5e-4c0a-9d69-7d2f3d7d5c11 old 9d &&
	finds 0 upload-stale && put_upload vol app 2b2f7c6e-0a5e-4c0a-9d69-7d2f3d7d5c12 x 9d &&
	rm "$(upload_dir vol app 2b2f7c6e-0a5e-4c0a-9d69-7d2f3d7d5c12)/startedat" &&
	finds 0 upload-stale upload-no-start
'

test_case 'a file of another owner or mode than the rest is a note that names both' '
	need_root && from_template && chown 1234:1234 "$(blob_data vol $one)" && finds 0 owner-differs &&
	found report owner-differs ".found | startswith(\"1234:1234\")"
'

test_case 'a directory of another owner than the rest is told, though all files in it are as they should be' '
	need_root && from_template && chown 1234:1234 vol/docker/registry/v2/repositories/app/_layers/sha256 &&
	finds 0 directory-owner-differs &&
	found report directory-owner-differs ".found | startswith(\"1234:1234\")" &&
	found report directory-owner-differs ".path | endswith(\"/app/_layers/sha256\")"
'

test_case 'a symbolic link is not followed, and what is behind is not verified' '
	from_template && mv vol/docker/registry/v2/repositories/far elsewhere &&
	ln -s "$PWD/elsewhere" vol/docker/registry/v2/repositories/far && finds 3 symlink &&
	summary "(.complete | not) and .unseen == 1" report
'

done_testing
