/*
 * crc32c.h - Castagnoli's checksum (RFC 3720, appendix B.4) of what we store and send.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Start with crc 0; feed the result back in to go on. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
