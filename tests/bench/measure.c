/*
 * Runs a program and says what it took: wall time from before the fork until
 * it is reaped, and its peak resident memory. That is why this is a program of
 * its own: a child's peak starts from what its parent held when it was made,
 * and this parent holds next to nothing.
 *
 * usage: measure RESULT COMMAND [ARGUMENT...]
 * writes "<seconds> <peak kilobytes> <exit status>" to the file RESULT.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

int main(int argc, char **argv)
{
	struct timespec start;
	struct rusage usage;
	double seconds;
	int status;
	FILE *result;
	pid_t child;

	if (argc < 3)
		errx(2, "usage: measure RESULT COMMAND [ARGUMENT...]");
	clock_gettime(CLOCK_MONOTONIC, &start);
	child = fork();
	if (child < 0)
		err(3, "cannot fork");
	if (child == 0) {
		execvp(argv[2], argv + 2);
		err(127, "cannot run %s", argv[2]);
	}
	if (wait4(child, &status, 0, &usage) < 0)
		err(3, "cannot wait for %s", argv[2]);
	seconds = seconds_since(&start);
	result = fopen(argv[1], "we");
	if (!result ||
	    fprintf(result, "%.6f %ld %d\n", seconds, usage.ru_maxrss,
		    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)) < 0 ||
	    fclose(result) != 0)
		err(3, "cannot write %s", argv[1]);
	return 0;
}
