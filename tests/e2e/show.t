#!/bin/bash
# Everything about one manifest or blob, and its bytes.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# An image as a builder leaves it: steps with and without a layer.
built_config() {
	cat <<-'END'
		{"created":"2026-01-02T03:04:05.678Z","author":"A. Builder","architecture":"arm64","os":"linux",
		"variant":"v8","config":{"User":"app","ExposedPorts":{"8080/tcp":{},"9090/tcp":{}},
		"Env":["PATH=/bin","GREETING=hello world"],"Entrypoint":["/bin/app","--flag"],"Cmd":["serve it"],
		"Volumes":{"/data":{}},"WorkingDir":"/srv","Labels":{"maintainer":"somebody","empty":""},
		"StopSignal":"SIGINT"},"rootfs":{"type":"layers","diff_ids":[]},"history":[
		{"created":"2026-01-01T00:00:00Z","created_by":"ADD base.tar /"},
		{"created_by":"ENV GREETING=hello world","empty_layer":true},
		{"created":"2026-01-02T03:04:05Z","created_by":"RUN make install","comment":"buildkit"}]}
	END
}

make_shown() {
	make_volume vol && built=$(built_config) && put_layer vol app "$built" &&
		put_layer vol app "base layer" && put_layer vol app "installed" &&
		image=$(put_manifest vol app:v1 "$(image_json "$type_image" "$type_config" \
			"$type_layer" '"annotations":{"org.example.note":"a note"}' "$built" \
			"base layer" "installed")") && tag vol app:latest "$image" &&
		sbom=$(put_referrer vol app "$image" "a bill of materials") &&
		put_layer vol copy/app "$built" &&
		put_layer vol copy/app "base layer" && put_layer vol copy/app installed && link_revision vol copy/app "$image" &&
		plain=$(put_image vol other:v1 "base layer" "of the other") &&
		index=$(put_index vol other:multi "$plain" "$no_such")
} >/dev/null
template make_shown

test_case 'show tells what a configuration says' '
	from_template && run 0 drydock show --root vol app:v1 --json >shown && valid show shown &&
	json ".config | .created == \"2026-01-02T03:04:05Z\" and .author == \"A. Builder\" and
		.platform == \"linux/arm64/v8\" and .user == \"app\" and .working_directory == \"/srv\" and
		.entrypoint == [\"/bin/app\", \"--flag\"] and .cmd == [\"serve it\"] and
		.env == [\"PATH=/bin\", \"GREETING=hello world\"] and .stop_signal == \"SIGINT\" and
		.exposed_ports == [\"8080/tcp\", \"9090/tcp\"] and .volumes == [\"/data\"] and
		(.labels | map(.key)) == [\"maintainer\", \"empty\"]" shown &&
	json ".annotations == [{key: \"org.example.note\", value: \"a note\"}]" shown &&
	run 0 drydock show --root vol app:v1 >text && says "entrypoint +\[\"/bin/app\", \"--flag\"\]" text &&
	says "GREETING=hello world" text && says "author +A. Builder" text &&
	says "org.example.note=a note" text && says "linux/arm64/v8" text
'

test_case 'each step of the history has the layer that it made, and steps without one have none' '
	from_template && run 0 drydock show --root vol app:v1 --json >shown &&
	json ".config.history_matches_layers" shown &&
	jq -r ".config.history[] | [.created_by, .layer // \"-\", .size] | @tsv" shown >got &&
	printf "%s\t%s\t%s\n" "ADD base.tar /" "$(digest_of "base layer")" 10 \
		"ENV GREETING=hello world" - 0 "RUN make install" "$(digest_of installed)" 9 >expected &&
	same expected got && run 0 drydock show --root vol app:v1 >text &&
	says "^$(digest_of installed) +9 B .*RUN make install" text &&
	says "^- +- +- +ENV GREETING" text
'

test_case 'a history that does not match the layers is not matched with them' '
	make_volume vol && config="{\"history\":[{\"created_by\":\"one\"},{\"created_by\":\"two\"}]}" &&
	put_layer vol app "$config" && put_layer vol app "only one" &&
	put_manifest vol app:v1 "$(image_json "$type_image" "$type_config" "$type_layer" "" "$config" \
		"only one")" && run 0 drydock show --root vol app:v1 --json >shown && valid show shown &&
	json ".config | (.history_matches_layers | not) and ([.history[].layer // empty] == [])" shown &&
	run 0 drydock show --root vol app:v1 >text && says "do not match" text
'

test_case 'a configuration that makes no sense shows what of it does' '
	make_volume vol && config="{\"created\":7,\"history\":{\"a\":1},\"config\":{\"Env\":\"x\",\"Cmd\":[1,\"two\"],
		\"Labels\":{\"a\":{}},\"User\":[]},\"author\":\"someone\"}" && put_layer vol app "$config" &&
	put_layer vol app "a layer" && put_manifest vol app:v1 "$(image_json "$type_image" "$type_config" \
		"$type_layer" "" "$config" "a layer")" &&
	run 0 drydock show --root vol app:v1 --json >shown && valid show shown &&
	json ".config | .author == \"someone\" and .env == [] and .cmd == [\"?\", \"two\"] and
		.created == null and .history == []" shown
'

test_case 'tags, other repositories and referrers are told' '
	from_template && run 0 drydock show --root vol app:v1 --json >shown &&
	json ".tags == [\"latest\", \"v1\"] and .elsewhere == [\"copy/app\"] and .linked" shown &&
	json "[.referrers[] | .digest, .artifact_type] == [\"$sbom\", \"application/vnd.example.sbom\"]" \
		shown && run 0 drydock show --root vol "app@$sbom" --json >shown && valid show shown &&
	json ".subject == \"$image\" and .artifact_type == \"application/vnd.example.sbom\"" shown &&
	run 0 drydock show --root vol "$image" --json >shown && valid show shown &&
	json ".elsewhere == [\"app\", \"copy/app\"] and .repository == null" shown
'

test_case 'an index shows its platforms, and one that was never pushed is no problem' '
	from_template && run 0 drydock show --root vol other:multi --json >shown && valid show shown &&
	jq -r ".parts[] | [.role, .platform, .digest, .present] | @tsv" shown >got &&
	printf "manifest\tlinux/amd64\t%s\t%s\n" "$plain" true "$no_such" false >expected &&
	same expected got && json ".problems == 0 and .config == null" shown &&
	run 0 drydock show --root vol other:multi >text && says "$no_such .*not here" text
'

test_case 'sizes are those of ls, and age is told' '
	from_template && run 0 drydock show --root vol app:v1 --json >shown &&
	run 0 drydock ls --root vol app --json >list &&
	[ "$(json .total shown)" = "$(json ".tags[] | select(.tag == \"v1\").size" list)" ] &&
	[ "$(json .pushed shown)" = "$(json ".tags[] | select(.tag == \"v1\").pushed" list)" ] &&
	[ "$(json .size shown)" = "$(blob_size vol "$image")" ]
'

test_case 'a layer is shown as a blob, with the repositories that have it' '
	from_template && layer=$(digest_of "base layer") &&
	run 0 drydock show --root vol "$layer" --json >shown && valid show shown &&
	json ".kind == \"blob\" and .size == 10 and .elsewhere == [\"app\", \"copy/app\", \"other\"]" shown &&
	run 0 drydock show --root vol "app@$layer" --json >shown && valid show shown &&
	json ".linked and .elsewhere == [\"copy/app\", \"other\"]" shown && run 0 drydock show --root vol "$layer" >text &&
	says "blob, no manifest" text
'

test_case '--free says what why --free says, and nothing is added up without it' '
	from_template && run 0 drydock show --root vol app:v1 --json >shown && json ".freed == null" shown &&
	for reference in other:v1 other:multi app:latest "app@$sbom" "other@$plain" "$index"; do
		run 0 drydock show --root vol --free "$reference" --json >shown && valid show shown &&
		run 0 drydock why --root vol --free --grace 0 "$reference" --json >freed &&
		[ "$(json "[.freed.blobs, .freed.bytes] | tostring" shown)" = \
			"$(json "[.free.blobs, .free.bytes] | tostring" freed)" ] || return
	done && run 0 drydock show --root vol --free other:v1 >text && says "would free" text
'

test_case 'what verify found is shown, as long as the file is what it was' '
	from_template && sleep 2.1 && run 0 drydock show --root vol app:v1 --json >shown &&
	json "[.parts[].verified // empty] == [] and .verified.good" shown &&
	run 0 drydock verify --root vol >&7 && run 0 drydock show --root vol app:v1 --json >shown &&
	valid show shown && json "[.parts[] | select(.verified.good | not)] == []" shown &&
	run 0 drydock show --root vol app:v1 >text && says "verified +whole" text &&
	run 0 drydock show --root vol app:v1 --no-index >text && says "verified +in part" text &&
	touch "$(blob_data vol "$(digest_of installed)")" &&
	run 0 drydock show --root vol app:v1 --json >shown &&
	json "[.parts[] | select(.verified == null).digest] == [\"$(digest_of installed)\"]" shown &&
	flip_blob vol "$(digest_of installed)" && sleep 2.1 && run 1 drydock verify --root vol >&7 &&
	run 1 drydock show --root vol app:v1 --json >shown &&
	json "[.parts[] | select(.verified.good == false).digest] == [\"$(digest_of installed)\"]" shown &&
	run 1 drydock show --root vol app:v1 >text && says "1 of 4 blobs CORRUPT" text
'

test_case 'damage to a part is shown, and the status is 1' '
	from_template && remove_blob vol "$(digest_of installed)" &&
	run 1 drydock show --root vol app:v1 --json >shown && valid show shown &&
	json "[.parts[] | select(.problem).digest] == [\"$(digest_of installed)\"]" shown &&
	run 1 drydock show --root vol app:v1 >text && says "it is not there" text &&
	flip_blob vol "$(digest_of "$built")" && run 1 drydock show --root vol app:v1 --json >shown &&
	valid show shown && json ".config == null and .config_problem != null" shown
'

test_case 'a manifest that is corrupt or gone is shown as such, and the status is 1' '
	from_template && flip_blob vol "$plain" && run 1 drydock show --root vol other:v1 --json >shown &&
	valid show shown && json ".kind == \"manifest\" and .problem != null" shown &&
	remove_blob vol "$plain" && run 1 drydock show --root vol other:v1 --json >shown &&
	valid show shown && json ".present == false" shown && run 1 drydock show --root vol other:v1 >text &&
	says "not there" text
'

test_case '--raw and cat hand out the stored bytes, untouched' '
	from_template && run 0 drydock show --root vol --raw app:v1 >raw &&
	cmp raw "$(blob_data vol "$image")" && run 0 drydock cat --root vol app:v1 >raw &&
	cmp raw "$(blob_data vol "$image")" && layer=$(digest_of "base layer") &&
	run 0 drydock cat --root vol "$layer" >raw && printf "base layer" | cmp - raw &&
	run 0 drydock cat --root vol "${layer:0:20}" >raw && printf "base layer" | cmp - raw &&
	run 0 drydock cat --root vol "app@$layer" >raw && printf "base layer" | cmp - raw &&
	head -c 3000000 /dev/urandom >large && large=$(put_file vol large) &&
	run 0 drydock cat --root vol "$large" >raw && cmp large raw
'

test_case 'what was pushed as sha512 is shown and handed out where its link says that it is stored' '
	make_volume vol && put_alias_image vol app:v1 "a strong layer" >/dev/null &&
	strong=$(digest_of "a strong layer" sha512) && run 0 drydock show --root vol app:v1 --json >shown &&
	valid show shown && json ".parts[] | select(.digest == \"$strong\") | .present" shown &&
	run 0 drydock show --root vol "app@$strong" --json >shown && valid show shown &&
	json ".present and .size == 14" shown && run 0 drydock cat --root vol "app@$strong" >raw &&
	printf "a strong layer" | cmp - raw && flip_blob vol "$(digest_of "a strong layer")" &&
	run 1 drydock cat --root vol "app@$strong" >raw 2>err && says "$strong" err &&
	remove_blob vol "$(digest_of "a strong layer")" && run 1 drydock show --root vol app:v1 >text &&
	says "it is not there" text
'

test_case 'a configuration that was pushed as sha512 is read where its link says that it is stored' '
	make_volume vol && put_layer vol app "a layer" && config="{\"author\":\"someone\"}" &&
	put_layer vol app "$config" && strong=$(digest_of "$config" sha512) &&
	link_layer vol app "$strong" "$(digest_of "$config")" &&
	put_manifest vol app:v1 "$(manifest_json "$type_image" "\"config\":$(descriptor "$type_config" \
		"$strong" "${#config}")" "\"layers\":[$(content_descriptor "$type_layer" "a layer")]")" &&
	run 0 drydock show --root vol app:v1 --json >shown && json ".config.author == \"someone\"" shown &&
	put_image vol app:v2 "a layer" && run 0 drydock diff --root vol app:v1 app:v2 --json >list &&
	json ".images[0].fields[] | select(.field == \"author\") | .before == \"someone\"" list &&
	run 0 drydock find --root vol -type tag -created -1d
'

test_case 'cat says when the bytes are not those of the digest, and the status is 1' '
	from_template && layer=$(digest_of "base layer") && flip_blob vol "$layer" &&
	run 1 drydock cat --root vol "$layer" >raw 2>err && cmp raw "$(blob_data vol "$layer")" &&
	says "$layer" err && flip_blob vol "$image" &&
	run 1 drydock show --root vol --raw app:v1 >raw 2>err && cmp raw "$(blob_data vol "$image")"
'

test_case 'cat ends without a word when nobody reads on' '
	from_template && head -c 3000000 /dev/zero >large && large=$(put_file vol large) &&
	{ drydock cat --root vol "$large" 2>err; echo "$?" >status; } | head -c 1 >out &&
	[ ! -s err ] && grep -qx 141 status && run 3 drydock cat --root vol "$large" >/dev/full 2>err &&
	says "no space left" err
'

test_case 'cat of a layer that is no file is refused' '
	from_template && data=$(blob_data vol "$(digest_of "base layer")") && rm "$data" &&
	mkfifo "$data" && run 3 drydock cat --root vol "$(digest_of "base layer")" 2>err &&
	rm "$data" && ln -s /etc/passwd "$data" && run 3 drydock cat --root vol \
		"$(digest_of "base layer")" >out 2>err && [ ! -s out ]
'

test_case 'nothing stands below a heading only if there is none; a long tag fits the terminal' '
	need_command script && from_template && put_image vol app:plain "a layer" >&7 &&
	run 0 drydock show --root vol app:plain >text && says_not "Configuration" text &&
	run 0 drydock show --root vol app:v1 >text && says "^Configuration" text &&
	put_image vol "app:${image/:/-}.sig" "a signature" >&7 &&
	run 0 script -qec "stty cols 80; drydock show --root vol app:v1" /dev/null >terminal &&
	tr -d "\r" <terminal | sed "s/\x1b\[[0-9;]*m//g" >plain && says " sha256-.*….*\.sig$" plain &&
	! grep -E "^sha256.{75}" plain
'

test_case 'texts of a configuration are escaped' '
	make_volume vol && config="{\"author\":\"\\u001b[31mred\",\"config\":{\"Env\":[\"A=\\u202eB\"],
		\"Labels\":{\"\\u0007\":\"\\n\"}}}" && put_layer vol app "$config" &&
	put_layer vol app "a layer" && put_manifest vol app:v1 "$(image_json "$type_image" "$type_config" \
		"$type_layer" "" "$config" "a layer")" && run 0 drydock show --root vol app:v1 >text &&
	says "x1b\[31mred" text && ! grep -q "$(printf "\033")" text && ! grep -q "$(printf "\007")" text &&
	run 0 drydock show --root vol app:v1 --json >shown && valid show shown
'

test_case 'a repository as a whole, and what is not there, is wrong usage' '
	from_template && run 2 drydock show --root vol app 2>err && says "as a whole" err &&
	run 2 drydock cat --root vol app 2>err && run 2 drydock show --root vol 2>err &&
	run 2 drydock cat --root vol 2>err && run 2 drydock show --root vol app:none 2>err &&
	says "no tag" err && run 2 drydock cat --root vol "$no_such" 2>err &&
	run 2 drydock show --root vol --raw --json app:v1 2>err && run 2 drydock cat --root vol --json app:v1 2>err
'

done_testing
