#!/bin/bash
# Names, links and special files that somebody put there to mislead us.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

repositories=vol/docker/registry/v2/repositories
blobs=vol/docker/registry/v2/blobs

# A tagged image, something dead, and a directory outside that must not change.
make_target() {
	make_volume vol && image=$(put_image vol app:v1 "layer") &&
	dead=$(put_layer vol app "dead") &&
		make_volume outside && put_image outside other:v1 "outside layer" &&
		put_layer outside other "dead outside"
}
template make_target

target() {
	from_template && volume_digest outside >outside.before
}

outside_whole() {
	volume_digest outside >outside.after && same outside.before outside.after
}

# Everything held: not a name in the volume changes, and the report says so.
all_held() {
	volume_content vol >held.before && run 1 collect vol -m --json >report &&
	valid gc report &&
		volume_held report && volume_content vol >held.after &&
		same held.before held.after && outside_whole
}

image_whole() {
	blobs_exist vol "$image" "$(digest_of layer)" && tagged vol app:v1 "$image" &&
		layer_linked vol app "$(digest_of layer)" && revision_linked vol app "$image"
}

test_case 'a repository that is a symlink out of the volume' '
	target &&
	ln -s "$PWD/outside/docker/registry/v2/repositories/other" "$repositories/other" &&
	all_held
'

test_case 'a repository that is a symlink to its own parent' '
	target && ln -s .. "$repositories/app/loop" && all_held
'

test_case 'a repository that is a dangling symlink' '
	target && ln -s /nonexistent/there "$repositories/gone" && all_held
'

test_case 'all repositories behind a symlink' '
	target && mv "$repositories" elsewhere && ln -s "$PWD/elsewhere" "$repositories" &&
	volume_content vol >before && run 3 collect vol && volume_content vol >after &&
	same before after
'

test_case 'all blobs behind a symlink' '
	target && mv "$blobs" elsewhere && ln -s "$PWD/elsewhere" "$blobs" &&
	volume_digest elsewhere >before &&
	run 3 collect vol && volume_digest elsewhere >after && same before after
'

test_case 'a blob directory that is a symlink out of the volume' '
	target && dir=$(blob_dir vol "$dead") && rm -r "$dir" && mkdir -p "$(dirname "$dir")" &&
	ln -s "$PWD/outside/docker" "$dir" && all_held
'

test_case 'a shard that is a symlink out of the volume' '
	target && ln -s "$PWD/outside/docker/registry/v2/blobs/sha256" "$blobs/sha256/0f.new" &&
	rm -rf "$blobs/sha256/0f" && mv "$blobs/sha256/0f.new" "$blobs/sha256/0f" && all_held
'

test_case 'the bytes of a manifest are a symlink' '
	target && data=$(blob_data vol "$image") && mv "$data" outside.json &&
	ln -s "$PWD/outside.json" "$data" &&
	run 1 collect vol -m && blobs_exist vol "$(digest_of layer)" &&
	layer_linked vol app "$(digest_of layer)" &&
	[ -L "$data" ] && [ -s outside.json ] && outside_whole
'

test_case 'the bytes of a dead blob are a symlink' '
	target && echo precious >precious && rm "$(blob_data vol "$dead")" &&
	ln -s "$PWD/precious" "$(blob_data vol "$dead")" && run 1 collect vol &&
	run 1 collect vol --purge &&
	image_whole && [ "$(cat precious)" = precious ]
'

test_case 'a link file is a symlink' '
	target && link=$(current_link vol app:v1) && rm "$link" &&
	ln -s "$PWD/outside/docker" "$link" &&
	run 1 collect vol -m && blobs_exist vol "$image" "$(digest_of layer)" && outside_whole
'

test_case 'the directory of layer links is a symlink' '
	target && mv "$repositories/app/_layers" layers &&
	ln -s "$PWD/layers" "$repositories/app/_layers" &&
	volume_digest layers >before && run 1 collect vol -m &&
	blobs_exist vol "$image" "$(digest_of layer)" &&
	volume_digest layers >after && same before after
'

test_case 'directories of manifests, tags and revisions are symlinks' '
	for place in _manifests _manifests/tags _manifests/revisions \
		_manifests/revisions/sha256 _manifests/tags/v1; do
		rm -rf vol outside moved && target && mv "$repositories/app/$place" moved &&
		ln -s "$PWD/moved" "$repositories/app/$place" && volume_digest moved >before &&
		run 1 collect vol -m --allow-empty && volume_digest moved >after &&
		same before after &&
		blobs_exist vol "$image" "$(digest_of layer)" && outside_whole || return
	done
'

test_case 'nothing hangs on a FIFO, a socket or a device' '
	need_root && target && second=$(put_image vol app:v2 "second layer") &&
	for file in "$(current_link vol app:v1)" "$(revision_link vol app "$image")" \
		"$(blob_data vol "$second")" \
		"$(layer_link vol app "$(digest_of layer)")"; do
		rm "$file" && mkfifo "$file" || return
	done &&
	mkfifo "$repositories/fifo" "$blobs/sha256/fifo" "$repositories/app/_layers/sha256/fifo" &&
	mknod "$repositories/zero" c 1 5 && mknod "$blobs/sha256/zero" c 1 5 &&
	rm "$(history_link vol app:v1 "$image")" &&
	mknod "$(history_link vol app:v1 "$image")" c 1 5 &&
	RUN_LIMIT=20 && run 1 plan vol >out && run 1 collect vol -m &&
	blobs_exist vol "$image" "$(digest_of layer)" "$(digest_of "second layer")" &&
	run 1 drydock ls --root vol >out
'

test_case 'a blob that is a FIFO is not taken for bytes' '
	target && rm "$(blob_data vol "$dead")" && mkfifo "$(blob_data vol "$dead")" &&
	RUN_LIMIT=20 &&
	run 1 collect vol && image_whole && run 1 collect vol --purge && image_whole
'

test_case 'control characters in names reach no terminal' '
	target && name=$(printf "bad\033[31m\nname\rend") &&
	put_image vol "$name:v1" "layer" >/dev/null &&
	put_image vol "app:$(printf "t\033]0;x\007")" "layer" >/dev/null &&
	touch "$blobs/sha256/$(printf "\001\033[2J")" &&
	run 0 plan vol -m -v >out 2>&1 && run 0 drydock ls --root vol >>out 2>&1 &&
	run 0 drydock ls --root vol app >>out 2>&1 && says "0;x" out &&
	! grep -qP "[\x00-\x08\x0b-\x1f\x7f]" out && says "name" out &&
	run 0 plan vol --json >plan && valid gc plan
'

test_case 'names that are no UTF-8 come out as valid JSON' '
	target && name=$(printf "latin\351") && put_layer vol "$name" "dead there" &&
	mkdir -p "$repositories/$(printf "\377\376")/_uploads" &&
	run 0 plan vol --json >plan && valid gc plan &&
	iconv -f utf-8 -t utf-8 plan >/dev/null &&
	run 0 drydock ls --root vol --json >list && valid ls list
'

# deep LEVELS PATH CONTENT: a file at the bottom of so many directories.
deep() {
	perl -e '
		my ($levels, $path, $content) = @ARGV;
		for (1 .. $levels) { mkdir "d"; chdir "d" or die }
		my @parts = split "/", $path;
		my $file = pop @parts;
		for (@parts) { mkdir $_; chdir $_ or die }
		open my $out, ">", $file or die;
		print {$out} $content;
	' "$@"
}

test_case 'six hundred levels of nesting' '
	target && ( cd "$repositories" && deep 600 _layers/sha256/README "" ) &&
	run 0 plan vol --json >plan && goes plan blob - "$dead" && stays plan "$image"
'

test_case 'a repository below six hundred levels keeps what it names' '
	target && layer=$(put_blob vol "deep layer") && config=$(put_blob vol "{}") &&
	json=$(image_json "$type_image" "$type_config" "$type_layer" "" "{}" "deep layer") &&
	far=$(put_blob vol "$json") &&
	( cd "$repositories" && deep 600 "_manifests/revisions/sha256/${far#*:}/link" "$far" &&
	deep 600 _manifests/tags/v1/current/link "$far" ) &&
	run 0 collect vol -m && blobs_exist vol "$layer" "$far" "$config" &&
	blobs_gone vol "$dead"
'

test_case 'a tag of 128 characters is a tag, one of 129 loses nothing either' '
	target && long=$(printf "t%.0s" {1..128}) && a=$(put_image vol app:$long "tag layer") &&
	b=$(put_image vol app:${long}x "longer layer") && run 0 collect vol -m &&
	blobs_exist vol "$a" "$b" "$(digest_of "tag layer")" "$(digest_of "longer layer")" &&
	blobs_gone vol "$dead"
'

test_case 'names with leading dots, underscores and spaces lose nothing' '
	target && for name in .hidden _layers2 "with space" -dash "a/_odd/b" "..."; do
		digest=$(put_image vol "$name:v1" "layer of $name") &&
		echo "$digest $(digest_of "layer of $name")" >>kept || return
	done && run 0 collect vol -m && blobs_exist vol $(cat kept)
'

done_testing
