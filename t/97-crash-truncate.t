#!/usr/bin/env python3
# runnerd is killed again and again while its hub stands still and output has no room: what is dropped is told of once, to the byte.
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from crashtest import *

POINTS //= 2
GAP = re.compile(rb"\n\[runnerd: (\d+) bytes of output were dropped here: the spool was full while the hub was slow or away \(output-overflow\)\]\n")
told = {"gaps": 0, "bytes": 0}


def differs(texts, outputs):
    """What is kept is what was printed, each gap as long as its one line says."""
    for i, (text, output) in enumerate(zip(texts, outputs)):
        parts = GAP.split(output)  # kept, a number, kept, a number, ..., kept
        at = 0
        for n, part in enumerate(parts):
            if n % 2 == 1:
                at += int(part)
                told["gaps"] += 1
                told["bytes"] += int(part)
            elif part != text[at:at + len(part)]:
                return "step %d: what is kept behind byte %d is not what was printed there" % (i, at)
            elif part == b"" and 0 < n < len(parts) - 1:
                return "step %d: one gap at byte %d is told of twice" % (i, at)
            else:
                at += len(part)
        if at != len(text):
            return "step %d: kept and dropped are %d bytes, printed were %d" % (i, at, len(text))
    return None


play({
    "lines80": [("lines", 80, 200_000, 500_000)],
    "noise64k": [("binary", 65536, 4_000_000, 16_000_000)],
    "noise1k": [("binary", 1000, 2_000_000, 6_000_000)],
    "noises": [("binary", 5000, 3_000_000, size) for size in (3_000_000, 5000, 4_000_000, 64, 300_000)],
})
hub = Hub()
agent = Runnerd(hub, "big1", options=["--output-overflow", "truncate", "--spool-task-max", "1M"])
agent.start()
ok(wait_for("the agent", agent.is_connected), "an agent is here")
work = Work(hub)


def has_dropped():
    with open(agent.log, errors="replace") as log:
        return "no room for more output" in log.read()


# However slow it is: the first time that the hub stands still that lasts until there is something to tell of.
eq(kill_at_random(hub, agent, work, POINTS, lambda: wait_for("output to be dropped", has_dropped, 20)), POINTS, "it was killed %d times and never ended by itself" % POINTS)
check_work(hub, work, differs, "its output what was printed but for gaps, each told of once and to the byte")
ok(told["gaps"] > 0, "%(gaps)d gaps of %(bytes)d bytes" % told)
eq(agent.stop(), 0, "the last agent ends in good order")
check_clean(hub, [agent])
eq(hub.stop(), 0, "and so does the hub")
done()
