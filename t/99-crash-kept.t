#!/usr/bin/env python3
# A runner-init never outlives its task, wherever between its end and what is noted of it runnerd is killed, and a task outlives
# a runnerd that cannot reach its runner-init at once. Nobody is left to --orphan-limit, which is an hour here.
# SPDX-License-Identifier: Apache-2.0
import glob
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from crashtest import *

STRIKE = os.path.join(build, "t", "strike")
CONFIG = """version: 2.1
jobs:
  one:
    machine: true
    resource_class: local/big
    steps:
      - run: 'touch %s; until [ -e %s ]; do sleep 0.05; done; exit %d'
workflows: {main: {jobs: [one]}}
"""
# What is noted of a kept task is written a second time when it is let go.
KILLS = [("journal.done", "--kill-after", 1), ("keep.open", "--kill", 1), ("keep.write", "--kill", 1), ("keep.write", "--kill-after", 1),
         ("keep.write", "--kill", 2), ("keep.write", "--kill-after", 2), ("journal.finishing", "--kill-after", 1)]
# Where an agent that finds a task is refused what it needs to reach it.
REFUSALS = [("socket.connect", "EACCES"), ("init.watch", "EMFILE")]


def tasks_of(agent):
    return glob.glob(os.path.join(agent.dir, "run", "tasks", "????????-*"))


def was_struck(agent):
    with open(agent.log, errors="replace") as log:
        return "strike: pass" in log.read()


def submit(exit_code):
    """A pipeline whose job says that it runs, and ends when it is told to."""
    running, go = (os.path.join(tmp, "%s-%d" % (what, len(pipelines))) for what in ("running", "go"))
    pipelines.append(person.run(CONFIG % (running, go, exit_code)))
    return running, go


def stop(agent):
    agent.process.terminate()
    agent.process.wait(timeout=DEADLINE)
    started.remove(agent.process)


if subprocess.run([STRIKE, "--count", "true"], stdout=subprocess.DEVNULL).returncode == 77:
    print("1..0 # SKIP this host forbids to trace")
    sys.exit(0)
os.chmod(tmp, 0o777)
pipelines = []
hub = Hub()
person = Person(hub)
for number, (point, how, times) in enumerate(KILLS):
    agent = Runnerd(hub, "kill%d" % number, options=["--keep-failed", "1s"])
    agent.start([STRIKE, "--at", point, how, str(times)])
    running, go = submit(7)
    open(go, "w").close()
    wait_for("the strike", lambda: agent.process.poll() is not None)
    struck = was_struck(agent)
    agent.kill()
    agent.start()
    wait_for("the end", lambda: person.has_ended(pipelines[-1]))
    left = left_of("the task", lambda: tasks_of(agent)) + left_of("processes", processes_left)
    eq((struck, person.outcomes(pipelines[-1]), left), (True, {"one": "failed"}, []),
       "%s %s %d: neither the task nor its runner-init is left" % (point, how, times))
    stop(agent)
for number, (point, error) in enumerate(REFUSALS):
    agent = Runnerd(hub, "refuse%d" % number)
    agent.start()
    running, go = submit(0)
    wait_for("the job", lambda: os.path.exists(running))
    agent.kill()
    agent.start([STRIKE, "--at", point, "--fail", "1:" + error])
    wait_for("the strike", lambda: was_struck(agent))
    wait_for("the agent", agent.is_connected)
    open(go, "w").close()
    wait_for("the end", lambda: person.has_ended(pipelines[-1]))
    left = left_of("the task", lambda: tasks_of(agent))
    stop(agent)
    left += left_of("processes", processes_left)
    eq((person.outcomes(pipelines[-1]), left), ({"one": "success"}, []),
       "%s fails with %s where a task is found: it goes on" % (point, error))
check_clean(hub, [])
eq(hub.stop(), 0, "the hub ends in good order")
done()
