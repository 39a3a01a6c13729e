# shellcheck shell=bash
# Clients at the daemon: those that are built, engines with a home of their own, and the same
# exchange between both servers on one volume for all of them.

# need_program NAME…: they are found by these names; with the caches of whoever runs us.
need_program() {
	local name path
	for name; do
		path=$(BUILD=$BUILD HOME=$real_home "$top/script/go-program" "$name" 2>"$work/why") ||
			skip "$(tail -n 1 "$work/why")"
		ln -sf "$path" "$work/bin/$name"
	done
}

# both_ways CLIENT: what CLIENT_push put into either server, CLIENT_pull gets from both, and
# nothing of it was damaged or strange to us.
both_ways() {
	serve vol && "$1_push" ours && "$1_pull" ours && stop &&
		registry_start vol && "$1_pull" ours && "$1_push" theirs && "$1_pull" theirs &&
		served before && registry_stop &&
		serve vol && "$1_pull" theirs && "$1_pull" ours && served after && same before after &&
		[ -s after ] && stop && run 0 drydock verify --root vol >&7 &&
		run 0 plan vol --json >plan && nothing_held plan
}

# platform_layers TEXT: what push_index wants to find.
platform_layers() {
	local name
	for name in base amd64 arm64 attestation; do
		make_layer "$name" "the layer called $name of $1" || return
	done
}

# make_rootfs: "rootfs", a system of one program, that says who made it.
make_rootfs() {
	need_command busybox
	mkdir -p rootfs/bin rootfs/etc && cp "$(command -v busybox)" rootfs/bin/busybox &&
		ln -sf busybox rootfs/bin/sh && echo "${1:-busybox}" >rootfs/etc/motd
}

# Root's, whoever runs us: others are unknown in an ordinary user's namespace.
archive_rootfs() {
	tar -C rootfs --owner=0 --group=0 --numeric-owner -c .
}

# same_rootfs ARCHIVE: it holds all of it.
same_rootfs() {
	rm -rf unpacked && mkdir unpacked && tar -C unpacked -xf "$1" &&
		diff -r rootfs/bin unpacked/bin >&7 &&
		same rootfs/etc/motd unpacked/etc/motd
}

# make_certificate: "ca.crt" and "server.key", for the loopback.
make_certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout server.key -out ca.crt -days 2 \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>&7
}

# serve_guarded: with TLS, and a password that is "wonder" for "alice".
serve_guarded() {
	make_certificate && mkdir -p vol &&
		echo 'alice:$2y$04$AXq0jBV/PVWd32ssMB91OuFdCcA3sRnfM717kUJNu9rtq4YKmFsMS' >users &&
		cat >config.yml <<-END && serve_config config.yml
			version: 0.1
			storage: {filesystem: {rootdirectory: $PWD/vol}, delete: {enabled: true}}
			http: {tls: {certificate: $PWD/ca.crt, key: $PWD/server.key}}
			auth: {htpasswd: {realm: here, path: $PWD/users}}
		END
}

# serve_deleting: as "serve vol", and deletion is allowed.
serve_deleting() {
	export REGISTRY_STORAGE_DELETE_ENABLED=true
	serve vol
}

# docker_start: a daemon, as long as the case runs; "docker" speaks to it.
docker_start() {
	need_root && need_mounted_root && need_command dockerd docker busybox || return
	export DOCKER_HOST=unix://$PWD/docker.sock DOCKER_CONFIG=$PWD/docker.home
	RUN_LIMIT=300 start engine dockerd --bridge=none --iptables=false --ip6tables=false \
		--storage-driver=vfs --data-root "$PWD/docker.data" --exec-root "$PWD/docker.run" \
		-p "$PWD/docker.pid" -H "$DOCKER_HOST" &&
		on_exit docker_stop && wait_until docker_answers_or_died && [ ! -e engine.status ] && return
	skip "dockerd does not run here: $(tail -n 1 engine.err | tr -d '#' | cut -c 1-200)"
}

docker_answers_or_died() {
	docker version >/dev/null || test -e engine.status
}

# By its own way out, which takes its mounts and the daemon below it along.
docker_stop() {
	[ -e engine.status ] || kill "$(cat engine.pid)"
	wait_until test -e engine.status
} 2>/dev/null

# docker_forget: every image, so that a pull has to fetch all.
docker_forget() {
	docker image prune --all --force >&7 && [ -z "$(docker image ls --all --quiet)" ]
}

# docker_rootfs REF: what an image of this name has, as "rootfs.tar".
docker_rootfs() {
	local container
	container=$(docker create "$1" /bin/sh) && docker export "$container" >rootfs.tar &&
		docker rm "$container" >&7
}
