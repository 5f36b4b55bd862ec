# crc32c.py - the checksum of files in the state directory (src/base/crc32c.h), for tests that change them.
#
# SPDX-License-Identifier: Apache-2.0


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff
