#!/usr/bin/env python3
# Frames that are not what they say are refused when they come; one that the disk damages costs its reader its own bytes and no others.
import gzip
import json
import os
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

hub = Hub()
person, agent = Person(hub), Agent(hub)
client = agent.client
person.run()
task = agent.claim()[0]
agent.events(task, "preparing", "running", "step_started")
base = "/api/runner/v1/tasks/%s/output" % task["id"]

MAGIC = b"\x28\xb5\x2f\xfd"
RAW, RLE = 0, 1


def block(kind, size, content, last=False):
    return struct.pack("<I", size << 3 | kind << 1 | last)[:3] + content


def frame(size, *blocks, descriptor=0x20 | 0x04 | 0x80, window=b"", checksum=b"\0\0\0\0"):
    """RFC 8878, 3.1.1: a single segment with a checksum, its content size in four bytes."""
    return MAGIC + bytes([descriptor]) + window + struct.pack("<I", size) + b"".join(blocks) + checksum


def packed(text):
    """What an agent would make of it."""
    return client.record(task["id"], 0, text)[72:]


text = "a line that is printed again and again\n" * 100
good = packed(text)
skippable = struct.pack("<II", 0x184D2A50, 8) + b"whatever"
bomb = frame(65536, *[block(RLE, 65536, b"x") for i in range(16000)], block(RLE, 65536, b"x", True))
cases = {
    "a wrong checksum": (good[:-1] + bytes([good[-1] ^ 1]), text),
    "a wrong block": (good[:12] + bytes([good[12] ^ 0xff]) + good[13:], text),
    "less in it than it says": (frame(1000, block(RLE, 10, b"x", True)), "x" * 1000),
    "more in it than it says": (frame(10, block(RLE, 1000, b"x", True)), "x" * 10),
    "a gigabyte in it": (bomb, "x" * 65536),
    "another size than the record's": (good, text + "more"),
    "blocks without an end": (frame(4, *[block(RAW, 0, b"") for i in range(20000)]), "xxxx"),
    "a window of two gigabytes": (frame(4, block(RAW, 4, b"xxxx", True), descriptor=0x80 | 0x04, window=b"\xa8"), "xxxx"),
    "no checksum": (frame(4, block(RAW, 4, b"xxxx", True), descriptor=0x20 | 0x80, checksum=b""), "xxxx"),
    "a dictionary": (frame(4, block(RAW, 4, b"xxxx", True), descriptor=0x20 | 0x04 | 0x80 | 1, window=b"\1"), "xxxx"),
    "nothing in it": (frame(0, block(RAW, 0, b"", True)), "x"),
    "a frame to be skipped": (skippable, "x"),
    "many to be skipped": (skippable * 4000, "x"),
    "one to be skipped before it": (skippable + good, text),
    "one to be skipped behind it": (good + skippable, text),
    "another behind it": (good + good, text + text),
    "bytes behind it": (good + b"x", text),
    "no end": (good[:-6], text),
    "no frame": (b"x" * 100, "x" * 100),
}


def place(reply):
    return [(p["step"], p["offset"], p["state"]) for p in reply["json"]["positions"]]


def warnings():
    with open(hub.log) as log:
        return sum("output is refused" in line for line in log)


for what, (bad, content) in cases.items():
    reply = agent.output(client.record(task["id"], 0, content, frame=bad.hex()))
    eq((place(reply), "frame" in reply["json"]["positions"][0].get("message", "")), ([(0, 0, "refused")], True), "a frame with %s is refused" % what)
eq(place(agent.output(client.record(task["id"], 0, text, frame=good.hex()))), [(0, len(text), "ok")], "a whole one is stored")

# A request full of bombs is one line of the log, and others are answered while it is looked at.
before = warnings()
one = client.record(task["id"], len(text), "x" * 65536, frame=frame(65536, *[block(RLE, 65536, b"x")] * 6, block(RLE, 65536, b"x", True)).hex())
requests = [agent.start_output(one * ((1 << 20) // len(one))) for i in range(8)]
began = time.monotonic()
worst = 0
while any(client.waits(number) for number in requests):
    at = time.monotonic()
    client.call("GET", "/api/runner/v1/status", person.headers)
    worst = max(worst, time.monotonic() - at)
eq({tuple(place(client.wait(number))) for number in requests}, {((0, 0, "refused"),)}, "requests full of bombs are refused (%.1f s, others waited %.2f s)" %
   (time.monotonic() - began, worst))
eq(warnings() - before, 8, "each is one line in the log")

# --- the disk damages one ---
second, third = "what is damaged\nin two lines\n", "and what comes behind it\n"
offset = len(text)
agent.output(client.record(task["id"], offset, second) + client.record(task["id"], offset + len(second), third))
agent.events(task, "step_ended", "finishing", "ended", seq=4, output_bytes=offset + len(second) + len(third))
file = os.path.join(hub.dir, "data", "output", task["id"] + ".zst")
wait_for("the task's own file", lambda: os.path.exists(file))
hub.stop()
with open(file, "r+b") as output:
    stored = output.read()
    at = stored.index(packed(second))
    output.seek(at + 12)
    output.write(bytes([stored[at + 12] ^ 0xff]))
hub.start()
client = hub.client()

notice = ("[runner-hub: %d bytes here are damaged on its disk]" % len(second))[:len(second) - 2] + "\n\n"
whole = text + notice + third


def get(query, **headers):
    reply = client.call("GET", base + query, dict(person.headers, **{name.replace("_", "-"): value for name, value in headers.items()}), raw=True)
    return bytes.fromhex(reply["hex"])


eq(get("?step=0").decode(), whole, "its bytes are replaced by as many that say so")
eq(subprocess.run(["zstd", "-dcq"], input=get("?step=0", accept_encoding="zstd"), stdout=subprocess.PIPE, check=True).stdout.decode(), whole, "also as zstd")
eq(gzip.decompress(get("?step=0", accept_encoding="gzip")).decode(), whole, "as gzip")
eq(b"".join(json.loads(line[6:])["text"].encode() for line in get("?step=0", accept="text/event-stream").split(b"\n") if line.startswith(b'data: {"')).decode(), whole,
   "and as events")
eq(get("?step=0&from_line=-1").decode(), third, "lines behind it keep their numbers")
eq(get("?step=0&from=%d&bytes=4" % (offset + len(second))).decode(), third[:4], "and bytes their offsets")
found = [json.loads(line) for line in get("/grep?pattern=behind").decode().splitlines()]
eq([item.get("line") for item in found], [103], "a search goes on behind it")


def logs(*options):
    return subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file", os.path.join(hub.dir, "token"), "logs", *options, task["job"]["id"]],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()


ok(logs("--step", "0").endswith(notice + third), "runnerctl shows what there is")


def errors():
    with open(hub.log) as log:
        return [line for line in log if "damaged on the disk" in line]


eq(len(errors()), 6, "the log has one line a reader")
hub.stop()
done()
