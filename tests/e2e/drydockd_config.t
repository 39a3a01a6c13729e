#!/bin/bash
# drydockd: a registry's configuration, its environment, and what of it is honoured.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"

need_command curl jq

# config TEXT…: a file with the volume "vol" and these lines.
config() {
	printf 'version: 0.1\nstorage:\n  filesystem: {rootdirectory: %s/vol}\n' "$PWD" >config.yml
	printf '%b\n' "$@" >>config.yml
	mkdir -p vol
}

check() {
	run "$1" drydockd --check-config --config "${2:-config.yml}" >checked 2>checked.err
}

test_case 'a volume and a port are all that is needed, and an empty directory becomes a volume' '
	serve vol && [ -d vol/docker/registry/v2 ] && ask 200 "$url/" && stop
'

test_case 'a directory that holds something else is not made a volume' '
	mkdir vol && echo mine >vol/letter && run 2 drydockd --root vol --addr 127.0.0.1:0 2>err &&
	says "not empty" err && [ "$(ls vol)" = letter ] &&
	run 2 drydockd --root nowhere --addr 127.0.0.1:0 2>err && says nowhere err
'

test_case 'the configuration of registry:2 is read, and what becomes of each key is said beforehand' '
	config "log:\n  accesslog: {disabled: true}\n  fields: {service: registry}" \
		"http:\n  addr: 127.0.0.1:0\n  secret: hidden-one\n  headers: {X-Frame-Options: [deny]}" \
		"health:\n  storagedriver: {enabled: true}" "odd: {key: 1}" &&
	check 0 && says "honoured .*http.addr" checked && says "ignored .*http.secret" checked &&
	says_not hidden-one checked && says "ignored .*odd.key" checked && says "is not known" checked &&
	says "nothing stands in the way" checked && serve_config config.yml && ask 200 "$url/" &&
	[ "$(header X-Frame-Options)" = deny ] && stop && [ ! -s daemon.out ]
'

test_case 'a key that is misspelt is told with the one that was meant' '
	config "http:\n  adr: 127.0.0.1:0" "drydock:\n  leese: 1h" "odd: 1" &&
	check 2 && says "is not known: did you mean http.addr?" checked &&
	says "is not known: did you mean drydock.lease?" checked &&
	grep -A1 "odd: …" checked | says_not "did you mean" - &&
	says "drydock.leese: is not known: did you mean" checked.err
'

test_case 'what must not be passed over stops it, with line and reason' '
	for lines in "proxy:\n  remoteurl: https://elsewhere.example" "auth:\n  silly: {realm: x}" \
		"http:\n  tls:\n    clientcas: ca.pem" "http:\n  tls:\n    letsencrypt: {email: a@b}" \
		"middleware:\n  registry: [{name: x}]" "drydock:\n  no-such-key: 1"; do
		config "$lines" && check 2 && says STOPS checked && says "line [0-9]*:" checked.err &&
		run 2 drydockd --config config.yml --addr 127.0.0.1:0 2>err && says "line [0-9]*:" err ||
			return 1
	done
'

test_case 'a section that is to keep others out, and lacks what it needs, lets nobody in' '
	for lines in "auth: htpasswd" "auth:\n  htpasswd:" "auth: {htpasswd: {}}" "auth: {htpasswd: {realm: x}}" \
		"auth: {htpasswd: {path: users}}" "auth: {htpasswd: {realm: \"\", path: \"\"}}" "auth: [htpasswd]" \
		"auth: {token: {}}" "auth: token" "auth: {token: {autoredirect: true}}" "auth: {ldap: {}}" "auth:\n  ldap:"; do
		config "$lines" && check 2 && says auth checked.err &&
		run 2 drydockd --config config.yml --addr 127.0.0.1:0 2>err && says auth err || return 1
	done && config && REGISTRY_AUTH=htpasswd check 2 && REGISTRY_AUTH_HTPASSWD_REALM=x check 2 &&
	REGISTRY_AUTH="{htpasswd: {}}" check 2 && REGISTRY_AUTH_LDAP_URL= check 2 &&
	config "auth: {}" && check 0 && config "auth: none" && check 0
'

test_case 'what may be secret is not shown, known or not' '
	config "redis: {password: hidden-1}" "log: {hooks: [{options: {smtp: {password: hidden-2}}}]}" \
		"health: {http: [{headers: {Authorization: [hidden-3]}}]}" "http: {secrt: hidden-4}" &&
	check 0 && says redis.password checked && says http.secrt checked && says_not hidden checked
'

test_case 'another storage driver stops it' '
	printf "version: 0.1\nstorage: {s3: {bucket: x}}\n" >config.yml && check 2 &&
	run 2 drydockd --config config.yml --addr 127.0.0.1:0 2>err && says "only .*filesystem.* is supported" err &&
	config "" && REGISTRY_STORAGE=s3 run 2 drydockd --config config.yml --addr 127.0.0.1:0 2>err
'

test_case 'a configuration that is damaged is told by its line' '
	for lines in "http: [" "http:\n  addr: {a: 1}\nhttp: 5" "drydock:\n  lease: soon" \
		"storage: {delete: {enabled: maybe}}" "drydock: {lease: -1h}" "http: {prefix: no-slash}" \
		"catalog: {maxentries: many}" "http: {tls: {certificate: only.pem}}" "http: {tls: {clientcas: [ca.pem]}}" \
		"http: {tls: {clientauth: request-client-cert}}""http: {host: no-url}"; do
		config "$lines" && check 2 && says config.yml checked.err &&
		run 2 drydockd --config config.yml --addr 127.0.0.1:0 2>err && says config.yml err || return 1
	done
'

test_case 'durations are those of the programs that the file was written for, and more' '
	config "http: {draintimeout: -1s}" "drydock: {lease: 1.5h, timeout: 7d, header-timeout: 1h30m}" \
		"notifications: {endpoints: [{name: a, url: \"http://127.0.0.1:9/\", timeout: 100ms, backoff: 1.5s}]}" && check 0 &&
	REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_AGE=168h30m0.5s check 0 &&
	REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_AGE=-1s check 2 && says "less than nothing" checked.err
'

test_case 'what an older TLS is allowed for is served by the least that there is, and that is said' '
	for word in tls1.0 tls1.1; do
		config "http: {tls: {minimumtls: $word}}" && check 0 && says "honoured.*minimumtls" checked &&
		says "TLS 1.2 is the least" checked || return 1
	done && config "http: {tls: {minimumtls: tls1.2}}" && check 0 && says_not "the least" checked &&
	config "http: {tls: {minimumtls: ssl3}}" && check 2 && says ssl3 checked.err &&
	config "log: {formatter: logstash}" && check 0 && config "log: {formatter: xml}" && check 2 && says xml checked.err
'

test_case 'an address that is none is told before the change-over' '
	config "http: {addr: 5000}" && check 2 && says "http.addr.*5000" checked.err &&
	config "http: {debug: {addr: \"a:b:5000\"}}" && check 2 && says "http.debug.addr.*a:b" checked.err &&
	config "http: {net: unix, addr: /run/x}" && check 0 &&
	config "http: {addr: \"[::1]:5000\", debug: {addr: \":5001\"}}" && check 0
'

test_case 'the environment counts more than the file' '
	config "http:\n  headers: {X-One: [file]}\n  prefix: /file/" && make_volume other &&
	REGISTRY_HTTP_PREFIX=/env/ REGISTRY_HTTP_HEADERS="{X-One: [env], X-Two: [a, b]}" \
		REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=$PWD/other serve_config config.yml &&
	ask 200 "http://$host/env/v2/" && [ "$(header X-One)" = env ] &&
	[ "$(header X-Two | tr "\n" " ")" = "a b " ] && fails_with 404 NAME_UNKNOWN "$url/" &&
	says "serving $PWD/other" daemon.err
'

test_case 'an entry of a list is named in the environment by its number' '
	listener="{name: filed, url: \"http://127.0.0.1:9/\", ignore: {actions: [pull]}}" &&
	config "notifications: {endpoints: [$listener]}" &&
	REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL=ftp://x check 2 && says "filed.*http" checked.err &&
	REGISTRY_NOTIFICATIONS_ENDPOINTS_1_URL=http://127.0.0.1:9/ check 2 && says "needs a name" checked.err &&
	REGISTRY_NOTIFICATIONS_ENDPOINTS_2_NAME=x check 2 && says "ENDPOINTS_2_NAME: entry 2 of a list that has 1" checked.err &&
	REGISTRY_NOTIFICATIONS_ENDPOINTS_1_NAME=second REGISTRY_NOTIFICATIONS_ENDPOINTS_1_URL=http://127.0.0.1:9/ \
		REGISTRY_NOTIFICATIONS_ENDPOINTS_1_HEADERS_AUTHORIZATION="[Bearer hidden]" \
		REGISTRY_NOTIFICATIONS_ENDPOINTS_1_IGNORE_ACTIONS_0=pull check 0 &&
	for name in NAME URL HEADERS_AUTHORIZATION IGNORE_ACTIONS_0; do
		says "honoured .*REGISTRY_NOTIFICATIONS_ENDPOINTS_1_$name" checked || return 1
	done && says_not hidden checked && says_not "is not known" checked &&
	REGISTRY_HTTP_TLS_CLIENTCAS_0=ca.pem check 2 && says "needs both a certificate" checked.err &&
	REGISTRY_HTTP_TLS_CLIENTCAS_1=ca.pem check 2 && says "CLIENTCAS_1: entry 1 of a list that has 0" checked.err &&
	REGISTRY_HTTP_TLS_CLIENTCAS=ca.pem check 2 && says "is a list of files" checked.err
'

test_case 'a list may stand in the environment as it does in the file' '
	config && REGISTRY_NOTIFICATIONS_ENDPOINTS="$(printf -- "- name: a\n  url: http://127.0.0.1:9/\n")" check 0 &&
	says "honoured .*REGISTRY_NOTIFICATIONS_ENDPOINTS" checked && says_not "is not known" checked
'

test_case 'the image of registry:2 is configured by environment alone, and so can we be' '
	mkdir vol && REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=$PWD/vol REGISTRY_CONFIGURATION_PATH= \
		start daemon drydockd --addr 127.0.0.1:0 --root vol && served_at daemon && ask 200 "$url/"
'

test_case 'a prefix stands before every path that is given out' '
	config "http: {prefix: /some/where/}" && serve_config config.yml && url=http://$host/some/where/v2 &&
	digest=$(push_image app v1) && [ "$(header Location)" = "$url/app/manifests/$digest" ] &&
	ask 202 -X POST "$url/app/blobs/uploads/" &&
	case $(header Location) in "$url/app/blobs/uploads/"*) ;; *) header Location; false ;; esac &&
	push_image app v2 more >digest && ask 200 "$url/app/tags/list?n=1" &&
	[ "$(header Link)" = "</some/where/v2/app/tags/list?last=v1&n=1>; rel=\"next\"" ]
'

test_case 'where a client is sent is said by http.host, by who forwards, or not at all' '
	serve vol && ask 202 -X POST -H "X-Forwarded-Proto: https" -H "X-Forwarded-Host: reg.example" \
		"$url/app/blobs/uploads/" &&
	case $(header Location) in https://reg.example/v2/app/blobs/uploads/*) ;; *) false ;; esac &&
	while IFS="|" read -r header value wanted; do
		ask 202 -X POST -H "$header: $value" -H "Host: plain.example" "$url/app/blobs/uploads/" &&
		case $(header Location) in "$wanted"/v2/app/blobs/uploads/*) ;; *) header Location; return 1 ;; esac
	done <<-\END &&
	X-Forwarded-Host|first.example:5000, second.example|http://first.example:5000
	X-Forwarded-Proto|https,http|https://plain.example
	Forwarded|for=192.0.2.1; Proto=https;host="first.example:5000", host=second.example|https://first.example:5000
	Forwarded|for="[2001:db8::1]:4711"|http://plain.example
	Forwarded|host="evil><x"|http://plain.example
	END
	ask 202 -X POST -H "Host: evil\"><x" "$url/app/blobs/uploads/" &&
	case $(header Location) in /v2/app/blobs/uploads/*) ;; *) header Location; false ;; esac && stop &&
	config "http: {host: \"https://registry.example:444\"}" && serve_config config.yml &&
	ask 202 -X POST "$url/app/blobs/uploads/" &&
	case $(header Location) in https://registry.example:444/v2/*) ;; *) false ;; esac && stop &&
	config "http: {relativeurls: true}" && serve_config config.yml &&
	ask 202 -X POST "$url/app/blobs/uploads/" &&
	case $(header Location) in /v2/app/blobs/uploads/*) ;; *) false ;; esac
'

test_case 'sparse manifests are accepted where validation is disabled' '
	serve vol && push_image app v1 >digest && stop && config "validation: {disabled: true}" &&
	serve_config config.yml && ask 201 -X PUT -H "Content-Type: $type_image" \
		--data-binary @manifest.json "$url/other/manifests/v1" && ask 200 "$url/other/manifests/v1"
'

test_case 'only an index may lack its images where their platforms are not validated' '
	for word in none List; do
		config "validation: {manifests: {indexes: {platforms: $word}}}" && serve_config config.yml &&
		type=application/vnd.oci.image.index.v1+json &&
		jq -nc --arg type $type --arg image $type_image --arg digest "$no_such" \
			"{schemaVersion: 2, mediaType: \$type, manifests: [{mediaType: \$image, size: 2, digest: \$digest}]}" >index &&
		ask 201 -X PUT -H "Content-Type: $type" --data-binary @index "$url/app/manifests/v1" &&
		jq -nc --arg image $type_image --arg digest "$no_such" \
			"{schemaVersion: 2, mediaType: \$image, layers: [], config: {mediaType: \"a/b\", size: 2, digest: \$digest}}" >image &&
		fails_with 404 MANIFEST_BLOB_UNKNOWN -X PUT -H "Content-Type: $type_image" --data-binary @image \
			"$url/app/manifests/v1" && stop || return 1
	done && config "validation: {manifests: {indexes: {platforms: some}}}" && check 2 && says platforms checked.err
'

test_case 'too little room on the disk refuses a push before it begins, and serves pulls' '
	serve vol && digest=$(push_image app v1) && stop && config "drydock: {keep-free: 1000000G}" &&
	serve_config config.yml && ask 200 "$url/app/manifests/v1" &&
	fails_with 507 UNAVAILABLE -X POST "$url/app/blobs/uploads/" && says keep-free body
'

test_case 'too few inodes on the disk refuse a push, and the reply says which it is' '
	serve vol && digest=$(push_image app v1) && stop && on_exit "gone \"$PWD/daemon\"" &&
	with_files() {
		start daemon with_space 1000000000 2000000000 env "DRYDOCK_TEST_SPACE=1000000000 2000000000 $1" drydockd --root vol \
			--addr 127.0.0.1:0 && served_at daemon
	} &&
	with_files "1023 1000000" && ask 200 "$url/app/manifests/v1" && fails_with 507 UNAVAILABLE -X POST "$url/app/blobs/uploads/" &&
	says "1023 inodes free, of which 1024" body && stop && with_files "1024 1000000" && new_upload app && stop &&
	with_files "9 1000" && fails_with 507 UNAVAILABLE -X POST "$url/app/blobs/uploads/" && stop && with_files "10 1000" && new_upload app
'

# on_disk OPTION: "vol" is a file system of its own, whose last byte may be taken; served.
on_disk() {
	mkdir vol && { mount -t tmpfs -o "$1" none vol || skip "cannot mount a tmpfs here"; } && on_exit "umount -l $PWD/vol" &&
		config "drydock: {keep-free: 0, cache-dir: $PWD/index}" && serve_config config.yml
}

test_case 'a disk that is really full refuses pushes, serves pulls, and takes pushes again when there is room' '
	need_root && on_disk size=12m && image=$(push_image app v1) && head -c 30000000 /dev/urandom >big && head -c 5000000 /dev/urandom >fits &&
	new_upload app && fails_with 507 UNAVAILABLE -X PATCH -T - "$location" <big && says "the disk is full" body &&
	fails_with 507 UNAVAILABLE -X POST --data-binary @big "$url/app/blobs/uploads/?digest=sha256:$(sha256sum <big | cut -d " " -f 1)" &&
	ask 204 "$location" && [ "$(header Range)" != 0-0 ] && { head -c 20000000 /dev/zero >vol/rest || :; } &&
	fails_with 507 UNAVAILABLE -X PUT -H "Content-Type: $type_image" --data-binary @manifest.json "$url/app/manifests/v2" &&
	ask 200 "$url/app/manifests/v1" && ask 200 "$url/app/blobs/$(jq -r .layers[0].digest manifest.json)" && ask 204 -X DELETE "$location" &&
	rm vol/rest && digest=$(push_file app fits) && ask 200 "$url/app/blobs/$digest" && cmp body fits && push_image app v2 again && stop &&
	run 0 drydock verify --root vol --full
'

test_case 'a disk without a free inode refuses pushes and serves pulls likewise' '
	need_root && on_disk size=40m,nr_inodes=200 && image=$(push_image app v1) && mkdir vol/rest && { for i in $(seq 200); do : >"vol/rest/$i" || break; done; } &&
	fails_with 507 UNAVAILABLE -X POST "$url/app/blobs/uploads/" && ask 200 "$url/app/manifests/v1" && rm -r vol/rest && push_image app v2 again &&
	stop && run 0 drydock verify --root vol --full
'

test_case 'what is announced to be too large for the disk is refused before it is sent' '
	mkdir vol && on_exit "gone \"$PWD/daemon\"" &&
	start daemon with_space 300000000 1000000000 drydockd --root vol --addr 127.0.0.1:0 && served_at daemon &&
	head -c 40000000 /dev/zero >big && head -c 20000000 /dev/zero >fits && new_upload app &&
	fails_with 507 UNAVAILABLE -X PATCH -T big "$location" && ask 204 "$location" && [ "$(header Range)" = 0-0 ] &&
	fails_with 507 UNAVAILABLE -X POST --data-binary @big "$url/app/blobs/uploads/?digest=$no_such" &&
	ask 202 -X PATCH -T fits "$location" && [ "$(header Range)" = 0-19999999 ]
'

test_case 'an upload that is all there is put, even if by then there is no room for more' '
	config "drydock: {keep-free: 1}" && serve_config config.yml && printf whole >body.sent && new_upload app &&
	ask 202 -X PATCH --data-binary @body.sent "$location" && location=$(header Location) &&
	config "drydock: {keep-free: 1000000G}" && kill -HUP "$(cat daemon.pid)" && wait_until says reloaded daemon.err &&
	ask 201 -X PUT "$location?digest=$(digest_of whole)"
'

test_case 'uploads at once are bounded' '
	config "drydock: {uploads-max: 2, uploads-per-client: 0}" && serve_config config.yml && new_upload app && new_upload app &&
	fails_with 429 TOOMANYREQUESTS -X POST "$url/app/blobs/uploads/" && [ -n "$(header Retry-After)" ] &&
	ask 204 -X DELETE "$location" && new_upload app
'

test_case 'one client does not hold all uploads' '
	config "drydock: {uploads-max: 4}" && serve_config config.yml && new_upload app && new_upload app &&
	fails_with 429 TOOMANYREQUESTS -X POST "$url/app/blobs/uploads/" && says "of this client" body &&
	says uploads-per-client body && [ -n "$(header Retry-After)" ] && ask 202 -X POST --interface 127.0.0.2 "$url/app/blobs/uploads/" &&
	ask 204 -X DELETE "$location" && new_upload app
'

test_case 'a reload takes the new configuration, and leaves a damaged one' '
	config "http: {headers: {X-Now: [one]}}" && serve_config config.yml && ask 200 "$url/" &&
	[ "$(header X-Now)" = one ] && config "http: {headers: {X-Now: [two]}}" &&
	kill -HUP "$(cat daemon.pid)" && wait_until says "reloaded" daemon.err && ask 200 "$url/" &&
	[ "$(header X-Now)" = two ] && config "http: [" && kill -HUP "$(cat daemon.pid)" &&
	wait_until says "config.yml" daemon.err && ask 200 "$url/" && [ "$(header X-Now)" = two ] && stop
'

done_testing
