#!/bin/bash
# links that docker-registry wrote: an alias, a tag, a revision, all layers
# shellcheck source=tests/damaged/lib.sh
. "${0%/*}/lib.sh"
make_real
printf %s "$strong" >"$(layer_link "$vol" strong/app "$strong")"
: >"$(current_link "$vol" app:v1)"
rm -r "$(dirname "$(revision_link "$vol" app "$beside")")"
rm -r "$(repository_dir "$vol" app)/_layers"
expect status 1
expect hold "strong/app $strong"
# shellcheck disable=SC2046
expect keep "$image" $(image_parts)
unresolved strong/app "$strong"
mended link-empty app v1 "$(below "$(current_link "$vol" app:v1)")"
mended revision-unlinked app v2 "$beside"
for layer in "$base" "$one" "$two" "$config" "$beside_config"; do
	mended layer-unlinked app - "$layer"
done
