#!/usr/bin/env python3
# Events and output: everything may be sent again, nothing is stored twice or out of place.
import os
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

hub = Hub()
person, agent = Person(hub), Agent(hub)
pipeline = person.run()
task = agent.claim()[0]
client = agent.client

# --- events ---
eq(agent.events(task, "running", seq=2), {"task": task["id"], "seq": 0, "state": "ok"}, "an event beyond the next is not stored")
eq(agent.events(task, "preparing", "running")["seq"], 2, "events are stored in their order")
eq(agent.events(task, "preparing", "running", "step_started")["seq"], 3, "those stored already are skipped")
eq(agent.events(dict(task, id=str(uuid.uuid4())), "ended")["state"], "gone", "a task that is not here is gone")
eq(agent.post("events", {"agent": {"id": agent.id}, "events": [{"task": "x"}]})["status"], 400, "an event that is none is refused")


def place(reply):
    return [(p["step"], p["offset"], p["state"]) for p in reply["json"]["positions"]]


# --- output ---
a, b, c = client.record(task["id"], 0, "one\n"), client.record(task["id"], 4, "two\n"), client.record(task["id"], 8, "three\n")
eq(place(agent.output(b)), [(0, 0, "gap")], "a record beyond the position is not stored")
eq(place(agent.output(a + b)), [(0, 8, "ok")], "records are stored one behind another")
eq(place(agent.output(a)), [(0, 8, "ok")], "a record sent again changes nothing")
eq(place(agent.output(client.record(task["id"], 6, "xyz"))), [(0, 8, "gap")], "a record across the position is not stored")
damaged = bytearray(c)
damaged[-1] ^= 1
damaged_frame = damaged
reply = agent.output(bytes(damaged))
eq(place(reply), [(0, 0, "refused")], "a damaged frame is refused")
ok("damaged frame" in reply["json"]["positions"][0]["message"], "and the reply says why")
damaged = bytearray(c)
damaged[20] ^= 1
eq(agent.output(bytes(damaged))["status"], 400, "a damaged header is refused")
eq(place(agent.output(c + client.record(task["id"], 14, "four\n")[:-3])), [(0, 14, "ok")], "a body cut short stores the whole records before the cut")
eq(place(agent.output(client.record(task["id"], 0, "x", step=9))), [(9, 0, "refused")], "a step that the task has not is refused")
eq(place(agent.output(client.record(str(uuid.uuid4()), 0, "x"))), [(0, 0, "gone")], "output of a task that is not here is gone")
eq(place(agent.output(client.record(task["id"], 14, "x", epoch=2))), [(0, 0, "gone")], "and so is output of an epoch that is not held")
eq(agent.output(b"x" * (1 << 20) + b"x")["status"], 413, "a body too large is refused")


def warnings():
    with open(hub.log) as log:
        return sum("output is refused" in line for line in log)


before = warnings()
reply = agent.output(bytes(damaged_frame) * 500)
eq(place(reply), [(0, 0, "refused")], "many damaged frames of a step are refused at once")
reply = agent.output(b"".join(client.record(task["id"], 0, "x", step=step) for step in range(9, 509)))
eq({p["state"] for p in reply["json"]["positions"]}, {"refused"}, "so is the output of many steps that are not")
eq(warnings() - before, 2, "a request is one line in the log, whatever is in it")
other = Agent(hub, "other", client=client)
other.claim(wait_ms=0)
eq(place(other.output(client.record(task["id"], 14, "x"))), [(0, 0, "gone")], "another agent's output is not taken")

# --- after the end ---
eq(agent.events(task, "step_ended", "finishing", "ended", seq=4, output_bytes=20)["seq"], 6, "the task ends")
eq(place(agent.output(client.record(task["id"], 14, "fourth"))), [(0, 20, "ok")], "output that was still on its way is taken")
files = wait_for("the task's own file",
                 lambda: [n for n in os.listdir(os.path.join(hub.dir, "data", "output")) if n == task["id"] + ".zst"])
ok(files, "then its output is gathered into a file of its own")
wait_for("the segment to go", lambda: not [n for n in os.listdir(os.path.join(hub.dir, "data", "output")) if n.endswith(".seg")])
ok(not [n for n in os.listdir(os.path.join(hub.dir, "data", "output")) if n.endswith(".seg")], "and the segment goes")
eq(place(agent.output(client.record(task["id"], 20, "x"))), [(0, 0, "gone")], "more than that is not taken")
reply = client.call("GET", "/api/runner/v1/tasks/%s/output?step=0" % task["id"], person.headers)
eq(reply["body"], "one\ntwo\nthree\nfourth", "it reads as it was printed")
hub.crash()
person.client = hub.client()
reply = person.client.call("GET", "/api/runner/v1/tasks/%s/output?step=0" % task["id"], person.headers)
eq(reply["body"], "one\ntwo\nthree\nfourth", "also after a crash")
done()
