/*
 * trap.h - turns the calls of calls.h into SIGSYS, and keeps it deliverable.
 */
#ifndef CRASH_TRAP_H
#define CRASH_TRAP_H

#include "calls.h"
#include "gate.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>

#ifndef SA_RESTORER
#define SA_RESTORER 0x04000000
#endif
#define SIGSYS_BIT (1UL << (SIGSYS - 1))

/*
 * A trapped call with SIGSYS blocked is death, and programs block all signals
 * in their threads. So the mask is kept here: in what the handler returns to.
 */
static long change_mask(ucontext_t *uc, const long a[6])
{
	unsigned long *mask = (unsigned long *)&uc->uc_sigmask;
	unsigned long old = *mask, set;

	if (a[1] != 0) {
		set = *(const unsigned long *)a[1] & ~SIGSYS_BIT;
		if (a[0] == SIG_BLOCK)
			*mask |= set;
		else if (a[0] == SIG_UNBLOCK)
			*mask &= ~set;
		else if (a[0] == SIG_SETMASK)
			*mask = set;
		else
			return -EINVAL;
	}
	if (a[2] != 0)
		*(unsigned long *)a[2] = old;
	return 0;
}

struct kernel_action {
	unsigned long handler, flags, restorer, mask;
};

static long change_action(const long a[6])
{
	long safe[6] = { a[0], a[1], a[2], a[3] };
	struct kernel_action action;

	if (a[0] == SIGSYS)
		return 0;
	if (a[1] != 0) {
		action = *(const struct kernel_action *)a[1];
		action.mask &= ~SIGSYS_BIT;
		safe[1] = (long)&action;
	}
	return gate_call(SYS_rt_sigaction, safe);
}

static const struct call *call_of(int nr)
{
	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].nr == nr)
			return &calls[i];
	return NULL;
}

/*
 * By the kernel's own call: a sanitizer puts itself before the C library's. All
 * other signals wait, so that none finds a lock held inside the handler.
 */
static void set_handler(void (*handler)(int, siginfo_t *, void *))
{
	struct kernel_action action = { (unsigned long)(uintptr_t)handler, SA_SIGINFO | SA_NODEFER,
					CRASH_RESTORER, ~SIGSYS_BIT };

	if (action.restorer != 0)
		action.flags |= SA_RESTORER;
	if (crash_gate(SYS_rt_sigaction, SIGSYS, (long)&action, 0, sizeof(action.mask), 0, 0) != 0)
		abort();
}

static void set_filter(void)
{
	uint64_t gate = (uint64_t)(uintptr_t)crash_gate_return;
	struct sock_filter code[9 + 2 * CALLS];
	struct sock_fprog program = { 0, code };
	unsigned short n = 0;

#define LOAD(field) \
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(field))
#define IF_NOT(value, skip)                                                                       \
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, \
						 (skip))
#define RETURN(what) code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (what))

	/* Another machine's calls (32 bits) have other numbers: this program makes none. */
	LOAD(offsetof(struct seccomp_data, arch));
	IF_NOT(CRASH_AUDIT_ARCH, 4);
	LOAD(offsetof(struct seccomp_data, instruction_pointer));
	IF_NOT(gate, 3);
	LOAD(offsetof(struct seccomp_data, instruction_pointer) + 4);
	IF_NOT(gate >> 32, 1);
	RETURN(SECCOMP_RET_ALLOW);
	LOAD(offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CALLS; i++) {
		IF_NOT(calls[i].nr, 1);
		RETURN(SECCOMP_RET_TRAP);
	}
	RETURN(SECCOMP_RET_ALLOW);

	program.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		abort();
}

#endif
