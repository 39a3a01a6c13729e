#!/bin/bash
# Finding objects: how an expression is read, and what is done with what is found.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/found.sh
. "$e2e/found.sh"

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

done_testing
