#!/usr/bin/env python3
# What people want of agents: paused, resumed, drained, forgotten; the hub keeps it, and the agent is told why it gets nothing.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

hub = Hub()
person = Person(hub)


def ctl(*arguments):
    return subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file",
                           os.path.join(hub.dir, "token")] + list(arguments), capture_output=True, text=True,
                          timeout=DEADLINE)


def show(name):
    said = ctl("agent", "show", "--json", name)
    return json.loads(said.stdout) if said.returncode == 0 else said


def why_of(pipeline):
    return person.get("/api/runner/v1/jobs/" + person.jobs(pipeline)[0]["id"] + "/why")


# --- the protocol, with an agent that is played ---
agent = Agent(hub, slots=2)
first = person.run()
task = agent.claim()[0]
held = agent.claim_held(wait_ms=DEADLINE * 1000, slots=1, running=[task])
said = ctl("agent", "pause", "big1")
eq((said.returncode, said.stdout, said.stderr), (0, "", "agent 'big1' is paused; it has 1 tasks\n"),
   "an agent is paused")
reply = agent.client.wait(held)["json"]
eq((reply["tasks"], reply["stopped"], reply["drain"]), ([], "paused by 'local'", False),
   "its held claim is answered with nothing, and why")
second = person.run()
held = agent.claim_held(wait_ms=DEADLINE * 1000, slots=1, running=[task])
answer = why_of(second)
eq((answer["reason"], answer["message"]),
   ("agents_stopped", "job 'one' waits: the agent is stopped: 'big1' is paused by 'local'"), "a job that waits for it says so")
ok(agent.client.waits(held), "the next claim is held, not answered in a loop")
eq(agent.heartbeat([task]), [], "its task goes on")
eq((show("big1")["state"], show("big1")["state_by"], [one["job"] for one in show("big1")["tasks"]]),
   ("paused", "local", ["one"]), "it is shown, with its task")
agent.client.cancel(held)
hub.crash()
agent.client, person.client = hub.client(), hub.client()
reply = agent.client.wait(agent.claim_start(wait_ms=0, running=[task]))["json"]
eq((reply["tasks"], reply["stopped"]), ([], "paused by 'local'"), "a restart of the hub does not change that")
held = agent.claim_held(wait_ms=DEADLINE * 1000, slots=1, running=[task])
eq(ctl("agent", "resume", show("big1")["id"]).returncode, 0, "it is resumed, by its id")
reply = agent.client.wait(held)["json"]
ok("stopped" not in reply, "its held claim is answered, and nothing keeps it back")
more = agent.claim(slots=1, running=[task])
news = dict(agent.claim_body(wait_ms=20000, slots=1, running=[task] + more), stopped="paused by 'local'")
ok("stopped" not in agent.post("claim", news)["json"], "a claim that was told otherwise last is answered at once")
eq(len(more), 1, "it gets the task")
said = ctl("agent", "remove", "big1")
eq((said.returncode, "is connected or has tasks" in said.stderr), (1, True), "one that has tasks is not removed")
eq(ctl("agent", "pause", "nobody").returncode, 1, "one that is not there is an error")
agent.run(task)
agent.run(more[0])

# --- the real agent ---
real = start_runnerd(hub, slots=1, name="real")
log = os.path.join(tmp, "real.log")


def log_has(words):
    with open(log, errors="replace") as file:
        return words in file.read()


def why_real():
    return subprocess.run([os.path.join(build, "runnerctl"), "why", "--run-dir", os.path.join(tmp, "real", "run")],
                          capture_output=True, text=True, timeout=DEADLINE).stdout


ok(wait_for("real to be there", lambda: isinstance(show("real"), dict) and show("real")["connected"]), "the real agent is there")
eq(ctl("agent", "pause", "real").returncode, 0, "it is paused")
ok(wait_for("its log", lambda: log_has("the hub gives this agent no more tasks: it is paused by 'local'")), "it says so")
eq(why_real(), "the hub gives this agent no task: it is paused by 'local'\n", "and to runnerctl why on its host")
eq(ctl("agent", "resume", "real").returncode, 0, "it is resumed")
ok(wait_for("its log", lambda: log_has("the hub gives this agent tasks again")), "which it says, too")
eq(ctl("agent", "pause", "big1").returncode, 0, "the other one is paused")
third = person.run()
ok(wait_for("the pipeline to end", lambda: person.has_ended(third)), "it runs what comes")
go = os.path.join(tmp, "go")
last = person.run("""version: 2.1
jobs:
  one: {machine: true, steps: [run: "until [ -e %s ]; do sleep 0.02; done"]}
workflows: {w: {jobs: [one]}}
""" % go)
ok(wait_for("it to run", lambda: person.jobs(last)[0]["state"] == "running"), "it runs a job that takes its time")
drain = subprocess.Popen([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file", os.path.join(hub.dir, "token"),
                          "agent", "drain", "--wait", "real"], stderr=subprocess.PIPE, text=True)
started.append(drain)
eq(drain.stderr.readline(), "agent 'real' is draining; waiting for 1 tasks\n", "it is drained, and waited for")
eq(drain.poll(), None, "as long as it has the job")
open(go, "w").close()
eq((drain.wait(timeout=DEADLINE), drain.stderr.read()), (0, "agent 'real' is draining; it has 0 tasks\n"), "and no longer")
try:
    status = real.wait(timeout=DEADLINE)
except subprocess.TimeoutExpired:
    status = None
eq(status, 0, "it ends")
eq(show("real")["state"], "draining", "the hub keeps that")
ok("draining" in ctl("agent", "list").stdout, "it is listed so")
ok(wait_for("it to be removed", lambda: ctl("agent", "remove", "real").returncode == 0), "it is removed")
eq(show("real").returncode, 1, "and gone")
hub.crash()
person.client = hub.client()
eq(show("real").returncode, 1, "also after a restart of the hub")
eq(show("big1")["state"], "paused", "and the other one is as it was")
done()
