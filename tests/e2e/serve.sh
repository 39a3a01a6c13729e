# shellcheck shell=bash
# The daemon: starting and stopping it, and asking it things. A test file sources
# this after lib.sh.

DRYDOCKD=${DRYDOCKD:-$(dirname "$DRYDOCK")/drydockd}
case $DRYDOCKD in /*) ;; *) DRYDOCKD=$PWD/$DRYDOCKD ;; esac
[ -x "$DRYDOCKD" ] || skip "there is no $DRYDOCKD"
ln -sf "$DRYDOCKD" "$work/bin/drydockd"
# shellcheck source=tests/e2e/real/registry.sh
. "$e2e/real/registry.sh"

# serve VOL [OPTION…]: in the background, at a port of its own; "host" is where, "url" its API.
serve() {
	local name=${serve_name:-daemon}
	on_exit "gone '$PWD/$name'"
	mkdir -p "$1" && RUN_LIMIT=${RUN_LIMIT:-300} start "$name" drydockd --root "$1" \
		--addr 127.0.0.1:0 "${@:2}" && served_at "$name"
}

# serve_config FILE [OPTION…]: the volume is what the file says.
serve_config() {
	local name=${serve_name:-daemon}
	on_exit "gone '$PWD/$name'"
	RUN_LIMIT=${RUN_LIMIT:-300} start "$name" drydockd --config "$1" --addr 127.0.0.1:0 \
		"${@:2}" && served_at "$name"
}

# What was killed may still write for a moment.
gone() {
	[ ! -e "$1.pid" ] || wait_until test -e "$1.status"
}

served_at() {
	wait_until serving_or_died "$1" || return
	host=$(sed -n 's/.*: serving .* at //p' "$1.err" | head -n 1)
	if [ -z "$host" ]; then
		say "drydockd does not start:"
		tail -n 5 "$1.err" >&7
		return 1
	fi
	url=http://$host/v2
}

serving_or_died() {
	grep -aq ': serving .* at ' "$1.err" || test -e "$1.status"
}

# stop [NAME]: asks it to end, which it does with status 0.
stop() {
	local name=${1:-daemon}
	kill -TERM "$(cat "$name.pid")" && finish "$name" 0
}

kill_daemon() {
	local name=${1:-daemon}
	kill -KILL -- "-$(cat "$name.pid")" && wait_until test -e "$name.status"
}

# ask STATUS CURL-OPTION…: exactly this status; headers in "head", the body in "body".
ask() {
	local got
	got=$(curl -sS -o body -D head -w '%{http_code}' "${@:2}" 2>curl.err) || {
		say "curl ${*:2}: $(cat curl.err)"
		return 1
	}
	tr -d '\r' <./head >head.plain && mv head.plain head
	[ "$got" = "$1" ] && return
	say "wanted $1, got $got: ${*:2}"
	cat head body >&7
	return 1
}

# header NAME: the last reply's, as it came.
header() {
	sed -n "s/^$1: //Ip" head
}

# fails_with STATUS CODE CURL-OPTION…: with the specification's body.
fails_with() {
	ask "$1" "${@:3}" && valid_error "$2"
}

valid_error() {
	jq -e --arg code "$1" '.errors | length == 1 and .[0].code == $code and
		(.[0].message | type == "string")' body >/dev/null && return
	say "no error $1:"
	cat body >&7
	return 1
}

# new_upload REPO: sets "location".
new_upload() {
	ask 202 -X POST "$url/$1/blobs/uploads/" && location=$(header Location) &&
		[ -n "$location" ]
}

# raw TEXT: sends these bytes as they are (printf's escapes), and prints what comes back.
raw() {
	# Who is refused in the middle of it is not ended by the signal, and may read the answer.
	# shellcheck disable=SC2059 # it is a format
	exec 5<>"/dev/tcp/${host%:*}/${host##*:}" && { (printf "$1" >&5) 2>/dev/null || :; } && timeout 10 cat <&5
	exec 5<&- 5>&-
}

# push_file REPO FILE: prints its digest.
push_file() {
	local digest
	digest=sha256:$(sha256sum <"$2" | cut -d ' ' -f 1) &&
		ask 201 -X POST --data-binary "@$2" "$url/$1/blobs/uploads/?digest=$digest" &&
		echo "$digest"
}

# push_text REPO TEXT
push_text() {
	printf '%s' "$2" >pushed && push_file "$1" pushed
}

# push_image REPO TAG [TEXT]: a config and a layer; prints the manifest's digest.
push_image() {
	local config layer json
	config=$(push_text "$1" "{\"os\":\"linux\",\"text\":\"${3-}\"}") &&
		layer=$(push_text "$1" "layer of ${3:-$1:$2}") || return
	json=$(printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}' \
		"$type_image" \
		"{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"$config\",\"size\":$(blob_bytes "$1" "$config")}" \
		"{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"$layer\",\"size\":$(blob_bytes "$1" "$layer")}") &&
		printf '%s' "$json" >manifest.json &&
		ask 201 -X PUT -H "Content-Type: $type_image" --data-binary @manifest.json \
			"$url/$1/manifests/$2" && header Docker-Content-Digest
}

blob_bytes() {
	curl -sSI "$url/$1/blobs/$2" | tr -d '\r' | sed -n 's/^Content-Length: //p'
}
