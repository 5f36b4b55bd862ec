#!/usr/bin/env python3
# Claims and leases: each task goes to one agent once, whatever is lost or sent again.
import os
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

hub = Hub()
person = Person(hub)
agent = Agent(hub)

# --- a claim that waits, and one that is sent again ---
waiting = agent.claim_start(wait_ms=20000)
pipeline = person.run()
tasks = agent.client.wait(waiting)["json"]["tasks"]
eq(len(tasks), 1, "a waiting claim is answered when a task comes")
task = tasks[0]
eq((task["version"], task["epoch"], task["job"]["name"], task["steps"][0]["command"]), (1, 1, "one", "echo hello"),
   "the document says what to do")
env = task["environment"]
eq((env["CI"], env["CIRCLE_JOB"], env["CIRCLE_BRANCH"], env["CIRCLE_NODE_INDEX"], env["CIRCLE_NODE_TOTAL"]),
   ("true", "one", "main", "0", "1"), "the document has the built-in variables")
eq((env["CIRCLE_BUILD_NUM"], env["CIRCLE_PIPELINE_ID"], env["CIRCLE_WORKFLOW_JOB_ID"]),
   (str(task["job"]["number"]), pipeline, task["job"]["id"]), "and those of its place")
eq(agent.run(task), {"task": task["id"], "seq": 6, "state": "ok"}, "its events are stored")
job = person.jobs(pipeline)[0]
eq((job["state"], job["outcome"]), ("ended", "success"), "the job has ended")

claim = str(uuid.uuid4())
person.run()
first = agent.claim(claim=claim)
second = agent.claim(claim=claim)
eq(first, second, "a claim sent again gets the same documents, tokens and all")
third = agent.claim(wait_ms=100, running=first)
eq(third, [], "another claim gets nothing of them")

# --- a reply that is lost ---
claim = str(uuid.uuid4())
lost = agent.claim_held(claim=claim, wait_ms=20000, running=first)
agent.client.cancel(lost)
person.run()
again = agent.claim(claim=claim, running=first)
eq(len(again), 1, "a claim whose client went away leaves the task to the next")
hub.crash()
agent.client = hub.client()
person.client = hub.client()
eq(agent.claim(claim=claim, running=first), again, "a crash of the hub does not change what a claim brings")

# --- held claims: the newer takes the older's place ---
older = agent.claim_start(wait_ms=20000, running=first + again)
newer = agent.claim_start(wait_ms=20000, running=first + again, slots=1)
eq(agent.client.wait(older)["json"]["tasks"], [], "a newer claim of the agent ends the older one, empty")
person.run()
eq(len(agent.client.wait(newer)["json"]["tasks"]), 1, "and gets the task")

# --- heartbeats and stale epochs ---
task = first[0]
eq(agent.heartbeat([task]), [], "a lease is renewed in silence")
stale = dict(task, epoch=7)
eq([(t["task"], t["state"]) for t in agent.heartbeat([stale])], [(task["id"], "gone")], "an epoch that is not held is gone")
stranger = Agent(hub, "other", client=agent.client)
stranger.claim(wait_ms=0)
eq([t["state"] for t in stranger.heartbeat([task])], ["gone"], "and so is another agent's lease")
held = agent.heartbeat_start([task], wait_ms=10000)
person.post("/api/v2/jobs/%s/cancel" % task["job"]["id"])
news = agent.client.wait(held)["json"]["tasks"]
eq([(t["task"], t["state"], t["reason"]) for t in news], [(task["id"], "cancel", "canceled by local")],
   "a cancellation answers a held heartbeat at once")
agent.events(task, "preparing", "ended", outcome="canceled")
eq(person.get("/api/runner/v1/jobs/" + task["job"]["id"])["outcome"], "canceled", "the job ends as canceled")

# --- given back ---
hub2 = Hub("hub2")
person2, agent2 = Person(hub2), Agent(hub2, slots=1)
pipeline = person2.run()
statuses, tokens = [], []
for attempt in range(4):
    task = agent2.claim()[0]
    tokens.append(task["token"])
    statuses.append(agent2.unclaim(task))
eq(statuses, [204, 204, 204, 409], "a task can be given back three times")
eq(agent2.unclaim(dict(task, token=tokens[0])), 410, "the token of an older lease is worth nothing")
eq(task["epoch"], 4, "each lease has an epoch of its own")
eq(agent2.events(task, "ended", epoch=3)["state"], "gone", "an event of an older lease is refused")
eq(agent2.events(task, "ended", outcome="infra-fail")["state"], "ok", "it is ended instead")
eq(person2.jobs(pipeline)[0]["outcome"], "infra-fail", "and the job says so")

# --- who may ask ---
body = agent2.claim_body(wait_ms=0)
eq(agent2.post("claim", body, {"authorization": "Bearer x", "runner-protocol": "1"})["status"], 401, "an unknown token is refused")
bad = agent2.claim_body(wait_ms=0)
bad["classes"][0]["token"] = "x"
reply = agent2.post("claim", bad)
eq((reply["status"], reply["json"]["message"]), (401, "the token of class 1 is unknown"), "a class's unknown token is named")
eq(agent2.post("claim", body, {"authorization": agent2.headers["authorization"]})["status"], 400, "an agent must say its protocol")
eq(agent2.post("claim", body, dict(agent2.headers, **{"runner-protocol": "2"}))["status"], 400, "a newer protocol is refused")
strange = agent2.claim_body(wait_ms=0)
strange["agent"]["name"] = "a\nb"
eq(agent2.post("claim", strange)["status"], 400, "a name must be printable")
for wrong in ([], {"running": 7}, {"classes": [7]}, {"agent": []}, {"free": {"slots": -1}}, {"classes": []}, {"wait_ms": "1"}):
    strange = dict(body, **wrong) if wrong else wrong
    status = agent2.post("claim", strange)["status"]
    ok(status == (200 if wrong == {"running": 7} else 400), "a claim with %r is answered %d" % (wrong, status))

# --- a reply is no larger than an agent reads ---
LARGE = """version: 2.1
jobs:
  t:
    machine: true
    parameters: {n: {type: integer}}
    steps: [run: ": %s"]
workflows: {w: {jobs: [t: {matrix: {parameters: {n: [1, 2, 3, 4, 5, 6, 7]}}}]}}
""" % ("x" * 200000)
many = Agent(hub2, "many", client=hub2.client())
Person(hub2).run(LARGE)
got, taken = [], []
while len(taken) < 7 and len(got) < 7:
    got.append(many.claim(slots=16, running=taken))
    taken += got[-1]
eq(len(taken), 7, "large tasks come, each once")
ok(len(got) > 2 and max(map(len, got)) <= 3, "tasks beyond 256 KiB of documents come with the next claim, which is answered at once")

del body["claim_id"]
eq(agent2.post("claim", body)["status"], 400, "a member that is missing is named")
held = agent2.claim_held(wait_ms=DEADLINE * 1000)
twin = Agent(hub2, "twin", client=hub2.client())
twin.id = agent2.id
eq(twin.post("claim", twin.claim_body(wait_ms=0))["status"], 409, "two agents cannot share an id")
eq(hub2.stop(), 0, "SIGTERM ends the hub in good order")
eq(agent2.client.wait(held)["json"]["tasks"], [], "and answers the claim it held")
done()
