#!/bin/bash
# drydockd: pushing and pulling blobs, as the distribution specification has it.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"

need_command curl jq

test_case 'a blob is pushed by one POST, and lies where a registry puts it' '
	serve vol && digest=$(push_text app hello) && blob_exists vol "$digest" &&
	layer_linked vol app "$digest" &&
	[ "$(cat "$(blob_data vol "$digest")")" = hello ] &&
	[ "$(header Location)" = "$url/app/blobs/$digest" ] &&
	[ "$(header Docker-Content-Digest)" = "$digest" ]
'

test_case 'a blob is served with its digest, length and ETag, and HEAD says the same' '
	serve vol && digest=$(push_text app hello) &&
	ask 200 "$url/app/blobs/$digest" && [ "$(cat body)" = hello ] && grep -v ^Date head >get &&
	ask 200 -I "$url/app/blobs/$digest" && grep -v ^Date head >head1 && same get head1 &&
	[ "$(header Docker-Content-Digest)" = "$digest" ] && [ "$(header Content-Length)" = 5 ] &&
	[ "$(header ETag)" = "\"$digest\"" ] && [ "$(header Accept-Ranges)" = bytes ] &&
	[ "$(header Docker-Distribution-Api-Version)" = registry/2.0 ]
'

test_case 'who has the blob already gets 304 and no bytes' '
	serve vol && digest=$(push_text app hello) &&
	ask 304 -H "If-None-Match: \"$digest\"" "$url/app/blobs/$digest" && [ ! -s body ] &&
	ask 200 -H "If-None-Match: \"sha256:0\"" "$url/app/blobs/$digest"
'

test_case 'ranges: from, to, the last bytes, beyond the end, and what is none' '
	serve vol && digest=$(push_text app 0123456789) && at=$url/app/blobs/$digest &&
	ask 206 -H "Range: bytes=2-4" "$at" && [ "$(cat body)" = 234 ] &&
	[ "$(header Content-Range)" = "bytes 2-4/10" ] &&
	ask 206 -H "Range: bytes=7-" "$at" && [ "$(cat body)" = 789 ] &&
	ask 206 -H "Range: bytes=-3" "$at" && [ "$(cat body)" = 789 ] &&
	ask 206 -H "Range: bytes=5-999" "$at" && [ "$(cat body)" = 56789 ] &&
	ask 206 -H "Range: bytes=-999" "$at" && [ "$(cat body)" = 0123456789 ] &&
	fails_with 416 RANGE_INVALID -H "Range: bytes=10-" "$at" &&
	[ "$(header Content-Range)" = "bytes */10" ] &&
	fails_with 416 RANGE_INVALID -H "Range: bytes=-0" "$at" &&
	fails_with 416 RANGE_INVALID -H "Range: bytes=4-2" "$at" &&
	for range in "bytes=x" "bytes=1-2,4-5" "bytes=-" "lines=1-2" "bytes=1-2x"; do
		ask 200 -H "Range: $range" "$at" && [ "$(cat body)" = 0123456789 ] || return 1
	done
'

test_case 'HEAD tells the size of the whole, whatever part is asked for' '
	serve vol && digest=$(push_text app 0123456789) &&
	for range in bytes=2-4 bytes=10- bytes=-0; do
		ask 200 -I -H "Range: $range" "$url/app/blobs/$digest" && [ "$(header Content-Length)" = 10 ] &&
		[ -z "$(header Content-Range)" ] && [ "$(header Accept-Ranges)" = bytes ] || return 1
	done && for method in GET HEAD; do
		ask 304 -X $method -H "Range: bytes=2-4" -H "If-None-Match: \"$digest\"" "$url/app/blobs/$digest" || return 1
	done
'

test_case 'an empty blob is pushed and served' '
	serve vol && digest=$(push_text app "") && ask 200 "$url/app/blobs/$digest" &&
	[ ! -s body ] && fails_with 416 RANGE_INVALID -H "Range: bytes=0-" "$url/app/blobs/$digest"
'

test_case 'a blob comes in chunks, each behind the last one, and its status is told' '
	serve vol && new_upload app && printf 01234 >a && printf 56789 >b &&
	digest=sha256:$(cat a b | sha256sum | cut -d " " -f 1) &&
	ask 202 -X PATCH -H "Content-Range: 0-4" --data-binary @a "$location" &&
	[ "$(header Range)" = 0-4 ] && ask 204 "$location" && [ "$(header Range)" = 0-4 ] &&
	fails_with 416 BLOB_UPLOAD_INVALID -X PATCH -H "Content-Range: 6-10" --data-binary @b \
		"$location" && [ "$(header Range)" = 0-4 ] && [ -n "$(header Location)" ] &&
	fails_with 416 BLOB_UPLOAD_INVALID -X PATCH -H "Content-Range: 0-4" --data-binary @a \
		"$location" &&
	ask 202 -X PATCH -H "Content-Range: 5-9" --data-binary @b "$location" &&
	[ "$(header Range)" = 0-9 ] && ask 201 -X PUT "$location?digest=$digest" &&
	ask 200 "$url/app/blobs/$digest" && [ "$(cat body)" = 0123456789 ] &&
	fails_with 404 BLOB_UPLOAD_UNKNOWN "$location"
'

test_case 'the last chunk may come with the PUT, and a stream has no length' '
	serve vol && new_upload app && head -c 3000000 /dev/urandom >a && printf 56789 >b &&
	digest=sha256:$(cat a b | sha256sum | cut -d " " -f 1) &&
	ask 202 -X PATCH -H "Transfer-Encoding: chunked" --data-binary @a "$location" &&
	[ "$(header Range)" = 0-2999999 ] &&
	ask 201 -X PUT --data-binary @b "$location?digest=$digest" &&
	ask 200 "$url/app/blobs/$digest" && cat a b | cmp - body
'

test_case 'a chunk that is not what its headers say is refused' '
	serve vol && new_upload app && printf 01234 >a &&
	fails_with 400 SIZE_INVALID -X PATCH -H "Content-Range: 0-7" --data-binary @a "$location" &&
	fails_with 400 BLOB_UPLOAD_INVALID -X PATCH -H "Content-Range: 4-0" --data-binary @a \
		"$location" &&
	fails_with 400 BLOB_UPLOAD_INVALID -X PATCH -H "Content-Range: all" --data-binary @a \
		"$location" &&
	ask 204 "$location" && [ "$(header Range)" = 0-0 ]
'

test_case 'bytes of another digest are refused, and leave nothing behind' '
	serve vol && digest=$(digest_of right) && printf wrong >a &&
	fails_with 400 DIGEST_INVALID -X POST --data-binary @a "$url/app/blobs/uploads/?digest=$digest" &&
	new_upload app && fails_with 400 DIGEST_INVALID -X PUT --data-binary @a \
		"$location?digest=$digest" &&
	! blob_exists vol "$digest" && fails_with 404 BLOB_UNKNOWN "$url/app/blobs/$digest" &&
	[ -z "$(find vol -path "*/_uploads/*" -name data)" ]
'

# uploads VOL REPO [FIND-OPTION…]: how many have bytes.
uploads() {
	find "$1/docker/registry/v2/repositories/$2/_uploads" -name data "${@:3}" | wc -l
}

has_uploads() {
	[ "$(uploads "$1" "$2" -size +0)" -ge "$3" ]
}

has_no_uploads() {
	[ "$(uploads "$1" "$2")" = 0 ]
}

# break_off REQUEST-LINE FILE: promises more bytes than it sends, and is gone.
break_off() {
	{ printf "%s HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" "$1" && cat "$2"; } \
		>request && exec 5<>"/dev/tcp/${host%:*}/${host##*:}" && cat request >&5
	exec 5<&- 5>&-
}

all_ended() {
	[ "$(grep -c "POST /v2/app/blobs" daemon.out)" = 8 ]
}

test_case 'a push of one request that breaks off leaves nothing behind' '
	serve vol && head -c 3000000 /dev/zero >bytes && none=sha256:$(printf "%064d" 1) &&
	for i in 1 2 3 4 5 6 7 8; do
		break_off "POST /v2/app/blobs/uploads/?digest=$none" bytes || return
	done && wait_until all_ended && wait_until has_no_uploads vol app
'

goes_on() {
	ask 202 -X PATCH --data-binary x -o /dev/null "$1"
}

test_case 'an upload whose client is gone can soon be gone on with' '
	serve vol && head -c 3000000 /dev/zero >bytes &&
	for i in 1 2 3 4 5 6 7 8; do
		new_upload app && places+=("$location") &&
			break_off "PATCH /v2/${location#*/v2/}" bytes || return
	done && wait_until has_uploads vol app 8 &&
	for at in "${places[@]}"; do wait_until goes_on "$at" || return; done
'

test_case 'a digest that is none, or missing, is refused' '
	serve vol && new_upload app && printf x >a &&
	for digest in sha256:12 md5:12 sha256: "" "sha256:$(printf %064d 0)0"; do
		fails_with 400 DIGEST_INVALID -X PUT --data-binary @a "$location?digest=$digest" &&
		fails_with 400 DIGEST_INVALID -X POST "$url/app/blobs/uploads/?digest=$digest" ||
			return 1
	done && fails_with 400 DIGEST_INVALID -X PUT --data-binary @a "$location"
'

test_case 'sha512 is a digest like any other' '
	serve vol && printf strong >a && digest=sha512:$(sha512sum <a | cut -d " " -f 1) &&
	ask 201 -X POST --data-binary @a "$url/app/blobs/uploads/?digest=$digest" &&
	[ "$(header Docker-Content-Digest)" = "$digest" ] &&
	ask 200 "$url/app/blobs/$digest" && cmp a body
'

test_case 'an upload is cancelled' '
	serve vol && new_upload app && printf x >a &&
	ask 202 -X PATCH --data-binary @a "$location" && ask 204 -X DELETE "$location" &&
	fails_with 404 BLOB_UPLOAD_UNKNOWN "$location" &&
	[ -z "$(find vol -path "*/_uploads/*" -name data)" ]
'

test_case 'an upload belongs to its repository' '
	serve vol && new_upload app && id=${location##*/} &&
	fails_with 404 BLOB_UPLOAD_UNKNOWN "$url/other/blobs/uploads/$id" &&
	printf x | ask 404 -X PATCH --data-binary @- "$url/other/blobs/uploads/$id" &&
	ask 204 "$location"
'

test_case 'an upload goes on after a restart, and after a SIGKILL' '
	serve vol && new_upload app && id=${location##*/} && printf 01234 >a && printf 56789 >b &&
	ask 202 -X PATCH --data-binary @a "$location" && stop && serve vol &&
	ask 204 "$url/app/blobs/uploads/$id" && [ "$(header Range)" = 0-4 ] && kill_daemon &&
	serve vol && ask 202 -X PATCH -H "Content-Range: 5-9" --data-binary @b \
		"$url/app/blobs/uploads/$id" &&
	digest=$(digest_of 0123456789) && ask 201 -X PUT "$(header Location)?digest=$digest" &&
	ask 200 "$url/app/blobs/$digest" && [ "$(cat body)" = 0123456789 ]
'

test_case 'a blob is mounted from a repository that is named, and from any that has it' '
	serve vol && digest=$(push_text one hello) &&
	ask 201 -X POST "$url/two/blobs/uploads/?mount=$digest&from=one" &&
	[ "$(header Location)" = "$url/two/blobs/$digest" ] &&
	[ "$(header Docker-Content-Digest)" = "$digest" ] &&
	ask 201 -X POST "$url/three/blobs/uploads/?mount=$digest" &&
	ask 200 "$url/two/blobs/$digest" && ask 200 "$url/three/blobs/$digest"
'

test_case 'what cannot be mounted is uploaded' '
	serve vol && digest=$(push_text one hello) &&
	ask 202 -X POST "$url/two/blobs/uploads/?mount=$digest&from=three" &&
	[ -n "$(header Location)" ] &&
	ask 202 -X POST "$url/two/blobs/uploads/?mount=$(digest_of none)&from=one" &&
	ask 202 -X POST "$url/two/blobs/uploads/?mount=$digest&from=../one" &&
	fails_with 404 BLOB_UNKNOWN "$url/two/blobs/$digest"
'

test_case 'a digest is no key: a blob of another repository is not there' '
	serve vol && digest=$(push_text one hello) &&
	fails_with 404 BLOB_UNKNOWN "$url/two/blobs/$digest" && ask 404 -I "$url/two/blobs/$digest"
'

test_case 'a blob is deleted where that is enabled, and elsewhere told how to enable it' '
	serve vol && digest=$(push_text app hello) &&
	fails_with 405 UNSUPPORTED -X DELETE "$url/app/blobs/$digest" &&
	says storage.delete.enabled body && stop &&
	REGISTRY_STORAGE_DELETE_ENABLED=true && export REGISTRY_STORAGE_DELETE_ENABLED &&
	serve vol && ask 200 -I "$url/app/blobs/$digest" &&
	ask 202 -X DELETE "$url/app/blobs/$digest" &&
	fails_with 404 BLOB_UNKNOWN "$url/app/blobs/$digest" && ask 404 -I "$url/app/blobs/$digest" &&
	fails_with 404 BLOB_UNKNOWN -X DELETE "$url/app/blobs/$digest"
'

test_case 'a blob whose bytes were changed is not served, at no range, and a push heals it' '
	make_volume vol && digest=$(put_layer vol app "the right bytes") && flip_blob vol "$digest" &&
	serve vol && fails_with 404 BLOB_UNKNOWN "$url/app/blobs/$digest" &&
	fails_with 404 BLOB_UNKNOWN -H "Range: bytes=0-2" "$url/app/blobs/$digest" &&
	ask 404 -I "$url/app/blobs/$digest" && says "$digest" daemon.err &&
	[ "$(push_text app "the right bytes")" = "$digest" ] &&
	ask 200 "$url/app/blobs/$digest" && [ "$(cat body)" = "the right bytes" ]
'

test_case 'a blob whose time lies in the future is read once, and said once' '
	make_volume vol && digest=$(put_layer vol app "the right bytes") && flip_blob vol "$digest" &&
	touch -d "+1 day" "$(blob_data vol "$digest")" && serve vol && sleep 2.5 && for i in 1 2 3; do
		fails_with 404 BLOB_UNKNOWN "$url/app/blobs/$digest" && ask 404 -I "$url/app/blobs/$digest" || return 1
	done && [ "$(grep -c "does not hold the bytes" daemon.err)" = 1 ]
'

test_case 'a large one is broken off before its last byte' '
	make_volume vol && head -c 9000000 /dev/urandom >big && digest=$(put_file vol big) &&
	link_layer vol app "$digest" && flip_blob vol "$digest" &&
	printf "version: 0.1\nstorage: {filesystem: {rootdirectory: $PWD/vol}}\ndrydock: {verify-first: 1M}\n" >config.yml &&
	serve_config config.yml && ! curl -sS -o body "$url/app/blobs/$digest" &&
	[ "$(stat -c %s body)" -lt 9000000 ] && says "$digest" daemon.err
'

# pull_eight PATH: eight at once, over as many connections; prints of each status and bytes, or "cut".
pull_eight() {
	/usr/bin/python3 - "$host" "$1" <<-\END
		import http.client, sys, threading
		start = threading.Barrier(8)
		def pull():
		    connection = http.client.HTTPConnection(sys.argv[1], timeout=120)
		    connection.connect()
		    start.wait()
		    connection.request("GET", sys.argv[2])
		    answer = connection.getresponse()
		    try:
		        sys.stdout.write(f"{answer.status} {len(answer.read())}\n")
		    except http.client.IncompleteRead as e:
		        sys.stdout.write("cut short\n" if len(e.partial) < 40000000 else "cut late\n")
		threads = [threading.Thread(target=pull) for _ in range(8)]
		for thread in threads:
		    thread.start()
		for thread in threads:
		    thread.join()
	END
}

open_files() {
	find "/proc/$(cat daemon.pid)/fd" -mindepth 1 | wc -l
}

test_case 'a large one that eight pull at once is broken off for all of them, is gone then, and a push heals it' '
	make_volume vol && head -c 40000000 /dev/urandom >big && digest=$(put_file vol big) && link_layer vol app "$digest" && flip_blob vol "$digest" &&
	printf "version: 0.1\nstorage: {filesystem: {rootdirectory: $PWD/vol}}\ndrydock: {verify-first: 1M}\n" >config.yml && sleep 2.5 &&
	serve_config config.yml && ask 200 "$url/" && files=$(open_files) && pull_eight "/v2/app/blobs/$digest" >pulled && cat pulled &&
	[ "$(grep -c -e "^cut short\$" -e "^404 " pulled)" = 8 ] && says "^cut short" pulled && pull_eight "/v2/app/blobs/$digest" >pulled &&
	[ "$(grep -c "^404 " pulled)" = 8 ] && [ "$(grep -c "does not hold the bytes" daemon.err)" = 1 ] && [ "$(push_file app big)" = "$digest" ] &&
	pull_eight "/v2/app/blobs/$digest" >pulled && [ "$(sort -u pulled)" = "200 40000000" ] &&
	as_before() { [ "$(open_files)" -le "$files" ]; } && wait_until as_before && stop
'

test_case 'a part is served only of what the client has already, and nothing of what it has' '
	serve vol && digest=$(push_text app hello) && blob=$url/app/blobs/$digest &&
	ask 206 -H "Range: bytes=1-2" -H "If-Range: \"$digest\"" "$blob" && [ "$(cat body)" = el ] &&
	for other in "\"$no_such\"" "W/\"$digest\"" "Mon, 30 Nov 2026 00:00:00 GMT"; do
		ask 200 -H "Range: bytes=1-2" -H "If-Range: $other" "$blob" && [ "$(cat body)" = hello ] || return 1
	done && ask 304 -H "If-None-Match: *" "$blob" && push_image app v1 >digest &&
	for has in "*" "\"$(cat digest)\"" "$(cat digest)" "\"a\", \"$(cat digest)\""; do
		ask 304 -H "If-None-Match: $has" "$url/app/manifests/v1" || return 1
	done && ask 200 -H "If-None-Match: $no_such" "$url/app/manifests/v1"
'

done_testing
