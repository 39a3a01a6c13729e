/*
 * The same tests once more where the kernel lacks a call: the program runs itself with the call
 * forbidden. All of the store's paths go through openat2(2), and many looks through what open_tree(2)
 * makes, for which a service that is hemmed in may be killed.
 */
#ifndef UNIT_OLD_KERNEL_H
#define UNIT_OLD_KERNEL_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define WITHOUT "DRYDOCK_TEST_WITHOUT"

static const struct {
	const char *name;
	unsigned number, fate;
} old_calls[] = {
	{ "openat2", SYS_openat2, SECCOMP_RET_ERRNO | ENOSYS },
	{ "open_tree", SYS_open_tree, SECCOMP_RET_KILL_PROCESS },
};

static bool forbid(unsigned number, unsigned fate)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, fate),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { DD_COUNT(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return false;
	return fate == SECCOMP_RET_KILL_PROCESS ||
	       (syscall(number, AT_FDCWD, "/", NULL, 0) < 0 &&
		errno == (int)(fate & SECCOMP_RET_DATA));
}

static int run_without(const char *call)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		setenv(WITHOUT, call, 1);
		execl("/proc/self/exe", "without", (char *)NULL);
		_exit(126);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void an_old_kernel_makes_no_difference(void **state)
{
	(void)state;
	for (size_t i = 0; i < DD_COUNT(old_calls) && !getenv(WITHOUT); i++) {
		int status = run_without(old_calls[i].name);

		if (status == 125)
			skip(); /* no filter can be set here */
		if (status)
			fail_msg("without %s: status %d", old_calls[i].name, status);
	}
}

/* At the beginning of main(): whether the tests can run. Else it ends with 125. */
static bool is_kernel_ready(void)
{
	const char *without = getenv(WITHOUT);

	for (size_t i = 0; i < DD_COUNT(old_calls) && without; i++)
		if (!strcmp(old_calls[i].name, without))
			return forbid(old_calls[i].number, old_calls[i].fate);
	return true;
}

#endif
