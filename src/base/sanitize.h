/*
 * sanitize.h - what AddressSanitizer must be told of memory it cannot follow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SANITIZE_H
#define BASE_SANITIZE_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#	define SANITIZE_ADDRESS 1
#elif defined(__has_feature)
#	if __has_feature(address_sanitizer)
#		define SANITIZE_ADDRESS 1
#	endif
#endif

#ifdef SANITIZE_ADDRESS
#	include <sanitizer/asan_interface.h>
#endif

/*
 * A stack is used again after its last user left by exec, without unwinding: the marks of that
 * one's frames are still on it.
 */
static inline void
sanitize_forget_stack(void *stack, size_t size)
{
#ifdef SANITIZE_ADDRESS
	__asan_unpoison_memory_region(stack, size);
#else
	(void)stack;
	(void)size;
#endif
}

#endif
