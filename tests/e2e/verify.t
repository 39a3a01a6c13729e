#!/bin/bash
# Whether a volume is whole: what is found of blobs and manifests, what it names, and what is none.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/verified.sh
. "$e2e/verified.sh"

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
		"$(find vol -name data -printf "%s\n" | add_up)" ]
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

test_case 'a manifest that is rotten is found by --quick, for it is read' '
	from_template && flip_blob vol $image && age vol everything 9d && finds 1 blob-corrupt -- --quick --no-index &&
	breaks report blob-corrupt app:v1 && finds 1 blob-corrupt -- --no-index && breaks report blob-corrupt app:v1
'

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
	finds 1 layer-missing alien directory-unreadable layer-unlinked &&
	breaks report layer-unlinked far:v1
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

test_case 'a tag that points to a layer is no image, though the layer is whole and linked' '
	from_template && tag vol app:v3 $one && age vol everything 9d && finds 1 manifest-invalid &&
	breaks report manifest-invalid app:v3 && finds 1 manifest-invalid -- --quick &&
	finds 0 -- app:v1 && finds 1 manifest-invalid -- app:v3
'

test_case 'a tag that points to a configuration is no image, and the image that has it is whole' '
	from_template && tag vol app:v3 $config && age vol everything 9d && finds 1 manifest-unknown &&
	breaks report manifest-unknown app:v3 && finds 0 -- app:v1 && finds 1 manifest-unknown -- app:v3
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

# ---- several at once, references, what may not be read ----

test_case 'several kinds of damage at once are each found, the worst first' '
	from_template && flip_blob vol $one && : >"$(layer_link vol far "$(digest_of "far layer")")" &&
	remove_blob vol "$(digest_of "layer two")" && echo x >vol/docker/registry/v2/blobs/x &&
	age vol everything 9d && finds 1 alien blob-corrupt layer-missing link-empty &&
	jq -r .severity report | grep -v null >order && sort -c order &&
	summary ".errors == 3 and .notes == 1 and .images == 3" report &&
	run 1 drydock verify --root vol >text && says "^Damaged: 3 errors, 3 images" text &&
	says "^What can be mended, and from where: drydock --root vol repair\$" text
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
	run 2 drydock verify --root vol nowhere 2>err && run 2 drydock verify --root vol $no_such &&
	run 2 drydock verify --root vol "app:v1@$image" 2>err && says "a tag and a digest" err &&
	both=$(put_index vol far:index $beside) && tag vol far:v2 $beside && remove_blob vol $beside &&
	finds 0 child-sparse -- "far@$both" && finds 1 blob-corrupt child-sparse link-empty tag-dangling -- far
'

test_case 'a digest by itself is checked with what it names, whoever has it' '
	from_template && both=$(put_index vol app:index $image $no_such) && remove_blob vol $one &&
	age vol everything 9d && finds 1 layer-missing -- "$image" &&
	breaks report layer-missing "$image" && finds 1 layer-missing child-sparse -- "$both" &&
	breaks report layer-missing "$both" && finds 0 -- "$beside" && finds 0 -- "$base" &&
	remove_blob vol $config && finds 1 layer-missing config-missing -- "$image" --quick &&
	put_blob other "layer one" && put_blob other "$(config_of base "layer one")" &&
	run 0 drydock repair --root vol --from other --apply "$image" && finds 0 -- "$image" &&
	strong=$(put_alias_image vol app:v4 g) && finds 0 -- "$strong"
'

test_case 'a tag that only its history tells of is damaged, not unknown, and can be mended by name' '
	from_template && rm "$(current_link vol app:v1)" && finds 1 tag-no-current -- app:v1 &&
	breaks report tag-no-current app:v1 && [ "$(findings report | wc -l)" = 1 ] &&
	run 0 drydock repair --root vol --apply app:v1 && finds 0 -- app:v1 &&
	rm "$(current_link vol app:v1)" "$(history_link vol app:v1 $image)" &&
	run 2 drydock verify --root vol app:v1 2>err && says "has no tag v1" err
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

test_case 'the table of findings is whole: each has a case here' '
	sed -n "s/.*X(DD_FOUND_[A-Z_]*, \"\([a-z-]*\)\".*/\1/p" "$top/include/drydock/finding.h" \
		>all && [ "$(wc -l <all)" -gt 30 ] &&
	while read -r code; do
		grep -qE "(finds|found|breaks) .*$code" "$top"/tests/e2e/verify*.t ||
			{ say "no case for $code"; exit 1; }
	done <all
'

done_testing
