#!/bin/bash
# Against the distribution registry 3.1.1, where it can be built.
# shellcheck source=tests/e2e/lib.sh
. "${0%/*}/lib.sh"
# shellcheck source=tests/e2e/real/registry.sh
. "$e2e/real/registry.sh"
# shellcheck source=tests/e2e/real/content.sh
. "$e2e/real/content.sh"
# shellcheck source=tests/e2e/sizes.sh
. "$e2e/sizes.sh"
# shellcheck source=tests/e2e/real/suite.sh
. "$e2e/real/suite.sh"

need_registry3
real_suite 'registry 3'

test_case 'registry 3: indexes with --delete-untagged, as the reference collects' '
	agrees indexes -m
'

test_case 'registry 3: an image whose tag was deleted through the API goes with --delete-untagged' '
	take common && registry_start vol && digest=$(api_digest docker/app:v2) &&
	api DELETE docker/app/manifests/v2 && registry_stop &&
	take common reference && rm -r "$(tag_dir reference docker/app:v2)" &&
	reference_gc reference -m &&
	run 0 collect vol -m && blobs_gone vol "$digest" && blob_list vol >ours &&
	blob_list reference >theirs && same theirs ours &&
	registry_start vol && served list && says_not "^docker/app v2 " list &&
	says "^docker/app v1 " list
'

done_testing
