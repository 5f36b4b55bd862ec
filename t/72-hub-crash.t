#!/usr/bin/env python3
# kill -9 of the hub between any two requests: what it acknowledged is there.
import os
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

hub = Hub()
person, agent = Person(hub), Agent(hub)
STEPS = ["preparing", "running", "step_started", "step_ended", "finishing", "ended"]


def crash():
    hub.crash()
    agent.client = hub.client()
    person.client = hub.client()


pipeline = person.run()
crash()
eq([job["state"] for job in person.jobs(pipeline)], ["queued"], "a pipeline that was made is there")
claim = str(uuid.uuid4())
task = agent.claim(claim=claim)[0]
crash()
eq(agent.claim(claim=claim)[0], task, "a lease that was given is there")
for seq, kind in enumerate(STEPS[:3], 1):
    agent.events(task, kind, seq=seq)
    crash()
    eq(agent.events(task, kind, seq=seq), {"task": task["id"], "seq": seq, "state": "ok"}, "event %d that was acknowledged is there" % seq)
    eq(agent.heartbeat([task]), [], "and the lease holds")
offset = 0
for line in ("one\n", "two\n", "three\n"):
    agent.output(agent.client.record(task["id"], offset, line))
    offset += len(line)
    crash()
    reply = agent.output(agent.client.record(task["id"], 0, line))
    eq(reply["json"]["positions"][0]["offset"], offset, "output to byte %d is there" % offset)
agent.events(task, *STEPS[3:], seq=4, output_bytes=offset)
crash()
job = person.jobs(pipeline)[0]
eq((job["state"], job["outcome"]), ("ended", "success"), "an end that was acknowledged is there")
step = person.get("/api/runner/v1/tasks/" + task["id"])["steps"][0]
eq([step[name] for name in ("wall_ms", "user_us", "system_us", "max_rss_bytes", "peak_bytes", "read_bytes", "write_bytes")],
   [5, 1, 1, 1, 2, 3, 4], "and what its step has used")
reply = person.client.call("GET", "/api/runner/v1/tasks/%s/output" % task["id"], person.headers)
eq(reply["body"], "one\ntwo\nthree\n", "and all of the output")
eq(agent.events(task, "ended", seq=6)["state"] in ("ok", "gone"), True, "the last event sent again is a no-op")

# Many tasks under way, killed in the middle of requests that nobody got an answer to.
for turn in range(5):
    pipelines = [person.run() for _ in range(4)]
    tasks = {task["id"]: task for task in agent.claim()}
    if len(tasks) < 4:
        tasks.update({task["id"]: task for task in agent.claim(running=tasks.values(), slots=4 - len(tasks))})
    acknowledged = {}
    for task in tasks.values():
        acknowledged[task["id"]] = agent.events(task, *STEPS[:3])["seq"]
    for task in tasks.values():
        agent.client.start("POST", "/api/v3/runner/events", agent.headers, {"agent": {"id": agent.id}, "events": [
            {"task": task["id"], "epoch": task["epoch"], "seq": 4, "time_ms": 1, "type": "finishing"}]})
    crash()
    stored = {task["id"]: agent.events(task, "ended", seq=9)["seq"] for task in tasks.values()}
    ok(len(tasks) == 4 and all(stored[id] in (3, 4) for id in stored), "round %d: acknowledged events are there, the others whole or not at all" % turn)
    for task in tasks.values():
        agent.events(task, *STEPS[4:], seq=stored[task["id"]] + 1)
    eq([person.jobs(p)[0]["outcome"] for p in pipelines], ["success"] * 4, "round %d: and the tasks can be ended" % turn)
done()
