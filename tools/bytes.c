/*
 * Bytes of a blob.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <drydock/show.h>

#include "bytes.h"

int bytes_parse(struct dd_reference *reference, const char *word, struct dd_error *err)
{
	int rc = dd_reference_parse(reference, word, err);

	if (rc < 0 || reference->tag[0] || reference->digest[0])
		return rc;
	rc = dd_fail(err, DD_EUSAGE, 0, "\"%.400s\" is a repository as a whole", word);
	dd_hint(err,
		"write REPO:TAG, REPO@sha256:… or sha256:…; 'drydock tree REPO' shows all of it");
	return rc;
}

/* By the descriptor: a blob may be large, and why it could not be written is to be said once. */
static int put(void *arg, const void *bytes, size_t len)
{
	int *sys = arg;

	while (len) {
		ssize_t written = write(STDOUT_FILENO, bytes, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return *sys = errno;
		bytes = (const char *)bytes + written;
		len -= (size_t)written;
	}
	return 0;
}

int bytes_print(struct tool *tool, const struct dd_reference *reference, struct dd_error *err)
{
	int sys = 0, rc;

	tool_results(tool);
	rc = dd_cat(tool->ctx, tool->store, reference, put, &sys, err);
	/* As everybody ends whom nobody listens to. */
	if (sys == EPIPE) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	if (sys)
		return dd_fail(err, dd_code_of_errno(sys), sys, "write the result");
	return tool_named(rc);
}
