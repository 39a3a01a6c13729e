#!/bin/bash
# drydockd: running it: signals, health, metrics, logs, TLS, systemd.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"

need_command curl jq openssl

config() {
	printf 'version: 0.1\nstorage:\n  filesystem: {rootdirectory: %s/vol}\n' "$PWD" >config.yml
	printf '%b\n' "$@" >>config.yml
	mkdir -p vol
}

certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=$1" -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
		-keyout key.pem -out cert.pem 2>openssl.err
}

ready() {
	[ "$(curl -s -o /dev/null -w "%{http_code}" "http://$host/readyz")" = 200 ]
}

# Once its lease has run out.
collected() {
	drydock gc --root vol --grace 0 --min-free 0 --apply && ! blob_exists vol "$1"
}

# pull_slowly URL: beside us; "pulling" is its process.
pull_slowly() {
	curl -sS --limit-rate 2M -o pulled "$1" 2>curl.late &
	pulling=$!
	wait_until grep -q . pulled
}

test_case 'it tells that it runs, and that it is ready' '
	serve vol && ask 200 "http://$host/healthz" && [ "$(cat body)" = ok ] &&
	ask 200 "http://$host/readyz" && [ "$(cat body)" = ready ] && ask 200 -I "http://$host/healthz" &&
	stop && config "http: {prefix: /some/where/, debug: {addr: \"127.0.0.1:0\", prometheus: {path: /my/metrics}}}" && serve_config config.yml &&
	ask 200 "http://$host/" && debug=$(sed -n "s/.*health and metrics are at //p" daemon.err) &&
	ask 200 "$debug/debug/health" && ask 200 "$debug/my/metrics" && says "^drydock_ready" body &&
	ask 404 "$debug/my/metricsx"
'

test_case 'metrics are at the address for debugging alone, in the format of Prometheus' '
	config "http: {debug: {addr: \"127.0.0.1:0\", prometheus: {enabled: true}}}" &&
	serve_config config.yml && digest=$(push_image app v1) && ask 200 "$url/app/manifests/v1" &&
	fails_with 404 NAME_UNKNOWN "http://$host/metrics" &&
	debug=$(sed -n "s/.*health and metrics are at //p" daemon.err) &&
	ask 200 "$debug/metrics" && says "^drydock_http_requests_total.*route=\"manifest\",status=\"2xx\"} [1-9]" body &&
	says "^drydock_http_request_duration_seconds_bucket.*le=\"\\+Inf\"" body &&
	says "^drydock_ready.* 1\$" body && says "^drydock_registry_uploaded_total.* 2\$" body &&
	awk "/^#/ {next} !/^[a-z_]+\\{[^}]*\\} [0-9.e+-]+\$/ {print; bad = 1} END {exit bad}" body &&
	ask 200 "$debug/healthz" && fails_with 404 NAME_UNKNOWN "$debug/v2/"
'

# gauges FILE: what the volume and its repositories take, when it was measured left out.
gauges() {
	grep -E "^drydock_(volume|repository)_" "$1" |
		grep -vE "_(free|size|measured)_|part=\"(state|all)\"" | sort
}

measured_again() {
	ask 200 "$debug/metrics" && says "^drydock_repository_tags.*repository=\"app\"} 2$" body
}

test_case 'what each repository takes is measured now and then, as du measures it' '
	mkdir vol && cat >config.yml <<-END && serve_config config.yml &&
		version: 0.1
		storage: {filesystem: {rootdirectory: $PWD/vol}}
		http: {debug: {addr: "127.0.0.1:0"}}
		drydock: {measure-every: 1s}
	END
	push_image app v1 >/dev/null && push_image app v2 other >/dev/null &&
	debug=$(sed -n "s/.*health and metrics are at //p" daemon.err) && wait_until measured_again &&
	cp body of.daemon && run 0 drydock du --root vol -q --metrics of.du && gauges of.daemon >one &&
	gauges of.du >two && [ "$(wc -l <one)" -ge 10 ] && cmp one two >&7 && stop
'

test_case 'each request is a line of the access log, which policies can read' '
	serve vol && digest=$(push_image app v1) && ask 200 -A "agent \"x\"" "$url/app/manifests/v1" &&
	stop && grep "GET /v2/app/manifests/v1 HTTP/1.1\" 200 $(stat -c %s manifest.json)" daemon.out &&
	run 0 drydock policy import-pulls --root vol daemon.out >imported 2>&1 &&
	[ "$(grep -c . daemon.out)" -ge 5 ]
'

test_case 'nothing that is secret, and no control character, gets into the access log' '
	serve vol && ask 200 -H "Authorization: Bearer sesame-1" "$url/?token=sesame-2&n=5" &&
	ask 404 -g --path-as-is "$url/a%0ab%1b[31m/x" && ask 405 -X "$(printf "P\"\033[31m")" "$url/" &&
	ask 404 -A "$(printf "evil\033[31m")" "$url/none/tags/list" &&
	stop && says "GET /v2/[?]…&n=5 " daemon.out && says_not sesame daemon.out && says_not sesame daemon.err &&
	! grep -aq "$(printf "\033")" daemon.out && says "\"P.\\\\x1b\[31m /v2/ HTTP/1.1\" 405 " daemon.out
'

test_case 'the access log can be JSON' '
	config "log: {formatter: json}" && serve_config config.yml && digest=$(push_image app v1) &&
	stop && jq -e -s "map(select(.method == \"PUT\" and .status == 201 and .repository == \"app\" and
		.complete and .received > 0)) | length == 1" daemon.out
'

test_case 'the access log can be in the fields of logstash, which policies can read, too' '
	config "log: {formatter: logstash}" && serve_config config.yml && digest=$(push_image app v1) &&
	ask 200 "$url/app/manifests/v1" && stop && jq -e -s "all(.[\"@version\"] == \"1\" and .level == \"info\" and
		(.[\"@timestamp\"] | fromdate > 0) and (.message | length > 0)) and
		(map(select(.[\"http.request.method\"] == \"PUT\" and .[\"http.response.status\"] == 201)) | length == 1)" daemon.out &&
	run 0 drydock policy import-pulls --root vol daemon.out --json >imported && jq -e ".pulls == 1" imported
'

test_case 'SIGTERM lets finish what is under way, and refuses what is new' '
	serve vol && head -c 20000000 /dev/urandom >big && digest=$(push_file app big) &&
	pull_slowly "$url/app/blobs/$digest" && kill -TERM "$(cat daemon.pid)" && wait "$pulling" &&
	cmp big pulled && finish daemon 0 && ! curl -s "$url/"
'

test_case 'what a push was told is there is there after a SIGKILL' '
	serve vol && digest=$(push_image app v1) && kill_daemon && serve vol &&
	ask 200 "$url/app/manifests/v1" && ask 200 "$url/app/blobs/$(jq -r .config.digest manifest.json)" &&
	run 0 drydock verify --root vol
'

test_case 'a new tag that a SIGKILL left without its history has it after the next start, and no other is looked at' '
	serve vol && old=$(push_image app old) && stop && serve vol && digest=$(push_image app new 2) && tags=$(repository_dir vol app)/_manifests/tags &&
	kill_daemon && rm -r "$tags/old/index" "$tags/new/index" && serve vol && wait_until says "killed, and are whole now: 1\$" daemon.err &&
	[ "$(cat "$tags/new/index/sha256/${digest#*:}/link")" = "$digest" ] && [ ! -e "$tags/old/index" ] && ask 200 "$url/app/manifests/old" &&
	drydock verify --root vol --json >found && jq -es "[.[] | select(.finding == \"history-unlinked\").tag] == [\"old\"]" found && stop &&
	rm -r "$tags/new/index" && serve vol && ask 200 "$url/app/manifests/new" && stop && [ ! -e "$tags/new/index" ]
'

test_case 'what a SIGKILL left half written waits for a start that may mend it, whatever becomes of those before' '
	serve vol && digest=$(push_image app new) && kill_daemon && rm -r "$(repository_dir vol app)/_manifests/tags/new/index" &&
	printf "version: 0.1\nstorage: {filesystem: {rootdirectory: %s}, maintenance: {readonly: {enabled: true}}}\n" "$PWD/vol" >config.yml &&
	serve_config config.yml && kill_daemon && serve_config config.yml && stop && serve vol &&
	wait_until says "killed, and are whole now: 1\$" daemon.err && run 0 drydock verify --root vol && stop && [ ! -s vol/.drydock/owner ]
'

test_case 'a second server of the volume is refused, with the first one named' '
	serve vol && run 3,4 drydockd --root vol --addr 127.0.0.1:0 2>second && says "drydockd, process" second &&
	ask 200 "$url/"
'

test_case 'an address that is taken is told, and the volume is left alone' '
	serve vol && mkdir other && run 3 drydockd --root other --addr "$host" 2>second &&
	says "listen at $host" second && says "another program listens there" second
'

test_case 'drydock gc --apply is carried out by the server, and what was pushed stays' '
	config "drydock: {lease: 100ms}" && serve_config config.yml && digest=$(push_image app v1) &&
	orphan=$(push_text app "nobody points here") && wait_until collected "$orphan" &&
	run 0 drydock gc --root vol --grace 0 --min-free 0 --apply >collected 2>&1 &&
	ask 200 "$url/app/manifests/v1" && ask 200 "$url/app/blobs/$(jq -r .layers[0].digest manifest.json)" &&
	says "has .drydock gc. done" daemon.err
'

test_case 'TLS: a certificate and its key, read again on SIGHUP' '
	certificate one && config "http: {tls: {certificate: cert.pem, key: key.pem}}" &&
	serve_config config.yml && cp cert.pem one.pem &&
	ask 200 --cacert one.pem "https://localhost:${host##*:}/v2/" &&
	ask 202 --cacert one.pem -X POST "https://localhost:${host##*:}/v2/app/blobs/uploads/" &&
	case $(header Location) in https://localhost:*) ;; *) header Location; false ;; esac &&
	certificate two && kill -HUP "$(cat daemon.pid)" && wait_until says reloaded daemon.err &&
	ask 200 --cacert cert.pem "https://localhost:${host##*:}/v2/" &&
	! curl -s --cacert one.pem "https://localhost:${host##*:}/v2/" &&
	fails_with 400 UNSUPPORTED "http://$host/v2/" && says "https://" body && ! curl -s --tls-max 1.1 -k "https://$host/v2/" && stop
'

# client NAME CA: NAME.pem and NAME.key, signed by CA.pem and CA.key; a second CA signs another's.
client() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$2" \
		-keyout "$2.key" -out "$2.pem" 2>openssl.err &&
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
			-keyout "$1.key" -out "$1.csr" 2>openssl.err &&
		printf "extendedKeyUsage=%s" "${3:-clientAuth}" >ext &&
		openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 2 \
			-extfile ext -out "$1.pem" 2>openssl.err
}

# as NAME STATUS CURL-OPTION…: with that client's certificate.
as() {
	ask "$2" -k --cert "$1.pem" --key "$1.key" "${@:3}"
}

test_case 'TLS: only who has a certificate of the authorities named gets anything' '
	certificate one && client good ca && client other other-ca && client wrong ca2 serverAuth &&
	tls() {
		config "http: {tls: {certificate: cert.pem, key: key.pem, clientcas: [ca.pem, ca2.pem]$1}}" &&
		serve_config config.yml && api=https://$host
	} &&
	tls "" && for path in /v2/ /healthz /v2/app/tags/list; do
		ask 403 -k "$api$path" && as other 403 "$api$path" && as wrong 403 "$api$path" || return 1
	done && as good 200 "$api/v2/" && as good 202 -X POST "$api/v2/app/blobs/uploads/" &&
	ask 403 -k -X POST "$api/v2/app/blobs/uploads/" && valid_error DENIED && stop &&
	tls ", clientauth: verify-client-cert-if-given" && ask 200 -k "$api/v2/" && as other 403 "$api/v2/" &&
	as good 200 "$api/v2/" && stop &&
	tls ", clientauth: require-any-client-cert" && ask 403 -k "$api/v2/" && as other 200 "$api/v2/" && stop &&
	tls ", clientauth: request-client-cert" && ask 200 -k "$api/v2/" && as other 200 "$api/v2/" && stop &&
	config "http: {tls: {certificate: cert.pem, key: key.pem, clientcas: [key.pem]}}" &&
	run 2 drydockd --check-config --config config.yml >checked 2>&1 && says "key.pem: no certificate" checked &&
	config "http: {tls: {certificate: cert.pem, key: key.pem, clientcas: [ca.pem], clientauth: maybe}}" &&
	run 2 drydockd --config config.yml --addr 127.0.0.1:0 2>err && says "clientauth.*maybe" err
'

test_case 'TLS: authorities and what is demanded are read again on SIGHUP' '
	certificate one && client good ca && client other other-ca &&
	again() {
		config "http: {tls: {certificate: cert.pem, key: key.pem$1}}" && kill -HUP "$(cat daemon.pid)" &&
		wait_until reloaded "$2"
	} &&
	reloaded() { [ "$(grep -c reloaded daemon.err)" = "$1" ]; } &&
	config "http: {tls: {certificate: cert.pem, key: key.pem, clientcas: [ca.pem]}}" && serve_config config.yml &&
	api=https://$host && as good 200 "$api/v2/" && as other 403 "$api/v2/" && cp other-ca.pem ca.pem &&
	again ", clientcas: [ca.pem]" 1 && as good 403 "$api/v2/" && as other 200 "$api/v2/" &&
	again ", clientcas: [ca.pem], clientauth: verify-client-cert-if-given" 2 && ask 200 -k "$api/v2/" && as good 403 "$api/v2/" &&
	openssl s_client -connect "$host" </dev/null >names 2>openssl.err && says "CN *= *other-ca" names && says_not "CN *= *ca\$" names &&
	ask 200 -k --tls-max 1.2 "$api/v2/" && again ", minimumtls: tls1.3" 3 && as good 200 "$api/v2/" && ask 200 -k "$api/v2/" &&
	! curl -s -k --tls-max 1.2 "$api/v2/" && says_not "restart" daemon.err
'

test_case 'a key that is not the certificate'"'"'s is told at the start' '
	certificate one && mv cert.pem one.pem && certificate two &&
	config "http: {tls: {certificate: one.pem, key: key.pem}}" &&
	run 2 drydockd --config config.yml --addr 127.0.0.1:0 2>err && says "not the key" err &&
	config "http: {tls: {certificate: none.pem, key: key.pem}}" &&
	run 2,3 drydockd --config config.yml --addr 127.0.0.1:0 2>err && says none.pem err
'

test_case 'a volume that it cannot write to is served, and how to hand it over is said' '
	need_root && serve vol && digest=$(push_image app v1) && stop && chown -R 0:0 vol &&
	chmod -R go-w vol && mkdir -m 777 "$PWD/cache2" && nobody_binary && cp "$DRYDOCKD" "$work/nobody/drydockd" &&
	DRYDOCK_CACHE=$PWD/cache2 start daemon as_nobody drydockd --root vol --addr 127.0.0.1:0 &&
	served_at daemon && says "chown -R 65534:65534 $PWD/vol" daemon.err &&
	ask 503 "http://$host/readyz" && ask 200 "http://$host/healthz" &&
	ask 200 "$url/app/manifests/v1" && fails_with 503 UNAVAILABLE -X POST "$url/app/blobs/uploads/" &&
	chown -R 65534:65534 vol && wait_until ready && digest=$(push_image app v2 more) && stop
'

test_case 'systemd may open the socket, and is told when it is ready' '
	make_volume vol && cat >activate.py <<-\END &&
	import os, socket, sys
	listening = socket.create_server(("127.0.0.1", 0))
	told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	told.bind("notify")
	told.settimeout(30)
	os.dup2(listening.fileno(), 3)
	os.set_inheritable(3, True)
	child = os.fork()
	if child == 0:
	    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=os.path.abspath("notify"))
	    os.execvp("drydockd", ["drydockd", "--root", "vol"])
	if b"READY=1" not in told.recv(4096):
	    sys.exit("not told")
	import urllib.request
	port = listening.getsockname()[1]
	listening.close()
	if urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/").status != 200:
	    sys.exit("not served")
	os.kill(child, 1)
	if b"RELOADING=1" not in told.recv(4096) or b"READY=1" not in told.recv(4096):
	    sys.exit("reload not told")
	os.kill(child, 15)
	if b"STOPPING=1" not in told.recv(4096):
	    sys.exit("end not told")
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
	END
	run 0 /usr/bin/python3 activate.py
'

test_case 'a socket of the file system is listened at' '
	config "http: {net: unix, addr: $PWD/socket}" &&
	RUN_LIMIT=300 start daemon drydockd --config config.yml && wait_until test -S socket &&
	wait_until curl -sf --unix-socket socket -o body http://registry/v2/ &&
	stop && start daemon drydockd --config config.yml &&
	wait_until curl -sf --unix-socket socket -o body http://registry/v2/ && stop
'

test_case 'pulls are remembered in the volume, so that policies know of them' '
	serve vol && digest=$(push_image app v1) && ask 200 "$url/app/manifests/v1" && stop &&
	grep -a "pull.* app .*v1" vol/.drydock/records
'

test_case 'uploads that nobody goes on with are purged' '
	config "  maintenance: {uploadpurging: {enabled: true, age: 1h, interval: 1s}}" &&
	put_upload vol app 6f1c1b1e-3a4b-4c5d-8e9f-0a1b2c3d4e5f half &&
	find vol -path "*_uploads*" -exec touch -d "3 hours ago" {} + &&
	serve_config config.yml && wait_until says "purged 1 upload" daemon.err &&
	[ -z "$(find vol/docker -path "*_uploads*" -name data)" ]
'

test_case 'all blobs are read in the background where that is wanted, and what is damaged is said' '
	make_volume vol && good=$(put_layer vol app good) && bad=$(put_layer vol app bad-bytes) &&
	flip_blob vol "$bad" && serve vol --verify-all &&
	wait_until says "all 2 blobs .* are verified, 1 are not whole" daemon.err && says "$bad" daemon.err
'

done_testing
