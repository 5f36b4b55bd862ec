#!/usr/bin/env python3
# runner-hub is killed 200 times, at any moment of its life, while agents send: it ends up with every byte once.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from crashtest import *

AGENTS = 4

hub = Hub()
work = Work(hub)
agents = [Runnerd(hub, "big%d" % i, slots=3) for i in range(AGENTS)]
for agent in agents:
    agent.start()
ok(wait_for("the agents", lambda: all(agent.is_connected() for agent in agents)), "%d agents are here" % AGENTS)


def meetings():
    return sum(open(agent.log, errors="replace").read().count("connected to the hub") for agent in agents)


killed = hub.kill()
while killed < POINTS:
    if rng.random() < 0.25:
        os.close(hub.spawn())  # killed while it starts
        time.sleep(rng.uniform(0, 0.04))
    else:
        before = meetings()
        hub.start()
        for agent in agents:
            agent.hurry()
        work.want()
        if killed % 3 == 0:  # however slow they are
            wait_for("the agents", lambda: meetings() >= before + AGENTS)
        time.sleep(rng.uniform(0, 0.12))
    if not hub.kill():
        break
    killed += 1
eq(killed, POINTS, "it was killed %d times and never ended by itself" % POINTS)
hub.start()
met = meetings()
ok(met >= POINTS // 2, "agents met it %d times" % met)
check_work(hub, work)
for agent in agents:
    eq(agent.stop(), 0, "%s ends in good order" % agent.name)
check_clean(hub, agents)
eq(hub.stop(), 0, "and so does the hub")
done()
