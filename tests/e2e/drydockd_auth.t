#!/bin/bash
# drydockd: who may do what: passwords, tokens, rules.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"

need_command curl jq openssl

# "wonder" and "builder", of the smallest cost.
alice='alice:$2y$04$AXq0jBV/PVWd32ssMB91OuFdCcA3sRnfM717kUJNu9rtq4YKmFsMS'
bob='bob:$2y$05$0JSc.oDocW0uDnk5d30XkuyY7J3vIgE10aKKxhQ6Rzrlfl5BaYbli'

# config AUTH [DRYDOCK]: "config.yml", with these values of its keys.
config() {
	mkdir -p vol && cat >config.yml <<-END
		version: 0.1
		storage: {filesystem: {rootdirectory: $PWD/vol}, delete: {enabled: true}}
		http: {addr: 127.0.0.1:0}
		auth: $1
		drydock: ${2-{\}}
	END
}

# with_passwords [RULES]: a daemon that knows alice and bob.
with_passwords() {
	printf '%s\n' "$alice" "$bob" >users && printf '%s' "${1-}" >rules.yml &&
		config "{htpasswd: {realm: here, path: $PWD/users}}" \
			"$([ -z "${1-}" ] || echo "{rules: $PWD/rules.yml}")" && serve_config config.yml
}

as_alice='-ualice:wonder' as_bob='-ubob:builder'

reload() {
	local before
	before=$(grep -c "$1" daemon.err)
	kill -HUP "$(cat daemon.pid)" && wait_until said_again "$1" "$before"
}

said_again() {
	[ "$(grep -c "$1" daemon.err)" -gt "$2" ]
}

# pushes REPO TAG: alice does.
pushes() {
	curl_auth=$as_alice push_image_as "$@"
}

# push_image_as REPO TAG [TEXT]: with curl_auth's credentials; the tag's status is $put, or 201.
push_image_as() {
	local config=layer-config-of-$1-${3-} digest
	printf '{"os":"linux","text":"%s"}' "$config" >config.json
	digest=sha256:$(sha256sum <config.json | cut -d ' ' -f 1)
	ask 201 "$curl_auth" -X POST --data-binary @config.json \
		"$url/$1/blobs/uploads/?digest=$digest" &&
		printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[]}' "$type_image" \
			"{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"$digest\",\"size\":$(stat -c %s config.json)}" \
			>manifest.json &&
		ask "${put:-201}" "$curl_auth" -X PUT -H "Content-Type: $type_image" \
			--data-binary @manifest.json "$url/$1/manifests/$2"
}

# ---- passwords ----

test_case 'who does not say who they are is asked, and a wrong password is none' '
	with_passwords && fails_with 401 UNAUTHORIZED "$url/" &&
	[ "$(header WWW-Authenticate)" = "Basic realm=\"here\"" ] &&
	for who in -ualice:builder -ualice: -ucarol:wonder -u:wonder; do
		fails_with 401 UNAUTHORIZED $who "$url/" &&
		fails_with 401 UNAUTHORIZED $who "$url/app/tags/list" || return 1
	done && fails_with 401 UNAUTHORIZED -H "Authorization: Bearer x" "$url/" &&
	fails_with 401 UNAUTHORIZED -X POST "$url/app/blobs/uploads/" &&
	fails_with 401 UNAUTHORIZED "$url/_catalog" &&
	ask 200 $as_alice "$url/" && ask 200 $as_bob "$url/_catalog"
'

test_case 'nothing that is shown lies in the log, and the user does' '
	with_passwords && ask 200 $as_alice "$url/" && ask 401 -ualice:mistyped "$url/" &&
	ask 401 -H "Authorization: Bearer secrettoken" "$url/" && stop &&
	says " alice " daemon.out &&
	for secret in wonder mistyped secrettoken "$(printf alice:wonder | base64)" AXq0jBV; do
		says_not "$secret" daemon.out && says_not "$secret" daemon.err || return 1
	done
'

test_case 'a user who is taken out of the file is out, at a reload or without one' '
	with_passwords && ask 200 $as_alice "$url/" && ask 200 $as_bob "$url/" &&
	echo "$bob" >users.new && mv users.new users && reload reload &&
	fails_with 401 UNAUTHORIZED $as_alice "$url/" && ask 200 $as_bob "$url/" &&
	echo "$alice" >users.new && mv users.new users &&
	wait_until ask 401 $as_bob "$url/" && ask 200 $as_alice "$url/"
'

test_case 'a damaged file of users is refused with the line, and a reload leaves things as they were' '
	printf "%s\n# x\nbob\n" "$alice" >users &&
	config "{htpasswd: {realm: here, path: $PWD/users}}" &&
	run 2 drydockd --config config.yml 2>err && says "users: line 3: " err &&
	with_passwords && echo nobody >users.new && mv users.new users && reload "users: line 1" &&
	ask 200 $as_alice "$url/" &&
	config "{htpasswd: {realm: here, path: /nowhere}}" && run 2,3 drydockd --config config.yml 2>err &&
	says "auth.htpasswd.path.*/nowhere" err
'

test_case 'of a reload that fails nothing is taken, whatever part of it is wrong, and that is said' '
	echo "$alice" >users && echo "$bob" >others && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 2 -subj "/CN=localhost" -keyout key.pem -out good.pem 2>openssl.err && cp good.pem cert.pem &&
	with() { config "{htpasswd: {realm: here, path: $PWD/$1}}" && sed -i "s|{addr.*|{addr: 127.0.0.1:0$2}|" config.yml; } &&
	tls=", tls: {certificate: $PWD/cert.pem, key: $PWD/key.pem}" && with users "$tls" && serve_config config.yml && url=https://$host/v2 &&
	with others "$tls" && echo broken >cert.pem && reload "nothing of the reload was taken: .*cert.pem" && ask 200 -k $as_alice "$url/" &&
	ask 401 -k $as_bob "$url/" && cp good.pem cert.pem && echo "notifications: {endpoints: [{name: x, url: nowhere}]}" >>config.yml &&
	reload "nothing of the reload was taken: notifications.endpoints" && ask 200 -k $as_alice "$url/" && ask 401 -k $as_bob "$url/" &&
	with others "$tls" && reload "drydockd: reloaded" && ask 401 -k $as_alice "$url/" && ask 200 -k $as_bob "$url/"
'

test_case 'a hash that is not bcrypt lets nobody in, and is said with its line' '
	echo "carol:$(openssl passwd -apr1 wonder)" >users && echo "$alice" >>users &&
	config "{htpasswd: {realm: here, path: $PWD/users}}" && serve_config config.yml &&
	says "users: line 1: .*htpasswd -B" daemon.err && ask 401 -ucarol:wonder "$url/" &&
	ask 200 $as_alice "$url/"
'

# ---- rules ----

rules='groups: {team: [alice]}
rules:
- {repositories: "public/**", pull: anybody, push: group:team, delete: group:team}
- {repositories: "**", pull: group:team, push: group:team}
catalog: authenticated
immutable:
- {name: releases, repositories: "public/**", tags: "v*"}
'

test_case 'rules: anybody pulls what is public, the team pushes, nobody else does' '
	with_passwords "$rules" && pushes public/app 1 && pushes app 1 &&
	ask 200 "$url/public/app/manifests/1" && ask 200 $as_bob "$url/public/app/manifests/1" &&
	fails_with 401 UNAUTHORIZED "$url/app/manifests/1" &&
	fails_with 403 DENIED $as_bob "$url/app/manifests/1" &&
	fails_with 401 UNAUTHORIZED -X POST "$url/public/app/blobs/uploads/" &&
	fails_with 403 DENIED $as_bob -X POST "$url/public/app/blobs/uploads/" &&
	fails_with 403 DENIED $as_bob -X DELETE "$url/public/app/manifests/1" &&
	fails_with 403 DENIED $as_alice -X DELETE "$url/app/manifests/1" &&
	ask 202 $as_alice -X DELETE "$url/public/app/manifests/1"
'

test_case 'whether something is there is not told to who may not know' '
	with_passwords "$rules" && pushes app 1 &&
	for path in app/manifests/1 app/manifests/2 none/manifests/1 app/tags/list none/tags/list; do
		fails_with 403 DENIED $as_bob "$url/$path" && cp -n body first && same first body || return 1
	done
'

test_case 'a blob is no way around the rules: it is not mounted from where one may not pull' '
	with_passwords "groups: {team: [alice]}
rules:
- {repositories: secret, pull: group:team, push: group:team}
- {repositories: \"**\", pull: authenticated, push: authenticated}
" && printf hidden >blob && digest=sha256:$(sha256sum <blob | cut -d " " -f 1) &&
	ask 201 $as_alice -X POST --data-binary @blob "$url/secret/blobs/uploads/?digest=$digest" &&
	fails_with 404 BLOB_UNKNOWN $as_bob "$url/app/blobs/$digest" &&
	ask 202 $as_bob -X POST "$url/app/blobs/uploads/?mount=$digest&from=secret" &&
	ask 202 $as_bob -X POST "$url/app/blobs/uploads/?mount=$digest" &&
	fails_with 404 BLOB_UNKNOWN $as_bob "$url/app/blobs/$digest" &&
	ask 201 $as_alice -X POST "$url/app/blobs/uploads/?mount=$digest&from=secret" &&
	ask 200 $as_bob "$url/app/blobs/$digest"
'

test_case 'an upload goes on for who began it, and for nobody else' '
	with_passwords && ask 202 $as_alice -X POST "$url/app/blobs/uploads/" &&
	location=$(header Location) && printf x >x &&
	fails_with 404 BLOB_UPLOAD_UNKNOWN $as_bob "$location" &&
	fails_with 404 BLOB_UPLOAD_UNKNOWN $as_bob -X PATCH --data-binary @x "$location" &&
	fails_with 404 BLOB_UPLOAD_UNKNOWN $as_bob -X DELETE "$location" &&
	ask 202 $as_alice -X PATCH --data-binary @x "$location" && ask 204 $as_alice -X DELETE "$location"
'

test_case 'the catalogue names what its reader may pull' '
	with_passwords "$rules" && pushes public/app 1 && pushes app 1 &&
	fails_with 401 UNAUTHORIZED "$url/_catalog" && ask 200 $as_bob "$url/_catalog" &&
	[ "$(jq -c .repositories body)" = "[\"public/app\"]" ] &&
	ask 200 $as_alice "$url/_catalog" &&
	[ "$(jq -c .repositories body)" = "[\"app\",\"public/app\"]" ] && pushes public/zoo 1 && pushes zoo 1 &&
	ask 200 $as_bob "$url/_catalog?n=1" && [ "$(jq -c .repositories body)" = "[\"public/app\"]" ] &&
	[ "$(header Link)" = "</v2/_catalog?last=public/app&n=1>; rel=\"next\"" ] &&
	ask 200 $as_bob "$url/_catalog?n=1&last=public/app" && [ "$(jq -c .repositories body)" = "[\"public/zoo\"]" ] &&
	[ -z "$(header Link)" ]
'

test_case 'a tag that never changes is put once, and again only with the same bytes' '
	with_passwords "$rules" && pushes public/app v1 && pushes public/app v1 &&
	curl_auth=$as_alice && put=409 push_image_as public/app v1 other && valid_error DENIED &&
	says "rules.yml:7: releases" body && push_image_as public/app latest other &&
	push_image_as public/app latest third && push_image_as app v1 && push_image_as app v1 other &&
	digest=sha256:$(sha256sum <manifest.json | cut -d " " -f 1) &&
	fails_with 409 DENIED $as_alice -X DELETE "$url/public/app/manifests/v1" &&
	ask 200 "$url/public/app/manifests/v1" && held=$(header Docker-Content-Digest) &&
	fails_with 409 DENIED $as_alice -X DELETE "$url/public/app/manifests/$held" &&
	ask 202 $as_alice -X DELETE "$url/public/app/manifests/latest" &&
	[ "$digest" != "$held" ] && ask 200 "$url/public/app/manifests/$held" && stop
'

test_case 'a tag that never changes keeps what its image needs, layers and the images of an index' '
	printf "immutable:\n- {repositories: \"**\", tags: \"v*\"}\n" >rules.yml && config "{}" "{rules: $PWD/rules.yml}" &&
	serve_config config.yml && child=$(push_image app latest) && layer=$(jq -r ".layers[0].digest" manifest.json) &&
	printf "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%s}]}" \
		"$type_index" "$type_image" "$child" "$(stat -c %s manifest.json)" >index.json &&
	ask 201 -X PUT -H "Content-Type: $type_index" --data-binary @index.json "$url/app/manifests/v1" &&
	fails_with 409 DENIED -X DELETE "$url/app/blobs/$layer" && says "v1 is sha256:[0-9a-f]*, which needs it, by .*rules.yml:2" body &&
	fails_with 409 DENIED -X DELETE "$url/app/manifests/$child" && ask 202 -X DELETE "$url/app/manifests/latest" &&
	ask 200 "$url/app/manifests/$child" && ask 200 "$url/app/blobs/$layer" && free=$(push_text app "nobody needs it") &&
	ask 202 -X DELETE "$url/app/blobs/$free" && push_image other latest &&
	ask 202 -X DELETE "$url/other/blobs/$(jq -r ".layers[0].digest" manifest.json)"
'

test_case 'a tag that never changes does not because its manifest was damaged' '
	with_passwords "$rules" && pushes public/app v1 && held=$(header Docker-Content-Digest) &&
	cp manifest.json good.json && flip_blob vol "$held" &&
	wait_until fails_with 404 MANIFEST_UNKNOWN "$url/public/app/manifests/v1" &&
	curl_auth=$as_alice && put=409 push_image_as public/app v1 other && valid_error DENIED &&
	fails_with 409 DENIED $as_alice -X DELETE "$url/public/app/manifests/v1" &&
	fails_with 409 DENIED $as_alice -X DELETE "$url/public/app/manifests/$held" && put=201 pushes public/app v1 &&
	ask 200 "$url/public/app/manifests/v1" && same good.json body
'

test_case 'rules about tags alone leave it to everybody to do all else where nobody is asked who they are' '
	printf "immutable:\n- {repositories: \"**\", tags: \"v*\"}\n" >rules.yml &&
	config "{}" "{rules: $PWD/rules.yml}" && serve_config config.yml && curl_auth=-s &&
	push_image_as app v1 && put=409 push_image_as app v1 other && push_image_as app latest other &&
	ask 200 "$url/app/manifests/v1" && ask 200 "$url/_catalog" && ask 202 -X DELETE "$url/app/manifests/latest"
'

test_case 'rules that are none are refused with their place, and a reload leaves those that were' '
	printf "rules:\n- repositories: a\n  pul: anybody\n" >bad.yml &&
	config "{}" "{rules: $PWD/bad.yml}" && run 2 drydockd --config config.yml 2>err &&
	says "bad.yml: line 3, column 3: .*pul" err && says "did you mean .pull." err &&
	with_passwords "$rules" && pushes public/app 1 && cp bad.yml rules.yml &&
	reload "rules.yml: line 3, column 3" && ask 200 "$url/public/app/manifests/1" &&
	ask 401 "$url/app/manifests/1"
'

test_case 'other rules count after a reload' '
	with_passwords "$rules" && pushes public/app 1 && ask 200 "$url/public/app/manifests/1" &&
	printf "rules:\n- {repositories: \"**\", pull: user:bob}\n" >rules.yml && reload reload &&
	ask 401 "$url/public/app/manifests/1" && ask 200 $as_bob "$url/public/app/manifests/1" &&
	fails_with 403 DENIED $as_alice "$url/public/app/manifests/1"
'

# ---- tokens of our own ----

test_case 'where anybody may pull, clients are told to get a token, of somebody or nobody' '
	with_passwords "$rules" && pushes public/app 1 && pushes app 1 && fails_with 401 UNAUTHORIZED "$url/" &&
	[ "$(header WWW-Authenticate)" = "Bearer realm=\"$url/token\",service=\"here\"" ] &&
	ask 200 "$url/token?service=here&scope=repository:app:pull" && nobody=$(jq -r .token body) &&
	ask 200 $as_alice "$url/token" && token=$(jq -r .token body) &&
	fails_with 401 UNAUTHORIZED -ualice:builder "$url/token" &&
	ask 200 -H "Authorization: Bearer $nobody" "$url/public/app/manifests/1" &&
	fails_with 401 UNAUTHORIZED -H "Authorization: Bearer $nobody" "$url/app/manifests/1" &&
	ask 200 -H "Authorization: Bearer $token" "$url/app/manifests/1" &&
	fails_with 401 UNAUTHORIZED -H "Authorization: Bearer ${token/616c696365/626f62}" "$url/" &&
	stop && says_not "$token" daemon.err && says_not "$token" daemon.out
'

test_case 'where nobody may do anything without a password, no tokens are given' '
	with_passwords && fails_with 404 NAME_UNKNOWN $as_alice "$url/token"
'

# ---- with skopeo ----

# copy FROM TO [OPTION…]
copy() {
	skopeo copy --quiet --src-tls-verify=false --dest-tls-verify=false "${@:3}" "$1" "$2"
}

test_case 'skopeo logs in, pushes and pulls; without a login it pulls what anybody may' '
	need_command skopeo && with_passwords "$rules" && pushes public/app 1 &&
	run 0 skopeo login --tls-verify=false --authfile auth.json -u alice -p wonder "$host" &&
	run 1 skopeo login --tls-verify=false --authfile other.json -u alice -p wrong "$host" 2>err &&
	copy "docker://$host/public/app:1" dir:image --src-no-creds &&
	copy dir:image "docker://$host/app:2" --dest-authfile auth.json &&
	copy "docker://$host/app:2" dir:again --src-authfile auth.json &&
	! copy "docker://$host/app:2" dir:none --src-no-creds 2>err &&
	! copy dir:image "docker://$host/public/app:3" --dest-no-creds 2>err &&
	! copy dir:image "docker://$host/app:3" --dest-creds bob:builder 2>err
'

# ---- somebody else'"'"'s tokens ----

# A certificate that signs itself, as the ones of token servers do.
make_keys() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout token.key -out token.crt -days 30 \
		-subj /CN=token >openssl.log 2>&1
}

# with_tokens [DRYDOCK]: a token server, and a daemon that takes its tokens for the service "here".
with_tokens() {
	[ -e token.key ] || make_keys || return
	RUN_LIMIT=300 start tokens /usr/bin/python3 "$e2e/real/token_server.py" token.key token.crt &&
		wait_until grep -q '^at ' tokens.out &&
		realm=http://127.0.0.1:$(sed -n 's/^at //p' tokens.out)/token &&
		config "{token: {realm: \"$realm\", service: here, issuer: the-issuer, rootcertbundle: $PWD/token.crt}}" \
			"${1-{\}}" && serve_config config.yml
}

# take_token SCOPE [CURL-OPTION…]: sets "bearer".
take_token() {
	curl -sS "${@:2}" -G --data-urlencode service=here --data-urlencode "scope=$1" "$realm" >token.json &&
		bearer="Authorization: Bearer $(jq -r .token token.json)"
}

test_case 'a challenge names the token server, the service and the scope' '
	with_tokens && ask 401 "$url/" &&
	[ "$(header WWW-Authenticate)" = "Bearer realm=\"$realm\",service=\"here\"" ] &&
	ask 401 "$url/a/b/tags/list" &&
	[ "$(header WWW-Authenticate)" = "Bearer realm=\"$realm\",service=\"here\",scope=\"repository:a/b:pull\"" ] &&
	ask 401 -X POST "$url/a/b/blobs/uploads/?mount=sha256:$(printf %064d 0)&from=c" &&
	[ "$(header WWW-Authenticate)" = "Bearer realm=\"$realm\",service=\"here\",scope=\"repository:a/b:pull,push repository:c:pull\"" ] &&
	ask 401 "$url/_catalog" && header WWW-Authenticate | grep -q "scope=\"registry:catalog:\*\"" &&
	fails_with 401 UNAUTHORIZED $as_alice "$url/"
'

test_case 'a token is good for what it grants, and says what is missing' '
	with_tokens && take_token repository:app:pull,push $as_alice && ask 200 -H "$bearer" "$url/" &&
	ask 202 -H "$bearer" -X POST "$url/app/blobs/uploads/" &&
	fails_with 401 UNAUTHORIZED -H "$bearer" "$url/other/tags/list" &&
	header WWW-Authenticate | grep -q "scope=\"repository:other:pull\",error=\"insufficient_scope\"" &&
	fails_with 401 UNAUTHORIZED -H "$bearer" -X DELETE "$url/app/manifests/1" &&
	fails_with 401 UNAUTHORIZED -H "$bearer" "$url/_catalog" &&
	take_token "registry:catalog:*" $as_alice && ask 200 -H "$bearer" "$url/_catalog" &&
	take_token repository:app:pull && fails_with 401 UNAUTHORIZED -H "$bearer" "$url/app/tags/list"
'

test_case 'a token that is late, for others or not signed is called invalid' '
	make_keys &&
	for claims in "{\"exp\":1000000000}" "{\"nbf\":4000000000}" "{\"iss\":\"another\"}" "{\"aud\":\"there\"}"; do
		export TOKEN_CLAIMS=$claims && with_tokens && take_token repository:app:pull $as_alice &&
		fails_with 401 UNAUTHORIZED -H "$bearer" "$url/app/tags/list" &&
		header WWW-Authenticate | grep -q "error=\"invalid_token\"" && says "token" body &&
		stop && stop_started "$PWD/tokens" || return 1
	done && unset TOKEN_CLAIMS &&
	for header in "{\"alg\":\"none\"}" "{\"alg\":\"HS256\"}" "{\"alg\":\"RS512\"}" "{\"crit\":[\"exp\"]}"; do
		export TOKEN_HEADER=$header && with_tokens && take_token repository:app:pull $as_alice &&
		fails_with 401 UNAUTHORIZED -H "$bearer" "$url/app/tags/list" &&
		header WWW-Authenticate | grep -q "error=\"invalid_token\"" &&
		stop && stop_started "$PWD/tokens" || return 1
	done
'

test_case 'a token of a key that the bundle does not have is refused' '
	make_keys && cp token.crt trusted.crt && make_keys && with_tokens && stop &&
	sed -i "s,token.crt,trusted.crt," config.yml && serve_config config.yml &&
	take_token repository:app:pull $as_alice && fails_with 401 UNAUTHORIZED -H "$bearer" "$url/" &&
	says "certificate" body
'

test_case 'skopeo pushes and pulls with tokens, and anonymously what the token server lets it' '
	need_command skopeo && with_tokens && take_token "repository:public/app:pull,push" $as_alice &&
	curl_auth="-H$bearer" push_image_as public/app 1 &&
	run 0 skopeo login --tls-verify=false --authfile auth.json -u alice -p wonder "$host" &&
	copy "docker://$host/public/app:1" dir:image --src-no-creds &&
	copy dir:image "docker://$host/app:2" --dest-authfile auth.json &&
	copy "docker://$host/app:2" dir:again --src-authfile auth.json &&
	! copy "docker://$host/app:2" dir:none --src-no-creds 2>err
'

test_case 'rules about tags alone take nothing from a token of nobody in particular' '
	printf "immutable:\n- {repositories: \"**\", tags: \"v*\"}\n" >rules.yml &&
	with_tokens "{rules: $PWD/rules.yml}" && take_token repository:public/app:pull &&
	fails_with 404 NAME_UNKNOWN -H "$bearer" "$url/public/app/tags/list" &&
	fails_with 401 UNAUTHORIZED "$url/public/app/tags/list"
'

test_case 'what tokens grant, rules can still refuse' '
	printf "rules:\n- {repositories: \"**\", pull: user:alice}\n" >rules.yml &&
	with_tokens "{rules: $PWD/rules.yml}" && take_token repository:app:pull,push $as_alice &&
	fails_with 404 NAME_UNKNOWN -H "$bearer" "$url/app/tags/list" &&
	fails_with 403 DENIED -H "$bearer" -X POST "$url/app/blobs/uploads/"
'

# ---- all of it at once ----

# ask_all FILE: each of its lines is a status, a method, a path and an Authorization, or "-"; over TLS, by eight
# connections, each line many times and in another order by each.
ask_all() {
	/usr/bin/python3 - "$host" "$1" <<-\END
		import http.client, random, ssl, sys, threading
		lines = [line.split(None, 3) for line in open(sys.argv[2])]
		context = ssl._create_unverified_context()
		wrong = []
		def ask(seed):
		    chance = random.Random(seed)
		    connection = http.client.HTTPSConnection(sys.argv[1], timeout=120, context=context)
		    for status, method, path, who in chance.choices(lines, k=20 * len(lines)):
		        headers = {} if who.strip() == "-" else {"Authorization": who.strip()}
		        connection.request(method, path, headers=headers)
		        answer = connection.getresponse()
		        answer.read()
		        if answer.status != int(status):
		            wrong.append(f"{status} {method} {path} {who.strip()[:20]}: {answer.status}")
		threads = [threading.Thread(target=ask, args=[seed]) for seed in range(8)]
		for thread in threads:
		    thread.start()
		for thread in threads:
		    thread.join()
		sys.exit("; ".join(wrong[:5]) or 0)
	END
}

# Of a configuration that is there: TLS.
add_tls() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=localhost" \
		-keyout key.pem -out cert.pem 2>openssl.err &&
		sed -i "s|^http:.*|http: {addr: 127.0.0.1:0, tls: {certificate: $PWD/cert.pem, key: $PWD/key.pem}}|" config.yml
}

# while_reloaded COMMAND…: beside reloads that change nothing.
while_reloaded() {
	: >reloading && { while [ -e reloading ]; do
		kill -HUP "$(cat daemon.pid)" && sleep 0.05
	done & } && local reloader=$! status
	"$@"
	status=$?
	rm reloading && wait "$reloader"
	return "$status"
}

basic() {
	printf "Basic %s" "$(printf %s "$1" | base64)"
}

some_rules="rules:
- {repositories: \"public/**\", pull: anybody, push: user:alice, delete: user:alice}
- {repositories: \"team/**\", pull: [user:alice, user:bob], push: user:bob, delete: nobody}
"

test_case 'TLS, passwords and rules for each repository: everybody gets what is theirs, many at once and beside reloads' '
	with_passwords "$some_rules" && pushes public/app v1 && curl_auth=$as_bob push_image_as team/app v1 && stop && add_tls && serve_config config.yml &&
	alice_is=$(basic alice:wonder) bob_is=$(basic bob:builder) stranger=$(basic alice:builder) && cat >all <<-END &&
		200 GET /v2/public/app/manifests/v1 $alice_is
		200 GET /v2/public/app/tags/list $bob_is
		200 GET /v2/team/app/manifests/v1 $alice_is
		200 GET /v2/team/app/manifests/v1 $bob_is
		202 POST /v2/public/app/blobs/uploads/ $alice_is
		403 POST /v2/public/app/blobs/uploads/ $bob_is
		403 POST /v2/team/app/blobs/uploads/ $alice_is
		202 POST /v2/team/app/blobs/uploads/ $bob_is
		403 DELETE /v2/team/app/manifests/v1 $bob_is
		403 GET /v2/other/tags/list $bob_is
		401 GET /v2/team/app/manifests/v1 -
		401 POST /v2/public/app/blobs/uploads/ -
		200 GET /v2/public/app/manifests/v1 -
		401 GET /v2/team/app/manifests/v1 $stranger
	END
	while_reloaded ask_all all && says reloaded daemon.err && says_not "reload was taken" daemon.err && stop
'

test_case 'TLS, tokens and rules for each repository: both have to allow it, many at once and beside reloads' '
	printf "%s" "$some_rules" >rules.yml && with_tokens "{rules: $PWD/rules.yml}" && stop && add_tls && serve_config config.yml &&
	take_token "repository:public/app:pull,push repository:team/app:pull,push" $as_alice && alice_is=${bearer#*: } &&
	take_token repository:public/app:pull && nobody_is=${bearer#*: } && cat >all <<-END &&
		202 POST /v2/public/app/blobs/uploads/ $alice_is
		403 POST /v2/team/app/blobs/uploads/ $alice_is
		404 GET /v2/team/app/tags/list $alice_is
		404 GET /v2/public/app/manifests/v1 $nobody_is
		401 GET /v2/team/app/tags/list $nobody_is
		401 POST /v2/public/app/blobs/uploads/ $nobody_is
		404 GET /v2/public/app/tags/list -
		401 GET /v2/team/app/tags/list -
		401 GET /v2/public/app/tags/list ${alice_is%????}AAAA
	END
	while_reloaded ask_all all && says reloaded daemon.err && says_not "reload was taken" daemon.err && stop
'

done_testing
