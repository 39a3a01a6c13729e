#!/bin/bash
# Against docker-registry 2.8, as Debian has it.
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

need_registry2
real_suite 'registry 2'

# The reference collects all of these wrongly: what it leaves is no measure.
test_case 'registry 2: the children of an index survive --delete-untagged' '
	take indexes && run 0 collect vol -m && serves_all indexes
'

done_testing
