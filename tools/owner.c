/*
 * Handing over to the daemon that serves the volume, or being its worker.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drydock/gate.h>
#include <drydock/owner.h>

#include "cleanup.h"
#include "owner.h"
#include "progress.h"

#define VARIABLE "DRYDOCK_GATE"

static int gate_fd = -1;

extern char **environ;

void owner_begin(void)
{
	const char *text = getenv(VARIABLE);

	/* One digit: whoever starts a worker chooses it. What it is, is looked at when it is used. */
	if (text && text[0] >= '3' && text[0] <= '9' && !text[1] &&
	    fcntl(text[0] - '0', F_SETFD, FD_CLOEXEC) == 0)
		gate_fd = text[0] - '0';
	unsetenv(VARIABLE);
}

static int enter_gate(struct tool *tool, struct dd_error *err)
{
	int rc = dd_gate_connect(gate_fd, tool->store, &tool->gate, err);

	gate_fd = -1;
	if (rc == 0)
		dd_store_set_gate(tool->store, dd_gate_socket_get(tool->gate));
	return rc;
}

/* As the command ended; by a signal: by that one. */
static _Noreturn void end_like(int status)
{
	sigset_t all;

	if (WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		sigfillset(&all);
		sigprocmask(SIG_UNBLOCK, &all, NULL);
		raise(WTERMSIG(status));
		_exit(128 + WTERMSIG(status));
	}
	_exit(WEXITSTATUS(status));
}

/* From here on they are read, and passed on; one that came before has been asked for already. */
static int take_signals(sigset_t *before)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, before);
	return signalfd(-1, &ends, SFD_CLOEXEC);
}

static size_t count_variables(void)
{
	size_t count = 0;

	while (environ[count])
		count++;
	return count;
}

static int hand_over(struct tool *tool, struct dd_error *err)
{
	struct dd_errand errand = { .words = tool->arguments,
				    .word_count = tool->argument_count,
				    .environment = (const char *const *)environ,
				    .environment_count = count_variables(),
				    .streams = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO } };
	int signals, status, rc;
	sigset_t before;

	errand.directory = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (errand.directory < 0)
		return dd_fail(err, dd_code_of_errno(errno), errno, "open the directory we are in");
	progress_stop(&tool->bar);
	signals = take_signals(&before);
	rc = dd_context_check(tool->ctx, err);
	if (rc == 0)
		rc = dd_owner_hand_over(tool->store, &errand, signals, &status, err);
	if (rc == 0)
		end_like(status);
	close(errand.directory);
	if (signals >= 0)
		close(signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int owner_settle(struct tool *tool, struct dd_error *err)
{
	char who[DD_HOLDER_TEXT];
	bool owned;
	int rc;

	if (gate_fd >= 0)
		return enter_gate(tool, err);
	rc = dd_owner_look(tool->store, &owned, who, err);
	if (rc < 0 || !owned)
		return rc;
	dd_log(tool->ctx, DD_LOG_NOTE, "the volume is served by %s, which carries this out", who);
	return hand_over(tool, err);
}
