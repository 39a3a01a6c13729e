/*
 * gate.h - the one instruction through which the interposer enters the kernel.
 *
 * A seccomp filter turns every call that touches files into SIGSYS, unless it
 * comes from crash_gate(). So nothing passes by unseen: neither what the C
 * library calls on its own behalf (readdir, stdio, realpath), nor what goes
 * through syscall(). Wrapping functions of the C library would miss both.
 *
 * Everything here runs in a signal handler that may have interrupted anything,
 * malloc included: no C library calls beyond the pure string functions.
 */
#ifndef CRASH_GATE_H
#define CRASH_GATE_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>

extern const char crash_gate_return[];
long crash_gate(long nr, long a, long b, long c, long d, long e, long f);

#if defined(__x86_64__)

#define CRASH_AUDIT_ARCH AUDIT_ARCH_X86_64
#define CRASH_RESTORER ((unsigned long)(uintptr_t)crash_restorer)

__asm__(".text\n"
	".globl crash_gate\n"
	".hidden crash_gate\n"
	".type crash_gate, @function\n"
	"crash_gate:\n"
	"	movq %rdi, %rax\n"
	"	movq %rsi, %rdi\n"
	"	movq %rdx, %rsi\n"
	"	movq %rcx, %rdx\n"
	"	movq %r8, %r10\n"
	"	movq %r9, %r8\n"
	"	movq 8(%rsp), %r9\n"
	"	syscall\n"
	".globl crash_gate_return\n"
	".hidden crash_gate_return\n"
	"crash_gate_return:\n"
	"	ret\n"
	".size crash_gate, .-crash_gate\n"
	/* What a signal handler returns to; the kernel wants it from the program. */
	".globl crash_restorer\n"
	".hidden crash_restorer\n"
	".type crash_restorer, @function\n"
	"crash_restorer:\n"
	"	movq $15, %rax\n" /* rt_sigreturn */
	"	syscall\n"
	".size crash_restorer, .-crash_restorer\n");

void crash_restorer(void) __attribute__((visibility("hidden")));

static void trapped_arguments(const ucontext_t *uc, long arg[6])
{
	const greg_t *reg = uc->uc_mcontext.gregs;

	arg[0] = (long)reg[REG_RDI];
	arg[1] = (long)reg[REG_RSI];
	arg[2] = (long)reg[REG_RDX];
	arg[3] = (long)reg[REG_R10];
	arg[4] = (long)reg[REG_R8];
	arg[5] = (long)reg[REG_R9];
}

static void trapped_result(ucontext_t *uc, long result)
{
	uc->uc_mcontext.gregs[REG_RAX] = result;
}

#elif defined(__aarch64__)

#define CRASH_AUDIT_ARCH AUDIT_ARCH_AARCH64
#define CRASH_RESTORER 0UL

__asm__(".text\n"
	".globl crash_gate\n"
	".hidden crash_gate\n"
	".type crash_gate, %function\n"
	"crash_gate:\n"
	"	mov x8, x0\n"
	"	mov x0, x1\n"
	"	mov x1, x2\n"
	"	mov x2, x3\n"
	"	mov x3, x4\n"
	"	mov x4, x5\n"
	"	mov x5, x6\n"
	"	svc #0\n"
	".globl crash_gate_return\n"
	".hidden crash_gate_return\n"
	"crash_gate_return:\n"
	"	ret\n"
	".size crash_gate, .-crash_gate\n");

static void trapped_arguments(const ucontext_t *uc, long arg[6])
{
	for (int i = 0; i < 6; i++)
		arg[i] = (long)uc->uc_mcontext.regs[i];
}

static void trapped_result(ucontext_t *uc, long result)
{
	uc->uc_mcontext.regs[0] = (unsigned long)result;
}

#else
#error "the crash harness knows the system calls of x86-64 and aarch64 only"
#endif

static inline long gate_call(long nr, const long arg[6])
{
	return crash_gate(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

static inline void gate_write(int fd, const char *data, size_t length)
{
	while (length > 0) {
		long n = crash_gate(SYS_write, fd, (long)data, (long)length, 0, 0, 0);

		if (n <= 0)
			return;
		data += n;
		length -= (size_t)n;
	}
}

/* Inode and size of what (dirfd, path) names; -errno. An empty path is dirfd itself. */
static inline long gate_stat(int dirfd, const char *path, struct stat *st)
{
	int flags = AT_SYMLINK_NOFOLLOW | (*path == '\0' ? AT_EMPTY_PATH : 0);

	return crash_gate(SYS_newfstatat, dirfd, (long)path, (long)st, flags, 0, 0);
}

#endif
