/*
 * The table of findings, for whoever asks.
 */
#include <string.h>

#include <drydock/finding.h>

#include "base/cleanup.h"

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
