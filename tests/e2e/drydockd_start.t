#!/bin/bash
# drydockd: how it starts and ends, and what it says when it cannot.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"

need_command curl jq

# cannot_start STATUS REGEX [OPTION…]: it ends with this status and says so, and what to do.
cannot_start() {
	run "$1" drydockd --addr 127.0.0.1:0 "${@:3}" 2>said && says "$2" said
}

test_case 'an empty directory becomes a volume; what is not there is not made' '
	cannot_start 2 "no such file" --root vol && says "hint: mkdir it" said && [ ! -e vol ] &&
	mkdir vol && serve vol && push_image app v1 && stop &&
	run 0 drydock ls --root vol app >list && says "v1" list
'

test_case 'a directory with other things in it is no volume, and stays as it is' '
	mkdir other && echo mine >other/file && cannot_start 2 "not empty" --root other &&
	[ "$(ls -A other)" = file ] && cannot_start 1,2 "not a directory" --root other/file
'

test_case 'a directory of somebody else: what to type' '
	need_root && mkdir vol && cp -L "$DRYDOCKD" daemon &&
	run 3 as_nobody ./daemon --root vol --addr 127.0.0.1:0 2>said &&
	says "permission denied" said && says "hint: .*chown -R 65534:65534 " said
'

test_case 'an address that is taken, and what is none' '
	serve vol && mkdir other && run 3 drydockd --root other --addr "$host" 2>said &&
	says "already in use" said && says "hint: another program listens there" said &&
	[ -z "$(ls -A other/docker/registry/v2)" ] &&
	for address in 127.0.0.1:99999 127.0.0.1:65536 127.0.0.1: 5000 ::1:5000 127.0.0.1:-1; do
		run 2 drydockd --root other --addr $address 2>said || return
	done && run 2 drydockd --root other --addr 127.0.0.1:65536 2>said &&
	says "is no address" said
'

test_case 'a volume that is served already, and a word that is no option' '
	serve vol && cannot_start 4 "is served by drydockd, process" --root vol &&
	cannot_start 2 "\"vol\" is no option" vol && cannot_start 2 "no option" --root vol more
'

test_case 'a configuration without a storage driver, or a file that is none' '
	echo "version: 0.1" >config.yml && cannot_start 2 "config.yml: it names no storage driver" \
		--config config.yml && cannot_start 2 "nowhere.yml: no such file" --config nowhere.yml &&
	echo "storage: [" >config.yml && cannot_start 2 "config.yml: line " --config config.yml
'

# config AUTH [HTTP]: "config.yml", as Debian has it but for these.
config() {
	cat >config.yml <<-END
		version: 0.1
		log: {fields: {service: registry}}
		storage:
		  cache: {blobdescriptor: inmemory}
		  filesystem: {rootdirectory: $PWD/vol}
		  delete: {enabled: true}
		http: {addr: ":5000", headers: {X-Content-Type-Options: [nosniff]}${2-}}
		${1:+auth: $1}
		health: {storagedriver: {enabled: true, interval: 10s, threshold: 3}}
	END
}

test_case 'checking a configuration tells what becomes of each key, and changes nothing' '
	mkdir vol && config "" && run 0 drydockd --check-config --config config.yml >said &&
	says "^honoured  storage.filesystem.rootdirectory: $PWD/vol  \(line 5\)" said &&
	says "^ignored   storage.cache.blobdescriptor: inmemory" said &&
	says "^nothing stands in the way" said && [ -z "$(ls -A vol)" ] &&
	echo "proxy: {remoteurl: https://elsewhere.example}" >>config.yml &&
	run 2 drydockd --check-config --config config.yml >said 2>err &&
	says "^STOPS     proxy.remoteurl" said &&
	says_not "nothing stands in the way" said
'

test_case 'checking a configuration looks at what it names: volume, passwords, certificates' '
	config "" && run 2 drydockd --check-config --config config.yml >said 2>err &&
	says "vol: no such file" err && says "mkdir" err && mkdir vol &&
	config "{htpasswd: {realm: here, path: $PWD/vol}}" &&
	run 3 drydockd --check-config --config config.yml >said 2>err &&
	says "auth.htpasswd.path: .*is a directory" err && says "hint: .*htpasswd -B -c" err &&
	config "{htpasswd: {realm: here, path: $PWD/users}}" &&
	run 3 drydockd --check-config --config config.yml >said 2>err &&
	says "auth.htpasswd.path: .*no such file" err && says "hint: .*htpasswd -B -c" err &&
	config "" ", tls: {certificate: $PWD/none.pem, key: $PWD/none.key}" &&
	run 3 drydockd --check-config --config config.yml >said 2>err && says "none.pem" err &&
	says_not "nothing stands in the way" said
'

test_case 'the variable in which podman finds its passwords is not the registry'"'"'s' '
	REGISTRY_AUTH_FILE=$PWD/auth.json && export REGISTRY_AUTH_FILE && serve vol && stop &&
	run 0 drydockd --check-config --root vol >said && says "^ignored   REGISTRY_AUTH_FILE" said &&
	config "{file: {path: x}}" && cannot_start 2 "auth.file.path" --config config.yml
'

# slow_push: an upload of whose bytes the last are held back until "go" is there.
slow_push() {
	new_upload app && head -c 3000000 /dev/zero >bytes &&
		digest=sha256:$(sha256sum <bytes | cut -d " " -f 1) &&
		{ { head -c 2000000 bytes && wait_until test -e go && tail -c 1000000 bytes; } |
			curl -sS -o /dev/null -w "%{http_code}" -X PUT -T - \
				-H "Content-Type: application/octet-stream" \
				"$location?digest=$digest" >answer 2>err & } && pusher=$! &&
		wait_until arrived
}

# Bytes of it are on the volume.
arrived() {
	[ -n "$(find vol -path "*/_uploads/*" -name data -size +100k)" ]
}

# It takes no more connections.
closed() {
	! curl -s -o /dev/null --max-time 5 "$url/"
}

test_case 'a push that is under way when it is asked to end is finished' '
	serve vol && slow_push && kill -TERM "$(cat daemon.pid)" && wait_until closed && touch go &&
	wait "$pusher" && [ "$(cat answer)" = 201 ] && finish daemon 0 && blob_exists vol "$digest" &&
	run 0 drydock verify --root vol >&7
'

test_case 'asked a second time it ends at once, and the next start goes on with the upload' '
	serve vol && slow_push && kill -TERM "$(cat daemon.pid)" && wait_until closed &&
	kill -TERM "$(cat daemon.pid)" && finish daemon 0 && says "1 requests? .*cut off" daemon.err &&
	touch go && { wait "$pusher" || true; } && ! blob_exists vol "$digest" && serve vol &&
	location=$url/${location#*/v2/} && ask 204 "$location" && got=$(header Range) && [ "$got" ] &&
	tail -c +$((${got#0-} + 2)) bytes >rest &&
	ask 201 -X PUT -T rest -H "Content-Type: application/octet-stream" \
		"$location?digest=$digest" && blob_exists vol "$digest" && stop
'

done_testing
