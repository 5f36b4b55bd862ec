#!/usr/bin/env python3
# Output searched by the hub: every line once, wherever it was cut, live and later, with bounds on what a pattern and a reader cost.
import base64
import json
import os
import random
import re
import subprocess
import sys
import urllib.parse
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

hub = Hub()
person, agent = Person(hub), Agent(hub)
client = agent.client
random.seed(7)


def begin():
    person.run(CONFIG.replace("echo hello}", "echo hello}\n      - run: {name: again, command: echo again}"))
    task = agent.claim()[0]
    agent.events(task, "preparing", "running", "step_started")
    return task


def step_event(task, seq, kind, step, attempt=1, **more):
    event = dict(more, task=task["id"], epoch=task["epoch"], seq=seq, time_ms=1769850000123, type=kind, step=step, attempt=attempt)
    if kind == "step_ended":
        event.update(outcome="success", exit_code=0, wall_ms=5, user_us=1, system_us=1, max_rss_bytes=1)
    agent.post("events", {"agent": {"id": agent.id}, "events": [event]})


def put(task, text, sizes, step=0, attempt=1):
    """Records of any size within the bounds; as much in one request as it may carry."""
    offset = 0
    while offset < len(text):
        records = b""
        while offset < len(text) and len(records) < 400000:
            size = random.randint(*sizes)
            records += client.record(task["id"], offset, text[offset:offset + size], step=step, attempt=attempt)
            offset += size
        agent.output(records)


def path(task, pattern, more=""):
    return "/api/runner/v1/tasks/%s/output/grep?pattern=%s%s" % (task["id"], urllib.parse.quote(pattern), more)


def ask(task, pattern, more=""):
    return client.call("GET", path(task, pattern, more), person.headers)


def found(task, pattern, more=""):
    reply = ask(task, pattern, more)
    if reply["status"] != 200:
        return reply["status"]
    return [json.loads(line) for line in reply["body"].splitlines()]


def bytes_of(item):
    return base64.b64decode(item["base64"]) if "base64" in item else item["text"].encode()


def lines_of(text, expression, flags=0):
    """What is to be found: (line, offset, bytes)."""
    offset, out = 0, []
    for number, line in enumerate(text.split(b"\n"), 1):
        if (line or offset < len(text)) and re.search(expression, line, flags):
            out.append((number, offset, line))
        offset += len(line) + 1
    return out


def places(items):
    return [(item["line"], item["offset"], bytes_of(item)) for item in items]


# --- small records: a line, and what is found in it, lies in several ---
task = begin()
texts = [b"".join(b"%d %s\n" % (i, b"error: lost" if i % 97 == 0 else b"all is Well") for i in range(3000)), b"one\n\ntwo \xff\xfe error: x\nno end error"]
put(task, texts[0], (1, 40))
step_event(task, 4, "step_started", 1)
put(task, texts[1], (1, 3), step=1)


def check(when):
    for expression in ("error: l", "^9", "7$", "l+$", "^$", r"(\d)\1", "nowhere"):
        eq([places([item for item in found(task, expression) if item["step"] == step]) for step in (0, 1)],
           [lines_of(text, expression.encode()) for text in texts], "/%s/ %s" % (expression, when))
    eq(places(found(task, "WELL", "&ignore_case=1&step=0")), lines_of(texts[0], b"well", re.I), "in either case (%s)" % when)
    eq(found(task, "WELL"), [], "and only where that is asked for")
    eq(places(found(task, "error", "&step=1")), lines_of(texts[1], b"error"), "of one step (%s)" % when)


check("live")
item = found(task, "two", "&step=1")[0]
eq((item["step"], item["attempt"], "text" in item, "truncated" in item), (1, 1, False, False), "bytes that are no text come as base64")
eq(item["time"][-1:], "Z", "with the time they were printed at")
for pattern, status, words in (("a(b", 400, "at byte 3"), ("", 400, "empty"), ("x" * 1025, 400, "1025 bytes"), (r"[[:nosuch:]]", 400, "wrong at byte")):
    reply = ask(task, pattern)
    eq(reply["status"], status, "/%.10s/ is refused" % pattern)
    ok(words in reply["json"]["message"], "and why: %s" % reply["json"]["message"])
eq(client.call("GET", "/api/runner/v1/tasks/%s/output/grep" % task["id"], person.headers)["status"], 400, "so is none")
eq(found(task, "x", "&step=x"), 400, "and a step that is no number")
eq(found(task, "x", "&attempt=1"), 400, "an attempt is of a step")
eq(found({"id": str(uuid.uuid4())}, "x"), 404, "there is no such task")
eq(found(task, "x", "&step=7"), [], "of a step that printed nothing, nothing is found")
step_event(task, 5, "step_started", 1, attempt=2)
put(task, b"once more error\n", (3, 3), step=1, attempt=2)
eq([places(found(task, "error", "&step=1&attempt=%d" % n)) for n in (1, 2)], [lines_of(texts[1], b"error"), [(1, 0, b"once more error")]], "of one attempt")
step_event(task, 6, "step_ended", 0, output_bytes=len(texts[0]))
step_event(task, 7, "step_ended", 1, output_bytes=len(texts[1]))
step_event(task, 8, "step_ended", 1, attempt=2, output_bytes=16)
agent.events(task, "finishing", "ended", seq=9)
ok(wait_for("the task's own file", lambda: os.path.exists(os.path.join(hub.dir, "data", "output", task["id"] + ".zst"))), "its output is gathered")
eq([places(found(task, "error", "&step=%d" % step)) for step in (0, 1)], [lines_of(texts[0], b"error"), lines_of(texts[1], b"error") + [(1, 0, b"once more error")]],
   "and searched there")

# --- a large log, in many pieces ---
task = begin()
words = [b"%0*x" % (random.randint(1, 150), random.getrandbits(64)) for _ in range(997)]
large = b"\n".join(words[i * i % 997] + b" %d" % i for i in range(80000)) + b"\n"
put(task, large, (60000, 65536))
ok(len(large) > 6 << 20, "a log of %d bytes" % len(large))
for expression in ("ab.*99$", "^0+[1-9a-f]+ 7", "cafe"):
    eq(places(found(task, expression)), lines_of(large, expression.encode()), "/%s/ in all of it, in order" % expression)
# (Compared by their number: the text is the log itself.)
eq([item["line"] for item in found(task, "^")], list(range(1, 80001)), "every line, where all are found")

# --- what a line and a pattern may cost ---
task = begin()
put(task, b"short\n" + b"a" * 200000 + b"needle" + b"a" * 100000 + b"\nend needle\n" + b"a" * 100 + b"b\n", (65536, 65536))
items = found(task, "needle")
eq([(item["line"], item.get("truncated", False)) for item in items], [(2, True), (3, False)], "of a line too long to be shown whole a part is, and it says so")
ok(len(items[0]["text"]) <= 65536, "of 64 KiB at most")
reply = ask(task, "(a+)+$")
eq((reply["status"], "costs too much" in reply["json"]["message"]), (400, True), "a pattern that tries without end is given up: " + reply["json"]["message"])
reply = ask(task, "short|(a+)+$")
last = json.loads(reply["body"].splitlines()[-1])
ok("costs too much" in last.get("message", ""), "also behind what it has found already")

# --- readers that do not read ---
task = begin()
many = b"\n" * (1 << 20)
put(task, many, (65536, 65536))
socket = hub.url[len("unix:"):]


def stall():
    process = subprocess.Popen(["curl", "-sS", "-N", "--http2-prior-knowledge", "--unix-socket", socket, "-H", "Circle-Token: " + hub.person,
                                "http://hub" + path(task, "^")], stdout=subprocess.PIPE)
    started.append(process)
    return process


def memory():
    with open("/proc/%d/status" % hub.process.pid) as file:
        return [int(line.split()[1]) // 1024 for line in file if line.startswith("VmRSS")][0]


before = memory()
stalled = [stall() for _ in range(16)]
for process in stalled:
    process.stdout.read(1)
reply = ask(task, "x")
eq((reply["status"], reply["json"]["message"]), (503, "16 searches are under way: try again later"), "so many searches are under way, and no more")
after = memory()
ok(after - before < 200, "what they do not read stays on the disk (%d MiB more)" % (after - before))
eq(person.client.call("GET", "/api/runner/v1/tasks/" + task["id"], person.headers)["status"], 200, "others are answered")
for process in stalled[1:]:
    process.kill()
eq(wait_for("a free place", lambda: ask(task, "x")["status"] == 200), True, "who goes away makes room")
rest = stalled[0].stdout.read().count(b"\n")
eq(rest, len(many), "and who reads on gets all")
done()
