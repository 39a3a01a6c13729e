/*
 * The same tests once more where the kernel has no openat2(2), which all of the store's paths go
 * through: the program runs itself with the call forbidden.
 */
#ifndef UNIT_OLD_KERNEL_H
#define UNIT_OLD_KERNEL_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define WITHOUT "DRYDOCK_TEST_WITHOUT_OPENAT2"

static bool forbid_openat2(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { DD_COUNT(code), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
	       syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0) < 0 && errno == ENOSYS;
}

static void an_old_kernel_makes_no_difference(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (getenv(WITHOUT))
		return;
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		setenv(WITHOUT, "1", 1);
		execl("/proc/self/exe", "without openat2", (char *)NULL);
		_exit(126);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 125)
		skip(); /* no filter can be set here */
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* At the beginning of main(): whether the tests can run. Else it ends with 125. */
static bool is_kernel_ready(void)
{
	return !getenv(WITHOUT) || forbid_openat2();
}

#endif
