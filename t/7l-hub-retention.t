#!/usr/bin/env python3
# What is older than it is kept is deleted, and all else stays: output, blobs, pipelines; totals say what is on the disk.
import glob
import hashlib
import os
import random
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

KEEP = ["--retention", "output=forever", "--retention", "pipelines=forever", "--retention", "artifacts=forever",
        "--retention", "caches=forever", "--retention", "workspaces=forever"]
HOUR = 3600 * 1000
hub = Hub("hub", *KEEP)
person, agent = Person(hub), Agent(hub)


def reconnect():
    global person, agent
    person = Person(hub)
    agent.client = hub.client()


def restart(*options, crash=False):
    hub.kill() if crash else hub.stop()
    hub.options = KEEP if not options else [word for option in options for word in ("--retention", option)]
    hub.start()
    reconnect()


def database(sql, *values):
    """The hub is stopped for it."""
    hub.stop()
    db = sqlite3.connect(os.path.join(hub.dir, "data", "hub.db"))
    rows = db.execute(sql, values).fetchall()
    db.commit()
    db.close()
    hub.start()
    reconnect()
    return rows


def output_files():
    found = {}
    for name in glob.glob(os.path.join(hub.dir, "data", "output", "*.zst")):
        try:
            found[os.path.basename(name)[:-4]] = os.path.getsize(name)
        except FileNotFoundError:
            pass  # deleted just now
    return found


def blob_files():
    return glob.glob(os.path.join(hub.dir, "data", "blobs", "*"))


def storage(query=""):
    return person.get("/api/runner/v1/storage" + query)


def amounts(thing):
    return {kind: (thing[kind]["bytes"], thing[kind]["items"]) for kind in ("output", "artifacts", "caches", "workspaces") if kind in thing}


def tests_kept(thing):
    return thing["tests"]["items"], thing["tests"]["bytes"] >= 48 * thing["tests"]["items"]


def upload(task, kind, name, data):
    headers = {"authorization": "Bearer " + task["token"], "runner-protocol": "1"}
    reply = agent.client.call("POST", "/api/v3/runner/blobs", headers, {"kind": kind, "name": name, "size": len(data)})
    id = reply["json"]["id"]
    agent.client.call("PUT", "/api/v3/runner/blobs/%s?offset=0" % id, headers, data=data)
    reply = agent.client.call("POST", "/api/v3/runner/blobs/" + id, headers, {"digest": hashlib.sha256(data).hexdigest()})
    if reply["status"] != 200:
        print("# %r" % reply, file=sys.stderr)


def run(text, blobs=(), project="local/o/r", tests=0, config=CONFIG):
    """A pipeline of one task that printed text; (pipeline, task)."""
    reply = person.post("/api/v2/project/%s/pipeline/run" % project, {"config": {"content": config}, "checkout": {"branch": "main"}})
    task = agent.claim()[0]
    agent.events(task, "preparing", "running", "step_started")
    at = 0
    for part in [text] if isinstance(text, str) else text:
        agent.output(agent.client.record(task["id"], at, part))
        at += len(part)
    for kind, name, data in blobs:
        upload(task, kind, name, data)
    # More tests than one step of the sweep deletes.
    for first in range(0, tests, 500):
        lines = ['{"step":0,"first":%d}' % first] + ['{"name":"t%d","result":"success"}' % i for i in range(first, first + 500)]
        agent.client.call("POST", "/api/v3/runner/tests", {"authorization": "Bearer " + task["token"], "runner-protocol": "1"}, data=("\n".join(lines) + "\n").encode())
    agent.events(task, "step_ended", "finishing", "ended", seq=4, output_bytes=at)
    return reply["json"]["id"], task["id"]


def printed(task):
    return person.client.call("GET", "/api/runner/v1/tasks/%s/output" % task, dict(person.headers, **{"accept-encoding": "identity"}))


def gathered(tasks):
    return wait_for("output to be gathered", lambda: set(tasks) <= set(output_files()))


def check():
    hub.stop()
    result = subprocess.run([os.path.join(build, "runner-hub"), "check", "--data-dir", os.path.join(hub.dir, "data")], capture_output=True, text=True)
    hub.start()
    reconnect()
    # (A private hub has no certificate of its own, which is a fault to it.)
    return [line for line in (result.stdout + result.stderr).splitlines() if line.startswith("database") or "output" in line]


# --- what there is ------------------------------------------------------------------------------
old_pipeline, old = run("old text\n" * 100, [("artifact", "a", b"a" * 5000), ("cache", "key-old", b"c" * 7000), ("workspace", "w", b"w" * 900)], tests=1500)
new_pipeline, new = run("new text\n" * 50, [("artifact", "a", b"b" * 3000), ("cache", "key-new", b"d" * 2000)], tests=500)
other_pipeline, other = run("elsewhere\n", project="local/o/other")
ok(gathered([old, new, other]), "three tasks have printed")
sizes = output_files()
usage = storage()
eq([item["project_slug"] for item in usage["items"]], ["local/o/other", "local/o/r"], "usage is told by project")
eq(amounts(usage["items"][1]), {"output": (sizes[old] + sizes[new], 2), "artifacts": (8000, 2), "caches": (9000, 2), "workspaces": (900, 1)},
   "what of one is kept is what lies on the disk")
eq(amounts(usage["total"])["output"], (sum(sizes.values()), 3), "and of all")
eq((tests_kept(usage["items"][1]), tests_kept(usage["total"])), ((2000, True), (2000, True)), "results of tests are counted, too")
eq([item["project_slug"] for item in storage("?project=local/o/other")["items"]], ["local/o/other"], "of one project where it is asked for")
eq(person.client.call("GET", "/api/runner/v1/storage?project=local/o/none", person.headers)["status"], 404, "which must be there")
eq(person.client.call("GET", "/api/runner/v1/storage?project=none", person.headers)["status"], 400, "and be one")
eq(set(usage["retention"].values()), {None}, "all is kept for ever here")
ok(0 < usage["disk"]["free_bytes"] <= usage["disk"]["total_bytes"], "the disk's room is told")
shown = subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file", os.path.join(hub.dir, "token"), "storage", "usage"], capture_output=True, text=True)
ok(shown.returncode == 0 and [line.split() for line in shown.stdout.splitlines()][3:7] ==
   [["local/o/r", "artifacts", "2", "7.8", "KiB", "forever"], ["local/o/r", "caches", "2", "8.7", "KiB", "forever"],
    ["local/o/r", "workspaces", "1", "900", "B", "forever"], ["local/o/r", "tests", "2000", "93.7", "KiB", "forever"]], "runnerctl shows it")
shown = subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file", os.path.join(hub.dir, "token"), "--project", "local/o/other",
                        "storage", "usage", "--json"], capture_output=True, text=True)
eq(json.loads(shown.stdout or "{}").get("total", {}).get("output"), {"bytes": sizes[other], "items": 1}, "as JSON where that is wanted")
restart("pipelines=10d", crash=True)
eq(storage()["retention"], {"output_ms": 90 * 24 * HOUR, "artifacts_ms": 30 * 24 * HOUR, "caches_ms": 15 * 24 * HOUR, "workspaces_ms": 15 * 24 * HOUR,
                            "pipelines_ms": 10 * 24 * HOUR}, "else it is kept for so long")
eq(amounts(storage()["total"]), amounts(usage["total"]), "a crash changes no total")

# --- output ------------------------------------------------------------------------------------------
database("UPDATE output_file SET made_ms = made_ms - ? WHERE task = ?", 2 * HOUR, bytes.fromhex(old.replace("-", "")))
restart("output=1h")
wait_for("old output to go", lambda: old not in output_files())
wait_for("its row to follow", lambda: amounts(storage()["total"])["output"] == (sizes[new] + sizes[other], 2))
eq(set(output_files()), {new, other}, "output that is older than it is kept is deleted, younger stays")
reply = printed(old)
eq(reply["status"], 410, "who asks for it is told")
ok("older than output is kept" in reply["json"]["message"], "why")
eq(person.client.call("GET", "/api/runner/v1/tasks/%s/output/grep?pattern=old" % old, person.headers)["status"], 410, "also who searches it")
eq(person.client.call("GET", "/api/runner/v1/tasks/%s/output?step=0&from_line=-5" % old, person.headers)["status"], 410, "or asks for its end")
eq((person.get("/api/runner/v1/tasks/" + old)["output_deleted"], person.get("/api/runner/v1/tasks/" + new)["output_deleted"]), (True, False), "the task says so, too")
eq(person.outcomes(old_pipeline), {"one": "success"}, "what became of it is known still")
eq(printed(new)["body"], "new text\n" * 50, "what is younger can be read")

# --- blobs ---------------------------------------------------------------------------------------------
count = len(blob_files())
database("UPDATE blob SET created_ms = created_ms - ? WHERE size IN (5000, 7000, 900)", 2 * HOUR)
restart("artifacts=1h", "caches=3h", "workspaces=1h", "output=forever")
wait_for("old blobs to go", lambda: len(blob_files()) == count - 2)
eq(amounts(storage()["total"]), {"output": (sizes[new] + sizes[other], 2), "artifacts": (3000, 1), "caches": (9000, 2), "workspaces": (0, 0)},
   "each kind goes after its own time")

# --- pipelines -------------------------------------------------------------------------------------------
database("UPDATE pipeline SET ended_ms = ended_ms - ? WHERE id IN (?, ?)", 2 * HOUR, bytes.fromhex(old_pipeline.replace("-", "")),
         bytes.fromhex(other_pipeline.replace("-", "")))
waiting = person.post("/api/v2/project/local/o/r/pipeline/run", {"config": {"content": CONFIG}, "checkout": {"branch": "main"}})["json"]["id"]
restart("pipelines=1h", "output=forever")
gone = lambda id: person.client.call("GET", "/api/v2/pipeline/" + id, person.headers)["status"] == 404
wait_for("old pipelines to go", lambda: gone(old_pipeline) and gone(other_pipeline))
eq((gone(old_pipeline), gone(other_pipeline), gone(new_pipeline), gone(waiting)), (True, True, False, False), "pipelines that ended long ago go, others stay")
eq(printed(other)["status"], 404, "with their output")
eq(set(output_files()), {new}, "its files, too")
eq(tests_kept(storage()["total"]), (500, True), "the results of their tests, too")
eq(amounts(storage()["total"]), {"output": (sizes[new], 1), "artifacts": (3000, 1), "caches": (9000, 2), "workspaces": (0, 0)}, "caches are the project's and stay")
agent.run(agent.claim()[0])
leftovers = {table: database("SELECT count(*) FROM %s" % table)[0][0] for table in ("pipeline", "pipeline_config", "workflow", "job", "job_document", "task")}
eq(leftovers, {name: 2 for name in leftovers}, "nothing of them is left in the database")
eq(database("SELECT (SELECT count(*) FROM step WHERE task NOT IN (SELECT id FROM task)) + (SELECT count(*) FROM history WHERE task NOT IN (SELECT id FROM task))"
            " + (SELECT count(*) FROM output WHERE task NOT IN (SELECT id FROM task)) + (SELECT count(*) FROM output_file WHERE task NOT IN (SELECT id FROM task))"
            " + (SELECT count(*) FROM pipeline_going)"), [(0,)], "no row without what it belongs to")
eq(database("SELECT count(*), count(DISTINCT task) FROM test_result") + database("SELECT count(*), sum(total) FROM test_run"), [(500, 1), (1, 500)],
   "of tests those of pipelines that stay are left")
database("UPDATE test SET seen_day = 0 WHERE CAST(substr(name, 2) AS INTEGER) >= 500")


pause = 0.2


def names_left():
    global pause
    time.sleep(pause)  # for the sweeper, which begins anew each time the database is read, and has longer each time
    pause *= 1.5
    return database("SELECT count(*), max(CAST(substr(name, 2) AS INTEGER)) FROM test") == [(500, 499)]


ok(wait_for("names of tests to go", names_left), "names go that were seen before all pipelines that stay, the others do not")
number = person.get("/api/v2/pipeline/" + run("more\n")[0])["number"]
eq(number, 4, "numbers go on")

# --- one that is run again is young again -------------------------------------------------------------------
restart()  # so that nothing deletes it before it is run again
database("UPDATE pipeline SET ended_ms = ended_ms - ? WHERE id = ?", 2 * HOUR, bytes.fromhex(new_pipeline.replace("-", "")))
workflow = person.workflows(new_pipeline)[0]["id"]
eq(person.client.call("POST", "/api/v2/workflow/%s/rerun" % workflow, person.headers, {})["status"], 202, "an old pipeline is run again")
task = agent.claim()[0]
restart("pipelines=1h", "output=forever")
eq(gone(new_pipeline), False, "it is not deleted meanwhile")
agent.run(task)
wait_for("it to end", lambda: person.has_ended(new_pipeline))
eq(gone(new_pipeline), False, "nor when it has ended")

# --- a cache that says for how long itself ---
keeping = lambda days: CONFIG.replace("machine: true\n", "machine: true\n    retention: {caches: %dd}\n" % days)
run("short\n", [("cache", "own-short", b"s" * 600)], config=keeping(1))
_, longer = run("long\n", [("cache", "own-long", b"l" * 500)], config=keeping(9))
database("UPDATE blob SET created_ms = created_ms - ? WHERE size IN (500, 600)", 25 * HOUR)
restart(*[word for word in KEEP if "=" in word])
wait_for("the cache to go", lambda: amounts(storage()["total"])["caches"][1] == 3)
eq([row[0] for row in database("SELECT CAST(name AS TEXT) FROM blob WHERE keep_ms > 0")], ["own-long"],
   "a cache goes when its job said so, though all caches are kept for ever")
database("UPDATE blob SET created_ms = created_ms - ? WHERE size = 500", 9 * 24 * HOUR)
wait_for("it to go, too", lambda: amounts(storage()["total"])["caches"][1] == 2)
ok(True, "and another when its own time has come")

# --- much, and killed at any moment ----------------------------------------------------------------------------
restart()
seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
print("# SEED=%d" % seed)
rng = random.Random(seed)
many = [run(["line %d\n" % i * 20 for i in range(30)]) for _ in range(40)]
ok(gathered([task for _, task in many]), "forty tasks have printed")
database("UPDATE output_file SET made_ms = made_ms - ?", 2 * HOUR)
database("UPDATE pipeline SET ended_ms = ended_ms - ?", 2 * HOUR)
kills = 0
for _ in range(int(os.environ.get("KILL_POINTS", 6))):
    restart("output=1h", "pipelines=1h", crash=True)
    time.sleep(rng.random() * 0.6 + 0.2)
    kills += 1
restart("output=1h", "pipelines=1h", crash=True)
wait_for("all to go", lambda: all(gone(id) for id, _ in many))
eq([id for id, _ in many if not gone(id)], [], "killed %d times meanwhile, all of them go" % kills)
wait_for("the last file to go", lambda: output_files() == {})
eq(output_files(), {}, "no file is left without a row")
eq(amounts(storage()["total"])["output"], (0, 0), "the totals come out")
found = check()
ok(len(found) == 1 and found[0].startswith("database: ok"), "and the database is whole")
stray = "6f0c2b7a-1e4d-4938-8b5c-7d6e5f4a3b2c.zst"
with open(os.path.join(hub.dir, "data", "output", stray), "wb"):
    pass
database("UPDATE usage SET bytes = bytes + 1, items = 1 WHERE kind = 0")
found = "\n".join(check())
ok("output/%s belongs to no task" % stray in found and "totals of usage that differ" in found, "a file without a row and a wrong total would be told")

# --- what is wrong -------------------------------------------------------------------------------------------------
for option, words in (("logs=1d", "nothing that is kept"), ("output", "KIND=TIME"), ("output=soon", "length of time"), ("output=0", "1s to 36500d"), ("output=1ms", "1s to")):
    result = subprocess.run([os.path.join(build, "runner-hub"), "serve", "--data-dir", os.path.join(tmp, "none"), "--retention", option], capture_output=True, text=True)
    ok(result.returncode == 2 and words in result.stderr, "refused: --retention " + option)
done()
