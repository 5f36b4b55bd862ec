#!/usr/bin/env python3
# Output read back: any part of it, in any coding, while it grows and after its end, as events and as an index.
import base64
import gzip
import json
import os
import signal
import subprocess
import sys
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

hub = Hub()
person, agent = Person(hub), Agent(hub)
client = agent.client
person.run()
task = agent.claim()[0]
agent.events(task, "preparing", "running", "step_started")
base = "/api/runner/v1/tasks/%s/output" % task["id"]
socket = hub.url[len("unix:"):]


def curl(path, *headers, more=()):
    arguments = ["curl", "-sS", "-N", "--http2-prior-knowledge", "--unix-socket", socket, "-H", "Circle-Token: " + hub.person, "-D", "-"]
    for header in headers:
        arguments += ["-H", header]
    return arguments + list(more) + ["http://hub" + path]


class Reply:
    def __init__(self, path, *headers):
        self.take(self.ask(path, *headers))

    @staticmethod
    def ask(path, *headers):
        headers = dict(header.split(": ", 1) for header in headers)
        return client.start("GET", path, dict(person.headers, **{name.lower(): value for name, value in headers.items()}), raw=True)

    @staticmethod
    def all(requests):
        """Replies to many requests, sent at once."""
        for number in [Reply.ask(*request) for request in requests]:
            reply = Reply.__new__(Reply)
            reply.take(number)
            yield reply

    def take(self, number):
        reply = client.wait(number)
        self.status, self.headers, self.body = reply["status"], reply["headers"], bytes.fromhex(reply["hex"])

    def text(self):
        coding = self.headers.get("content-encoding")
        if coding == "zstd":
            return subprocess.run(["zstd", "-dcq"], input=self.body, stdout=subprocess.PIPE, check=True).stdout.decode()
        return (gzip.decompress(self.body) if coding == "gzip" else self.body).decode()


# Records whose ends fall within lines, one without a newline, one of newlines alone.
pieces = ["one\ntwo\nth", "ree\n", "fo", "ur", "\n\n\n", "seven\neight\nni", "ne\nten\n", "eleven"]
whole = "".join(pieces)
lines = whole.splitlines(True)
offset, records = 0, b""
for piece in pieces:
    records += client.record(task["id"], offset, piece)
    offset += len(piece)
eq(agent.output(records)["json"]["positions"][0]["offset"], len(whole), "a step has printed")


def check_ranges(when):
    reply = Reply(base + "?step=0")
    eq((reply.status, reply.text(), reply.headers.get("content-length"), reply.headers.get("accept-ranges")), (200, whole, str(len(whole)), "bytes"),
       "all of it has a length (%s)" % when)
    etag = reply.headers["etag"]
    ranges = [(first, last) for first in range(0, len(whole) + 2, 3) for last in range(first, len(whole) + 3, 4)]
    good = True
    for (first, last), reply in zip(ranges, Reply.all([(base + "?step=0", "Range: bytes=%d-%d" % pair) for pair in ranges])):
        end = min(last + 1, len(whole))
        if first >= len(whole):
            good = good and reply.status == 416 and reply.headers["content-range"] == "bytes */%d" % len(whole)
        else:
            good = good and (reply.status, reply.text(), reply.headers["content-range"]) == (
                206, whole[first:end], "bytes %d-%d/%d" % (first, end - 1, len(whole)))
    ok(good, "any range of bytes (%s)" % when)
    eq(Reply(base + "?step=0", "Range: bytes=-5").text(), whole[-5:], "the last bytes")
    eq((Reply(base + "?step=0", "Range: bytes=5-3").status, Reply(base + "?step=0", "Range: lines=1-2").status), (200, 200), "a range that is none is ignored")
    eq(Reply(base + "?step=0", "Range: bytes=1-2", "Accept-Encoding: zstd").status, 200, "a packed form has no ranges")
    eq(Reply(base + "?step=0", "Range: bytes=1-2", "If-Range: " + etag).text(), whole[1:3], "If-Range: it is still the same")
    eq(Reply(base + "?step=0", "Range: bytes=1-2", 'If-Range: "other"').text(), whole, "If-Range: it is not")
    eq(Reply(base + "?step=0", "If-None-Match: " + etag).status, 304, "what the reader has is not sent again")
    parts = [(first, count, coding) for first in (0, 4, 9, 10, 13) for count in (0, 1, 3, 10, 1000) for coding in ("zstd", "gzip", "identity")]
    good = all(reply.text() == whole[first:first + count] for (first, count, coding), reply in zip(
        parts, Reply.all([(base + "?step=0&from=%d&bytes=%d" % part[:2], "Accept-Encoding: " + part[2]) for part in parts])))
    ok(good, "any part by from and bytes, in every coding (%s)" % when)
    return etag


def check_lines(when):
    def part(query, coding):
        return Reply(base + "?step=0&" + query, "Accept-Encoding: " + coding).text()

    def parts(wanted, codings):
        asked = [(query, coding) for query in wanted for coding in codings]
        return all(reply.text() == wanted[query] for (query, coding), reply in zip(
            asked, Reply.all([(base + "?step=0&" + query, "Accept-Encoding: " + coding) for query, coding in asked])))
    good = parts({"from_line=%d&lines=%d" % (first, count): "".join(lines[first - 1:first - 1 + count])
                  for first in range(1, len(lines) + 3) for count in (0, 1, 2, 20)}, ("zstd", "identity"))
    ok(good, "any range of lines (%s)" % when)
    # The last one has no end: it stands behind the last N.
    good = parts({"from_line=-%d" % count: "".join(lines[max(len(lines) - 1 - count, 0):]) for count in range(1, len(lines) + 3)}, ("gzip", "identity"))
    ok(good, "the last lines (%s)" % when)
    eq(part("from_line=-3&lines=2", "identity"), "".join(lines[-4:-2]), "lines from the end on")
    eq(part("lines=2", "gzip"), "one\ntwo\n", "the first lines")


etag = check_ranges("live")
check_lines("live")
for query in ("from_line=0", "from_line=x", "from_line=--1", "lines=-5", "lines=x", "from=1&lines=2", "bytes=1&from_line=2", "have=x", "have=0.1", "have=0.1.5,"):
    wanted = 200 if query == "have=0.1.5," else 400
    eq(Reply(base + "?step=0&" + query).status, wanted, "'%s' gets %d" % (query, wanted))
eq(Reply(base + "?from_line=1").status, 400, "lines are of a step")
eq((Reply(base + "?step=7").status, Reply(base + "?step=7").body), (200, b""), "a step that printed nothing")
eq(Reply("/api/runner/v1/tasks/%s/output?step=0" % uuid.uuid4(), "Range: bytes=0-1").status, 404, "no such task")

# --- codings ---
for accept, coding in (("gzip, deflate, br", "gzip"), ("gzip, zstd;q=0.5", "zstd"), ("identity, zstd;q=0.5", None), ("*", "zstd"),
                       ("zstd;q=0, *;q=0.1", "gzip"), ("br", None)):
    reply = Reply(base, "Accept-Encoding: " + accept)
    eq((reply.headers.get("content-encoding"), reply.text()), (coding, whole), "Accept-Encoding: " + accept)

# --- the index ---
index = [json.loads(line) for line in Reply(base + "/index?step=0").text().splitlines()]
eq([(row["offset"], row["bytes"], row["lines"]) for row in index],
   [(sum(map(len, pieces[:i])), len(piece), piece.count("\n")) for i, piece in enumerate(pieces)], "the index names each record")
ok(all(row["time"].endswith("Z") for row in index), "and its time")
eq(Reply(base + "/index?step=0&from_line=2").status, 400, "it knows no lines")

# --- events ---


def events_of(text):
    """Those that are whole: what is behind the last empty line is still to come."""
    return [dict(line.split(": ", 1) for line in event.split("\n")) for event in text.split("\n\n")[:-1] if event and not event.startswith(":")]


class Events:
    """A stream of events that is read while it comes."""

    def __init__(self, query, *headers):
        self.process = subprocess.Popen(curl(base + query, "Accept: text/event-stream", *headers), stdout=subprocess.PIPE)
        started.append(self.process)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.text = ""

    def read(self):
        self.text += (self.process.stdout.read() or b"").decode()
        return self.text.split("\r\n\r\n", 1)[-1] if "\r\n\r\n" in self.text else ""

    def printed(self):
        data = [json.loads(event["data"]) for event in events_of(self.read()) if "id" in event and event.get("event") != "end"]
        return b"".join(base64.b64decode(item["base64"]) if "base64" in item else item["text"].encode() for item in data)

    def last_id(self):
        return [event["id"] for event in events_of(self.read()) if "id" in event][-1]


stream = Events("?follow=1")
ok(wait_for("the events", lambda: stream.printed() == whole.encode()), "events bring what there is")
seen = stream.last_id()
eq(seen, "0.1.%d" % len(whole), "an event's id says what the reader has")
followed = subprocess.Popen(curl(base + "?step=0&follow=1&from_line=-1", more=["-o", os.path.join(tmp, "followed")]), stdout=subprocess.DEVNULL)
beyond = subprocess.Popen(curl(base + "?step=0&follow=1&from_line=14", more=["-o", os.path.join(tmp, "beyond")]), stdout=subprocess.DEVNULL)
started += [followed, beyond]
wait_for("a follower", lambda: os.path.exists(os.path.join(tmp, "followed")) and os.path.getsize(os.path.join(tmp, "followed")) > 0)
binary = "\0 and a half of a character: "
records = client.record(task["id"], len(whole), " goes on\ntwelve\nthirteen\n")
more = " goes on\ntwelve\nthirteen\nfourteen\n" + binary
records += client.record(task["id"], len(whole) + 25, "fourteen\n" + binary)
agent.output(records)
ok(wait_for("more events", lambda: stream.printed() == (whole + more).encode()), "more comes as it is printed, bytes that are no text as base64")
stream.process.kill()
again = Events("?follow=1", "Last-Event-ID: " + seen)
ok(wait_for("the rest", lambda: again.printed() == more.encode()), "a reader whose connection was cut goes on behind it")
ok(Reply(base + "?step=0").headers["etag"] != etag, "what has grown has another name")
whole += more
lines = whole.splitlines(True)

# --- the end ---
eq(agent.events(task, "step_ended", "finishing", "ended", seq=4, output_bytes=len(whole))["seq"], 6, "the task ends")
eq((again.process.wait(DEADLINE), events_of(again.read())[-1]["event"]), (0, "end"), "the stream says so")
eq(Reply(base, "Accept: text/event-stream", "Last-Event-ID: " + again.last_id()).status, 204, "and who asks again is told to stop")
followed.wait(DEADLINE)
beyond.wait(DEADLINE)
eq(open(os.path.join(tmp, "followed")).read(), "ten\neleven" + more, "followed from the last line on")
eq(open(os.path.join(tmp, "beyond")).read(), "fourteen\n" + binary, "or from a line that was still to come")
ok(wait_for("the task's own file", lambda: os.path.exists(os.path.join(hub.dir, "data", "output", task["id"] + ".zst"))), "its output is gathered")
pieces += [" goes on\ntwelve\nthirteen\n", "fourteen\n" + binary]
check_ranges("gathered")
check_lines("gathered")
eq(events_of(Reply(base, "Accept: text/event-stream", "Last-Event-ID: 0.1.%d" % len(whole)).text())[-1]["event"], "end", "events of what has ended end at once")

# --- what only looks like output ---
person.run()
task = agent.claim()[0]
agent.events(task, "preparing", "running", "step_started")


def place(reply):
    return [(p["offset"], p["state"]) for p in reply["json"]["positions"]]


good = client.record(task["id"], 0, "good\n")
eq(place(agent.output(good)), [(5, "ok")], "a record is stored")
lying = client.record(task["id"], 5, "x" * 1000, raw_len=10)
eq(place(agent.output(lying)), [(0, "refused")], "a frame that holds more than its header says is refused")
lying = client.record(task["id"], 5, "x" * 1000, raw_len=65536)
eq(place(agent.output(lying)), [(0, "refused")], "and one that holds less")
bomb = subprocess.run(["zstd", "-cq"], input=b"\0" * (64 << 20), stdout=subprocess.PIPE, check=True).stdout
reply = agent.output(client.record(task["id"], 5, "", frame=bomb.hex(), raw_len=65536))
eq(place(reply), [(0, "refused")], "so is a bomb of %d bytes that holds 64 MiB" % len(bomb))
eq(place(agent.output(client.record(task["id"], 5, "more\n"))), [(10, "ok")], "and the position stays where it was")

# --- many readers: more than one connection may have ---
base = "/api/runner/v1/tasks/%s/output?follow=1" % task["id"]
readers = [(one, one.start("GET", base, person.headers, raw=True)) for one in (client, person.client) for _ in range(512)]
other = Person(hub)


def refused():
    reply = other.client.call("GET", base, person.headers)
    return (reply["status"], reply["json"]["message"]) == (503, "1024 readers have output already: try again later")


eq([one.call("GET", "/api/v2/me", person.headers)["status"] for one in (client, person.client)], [200, 200], "1,024 readers are being served")
ok(refused(), "one more is told so")
for one, number in readers:
    one.cancel(number)
ok(wait_for("room for a reader", lambda: other.client.call("GET", base.partition("?")[0], person.headers, raw=True)["status"] == 200),
   "and has its turn when others have gone")
done()
