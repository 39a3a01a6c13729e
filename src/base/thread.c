/*
 * Threads as the kernel sees them: proc_pid_stat(5), sched_getaffinity(2).
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/thread.h"

unsigned dd_processors(void)
{
	cpu_set_t set;
	long online;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	online = sysconf(_SC_NPROCESSORS_ONLN); /* more than the set has room for */
	return online > 0 ? (unsigned)online : 1;
}

enum dd_thread_state dd_thread_state(pid_t thread)
{
	char path[64], line[128];
	const char *state;
	ssize_t len;
	DD_AUTOCLOSE int fd = -1;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	if (len < 0)
		return DD_THREAD_WAITS;
	line[len] = '\0';
	/* "1234 (name) R …", and the name may hold anything. */
	state = strrchr(line, ')');
	if (!state || state[1] != ' ')
		return DD_THREAD_WAITS;
	return state[2] == 'R' ? DD_THREAD_READY :
	       state[2] == 'D' ? DD_THREAD_WAITS :
				 DD_THREAD_SLEEPS;
}

void dd_condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}
