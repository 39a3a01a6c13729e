/*
 * Starting a worker, and standing by until it has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "change/errand.h"
#include "serve/gate_end.h"
#include "serve/worker.h"

#define GATE_FD 3
#define FREE_FROM 16 /* descriptors from here on are never in the way of the worker's */
#define LINE 1000

struct worker {
	const struct dd_worker_options *options;
	const struct dd_work *work;
	struct dd_gate_end *gate;
	int gate_fd; /* ours */
	pid_t pid;
	bool caller_is_there, said_is_open, asked_to_end;
	char line[LINE + 1];
	size_t line_len;
};

/* ---- starting ---- */

static char **make_environment(const struct dd_work *work)
{
	static char gate[] = "DRYDOCK_GATE=3";
	char **environment = calloc(work->environment_count + 2, sizeof(*environment));
	size_t count = 0;

	if (!environment)
		return NULL;
	for (size_t i = 0; i < work->environment_count; i++)
		if (dd_errand_wants(work->environment[i]))
			environment[count++] = (char *)work->environment[i];
	environment[count] = gate;
	return environment;
}

static char **make_words(const struct dd_work *work)
{
	static char name[] = "drydock";
	char **words = calloc(work->word_count + 1, sizeof(*words));

	for (size_t i = 1; words && i < work->word_count; i++)
		words[i] = (char *)work->words[i];
	if (words)
		words[0] = name;
	return words;
}

/* Out of the way of the numbers that the worker will have. */
static int move_up(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, FREE_FROM);
}

static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;
	int sys;

	sigfillset(&all);
	sigemptyset(&none);
	sys = posix_spawnattr_setsigdefault(attributes, &all);
	if (!sys)
		sys = posix_spawnattr_setsigmask(attributes, &none);
	/* What a terminal sends to the daemon is not for the worker: the daemon asks it to end. */
	if (!sys)
		sys = posix_spawnattr_setpgroup(attributes, 0);
	if (!sys)
		sys = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF |
								   POSIX_SPAWN_SETSIGMASK |
								   POSIX_SPAWN_SETPGROUP);
	return sys;
}

static int set_actions(posix_spawn_file_actions_t *actions, const int streams[3], int gate,
		       int directory)
{
	int sys = 0;

	for (int i = 0; i < 3 && !sys; i++)
		sys = posix_spawn_file_actions_adddup2(actions, streams[i], i);
	if (!sys)
		sys = posix_spawn_file_actions_adddup2(actions, gate, GATE_FD);
	if (!sys && directory >= 0)
		sys = posix_spawn_file_actions_addfchdir_np(actions, directory);
	return sys;
}

/* 0 or an errno. */
static int spawn(struct worker *worker, const int streams[3], int gate, char **words,
		 char **environment)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int sys = posix_spawn_file_actions_init(&actions);

	if (sys)
		return sys;
	sys = posix_spawnattr_init(&attributes);
	if (!sys) {
		sys = set_attributes(&attributes);
		if (!sys)
			sys = set_actions(&actions, streams, gate, worker->work->directory);
		if (!sys)
			sys = posix_spawn(&worker->pid, worker->options->program, &actions,
					  &attributes, words, environment);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return sys;
}

static int start(struct worker *worker, struct dd_error *err)
{
	DD_AUTOFREE char **words = make_words(worker->work);
	DD_AUTOFREE char **environment = make_environment(worker->work);
	DD_AUTOCLOSE int input = move_up(worker->work->streams[0]);
	DD_AUTOCLOSE int output = move_up(worker->work->streams[1]);
	DD_AUTOCLOSE int talk = move_up(worker->work->streams[2]);
	DD_AUTOCLOSE int gate = -1;
	int pair[2], sys;

	if (!words || !environment)
		return dd_fail(err, DD_ENOMEM, 0, "start a worker");
	if (input < 0 || output < 0 || talk < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return dd_fail(err, DD_EIO, errno, "start a worker");
	worker->gate_fd = pair[0];
	gate = move_up(pair[1]);
	sys = gate < 0 ? errno : 0;
	close(pair[1]);
	if (!sys)
		sys = spawn(worker, (const int[]){ input, output, talk }, gate, words, environment);
	if (!sys)
		return 0;
	dd_fail(err, dd_code_of_errno(sys), sys, "start %s", worker->options->program);
	dd_hint(err, "drydockd looks for it beside itself; name it with --drydock");
	return dd_code_of_errno(sys);
}

/* ---- standing by ---- */

static void ask_to_end(struct worker *worker)
{
	if (!worker->asked_to_end)
		kill(worker->pid, SIGTERM);
	worker->asked_to_end = true;
}

static bool may_be_sent(int number)
{
	return number == SIGINT || number == SIGTERM || number == SIGHUP;
}

/* Whoever has gone without a word is not waiting for the result, and would have stopped it. */
static void hear_caller(struct worker *worker)
{
	struct dd_errand_signal message;
	ssize_t got = recv(worker->work->caller, &message, sizeof(message), MSG_DONTWAIT);

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got == sizeof(message) && may_be_sent(message.number)) {
		kill(worker->pid, message.number);
		return;
	}
	worker->caller_is_there = false;
	ask_to_end(worker);
}

static void end_line(struct worker *worker)
{
	worker->line[worker->line_len] = '\0';
	if (worker->line_len)
		worker->work->line(worker->work->arg, worker->line);
	worker->line_len = 0;
}

static void hear_what_is_said(struct worker *worker)
{
	char bytes[512];
	ssize_t got = read(worker->work->said, bytes, sizeof(bytes));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	worker->said_is_open = got > 0;
	for (ssize_t i = 0; i < got; i++) {
		if (bytes[i] == '\n' || worker->line_len == LINE)
			end_line(worker);
		if (bytes[i] != '\n')
			worker->line[worker->line_len++] = bytes[i];
	}
}

/* False once the worker has closed its gate, which it does by ending. */
static bool answer(struct worker *worker)
{
	struct dd_error err = { 0 };
	int rc = dd_gate_end_answer(worker->gate, &err);

	if (rc >= 0)
		return rc;
	dd_log(worker->options->ctx, DD_LOG_ERROR, "worker %ld: %s", (long)worker->pid, err.text);
	/* What it may be doing at this moment is not known; what is half done the next run ends. */
	kill(worker->pid, SIGKILL);
	return false;
}

static void stand_by(struct worker *worker)
{
	bool goes_on = true;

	while (goes_on) {
		struct pollfd watched[] = {
			{ .fd = worker->gate_fd, .events = POLLIN },
			{ .fd = worker->caller_is_there ? worker->work->caller : -1,
			  .events = POLLIN },
			{ .fd = worker->said_is_open ? worker->work->said : -1, .events = POLLIN },
			{ .fd = worker->asked_to_end ? -1 : worker->options->stop_fd,
			  .events = POLLIN },
		};

		if (poll(watched, DD_COUNT(watched), -1) < 0)
			continue;
		if (watched[1].revents)
			hear_caller(worker);
		if (watched[2].revents)
			hear_what_is_said(worker);
		if (watched[3].revents)
			ask_to_end(worker);
		if (watched[0].revents)
			goes_on = answer(worker);
	}
}

/* The last words of a process that has ended. */
static void hear_the_rest(struct worker *worker)
{
	struct pollfd said = { .fd = worker->work->said, .events = POLLIN };

	while (worker->said_is_open && poll(&said, 1, 0) > 0)
		hear_what_is_said(worker);
	end_line(worker);
}

int dd_worker_run(const struct dd_worker_options *options, const struct dd_work *work, int *status,
		  struct dd_error *err)
{
	struct worker worker = { .options = options,
				 .work = work,
				 .gate_fd = -1,
				 .caller_is_there = work->caller >= 0,
				 .said_is_open = work->said >= 0 };
	int rc = start(&worker, err);

	if (rc == 0)
		rc = dd_gate_end_open(options->watch, options->store, worker.gate_fd, &worker.gate,
				      err);
	if (rc == 0)
		stand_by(&worker);
	else if (worker.pid)
		kill(worker.pid, SIGTERM);
	if (worker.gate_fd >= 0)
		close(worker.gate_fd);
	if (worker.pid)
		while (waitpid(worker.pid, status, 0) < 0 && errno == EINTR)
			;
	/* Not before it is dead: until then it may take what it was granted. */
	dd_gate_end_closep(&worker.gate);
	if (work->line)
		hear_the_rest(&worker);
	return rc;
}
