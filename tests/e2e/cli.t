#!/bin/bash
# The command line: help, options, where the volume is, and where output goes.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"

make_small() {
	make_volume vol && image=$(put_image vol app:v1 "layer") &&
	orphan=$(put_blob vol "orphan")
}
template make_small

# finds_at OPTIONS…: this way leads to the volume of from_template.
finds_at() {
	run 0 drydock ls "$@" >out && says "app" out
}

test_case 'help goes to stdout and names every command and every common option' '
	run 0 drydock --help >out 2>err && [ ! -s err ] &&
	for word in usage status ls tree show cat du gc rm trash why --root --config --jobs --json --dry-run --color \
		--progress --version; do
		says " ?$word" out || return
	done
'

test_case 'each command has help of its own' '
	run 0 drydock gc --help >out && says "--delete-untagged" out && says "--grace" out &&
	says "--accept-loss" out &&
	run 0 drydock ls --help >out && says "--sort" out && says "--reverse" out &&
	run 0 drydock why --help >out && says "--free" out &&
	run 0 drydock tree --help >out && says "--depth" out &&
	run 0 drydock show --help >out && says "--raw" out && says "--free" out &&
	run 0 drydock cat --help >out && says "digest" out &&
	run 0 drydock du --help >out && says "--by" out && says "--metrics" out &&
	run 0 drydock rm --help >out && says "--apply" out && says "pattern" out &&
	run 0 drydock policy --help >out && says "import-pulls" out && says "--keep-from" out &&
	run 0 drydock find --help >out && says "-unreferenced" out && says "-printf" out &&
	run 0 drydock trash --help >out && says "restore" out && says "--older-than" out
'

test_case 'the version is a line of its own' '
	run 0 drydock --version >out && says "^drydock [0-9]+\.[0-9]+" out &&
	[ "$(wc -l <out)" -ge 1 ]
'

test_case 'without a command the usage is on stderr' '
	run 2 drydock >out 2>err && [ ! -s out ] && says "usage" err &&
	run 2 drydock --json >out 2>err && [ ! -s out ]
'

test_case 'an unknown command is named' '
	run 2 drydock sweep 2>err && says "sweep" err && run 2 drydock --root . gcc 2>err &&
	says "gcc" err
'

test_case 'an unknown option is named, wherever it stands' '
	from_template && run 2 drydock --no-such ls 2>err && says "no-such" err &&
	run 2 drydock gc --root vol --delete-tagged 2>err && says "delete-tagged" err &&
	run 2 drydock ls -Z --root vol 2>err && says "-Z" err &&
	run 2 drydock gc --root 2>err && says "root" err
'

test_case 'an option of one command is none of another' '
	from_template && run 2 drydock ls --root vol --apply 2>err && says "apply" err &&
	run 2 drydock gc --root vol --sort name 2>err && says "sort" err
'

test_case 'words that a command does not take are named' '
	from_template && run 2 drydock gc --root vol extra 2>err && says "extra" err &&
	run 2 drydock ls --root vol app extra 2>err && says "extra" err
'

test_case 'values out of range are refused by the name of their option' '
	from_template &&
	for option in "--jobs 0" "--jobs -1" "--jobs many" "-j 99999999999999999999" \
		"--color maybe" "--progress sometimes"; do
		run 2 drydock ls --root vol $option 2>err &&
		says "(jobs|-j|color|progress)" err || return
	done
'

test_case 'common options work before and after the command' '
	from_template && run 0 drydock --root vol --json ls >a &&
	run 0 drydock ls --json --root vol >b &&
	run 0 drydock --json ls --root=vol >c && same a b && same a c && [ -s a ]
'

test_case 'aliases of popt in the home directory are never read' '
	from_template && for name in drydock "drydock gc" gc "drydock-gc" "(null)"; do
		echo "$name alias --dry-run --apply" && echo "$name alias -n --apply" &&
		echo "$name alias --json --apply"
	done >"$HOME/.popt" && mkdir -p "$HOME/.popt.d" && cp "$HOME/.popt" "$HOME/.popt.d/x" &&
	on_exit rm -rf "$HOME/.popt" "$HOME/.popt.d" && volume_digest vol >before &&
	run 0 drydock gc -n --root vol --grace 0 &&
	run 0 plan vol --dry-run && run 0 plan vol --json && volume_digest vol >after &&
	same before after
'

test_case 'the root is found from any level of itself' '
	from_template && mkdir -p docker-volume && mv vol docker-volume/_data &&
	volume=docker-volume/_data &&
	for level in docker-volume "$volume" "$volume/docker" "$volume/docker/registry" \
		"$volume/docker/registry/v2" "$PWD/$volume/" "./$volume/docker/"; do
		finds_at --root "$level" || return
	done && run 0 drydock gc --root docker-volume >out 2>&1 &&
	says "docker-volume/_data" out
'

test_case 'the root is the current directory when that is named' '
	from_template && cd vol && finds_at --root . && cd docker/registry &&
	finds_at --root . && finds_at --root ..
'

test_case 'DRYDOCK_ROOT names the volume, --root comes first' '
	from_template && make_volume empty && export DRYDOCK_ROOT="$PWD/vol" && finds_at &&
	run 0 drydock ls --root empty >out && says_not "app" out
'

# A registry configuration for "vol".
write_config() {
	cat >config.yml <<-END
		version: 0.1
		log:
		  fields: {service: registry}
		storage:
		  cache:
		    blobdescriptor: inmemory
		  filesystem:
		    rootdirectory: $1
		  delete:
		    enabled: true
		http:
		  addr: :5000
	END
}

test_case '--config reads rootdirectory' '
	from_template && write_config "$PWD/vol" && finds_at --config config.yml &&
	finds_at --config=config.yml
'

test_case 'REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY overrides the configuration' '
	from_template && write_config /nonexistent &&
	export REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY="$PWD/vol" &&
	finds_at --config config.yml
'

test_case 'a configuration that does not say is that of the image: /var/lib/registry' '
	printf "version: 0.1\nstorage:\n  filesystem:\n" >config.yml &&
	{ [ ! -e /var/lib/registry ] || skip "there is a /var/lib/registry"; } &&
	run 2 drydock ls --config config.yml 2>err && says "/var/lib/registry" err
'

test_case '--root and --config together are refused' '
	from_template && write_config "$PWD/vol" &&
	run 2 drydock ls --root vol --config config.yml 2>err && says "--root" err &&
	says "--config" err
'

test_case 'a configuration of another storage is refused, with its name' '
	printf "version: 0.1\nstorage:\n  s3:\n    bucket: x\n" >config.yml &&
	run 2 drydock ls --config config.yml 2>err && says "s3" err
'

test_case 'a configuration that is missing or no YAML is named, with the reason' '
	run 2 drydock ls --config nowhere.yml 2>err && says "nowhere.yml" err &&
	says "no such file" err &&
	printf "storage: [unclosed\n  x: {\n" >broken.yml &&
	run 2 drydock ls --config broken.yml 2>err && says "broken.yml" err &&
	mkfifo pipe.yml && run 2 drydock ls --config pipe.yml 2>err && says "pipe.yml" err &&
	run 2 drydock ls --config . 2>err
'

test_case 'a root that is missing is named, with what to try' '
	run 2 drydock gc --root nowhere/at/all 2>err && says "nowhere/at/all" err &&
	says "no such file" err && says "docker volume inspect" err
'

test_case 'a root that is no volume is named, with what to try' '
	mkdir plain && touch plain/file && run 2 drydock gc --root plain 2>err &&
	says "plain" err && says "docker/registry/v2" err && says "--root" err &&
	mkdir empty && run 2 drydock ls --root empty 2>err && says "empty" err &&
	run 2 drydock ls --root plain/file 2>err && says "plain/file" err
'

test_case 'a root that may not be read is named, with what to try' '
	need_root && from_template && chmod 755 . && chmod 700 vol &&
	run 3 as_nobody drydock ls --root vol 2>err && says "permission denied" err &&
	says "vol" err && says "root" err
'

test_case 'a reader that closes the pipe gets no complaint and no crash' '
	from_template && for n in {1..200}; do
		mkdir -p "$(repository_dir vol "repo$n")/_layers/sha256" || return
	done &&
	{ drydock ls --root vol --json 2>err; echo "$?" >status; } | head -c 1 >out &&
	[ ! -s err ] && grep -qxE "0|3|141" status
'

test_case 'a closed pipe does not stop a collection half way' '
	from_template && for n in {1..50}; do
		put_layer vol app "dead $n" || return
	done >dead &&
	{ drydock gc --root vol --grace 0 --apply 2>err; echo "$?" >status; } | true &&
	run 0 collect vol --json >report && nothing_goes report &&
	blobs_exist vol "$image" "$(digest_of layer)" && blobs_gone vol "$orphan"
'

test_case 'a full disk behind stdout is an error' '
	from_template &&
	for command in "ls" "ls --json" "gc" "gc --json" "trash list" "--help" "--version" \
		"gc --help"; do
		run 3 drydock --root vol $command >/dev/full 2>err &&
		says "no space left" err || { say "of: $command"; return 1; }
	done
'

test_case 'a full disk behind stdout does not stop a collection' '
	from_template && run 3 collect vol >/dev/full 2>err && blobs_gone vol "$orphan" &&
	in_trash vol "$orphan" && blobs_exist vol "$image"
'

test_case 'closed standard streams are no files of the volume' '
	from_template && volume_digest vol >before &&
	run 3 sh -c "drydock gc --root vol --grace 0 <&- >&- 2>&-" &&
	volume_digest vol >after && same before after &&
	run 3 sh -c "drydock gc --root vol --grace 0 --apply <&- >&- 2>&-" &&
	blobs_exist vol "$image" && run 0 drydock ls --root vol
'

test_case 'no colour and no progress where nobody watches' '
	from_template && run 0 plan vol >out 2>err && ! grep -q "$(printf "\033")" out &&
	[ ! -s err ] &&
	run 0 plan vol --color always >out && run 0 plan vol --progress always >out 2>err
'

test_case 'where a line is short the bar makes room for how much time is left' '
	make_volume vol && for i in 1 2 3 4; do put_blob vol "$(printf %0250000d $i)"; done &&
	run 0 drydock verify --root vol --no-index --rate 250K --progress always 2>err &&
	tr "\r\033" "\n\n" <err >lines && says "^reading \[=*> *\] .*/s, left: [0-9]+ seconds?$" lines &&
	! grep -E "^reading.{73}" lines
'

test_case '--json leaves stdout to one document' '
	from_template && for command in "ls" "gc" "gc -m" "gc -v" "trash list"; do
		run 0 drydock --root vol --json $command >out &&
		jq -es "length == 1" out >/dev/null || return
	done
'

test_case 'what was passed over makes the status 1, and each command that only looks says so' '
	make_volume vol && put_image vol app:v1 "layer" >&7 &&
	ln -s /nowhere vol/docker/registry/v2/repositories/linked &&
	for look in du tree log ls "snapshot vol.snap"; do
		run 1 drydock $look --root vol >out 2>err && says "1 thing .*verify --quick" err &&
			run 1 drydock $look --root vol -q >out 2>err && says "verify --quick" err || return
	done && run 1 drydock diff --root vol ./vol.snap >out 2>err && says "things .*verify --quick" err
'

done_testing
