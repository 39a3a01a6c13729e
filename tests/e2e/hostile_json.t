#!/bin/bash
# Manifests written to mislead, exhaust or crash whoever reads them. Each is read
# as the reference's reader would read it, or is doubt with a reason; a limit of
# address space stands guard over the budget.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

# make_app: a repository with two layers that no manifest but the hostile one
# names, and elsewhere something dead.
make_app() {
	make_volume vol && a=$(put_layer vol app "layer a") &&
	b=$(put_layer vol app "layer b") &&
		put_image vol healthy:v1 "healthy" >/dev/null &&
		dead=$(put_layer vol healthy "dead") &&
		config="\"config\":$(descriptor "$type_config" "$(put_layer vol app "{}")" 2)" &&
		head="\"schemaVersion\":2,\"mediaType\":\"$type_image\",$config" &&
		layer_a=$(descriptor "$type_layer" "$a" 7) &&
		layer_b=$(descriptor "$type_layer" "$b" 7) &&
		layers="\"layers\":[$layer_a,$layer_b]" &&
		of_type="\"mediaType\":\"$type_layer\""
}
template make_app

# hostile JSON: as the manifest that app:v1 points to.
hostile() {
	put_manifest vol app:v1 "$1"
}

# Under a sanitizer the address space says nothing of what is used.
need_address_limit() {
	! sanitized || skip "a sanitizer reserves address space"
}

# manifest_from FILE
manifest_from() {
	image=$(put_file vol "$1") && link_revision vol app "$image" && tag vol app:v1 "$image"
}

# doubtful: it holds app; reads: it names what it names.
doubtful() {
	run 1 plan vol -m --json >plan && valid gc plan && held plan app "$image" &&
		json ".holds[0].reason | length > 3" plan && run 1 collect vol -m &&
		blobs_exist vol "$image" "$a" "$b" "$(digest_of "{}")" && blobs_gone vol "$dead"
}

reads() {
	run 0 plan vol -m --json >plan && nothing_held plan && run 0 collect vol -m &&
		blobs_exist vol "$image" "$@" && blobs_gone vol "$dead"
}

test_case 'keys match whatever their case' '
	from_template && odd="{\"MediaType\":\"$type_layer\",\"DIGEST\":\"$b\",\"Size\":7}" &&
	image=$(hostile "{\"SchemaVersion\":2,\"MEDIATYPE\":\"$type_image\",
		\"Config\":${config#*:},\"LAYERS\":[$layer_a,$odd]}") &&
	reads "$a" "$b"
'

test_case 'keys that fold by Unicode match as in the reference' '
	from_template && image=$(hostile "{$head,\"layer\u017f\":[$layer_a,$layer_b]}") &&
	reads "$a" "$b"
'

test_case 'a key given twice is doubt' '
	from_template && image=$(hostile "{$head,\"layers\":[$layer_a],\"layers\":[]}") &&
	doubtful
'

test_case 'a key given twice in two cases is doubt' '
	from_template && image=$(hostile "{$head,\"layers\":[$layer_a],\"Layers\":[]}") &&
	doubtful
'

test_case 'a key given twice inside of a descriptor is doubt' '
	from_template &&
	image=$(hostile "{$head,\"layers\":[{$of_type,\"digest\":\"$a\",\"digest\":\"$b\"}]}") &&
	doubtful
'

test_case 'deep nesting where nobody looks' '
	from_template && printf "{%s,\"layers\":[%s],\"x\":" "$head" "$layer_a" >deep &&
	head -c 900000 /dev/zero | tr "\0" "[" >>deep &&
	head -c 900000 /dev/zero | tr "\0" "]" >>deep && echo "}" >>deep &&
	manifest_from deep && doubtful
'

test_case 'deep nesting of objects' '
	from_template && { printf "{%s,\"layers\":" "$head" && for i in {1..20000}; do
		printf "{\"a\":"
	done; } >deep && manifest_from deep && doubtful
'

test_case 'values of the wrong types' '
	from_template &&
	for layers in 7 "\"x\"" "{\"a\":1}" "[7]" "[[]]" "[{\"digest\":7}]" \
		"[{\"digest\":\"\"}]" "[{\"digest\":\"sha256:XYZ\"}]" \
		"[{\"mediaType\":\"$type_layer\",\"size\":1}]" \
			"[{\"mediaType\":7,\"digest\":\"$a\",\"size\":7}]" "true"; do
		image=$(hostile "{$head,\"layers\":$layers}") &&
		run 1 plan vol -m --json >plan && valid gc plan &&
		held plan app "$image" && delete_revision vol app "$image" &&
		rm -r "$(tag_dir vol app:v1)" || return
	done
'

test_case 'null where a list could be is an empty list' '
	from_template && image=$(hostile "{$head,\"layers\":null}") && run 0 collect vol -m &&
	blobs_exist vol "$image"
'

test_case 'numbers out of range' '
	from_template &&
	for size in -1 1e400 99999999999999999999999999 1.5 18446744073709551616 \"7\"; do
		image=$(hostile "{$head,\"layers\":[$layer_b,{$of_type,\"digest\":\"$a\",\"size\":$size}]}") &&
		run 1 plan vol -m --json >plan && valid gc plan && stays plan "$a" &&
		stays plan "$b" && rm -r "$(tag_dir vol app:v1)" || return
	done && run 1 collect vol && blobs_exist vol "$a" "$b"
'

test_case 'a schemaVersion out of range' '
	from_template &&
	image=$(hostile "{\"schemaVersion\":99999999999999999999,$config,$layers}") &&
	run 1 collect vol -m && blobs_exist vol "$image" "$a" "$b"
'

test_case 'a manifest of 17 MiB is doubt, and said' '
	from_template &&
	{ printf "{%s,\"layers\":[%s],\"annotations\":{\"pad\":\"" "$head" "$layer_a" &&
	head -c 17825792 /dev/zero | tr "\0" x &&
	printf "\"}}"; } >big && manifest_from big && doubtful && run 1 plan vol -m >text &&
	says "16777216 bytes|16 ?Mi?B" text
'

test_case 'a manifest of 15 MiB of one string is read' '
	from_template &&
	{ printf "{%s,\"layers\":[%s,%s],\"annotations\":{\"pad\":\"" "$head" "$layer_a" \
		"$layer_b" &&
	head -c 15728640 /dev/zero | tr "\0" x &&
	printf "\"}}"; } >big && manifest_from big && reads "$a" "$b"
'

test_case 'fifteen MiB of empty objects stay within the memory budget' '
	need_address_limit && from_template &&
	{ printf "{%s,\"layers\":[%s],\"x\":[" "$head" "$layer_a" &&
	yes "{},{},{},{},{},{},{},{}," | head -n 629145 | tr -d "\n" &&
	printf "{}]}"; } >many && manifest_from many && ulimit -v 1500000 &&
	run 1 plan vol -m --json >plan && valid gc plan &&
	run 1 collect vol -m && blobs_exist vol "$image" "$a" && blobs_gone vol "$dead"
'

test_case 'many large manifests at once stay within the memory budget' '
	need_address_limit && from_template && for n in 1 2 3 4 5 6 7 8; do
		{ printf "{%s,\"n\":%s,\"layers\":[%s],\"x\":[" "$head" "$n" "$layer_a" &&
		yes "[],[],[],[],[],[],[],[]," | head -n 600000 | tr -d "\n" &&
		printf "[]]}"; } >many && image=$(put_file vol many) &&
		link_revision vol app "$image" && tag vol "app:v$n" "$image" || return
	done && ulimit -v 1500000 && run 1 plan vol -m -j 8 --json >plan && stays plan "$a"
'

test_case 'bytes that are no UTF-8 in strings and keys hide nothing' '
	from_template &&
	printf "{%s,\"\377\376\":\"x\",\"annotations\":{\"a\":\"\300\200\"},%s}" \
		"$head" "$layers" >odd &&
	manifest_from odd && reads "$a" "$b"
'

test_case 'lone surrogates hide nothing' '
	from_template &&
	image=$(hostile "{$head,\"annotations\":{\"a\":\"\\ud800\",\"b\":\"\\udc00x\"},$layers}") &&
	reads "$a" "$b"
'

test_case 'an escaped NUL hides nothing' '
	from_template &&
	image=$(hostile "{$head,\"annotations\":{\"a\":\"x\\u0000y\"},\"a\\u0000b\":1,$layers}") &&
	run 1 collect vol -m && blobs_exist vol "$a" "$b" "$image"
'

test_case 'escapes inside of a digest and a key are what they stand for' '
	from_template && escaped=$(printf %s "$a" | sed "s/^sha/\\\\u0073ha/") &&
	image=$(hostile "{$head,\"\\u006cayers\":[{$of_type,\"digest\":\"$escaped\"},$layer_b]}") &&
	reads "$a" "$b"
'

test_case 'text after the end of the document' '
	from_template &&
	image=$(hostile "{$head,\"layers\":[$layer_a]} {$head,\"layers\":[$layer_b]}") &&
	doubtful
'

test_case 'a byte order mark, comments and trailing commas' '
	from_template &&
	for text in "$(printf "\357\273\277"){$head,\"layers\":[$layer_a]}" \
		"/* x */ {$head,\"layers\":[$layer_a]}" "{$head,\"layers\":[$layer_a,]}"; do
		image=$(hostile "$text") && run 1 plan vol -m --json >plan &&
		held plan app "$image" &&
		delete_revision vol app "$image" && rm -r "$(tag_dir vol app:v1)" || return
	done
'

test_case 'a media type that denies what is there' '
	from_template &&
	image=$(hostile "{\"schemaVersion\":2,\"mediaType\":\"$type_index\",$config,$layers}") &&
	run 0 collect vol -m && blobs_exist vol "$image" "$a" "$b" "$(digest_of "{}")"
'

test_case 'all kinds of descriptors in one manifest count together' '
	from_template && c=$(put_layer vol app "layer c") && d=$(put_layer vol app "layer d") &&
	image=$(hostile "{$head,\"layers\":[$layer_a],\"blobs\":[$layer_b],
		\"fsLayers\":[{\"blobSum\":\"$c\"}],\"manifests\":[$(descriptor x/y "$d" 7)]}") &&
	run 0 collect vol -m && blobs_exist vol "$a" "$b" "$c" "$d"
'

test_case 'a chain of forty indexes that each name the last one twice' '
	from_template && image=$(put_image vol app "end") &&
	inner=$(put_index vol app "$image") && for n in {1..40}; do
		inner=$(put_index vol app "$inner" "$inner" "$image") || return
	done && tag vol app:v1 "$inner" && RUN_LIMIT=20 && run 0 collect vol -m &&
	blobs_exist vol "$inner" "$image" "$(digest_of end)"
'

test_case 'a subject that is no descriptor, and one that names the manifest of another type' '
	from_template && for subject in 7 "\"$a\"" "{}" "[]" "{\"digest\":\"nonsense\"}"; do
		image=$(hostile "{$head,\"subject\":$subject,$layers}") &&
		run 1 plan vol -m --json >plan && valid gc plan && stays plan "$a" &&
		stays plan "$image" && rm -r "$(tag_dir vol app:v1)" || return
	done
'

done_testing
