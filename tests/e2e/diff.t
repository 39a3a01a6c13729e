#!/bin/bash
# Differences: of two images, of two volumes, of a volume and a snapshot of it.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

old_config='{"os":"linux","architecture":"amd64","config":{"Env":["PATH=/bin","OLD=1","SAME=x"],
"Labels":{"version":"1"},"Entrypoint":["/bin/sh","-c"],"User":"root","ExposedPorts":{"80/tcp":{}}}}'
new_config='{"os":"linux","architecture":"amd64","config":{"Env":["PATH=/sbin","NEW=1","SAME=x"],
"Labels":{"version":"2"},"Entrypoint":["/bin/sh"],"User":"root","ExposedPorts":{"81/tcp":{}}}}'

# put_configured VOL REF CONFIG LAYER…
put_configured() {
	local content
	for content in "${@:3}"; do
		put_layer "$1" "$2" "$content" >/dev/null || return
	done
	put_manifest "$1" "$2" "$(image_json "$type_image" "$type_config" "$type_layer" "" "${@:3}")"
}

make_images() {
	make_volume vol && old=$(put_configured vol app:v1 "$old_config" base middle top) &&
		touch -d "$(ago 2d)" "$(current_link vol app:v1)" &&
		new=$(put_configured vol app:v2 "$new_config" base "another one" top) &&
		tag vol app:latest "$old" && tag vol app:latest "$new" &&
		touch -d "$(ago 2d)" "$(history_link vol app:latest "$old")" &&
		other=$(put_image vol team/other:v1 "something else")
}
template make_images

# layers FILE, fields FILE: of the first image.
layers() {
	jq -r '.images[0].layers[] | [.difference, .digest] | join(" ")' "$1"
}

fields() {
	jq -r '.images[0].fields[] |
		[.field, .key // "-", .before // "-", .after // "-"] | join(" ")' "$1"
}

# changes FILE
changes() {
	jq -r '.changes[] | [.difference, .what, .repository // "-", .tag // "-",
		.before // "-", .after // "-"] | join(" ")' "$1"
}

# ---- images ----

test_case 'two images tell which layers they share, in their order' '
	from_template && run 0 drydock diff --root vol app:v1 app:v2 --json >list &&
	valid diff list && layers list >found &&
	printf "%s\n" "same $(digest_of base)" "went $(digest_of middle)" \
		"appeared $(digest_of "another one")" "same $(digest_of top)" >expected &&
	same expected found && run 0 drydock diff --root vol app:v1 app:v2 >text &&
	says "^went .*$(digest_of middle)" text
'

test_case 'sizes are those of the stored bytes' '
	from_template && run 0 drydock diff --root vol app:v1 app:v2 --json >list &&
	before=$(($(blob_size vol "$old") + ${#old_config} + 4 + 6 + 3)) &&
	after=$(($(blob_size vol "$new") + ${#new_config} + 4 + 11 + 3)) &&
	json ".images[0] | [.before_bytes, .after_bytes, .shared_bytes] ==
		[$before, $after, 7]" list &&
	run 0 drydock diff --root vol -b app:v1 app:v2 >text &&
	says "$before before, $after after; 7 are shared:" text && says "pulls $((after - 7)) for" text
'

test_case 'what the configurations say differently is told by field and key' '
	from_template && run 0 drydock diff --root vol app:v1 app:v2 --json >list &&
	fields list >found && cat >expected <<-END &&
		entrypoint - ["/bin/sh", "-c"] ["/bin/sh"]
		environment NEW - 1
		environment OLD 1 -
		environment PATH /bin /sbin
		label version 1 2
		port 80/tcp yes -
		port 81/tcp - yes
	END
	same expected found && run 0 drydock diff --root vol app:v1 app:v2 >text &&
	says "^environment +PATH +/bin +/sbin" text
'

test_case 'a tag alone is compared with what it pointed to before' '
	from_template && run 0 drydock diff --root vol app:latest --json >list &&
	valid diff list && json ".before == \"$old\" and .after == \"$new\"" list &&
	run 2 drydock diff --root vol app:v1 2>err && says "never pointed elsewhere" err &&
	says "drydock log app:v1" err && delete_revision vol app "$old" &&
	run 0 drydock diff --root vol app:latest >text && says "^before +app +$old" text &&
	remove_blob vol "$old" && run 2 drydock diff --root vol app:latest 2>err &&
	says "nothing is left" err
'

# narrow COMMAND…: "plain", as a terminal of 80 columns has it, and nothing wider.
narrow() {
	run 0 script -qec "stty cols 80; $*" /dev/null >terminal &&
		tr -d "\r" <terminal | sed "s/\x1b\[[0-9;]*m//g" >plain && ! grep -E "^.{81}" plain
}

test_case 'on a narrow terminal keys and values are cut, and what tells them apart is left' '
	need_command script && from_template && long=app:2026-11-30-release-candidate-of-a-branch-1 &&
	annotated() {
		put_manifest vol "$1" "$(image_json "$type_image" "$type_config" "$type_layer" \
			"\"annotations\":{$2}" "$old_config" base)" >&7
	} && key=org.example.a.rather.long.key.of &&
	annotated app:a "\"$key.one\":\"\",\"$key.two\":\"2026-11-30T16:48:54.123456789Z\"" &&
	annotated "$long" "\"$key.two\":\"2026-11-30T16:48:57.123456789Z\"" &&
	narrow drydock diff --root vol app:a "$long" &&
	says "^before +app:a  " plain && says "^after +app:2026-11-.*…?.*-1 +sha256:[0-9a-f]{12} +oci-image" plain &&
	says "^annotation +….*of\.one +\"\" +-" plain &&
	says "^annotation +….*of\.two +2026-11-30T16:48:54.* 2026-11-30T16:48:57" plain
'

test_case 'an image is the same as itself, by whatever name' '
	from_template && run 0 drydock diff --root vol app:v1 "${old:0:20}" >text &&
	says "they are the same" text && run 0 drydock diff --root vol app:v1 "app@$old" --json >list &&
	valid diff list && json ".images[0].difference == \"same\"" list
'

test_case 'indexes are compared platform by platform' '
	from_template && put_index vol multi:v1 "$old" "$other" >/dev/null &&
	put_index vol multi:v2 "$new" "$other" "$no_such" >/dev/null &&
	run 0 drydock diff --root vol multi:v1 multi:v2 --json >list && valid diff list &&
	jq -r ".images[] | [.platform, .difference] | join(\" \")" list >found &&
	printf "%s\n" "linux/amd64 moved" "linux/amd64 same" "linux/amd64 appeared" >expected &&
	same expected found && layers list >found && says "^went $(digest_of middle)" found &&
	run 0 drydock diff --root vol multi:v1 multi:v2 >text && says "^linux/amd64 +moved" text &&
	says "environment +PATH" text
'

test_case 'an index and an image cannot be compared, and the message says what can' '
	from_template && put_index vol multi:v1 "$old" >/dev/null &&
	run 2 drydock diff --root vol multi:v1 app:v1 2>err && says "is an index" err &&
	says "by digest" err
'

test_case 'a platform that is not here is told as that, with status 1' '
	from_template && put_index vol multi:v1 "$old" >/dev/null &&
	put_index vol multi:v2 "$no_such" >/dev/null &&
	run 1 drydock diff --root vol multi:v1 multi:v2 --json >list && valid diff list &&
	json ".images[0].problem | test(\"not here\")" list
'

test_case 'a configuration that cannot be read is a problem, not a change' '
	from_template && flip_blob vol "$(digest_of "$new_config")" &&
	run 1 drydock diff --root vol app:v1 app:v2 --json >list && valid diff list &&
	json ".problems == 1 and .images[0].fields == [] and (.images[0].layers | length == 4)" list &&
	remove_blob vol "$(digest_of "$new_config")" &&
	run 1 drydock diff --root vol app:v1 app:v2 >text && says "configuration is not there" text
'

test_case 'a damaged manifest ends it with its digest' '
	from_template && flip_blob vol "$new" && run 1 drydock diff --root vol app:v1 app:v2 2>err &&
	says "$new" err
'

test_case 'a tag whose image is not there is damage, and told by its name' '
	from_template && remove_blob vol "$new" && for command in "diff app:v1" ls cat; do
		# shellcheck disable=SC2086 # words
		run 1 drydock --root vol $command app:v2 2>err &&
		says "app:v2 leads to $new, whose bytes are not here" err &&
		[ "$(grep -o "$new" err | wc -l)" = 1 ] || return
	done && run 2 drydock diff --root vol app:v1 "$new" 2>err && says "no such blob" err &&
	mkdir -p "$(blob_data vol "$new")" && run 1 drydock diff --root vol app:v1 app:v2 2>err &&
	says "no regular file" err && run 2 drydock diff --root vol app:v1 app:v3 2>err
'

test_case 'words that can be no images are refused' '
	from_template && run 2 drydock diff --root vol 2>err && says "what to compare" err &&
	run 2 drydock diff --root vol app 2>err && says "app" err &&
	run 2 drydock diff --root vol app:v1 nowhere:v1 2>err && says "nowhere" err &&
	run 2 drydock diff --root vol app:v1 team/other 2>err && says "name a tag" err &&
	run 2 drydock diff --root vol app:v1 app:v2 app:v1 2>err &&
	run 2 drydock diff --root vol app:v1 ./vol 2>err && says "cannot be compared" err &&
	run 2 drydock diff --root vol --all app:v1 app:v2 2>err && says "--all" err
'

# ---- snapshots ----

test_case 'a snapshot lists what find does, and tells it in short' '
	from_template && run 0 drydock snapshot --root vol list.snapshot >text &&
	blobs=$(find vol -name data | wc -l) &&
	says "2 repositories, 4 tags, 3 manifests and $blobs blobs" text &&
	run 0 drydock snapshot --root vol --json list.snapshot >list && valid snapshot list &&
	[ "$(json .bytes list)" = "$(find vol -name data -printf "%s\n" | add_up)" ] &&
	for digest in "$old" "$new" "$other"; do
		says "${digest#*:} $(blob_size vol "$digest")( |$)" list.snapshot || return
	done
'

test_case 'nothing differs from a snapshot that was just taken' '
	from_template && run 0 drydock snapshot --root vol list.snapshot &&
	run 0 drydock diff --root vol ./list.snapshot >text && says "nothing differs" text &&
	run 0 drydock diff ./vol ./list.snapshot --json >list && valid diff list &&
	json ".changes == []" list && run 0 drydock diff ./list.snapshot ./list.snapshot
'

test_case 'what appeared, went, moved and grew since a snapshot is told' '
	from_template && run 0 drydock snapshot --root vol list.snapshot &&
	added=$(put_image vol new/one:v1 "quite new") && tag vol app:v1 "$new" &&
	rm -r "$(tag_dir vol app:v2)" && put_layer vol app "a layer more" >/dev/null &&
	rm -r "$(repository_dir vol team)" && remove_blob vol "$other" &&
	run 0 drydock diff --root vol "$PWD/list.snapshot" --json >list && valid diff list &&
	changes list >found && cat >expected <<-END &&
		grew repository app - - -
		moved tag app v1 $old $new
		went tag app v2 $new -
		appeared repository new/one - - -
		appeared tag new/one v1 - $added
		went repository team/other - - -
		went tag team/other v1 $other -
	END
	same expected found && json ".changes[0] | .after_bytes - .before_bytes == 12" list &&
	json ".counts.blobs == {went: 1, appeared: 4, moved: 0, grew: 0, shrank: 0}" list &&
	run 0 drydock diff --root vol ./list.snapshot >text && says "^moved +tag +app:v1 " text &&
	says "^grew +repository +app " text
'

test_case '--all lists manifests and blobs one by one' '
	from_template && run 0 drydock snapshot --root vol list.snapshot &&
	orphan=$(put_blob vol "an orphan") && link_revision vol team/other "$old" &&
	run 0 drydock diff --root vol --all ./list.snapshot --json >list && valid diff list &&
	changes list >found && says "^appeared blob - - - $orphan" found &&
	says "^appeared manifest team/other - - $old" found &&
	run 0 drydock diff --root vol -a ./list.snapshot >text && says "manifest +team/other@$old" text
'

test_case 'two volumes are compared, and a copy is whole' '
	from_template && cp -a vol copy && run 0 drydock diff ./vol ./copy >text &&
	says "nothing differs" text && remove_blob copy "$(digest_of top)" &&
	run 0 drydock diff ./vol ./copy --all --json >list && valid diff list &&
	changes list >found && says "^went blob - - $(digest_of top) -" found &&
	printf x >>"$(blob_data copy "$(digest_of base)")" &&
	run 0 drydock diff ./vol ./copy --all --json >list && changes list >found &&
	says "^grew blob - - $(digest_of base) $(digest_of base)" found &&
	run 2 drydock diff --root vol ./vol ./copy 2>err && says "third" err
'

test_case 'a snapshot is never written below the root, nor over what is none' '
	from_template && volume_digest vol >before &&
	run 2 drydock snapshot --root vol vol/list 2>err && says "below the volume" err &&
	ln -s vol/docker inside && run 2 drydock snapshot --root vol inside/list 2>err &&
	says "below the volume" err && volume_digest vol >after && same before after &&
	echo precious >file && run 3 drydock snapshot --root vol file 2>err &&
	says "is no snapshot" err && says precious file && mkfifo pipe &&
	run 3 drydock snapshot --root vol pipe 2>err && ln -s file link &&
	run 3 drydock snapshot --root vol link 2>err && says precious file &&
	: >empty && run 3 drydock snapshot --root vol empty 2>err && says "is no snapshot" err &&
	[ ! -s empty ] && echo "see drydock-snapshot 1" >file &&
	run 3 drydock snapshot --root vol file 2>err &&
	run 2 drydock snapshot --root vol 2>err && says "FILE" err
'

test_case 'a file that may not grow leaves the earlier snapshot, and nothing beside it' '
	from_template && mkdir out && run 0 drydock snapshot --root vol out/list >&7 && cp out/list before &&
	for n in {1..40}; do put_image vol "more:v$n" "layer $n" >&7 || return; done &&
	run 3 bash -c "ulimit -f 1; exec drydock snapshot --root vol out/list" 2>err &&
	says "File too large" err && same before out/list && [ "$(ls -A out)" = list ]
'

test_case 'a snapshot replaces an earlier one as a whole, and a dry run writes nothing' '
	from_template && run 0 drydock snapshot --root vol list && put_blob vol more >/dev/null &&
	cp list earlier && run 0 drydock snapshot --root vol -n list && same earlier list &&
	ln list held && run 0 drydock snapshot --root vol list && same earlier held &&
	! cmp -s list held && [ "$(find . -maxdepth 1 -name ".list*" | wc -l)" = 0 ]
'

test_case 'a snapshot goes to standard output as the same bytes' '
	from_template && run 0 drydock snapshot --root vol list &&
	run 0 drydock snapshot --root vol - >piped && sed 1d list | sed "\$d" >a &&
	sed 1d piped | sed "\$d" >b && same a b && run 0 drydock diff ./list ./piped >text &&
	says "nothing differs" text
'

# resum FILE: right sums for each line, and for the whole.
resum() {
	python3 - "$1" <<-"PYTHON"
		import hashlib, sys
		lines = open(sys.argv[1], "rb").read().split(b"\n")[:-1]
		def line(payload):
		    return hashlib.sha256(payload).hexdigest()[:16].encode() + b" " + payload + b"\n"
		out = b"".join(line(l.split(b" ", 1)[1]) for l in lines[:-1])
		end = b"end %d %s" % (len(lines) - 1, hashlib.sha256(out).hexdigest().encode())
		open(sys.argv[1], "wb").write(out + line(end))
	PYTHON
}

test_case 'a snapshot that is cut, changed or foreign is refused with the reason' '
	from_template && run 0 drydock snapshot --root vol list &&
	sed "s/repository app/repository apq/" list >bad && run 1 drydock diff --root vol ./bad 2>err &&
	says "line [0-9]+: .*damaged" err &&
	sed "\$d" list >bad && run 1 drydock diff --root vol ./bad 2>err && says "in the middle" err &&
	sed "/ tag latest /d" list >bad && run 1 drydock diff --root vol ./bad 2>err &&
	says "lines are missing" err && head -c 100 list >bad &&
	run 1 drydock diff --root vol ./bad 2>err && : >bad &&
	run 1 drydock diff --root vol ./bad 2>err && echo "hello world" >bad &&
	run 1 drydock diff --root vol ./bad 2>err && cat list list >bad &&
	run 1 drydock diff --root vol ./bad 2>err && run 2 drydock diff --root vol ./nowhere 2>err &&
	says nowhere err && run 2 drydock diff --root vol /dev/null 2>err && says "neither" err
'

test_case 'a snapshot whose sums are right and whose content lies is refused all the same' '
	need_command python3 && from_template && run 0 drydock snapshot --root vol list &&
	for lie in "s|repository app|repository ../x|" "s|repository app|repository zzz|" \
		"s|tag latest|tag ..|" "s|tag latest|tag zz|" "s|\(tag latest\) [0-9]*|\1 9999|" \
		"s|manifests .*|manifests 1 1|" "s|layers .*|layers 4294967296|" \
		"s|drydock-snapshot 1|drydock-snapshot 2|" "s|blobs sha256|blobs md5|" \
		"s|repository team.*|bogus|"; do
		sed "$lie" list >bad && resum bad && ! cmp -s list bad &&
		run 1 drydock diff --root vol ./bad 2>err && says "bad: line [0-9]+" err ||
			{ say "of: $lie"; return 1; }
	done && cp list bad && resum bad && same list bad
'

test_case 'names that no registry would make are escaped, and survive a snapshot' '
	from_template && evil="e$(printf "\033 %%")vil" && run 0 drydock snapshot --root vol list &&
	mkdir -p "$(tag_dir vol "app:$evil")/current" &&
	printf "%s" "$old" >"$(current_link vol "app:$evil")" &&
	run 0 drydock diff --root vol ./list >text && says "app:e.x1b %vil" text &&
	! grep -q "$(printf "\033")" text && run 0 drydock snapshot --root vol list &&
	run 0 drydock diff --root vol ./list >text && says "nothing differs" text
'

test_case 'what cannot be read is counted, and ends with status 1' '
	need_root && from_template && chmod 755 . && chmod 700 "$(repository_dir vol app)" &&
	run 1 as_nobody drydock snapshot --root vol --json - >list &&
	run 1 as_nobody drydock diff --root vol ./vol --json >list && valid diff list &&
	json ".after.problems > 0" list
'

done_testing
