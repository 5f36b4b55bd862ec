#!/usr/bin/env python3
# hangfs.py - a file system whose every question stays unanswered: who asks waits in uninterruptible sleep.
#
#   hangfs.py DIRECTORY    mounts it there, says "ready", and ends it by TERM: who waits goes on with an error then
#
# Needs the right to mount and /dev/fuse: exits with 77 where that is missing.
#
# SPDX-License-Identifier: Apache-2.0
import ctypes
import errno
import os
import signal
import struct
import sys

INIT = 26  # include/uapi/linux/fuse.h
MNT_FORCE, MNT_DETACH = 1, 2

libc = ctypes.CDLL(None, use_errno=True)
place = sys.argv[1].encode()


def end(*_):
    os.close(fuse)  # aborts the connection
    libc.umount2(place, MNT_FORCE | MNT_DETACH)
    os._exit(0)


try:
    fuse = os.open("/dev/fuse", os.O_RDWR)
except OSError as error:
    print("/dev/fuse: %s" % error)
    sys.exit(77)
if libc.mount(b"hangfs", place, b"fuse", 6, b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % fuse) != 0:
    print("mount: %s" % os.strerror(ctypes.get_errno()))
    sys.exit(77)
signal.signal(signal.SIGTERM, end)
while True:
    try:
        request = os.read(fuse, 1 << 20)
    except OSError as error:
        if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):
            continue
        end()
    length, opcode, unique = struct.unpack_from("IIQ", request)
    if opcode == INIT:
        os.write(fuse, struct.pack("IiQ IIII HHII HHI 7I", 80, 0, unique, 7, 31, 0, 0, 12, 9, 4096, 1, 0, 0, 0, *[0] * 7))
        print("ready", flush=True)
