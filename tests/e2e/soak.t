#!/bin/bash
# Hundreds of collections beside a registry under load: what it acknowledged pulls whole afterwards.
# SOAK_CYCLES of them for each registry, with and without its cache; SOAK_SEED repeats a run.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/real/registry.sh
. "$e2e/real/registry.sh"
# shellcheck source=tests/e2e/serve.sh
. "$e2e/serve.sh"

cycles=${SOAK_CYCLES:-30}
seed=${SOAK_SEED:-$(date +%s)}
RUN_LIMIT=$((300 + cycles * 10))

# What it did is in "counts", and shown if so many cycles were asked for; what went wrong in any case.
soaked() {
	run 0 "$top/tests/soak/run" --drydock "$DRYDOCK" --root "$PWD/vol" --work "$PWD" \
		--address "$host" --cycles "$cycles" --epoch "${SOAK_EPOCH:-15}" --kills \
		--seed "$seed" "$@" >counts || { cat counts >&7; return 1; }
	[ -z "${SOAK_CYCLES-}" ] || sed "s/^/# /" counts >&9
}

# soak CACHE [OPTION…]
soak() {
	registry_cache=$1
	mkdir vol && host=127.0.0.1:$(free_port) &&
		registry_config "$PWD/vol" "${host#*:}" >registry.yml &&
		soaked "${@:2}" -- "$registry" serve registry.yml
}

# counted WHAT…: each happened at least once.
counted() {
	local what
	for what; do
		says "^ *[1-9][0-9]* $what$" counts || return
	done
}

# The daemon, by a lease of seconds, collecting without grace all the time.
soak_daemon() {
	mkdir vol && host=127.0.0.1:$(free_port) && cat >drydockd.yml <<-END &&
		version: 0.1
		storage: {filesystem: {rootdirectory: $PWD/vol}, delete: {enabled: true}}
		http: {addr: "$host"}
		drydock: {lease: 3s}
	END
		soaked --exact --lease 3 --graces 0 --writers 5 --deletes-tags \
			-- "$DRYDOCKD" --config drydockd.yml --no-access-log
}

exec 9>&1
test_case "drydockd: it collects while it serves: no push is refused, no pull broken, nothing lost" "
	soak_daemon && counted cycles pushes retags withdrawn leased deletions \"pulls verified\" \
		\"pulls meanwhile\"
"

for cache in "" inmemory; do
	title="collections beside pushes, mounts, retags and deletions lose nothing that was acknowledged"
	title+=${cache:+, though it remembers what is gone}
	done='cycles pushes retags withdrawn "pulls verified"'

	test_case "registry 2: $title" "need_registry2 && soak '$cache' && counted $done"
	test_case "registry 3: $title" "
		need_registry3 && soak '$cache' --deletes-tags && counted $done
	"
done

done_testing
