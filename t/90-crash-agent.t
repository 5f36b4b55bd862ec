#!/usr/bin/env python3
# runnerd is killed 200 times, at any moment of its life, while steps print: the hub ends up with every byte once.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from crashtest import *

hub = Hub()
agent = Runnerd(hub, "big1")
agent.start()
ok(wait_for("the agent", agent.is_connected), "an agent is here")
idle_fds = agent.fds()
work = Work(hub)
killed = 0
while killed < POINTS:
    # Half of them while it starts and finds its tasks again, half while it works.
    time.sleep(rng.uniform(0, 0.03) if rng.random() < 0.4 else rng.uniform(0, 0.12))
    if not agent.kill():
        break
    agent.start()
    work.want()
    killed += 1
eq(killed, POINTS, "it was killed %d times and never ended by itself" % POINTS)
check_work(hub, work)
eq(left_of("tasks", agent.left), [], "its tasks are forgotten")
eq(wait_for("descriptors to be closed", lambda: agent.fds() <= idle_fds), True, "it has no more descriptors open than when it was idle")
eq(agent.stop(), 0, "the last agent ends in good order")
check_clean(hub, [agent])
eq(hub.stop(), 0, "and so does the hub")
done()
