#!/bin/bash
# Hundreds of collections beside a registry under load: what it acknowledged pulls whole afterwards.
# SOAK_CYCLES of them for each registry, with and without its cache; SOAK_SEED repeats a run.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/real/registry.sh
. "$e2e/real/registry.sh"

cycles=${SOAK_CYCLES:-30}
seed=${SOAK_SEED:-$(date +%s)}
RUN_LIMIT=$((300 + cycles * 10))

# soak CACHE [OPTION…]: what it did is in "counts", and shown if so many cycles were asked for.
soak() {
	registry_cache=$1
	mkdir vol && host=127.0.0.1:$(free_port) &&
		registry_config "$PWD/vol" "${host#*:}" >registry.yml &&
		run 0 "$top/tests/soak/run" --drydock "$DRYDOCK" --root "$PWD/vol" --work "$PWD" \
			--address "$host" --cycles "$cycles" --epoch "${SOAK_EPOCH:-15}" --kills \
			--seed "$seed" "${@:2}" -- "$registry" serve registry.yml >counts &&
		{ [ -z "${SOAK_CYCLES-}" ] || sed "s/^/# /" counts >&9; }
}

# counted WHAT…: each happened at least once.
counted() {
	local what
	for what; do
		says "^ *[1-9][0-9]* $what$" counts || return
	done
}

exec 9>&1
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
