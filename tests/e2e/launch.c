/*
 * Runs one command with a time limit and tells an exit status from a death by signal, which a shell
 * cannot: both look like 130 to it.
 *
 *   launch [-l SECONDS] [-p PIDFILE] [-s STATUSFILE] -- COMMAND [ARGUMENT…]
 *
 * The verdict is "exit N", "signal N" or "timeout"; it goes to STATUSFILE if one is given, else to file
 * descriptor 3. Our own status is 0 once a command ran.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t timed_out;
static volatile pid_t child;

static void die(const char *what)
{
	fprintf(stderr, "launch: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* A name that appears complete or not at all: others wait for these files. */
static void put(const char *path, const char *text)
{
	char fresh[4096];
	FILE *out;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	out = fopen(fresh, "we");
	if (!out || fprintf(out, "%s\n", text) < 0 || fclose(out) != 0 || rename(fresh, path) != 0)
		die(path);
}

static void run(char **command)
{
	/*
	 * A group of its own, so that a time-out ends what it started, too; and a shell starts what
	 * runs in the background with these ignored.
	 */
	setpgid(0, 0);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	close(3);
	execvp(command[0], command);
	fprintf(stderr, "launch: %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

static void on_alarm(int number)
{
	(void)number;
	timed_out = 1;
	kill(-child, SIGKILL);
}

static void on_end(int number)
{
	(void)number;
	kill(-child, SIGKILL);
	_exit(1);
}

int main(int argc, char **argv)
{
	const char *pid_file = NULL, *status_file = NULL;
	char text[32];
	unsigned limit = 60;
	int option, status;

	while ((option = getopt(argc, argv, "+l:p:s:")) != -1) {
		if (option == 'l')
			limit = (unsigned)atoi(optarg);
		else if (option == 'p')
			pid_file = optarg;
		else if (option == 's')
			status_file = optarg;
		else
			return 2;
	}
	if (!argv[optind]) {
		fprintf(stderr, "launch: no command\n");
		return 2;
	}

	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0)
		run(argv + optind);
	/* Whoever of the two comes first; a signal to the group must find it. */
	setpgid(child, child);
	signal(SIGALRM, on_alarm);
	signal(SIGINT, on_end);
	signal(SIGTERM, on_end);
	if (pid_file) {
		snprintf(text, sizeof(text), "%d", (int)child);
		put(pid_file, text);
	}
	alarm(limit);
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			die("waitpid");
	}
	alarm(0);

	if (timed_out)
		strcpy(text, "timeout");
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "exit %d", WEXITSTATUS(status));
	if (status_file)
		put(status_file, text);
	else if (dprintf(3, "%s\n", text) < 0)
		die("descriptor 3");
	return 0;
}
