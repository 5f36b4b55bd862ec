/*
 * bytes.h - numbers in little endian, wherever they lie.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WIRE_BYTES_H
#define WIRE_BYTES_H

#include <stdint.h>

static inline void
bytes_put(uint8_t *to, uint64_t value, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static inline uint64_t
bytes_get(const uint8_t *from, unsigned count)
{
	uint64_t value = 0;
	unsigned i;

	for (i = 0; i < count; i++)
		value |= (uint64_t)from[i] << 8 * i;
	return value;
}

#endif
