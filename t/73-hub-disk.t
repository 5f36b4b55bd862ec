#!/usr/bin/env python3
# A disk that takes no more: the hub ends, and what it acknowledged is there when there is room again.
import os
import resource
import sqlite3
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

hub = Hub("hub", "--log-level", "debug")
person, agent = Person(hub), Agent(hub)
stored = [person.run() for _ in range(3)]
done_one = agent.claim(slots=1)[0]
agent.events(done_one, "preparing", "running", "step_started")
agent.output(agent.client.record(done_one["id"], 0, "hello\n"))
agent.events(done_one, "step_ended", "finishing", "ended", seq=4, output_bytes=6)
ok(wait_for("the file", lambda: os.path.exists(os.path.join(hub.dir, "data", "output", done_one["id"] + ".zst"))),
   "a task that ended has its output in a file of its own")
ok(wait_for("the pipeline to leave", lambda: hub.log_has("is the store's alone now")), "and its pipeline leaves the memory")

wal = os.path.getsize(os.path.join(hub.dir, "data", "hub.db-wal"))
resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (wal + 400000, wal + 400000))
acknowledged = []
for turn in range(200):
    number = person.client.start("POST", "/api/v2/project/local/o/r/pipeline/run", person.headers, {
        "config": {"content": CONFIG}, "checkout": {"branch": "main"}})
    reply = wait_for("a reply or the end", lambda: (not person.client.waits(number) and person.client.wait(number))
                     or (hub.process.poll() is not None and {"error": "the hub has ended"}))
    if not reply or reply.get("status") != 201:
        break
    acknowledged.append(reply["json"]["id"])
eq(hub.process.wait(timeout=DEADLINE), 3, "the hub ends with the status for what the host refuses")
ok(hub.log_has("the store failed, nothing more can be acknowledged"), "and says why")
hub.start()
person, agent.client = Person(hub), hub.client()
eq([len(person.jobs(id)) for id in stored + acknowledged], [1] * (len(stored) + len(acknowledged)),
   "what was acknowledged is there: %d pipelines of the last moment" % len(acknowledged))
reply = person.client.call("GET", "/api/runner/v1/tasks/%s/output" % done_one["id"], person.headers)
eq(reply["body"], "hello\n", "and so is the output")
eq(len(agent.claim(slots=1)), 1, "it goes on")

# --- a database that has lost something ---

hub.stop()
database = sqlite3.connect(os.path.join(hub.dir, "data", "hub.db"))
queued = database.execute("SELECT id, hex(job) FROM task WHERE state = 0 ORDER BY rowid").fetchall()
database.execute("DELETE FROM job_document WHERE hex(job) = ?", (queued[0][1],))
database.commit()
database.close()
hub.start()
person, agent.client = Person(hub), hub.client()
eq(agent.claim(slots=1), [], "a task whose document is lost is given to nobody")
task = str(uuid.UUID(bytes=queued[0][0]))
shown = person.client.call("GET", "/api/runner/v1/tasks/" + task, person.headers)["json"]
eq((shown["outcome"], shown["reason"]), ("infra-fail", "the hub's database does not say any more what it is to do"), "it ends and says why")
eq(len(agent.claim(slots=1)), 1, "and the others go on")

# --- what serve refuses ---


def refused(*options):
    run = subprocess.run([os.path.join(build, "runner-hub"), "serve", "--data-dir", os.path.join(tmp, "none")] + list(options),
                         capture_output=True, text=True, timeout=DEADLINE)
    return run.returncode, run.stderr


os.mkdir(os.path.join(tmp, "none"), 0o700)
shutil.copy(os.path.join(hub.dir, "data", "secret.key"), os.path.join(tmp, "none", "secret.key"))
status, text = refused("--listen", "0.0.0.0:0")
ok(status == 3 and "there is no TLS" in text, "plain TCP off loopback is refused")
status, text = refused("--data-dir", os.path.join(hub.dir, "data"), "--listen", "unix:" + os.path.join(tmp, "x.sock"))
ok(status == 3 and "another runner-hub uses this data directory" in text, "a data directory has one hub")
status, text = refused("--lisen", "x")
ok(status == 2 and "listen" in text, "an option that is not there is named with its neighbour")
settings = os.path.join(tmp, "wrong.yaml")
with open(settings, "w") as file:
    file.write("listen: unix:/x\nresource_classes:\n  o/big: {docker: true}\n")
status, text = refused("-c", settings)
ok(status == 2 and "wrong.yaml:3:11: a class has no setting 'docker'" in text, "a setting that is none is shown with its place")
done()
