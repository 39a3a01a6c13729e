/*
 * A command after a run.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "post_exec.h"

static int set(const char *name, const char *value)
{
	return setenv(name, value, 1) < 0 ? errno : 0;
}

static int set_number(const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return set(name, text);
}

/* An errno. DRYDOCK_ROOT is what leads a drydock in the command to the same volume. */
static int set_environment(const struct tool *tool, const struct dd_gc_plan *plan, int status)
{
	const struct dd_gc_totals *totals = &plan->totals;
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "DRYDOCK_STATUS", (uint64_t)status },
		{ "DRYDOCK_WITHDRAWN_ITEMS", totals->withdrawn_items },
		{ "DRYDOCK_WITHDRAWN_BYTES", totals->withdrawn_bytes },
		{ "DRYDOCK_FREED_BYTES", totals->freed_bytes },
		{ "DRYDOCK_REVIVED_ITEMS", totals->revived_items },
		{ "DRYDOCK_SKIPPED_ITEMS", totals->skipped_items },
		{ "DRYDOCK_LEASED_ITEMS", totals->leased_items },
		{ "DRYDOCK_LEFT_ITEMS", totals->left_items },
		{ "DRYDOCK_PURGED", plan->purged },
	};
	char command[32];
	int sys = set("DRYDOCK_ROOT", dd_store_get_root(tool->store));

	snprintf(command, sizeof(command), "%.*s", (int)strcspn(tool->command, " "), tool->command);
	if (!sys)
		sys = set("DRYDOCK_COMMAND", command);
	if (!sys)
		sys = set("DRYDOCK_RUN", plan->run);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers) && !sys; i++)
		sys = set_number(numbers[i].name, numbers[i].value);
	return sys;
}

/* The result is on standard output, and a crontab has no standard input worth reading. */
static _Noreturn void become(const char *command)
{
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (nothing >= 0)
		dup2(nothing, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static int judge(const char *command, int ended, struct dd_error *err)
{
	if (WIFSIGNALED(ended))
		return dd_fail(err, DD_EIO, 0, "--post-exec \"%.300s\": ended by signal %d (%s)",
			       command, WTERMSIG(ended), strsignal(WTERMSIG(ended)));
	if (WEXITSTATUS(ended))
		return dd_fail(err, DD_EIO, 0, "--post-exec \"%.300s\": ended with status %d",
			       command, WEXITSTATUS(ended));
	return 0;
}

int post_exec(const struct tool *tool, const char *command, const struct dd_gc_plan *plan,
	      int status, struct dd_error *err)
{
	int sys, ended, rc;
	pid_t child;

	if (!plan->applied || !plan->totals.withdrawn_items)
		return 0;
	sys = set_environment(tool, plan, status);
	if (sys)
		return dd_fail(err, DD_ENOMEM, sys, "--post-exec: make its environment");
	/* Whoever started us may have it ignored, and then nobody could be waited for. */
	signal(SIGCHLD, SIG_DFL);
	fflush(stderr);
	child = fork();
	if (child == 0)
		become(command);
	if (child < 0)
		return dd_fail(err, dd_code_of_errno(errno), errno, "--post-exec: start it");
	while (waitpid(child, &ended, 0) < 0)
		if (errno != EINTR)
			return dd_fail(err, DD_EIO, errno, "--post-exec: wait for it");
	rc = judge(command, ended, err);
	if (rc < 0)
		dd_hint(err, "the collection itself is whole; until the registry forgets what it "
			     "remembers it may answer for what went: drydock(1), SAFETY");
	return rc;
}
