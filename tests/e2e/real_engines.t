#!/bin/bash
# Images that docker and podman push, where they run.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/real/registry.sh
. "$e2e/real/registry.sh"
# shellcheck source=tests/e2e/real/content.sh
. "$e2e/real/content.sh"
# shellcheck source=tests/e2e/real/clients.sh
. "$e2e/real/clients.sh"

need_registry2

# need_engine NAME: docker with a daemon of the case's own, podman as it is here.
need_engine() {
	engine=$1 push=(push)
	need_mounted_root
	if [ "$engine" = docker ]; then
		docker_start
		return
	fi
	need_command "$engine" && push=(push --tls-verify=false)
	HOME=$real_home timeout 60 "$engine" info >"$work/engine" 2>&1 || skip \
		"$engine does not run here"
}

# engine_push TEXT TAG: an image of one layer.
engine_push() {
	make_layer "$2" "$1" &&
	HOME=$real_home "$engine" import "$2.tar" "$host/$engine/app:$2" >&7 2>&7 &&
		on_exit "HOME=$real_home $engine rmi -f $host/$engine/app:$2 >/dev/null 2>&1" &&
		HOME=$real_home "$engine" "${push[@]}" "$host/$engine/app:$2" >&7 2>&7
}

for name in docker podman; do
	test_case "what $name pushed is served whole after a collection" "
		need_engine $name && registry_start vol && engine_push 'first' v1 &&
		engine_push 'second' v2 &&
		served before && [ \"\$(wc -l <before)\" = 2 ] &&
		doomed=\$(api_digest $name/app:v2) &&
		api_delete_manifest $name/app \"\$doomed\" && registry_stop &&
		run 0 collect vol -m && blobs_gone vol \"\$doomed\" &&
		registry_start vol && served after && grep ' v1 ' before >expected &&
		same expected after && served_to_skopeo $name/app:v1
	"
done

done_testing
