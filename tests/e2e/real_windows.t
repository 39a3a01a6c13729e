#!/bin/bash
# What no collector beside a registry can see coming: it was told, or remembers, that something
# exists which is collected a moment later. Each case makes it happen on purpose, and shows that what
# was acknowledged is then named, and whole after the next run.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/real/registry.sh
. "$e2e/real/registry.sh"
# shellcheck source=tests/e2e/real/content.sh
. "$e2e/real/content.sh"

# prepare: an image "kept:v1" of another layer, and in "app" what an image needs, but no manifest.
prepare() {
	make_layer other "the layer that stays" && make_layer base "the layer that goes" &&
		printf '{}' >config.json && printf '{"kept":true}' >kept.json &&
		image=$(image_of config.json base) && digest=$(digest_of "$image") &&
		layer=sha256:$(sha256sum <base.tar.gz | cut -d ' ' -f 1) &&
		config=$(digest_of '{}')
}

# image_of CONFIG LAYER: its manifest.
image_of() {
	file_manifest "$type_config" "$1" "$(file_descriptor "$type_layer" "$2.tar.gz")"
}

# begin CACHE [COMMAND]: the registry, and what was pushed so far.
begin() {
	registry_cache=$1
	"need_registry$number" && prepare && ${2:-true} && registry_start vol &&
		api_blobs kept other.tar.gz kept.json &&
		api_manifest kept v1 "$type_image" "$(image_of kept.json other)" >/dev/null &&
		api_blobs app base.tar.gz config.json
}

# told REPO DIGEST: HEAD says that the blob exists.
told() {
	api HEAD "$1/blobs/$2" -I -o /dev/null
}

# put_tag REPO:TAG JSON: the manifest alone.
put_tag() {
	api_manifest "${1%%:*}" "${1#*:}" "$type_image" "$2" >/dev/null
}

# lacks IMAGE FINDING…: it does not pull, and verify says which images suffer from what.
lacks() {
	local image=$1 finding
	shift
	! served list && run 1 drydock verify --root vol --json >report &&
		valid_lines verify report || return
	for finding; do
		breaks report "$finding" "$image" || return
	done
}

# whole COUNT: so many tags pull, now and when the registry has forgotten all.
whole() {
	served list && [ "$(wc -l <list)" = "$1" ] && registry_stop && registry_start vol &&
		served after && same list after && run 0 drydock verify --root vol >&7
}

# comes_whole COUNT [OPTION…]: by the next run, after which the one after that has nothing to do.
comes_whole() {
	run 0 collect vol "${@:2}" --json >run && valid gc run && whole "$1" &&
		run 0 collect vol "${@:2}" --json >again && nothing_goes again &&
		json ".revivals == []" again
}

# stop_it: the registry stands still, once, when it has looked at all that the manifest names and
# is about to write it.
stop_it() {
	printf '#!/bin/sh\nexec strace -D -f -qq -o registry.trace -e trace=mkdirat %s -P "%s" "%s" "$@"\n' \
		'-e inject=mkdirat:signal=SIGSTOP:when=1' "$PWD/$(blob_dir vol "$digest")" \
		"$registry" >stopping && chmod +x stopping && registry=$PWD/stopping
}

for number in 2 3; do
	name="registry $number"

	test_case "$name: HEAD told of a layer that is collected: the manifest is refused, and a new push is whole" '
		begin "" && told app "$layer" && run 0 collect vol && blobs_gone vol "$layer" &&
		! put_tag app:late "$image" && ! told app "$layer" &&
		api_blobs app base.tar.gz config.json && put_tag app:late "$image" && whole 2 &&
		run 0 collect vol --json >run && nothing_goes run
	'

	test_case "$name: collected between its look and its writing: verify names the image, the next run mends it" '
		need_strace && begin "" stop_it &&
		{ put_tag app:late "$image" & } && pushing=$! && wait_until is_paused registry &&
		run 0 collect vol && blobs_gone vol "$layer" "$config" &&
		kill -CONT "$registry_pid" && wait "$pushing" && tagged vol app:late "$digest" &&
		lacks app:late layer-missing config-missing && run 0 plan vol --json >plan &&
		comes_back plan blob - "$layer" && comes_back plan blob - "$config" &&
		comes_back plan layer-link app "$layer" && comes_whole 2
	'

	test_case "$name: it remembers a layer that was collected: the next run brings back blobs and links" '
		begin inmemory && told app "$layer" && told app "$config" && run 0 collect vol &&
		blobs_gone vol "$layer" "$config" && ! layer_linked vol app "$layer" &&
		told app "$layer" && put_tag app:late "$image" &&
		lacks app:late layer-missing config-missing && run 0 plan vol --json >plan &&
		comes_back plan blob - "$layer" && comes_back plan layer-link app "$layer" &&
		comes_back plan layer-link app "$config" && comes_whole 2
	'

	test_case "$name: a layer that it remembers and mounts elsewhere comes back there, too" '
		begin inmemory && told app "$layer" && run 0 collect vol && blobs_gone vol "$layer" &&
		api POST "far/blobs/uploads/?mount=$layer&from=app" -o mounted -w "%{http_code}" \
			>status && [ "$(cat status)" = 201 ] && api_blobs far config.json &&
		put_tag far:late "$image" && lacks far:late layer-missing &&
		run 0 plan vol --json >plan && comes_back plan blob - "$layer" && comes_whole 2
	'

	test_case "$name: pushed again as it remembers it, a collected image has no bytes until the next run" '
		begin inmemory && put_tag app:v1 "$image" && served list &&
		api_blobs app kept.json other.tar.gz &&
		put_tag app:v1 "$(image_of kept.json other)" && run 0 collect vol -m &&
		blobs_gone vol "$digest" "$layer" "$config" && ! revision_linked vol app "$digest" &&
		told app "$layer" && put_tag app:back "$image" && ! blob_exists vol "$digest" &&
		lacks app:back manifest-missing && run 0 plan vol -m --json >plan &&
		comes_back plan blob - "$digest" && comes_back plan blob - "$layer" &&
		comes_back plan layer-link app "$layer" && comes_whole 3 -m
	'

	test_case "$name: what is young is not taken, whatever HEAD was told of" '
		begin inmemory && told app "$layer" && run 0 drydock gc --root vol --apply >&7 &&
		put_tag app:late "$image" && whole 2
	'

	test_case "$name: restarted after a run that took something, it knows what is gone" '
		begin inmemory && told app "$layer" && run 0 collect vol && told app "$layer" &&
		registry_stop && registry_start vol && ! told app "$layer" &&
		! put_tag app:late "$image" && api_blobs app base.tar.gz config.json &&
		put_tag app:late "$image" && whole 2
	'
done

# By 2.8 an index is refused whose manifests are gone; 3.1 can be told to take it.
test_case 'registry 3: an index whose manifest was seen, and is collected, has it again after the next run' '
	number=3 && begin "" && put_tag app:v1 "$image" && api_blobs app kept.json other.tar.gz &&
	put_tag app:v1 "$(image_of kept.json other)" &&
	api HEAD "app/manifests/$digest" -I -o /dev/null -H "Accept: $type_image" &&
	run 0 collect vol -m && blobs_gone vol "$digest" "$layer" &&
	api_manifest app multi "$type_index" "$(manifest_json "$type_index" \
		"\"manifests\":[$(descriptor "$type_image" "$digest" ${#image})]")" >/dev/null &&
	lacks app:multi child-collected && run 0 plan vol -m --json >plan &&
	comes_back plan blob - "$digest" && comes_back plan revision app "$digest" &&
	comes_back plan layer-link app "$layer" && comes_whole 3 -m
'

done_testing
