#!/bin/bash
# drydockd and Docker.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "${0%/*}/serve.sh"
# shellcheck source=tests/e2e/real/clients.sh
. "$e2e/real/clients.sh"

need_registry2
need_root
need_command docker dockerd busybox jq openssl

# docker_push NAME, docker_pull NAME: an image of two layers, the lower of which all share.
docker_push() {
	local container
	archive_rootfs | docker import - base >&7 &&
		container=$(docker create base /bin/sh) &&
		docker cp rootfs/etc/motd "$container:/$1" &&
		docker commit "$container" "$host/docker/app:$1" >"$1.id" &&
		docker rm "$container" >&7 && docker push "$host/docker/app:$1" >&7
}

docker_pull() {
	docker_forget && docker pull "$host/docker/app:$1" >&7 &&
		docker image inspect --format '{{.Id}}' "$host/docker/app:$1" >got &&
		same "$1.id" got && docker_rootfs "$host/docker/app:$1" && same_rootfs rootfs.tar &&
		tar -xOf rootfs.tar "$1" | cmp - rootfs/etc/motd
}

test_case 'a busybox is imported, pushed, removed and pulled, and the volume shows it' '
	docker_start && serve vol && make_rootfs &&
	ref=localhost:${host##*:}/my_library/my_busybox:1.0 &&
	archive_rootfs | docker import --change "CMD [\"/bin/sh\"]" - busybox:latest >id &&
	docker tag busybox:latest "$ref" && docker push "$ref" >pushed &&
	digest=$(grep -o "sha256:[0-9a-f]*" pushed | tail -n 1) &&
	docker rmi "$ref" busybox:latest >&7 && run 1 docker image inspect "$ref" >&7 &&
	docker pull "$ref" >pulled && says "Digest: $digest" pulled &&
	docker image inspect --format "{{.Id}}" "$ref" >again && same id again &&
	docker_rootfs "$ref" && same_rootfs rootfs.tar &&
	run 0 drydock tree --root vol >tree && cat tree >&7 &&
	says "my_library/my_busybox" tree && says "1\.0 .*${digest:7:12}" tree &&
	stop && run 0 drydock verify --root vol >&7
'

test_case 'what docker pushed to it or to docker-registry it pulls from both' '
	docker_start && make_rootfs && both_ways docker
'

test_case 'docker logs in with a password, over TLS, and without it gets nothing' '
	docker_start && make_rootfs && serve_guarded && ref=$host/my/app:1 &&
	archive_rootfs | docker import - "$ref" >id &&
	run 1 docker push "$ref" 2>refused && says "no basic auth credentials" refused &&
	echo wrong >password && run 1 docker login -u alice --password-stdin "$host" <password \
		2>refused && says "unauthorized" refused &&
	echo wonder >password && run 0 docker login -u alice --password-stdin "$host" <password >&7 &&
	docker push "$ref" >&7 && docker_forget && docker pull "$ref" >&7 &&
	docker image inspect --format "{{.Id}}" "$ref" >again && same id again &&
	docker logout "$host" >&7 && docker_forget && run 1 docker pull "$ref" >&7 2>&7 &&
	[ -z "$(docker image ls --quiet)" ]
'

test_case 'docker pushes again what was collected, and pulls it whole' '
	docker_start && make_rootfs && serve vol && docker_push first && docker_push second &&
	docker_forget && docker pull "$host/docker/app:first" >&7 && stop && age vol everything 2d &&
	run 0 drydock rm --root vol docker/app:first docker/app:second --apply >&7 &&
	run 0 collect vol -m && run 0 trash empty --apply >&7 &&
	[ -z "$(find vol/docker/registry/v2/blobs -name data)" ] && serve vol &&
	docker tag "$(cat first.id)" "$host/docker/app:first" &&
	docker push "$host/docker/app:first" >&7 && docker_pull first
'

done_testing
