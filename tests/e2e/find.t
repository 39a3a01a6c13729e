#!/bin/bash
# Finding objects: what each test of an expression finds.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/real/registry.sh
. "$e2e/real/registry.sh"
# shellcheck source=tests/e2e/real/content.sh
. "$e2e/real/content.sh"
# shellcheck source=tests/e2e/found.sh
. "$e2e/found.sh"

# ---- types ----

test_case 'each type of object is found, each object once' '
	from_template && found found -type blob && sorted_as blobs && found found -type tag &&
	sorted_as tags && found found -type manifest && sorted_as revisions &&
	found found -type link && sorted_as links &&
	found found -type repository && finds app team/other && found found -type index &&
	finds "app@$index" && found found -type referrer && finds "app@$sbom" &&
	found found -type upload && finds "app/_uploads/$upload" &&
	found found -type layer && [ "$(sort -u found | wc -l)" = "$(wc -l <found)" ] &&
	finds "$(digest_of "first layer")" "$(digest_of "second layer")" "$shared" \
		"$(digest_of "third layer")" "$(digest_of "nobody tags it")" \
		"$(digest_of "what is in it")" &&
	found found -type config && [ "$(wc -l <found)" = 5 ] &&
	found found -type tag,index && [ "$(wc -l <found)" = 6 ]
'

test_case 'without an expression all of it is listed, in the same order each time' '
	from_template && found all && [ "$(sort all | uniq -d | wc -l)" = 0 ] &&
	{ blobs vol; tags vol; revisions vol; links vol; echo app; echo team/other
		echo "app/_uploads/$upload"; } | sort >expected && sort all >sorted &&
	same expected sorted && found again -j 1 && same all again && found third -j 9 &&
	same all third
'

test_case 'what a deletion leaves behind is no object' '
	from_template && rm "$(current_link vol app:v2)" "$(blob_data vol "$orphan")" &&
	rm -r "$(tag_dir vol app:v2)/index" && rm "$(revision_link vol app "$past")" &&
	found found -type tag && ! grep -x app:v2 found && found found -type tag -size +0 &&
	! grep -x app:v2 found && found found -type blob && ! grep "$orphan" found &&
	found found -type manifest && ! grep "$past" found &&
	found found -type manifest -untagged && finds_nothing
'

# ---- names ----

test_case '-repo, -tag and -name match by patterns, -digest by a beginning' '
	from_template && found found -type tag -name "v1*" && finds app:v1 team/other:v1.0 &&
	found found -type tag -repo "team/*" && finds team/other:v1.0 &&
	found found -type tag -repo "*" -tag "[lm]*" && finds app:latest app:multi &&
	found found -repo app -tag v2 && finds app:v2 "app@$two" &&
	found found -type repository -name other && finds team/other &&
	found found -type manifest -tag latest && finds "app@$two" &&
	found found -type tag -digest "$two" && finds app:v2 app:latest &&
	found found -type blob,tag -digest "${one:7:10}" && finds app:v1 "$one" &&
	found found -type upload -name "7a*" && finds "app/_uploads/$upload" &&
	found found -type link -name "tag" && [ "$(wc -l <found)" = 5 ] &&
	found found -type layer -repo team/other && finds "$shared" "$(digest_of "third layer")"
'

test_case 'names alone are listed where names are enough: no link, manifest or blob is read' '
	need_strace && from_template &&
	run 0 by_path strace -f -y -e trace=openat,openat2,open,read -o calls \
		drydock find --root vol -type tag -name "v1*" >found && finds app:v1 team/other:v1.0 &&
	! grep -E "blobs|revisions|_layers" calls && ! grep -E "openat.*/link" calls | grep -v O_PATH &&
	run 0 by_path strace -f -y -e trace=openat,openat2,open,read -o calls \
		drydock find --root vol -type blob -size +100 >found && ! grep "repositories" calls &&
	! grep -E "openat.*data" calls | grep -v O_PATH &&
	run 0 by_path strace -f -y -e trace=openat,openat2,open -o calls \
		drydock find --root vol -type manifest -repo team/other -mediatype "*" >found &&
	finds "team/other@$other" && ! grep "repositories/app/_" calls
'

# ---- what manifests and configs say ----

test_case 'media types, artifact types and annotations are those of manifests and descriptors' '
	from_template && hello=$(put_configured vol art:a "{}" \
		"\"artifactType\":\"application/vnd.example.thing\",\"annotations\":{\"org.example.team\":\"blue\",\"note\":\"x=y\"}" \
		"a thing") && age vol everything 3d &&
	found found -type manifest -artifact-type "*.thing" && finds "art@$hello" &&
	found found -type tag -annotation org.example.team && finds art:a &&
	found found -type tag -annotation org.example.team=bl* && finds art:a &&
	found found -type tag -annotation note=x=y && finds art:a &&
	found found -type tag -annotation org.example.team=red && finds_nothing &&
	found found -type manifest -mediatype "*index*" && finds "app@$index" &&
	found found -type config -mediatype "$type_config" && [ "$(wc -l <found)" = 6 ] &&
	found found -type referrer -artifact-type application/vnd.example.sbom && finds "app@$sbom"
'

test_case 'labels, creation and platform are those of the config, and of an index that of its images' '
	make_volume vol &&
	a=$(put_configured vol app:old "{\"created\":\"2020-01-02T03:04:05Z\",\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\",\"config\":{\"Labels\":{\"maintainer\":\"me\",\"tier\":\"gold\"}}}" "" l1) &&
	b=$(put_configured vol app:new "{\"created\":\"$(date -u -d "2 days ago" +%FT%TZ)\",\"os\":\"windows\",\"architecture\":\"amd64\"}" "" l2) &&
	i=$(put_index vol app:both "$a" "$b") &&
	found found -type tag -label maintainer && finds app:old app:both &&
	found found -type tag -label tier=g* && finds app:old app:both &&
	found found -type tag -label tier=silver && finds_nothing &&
	found found -type tag -created +1y && finds app:old &&
	found found -type tag -created -7d && finds app:new app:both &&
	found found -type tag -created 2 && finds app:new app:both &&
	found found -type tag -platform linux/arm64 && finds app:old app:both &&
	found found -type tag -platform linux/arm64/v8 && finds app:old app:both &&
	found found -type tag -platform linux/arm64/v7 && finds_nothing &&
	found found -type tag -platform "*/amd64" && finds app:new app:both &&
	found found -type config -label tier=gold && [ "$(wc -l <found)" = 1 ] &&
	found found -type tag -name old -printf "%c %o %{platform}\n" &&
	[ "$(cat found)" = "2020-01-02T03:04:05Z linux/arm64/v8 linux/arm64/v8" ]
'

test_case 'the platform that is printed is the one that is asked for, through indexes of indexes' '
	make_volume vol &&
	a=$(put_configured vol app "{\"os\":\"linux\",\"architecture\":\"arm64\"}" "" l1) &&
	b=$(put_configured vol app "{\"os\":\"windows\",\"architecture\":\"amd64\"}" "" l2) &&
	c=$(put_configured vol app "{}" "" l3) && inner=$(put_index vol app:inner "$a" "$b" "$a") &&
	put_index vol app:outer "$inner" "$c" "$no_such" >&7 && put_index vol app:sparse "$no_such" >&7 &&
	found found -type tag -printf "%g %o\n" &&
	finds "inner linux/arm64,windows/amd64" "outer linux/arm64,windows/amd64,linux/amd64" \
		"sparse linux/amd64" &&
	for platform in linux/arm64 windows/amd64 linux/amd64; do
		found found -type tag,manifest -platform "$platform" && sort found >got &&
		found found -type tag,manifest -printf "%p %o\n" &&
		grep -E "[ ,]$platform(,|$)" found | cut -d" " -f1 | sort >expected &&
		[ -s expected ] && same expected got || return
	done && found found -type tag -name outer --json && valid find found &&
	json ".platform == \"linux/arm64,windows/amd64,linux/amd64\"" found
'

test_case 'a config that is not there or not whole is said, and stops nothing' '
	from_template && remove_blob vol "$(digest_of "$(config_of "first layer" shared)")" &&
	run 1 drydock find --root vol -type tag -created -1d -o -type tag -print >found 2>err &&
	finds app:latest app:multi app:v1 app:v2 team/other:v1.0 && says "its config is not there" err
'

# ---- sizes, counts, times ----

test_case 'sizes are those of the files, and of images what a pull transfers' '
	from_template && found found -type blob -printf "%s %p\n" &&
	find vol/docker/registry/v2/blobs -name data -printf "%s %P\n" |
		sed -E "s|^([0-9]*) ([^/]*)/../([^/]*)/data|\1 \2:\3|" | sort >expected &&
	sort found >sorted && same expected sorted &&
	size=$(($(blob_size vol "$one") + 11 + 6 + $(blob_size vol "$(digest_of "$(config_of "first layer" shared)")"))) &&
	found found -type tag -name v1 -printf "%s" && [ "$(cat found)" = "$size" ] &&
	found found -type tag -name v1 -size "$size" && finds app:v1 &&
	found found -type tag -name v1 -size "+$size" && finds_nothing &&
	found found -type layer -size -7 && finds "$shared" && found found -type layer -size 1K &&
	finds_nothing && found found -type upload -size 12 && finds "app/_uploads/$upload"
'

test_case 'how many manifests and repositories use something is counted' '
	from_template && jq -r ".config.digest, .layers[]?.digest, .manifests[]?.digest" \
		$(for m in "$one" "$two" "$other" "$past" "$index" "$sbom"; do blob_data vol "$m"; echo; done) |
		grep sha256 | sort | uniq -c | awk "{ print \$2, \$1 }" | sort >expected &&
	found found -type layer,config -printf "%p %n\n" && grep -v "$one\|$two" expected >named &&
	sort found >sorted && same named sorted &&
	found found -type blob -refs +1 && finds "$shared" && found found -type layer -repos 2 &&
	finds "$shared" && found found -type layer -shared && finds "$shared" &&
	found found -type manifest -refs 1 && finds "app@$one" "app@$two" &&
	(cd vol/docker/registry/v2/repositories && find . -path "*_layers*" -name link) |
		sed "s|.*/\(.*\)/link|sha256:\1|" | sort | uniq -c | awk "{ print \$2, \$1 }" |
		sort >expected && found found -type layer,config -printf "%p %N\n" &&
	sort found >sorted && grep -v "$unused" expected >linked && same linked sorted
'

test_case 'a tag has no count, and prints none' '
	from_template && found found -type tag,upload -printf "[%n%N]\n" && [ "$(sort -u found)" = "[]" ] &&
	found found -type manifest -digest "$one" -printf "%n %N\n" && finds "1 1"
'

test_case 'what lies among uploads and is not called as one is said' '
	from_template && mkdir "$(upload_dir vol app mine)" &&
	run 0 drydock find --root vol -type upload >found 2>err && finds "app/_uploads/$upload" &&
	says "app/_uploads/mine: .*passed over" err &&
	run 0 drydock find --root vol -type upload,blob -refs -9 -o -type upload >found 2>err &&
	says "app/_uploads/mine: .*passed over" err
'

test_case 'times are compared exactly, and a bare number counts days' '
	from_template && age vol "$(current_link vol app:v1)" 10d &&
	age vol "$(current_link vol app:v2)" 1h &&
	found found -type tag -mtime +5d && finds app:v1 && found found -type tag -mtime +5 &&
	finds app:v1 && found found -type tag -mtime -2h && finds app:v2 &&
	found found -type tag -mtime 3 && finds app:latest app:multi team/other:v1.0 &&
	found found -type tag -newer app:multi && finds app:v2 &&
	found found -type tag -newer "$(date -u -d "2 days ago" +%FT%TZ)" && finds app:v2 &&
	found found -type tag ! -newer 2001-01-01 && finds_nothing &&
	run 2 drydock find --root vol -newer app:nope 2>err && says "app has no tag nope" err
'

# ---- reachability ----

test_case 'untagged manifests are those that gc -m would take' '
	from_template && found found -type manifest -untagged && finds "app@$past" &&
	found found -type manifest -tagged && ! grep "$past" found && grep "$sbom" found &&
	run 0 plan vol -m --json >plan && items plan | grep ^revision | cut -d" " -f4 | sort >expected &&
	found found -type manifest -untagged -printf "%d\n" && same expected found
'

test_case 'unreferenced blobs and links are those that gc would take' '
	from_template && found found -type blob -unreferenced && finds "$orphan" "$unused" &&
	run 0 plan vol --json >plan && items plan | grep ^blob | cut -d" " -f4 | sort >expected &&
	sort found >sorted && same expected sorted && found found -type link -unreferenced &&
	finds "app/_layers/sha256/${unused#*:}/link"
'

test_case 'what is in doubt is not called unreferenced' '
	from_template && echo garbage >"$(blob_data vol "$two")" &&
	run 1 drydock find --root vol -type blob -unreferenced >found 2>err && finds "$orphan" &&
	says "warning: app@$two: .*differ" err && rm -r "$(repository_dir vol app)/_layers" &&
	run 1 drydock find --root vol -type blob -unreferenced >found 2>err && finds_nothing &&
	says "everything is held" err
'

test_case 'what is in doubt is not called untagged, and counting says what it could not read' '
	from_template && flip_blob vol "$index" && team=$(put_image vol team/other "nobody tags this") &&
	run 1 drydock find --root vol -type manifest -untagged >found 2>err && finds "team/other@$team" &&
	says "warning: app@$index: .*differ" err && [ "$(wc -l <err)" = 1 ] &&
	run 1 drydock find --root vol -type blob -refs 0 >found 2>err &&
	says "warning: app@$index: .*differ" err &&
	run 1 drydock find --root vol -type manifest -untagged -ls >found 2>err && [ "$(wc -l <err)" = 1 ] &&
	run 1 plan vol -m --json >plan && items plan | grep ^revision | cut -d" " -f2,4 >expected &&
	[ "$(cat expected)" = "team/other $team" ]
'

test_case 'dangling are tags, manifests, links and layers without their bytes' '
	from_template && remove_blob vol "$other" && remove_blob vol "$(digest_of "first layer")" &&
	run 0,1 drydock find --root vol -dangling >found 2>err &&
	finds team/other:v1.0 "team/other@$other" "$(digest_of "first layer")" \
		"app/_layers/sha256/$(digest_of "first layer" | cut -d: -f2)/link" \
		"team/other/_manifests/revisions/sha256/${other#*:}/link" \
		"team/other/_manifests/tags/v1.0/current/link" \
		"team/other/_manifests/tags/v1.0/index/sha256/${other#*:}/link"
'

test_case 'a strong layer is not dangling, for its link says where it is stored' '
	make_volume vol && put_alias_image vol app:v1 "a strong layer" >/dev/null &&
	found found -dangling && finds_nothing &&
	remove_blob vol "$(digest_of "a strong layer")" && run 0,1 drydock find --root vol -dangling \
		-type layer >found && finds "$(digest_of "a strong layer" sha512)"
'

test_case '-contains finds all that lead to a digest, -layer-of all that an image leads to' '
	from_template && found found -contains "$(digest_of "first layer")" &&
	finds app app:v1 app:multi "app@$one" "app@$index" &&
	found found -type tag -contains "$one" && finds app:v1 app:multi &&
	found found -type repository -contains "$shared" && finds app team/other &&
	found found -layer-of app:v1 && finds "$(digest_of "first layer")" "$shared" &&
	found found -type blob -layer-of "$index" && finds "$(digest_of "first layer")" \
		"$(digest_of "second layer")" "$shared" &&
	run 2 drydock find --root vol -contains "$no_such" 2>err && says "$no_such" err &&
	run 2 drydock find --root vol -layer-of app:nope 2>err && says "has no tag nope" err
'

test_case 'corrupt is what the last verification found, and the images that have it' '
	from_template && flip_blob vol "$(digest_of "first layer")" 0 &&
	found found -corrupt && finds_nothing && age vol everything 3d && sleep 2.1 &&
	run 1 drydock verify --root vol >/dev/null &&
	found found -type blob -corrupt && finds "$(digest_of "first layer")" &&
	found found -type tag -corrupt && finds app:v1 app:multi &&
	found found -type layer -size 11 -printf "%v %p\n" &&
	says "^corrupt $(digest_of "first layer")" found && says "^good $(digest_of "third layer")" found &&
	printf "%s" "first layer" >"$(blob_data vol "$(digest_of "first layer")")" &&
	found found -type blob -corrupt && finds_nothing
'

# ---- signatures and SBOMs ----

test_case 'signed and with an SBOM: by cosign tags, by referrers, by BuildKit' '
	make_volume vol && a=$(put_image vol app:a a) && b=$(put_image vol app:b b) &&
	c=$(put_image vol app:c c) && d=$(put_image vol app:d d) && e=$(put_image vol app:e e) &&
	put_image vol "app:sha256-${a#*:}.sig" "signature" >/dev/null &&
	put_image vol "app:sha256-${b#*:}.sbom" "bill" >/dev/null &&
	put_configured vol app "{}" "\"artifactType\":\"application/vnd.cncf.notary.signature\",\"subject\":$(descriptor "$type_image" "$c" 1)" n >/dev/null &&
	put_configured vol app "{}" "\"artifactType\":\"application/spdx+json\",\"subject\":$(descriptor "$type_image" "$d" 1)" s >/dev/null &&
	statement=$(put_manifest vol app "$(manifest_json "$type_image" \
		"\"config\":$(content_descriptor "$type_config" "{}")" \
		"\"layers\":[$(content_descriptor application/vnd.in-toto+json "{}" "\"annotations\":{\"in-toto.io/predicate-type\":\"https://spdx.dev/Document\"}")]")") &&
	put_manifest vol app:built "$(manifest_json "$type_index" \
		"\"manifests\":[$(descriptor "$type_image" "$e" 1 "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}"),$(descriptor "$type_image" "$statement" 1 "\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\",\"vnd.docker.reference.digest\":\"$e\"}")]")" >/dev/null &&
	found found -type tag -signed && finds app:a app:c &&
	found found -type tag -has-sbom && finds app:b app:d app:e app:built &&
	found found -type manifest -signed && finds "app@$a" "app@$c" &&
	found found -type tag -name "?" ! -signed ! -has-sbom && finds_nothing
'

test_case 'a signature in one repository signs nothing in another' '
	make_volume vol && a=$(put_image vol one:a a) && put_image vol two:a a >/dev/null &&
	put_image vol "one:sha256-${a#*:}.sig" "signature" >/dev/null &&
	found found -type tag -signed && finds one:a
'

# ---- a real registry ----

test_case 'of a real registry: tags, manifests, layers and sizes are those in the raw files' '
	need_registry2 && registry_start vol && for name in base top amd64 arm64 attestation; do
		make_layer "$name" "$name" || return
	done && push app:v1 oci base top && push app:v2 v2s2 base && push_index app:multi &&
	push other/app:v1 oci base && registry_stop &&
	found found -type tag && sorted_as tags && found found -type manifest && sorted_as revisions &&
	found found -type blob && sorted_as blobs &&
	for m in $(revisions vol | cut -d@ -f2 | sort -u); do cat "$(blob_data vol "$m")"; echo; done >all &&
	jq -r ".layers[]?.digest" all | sort -u >expected && found found -type layer && sort found >sorted &&
	same expected sorted && jq -r ".config.digest // empty" all | sort -u >expected &&
	found found -type config && sort found >sorted && same expected sorted &&
	digest=$(cat "$(current_link vol app:v1)") &&
	sum=$(jq "[.config.size, .layers[].size] | add" "$(blob_data vol "$digest")") &&
	found found -type tag -repo app -name v1 -printf %s &&
	[ "$(cat found)" = $((sum + $(blob_size vol "$digest"))) ] &&
	found found -type blob -unreferenced && finds_nothing && found found -dangling && finds_nothing
'

done_testing
