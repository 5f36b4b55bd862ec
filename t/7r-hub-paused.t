#!/usr/bin/env python3
# A class that fails by its host's fault is paused there: the hub knows, a job that waits says why, a person ends it.
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *
from crashtest import Runnerd

hub = Hub()
person = Person(hub)
broken = os.path.join(tmp, "broken")
hooks = os.path.join(tmp, "hooks")
os.mkdir(hooks)
with open(os.path.join(hooks, "pre-job"), "w") as file:
    file.write("#!/bin/sh\n[ ! -e '%s' ] || { echo 'no network' >&2; exit 7; }\n" % broken)
os.chmod(os.path.join(hooks, "pre-job"), 0o755)


def ctl(*arguments):
    return subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file",
                           os.path.join(hub.dir, "token")] + list(arguments), capture_output=True, text=True,
                          timeout=DEADLINE)


def like(text, pattern, what):
    ok(re.search(pattern, text), "%s" % what if re.search(pattern, text) else "%s: %s" % (what, text))


def show():
    return json.loads(ctl("agent", "show", "--json", "big1").stdout)


def job_of(pipeline):
    return person.jobs(pipeline)[0]


def why_of(pipeline):
    return person.get("/api/runner/v1/jobs/" + job_of(pipeline)["id"] + "/why")


agent = Runnerd(hub, "big1", slots=1, options=["--hooks-dir", hooks, "--pause-after", "2", "--pause-time", "1h"])
agent.start_and_wait()
good = person.run()
ok(wait_for("a job to end", lambda: job_of(good)["outcome"] == "success"), "a job runs")
eq((show()["paused"], show()["held"]), ([], None), "nothing is paused")
open(broken, "w").close()
failed = [person.run(), person.run()]
ok(wait_for("two to fail", lambda: all(job_of(one)["outcome"] == "infra-fail" for one in failed)),
   "two jobs fail by the fault of the host")
paused = wait_for("the hub to hear of it", lambda: show()["paused"])
like(paused[0]["message"], "paused for 1h00m, after 2 infrastructure failures in a row, the last: the pre-job hook ended with status 7",
     "the hub knows that the class is paused there, and why")
like(ctl("agent", "show", "big1").stdout, r"PAUSED +WHY\n.*the pre-job hook ended with status 7", "agent show says it")
waiting = person.run()
like(why_of(waiting)["message"], "^job 'one' waits: agent 'big1' takes none for now: the class is paused for 1h00m, after 2 infrastructure",
     "a job that waits for it says so")
eq(why_of(waiting)["reason"], "agents_held", "in a word, too")
top = subprocess.run([os.path.join(build, "runnerctl"), "top", "--once", "--run-dir", os.path.join(agent.dir, "run")],
                     capture_output=True, text=True, timeout=DEADLINE)
like(top.stdout, "infrastructure failures in a row", "top says it")
os.unlink(broken)
eq(ctl("agent", "resume", "big1").returncode, 0, "a person resumes the agent")
ok(wait_for("the job to end", lambda: job_of(waiting)["outcome"] == "success"), "the job that waited runs at once")
eq(wait_for("the hub to hear of it", lambda: show()["paused"] == []), True, "nothing is paused any more")
ok("a person has had this agent resumed" in open(agent.log).read(), "the agent's log says who")
eq(agent.stop(), 0, "the agent ends")
done()
