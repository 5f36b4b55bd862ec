#!/usr/bin/env python3
# Blobs on their way to the hub: where an upload stands is the hub's to say, and it goes on from there.
import glob
import hashlib
import os
import sqlite3
import struct
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

hub = Hub()
person = Person(hub)
agent = Agent(hub)
RECORDS = "application/vnd.runner.blobs"


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Task:
    def __init__(self):
        self.pipeline = person.run()
        self.task = agent.claim()[0]
        agent.events(self.task, "preparing", "running")
        self.headers = {"authorization": "Bearer " + self.task["token"], "runner-protocol": "1"}

    def call(self, method, path="", body=None, data=None, **headers):
        return agent.client.call(method, "/api/v3/runner/blobs" + path, dict(self.headers, **headers), body, data)

    def open(self, name, size, kind="artifact"):
        return self.call("POST", body={"kind": kind, "name": urllib.parse.quote(name, safe="/"), "size": size})

    def put(self, id, offset, data):
        return self.call("PUT", "/%s?offset=%d" % (id, offset), data=data)

    def complete(self, id, digest):
        return self.call("POST", "/" + id, {"digest": digest})

    def upload(self, name, data, kind="artifact"):
        reply = self.open(name, len(data), kind)
        id = reply["json"]["id"]
        if data:
            reply = self.put(id, 0, data)
        return self.complete(id, sha(data))

    def records(self, list, kind="artifact", type=RECORDS):
        body = b"".join(struct.pack("<IIQ32s", 0x31424c42, len(name), len(data), hashlib.sha256(data).digest()) +
                        name + data for name, data in list)
        return self.call("POST", "/records?kind=" + kind, data=body, **{"content-type": type})

    def end(self):
        agent.events(self.task, "finishing", "ended", seq=3)


def files():
    return sorted(glob.glob(os.path.join(hub.dir, "data", "blobs", "*")))


def rows(columns="name, size, state"):
    """What the database says; the hub is stopped for it."""
    hub.stop()
    db = sqlite3.connect(os.path.join(hub.dir, "data", "hub.db"))
    found = db.execute("SELECT %s FROM blob ORDER BY name" % columns).fetchall()
    db.close()
    hub.start()
    agent.client, person.client = hub.client(), hub.client()
    return found


def restart():
    hub.crash()
    agent.client, person.client = hub.client(), hub.client()


# --- a whole one ---
task = Task()
data = os.urandom(3000000)
reply = task.open("out/a.bin", len(data))
eq((reply["status"], reply["json"]["offset"]), (200, 0), "an upload is opened and has nothing yet")
id = reply["json"]["id"]
eq(task.put(id, 0, data)["json"]["offset"], len(data), "its bytes are written")
eq(task.open("out/a.bin", len(data))["json"], {"id": id, "offset": len(data)}, "opened again it is the same one")
eq(task.complete(id, sha(data))["status"], 200, "it is complete with the digest of its bytes")
eq(task.complete(id, sha(data))["status"], 200, "said again, as after a lost reply, it is the same")
eq(task.complete(id, sha(b""))["status"], 404, "but not with another digest")
with open(files()[0], "rb") as file:
    eq(file.read() == data, True, "its file has the bytes")

# --- a part at a time, and over a crash of the hub ---
reply = task.open("out/parts", 1000)
id = reply["json"]["id"]
eq(task.put(id, 0, data[:400])["json"]["offset"], 400, "a part is stored")
reply = task.put(id, 500, data[500:1000])
eq((reply["status"], reply["json"]["offset"]), (409, 400), "one beyond it is refused, and the offset said")
eq(task.put(id, 100, data[100:600])["json"]["offset"], 600, "one that overlaps what is there goes on from there")
eq(task.put(id, 0, data[:600])["json"]["offset"], 600, "one that is all there already changes nothing")
eq(task.complete(id, sha(data[:1000]))["status"], 409, "it is not complete while bytes are missing")
restart()
eq(task.open("out/parts", 1000)["json"], {"id": id, "offset": 600}, "after a crash it stands where it stood")
eq(task.put(id, 600, data[600:1000])["json"]["offset"], 1000, "and goes on")
eq(task.complete(id, sha(data[:1000]))["status"], 200, "the digest is of all of it")

# --- what is wrong ---
reply = task.open("out/wrong", 10)
id = reply["json"]["id"]
task.put(id, 0, b"0123456789")
before = len(files())
reply = task.complete(id, sha(b"9876543210"))
ok(reply["status"] == 422 and "thrown away" in reply["json"]["message"], "another digest: told, and thrown away")
wait_for("the file to go", lambda: len(files()) == before - 1)
eq(len(files()), before - 1, "its file is gone")
eq(task.put(id, 0, b"0")["status"], 404, "the upload is gone, too")
reply = task.open("out/more", 10)
reply = task.put(reply["json"]["id"], 0, b"0123456789x")
ok(reply["status"] == 400 and "announced" in reply["json"]["message"], "more bytes than announced are refused")
eq(task.open("", 1)["status"], 400, "a name has a byte at least")
eq(task.open("x" * 4097, 1)["status"], 400, "and 4096 at most")
eq(task.open("x", -1)["status"], 400, "a size is not negative")
eq(task.open("x", 1, "toy")["status"], 400, "a kind is one of three")
eq(task.put("nonsense", 0, b"x")["status"], 404, "no id is no upload")
first = task.open("out/changed", 10)["json"]["id"]
task.put(first, 0, b"01234")
second = task.open("out/changed", 9)["json"]
ok(second["id"] != first and second["offset"] == 0, "another size begins anew")
eq(task.call("DELETE", "/" + second["id"])["status"], 204, "an upload can be given up")
eq(task.put(second["id"], 0, b"x")["status"], 404, "and is gone then")
for i in range(70):
    reply = task.open("many/%d" % i, 10)
    if reply["status"] != 200:
        break
eq((reply["status"], i), (413, 64), "a task has 64 open at most")
other = Task()
eq(other.put(task.open("many/0", 10)["json"]["id"], 0, b"x")["status"], 404, "another task's is none")

# --- a later one of the same name ---
eq(other.upload("same", b"one")["status"], 200, "an artifact")
before = len(files())
eq(other.upload("same", b"two!")["status"], 200, "and another of the same name")
wait_for("the older file to go", lambda: len(files()) == before)
eq(len(files()), before, "the older one's file is gone")
eq(other.upload("empty", b"")["status"], 200, "one without a byte")

# --- many small ones ---
names = [b"new\nline", b"not \xff utf-8", b"x" * 255, b"same", b"empty2"]
reply = other.records([(name, name * 3) for name in names[:-1]] + [(names[-1], b"")])
eq((reply["status"], reply["json"]), (200, {"refused": []}), "many small ones in one request")
eq(other.records([(b"a", b"b")], type="text/plain")["status"], 400, "of their own type")
eq(other.records([(b"a", b"b")], kind="toy")["status"], 400, "and of a kind")
eq(other.records([(b"", b"b")])["status"], 400, "a name has a byte at least there, too")
eq(other.records([(b"a\0b", b"b")])["status"], 400, "and no NUL")
good = struct.pack("<IIQ32s", 0x31424c42, 4, 3, hashlib.sha256(b"abc").digest()) + b"goodabc"
bad = struct.pack("<IIQ32s", 0x31424c42, 3, 3, hashlib.sha256(b"abd").digest()) + b"badabc"
reply = other.call("POST", "/records?kind=artifact", data=good + bad, **{"content-type": RECORDS})
eq((reply["status"], [one["record"] for one in reply["json"]["refused"]]), (200, [1]),
   "one with another digest is refused alone")
for cut in (1, 47, 48, 51, len(good) - 1):
    eq(other.call("POST", "/records?kind=artifact", data=good[:cut], **{"content-type": RECORDS})["status"], 400,
       "records cut after %d bytes are none" % cut)
huge = struct.pack("<IIQ32s", 0x31424c42, 4, 1 << 63, b"") + b"goodabc"
eq(other.call("POST", "/records?kind=artifact", data=huge, **{"content-type": RECORDS})["status"], 400,
   "a size beyond the request is none")

# --- caches: the first of a project's stays ---
third = Task()
late = third.open("v1-deps", 5, "cache")["json"]["id"]
third.put(late, 0, b"three")
eq(other.upload("v1-deps", b"one", "cache")["status"], 200, "a cache is kept")
eq(third.complete(late, sha(b"three"))["status"], 409, "a second of the key, that was begun before, is not")
reply = other.open("v1-deps", 3, "cache")
eq((reply["status"], "offset" in reply["json"]), (409, False), "nor is a third begun")

# --- what another task of the project gets ---
def get(path, **headers):
    return other.call("GET", path, **headers)


items = get("?kind=cache&prefix=v1-")["json"]["items"]
eq([(one["name"], one["size"], one["digest"]) for one in items], [("v1-deps", 3, sha(b"one"))], "a cache is found by how it begins")
eq(get("?kind=cache&name=v1-")["json"]["items"], [], "or by its whole name")
eq(get("?kind=cache&prefix=v2")["json"]["items"], [], "others are not")
job = task.task["job"]["id"]
items = get("?kind=artifact&job=" + job)["json"]["items"]
eq([one["name"] for one in items], ["out%2Fa.bin", "out%2Fparts"], "those of a job, by name")
large = "/" + items[0]["id"]


def raw(path, **headers):
    number = agent.client.start("GET", "/api/v3/runner/blobs" + path, dict(other.headers, **headers), raw=True)
    reply = agent.client.replies[number].get(timeout=DEADLINE)
    return reply["status"], bytes.fromhex(reply.get("hex", "")), reply["headers"]


status, got, headers = raw(large)
eq((status, got == data, headers.get("content-length")), (200, True, "3000000"), "its bytes come back")
eq(headers["etag"], '"%s"' % sha(data), "with its digest as entity tag")
status, got, headers = raw(large, range="bytes=1000000-1999999")
eq((status, got == data[1000000:2000000], headers["content-range"]), (206, True, "bytes 1000000-1999999/3000000"), "or a part")
status, got, headers = raw(large, range="bytes=-5")
eq((status, got), (206, data[-5:]), "its last bytes")
eq(raw(large, range="bytes=3000000-")[0], 416, "but none beyond the end")
eq(raw(large, **{"if-none-match": '"%s"' % sha(data)})[0], 304, "who has it gets nothing")
eq(raw(large, range="bytes=0-1", **{"if-range": '"other"'})[0], 200, "a part of another is not sent")
small = [one for one in get("?kind=artifact")["json"]["items"] if one["name"] == "not%20%FF%20utf-8"][0]
eq(raw("/" + small["id"])[1], b"not \xff utf-8" * 3, "one of many in a file")
eq(raw("/" + str(uuid.uuid4()))[0], 404, "what is not there is not found")

# --- what is kept, and what goes with its task ---
mine = rows("kind, state, name, size, digest")
kept = {bytes(name): size for kind, state, name, size, digest in mine if state == 1 and kind == 0}
eq(kept, {b"out/a.bin": 3000000, b"out/parts": 1000, b"same": 12, b"empty": 0, b"empty2": 0, b"good": 3,
          b"new\nline": 24, b"not \xff utf-8": 33, b"x" * 255: 765}, "what is complete is kept, by its name")
eq([bytes(digest).hex() for kind, state, name, size, digest in mine if name == b"out/a.bin"], [sha(data)],
   "with its digest")
eq([size for kind, state, name, size, digest in mine if kind == 1 and state == 1], [3], "one cache of the two")


def check():
    """What runner-hub check says of the stopped hub's directory."""
    hub.stop()
    with open(os.path.join(hub.dir, "check.yaml"), "w") as file:
        file.write("data_dir: %s\nlisten: [\"%s\"]\n" % (os.path.join(hub.dir, "data"), hub.url))
    said = subprocess.run([os.path.join(build, "runner-hub"), "check", "-c", os.path.join(hub.dir, "check.yaml")],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    hub.start()
    agent.client, person.client = hub.client(), hub.client()
    return said


ok(" blobs in " in check(), "runner-hub check reads them all")
largest = max(files(), key=os.path.getsize)
with open(largest, "r+b") as file:
    file.seek(1234567)
    file.write(b"\0damage\0")
ok("its digest differs" in check(), "and tells of one that was damaged")
os.truncate(largest, 1000)
ok("its file ends before it does" in check(), "one that was cut")
os.unlink(largest)
ok("cannot open '%s'" % os.path.basename(largest) in check(), "and one that is gone")
task.end()
eq(task.open("late", 1)["status"], 410, "a task that is over uploads nothing")
done()
