#!/usr/bin/env python3
# Blobs and disks that are full: the hub's, below what it keeps free for its database, and that of who fetches them.
import atexit
import os
import subprocess
import sys

if "FULL_MOUNTS" not in os.environ:
    # Mounts of its own, so that nothing is left of them.
    words = ["unshare"] + ([] if os.getuid() == 0 else ["-r"]) + ["-m"]
    try:
        alone = subprocess.run(words + ["true"], stderr=subprocess.DEVNULL).returncode == 0
    except FileNotFoundError:
        alone = False
    if not alone:
        print("1..0 # SKIP no mounts of our own on this host")
        sys.exit(0)
    os.environ["FULL_MOUNTS"] = "yes"
    os.execvp(words[0], words + [sys.executable, os.path.abspath(__file__)])

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

MIB = 1 << 20
CONFIG = """version: 2.1
jobs:
  one:
    machine: true
    resource_class: local/big
    steps:
      - run: "%s"
      - store_artifacts: {path: out, destination: d}
      - persist_to_workspace: {root: out, paths: ["small*"]}
workflows:
  main:
    jobs: [one]
"""


def mount(path, mib):
    os.makedirs(path, exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm,mode=755" % mib, "none", path], stderr=subprocess.DEVNULL).returncode:
        print("1..0 # SKIP no tmpfs can be mounted here")
        sys.exit(0)
    atexit.register(subprocess.run, ["umount", "-l", path])
    return path


hub = Hub()
hub.stop()
disk = mount(os.path.join(hub.dir, "data", "blobs"), 64)
hub.start()
person = Person(hub)
runnerd = start_runnerd(hub)


def free():
    room = os.statvfs(disk)
    return room.f_bavail * room.f_frsize


def store(command):
    pipeline = person.run(CONFIG % command)
    wait_for("the pipeline to end", lambda: person.has_ended(pipeline))
    return person.jobs(pipeline)[0]


def items(job):
    return [one["path"] for one in person.get("/api/runner/v1/jobs/%s/artifacts" % job["id"])["items"]]


def output(job):
    task = person.get("/api/runner/v1/jobs/" + job["id"])["tasks"][0]["id"]
    return person.client.call("GET", "/api/runner/v1/tasks/%s/output" % task, person.headers).get("body", "")


# --- what the hub keeps free ---
job = store("mkdir out; echo a >out/small1; head -c %d /dev/urandom >out/large; echo z >out/small2" % (80 * MIB))
eq(job["outcome"], "failed", "a file for which the hub has no room fails its step")
ok("'d/large' is not stored: the hub's disk is full" in output(job), "which says so")
eq(items(job), ["d/small1", "d/small2"], "the others are stored, and nothing of it is seen")
ok(wait_for("its part to go", lambda: free() > 62 * MIB), "what came of it is gone")
job = store("mkdir out; head -c %d /dev/urandom >out/large; echo z >out/small" % (40 * MIB))
eq((job["outcome"], items(job)), ("success", ["d/large", "d/small"]), "the next finds room")

# --- none at all for small ones, and layers of workspaces ---
with open(os.path.join(disk, "ballast"), "wb") as ballast:
    left = free() - 3 * MIB // 2
    while left > 0:
        left -= ballast.write(bytes(min(left, MIB)))
before = sorted(os.listdir(disk))
job = store("mkdir out; for n in $(seq 600); do head -c 1500 /dev/urandom >out/small$n; done; echo ok >out/tiny")
eq(job["outcome"], "failed", "small ones without room fail their step, too")
ok("is not stored: the hub's disk is full" in output(job), "which says so")
ok(wait_for("what came of them to go", lambda: len(os.listdir(disk)) <= len(before) + len(items(job))), "nothing is left of them but what is stored")
ok(hub.process.poll() is None, "the hub goes on")
ok(free() > 0, "and has some room left for itself")
os.unlink(os.path.join(disk, "ballast"))
job = store("mkdir out; echo z >out/small; head -c 3000000 /dev/urandom >out/large")
eq(job["outcome"], "success", "with room again all is stored again")

# --- who fetches has none ---
with open(os.path.join(tmp, "token"), "w") as file:
    file.write(hub.person)


def get(into, *words):
    return subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file", os.path.join(tmp, "token"), "--project",
                           "local/o/r", "artifact", "get", job["id"], "--into", into, *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=DEADLINE)


def files(top):
    return [os.path.relpath(os.path.join(place, name), top) for place, dirs, names in os.walk(top) for name in names]


narrow = mount(os.path.join(tmp, "narrow"), 1)
got = get(narrow)
eq(got.returncode, 1, "a disk that is full where they are fetched to is no success")
ok("'d/large': cannot write it: No space left on device" in got.stderr, "it is told which file, and why")
eq(files(narrow), ["d/small"], "what has room is there, and no part of what has none")
with open(os.path.join(narrow, "d", "large"), "w") as file:
    file.write("of before")
got = get(narrow, "d/large")
with open(os.path.join(narrow, "d", "large")) as file:
    eq((got.returncode, file.read()), (1, "of before"), "nor does it take the place of what is there")
done()
