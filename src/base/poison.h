/*
 * poison.h - tell AddressSanitizer what may be touched; nothing in other builds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_POISON_H
#define BASE_POISON_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_WITH_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define POISON_WITH_ASAN 1
#endif

#ifdef POISON_WITH_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(ptr, len)   ASAN_POISON_MEMORY_REGION(ptr, len)
#define UNPOISON(ptr, len) ASAN_UNPOISON_MEMORY_REGION(ptr, len)
#else
#define POISON(ptr, len)   ((void)(ptr))
#define UNPOISON(ptr, len) ((void)(ptr))
#endif

#endif
