#!/bin/bash
# drydockd: notifications: who is told of what, and what becomes of it when nobody listens.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"

need_command curl jq

cat >"$work/receiver.py" <<'END'
# usage: receiver.py PORT FILE: each event that is posted becomes a line of FILE, its request's headers one
# of FILE.heads; answers with the status that FILE.status says, or 200.
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, format, *args):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = 200
        if os.path.exists(sys.argv[2] + ".status"):
            status = int(open(sys.argv[2] + ".status").read())
        with open(sys.argv[2] + (".refused" if status != 200 else ""), "a") as out:
            for event in body["events"]:
                out.write(json.dumps(event) + "\n")
        with open(sys.argv[2] + ".heads", "a") as out:
            out.write(json.dumps({"path": self.path, **dict(self.headers)}) + "\n")
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print("at", server.server_address[1], flush=True)
server.serve_forever()
END

# receive NAME [PORT]: its events go to NAME.events; "port" is where it listens.
receive() {
	touch "$1.events" && RUN_LIMIT=300 start "$1" /usr/bin/python3 "$work/receiver.py" "${2:-0}" \
		"$PWD/$1.events" && wait_until grep -q '^at ' "$1.out" && port=$(sed -n 's/^at //p' "$1.out")
}

# tells ENDPOINT…: a daemon with these endpoints, in YAML.
tells() {
	mkdir -p vol && {
		cat <<-END
			version: 0.1
			storage: {filesystem: {rootdirectory: $PWD/vol}, delete: {enabled: true}}
			http: {addr: 127.0.0.1:0}
			notifications:
			  endpoints:
		END
		printf '  - %s\n' "$@"
	} >config.yml && serve_config config.yml
}

told() { # NAME COUNT
	[ "$(wc -l <"$1.events")" -ge "$2" ]
}

# event NAME JQ-FILTER: what of the first event that the filter selects is written.
event() {
	jq -r "$2" "$1.events"
}

test_case 'pushes, pulls, mounts and deletions are told, with what, by whom and where' '
	receive hook && tells "{name: hook, url: \"http://127.0.0.1:$port/in\", timeout: 10s, threshold: 5, backoff: 1s}" &&
	digest=$(push_image app v1) && wait_until told hook 3 &&
	config=$(jq -r .config.digest manifest.json) &&
	[ "$(event hook "select(.target.tag == \"v1\") | [.action, .target.repository, .target.digest,
		.target.mediaType, .target.size, .target.length, .target.url, .request.method] | @csv")" = \
		"\"push\",\"app\",\"$digest\",\"$type_image\",$(stat -c %s manifest.json),$(stat -c %s manifest.json),\"$url/app/manifests/$digest\",\"PUT\"" ] &&
	event hook "select(.target.digest == \"$config\") | .action + \" \" + .target.url" |
		grep -qx "push $url/app/blobs/$config" &&
	ask 201 -X POST "$url/other/blobs/uploads/?mount=$config&from=app" && wait_until told hook 4 &&
	[ "$(event hook "select(.action == \"mount\") | [.target.repository, .target.fromRepository, .target.size] | @csv")" = "\"other\",\"app\",$(($(stat -c %s "$(blob_data vol "$config")")))" ] &&
	ask 200 -A "the-agent/1" "$url/app/manifests/v1" && wait_until told hook 5 &&
	[ "$(event hook "select(.action == \"pull\") | [.target.digest, .target.tag, .request.useragent, .request.host] | @csv")" = \
		"\"$digest\",\"v1\",\"the-agent/1\",\"$host\"" ] &&
	ask 202 -X DELETE "$url/app/manifests/v1" && wait_until told hook 6 &&
	[ "$(event hook "select(.action == \"delete\") | [.target.repository, .target.tag] | @csv")" = "\"app\",\"v1\"" ] &&
	[ "$(jq -s "map(.id) | unique | length" hook.events)" = "$(wc -l <hook.events)" ] &&
	[ "$(jq -s "map(.source.instanceID) | unique | length" hook.events)" = 1 ] &&
	[ "$(jq -r .path hook.events.heads | sort -u)" = /in ] &&
	[ "$(jq -r ".\"Content-Type\"" hook.events.heads | sort -u)" = application/vnd.docker.distribution.events.v1+json ]
'

test_case 'the headers of the configuration are sent, and are in no log' '
	receive hook && tells "{name: hook, url: \"http://127.0.0.1:$port/\", headers: {Authorization: [Bearer much-too-secret]}}" &&
	push_text app hello && wait_until told hook 1 && stop &&
	[ "$(jq -r .Authorization hook.events.heads)" = "Bearer much-too-secret" ] &&
	says_not much-too-secret daemon.err && says_not much-too-secret daemon.out
'

test_case 'who is told can be said by the environment alone' '
	receive hook && mkdir vol && export REGISTRY_NOTIFICATIONS_ENDPOINTS_0_NAME=hook &&
	REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL=http://127.0.0.1:$port/in \
		REGISTRY_NOTIFICATIONS_ENDPOINTS_0_HEADERS="{X-Who: [drydockd]}" serve vol &&
	push_text app hello && wait_until told hook 1 && [ "$(jq -r ".\"X-Who\"" hook.events.heads)" = drydockd ]
'

test_case 'an endpoint that is not there holds up nobody, and is told when it is back' '
	receive hook && tells "{name: hook, url: \"http://127.0.0.1:$port/\", threshold: 2, backoff: 100ms}" &&
	kill -KILL "$(cat hook.pid)" && wait_until test -e hook.status &&
	for i in 1 2 3; do push_text app "$i" >>pushed_digests || return 1; done &&
	wait_until grep -q "hook: takes no events" daemon.err && receive hook "$port" &&
	wait_until told hook 3 && event hook .target.digest | cmp - pushed_digests
'

more_tried() {
	[ "$(wc -l <hook.events.refused)" -gt $((tried + 1)) ]
}

test_case 'an endpoint that fails is asked again, and one that redirects is not followed' '
	receive hook && echo 503 >hook.events.status && tells "{name: hook, url: \"http://127.0.0.1:$port/\", threshold: 1, backoff: 50ms}" &&
	push_text app hello && wait_until test -s hook.events.refused && echo 302 >hook.events.status &&
	wait_until grep -q "hook: takes no events" daemon.err && tried=$(wc -l <hook.events.refused) &&
	wait_until more_tried && rm hook.events.status && wait_until told hook 1 && wait_until grep -q "takes events again" daemon.err
'

test_case 'what is ignored is not told, each endpoint by itself, and a disabled one nothing' '
	receive all && all=$port && receive some && some=$port && receive none &&
	tells "{name: all, url: \"http://127.0.0.1:$all/\"}" \
		"{name: some, url: \"http://127.0.0.1:$some/\", ignore: {mediatypes: [application/octet-stream], actions: [pull]}}" \
		"{name: none, disabled: true, url: \"http://127.0.0.1:$port/\"}" &&
	push_image app v1 && ask 200 "$url/app/manifests/v1" && wait_until told all 4 && wait_until told some 1 && stop &&
	[ "$(event some "[.action, .target.tag] | @csv")" = "\"push\",\"v1\"" ] && [ ! -s none.events ]
'

test_case 'what is in the queue is told before the daemon ends' '
	receive hook && tells "{name: hook, url: \"http://127.0.0.1:$port/\"}" &&
	for i in 1 2 3 4 5 6 7 8 9 10; do push_text app "$i" >>pushed_digests || return 1; done && stop &&
	event hook .target.digest | cmp - pushed_digests
'

metric_is() { # NAME ENDPOINT VALUE
	curl -sS "http://$debug/metrics" | grep -q "^drydock_notifications_$1{.*endpoint=\"$2\"} $3\$"
}

some_failed() {
	curl -sS "http://$debug/metrics" | grep "^drydock_notifications_failed_total{.*endpoint=\"$1\"}" | grep -qv " 0$"
}

test_case 'how things stand is among the metrics' '
	receive hook && debug=127.0.0.1:$(free_port) &&
	tells "{name: hook, url: \"http://127.0.0.1:$port/\"}" "{name: away, url: \"http://127.0.0.1:1/\"}" >/dev/null &&
	stop && sed -i "s,^http: .*,http: {addr: \"127.0.0.1:0\"\, debug: {addr: \"$debug\"\, prometheus: {enabled: true}}}," config.yml &&
	serve_config config.yml && push_text app hello && wait_until told hook 1 &&
	wait_until metric_is told_total hook 1 && metric_is queued hook 0 && metric_is queued away 1 &&
	metric_is dropped_total away 0 && wait_until some_failed away
'

test_case 'a blob that is not what it says is told of' '
	receive hook && tells "{name: hook, url: \"http://127.0.0.1:$port/\"}" && digest=$(push_text app hello) &&
	wait_until told hook 1 && stop && printf jello >"$(blob_data vol "$digest")" && serve_config config.yml &&
	fails_with 404 BLOB_UNKNOWN "$url/app/blobs/$digest" && stop &&
	[ "$(event hook "select(.action == \"corrupt\") | .target.digest")" = "$digest" ]
'

test_case 'what is no endpoint is refused at start' '
	for wrong in "{name: hook}" "{name: hook, url: \"ftp://127.0.0.1/\"}" "{url: \"http://127.0.0.1/\"}"; do
		mkdir -p vol && printf "version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: \"127.0.0.1:0\"}\nnotifications: {endpoints: [%s]}\n" \
			"$PWD/vol" "$wrong" >config.yml && run 2 drydockd --config config.yml 2>err && says "notifications.endpoints" err || return 1
	done
'

done_testing
