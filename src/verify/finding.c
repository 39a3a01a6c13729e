/*
 * The table of findings, for whoever asks.
 */
#include <string.h>

#include <drydock/finding.h>

#include "base/cleanup.h"
#include "verify/verify.h"

static const struct {
	const char *name;
	enum dd_severity severity;
	const char *text, *repair;
} findings[] = {
#define X(constant, name, severity, text, repair) [constant] = { name, severity, text, repair },
	DD_FINDINGS(X)
#undef X
};

static const struct {
	const char *name, *one, *many;
} severities[] = {
#define X(constant, name, one, many) [constant] = { name, one, many },
	DD_SEVERITIES(X)
#undef X
};

const char *dd_finding_name(enum dd_finding finding)
{
	return findings[finding].name;
}

enum dd_severity dd_finding_severity(enum dd_finding finding)
{
	return findings[finding].severity;
}

const char *dd_finding_text(enum dd_finding finding)
{
	return findings[finding].text;
}

const char *dd_finding_repair(enum dd_finding finding)
{
	return findings[finding].repair;
}

int dd_finding_parse(const char *name)
{
	for (size_t i = 0; i < DD_COUNT(findings); i++)
		if (!strcmp(findings[i].name, name))
			return (int)i;
	return -1;
}

const char *dd_severity_name(enum dd_severity severity)
{
	return severities[severity].name;
}

const char *dd_severity_word(enum dd_severity severity, bool many)
{
	return many ? severities[severity].many : severities[severity].one;
}

unsigned dd_verify_felt(enum dd_finding finding)
{
	switch (finding) {
	/* Who names another digest goes by that one's link. */
	case DD_FOUND_LAYER_UNLINKED:
	case DD_FOUND_LINK_EMPTY:
	case DD_FOUND_LINK_MALFORMED:
	case DD_FOUND_LINK_OTHER:
	case DD_FOUND_LINK_UNREADABLE:
	case DD_FOUND_ALIAS_UNRESOLVED:
		return DD_SCOPE_NAMED;
	/* As a layer it serves. */
	case DD_FOUND_MANIFEST_INVALID:
	case DD_FOUND_MANIFEST_UNKNOWN:
	case DD_FOUND_MANIFEST_TOO_BIG:
		return DD_SCOPE_MANIFEST;
	default:
		return DD_SCOPE_BEHIND | DD_SCOPE_NAMED | DD_SCOPE_MANIFEST;
	}
}
