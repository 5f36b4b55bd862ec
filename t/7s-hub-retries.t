#!/usr/bin/env python3
# A job that says that it may be run twice (RUNNER_RETRIES) is, when its host failed it; others are not.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *
from crashtest import Runnerd

hub = Hub()
person = Person(hub)
count = os.path.join(tmp, "count")
broken = os.path.join(tmp, "broken")
hooks = os.path.join(tmp, "hooks")
os.mkdir(hooks)
os.chmod(tmp, 0o711)
with open(os.path.join(hooks, "pre-job"), "w") as file:
    file.write("#!/bin/sh\necho >>'%s'\n[ \"$(wc -l <'%s')\" -gt \"$(cat '%s')\" ] || { echo 'no network' >&2; exit 7; }\n" %
               (count, count, broken))
os.chmod(os.path.join(hooks, "pre-job"), 0o755)


def ctl(*arguments):
    return subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file",
                           os.path.join(hub.dir, "token")] + list(arguments), capture_output=True, text=True,
                          timeout=DEADLINE)


def break_host(times):
    """The next so many tasks fail by the host's fault."""
    for path, text in ((count, ""), (broken, "%d\n" % times)):
        with open(path, "w") as file:
            file.write(text)


def config(retries, command="echo hello"):
    job = {"machine": True, "resource_class": "local/big", "environment": {"RUNNER_RETRIES": retries},
           "steps": [{"run": {"name": "say", "command": command}}]}
    return json.dumps({"version": 2.1, "jobs": {"one": job}, "workflows": {"main": {"jobs": ["one"]}}})


def run(retries, command="echo hello"):
    pipeline = person.run(config(retries, command))
    return pipeline, wait_for("the pipeline to end", lambda: person.has_ended(pipeline))


agent = Runnerd(hub, "big1", slots=1, options=["--hooks-dir", hooks, "--pause-after", "0", "--isolation", "none"])
agent.start_and_wait()
break_host(1)
pipeline, _ = run(0)
eq(person.attempts(pipeline, "one"), ["infra-fail"], "a job that does not say so is not run again when its host failed it")
break_host(2)
pipeline, _ = run(2)
eq(person.attempts(pipeline, "one"), ["infra-fail", "infra-fail", "success"], "one that does is, as an attempt of its own each time")
eq(person.outcomes(pipeline)["one"], "success", "and its end is the last one's")
break_host(9)
pipeline, _ = run(1)
eq(person.attempts(pipeline, "one"), ["infra-fail"] * 2, "not more often than it says")
eq(ctl("workflow", "rerun", person.workflows(pipeline)[0]["id"]).returncode, 0, "a person has it run again")
ok(wait_for("four attempts", lambda: person.has_ended(pipeline) and person.attempts(pipeline, "one") == ["infra-fail"] * 4),
   "then it may fail so often anew")
break_host(0)
pipeline, _ = run(2, "exit 3")
eq(person.attempts(pipeline, "one"), ["failed"], "a failure of its own is one at once")

# The host dies under it: the agent, and runner-init with the step.
going = os.path.join(tmp, "going")
pipeline = person.run(config(1, "[ -e %s ] || { echo $PPID >%s.new; mv %s.new %s; exec sleep 1000; }" % ((going,) * 4)))
wait_for("the step", lambda: os.path.exists(going))
hub.kill()
agent.kill()
os.kill(int(open(going).read()), signal.SIGKILL)
hub.start()
agent.start_and_wait()
ok(wait_for("the pipeline to end", lambda: person.has_ended(pipeline)), "a task that died with its host is reported when the agent is back")
eq(person.attempts(pipeline, "one"), ["infra-fail", "success"], "and its job is run again, by a hub that was started meanwhile, too")
job = person.jobs(pipeline)[0]
shown = ctl("task", "show", [task for task in person.get("/api/runner/v1/jobs/" + job["id"])["tasks"]
                             if task["outcome"] == "infra-fail"][0]["id"]).stdout
ok("infra-fail" in shown and "runner-init ended while no runnerd was there" in shown, "task show says why")
eq(agent.stop(), 0, "the agent ends")
done()
