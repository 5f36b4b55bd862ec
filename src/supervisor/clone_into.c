/*
 * clone_into.c - a vfork whose child begins its life in a control group.
 *
 * No libc has a wrapper of clone3(2). The child runs on a stack of its own, so it cannot return through the
 * frame of the call: the few instructions that call fn there are the processor's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/clone_into.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>

#include "supervisor/kernel.h"

#if defined(__x86_64__)

static long
call(const struct kernel_clone *how, int (*fn)(void *), void *arg)
{
	register int (*child_fn)(void *) __asm__("r12") = fn;
	register void *child_arg __asm__("r13") = arg;
	long result = KERNEL_CLONE3;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r13, %%rdi\n\t"
			 "call *%%r12\n\t"
			 "ud2\n"
			 "1:"
			 : "+a"(result)
			 : "D"(how), "S"(sizeof(*how)), "r"(child_fn), "r"(child_arg)
			 : "rcx", "r11", "cc", "memory");
	return result;
}

#elif defined(__aarch64__)

static long
call(const struct kernel_clone *how, int (*fn)(void *), void *arg)
{
	register long number __asm__("x8") = KERNEL_CLONE3;
	register long result __asm__("x0") = (long)(uintptr_t)how;
	register long size __asm__("x1") = (long)sizeof(*how);
	register int (*child_fn)(void *) __asm__("x19") = fn;
	register void *child_arg __asm__("x20") = arg;

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, #0\n\t"
			 "mov x0, x20\n\t"
			 "blr x19\n\t"
			 "brk #0\n"
			 "1:"
			 : "+r"(result)
			 : "r"(number), "r"(size), "r"(child_fn), "r"(child_arg)
			 : "x30", "cc", "memory");
	return result;
}

#else

static long
call(const struct kernel_clone *how, int (*fn)(void *), void *arg)
{
	(void)how;
	(void)fn;
	(void)arg;
	return -ENOSYS;
}

#endif

pid_t
clone_into(int cgroup_fd, int (*fn)(void *), void *arg, void *stack, size_t size)
{
	struct kernel_clone how = {.flags = CLONE_VM | CLONE_VFORK | KERNEL_CLONE_INTO_CGROUP,
				   .exit_signal = SIGCHLD,
				   .stack = (uint64_t)(uintptr_t)stack,
				   .stack_size = size,
				   .cgroup = (uint64_t)cgroup_fd};
	long result = call(&how, fn, arg);

	if (result >= 0)
		return (pid_t)result;
	errno = (int)-result;
	return -1;
}
