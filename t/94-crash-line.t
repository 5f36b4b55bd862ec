#!/usr/bin/env python3
# The line between agents and hub is cut 200 times, at any byte in either direction: the hub ends up with every byte once.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from crashtest import *

AGENTS = 4
MOST_BYTES = 400_000  # that pass before a cut


class Relay:
    """An agent's line to the hub."""

    def __init__(self, hub, number):
        self.url = "unix:" + os.path.join(tmp, "relay%d.sock" % number)
        self.log = os.path.join(tmp, "relay%d.log" % number)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([os.path.join(build, "t", "relay"), self.url[len("unix:"):], hub.url[len("unix:"):],
                                             str(SEED + number), str(MOST_BYTES)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        started.append(self.process)

    def says(self, words):
        with open(self.log) as log:
            return log.read().count(words)

    def last(self):
        """Cut no more."""
        self.process.send_signal(signal.SIGUSR1)


hub = Hub()
work = Work(hub)
relays = [Relay(hub, i) for i in range(AGENTS)]
ok(wait_for("the relays", lambda: all(relay.says("ready") for relay in relays)), "%d lines are there" % AGENTS)
seen = [0] * AGENTS
agents = [Runnerd(hub, "big%d" % i, slots=3, url=relay.url) for i, relay in enumerate(relays)]
for agent in agents:
    agent.start()


def cut():
    work.want()
    for i, relay in enumerate(relays):
        before, seen[i] = seen[i], relay.says("relay: cut")
        if seen[i] > before:
            agents[i].hurry()
    return sum(seen)


for part in range(POINTS, 0, -20):
    if not wait_for("the next cuts", lambda: cut() > POINTS - part):
        break
ok(wait_for("the last cuts", lambda: cut() >= POINTS), "lines were cut %d times" % cut())
for relay in relays:
    relay.last()
check_work(hub, work)
eq([agent.process.poll() for agent in agents], [None] * AGENTS, "no agent has ended")
for agent in agents:
    eq(agent.stop(), 0, "%s ends in good order" % agent.name)
check_clean(hub, agents)
eq(hub.stop(), 0, "and so does the hub")
done()
