#!/usr/bin/env python3
# Why a job waits: the hub says it by what decides, in a word and in a sentence.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

hub = Hub()
person = Person(hub)


def why_of(pipeline, name):
    job = [one for one in person.jobs(pipeline) if one["name"] == name][0]
    return person.get("/api/runner/v1/jobs/" + job["id"] + "/why")


def says(pipeline, name, reason, message, what):
    answer = why_of(pipeline, name)
    eq((answer["reason"], answer["message"]), (reason, message), what)
    return answer


def ctl(*arguments):
    return subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file",
                           os.path.join(hub.dir, "token")] + list(arguments), capture_output=True, text=True,
                          timeout=DEADLINE)


# --- nobody is there; what is required; a person ---
first = person.run("""version: 2.1
jobs:
  a: {machine: true, steps: [run: "true"]}
workflows:
  w:
    jobs:
      - a
      - a: {name: b, requires: [a]}
      - hold: {type: approval}
      - a: {name: c, requires: [hold, b]}
""")
says(first, "a", "no_agent", "job 'a' waits: no agent is connected", "without an agent that is why")
answer = says(first, "b", "requires", "job 'b' waits for job 'a' (queued)", "what it requires is named, with its state")
eq([(one["name"], one["state"]) for one in answer["waits_for"]], [("a", "queued")], "also for programs")
says(first, "hold", "approval", "job 'hold' waits for a person to approve it", "a person is waited for")
says(first, "c", "requires", "job 'c' waits for job 'hold' (waits for a person to approve it), job 'b' (waits itself)",
     "each one that has not ended")

# --- agents that are full, or silent ---
agent = Agent(hub, slots=1)
held = agent.claim()
eq(len(held), 1, "an agent takes the task")
says(first, "a", "running", "job 'a' runs on agent 'big1'", "who runs does not wait")
second = person.run()
third = person.run()
says(second, "one", "agents_full", "job 'one' waits: the agent is full (1 of 1 slots)", "the agent is full")
answer = says(third, "one", "agents_full",
              "job 'one' waits: the agent is full (1 of 1 slots); 1 task is before it in the queue",
              "and others were there before")
eq((answer["tasks_before"], answer["agents"], answer["slots"], answer["slots_taken"]), (1, 1, 1, 1), "in numbers")
agent.run(held[0])
says(first, "a", "ended", "job 'a' waits for nothing, it has ended: success", "a job that has ended waits for nothing")
says(second, "one", "agents_silent",
     "job 'one' waits: agent 'big1' has 0 of its 1 slots taken and asks for no task; 'runnerctl why' on its host tells why",
     "an agent that has room and does not ask is named")
agent.unclaim(agent.claim()[0])
answer = why_of(second, "one")
ok("it is queued again: " in answer["message"], "a task that came back says so")
said = ctl("why", [one for one in person.jobs(second) if one["name"] == "one"][0]["id"])
eq((said.returncode, said.stdout), (0, answer["message"] + "\n"), "runnerctl why says the sentence")
said = ctl("job", "why", "--json", [one for one in person.jobs(second) if one["name"] == "one"][0]["id"])
eq(json.loads(said.stdout), answer, "job why is the same, and --json all of it")
said = ctl("why", str(uuid.uuid4()))
eq(said.returncode, 1, "a job that is not there is an error")

# --- serial groups ---
serial = """version: 2.1
jobs:
  s: {machine: true, steps: [run: "true"]}
workflows:
  w:
    jobs: [{s: {serial-group: deploy}}]
"""
holder, waiter = person.run(serial), person.run(serial)
number = person.jobs(holder)[0]["pipeline"]["number"]
answer = says(waiter, "s", "serial_group",
              "job 's' waits for serial group 'deploy', which job 's' of pipeline %d of project 'local/o/r' has" % number,
              "a serial group names who has it")
eq(answer["waits_for"][0]["id"], person.jobs(holder)[0]["id"], "that is the job it waits for")
hub.crash()
person.client = hub.client()
eq(why_of(waiter, "s")["reason"], "serial_group", "a restart of the hub does not change the reason")
ok("it is queued again: " in why_of(second, "one")["message"], "nor what came back")
done()
