#!/usr/bin/env python3
# A real agent with many tasks, and a hub that is killed again and again under it: all end well, no byte is lost or doubled.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

TASKS = 12
enough = os.path.join(tmp, "enough")
config = """version: 2.1
jobs:
  print:
    machine: true
    parallelism: %d
    steps:
      - run:
          name: count
          command: |
            i=0
            until [ -e %s ]; do echo "node $CIRCLE_NODE_INDEX line $i"; i=$((i + 1)); sleep 0.05; done
            echo "node $CIRCLE_NODE_INDEX had $i lines"
workflows:
  main: {jobs: [print]}
""" % (TASKS, enough)

hub = Hub()
person = Person(hub)
os.mkdir(os.path.join(tmp, "agent"), 0o711)
os.chmod(tmp, 0o711)


def place(name):
    return os.path.join(tmp, "agent", name)


with open(os.path.join(tmp, "runnerd.log"), "wb") as log:
    agent = subprocess.Popen([os.path.join(build, "runnerd"), "--hub", hub.url, "--token-file", os.path.join(hub.dir, "agent-token"),
                              "-j", str(TASKS), "--name", "big1", "--run-dir", place("run"), "--data-dir", place("data"),
                              "--work-dir", place("work"), "--cache-dir", place("cache"), "--isolation", "none"],
                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
started.append(agent)
pipeline = person.run(config)
job = person.jobs(pipeline)[0]


def state():
    return person.get("/api/runner/v1/jobs/" + job["id"])


ok(wait_for("the job to run", lambda: state()["state"] == "running"), "the tasks start")
kills = 0


def output_bytes():
    total = 0
    for one in os.scandir(os.path.join(hub.dir, "data", "output")):
        try:
            total += one.stat().st_size
        except FileNotFoundError:
            pass  # a segment that is no longer needed
    return total


while kills < 5:
    before, stored = os.path.getsize(hub.log), output_bytes()
    if not wait_for("more output", lambda: output_bytes() > stored):
        break
    hub.kill()
    hub.start()
    person = Person(hub)
    kills += 1
    if not wait_for("the agent to come back", lambda: "agent 'big1' is here" in open(hub.log).read()[before:]):
        break
eq(kills, 5, "the agent comes back to each new hub")
open(enough, "w").close()
eq(wait_for("the end", lambda: state()["state"] == "ended" and state()["outcome"]), "success", "the job succeeds")
tasks = state()["tasks"]
eq([task["outcome"] for task in tasks], ["success"] * TASKS, "as do all tasks")
eq([(task["attempt"], task["epoch"]) for task in tasks], [(1, 1)] * TASKS, "each has been run once")
wrong = []
for task in tasks:
    reply = person.client.call("GET", "/api/runner/v1/tasks/%s/output" % task["id"], person.headers)
    lines = reply["body"].count("\n") - 1
    wanted = "".join("node %d line %d\n" % (task["node_index"], line) for line in range(lines))
    wanted += "node %d had %d lines\n" % (task["node_index"], lines)
    if reply["body"] != wanted:
        wrong.append((task["node_index"], len(reply["body"]), len(wanted)))
eq(wrong, [], "the output of each is whole and in order")
agent.send_signal(signal.SIGTERM)
eq(agent.wait(timeout=DEADLINE), 0, "the agent ends in good order")
eq(hub.stop(), 0, "and so does the hub")
done()
