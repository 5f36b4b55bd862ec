#!/usr/bin/env python3
# What a lease is given of contexts and projects: the same whenever it is asked, and nothing hostile breaks it.
import os
import sqlite3
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

JOB = """
version: 2.1
jobs:
  one:
    machine: true
    resource_class: local/big
    environment: {OF_JOB: job}
    steps: [{run: "true"}]
workflows:
  w:
    jobs: [{one: {context: [%s]}}]
"""

hub = Hub()
person = Person(hub)
agent = Agent(hub)


def ask(method, path, body=None):
    return person.client.call(method, path, person.headers, body)


def context(name):
    return person.post("/api/v2/context", {"name": name, "owner": {"slug": "local/o"}})["json"]["id"]


def put(owner, name, value):
    return ask("PUT", "/api/v2/context/%s/environment-variable/%s" % (owner, name), {"value": value})["status"]


def job_end(pipeline):
    """How its one job ended."""
    job = wait_for("the job to end", lambda: [one for one in person.jobs(pipeline) if one["state"] == "ended"])
    return job[0] if job else person.jobs(pipeline)[0]


def crash():
    hub.crash()
    agent.client = hub.client()
    person.client = hub.client()


def holds(text):
    """What files of the hub hold it."""
    found = []
    for folder, _, files in os.walk(hub.dir):
        for name in files:
            if not os.path.isfile(os.path.join(folder, name)):
                continue
            with open(os.path.join(folder, name), "rb") as file:
                if text.encode() in file.read():
                    found.append(name)
    return found


def database(sql, *values):
    db = sqlite3.connect(os.path.join(hub.dir, "data", "hub.db"))
    rows = db.execute(sql, values).fetchall()
    db.commit()
    db.close()
    return rows


# --- the same whenever it is asked ---
deploy = context("deploy")
put(deploy, "PASSWORD", "first-value-0001")
for name, value in (("SHORT", "abc"), ("FLAG", "TRUE"), ("OF_JOB", "not this one"), ("CIRCLE_NODE_INDEX", "77")):
    put(deploy, name, value)
claim = str(uuid.uuid4())
person.run(JOB % "deploy")
first = agent.claim(claim=claim)
env = first[0]["environment"]
eq((env["PASSWORD"], env["OF_JOB"], env["CIRCLE_NODE_INDEX"]), ("first-value-0001", "job", "0"),
   "a lease has the context's values, below built-in ones and the job's")
eq(sorted(first[0]["mask"]), ["first-value-0001", "not this one"], "what is long enough and no flag is to be masked")
ok("contexts" not in first[0], "names of contexts do not travel")
put(deploy, "PASSWORD", "second-value-0002")
eq(agent.claim(claim=claim), first, "a claim that is sent again brings the same values, though they have changed")
crash()
eq(agent.claim(claim=claim), first, "also after a crash")
eq(holds("first-value-0001"), [], "while it is leased no file has its values in the clear")
eq(ask("DELETE", "/api/v2/context/" + deploy)["status"], 200, "its context is deleted")
eq(agent.claim(claim=claim), first, "and it still brings the same")
eq(agent.unclaim(first[0]), 204, "the task is given back")
pipelines = [person.jobs("")[0]["pipeline"]["id"]]
eq(agent.claim(wait_ms=300), [], "no agent gets it again")
job = job_end(pipelines[0])
eq((job["state"], job["outcome"], job["reason"]), ("ended", "unauthorized", "context 'deploy' does not exist in 'local/o'"),
   "it ends as unauthorized, naming the context")

deploy = context("deploy")
put(deploy, "PASSWORD", "third-value-0003")
person.run(JOB % "deploy")
task = agent.claim()[0]
eq(task["environment"]["PASSWORD"], "third-value-0003", "a context made anew is found")
agent.run(task)

# --- hostile values and names ---
nasty = {
    "PATH": "/evil", "LD_PRELOAD": "/evil.so", "BASH_ENV": "/evil.sh", "IFS": "x",
    "SQL": "'); DROP TABLE variable;--", "JSON": '"}]}, "x": "\\u0000\\', "SHELL_": "$(reboot) `id` ${PASSWORD}",
    "CONTROL": "".join(map(chr, range(1, 32))) + "\x7f\x85\u2028", "UNICODE": "\U0001f600\uffff\ufeffe\u0301",
    "LARGE": "\u00e9" * 32768, "LINES": "-----BEGIN KEY-----\nabc\n\ndef\r\n-----END KEY-----\n", "EMPTY": "", "_": "under",
}
odd = context("odd \u00e9 '\"\\ ; --")
eq([name for name, value in nasty.items() if put(odd, name, value) != 200], [], "values and names of all kinds are taken")
person.run(JOB % "\"odd \u00e9 '\\\"\\\\ ; --\"")
task = agent.claim()[0]
eq({name: task["environment"].get(name) for name in nasty}, nasty, "and come out as they went in")
agent.run(task)
for what, body in (("no value", {}), ("a number", {"value": 1}), ("null", {"value": None}), ("a list", [])):
    eq(ask("PUT", "/api/v2/context/%s/environment-variable/X" % odd, body)["status"], 400, "refused: " + what)
reply = person.client.call("PUT", "/api/v2/context/%s/environment-variable/X" % odd, person.headers,
                           data=b'{"value": "secret-\xff"}')
eq(reply["status"], 400, "refused: bytes that are no UTF-8")
eq(holds("secret-"), [], "and not repeated in a log")
eq(ask("PUT", "/api/v2/context/%s/environment-variable/X" % uuid.uuid4(), {"value": "v"})["status"], 404,
   "a context that is not there is not found")

# --- many and much ---
many = context("many")
started_calls = [person.client.start("PUT", "/api/v2/context/%s/environment-variable/V%d" % (many, i), person.headers,
                                     {"value": "value %d" % i}) for i in range(1001)]
statuses = [person.client.wait(number)["status"] for number in started_calls]
eq((statuses.count(200), statuses.count(413)), (1000, 1), "a context takes 1,000 variables")
person.run(JOB % "many")
task = agent.claim()[0]
eq(len(task["mask"]), 1000, "and a job gets them all")
agent.run(task)
for i in range(9):
    put(many, "V%d" % i, "x" * 65536)
pipeline = person.run(JOB % "many")
eq(agent.claim(wait_ms=300), [], "too much for one job is not handed out")
job = job_end(pipeline)
ok(job["outcome"] == "infra-fail" and "524288 are allowed" in job["reason"], "the job says how much")

# --- a database that somebody changed ---
two = context("two")
put(two, "A", "value-of-a-0000")
put(two, "B", "value-of-b-0000")
eq(hub.stop(), 0, "the hub ends")
eq(database("SELECT count(*) FROM variable WHERE name = ''"), [(0,)], "no lease's values are left behind")
a = database("SELECT sealed FROM variable WHERE name = 'A'")[0][0]
database("UPDATE variable SET sealed = ? WHERE name = 'B'", a)
hub.start()
agent.client = hub.client()
person.client = hub.client()
pipeline = person.run(JOB % "two")
eq(agent.claim(wait_ms=300), [], "a value moved to another row is not given to a job")
job = job_end(pipeline)
eq((job["outcome"], job["reason"]), ("infra-fail", "the value of variable 'B' is damaged: set it again"), "which is said")
put(two, "B", "again")
person.run(JOB % "two")
eq(agent.claim()[0]["environment"]["B"], "again", "set again it is whole")

done()
