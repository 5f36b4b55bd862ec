#!/usr/bin/env python3
# runnerd is killed again and again while its hub stands still and output spills to the disk: the hub ends up with every byte once.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from crashtest import *

POINTS //= 2
SPILLS = POINTS // 20  # segments that are seen each time that the hub stands still, which it does once at least

play({**WRITERS, "pieces64k": [("binary", 65536, 4_000_000, 12_000_000)], "binary": [("binary", 1000, 1_000_000, 3_000_000)]})
hub = Hub()
spool = os.path.join(tmp, "big1", "data", "spool")


def segments():
    """Paths of what is on the disk, whole."""
    return [os.path.join(place, name) for place, _, names in os.walk(spool) for name in names
            if name.startswith("spool.") and not name.endswith(".part")]


class Watched(Runnerd):
    """Its kills, and what was seen on the disk."""

    seen = set()

    def kill(self):
        self.seen.update(segments())
        return super().kill()

    def spills(self):
        """However slow it is: each time that the hub stands still it comes to the disk."""
        known = len(self.seen)
        wait_for("output to spill", lambda: self.seen.update(segments()) or len(self.seen) >= known + SPILLS, 20)


agent = Watched(hub, "big1", options=["--spool-memory", "1M"])
agent.start()
ok(wait_for("the agent", agent.is_connected), "an agent is here")
work = Work(hub)
eq(kill_at_random(hub, agent, work, POINTS, agent.spills), POINTS, "it was killed %d times and never ended by itself" % POINTS)
ok(len(agent.seen) >= SPILLS, "%d segments were seen on the disk" % len(agent.seen))
check_work(hub, work)
eq(left_of("tasks", agent.left), [], "its tasks are forgotten")
eq(left_of("segments", segments), [], "and nothing of them is on the disk")
eq(agent.stop(), 0, "the last agent ends in good order")
check_clean(hub, [agent])
eq(hub.stop(), 0, "and so does the hub")
done()
