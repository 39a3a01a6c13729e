#!/bin/bash
# Finding objects by an expression.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/real/registry.sh
. "$e2e/real/registry.sh"
# shellcheck source=tests/e2e/real/content.sh
. "$e2e/real/content.sh"

upload=7a0dc8c8-9e8e-4b7c-a9d1-0123456789ab

# put_configured VOL REF CONFIG MORE LAYER…: an image with this config.
put_configured() {
	local content
	for content in "${@:3:1}" "${@:5}"; do
		put_layer "$1" "$2" "$content" >/dev/null || return
	done
	put_manifest "$1" "$2" "$(image_json "$type_image" "$type_config" "$type_layer" "$4" "$3" \
		"${@:5}")"
}

make_found() {
	make_volume vol && one=$(put_image vol app:v1 "first layer" "shared") &&
		two=$(put_image vol app:v2 "second layer" "shared") && tag vol app:latest "$two" &&
		other=$(put_image vol team/other:v1.0 "shared" "third layer") &&
		past=$(put_image vol app "nobody tags it") && index=$(put_index vol app:multi "$one" "$two") &&
		sbom=$(put_referrer vol app "$one" "what is in it") &&
		orphan=$(put_blob vol "nobody points here") &&
		unused=$(put_layer vol app "linked, and unused") &&
		put_upload vol app "$upload" "half a layer" 3d && age vol everything 3d
}
template make_found
shared=$(digest_of shared)

# found FILE WORD…: what the expression finds, and nothing is wrong.
found() {
	run 0 drydock find --root vol "${@:2}" >"$1" 2>err && [ ! -s err ]
}

# finds NAME…: exactly these are in "found", in any order.
finds() {
	printf "%s\n" "$@" | sort >expected && sort found >sorted && same expected sorted
}

finds_nothing() {
	[ ! -s found ] || { say "found: $(head -n 5 found)"; return 1; }
}

# blobs VOL, tags VOL, revisions VOL: by the files alone.
blobs() {
	find "$1/docker/registry/v2/blobs" -name data -printf "%P\n" |
		sed -E "s|^([^/]*)/../([^/]*)/data|\1:\2|"
}

tags() {
	(cd "$1/docker/registry/v2/repositories" && find . -path "*/_manifests/tags/*/current/link") |
		sed -E "s|^\./(.*)/_manifests/tags/(.*)/current/link|\1:\2|"
}

revisions() {
	(cd "$1/docker/registry/v2/repositories" &&
		find . -path "*/_manifests/revisions/*/link") |
		sed -E "s|^\./(.*)/_manifests/revisions/([^/]*)/(.*)/link|\1@\2:\3|"
}

links() {
	(cd "$1/docker/registry/v2/repositories" && find . -name link -printf "%P\n")
}

sorted_as() {
	"$1" vol | sort >expected && sort found >sorted && same expected sorted
}

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

# ---- the expression ----

test_case 'tests are joined by -a, -o, ! and parentheses, as find joins them' '
	from_template && found found -type tag -a -name v1 -o -type tag -name latest &&
	finds app:v1 app:latest &&
	found found -type tag "(" -name v1 -o -name v2 ")" && finds app:v1 app:v2 &&
	found found -type tag ! -name "v*" && finds app:latest app:multi &&
	found found -type tag -not "(" -name "v*" -or -name latest ")" && finds app:multi &&
	found found ! ! -type repository && finds app team/other &&
	found found -type tag -false -o -type repository -and -true && finds app team/other &&
	found found -name v1 -print -o -name v2 -printf "[%p]\n" && finds app:v1 "[app:v2]"
'

test_case 'what is wrong in an expression is underlined, with what was meant' '
	from_template &&
	points() { tail -n +2 err | head -n 1 | grep -qE -e "^ {$1}~{$2}$" || { cat err >&7; return 1; }; } &&
	run 2 drydock find --root vol -type tag -nmae "v1*" 2>err && points 23 5 &&
	says "did you mean -name" err &&
	run 2 drydock find --root vol -type tga 2>err && points 19 3 && says "did you mean tag" err &&
	run 2 drydock find --root vol -type tag -o 2>err && points 23 2 &&
	run 2 drydock find --root vol "(" -type tag 2>err && points 13 3 && says "never closed" err &&
	run 2 drydock find --root vol -type tag ")" 2>err && points 23 3 &&
	run 2 drydock find --root vol -a -type tag 2>err && says "nothing in front" err &&
	run 2 drydock find --root vol "(" ")" 2>err && says "nothing between" err &&
	run 2 drydock find --root vol -size 3x 2>err && points 19 2 &&
	run 2 drydock find --root vol -mtime 3h 2>err && says "needs a sign" err &&
	run 2 drydock find --root vol -name 2>err && says "needs an argument" err &&
	run 2 drydock find --root vol -printf "%Z" 2>err && says "no directive" err &&
	run 2 drydock find --root vol -printf "\q" 2>err && says "no escape" err &&
	run 2 drydock find --root vol -exec echo 2>err && says "no end" err &&
	run 2 drydock find --root vol -exec echo {} {} + 2>err && says "one .. only" err &&
	run 2 drydock find --root vol library/app 2>err && says "-repo .library/app." err &&
	run 2 drydock find --root vol -path x 2>err && says "-repo" err &&
	run 2 drydock find --root vol -no 2>err && run 2 drydock find --root vol --no-such 2>err &&
	says "no-such" err &&
	run 2 drydock find --root vol -type foo 2>err && says_not "did you mean" err &&
	says "types are repository, tag" err && for time in 2026-11-31 2026-11-01T25:00:00Z 2026-11-01T12:00; do
		run 2 drydock find --root vol -newer "$time" 2>err && says "$time. is no time" err &&
		says "write 2026-11-01, " err && [ "$(sed -n 2p err | tr -d " ")" = "${time//?/\~}" ] || return
	done
'

test_case 'on a terminal the wrong word is pointed at on the line that it is on, however long that is' '
	need_command script && from_template &&
	run 2 script -qec "stty cols 60; drydock find --root vol -repo library/app \
		-name v1 -o -name v2 -o -type tga -size +3M -mtime +3d" /dev/null >terminal &&
	tr -d "\r" <terminal >text && ! grep -E "^.{61}" <(head -n 2 text) &&
	head -n 1 text | grep -ob tga | cut -d: -f1 >where && [ -s where ] &&
	[ "$(sed -n 2p text | sed "s/~.*//" | wc -c)" -gt 5 ] &&
	line=$(head -n 1 text) mark=$(sed -n 2p text) && before=${mark%%~*} &&
	[ "${line:${#before}:3}" = tga ] && [ "${mark#"$before"}" = "~~~" ]
'

test_case 'common options stand anywhere, and an argument that looks like one is an argument' '
	from_template && tag vol app:--root "$one" && tag vol app:-q "$one" &&
	run 0 drydock find -type tag --root vol -name v1 -q >found && finds app:v1 &&
	run 0 drydock --root vol find -name --root -type tag >found && finds app:--root &&
	run 0 drydock find -type tag -name -q --root=vol >found && finds app:-q &&
	run 0 drydock find -type tag -name v1 -repo app -exec echo --json {} \; -j 2 --root vol >found &&
	[ "$(cat found)" = "--json app:v1" ]
'

# ---- actions ----

test_case '-printf knows fields, widths, precisions, times and escapes' '
	from_template && found found -type tag -name v1 -printf "[%5g][%-5g][%.1g][%r][%f][%y]%%\t\101\n" &&
	[ "$(cat found)" = "$(printf "[   v1][v1   ][v][app][v1][tag]%%\tA")" ] &&
	found found -type manifest -digest "$one" -printf "%d %x %P\n" &&
	[ "$(cat found)" = "$one ${one#*:} docker/registry/v2/repositories/app/_manifests/revisions/sha256/${one#*:}/link" ] &&
	found found -type blob -digest "$orphan" -printf "%s %k %TY %T@ %t\n" &&
	data=$(blob_data vol "$orphan") && [ "$(cat found)" = \
		"18 1 $(date -r "$data" +%Y) $(stat -c %.9Y "$data") $(date -u -r "$data" +%FT%TZ)" ] &&
	found found -type tag -name v1 -printf "%{media""type} %m %{digest}" &&
	[ "$(cat found)" = "$type_image $type_image $one" ] &&
	found found -type tag -name v1 -printf "a\cb" && [ "$(cat found)" = a ]
'

test_case '-exec runs a command for each, or for many, with names as they are' '
	from_template && found found -type tag -exec sh -c "echo \"<\$1>\"" x {} \; &&
	finds "<app:v1>" "<app:v2>" "<app:latest>" "<app:multi>" "<team/other:v1.0>" &&
	found found -type tag -exec echo {} + && [ "$(wc -l <found)" = 1 ] &&
	found found -type tag -exec test {} = app:v1 \; -print && finds app:v1 &&
	found found -type tag -name v1 -exec echo a{}b{} \; && finds aapp:v1bapp:v1 &&
	found found -type tag -print -exec false \; -printf no && ! grep no found &&
	run 1 drydock find --root vol -type tag -exec false {} + &&
	run 2 drydock find --root vol -type tag -exec /no/such {} \; 2>err && says "/no/such" err
'

test_case '-quit ends the search at once, and -ls says more' '
	from_template && found found -type tag -print -quit && finds app:latest &&
	found found -type blob -digest "$orphan" -ls -b && says "^blob +18  20..-..-.. ..:..  $orphan" found &&
	found found -type repository -ls && says "^repository .*  team/other$" found
'

test_case 'JSON has an object a line, as the schema says' '
	from_template && run 0 drydock find --root vol --json >lines &&
	valid_lines find lines &&
	found all && jq -r .name lines >names && same all names &&
	[ "$(jq -r "select(.name == \"app:v1\") | .digest" lines)" = "$one" ] &&
	[ "$(jq -r "select(.type == \"layer\" and .refs > 1) | .name" lines)" = "$shared" ] &&
	run 0 drydock find --root vol -type tag -json -o -type repository -print >mixed &&
	[ "$(grep -c "^{" mixed)" = 5 ] && grep -x team/other mixed
'

test_case 'names with control characters are escaped, but for -print0 and -exec' '
	from_template && odd=$(printf "a\nb\033") && tag vol "app:$odd" "$one" &&
	run 0 drydock find --root vol -type tag -digest "$one" >found && finds "app:v1" "app:a\x0ab\x1b" &&
	run 0 drydock find --root vol -type tag -name "a*b?" -print0 >raw &&
	printf "app:%s\0" "$odd" >expected && cmp expected raw &&
	run 0 drydock find --root vol -type tag -name "a*b?" -exec printf "%s\0" {} + >raw &&
	cmp expected raw &&
	run 0 drydock find --root vol -type tag -name "a*b?" -printf "%p\0" >raw && cmp expected raw &&
	run 0 drydock find --root vol -type tag -name "a*b?" -printf "%p\n" -ls >shown &&
	! grep -q "$(printf "\033")" shown && [ "$(wc -l <shown)" = 2 ]
'

test_case 'a closed pipe ends it quietly' '
	make_volume vol && for i in {1..300}; do put_blob vol "blob $i" >/dev/null || return; done &&
	{ drydock find --root vol -printf "%p %900s\n" 2>err; echo "$?" >status; } | head -n 1 >first &&
	[ "$(wc -l <first)" = 1 ] && [ ! -s err ] && [ "$(cat status)" = 141 ]
'

test_case 'what cannot be read is said, the rest is found, and the status is 1' '
	need_root && from_template && chmod 000 "$(repository_dir vol team/other)" &&
	on_exit chmod 755 "$PWD/$(repository_dir vol team/other)" &&
	run 1 as_nobody drydock find --root vol -type tag >found 2>err &&
	says "team/other" err && finds app:latest app:multi app:v1 app:v2 &&
	run 1 as_nobody drydock find --root vol -type tag -size +1 >found 2>err &&
	says "team/other" err && finds app:latest app:multi app:v1 app:v2
'

test_case 'a damaged manifest is told once, and hides nothing else' '
	from_template && echo garbage >"$(blob_data vol "$two")" &&
	run 1 drydock find --root vol -type tag -mediatype "*" >found 2>err &&
	[ "$(wc -l <found)" = 5 ] && [ "$(grep -c "differ" err)" = 1 ] &&
	run 1 drydock find --root vol -type tag -ls >found 2>err && says "app:v2.*differ" found &&
	run 1 drydock find --root vol -type tag --json >lines 2>err &&
	[ "$(jq -r "select(.problem) | .tag" lines | sort | xargs)" = "latest v2" ]
'

# ---- deletion ----

test_case '-delete changes nothing without --apply, and takes what drydock rm would take' '
	from_template && volume_digest vol >before &&
	run 0 drydock find --root vol -type tag -name "v*" -repo app -delete >text &&
	volume_digest vol >after && same before after && says "drydock .*find .*--apply" text &&
	run 0 drydock find --root vol -type tag -name "v*" -repo app -delete --json >plan &&
	valid find plan && run 0 drydock rm --root vol "app:v*" --json >rm && items plan >planned &&
	items rm >removed && same planned removed &&
	run 0 drydock find --root vol -type tag -name "v*" -repo app -delete --apply >text &&
	found found -type tag && finds app:latest app:multi team/other:v1.0 &&
	blobs_exist vol "$one" "$two" && volume_content vol >gone &&
	run 0 drydock trash restore latest --apply --root vol >text && found found -type tag &&
	sorted_as tags && [ "$(wc -l <found)" = 5 ]
'

test_case '-delete takes untagged manifests, unreferenced blobs and uploads, and nothing that is needed' '
	from_template && run 1 drydock find --root vol "(" -type manifest,blob,upload ")" -delete \
		--grace 0 --json >plan && valid find plan &&
	items plan >going && says "^revision app - $past" going && says "^upload" going &&
	says "^blob - - $orphan" going && says "^blob - - $unused" going &&
	says_not "$one|$two|$other|$index|$shared" going &&
	run 1 drydock find --root vol "(" -type manifest,blob,upload ")" -delete --grace 0 --apply -v >text &&
	blobs_gone vol "$past" "$orphan" "$unused" && ! layer_linked vol app "$unused" &&
	[ ! -e "$(upload_dir vol app "$upload")" ] &&
	blobs_exist vol "$one" "$two" "$other" "$index" "$sbom" "$shared" &&
	says "app@$two: the tag (v2|latest) points to it" text && says "app@$sbom: it refers to" text &&
	says "$shared: .*@sha256:.* names it" text && says "$one: .*names it|$one: it is a manifest" text &&
	run 0 drydock verify --root vol >/dev/null
'

test_case '-delete takes no more than was found' '
	from_template && run 0 drydock find --root vol -type blob -unreferenced -digest "$orphan" -delete \
		--grace 0 --apply >text && blobs_gone vol "$orphan" && blobs_exist vol "$unused" "$past" &&
	[ -e "$(upload_dir vol app "$upload")/data" ] && layer_linked vol app "$unused" &&
	run 0 drydock find --root vol -type upload -delete --apply --grace 0 >text &&
	[ ! -e "$(upload_dir vol app "$upload")" ] && blobs_exist vol "$unused" "$past"
'

test_case '-delete leaves the young alone, unless they were tagged or named manifests' '
	from_template && fresh=$(put_blob vol "still being pushed") &&
	put_upload vol team/other 11111111-2222-3333-4444-555555555555 "bytes" 1h &&
	run 1 drydock find --root vol -type blob -unreferenced -delete --apply >text &&
	blobs_exist vol "$fresh" && says "$fresh: it is younger than the grace period" text &&
	run 1 drydock find --root vol -type upload -delete --apply >text &&
	[ -e "$(upload_dir vol team/other 11111111-2222-3333-4444-555555555555)/data" ] &&
	[ ! -e "$(upload_dir vol app "$upload")" ]
'

test_case '-delete refuses what cannot go on its own, with what to do instead' '
	from_template && volume_digest vol >before &&
	run 1 drydock find --root vol -type repository,link -delete --apply >text &&
	volume_digest vol >after && same before after && says "drydock rm" text && says "drydock gc" text &&
	run 2 drydock find --root vol -type tag --apply 2>err && says "without -delete" err &&
	run 0 drydock find --root vol -type tag -name nope -delete --apply >text && [ ! -s text ]
'

test_case '-delete takes nothing that is held by doubt' '
	from_template && echo garbage >"$(blob_data vol "$two")" && age vol everything 3d &&
	run 1 drydock find --root vol -type blob -delete --apply --grace 0 >text 2>err &&
	blobs_gone vol "$orphan" && blobs_exist vol "$unused" "$past" "$shared" "$one"
'

test_case 'a link that goes with the blob that it names is not said to stay' '
	make_volume vol && image=$(put_image vol app:v1 one) && dead=$(put_layer vol app dead) &&
	age vol everything 9d && run 0 drydock find --root vol -unreferenced -delete --grace 0 --apply >text &&
	says_not "stay" text && blobs_gone vol $dead && blobs_exist vol $image &&
	run 1 drydock find --root vol -type link -repo app -delete --grace 0 >text && says "stay" text
'

test_case 'a tag that is pushed anew between the search and the deletion stays with its new image' '
	make_volume vol && old=$(put_image vol app:v1 "old") && put_image vol app:v2 "other" >&7 &&
	age vol everything 9d &&
	printf "#!/bin/bash\n. %s/volume.sh\nput_image vol app:v1 brandnew\n" "$e2e" >push && chmod +x push &&
	run 1 drydock find --root vol -type tag -name v1 -mtime +2d -exec ./push ";" -delete --apply >text &&
	says "app:v1: it was moved since it was found" text &&
	blobs_exist vol "$(cat "$(current_link vol app:v1)")" "$(digest_of brandnew)" &&
	[ "$(cat "$(current_link vol app:v1)")" != "$old" ] &&
	run 0 drydock verify --root vol --no-index >&7
'

test_case 'a tag that goes takes no manifest that is found tagged meanwhile' '
	from_template && tag vol app:keep "$past" &&
	run 1 drydock find --root vol -type manifest -digest "$past" -delete --grace 0 --apply >text &&
	says "the tag keep points to it" text && revision_linked vol app "$past"
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
