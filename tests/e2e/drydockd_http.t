#!/bin/bash
# drydockd: what comes over the wire and is no honest request: paths, headers, clients that are slow or gone.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"

need_command curl jq openssl

certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=localhost" \
		-keyout key.pem -out cert.pem 2>openssl.err
}

# Every file that is there, so that nothing appears where it should not.
files() {
	find . -path ./cache -prune -o -type f -print | grep -v -e '^./daemon' -e body -e head -e curl.err | sort
}

test_case 'paths that would climb or cheat lead nowhere, and nothing is made' '
	make_volume vol && serve vol && before=$(files) &&
	for path in ../../etc/passwd a/../../manifests/x ..%2f..%2fetc/manifests/x a%2fb/manifests/x \
		a%00b/manifests/x %2e%2e/manifests/x a/./manifests/x //manifests/x a//b/manifests/x \
		_layers/manifests/x a/_uploads/manifests/x a/manifests/%2e%2e A/manifests/x \
		a/manifests/.. a/blobs/.. a/blobs/uploads/.. a/blobs/uploads/%2e%2e/x \
		"a/manifests/$(printf %0200d 0)" "$(printf %0300d 0)/manifests/x" a/manifests/x%; do
		for method in GET HEAD PUT PATCH POST DELETE; do
			got=$(curl -s --path-as-is --max-time 10 -o body -w "%{http_code}" $([ $method != HEAD ] || echo -I) \
				-X $method "$url/$path") &&
			case $got in 400 | 404 | 405) ;; *) say "$method $path: $got"; return 1 ;; esac
		done
	done && [ "$before" = "$(files)" ]
'

test_case 'what is no path of the API is not found, in the words of the specification' '
	serve vol && for path in x v2 v1/ v3/ index.html; do
		[ "$path" = v2 ] || fails_with 404 NAME_UNKNOWN "http://$host/$path" || return 1
	done && ask 200 "http://$host/v2" && ask 200 "$url/" && [ "$(cat body)" = "{}" ]
'

test_case 'a symbolic link is not followed: there is nothing for who reads, and a word for who writes' '
	serve vol && digest=$(push_image app v1) && layer=$(push_text app outside) && stop &&
	tags=$(repository_dir vol app)/_manifests/tags && file=$(blob_data vol "$layer") && mv "$file" outside &&
	ln -s "$PWD/outside" "$file" && mv "$tags/v1/current/link" link && ln -s "$PWD/link" "$tags/v1/current/link" &&
	serve vol && fails_with 404 BLOB_UNKNOWN "$url/app/blobs/$layer" && ask 404 -I "$url/app/blobs/$layer" &&
	fails_with 404 MANIFEST_UNKNOWN "$url/app/manifests/v1" && says "link is in the way" daemon.err &&
	fails_with 500 UNKNOWN -X POST --data-binary outside "$url/app/blobs/uploads/?digest=$layer" &&
	says "symbolic link" body && [ -L "$file" ] && [ "$(cat outside)" = outside ] && ask 200 "$url/app/manifests/$digest"
'

test_case 'a method that a path does not have is refused, with those that it has' '
	serve vol && fails_with 405 UNSUPPORTED -X PUT "$url/" && [ "$(header Allow)" = "GET, HEAD" ] &&
	fails_with 405 UNSUPPORTED -X PATCH "$url/a/manifests/x" &&
	[ "$(header Allow)" = "GET, HEAD, PUT, DELETE" ] &&
	fails_with 405 UNSUPPORTED -X TRACE "$url/a/tags/list"
'

test_case 'a browser that asks beforehand is told what it may, and gets the headers that are configured' '
	printf "version: 0.1\nstorage: {filesystem: {rootdirectory: $PWD/vol}}\n" >config.yml && mkdir vol &&
	echo "http: {headers: {Access-Control-Allow-Origin: [\"https://ui.example\"]}}" >>config.yml && serve_config config.yml &&
	ask 200 -X OPTIONS -H "Origin: https://ui.example" -H "Access-Control-Request-Method: DELETE" "$url/a/manifests/x" &&
	[ "$(header Allow)" = "GET, HEAD, PUT, DELETE" ] && [ "$(header Access-Control-Allow-Origin)" = https://ui.example ] &&
	[ ! -s body ] && ask 200 -X OPTIONS "$url/" && ask 404 -X OPTIONS "http://$host/elsewhere"
'

test_case 'requests that are none are refused, and the server goes on' '
	serve vol && for text in "GARBAGE\r\n\r\n" "GET\r\n\r\n" "\r\n\r\n\r\n" "GET /v2/ HTTP/9.9\r\n\r\n" \
		"\001\002\003\004\r\n\r\n" "GET /v2/ HTTP/1.1\r\nHost\r\n\r\n"; do
		raw "$text" >answer || true
	done && ask 200 "$url/"
'

test_case 'a request whose end is not clear is refused, and nothing that follows is taken for another' '
	serve vol && /usr/bin/python3 - "$host" <<-\END && ask 200 "$url/" && says_not hidden daemon.out &&
	import socket, sys
	host, port = sys.argv[1].rsplit(":", 1)
	OLD = b"1.0 "
	rest = b"0\r\n\r\nGET /v2/hidden/tags/list HTTP/1.1\r\nHost: x\r\n\r\n"
	for head in (b"Content-Length: 0\r\nContent-Length: 57", b"Content-Length: 57\r\nContent-Length: 0",
	             b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: identity",
	             b"Transfer-Encoding: chunked\r\nContent-Length: 5", b"Transfer-Encoding: gzip, chunked",
	             b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
	             b"Transfer-Encoding : chunked\r\nContent-Length: 5",
	             b"Transfer-Encoding : chunked", b"Content-Length : 5", b"Content-Length\t: 5",
	             b"Transfer-Encoding: chun\r\n ked", b"Transfer-Encoding: chunked\r\n x", b"Content-Length: 5\r\n 7",
	             b"Content-Length: 5\r\n\t7\r\nX: y", OLD + b"Connection: keep-alive\r\nTransfer-Encoding: chunked"):
	    s = socket.create_connection((host, int(port)), timeout=60)
	    line = b"POST /v2/a/blobs/uploads/ HTTP/1." + (b"0" if head.startswith(OLD) else b"1") + b"\r\nHost: x\r\n"
	    s.sendall(line + head.removeprefix(OLD) + b"\r\n\r\n" + rest)
	    data = b""
	    while True:
	        part = s.recv(65536)
	        if not part:
	            break
	        data += part
	    # Newer versions of libmicrohttpd refuse some of them themselves.
	    said = b"request ends" in data or b"<html>" in data
	    if data.count(b"HTTP/1.1") != 1 or not data.startswith(b"HTTP/1.1 400") or not said:
	        sys.exit(f"{head}: {data}")
	END
	[ ! -e vol/docker/registry/v2/repositories/a ]
'

test_case 'what continues a header makes no other of it, behind which a request would be taken for a body' '
	serve vol && /usr/bin/python3 - "$host" <<-\END
	import socket, sys
	host, port = sys.argv[1].rsplit(":", 1)
	next = b"GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for head in (b"Content-: %d\r\n Length" % len(next), b"Transfer: chunked\r\n -Encoding"):
	    s = socket.create_connection((host, int(port)), timeout=60)
	    s.sendall(b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n" + next)
	    data = b"".join(iter(lambda: s.recv(65536), b""))
	    # Refused, or a header of no meaning, as which newer versions of libmicrohttpd have it.
	    if not (data.startswith(b"HTTP/1.1 400") or (data.startswith(b"HTTP/1.1 202") and b"HTTP/1.1 200" in data)):
	        sys.exit(f"{head}: {data}")
	END
'

# libmicrohttpd 1.0 closes on a NUL without a word, and sends who puts space too much to where it would be escaped.
refused_or_closed() {
	[ ! -s answer ] || { head -n 1 answer >first && says "^HTTP/1.1 400 |^HTTP/1.1 301 " first && says_not "200 OK" answer; }
}

test_case 'a first line with a NUL in it is refused, and not taken for what is before that' '
	serve vol && image=$(push_image app v1) && for line in "GET /v2/app/manifests/v1\000 HTTP/1.1" "GET /v2/\000/app/tags/list HTTP/1.1" \
		"GET\000 /v2/ HTTP/1.1" "G\000ET /v2/ HTTP/1.1" "GET /v2/app/tags/list?n=1\000 HTTP/1.1" "GET /v2/ HTTP/1.1\000" "GET  /v2/ HTTP/1.1"; do
		raw "$line\r\nHost: x\r\n\r\n" >answer || true
		refused_or_closed || return 1
	done && raw "GET /v2/app/manifests/v1?ns=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" >answer && says "^HTTP/1.1 200 " answer &&
	raw "GET http://x/v2/ HTTP/1.0\r\n\r\n" >answer && says "^HTTP/1.[01] 200 " answer
'

test_case 'a target that is absolute is understood as its path, and its host is the one that counts' '
	serve vol && for target in "HTTP://reg.example/v2/" "http://reg.example/v2" "hTTps://reg.example/v2/" \
		"http://reg.example" "http://reg.example?a"; do
		ask 200 --request-target "$target" "http://$host/" || return 1
	done && ask 202 -X POST --request-target "http://reg.example:99/v2/app/blobs/uploads/" "http://$host/" &&
	case $(header Location) in http://reg.example:99/v2/app/blobs/uploads/*) ;; *) header Location; false ;; esac &&
	ask 404 --request-target "http:///v2/" "http://$host/"
'

# What libmicrohttpd 1.0 refuses by itself it closes on, with bytes unread: a reset may overtake the reply.
refused_or_reset() {
	[ ! -s answer ] || { says "HTTP/1.1 400" answer && says "UNSUPPORTED|<html>" answer; }
}

test_case 'a carriage return in a header, two hosts or none are refused' '
	serve vol && for headers in "Host: a\r\nX: a\rY: b" "Host: a\r\nX: a\r" "Host: a\r\nX\rY: b" "Host: a\r\nHost: a" "X: 1"; do
		raw "GET /v2/ HTTP/1.1\r\n$headers\r\nConnection: close\r\n\r\n" >answer || true
		refused_or_reset || return 1
	done && raw "GET /v2/ HTTP/1.0\r\n\r\n" >answer && says "200 OK" answer
'

test_case 'headers without end are refused' '
	serve vol && /usr/bin/python3 - "$host" <<-\END && ask 200 "$url/"
	import socket, sys
	host, port = sys.argv[1].rsplit(":", 1)
	for text in (b"X-Much: " + b"0" * 60000, b"X-Many: 1\r\n" * 20000, b"X" * 60000):
	    s = socket.create_connection((host, int(port)), timeout=20)
	    data = b""
	    try:
	        s.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n" + text + b"\r\n\r\n")
	        data = s.recv(65536)
	    except (BrokenPipeError, ConnectionResetError):
	        pass
	    if data and data.split()[1] not in (b"400", b"413", b"431", b"500"):
	        sys.exit(f"{text[:20]}: {data[:100]}")
	END
'

test_case 'a client that sends half a request and goes leaves nothing behind' '
	serve vol && for i in 1 2 3 4 5 6 7 8; do
		exec 5<>"/dev/tcp/${host%:*}/${host##*:}" &&
		printf "POST /v2/app/blobs/uploads/?digest=sha256:%064d HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" 0 >&5 &&
		head -c 2000000 /dev/zero >&5 && exec 5<&- 5>&- || return 1
	done && ask 200 "$url/" && stop
'

test_case 'a client that pulls and goes in the middle disturbs nobody' '
	serve vol && head -c 20000000 /dev/zero >big && digest=$(push_file app big) &&
	for i in 1 2 3 4 5 6 7 8; do
		curl -s "$url/app/blobs/$digest" | head -c 100000 >part || return 1
	done && ask 200 "$url/app/blobs/$digest" && cmp big body && stop
'

test_case 'a client that has closed its side still gets its reply' '
	serve vol && digest=$(push_text app hello) &&
	/usr/bin/python3 - "$host" "$digest" <<-\END
	import socket, sys
	host, port = sys.argv[1].rsplit(":", 1)
	s = socket.create_connection((host, int(port)), timeout=10)
	s.sendall(f"GET /v2/app/blobs/{sys.argv[2]} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
	s.shutdown(socket.SHUT_WR)
	data = b""
	while True:
	    part = s.recv(65536)
	    if not part:
	        break
	    data += part
	sys.exit(0 if data.endswith(b"hello") else 1)
	END
'

test_case 'a connection whose client has closed its side ends with its reply' '
	serve vol && /usr/bin/python3 - "$host" <<-\END
	import socket, sys
	host, port = sys.argv[1].rsplit(":", 1)
	clients = []
	for i in range(200):
	    s = socket.create_connection((host, int(port)), timeout=60)
	    s.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
	    s.shutdown(socket.SHUT_WR)
	    clients.append(s)
	for s in clients:
	    data = b""
	    while True:
	        part = s.recv(65536)
	        if not part:
	            break
	        data += part
	    if not data.endswith(b"{}"):
	        sys.exit(f"no reply: {data[:100]}")
	END
'

test_case 'requests that come one behind the other in one connection are all answered, in order' '
	serve vol && digest=$(push_text app hello) &&
	/usr/bin/python3 - "$host" "$digest" <<-\END
	import re, socket, sys
	host, port = sys.argv[1].rsplit(":", 1)
	s = socket.create_connection((host, int(port)), timeout=20)
	blob = f"/v2/app/blobs/{sys.argv[2]}"
	want = []
	for i in range(50):
	    path = [blob, "/v2/", "/v2/app/manifests/none"][i % 3]
	    last = "Connection: close\r\n" if i == 49 else ""
	    s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{last}\r\n".encode())
	    want.append([b"200", b"200", b"404"][i % 3])
	data = b""
	while True:
	    part = s.recv(65536)
	    if not part:
	        break
	    data += part
	got = re.findall(rb"HTTP/1.1 (\d+) ", data)
	sys.exit(0 if got == want else f"{got}")
	END
'

test_case 'a refusal reaches the client that sends its bytes without asking first' '
	serve vol && head -c 100000 /dev/zero >small && head -c 30000000 /dev/zero >big &&
	for file in small big; do
		fails_with 404 BLOB_UPLOAD_UNKNOWN -X PATCH -H Expect: -T $file \
			"$url/app/blobs/uploads/6f1c1b1e-3a4b-4c5d-8e9f-0a1b2c3d4e5f" || return 1
	done && fails_with 404 BLOB_UPLOAD_UNKNOWN -X PATCH -H "Expect: 100-continue" -T big \
		"$url/app/blobs/uploads/6f1c1b1e-3a4b-4c5d-8e9f-0a1b2c3d4e5f"
'

test_case 'a client whose bytes are not wanted gets its reply in the middle of them, and is cut off' '
	serve vol && /usr/bin/python3 - "$host" <<-\END && says "PATCH /v2/app/.* 404 " daemon.out
	import socket, sys, threading
	host, port = sys.argv[1].rsplit(":", 1)
	upload = b"/v2/app/blobs/uploads/6f1c1b1e-3a4b-4c5d-8e9f-0a1b2c3d4e5f"
	chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
	failures = []
	def push(framing):
	    s = socket.create_connection((host, int(port)), timeout=60)
	    s.sendall(b"PATCH " + upload + b" HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n")
	    sent = 0
	    try:
	        s.recv(1, socket.MSG_PEEK)
	        while sent < 1 << 28:
	            s.sendall(chunk)
	            sent += len(chunk)
	        failures.append(f"{framing}: {sent} bytes were taken")
	    except OSError:
	        pass
	    reply = s.recv(65536)
	    if not reply.startswith(b"HTTP/1.1 404"):
	        failures.append(f"{framing}: {sent} {reply}")
	both = [threading.Thread(target=push, args=[framing])
	        for framing in (b"Transfer-Encoding: chunked", b"Content-Length: 2000000000")]
	for thread in both:
	    thread.start()
	for thread in both:
	    thread.join()
	sys.exit("; ".join(failures) or 0)
	END
'

test_case 'a chunked push for which the room runs out is told so before it has sent all' '
	config() {
		printf "version: 0.1\nstorage: {filesystem: {rootdirectory: $PWD/vol}}\ndrydock: {keep-free: $1}\n" >config.yml
	} &&
	config 1 && make_volume vol && serve_config config.yml && new_upload app && {
		head -c 3000000 /dev/zero && config 1000000G && kill -HUP "$(cat daemon.pid)" &&
		wait_until says reloaded daemon.err && head -c 1000000000 /dev/zero
	} | fails_with 507 UNAVAILABLE -X PATCH -H Expect: -T - "$location" && says keep-free body &&
	[ "$(header Connection)" = close ] && [ -n "$(header Date)" ] && ask 204 "$location" &&
	range=$(header Range) && [ "${range#0-}" -lt 100000000 ]
'

test_case 'a manifest beyond all measure is refused' '
	printf "version: 0.1\nstorage: {filesystem: {rootdirectory: $PWD/vol}}\nhttp: {tls: {certificate: cert.pem, key: key.pem}}\n" >config.yml &&
	serve vol && truncate -s 17M big && truncate -s 64M huge && ask 413 -X PUT --data-binary @big "$url/app/manifests/v1" && valid_error MANIFEST_INVALID &&
	ask 413 -X PUT -H "Transfer-Encoding: chunked" --data-binary @big "$url/app/manifests/v1" &&
	ask 200 "$url/" && stop && certificate && serve_config config.yml &&
	ask 413 -k -X PUT -H "Transfer-Encoding: chunked" --data-binary @huge "https://$host/v2/app/manifests/v1" &&
	valid_error MANIFEST_INVALID && [ "$(header Connection)" = close ]
'

# memory PID: kilobytes of its own.
memory() {
	sed -n "s/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$1/status"
}

descriptors() {
	find "/proc/$1/fd" -mindepth 1 | wc -l
}

# purging_after AGE
purging_after() {
	cat >config.yml <<-END
		version: 0.1
		storage:
		  filesystem: {rootdirectory: $PWD/vol}
		  maintenance: {uploadpurging: {age: $1, interval: 1s}}
		drydock: {uploads-per-client: 0}
	END
}

test_case 'ten thousand uploads that are begun and left are no trouble, and go in time' '
	make_volume vol && purging_after 1h && serve_config config.yml && ask 200 "$url/" && pid=$(cat daemon.pid) &&
	few=$(descriptors "$pid") && mkfifo word && { /usr/bin/python3 "$e2e/leave.py" "$host" <word >target 2>leave.err & client=$!; } &&
	exec 5>word && wait_until test -s target && ask 200 "$url/" && most=$(memory "$pid") && echo >&5 && exec 5>&- && wait "$client" &&
	fails_with 429 TOOMANYREQUESTS -X POST "$url/app/blobs/uploads/" && ask 200 "$url/" &&
	as_before() { [ "$(descriptors "$pid")" -le "$few" ]; } && wait_until as_before &&
	sparing() { sanitized || [ "$(memory "$pid")" -lt 32768 ]; } && wait_until sparing && { sanitized || [ "$most" -lt 73728 ]; } &&
	stop && purging_after 1s && serve_config config.yml && none_left() { [ -z "$(ls "$(repository_dir vol app)/_uploads")" ]; } &&
	wait_until none_left && ask 404 "http://$host$(cat target)" && new_upload app && stop
'

test_case 'what is refused before it is a request is in the access log, too' '
	serve vol && for text in "GARBAGE\r\n\r\n" "GET /v2/a/tags/list HTTP/1.1\r\nHost\r\n\r\n" \
		"GET /v2/b/tags/list HTTP/1.1\r\nHost: x\r\nX: $(printf %040000d 0)\r\n\r\n" \
		"PUT /v2/c/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" \
		"GET /v2/d/tags/list HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n"; do
		raw "$text" >answer || true
	done && exec 5<>"/dev/tcp/${host%:*}/${host##*:}" && exec 5<&- 5>&- && ask 200 "$url/" && stop &&
	sed "s/^127.0.0.1:[0-9]* - - .[^]]*. //" daemon.out >lines && says "^\"-\" 400 0 " lines &&
	says "^\"- /v2/a/tags/list HTTP/1.1\" 400 0 " lines && says "^\"- /v2/b/tags/list HTTP/1.1\" 431 0 " lines &&
	says "^\"PUT /v2/c/manifests/x HTTP/1.1\" 400 [1-9]" lines && says "^\"(GET|-) /v2/d/tags/list HTTP/1.1\" 400 " lines &&
	[ "$(wc -l <lines)" = 6 ]
'

test_case 'who takes too long for the headers is told, and so is who has too many connections' '
	printf "version: 0.1\nstorage: {filesystem: {rootdirectory: $PWD/vol}}\n" >config.yml &&
	printf "drydock: {header-timeout: 1s, connections-per-address: 3}\n" >>config.yml && make_volume vol &&
	serve_config config.yml && /usr/bin/python3 - "$host" <<-\END && wait_until ask 200 "$url/" && stop &&
	import socket, sys
	host, port = sys.argv[1].rsplit(":", 1)
	def connect():
	    return socket.create_connection((host, int(port)), timeout=60)
	def read(s):
	    data = b""
	    while True:
	        part = s.recv(65536)
	        if not part:
	            return data
	        data += part
	held = [connect() for i in range(3)]
	held[0].sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n")
	more = connect()
	more.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
	told = read(more)
	if told.count(b"HTTP/1.1 ") != 1 or not told.startswith(b"HTTP/1.1 429 ") or b"TOOMANYREQUESTS" not in told:
	    sys.exit(f"too many: {told}")
	told = read(held[0])
	if not told.startswith(b"HTTP/1.1 408 ") or b"errors" not in told or b"in time" not in told:
	    sys.exit(f"too slow: {told}")
	END
	says "\"-\" 429 " daemon.out && says "\"- /v2/ HTTP/1.1\" 408 " daemon.out
'

test_case 'more connections than are allowed wait, and are served' '
	printf "version: 0.1\nstorage: {filesystem: {rootdirectory: $PWD/vol}}\ndrydock: {connections-max: 8}\n" >config.yml &&
	make_volume vol && serve_config config.yml && digest=$(push_text app hello) &&
	seq 100 | xargs -P 40 -I {} curl -s -o /dev/null -w "%{http_code}\n" "$url/app/blobs/$digest" >codes &&
	[ "$(sort codes | uniq -c | tr -s " ")" = " 100 200" ]
'

done_testing
