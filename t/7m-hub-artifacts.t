#!/usr/bin/env python3
# Artifacts from a job to the hub, whatever breaks on the way; and how people and browsers get them.
import base64
import glob
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

CONFIG = """version: 2.1
jobs:
  one:
    machine: true
    resource_class: local/big
    steps:
      - run: {name: make, command: "%s"}
      - store_artifacts: {path: out, destination: d}
workflows:
  main:
    jobs: [one]
"""
hub = Hub()
person = Person(hub)


def fetch(job, name, node=0, client=None, **headers):
    path = "/output/job/%s/artifacts/%d/%s" % (job, node, urllib.parse.quote(name))
    number = person.client.start("GET", path, dict(person.headers, **headers), raw=True)
    reply = person.client.replies[number].get(timeout=DEADLINE)
    return reply["status"], bytes.fromhex(reply.get("hex", "")), reply.get("headers", {})


def items(job):
    return person.get("/api/runner/v1/jobs/%s/artifacts" % job)["items"]


def store(command):
    """Run it; the job, once it has ended."""
    pipeline = person.run(CONFIG % command.replace('"', '\\"'))
    return pipeline, person.jobs(pipeline)[0]


def ended(pipeline):
    return wait_for("the pipeline to end", lambda: person.has_ended(pipeline))


def outcome(pipeline):
    return person.jobs(pipeline)[0]["outcome"]


def output(job):
    task = person.get("/api/runner/v1/jobs/" + job)["tasks"][0]["id"]
    return person.client.call("GET", "/api/runner/v1/tasks/%s/output" % task, person.headers).get("body", "")


def blobs():
    """Files of the hub's, and how long they are."""
    sizes = {}
    for path in glob.glob(os.path.join(hub.dir, "data", "blobs", "*")):
        try:
            sizes[path] = os.stat(path).st_size
        except FileNotFoundError:
            pass
    return sizes


# --- a line that is cut every few hundred kilobytes ---
real = hub.url
relay_path = os.path.join(tmp, "relay.sock")
with open(os.path.join(tmp, "relay.log"), "wb") as log:
    relay = subprocess.Popen([os.path.join(build, "t", "relay"), relay_path, real[len("unix:"):],
                              os.environ.get("RELAY_SEED", "3"), "2500000"], stdout=log, stderr=log)
started.append(relay)


def relay_log():
    with open(os.path.join(tmp, "relay.log")) as log:
        return log.read()


wait_for("the relay", lambda: "ready" in relay_log())
hub.url = "unix:" + relay_path
runnerd = start_runnerd(hub)
make = ("mkdir out; cd out; for n in 1 2 3; do head -c $((n * 3000000)) /dev/zero | openssl enc -aes-128-ctr -K 0$n -iv 0 "
        ">f$n 2>/dev/null; done; for n in $(seq 300); do echo $n >s$n; done; sha256sum *")
pipeline, job = store(make)
large = set()


def has_been_cut():
    large.update(path for path, size in blobs().items() if size > 1000000)
    return relay_log().count("relay: cut") >= 5


ok(wait_for("the line to be cut", has_been_cut), "a line is cut again and again")
os.kill(relay.pid, signal.SIGUSR1)
ok(ended(pipeline) and outcome(pipeline) == "success", "over which a job stores its artifacts")
ok(large <= {path for path, size in blobs().items() if size in (3000000, 6000000, 9000000)},
   "none was begun anew: %d were under way" % len(large))
wanted = dict(reversed(line.split()) for line in output(job["id"]).splitlines() if len(line.split()) == 2 and len(line.split()[0]) == 64)
eq({one["path"][2:]: one["sha256"] for one in items(job["id"])}, wanted, "each is there once, with the digest that it has in the job")
eq(hashlib.sha256(fetch(job["id"], "d/f3")[1]).hexdigest(), wanted["f3"], "and its bytes are the job's")

# --- either side is killed in the middle ---
big = "mkdir out; truncate -s 400M out/big; echo end >>out/big"


def under_way(begin):
    """A pipeline that begin() starts, of which the hub has a part: (what it had before, the part, what begin() gave). A host that
    stands still for too long sees nothing of it: it is begun once more then."""
    for _ in range(20):
        before = set(blobs())
        pipeline, job = begin()

        def part():
            return [path for path, size in blobs().items() if path not in before and 1 << 20 < size < 300 << 20]

        parts = wait_for("a part of it", lambda: part() or person.has_ended(pipeline))
        if parts is not True:
            return before, parts, pipeline, job


def kill_in_the_middle(kill, what):
    before, parts, pipeline, job = under_way(lambda: store(big))
    ok(parts, "a large one is on its way")
    kill()
    ok(ended(pipeline) and outcome(pipeline) == "success", what)
    eq([(one["path"], one["size_bytes"]) for one in items(job["id"])], [("d/big", (400 << 20) + 4)], "and is whole")
    eq([path for path in blobs() if path not in before], parts, "it was not begun anew")
    eq(fetch(job["id"], "d/big", range="bytes=-6")[1], b"\0\0end\n", "to its end")
    return job


def kill_runnerd(meanwhile=lambda: None):
    global runnerd
    runnerd.kill()
    runnerd.wait()
    meanwhile()
    with open(os.path.join(tmp, "runnerd.log"), "ab") as log:
        runnerd = subprocess.Popen(runnerd.args, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    started.append(runnerd)


def kill_hub():
    hub.url = real
    hub.crash()
    hub.url = "unix:" + relay_path
    person.client = Client(real)


kill_in_the_middle(kill_runnerd, "a runnerd that is killed meanwhile goes on with it")
job = kill_in_the_middle(kill_hub, "and so does it with a hub that is")
large_job = job["id"]
held = [os.stat(path).st_blocks * 512 for path in glob.glob(os.path.join(hub.dir, "data", "blobs", "*"))]
ok(max(held) < 100 << 20, "holes of a sparse file take no room at the hub")

# --- a file that is rewritten in place on its way ---
rewritten = os.path.join(tmp, "rewritten")
with open(rewritten, "wb") as file:
    file.truncate(400 << 20)
os.chmod(rewritten, 0o644)
os.chmod(tmp, 0o755)


def rewrite():
    """One byte in each 64 KiB: what was lost with the agent's pipe is another when it is read again."""
    with open(rewritten, "r+b", buffering=0) as file:
        for at in range(0, 400 << 20, 64 << 10):
            file.seek(at)
            file.write(b"x")


def bytes_read():
    """How much of it the step has read so far; 0: there is no such step."""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path) as words, open(path.replace("cmdline", "io")) as io:
                if rewritten in words.read().split("\0"):
                    return int(io.readline().split()[1])
        except OSError:
            pass
    return 0


def store_rewritten():
    pipeline = person.run(CONFIG.replace("path: out", "path: " + rewritten) % "true")
    return pipeline, person.jobs(pipeline)[0]


def stop_with_more_under_way():
    """What is under way is lost with the agent: some of it is to be, however fast the hub is. False when all had come."""
    hub.process.send_signal(signal.SIGSTOP)
    stored = sum(size for path, size in blobs().items() if path in parts)
    if wait_for("more to be under way", lambda: bytes_read() > stored + (1 << 19), 10):
        return True
    hub.process.send_signal(signal.SIGCONT)
    return False


for _ in range(5):
    before, parts, pipeline, job = under_way(store_rewritten)
    if stop_with_more_under_way():
        break
    ended(pipeline)
ok(parts, "a file that will change is on its way")
kill_runnerd(rewrite)
hub.process.send_signal(signal.SIGCONT)
ok(ended(pipeline) and outcome(pipeline) == "success", "it is another when it is read again: it is sent once more")
changed = person.jobs(pipeline)[0]["id"]
with open(rewritten, "rb") as file:
    eq([(one["path"], one["sha256"]) for one in items(changed)], [("d", hashlib.file_digest(file, "sha256").hexdigest())],
       "and stored as it is then, not as it never was")
eq(len(set(blobs()) - before), 1, "of what came before nothing is left at the hub")
os.unlink(rewritten)

# --- a full disk at the hub ---
wal = os.path.getsize(os.path.join(hub.dir, "data", "hub.db-wal"))
limit = max(16 << 20, wal + (4 << 20))
resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
before = len(blobs())
pipeline, job = store("mkdir out; echo small >out/a; head -c %d /dev/urandom >out/large; echo small >out/z" % (limit + 1000000))
ok(ended(pipeline) and outcome(pipeline) == "failed", "a file that the hub's disk does not take fails its step")
ok("'d/large' is not stored: the hub's disk is full" in output(job["id"]), "which says so")
eq([one["path"] for one in items(job["id"])], ["d/a", "d/z"], "the others are stored")
ok(wait_for("its part to go", lambda: len(blobs()) == before + 1), "what came of it is gone")
ok(hub.process.poll() is None, "and the hub goes on")

# --- lists ---
number = job["number"]
listed = person.get("/api/v2/project/local/o/r/%d/artifacts" % number)
eq([(one["path"], one["node_index"]) for one in listed["items"]] + [listed["next_page_token"]], [("d/a", 0), ("d/z", 0), None],
   "the list of CircleCI's API")
ok(listed["items"][0]["url"].endswith("/output/job/%s/artifacts/0/d/a" % job["id"]), "with an address each")
eq([(one["path"], one["pretty_path"]) for one in person.get("/api/v1.1/project/local/o/r/%d/artifacts" % number)],
   [("d/a", "d/a"), ("d/z", "d/z")], "that of its first version")
eq([one["path"] for one in person.get("/api/v1.1/project/local/o/r/latest/artifacts?branch=main")], ["d/a", "d/z"], "of the newest job")
eq([one["path"] for one in person.get("/api/v1.1/project/local/o/r/latest/artifacts?branch=main&filter=successful")], ["d"],
   "of the newest that succeeded")
eq(person.get("/api/v1.1/project/local/o/r/latest/artifacts?branch=other")["message"], "there is no such job", "of a branch without any")
v3 = person.get("/api/v3/jobs/%s/artifacts" % job["id"])
eq([(one["attributes"]["path"], one["attributes"]["execution"]) for one in v3["data"]], [("d/a", 0), ("d/z", 0)], "and of its third")
eq(person.get("/api/v2/project/local/o/r/99999/artifacts")["message"], "there is no such job", "a job that is not there has none")

# --- what a browser gets ---
pipeline, job = store("mkdir -p out/sub; cd out; for n in x.html x.svg x.TXT x.png x.weird x sub/rel.css; do echo \"<script>\" >$n; done; "
                      "echo odd >\"$(printf 'a\\\\nb.txt')\"; echo odd >\"$(printf 'q\\\\377\\\\\"\\\\303\\\\251.txt')\"")
ended(pipeline)
kinds = {name: fetch(job["id"], "d/" + name)[2] for name in ("x.html", "x.svg", "x.TXT", "x.png", "x.weird", "x", "sub/rel.css")}
eq([kinds[name]["content-disposition"].split(";")[0] for name in ("x.html", "x.svg", "x.weird", "x")], ["attachment"] * 4,
   "what a browser would run, or does not know, it is to save")
eq([kinds[name]["content-disposition"].split(";")[0] for name in ("x.TXT", "x.png")], ["inline"] * 2, "what it may show it may show")
eq([kinds[name]["content-type"] for name in ("x.html", "x.TXT", "x.png", "x")],
   ["text/html; charset=utf-8", "text/plain; charset=utf-8", "image/png", "application/octet-stream"], "each has its type")
eq({(one["x-content-type-options"], one["content-security-policy"]) for one in kinds.values()},
   {("nosniff", "sandbox; default-src 'none'; frame-ancestors 'none'")}, "none is looked into, none runs, none is shown in another's page")
eq({one["cross-origin-resource-policy"] for one in kinds.values()}, {"same-origin"}, "nor as an image or a script of one")
odd = {one["name"]: one["path"] for one in items(job["id"])}
eq(odd.get("d%2Fa%0Ab.txt"), "d/a\nb.txt", "a newline is one in the list")
eq(odd.get("d%2Fq%FF%22%C3%A9.txt"), "d/q\ufffd\"é.txt", "a byte that is no UTF-8 is shown as such")
status, got, headers = fetch(job["id"], "d/a\nb.txt")
eq((status, got, headers["content-disposition"]), (200, b"odd\n", "inline; filename=\"a_b.txt\"; filename*=UTF-8''a%0Ab.txt"), "names are quoted")
number = person.client.start("GET", "/output/job/%s/artifacts/0/d/q%%FF%%22%%C3%%A9.txt" % job["id"], person.headers, raw=True)
reply = person.client.replies[number].get(timeout=DEADLINE)
eq((reply["status"], reply["headers"]["content-disposition"]), (200, 'inline; filename="q____.txt"'), "whatever they are")
eq(fetch(job["id"], "d/none")[0], 404, "what is not there is not found")
eq(fetch(job["id"], "d/x", node=1)[0], 404, "nor on another node")
etag = kinds["x"]["etag"]
eq(fetch(job["id"], "d/x", **{"if-none-match": etag})[0], 304, "who has it gets nothing")
eq(fetch(job["id"], "d/x.html", range="bytes=1-3")[1], b"scr", "a part is a part")


def head(name, **headers):
    path = "/output/job/%s/artifacts/0/%s" % (job["id"], urllib.parse.quote(name))
    number = person.client.start("HEAD", path, dict(person.headers, **headers), raw=True)
    reply = person.client.replies[number].get(timeout=DEADLINE)
    return reply["status"], reply.get("hex", ""), reply["headers"]


dated = {"date"}
status, got, headers = head("d/x.html")
eq((status, got), (200, ""), "HEAD gets no bytes")
eq({name: value for name, value in headers.items() if name not in dated},
   {name: value for name, value in kinds["x.html"].items() if name not in dated}, "and the very fields that GET gets")
eq(headers["content-length"], "9", "the size is one of them")
eq([head("d/x", **{"if-none-match": etag})[:2], head("d/none")[:2]], [(304, ""), (404, "")], "and the status")
if shutil.which("curl"):
    got = subprocess.run(["curl", "-sSI", "--http2-prior-knowledge", "--unix-socket", real[len("unix:"):], "-H",
                          "Circle-Token: " + hub.person, "http://hub/output/job/%s/artifacts/0/d/x.html" % job["id"]],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DEADLINE)
    ok(got.returncode == 0 and got.stdout.startswith("HTTP/2 200") and "content-length: 9" in got.stdout, "curl -I shows them")
headers = dict(person.headers)
headers["circle-token"] = "none"


def asked_for(path, headers):
    reply = person.client.replies[person.client.start("GET", path, headers, raw=True)].get(timeout=DEADLINE)
    return reply["status"], reply["headers"].get("www-authenticate", "")[:13]


path = "/output/job/%s/artifacts/0/d/x" % job["id"]
eq(asked_for(path, headers), (401, 'Basic realm="'), "nobody gets any without a token, for which a browser is told to ask")
eq(asked_for("/api/runner/v1/jobs/%s/artifacts" % job["id"], headers), (401, ""), "but not where more can be done than read")
basic = "Basic " + base64.b64encode((hub.person + ":").encode()).decode()
eq(asked_for(path, {"authorization": basic})[0], 200, "what it sends then is taken")

# --- a job that runs again ---
pipeline = person.run("""version: 2.1
jobs:
  one:
    machine: true
    resource_class: local/big
    parallelism: 2
    steps:
      - run: mkdir out; mkdir %s/ran.$CIRCLE_NODE_INDEX && touch out/first; echo more >out/$CIRCLE_NODE_INDEX
      - store_artifacts: {path: out, destination: d}
      - run: {command: "test $CIRCLE_NODE_INDEX = 0 || test ! -e out/first"}
workflows:
  main:
    jobs: [one]
""" % tmp)
os.chmod(tmp, 0o777)
ok(ended(pipeline) and outcome(pipeline) == "failed", "one of two nodes fails")
job_twice = person.jobs(pipeline)[0]
eq([(one["node_index"], one["path"]) for one in items(job_twice["id"])], [(0, "d/0"), (0, "d/first"), (1, "d/1"), (1, "d/first")],
   "both have stored something")
person.post("/api/v2/workflow/%s/rerun" % person.workflows(pipeline)[0]["id"], {"from_failed": True})
ok(wait_for("the second attempt", lambda: person.has_ended(pipeline) and outcome(pipeline) == "success"), "it is run again from what failed")
eq([(one["node_index"], one["path"]) for one in items(job_twice["id"])], [(0, "d/0"), (1, "d/1")],
   "all nodes run again: the list has what each has stored in the last attempt")

# --- what a job says to the agent without being asked ---
with open(os.path.join(tmp, "hostile.py"), "w") as file:
    file.write("""
import array, os, random, socket, sys
def carry():
    asked = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    os.chdir(os.path.dirname(os.environ["RUNNER_TASK_SOCKET"]))
    asked.connect(os.path.basename(os.environ["RUNNER_TASK_SOCKET"]))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    asked.sendmsg([b"carry\\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))])
    answer = asked.recv(2000)
    theirs.close()
    ours.settimeout(20)
    return answer, ours
closed = 0
lies = [b"nonsense", b"open", b"open 0", b"open 99 artifact 1\\nx", b"open 0 toy 1\\nx", b"open 0 artifact -1\\nx", b"open 0 artifact 1",
        b"open 0 artifact 1\\n", b"open 0 artifact 99999999999999999999\\nx", b"records 0 artifact 0", b"records 0 artifact 99999999",
        b"done 0 123", b"done 0 " + b"g" * 64, b"open 0 artifact 1\\n" + b"x" * 4097, b"\\0", b"open 0 artifact 1\\nx\\0y", b"x" * 5000,
        b"\\n", b" ", b"drop", b"open 0 artifact 1\\nx" * 2]
for lie in lies:
    answer, channel = carry()
    assert answer == b"ok", answer
    channel.send(lie)
    try:
        closed += channel.recv(5000) == b""
    except ConnectionError:
        closed += 1
print("closed", closed, "of", len(lies))
# What it opens and leaves: the agent forgets it.
for i in range(8):
    answer, channel = carry()
    channel.send(b"open 0 artifact 1000\\nleft%d" % i)
    channel.send(b"open 1 artifact 1000\\nleft%d" % i)
    channel.recv(5000)
    channel.close()
# More channels than may be.
held = [carry() for i in range(20)]
print("held", sum(answer == b"ok" for answer, channel in held), held[-1][0].decode())
# What it is told to write, and does not.
for answer, channel in held[:8]:
    for number in range(8):
        channel.send(b"open %d artifact 100000\\nnever%d" % (number, id(channel) + number))
open(sys.argv[1], "w").close()
while not os.path.exists(sys.argv[2]):
    __import__("time").sleep(0.05)
""")
os.chmod(tmp, 0o755)
idle, release = os.path.join(tmp, "idle"), os.path.join(tmp, "release")
liar, told = store("python3 %s/hostile.py %s %s; mkdir out; echo fine >out/f" % (tmp, idle, release))
wait_for("it to hold what it opened", lambda: os.path.exists(idle))
honest, theirs = store("mkdir out; head -c 1000000 /dev/urandom >out/large; echo small >out/small")
ok(ended(honest) and outcome(honest) == "success", "a job that opens many uploads and writes none holds up no other")
open(release, "w").close()
ended(liar)
said = output(told["id"])
ok("closed 20 of 21" in said or "closed 21 of 21" in said, "words that are none end their channel")
ok("held 16 no 16 programs of the task send blobs already" in said, "a job has so many and no more")
ok(runnerd.poll() is None and [one["path"] for one in items(told["id"])] == ["d/f"], "and what is right goes on being stored")

# --- runnerctl ---
with open(os.path.join(tmp, "token"), "w") as file:
    file.write(hub.person)
ctl_relay = os.path.join(tmp, "ctl.sock")


def ctl(*words, url=real, cwd=None):
    return subprocess.run([os.path.join(build, "runnerctl"), "--hub", url, "--token-file", os.path.join(tmp, "token"), "--project",
                           "local/o/r", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, timeout=DEADLINE)


listed = ctl("artifact", "list", str(job["number"]))
ok(listed.returncode == 0 and "d/x.html" in listed.stdout and "NODE" in listed.stdout, "artifact list")
eq(ctl("job", "artifacts", job["id"]).stdout, listed.stdout, "also as job artifacts, by its id")
into = os.path.join(tmp, "got")
got = ctl("artifact", "get", str(job["number"]), "d/sub", "*.svg", "--into", into)
eq((got.returncode, sorted(os.listdir(os.path.join(into, "d"))), os.listdir(os.path.join(into, "d", "sub"))), (0, ["sub", "x.svg"], ["rel.css"]),
   "artifact get fetches what is asked for")
got = ctl("artifact", "get", "--latest", "one", "--branch", "main", "d/small", cwd=into)
eq((got.returncode, open(os.path.join(into, "d", "small")).read()), (0, "small\n"), "of the latest green job of that name")
got = ctl("artifact", "get", str(job["number"]), "sub", "x.png", "--into", os.path.join(tmp, "parts"))
eq((got.returncode, sorted(os.listdir(os.path.join(tmp, "parts", "d")))), (0, ["sub", "x.png"]), "a pattern may begin at any part of a name")
got = ctl("artifact", "get", str(job["number"]), "ub", "png", "--into", os.path.join(tmp, "parts"))
ok(got.returncode == 1 and "artifact list" in got.stderr, "but not within one")
got = ctl("artifact", "get", "--latest", "one", "--branch", "other")
ok(got.returncode == 1 and "no such job" in got.stderr, "a branch without one has none")
got = ctl("artifact", "get", str(job["number"]), "nothing")
ok(got.returncode == 1 and "stored nothing of that name" in got.stderr, "what is not there is an error")
into = os.path.join(tmp, "broken-off")
fetching = subprocess.Popen([os.path.join(build, "runnerctl"), "--hub", real, "--token-file", os.path.join(tmp, "token"), "--project", "local/o/r",
                             "artifact", "get", large_job, "--into", into], stderr=subprocess.DEVNULL)
started.append(fetching)


def is_writing():
    try:
        return any(os.readlink(one).startswith(into + "/d/") for one in glob.glob("/proc/%d/fd/*" % fetching.pid))
    except FileNotFoundError:
        return False


ok(wait_for("it to write", lambda: is_writing() or fetching.poll() is not None), "a large one is being fetched")
fetching.kill()
fetching.wait()
ok([name for place, dirs, files in os.walk(into) for name in files] in ([], ["big"]), "one that is broken off leaves no part behind")
os.symlink("/tmp", os.path.join(tmp, "link"))
os.makedirs(os.path.join(tmp, "trap"))
os.symlink(tmp, os.path.join(tmp, "trap", "d"))
got = ctl("artifact", "get", str(job["number"]), "d/x", "--into", os.path.join(tmp, "trap"))
ok(got.returncode == 1 and not os.path.exists(os.path.join(tmp, "x")), "no link in the directory is followed")
full = ctl("artifact", "get", str(job["number"]), "d/x", "--into", "/proc/self/fdinfo")
ok(full.returncode == 1 and "'d/x': cannot make" in full.stderr, "a disk that takes nothing is told")

# A job's own words as names: the hub takes them, nobody writes them elsewhere.
runnerd.terminate()
runnerd.wait(timeout=DEADLINE)
agent = Agent(hub, "hostile", client=Client(real))
pipeline = person.run()
task = agent.claim(wait_ms=DEADLINE * 1000)[0]
agent.events(task, "preparing", "running")
bearer = {"authorization": "Bearer " + task["token"]}
names = ["../../evil", "/evil", "a/../../evil", "ok/./evil", "fine/file"]
for name in names:
    reply = agent.client.call("POST", "/api/v3/runner/blobs", bearer, {"kind": "artifact", "name": urllib.parse.quote(name), "size": 0})
    agent.client.call("POST", "/api/v3/runner/blobs/" + reply["json"]["id"], bearer, {"digest": hashlib.sha256(b"").hexdigest()})
agent.events(task, "finishing", "ended", seq=3)
ended(pipeline)
into = os.path.join(tmp, "hostile")
got = ctl("artifact", "get", person.jobs(pipeline)[0]["id"], "--into", into)
eq((got.returncode, got.stderr.count("would lead elsewhere")), (1, 4), "names that lead elsewhere are refused, and told")
eq([os.path.relpath(os.path.join(place, name), into) for place, dirs, files in os.walk(into) for name in files], ["fine/file"],
   "what is left is fetched")
ok(not os.path.exists(os.path.join(tmp, "evil")), "and nothing lies elsewhere")
done()
