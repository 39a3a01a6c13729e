#!/bin/bash
# Whether a volume is whole: every finding, what it names, and what is none.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# "app:v1" and "app:v2" share "base"; "far:v1" is another repository's.
make_frame() {
	make_volume vol && image=$(put_image vol app:v1 base "layer one") &&
		beside=$(put_image vol app:v2 base "layer two") &&
		far=$(put_image vol far:v1 "far layer") && age vol everything 9d &&
		base=$(digest_of base) && one=$(digest_of "layer one") &&
		config=$(digest_of "$(config_of base "layer one")")
}
template make_frame

# ---- whole ----

test_case 'a volume with every type of manifest is whole: no finding at all' '
	make_volume vol && image=$(put_image vol app:oci a) && put_image vol app:docker --docker b &&
	put_index vol app:index "$image" && put_artifact vol app:artifact c &&
	put_schema1 vol app:schema1 d && put_cache vol app:cache e &&
	put_referrer vol app "$image" f && nested=$(put_index vol app:nested "$image") &&
	put_manifest vol app:nest "$(index_json vol "$type_index" "$type_index" "$nested")" && put_strong_image vol app:strong g &&
	put_layer vol app g && link_layer vol app "$(digest_of g sha512)" "$(digest_of g)" &&
	put_blob vol h sha512 && put_layer vol app "" &&
	put_upload vol app 2b2f7c6e-0a5e-4c0a-9d69-7d2f3d7d5c11 young 1h &&
	finds 0 && summary ".complete and .errors == 0 and .verified_blobs == .blobs" report &&
	finds 0 -- --full && finds 0 -- --quick &&
	run 0 drydock verify --root vol >text && says "whole" text
'

test_case 'a volume that a generator made is whole, and every blob in it is read' '
	"$BUILD/tests/make-volume" --preset small --uploads 0 --out vol &&
	finds 0 -- --full &&
	[ "$(summary .read_blobs report)" = "$(find vol -name data | wc -l)" ] &&
	[ "$(summary .verified_bytes report)" = \
		"$(find vol -name data -printf "%s\n" | paste -sd+ | bc)" ]
'

test_case 'an empty volume is whole' '
	make_volume vol && finds 0 && run 0 drydock verify --root vol -q >text 2>&1 && [ ! -s text ]
'

# ---- blobs ----

for place in first middle last; do
	test_case "a flipped bit in the $place byte of a layer is found, with the images it breaks" "
		from_template && data=\$(blob_data vol \$base) &&
		case $place in first) at=0 ;; middle) at=2 ;; last) at=3 ;; esac &&
		printf X | dd of=\"\$data\" bs=1 seek=\$at conv=notrunc status=none &&
		age vol \"\$data\" 9d && finds 1 blob-corrupt &&
		found report blob-corrupt \".digest == \\\"\$base\\\" and .severity == \\\"error\\\"\" &&
		found report blob-corrupt \".found | startswith(\\\"sha256:\$(sha256sum <\$data | cut -c 1-64)\\\")\" &&
		found report blob-corrupt \".path == \\\"\${data#vol/}\\\"\" &&
		breaks report blob-corrupt app:v1 app:v2
	"
done

test_case 'damage that keeps size and time is found, and by --quick it is not' '
	from_template && data=$(blob_data vol $one) && touch -r "$data" stamp &&
	flip_blob vol $one && touch -r stamp "$data" && finds 1 blob-corrupt &&
	breaks report blob-corrupt app:v1 && finds 0 -- --quick
'

test_case 'a truncated layer and one that has grown are found, by --quick too' '
	from_template && truncate -s 3 "$(blob_data vol $one)" &&
	printf more >>"$(blob_data vol "$(digest_of "far layer")")" && age vol everything 9d &&
	finds 1 blob-corrupt && breaks report blob-corrupt app:v1 far:v1 &&
	found report blob-corrupt ".found | endswith(\", 3 bytes\")" &&
	found report blob-corrupt ".expected | endswith(\", 9 bytes\")" &&
	finds 1 size-differs -- --quick && breaks report size-differs app:v1 far:v1
'

test_case 'two swapped files are two findings, each saying whose bytes it holds' '
	from_template && two=$(digest_of "layer two") &&
	mv "$(blob_data vol $one)" kept && mv "$(blob_data vol $two)" "$(blob_data vol $one)" &&
	mv kept "$(blob_data vol $two)" && finds 1 blob-corrupt &&
	found report blob-corrupt ".digest == \"$one\" and (.found | startswith(\"$two\"))" &&
	found report blob-corrupt ".digest == \"$two\" and (.found | startswith(\"$one\"))"
'

test_case 'a rotten manifest breaks the image, and its layers are whole' '
	from_template && flip_blob vol $image && age vol everything 9d && finds 1 blob-corrupt &&
	breaks report blob-corrupt app:v1
'

test_case 'a blob without bytes is empty, and the one that has none by right is not' '
	from_template && : >"$(blob_data vol $one)" && put_layer vol app "" && age vol everything 9d &&
	finds 1 blob-empty && breaks report blob-empty app:v1 && finds 1 blob-empty -- --quick
'

test_case 'a corrupt sha512 blob is found' '
	from_template && strong=$(put_blob vol strong sha512) && finds 0 &&
	flip_blob vol $strong && age vol everything 9d && finds 1 blob-corrupt &&
	found report blob-corrupt ".digest == \"$strong\" and .image_count == 0"
'

test_case 'a file where a directory belongs hides nothing: what would be below it is missing' '
	from_template && rm -r "$(blob_dir vol $one)" && echo x >"$(blob_dir vol $one)" &&
	finds 1 layer-missing alien && breaks report layer-missing app:v1 &&
	layers=$(repository_dir vol far)/_layers && rm -r "$layers" && echo x >"$layers" &&
	finds 1 layer-missing alien layer-unlinked && breaks report layer-unlinked far:v1
'

test_case 'a blob in the directory of another shard is misplaced' '
	from_template && loose=$(put_blob vol loose) && finds 0 &&
	mkdir -p vol/docker/registry/v2/blobs/sha256/00 &&
	mv "$(blob_dir vol $loose)" vol/docker/registry/v2/blobs/sha256/00/ &&
	finds 0 blob-misplaced && found report blob-misplaced ".digest == \"$loose\""
'

test_case 'a directory without its blob is found, and what names the blob breaks' '
	from_template && rm "$(blob_data vol $one)" && finds 1 blob-no-data layer-missing &&
	breaks report layer-missing app:v1 && finds 1 blob-no-data layer-missing -- --quick
'

test_case 'a descriptor of another size than the blob is found, and says who is wrong' '
	make_volume vol && put_layer vol app content >/dev/null &&
	put_image_of vol app:v1 "$(descriptor "$type_layer" "$(digest_of content)" 99)" &&
	finds 1 size-differs && breaks report size-differs app:v1 &&
	found report size-differs ".expected == \"99 bytes\" and .found == \"7 bytes\""
'

# ---- manifests ----

test_case 'a missing layer is found in each repository that needs it' '
	from_template && put_image vol far:v2 base "another" && remove_blob vol $base &&
	finds 1 layer-missing && breaks report layer-missing app:v1 app:v2 far:v2 &&
	[ "$(findings report | wc -l)" = 2 ]
'

test_case 'a missing configuration is found' '
	from_template && remove_blob vol $config && finds 1 config-missing &&
	breaks report config-missing app:v1
'

test_case 'a manifest that is linked and not there is found, by tag and by index' '
	from_template && put_index vol app:index $image && remove_blob vol $image &&
	finds 1 manifest-missing && breaks report manifest-missing app:v1 app:index
'

test_case 'a blob of a BuildKit cache that is not there is found' '
	make_volume vol && put_cache vol app:cache one two && remove_blob vol "$(digest_of one)" &&
	finds 1 child-missing && breaks report child-missing app:cache
'

test_case 'manifests that cannot be understood are found: no JSON, unknown, over the bound' '
	from_template && bad=$(put_manifest vol app:bad "{ not json") && finds 1 manifest-invalid &&
	breaks report manifest-invalid app:bad &&
	put_manifest vol app:odd "{\"schemaVersion\":9,\"mediaType\":\"application/x.odd\"}" &&
	finds 1 manifest-invalid manifest-unknown && breaks report manifest-unknown app:odd &&
	{ printf "{\"schemaVersion\":2,\"layers\":[],\"x\":\""; head -c 17000000 /dev/zero |
		tr "\0" x; printf "\"}"; } >huge &&
	huge=$(put_file vol huge) && link_revision vol app $huge && tag vol app:huge $huge &&
	finds 1 manifest-invalid manifest-unknown manifest-too-big &&
	breaks report manifest-too-big app:huge
'

test_case 'a layer without a link in the repository breaks the pull, although it is there' '
	from_template && rm -r "$(dirname "$(layer_link vol app $one)")" && finds 1 layer-unlinked &&
	breaks report layer-unlinked app:v1 &&
	found report layer-unlinked ".repository == \"app\" and .digest == \"$one\""
'

test_case 'a tag, and a child of an index, whose revision link is gone is found' '
	from_template && rm -r "$(dirname "$(revision_link vol app $image)")" &&
	finds 1 revision-unlinked && breaks report revision-unlinked app:v1 &&
	put_index vol app:index $beside && rm -r "$(dirname "$(revision_link vol app $beside)")" &&
	finds 1 revision-unlinked && breaks report revision-unlinked app:v1 app:v2 app:index
'

test_case 'an index of which not all was pushed is sparse, also where another repository has it' '
	from_template && put_index vol app:index $image $no_such $far && finds 0 child-sparse &&
	[ "$(findings report | wc -l)" = 2 ]
'

test_case 'an index whose manifest was collected before it came is broken, and mended by the next run' '
	from_template && late=$(put_image vol app "late layer") &&
	both=$(index_json vol "$type_index" "$type_image" $image $late) &&
	alone=$(index_json vol "$type_index" "$type_image" $late) &&
	run 0 drydock rm --root vol "app@$late" --grace 0 --apply &&
	put_manifest vol app:index "$both" && put_manifest vol far:index "$alone" &&
	finds 1 child-collected child-sparse && breaks report child-collected app:index &&
	run 0 collect vol && finds 0 child-sparse && blobs_exist vol $late &&
	revision_linked vol app $late
'

test_case 'a manifest that is not as large as its index says is found, whichever is read first' '
	make_volume vol && child=$(put_image vol app one) &&
	json=$(index_json vol "$type_index" "$type_image" $child) && size=$(blob_size vol $child) &&
	put_manifest vol app:index "${json/\"size\":$size/\"size\":77}" >&7 && age vol everything 9d &&
	for i in 1 2 3 4 5 6; do finds 1 size-differs || return; done
'

test_case 'a layer that is fetched from elsewhere need not be here' '
	make_volume vol && put_image_of vol app:win "$(descriptor \
		application/vnd.docker.image.rootfs.foreign.diff.tar.gzip $no_such 5 \
		"\"urls\":[\"https://example.com/x\"]")" && finds 0 layer-foreign
'

test_case 'a subject that is not here is a note' '
	make_volume vol && put_referrer vol app $no_such sbom && finds 0 subject-missing
'

test_case 'an index that names a manifest by another type than it has is told' '
	from_template && put_manifest vol app:index "$(index_json vol "$type_index" "$type_docker" \
		$image)" && finds 0 type-differs &&
	found report type-differs ".expected == \"$type_docker\" and .found == \"$type_image\""
'

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

test_case 'where the repository links no such blob, all that are read are candidates' '
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

test_case 'the links of a layer that was pushed as sha512 are needed under both names' '
	make_volume vol && put_strong_image vol app:v1 g && layer=$(put_layer vol app g) &&
	link_layer vol app "$(digest_of g sha512)" "$layer" && remove_blob vol "$layer" &&
	finds 1 layer-missing
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

# ---- several at once, references, what may not be read ----

test_case 'several kinds of damage at once are each found, the worst first' '
	from_template && flip_blob vol $one && : >"$(layer_link vol far "$(digest_of "far layer")")" &&
	remove_blob vol "$(digest_of "layer two")" && echo x >vol/docker/registry/v2/blobs/x &&
	age vol everything 9d && finds 1 alien blob-corrupt layer-missing link-empty &&
	jq -r .severity report | grep -v null >order && sort -c order &&
	summary ".errors == 3 and .notes == 1 and .images == 3" report &&
	run 1 drydock verify --root vol >text && says "^Damaged: 3 errors, 3 images" text
'

test_case 'the same damage is found in a volume of thousands of blobs' '
	"$BUILD/tests/make-volume" --repositories 20 --tags 40 --layers 4 --out vol >/dev/null &&
	victim=$(find vol/docker/registry/v2/blobs -name data | sort | sed -n 777p) &&
	printf X | dd of="$victim" bs=1 seek=5 conv=notrunc status=none && age vol everything 9d &&
	finds 1 blob-corrupt && found report blob-corrupt ".path == \"${victim#vol/}\"" &&
	[ "$(findings report | wc -l)" = 1 ] && summary ".blobs > 3000" report
'

test_case 'a reference is checked with what it reaches, and nothing else' '
	from_template && flip_blob vol $one && flip_blob vol "$(digest_of "far layer")" &&
	: >"$(current_link vol far:v1)" && age vol everything 9d &&
	finds 1 blob-corrupt -- app:v1 && breaks report blob-corrupt app:v1 &&
	[ "$(findings report | wc -l)" = 1 ] && summary ".blobs == 4" report &&
	finds 0 -- app:v2 && finds 0 -- "app@$beside" && finds 1 blob-corrupt -- app &&
	finds 1 link-empty -- far:v1 && finds 1 blob-corrupt -- "$image" &&
	finds 1 blob-corrupt -- "$one" && finds 0 -- "$base" && finds 0 -- "${beside:0:20}" &&
	run 1 drydock verify --root vol "$one" >text && says "Damaged: 1 error\.$" text &&
	run 1 drydock verify --root vol app:v1 >text && says "1 error, 1 image cannot be pulled" text &&
	run 2 drydock verify --root vol app:v9 2>err && says "has no tag v9" err &&
	run 2 drydock verify --root vol nowhere 2>err && run 2 drydock verify --root vol $no_such
'

test_case 'a reference whose layer is missing, or not linked, says so' '
	from_template && remove_blob vol $one && rm "$(layer_link vol app $base)" &&
	finds 1 layer-missing layer-unlinked -- app:v1 && finds 1 layer-unlinked -- app:v2
'

test_case 'what an ordinary user may not read is said, and the rest is verified' '
	need_root && from_template && chmod 755 . && chmod 600 "$(blob_data vol $one)" &&
	run 3 as_nobody drydock verify --root vol --json >report && valid_lines verify report &&
	found report unseen ".digest == \"$one\"" && summary ".unseen == 1 and .errors == 0" report &&
	chmod 700 "$(repository_dir vol far)/_manifests" &&
	run 3 as_nobody drydock verify --root vol >text && says "not all could be seen: 3" text &&
	says "repositories/far/_manifests/tags" text
'

test_case 'an ordinary user verifies what may be read, and nothing is written' '
	need_root && from_template && chmod 755 . && volume_digest vol >before &&
	run 0 as_nobody drydock verify --root vol && volume_digest vol >after && same before after
'

test_case 'a volume on a read-only file system is verified' '
	need_root && from_template && mkdir ro && mount --bind vol ro && on_exit umount "$PWD/ro" &&
	mount -o remount,bind,ro ro && run 0 drydock verify --root ro
'

test_case 'a read error is reported as such, and the run goes on' '
	need_strace && from_template && flip_blob vol "$(digest_of "far layer")" && age vol everything 9d &&
	run 1 by_path strace -f -o trace -P "$(realpath "$(blob_data vol $one)")" -e trace=read,preadv2 \
		-e inject=read:error=EIO drydock verify --root vol --json >report &&
	valid_lines verify report &&
	found report blob-unreadable ".digest == \"$one\" and .found == \"Input/output error\"" &&
	breaks report blob-unreadable app:v1 && found report blob-corrupt ".digest"
'

test_case 'a directory that cannot be read is damage' '
	need_strace && from_template &&
	run 1 by_path strace -f -o trace -P "$(realpath "$(repository_dir vol app)/_layers/sha256")" \
		-e trace=getdents64 -e inject=getdents64:error=EIO drydock verify --root vol --json \
		>report && valid_lines verify report && found report directory-unreadable ".path"
'

test_case 'a link that cannot be read is damage' '
	need_strace && from_template &&
	run 1 by_path strace -f -o trace -P "$(realpath "$(layer_link vol app $one)")" -e trace=read \
		-e inject=read:error=EIO drydock verify --root vol --json >report &&
	found report link-unreadable ".digest == \"$one\""
'

# ---- a volume that is at work ----

# stop_at NAME CALL PATH ARGUMENT…: verify, stopped after the first such call on that path.
stop_at() {
	local name=$1 call=$2 path
	path=$(realpath "$3") && rm -f "$name.trace" &&
		start "$name" by_path strace -f -qq -o "$name.trace" -P "$path" -e trace="$call" \
			-e inject="$call:signal=SIGSTOP:when=1" drydock verify --root vol --json \
			"${@:4}" && wait_until paused_or_ended "$name" && is_paused "$name"
}

test_case 'a blob that was half written when it was read, and is whole by now, is no damage' '
	need_strace && from_template && data=$(blob_data vol $one) && printf "layer" >"$data" &&
	stop_at verify read "$data" -j 1 && printf "layer one" >"$data" && resume verify 0 &&
	valid_lines verify verify.out && summary ".errors == 0 and .verified_blobs == 10" verify.out
'

test_case 'a blob that goes on changing is not judged, and counted' '
	need_strace && from_template && data=$(blob_data vol $one) && printf "layer" >"$data" &&
	{ while sleep 0.01; do printf x >>"$data"; done & } && on_exit kill $! &&
	run 0 by_path strace -f -qq -o trace -P "$(realpath "$data")" -e trace=read,preadv2 \
		-e inject=read:delay_exit=300000:when=1+2 drydock verify --root vol --json >report && summary ".changed_blobs == 1" report
'

test_case 'a blob that is deleted after it was seen is no damage' '
	need_strace && from_template && loose=$(put_blob vol loose) &&
	stop_at verify getdents64 "$(dirname "$(blob_dir vol $loose)")" -j 1 &&
	remove_blob vol $loose && resume verify 0 &&
	summary ".errors + .warnings + .notes == 0 and .blobs == 10" verify.out
'

test_case 'an image that is pushed meanwhile is no damage' '
	need_strace && from_template &&
	stop_at verify getdents64 "$(repository_dir vol app)/_layers/sha256" &&
	put_image vol app:v3 base "layer three" && resume verify 0 &&
	summary ".errors + .warnings + .notes == 0" verify.out
'

test_case 'an interrupted run tells what it found, and ends as one' '
	need_strace && from_template && echo x >vol/docker/registry/v2/blobs/sha256/README &&
	stop_at verify read "$(blob_data vol $one)" -j 1 --no-index --rate 10B &&
	interrupt verify INT 130 && valid_lines verify verify.out && found verify.out alien .path &&
	summary ".complete | not" verify.out
'

# ---- limits, output ----

test_case '--max-bytes reads no more than that, and says what is left' '
	make_volume vol && for i in 1 2 3 4 5; do put_blob vol "$(printf %01000d $i)"; done &&
	finds 0 -- --no-index --max-bytes 2500 && summary ".read_bytes == 2000 and .left_blobs == 3" report &&
	summary ".left_bytes == 3000 and .complete" report &&
	run 0 drydock verify --root vol --no-index --max-bytes 2500 >text && says "not read +3 blobs" text
'

test_case '--budget begins nothing after that' '
	make_volume vol && for i in 1 2 3; do put_blob vol "$(printf %01000d $i)"; done &&
	finds 0 -- --no-index --budget 1s --rate 500 -j 1 && summary ".left_blobs > 0 and .read_blobs > 0" report
'

test_case '--rate keeps all threads together below it' '
	make_volume vol && for i in 1 2 3 4 5; do put_blob vol "$(printf %01000d $i)"; done &&
	finds 0 -- --no-index --rate 2000 && summary ".reading_milliseconds >= 1900" report &&
	run 0 drydock verify --root vol --no-index --rate 2000 2>err >text &&
	says "to read: 4.9 KiB in 5 blobs, which takes 2 seconds" err
'

test_case '--max-load is a number, and where the load is below it nothing waits' '
	from_template && finds 0 -- --max-load 9999 && summary ".left_blobs == 0" report &&
	summary ".waited_milliseconds == 0" report && finds 0 -- --max-load 9998.75 &&
	for wrong in -1 1. .5 1,5 1e3 10000 x ""; do
		run 2 drydock verify --root vol "--max-load=$wrong" || exit 1
	done && run 2 drydock verify --root vol --quick --max-load 1
'

# ---- what is remembered ----

test_case 'a second run reads nothing that has not changed, and finds what has' '
	from_template && sleep 2.1 && finds 0 && summary ".remembered_blobs == 0" report &&
	finds 0 && summary ".remembered_blobs == 10 and .read_blobs == 0" report &&
	summary ".oldest_read" report && touch -r "$(blob_data vol $one)" stamp &&
	flip_blob vol $one && touch -r stamp "$(blob_data vol $one)" && finds 1 blob-corrupt &&
	summary ".remembered_blobs == 9" report && finds 1 blob-corrupt
'

test_case 'what was verified too long ago is read again, and so is everything by --full' '
	from_template && sleep 2.1 && finds 0 && finds 0 -- --reverify-after 0 &&
	summary ".remembered_blobs == 0 and .read_blobs == 10" report && finds 0 -- --full &&
	summary ".remembered_blobs == 0" report && finds 0 -- --no-index &&
	summary ".remembered_blobs == 0" report && finds 0 -- --reverify-after 1h &&
	summary ".remembered_blobs == 10" report
'

# opens COUNT [OPTION…]: so many links and blobs are opened by a verification; a revision's and that
# of a tag's history are called the same, and are one.
opens() {
	run 0 strace -f -qq -o trace -e trace=openat,openat2 drydock verify --root vol -q "${@:2}" || return
	sed -nE "s,.*[/\"]([^/\"]*/(link|data))\".*,\1,p" trace | sort -u >opened &&
		{ [ "$(wc -l <opened)" -eq "$1" ] || { cat opened >&7 && return 1; }; }
}

test_case 'a second run opens neither links nor blobs, unless it is to read everything' '
	need_strace && make_volume vol && put_image vol app:v1 one two && sleep 2.1 &&
	opens 9 && opens 0 && opens 9 --full && opens 0 && opens 9 --no-index &&
	opens 9 --reverify-after 0 && opens 0
'

# damage_file HOW FILE: its times are as they were.
damage_file() {
	cp -p "$2" good && cp -p "$2" bad && printf x | dd of=bad bs=1 seek=20 conv=notrunc status=none &&
		touch -r good bad || return
	case $1 in
	in_place) cat bad >"$2" && touch -r good "$2" ;;
	renamed) mv bad "$2" ;;
	esac
}

# What is remembered of before the damage changes nothing; nor does what the look itself remembers.
same_findings() {
	run 0,1 drydock verify --root vol --json --no-index >report && findings report >without &&
		[ -s without ] || return
	for turn in 1 2; do
		run 0,1 drydock verify --root vol --json >report && findings report >with &&
			same without with || return
	done
}

damage_each() {
	local file
	for file in "$(layer_link vol app "$(digest_of two)")" "$(revision_link vol app "$image")" \
		"$(current_link vol app:v1)" "$(history_link vol app:v1 "$image")" \
		"$(blob_data vol "$image")"; do
		say "$file"
		rm -rf known && cp -a kept known && damage_file "$1" "$file" && same_findings &&
			cp -p good "$file" || return
	done
}

test_case 'a link or a manifest that is damaged after it was remembered is found' '
	export DRYDOCK_CACHE=$PWD/known && make_volume vol && image=$(put_image vol app:v1 one two) &&
	sleep 2.1 && finds 0 && mv known kept && damage_each in_place && damage_each renamed
'

test_case 'a link or a manifest that is damaged right after it was written and verified is found' '
	export DRYDOCK_CACHE=$PWD/known && make_volume vol && image=$(put_image vol app:v1 one two) &&
	finds 0 && summary ".remembered_blobs == 0" report && mv known kept && damage_each in_place
'

test_case 'night after night a limited run goes on where the last one stopped' '
	make_volume vol && for i in 1 2 3 4 5; do put_blob vol "$(printf %01000d $i)"; done &&
	sleep 2.1 && finds 0 -- --max-bytes 2500 && summary ".left_blobs == 3" report &&
	summary ".never_blobs == 3" report && finds 0 -- --max-bytes 2500 &&
	summary ".left_blobs == 1 and .remembered_blobs == 2" report &&
	finds 0 -- --max-bytes 2500 && summary ".left_blobs == 0 and .never_blobs == 0" report &&
	finds 0 -- --max-bytes 2500 && summary ".read_blobs == 0" report
'

test_case 'with a limit what was read longest ago goes first' '
	make_volume vol && put_blob vol "$(printf %01000d 1)" && sleep 2.1 && finds 0 &&
	first=$(summary .oldest_read report) &&
	for i in 2 3 4 5; do put_blob vol "$(printf %01000d $i)"; done && sleep 2.1 && finds 0 &&
	[ "$(summary .oldest_read report)" = "$first" ] &&
	finds 0 -- --reverify-after 0 --max-bytes 1000 && summary ".read_blobs == 1" report &&
	[ "$(summary .oldest_read report)" != "$first" ]
'

test_case 'when what was longest not read was read is known without the index, by the log of runs' '
	make_volume vol && for i in 1 2 3 4 5; do put_blob vol "$(printf %01000d $i)"; done &&
	age vol everything 9d && sleep 2.1 && export DRYDOCK_CACHE=$PWD/cache && finds 0 &&
	first=$(summary .oldest_read report) && sleep 1.1 && rm cache/*/index &&
	printf torn >>"$(echo cache/*/runs)" && finds 0 -- --max-bytes 2500 &&
	summary ".left_blobs == 3 and .never_blobs == 0" report &&
	[ "$(summary .oldest_read report)" = "$first" ] && put_blob vol new &&
	finds 0 -- --max-bytes 10B && summary ".never_blobs == 0 and .left_blobs == 3" report &&
	[ "$(summary .oldest_read report)" = "$first" ] && finds 0 &&
	summary ".remembered_blobs >= 2" report &&
	[ "$(summary .oldest_read report)" != "$first" ] && rm cache/*/runs &&
	ln -s nowhere "$(echo cache/*/)runs" && finds 0 && run 0 drydock verify --root vol 2>err &&
	says "runs is a symbolic link" err
'

test_case 'options that make no sense are refused' '
	from_template && run 2 drydock verify --root vol --quick --rate 1M 2>err && says quick err &&
	run 2 drydock verify --root vol --quick --full && run 2 drydock verify --root vol a b &&
	run 2 drydock verify --root vol --max-bytes 0 && run 2 drydock verify --root vol --rate fast &&
	run 2 drydock verify --root vol --budget 0 2>err && says budget err
'

test_case 'metrics are written whatever comes of it, with the last success' '
	from_template && run 0 drydock verify --root vol --metrics m.prom &&
	says "^drydock_verify_success{volume=\".*/vol\"} 1$" m.prom &&
	says "^drydock_verify_read_bytes{volume=" m.prom &&
	last=$(grep ^drydock_verify_last_success m.prom) && says " [1-9][0-9.]*$" <(echo "$last") &&
	flip_blob vol $one && age vol everything 9d && run 1 drydock verify --root vol --metrics m.prom &&
	says "^drydock_verify_success{.*} 0$" m.prom && says "finding=\"blob-corrupt\"} 1$" m.prom &&
	[ "$(grep ^drydock_verify_last_success m.prom)" = "$last" ] &&
	run 2 drydock verify --root nowhere --metrics m2.prom && says "_success{.*} 0$" m2.prom &&
	run 3 drydock verify --root vol app:v2 --metrics /nonexistent/m.prom 2>err &&
	says "nonexistent" err && [ -z "$(find . -name "m*.prom.*")" ]
'

test_case 'metrics of a run that did not find the volume are about the one of the run before' '
	from_template && run 0 drydock verify --root vol/docker/registry/v2 --metrics m.prom &&
	last=$(grep ^drydock_verify_last_success m.prom) && mv vol away &&
	for how in "--root vol/docker/registry/v2" "--config registry.yml" ""; do
		echo "storage: {filesystem: {rootdirectory: $PWD/vol}}" >registry.yml &&
		DRYDOCK_ROOT=$PWD/vol/docker run 2 drydock verify $how --metrics m.prom 2>err &&
		says "^drydock_verify_success{volume=\"$PWD/vol\"} 0$" m.prom &&
		[ "$(grep ^drydock_verify_last_success m.prom)" = "$last" ] || exit
	done
'

test_case 'for cron it is silent until there is damage' '
	from_template && run 0 drydock verify --root vol -q >text 2>&1 && [ ! -s text ] &&
	flip_blob vol $one && age vol everything 9d && run 1 drydock verify --root vol -q >text 2>&1 &&
	says "needs a person" text && says "$one" text && says_not Verified text
'

test_case 'the table of findings is whole: each has a case above' '
	sed -n "s/.*X(DD_FOUND_[A-Z_]*, \"\([a-z-]*\)\".*/\1/p" "$top/include/drydock/finding.h" \
		>all && [ "$(wc -l <all)" -gt 30 ] &&
	while read -r code; do
		grep -qE "(finds|found|breaks) .*$code" "$top/tests/e2e/verify.t" ||
			{ say "no case for $code"; exit 1; }
	done <all
'

done_testing
