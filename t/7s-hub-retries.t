#!/usr/bin/env python3
# A job that says that it may be run twice (RUNNER_RETRIES) is, when its host failed it; others are not. A task whose agent is cut off
# before it runs is given to another, and what the first makes of it is worth nothing.
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


def ctl(*arguments, of=None):
    of = of or hub
    return subprocess.run([os.path.join(build, "runnerctl"), "--hub", of.url, "--token-file",
                           os.path.join(of.dir, "token")] + list(arguments), capture_output=True, text=True,
                          timeout=DEADLINE)


def cut_off():
    """A hub and an agent of their own, which loses the line when it has taken a task and not begun it. The lease is a minute: it is over
    while the rows between are made. What goes on: (hub, agent, relay, pipeline)."""
    other = Hub("leases")
    held = os.path.join(tmp, "held")
    os.mkdir(held)
    with open(os.path.join(held, "pre-job"), "w") as file:
        file.write("#!/bin/sh\ntouch '%s/taken'\nuntil [ -e '%s/go' ]; do sleep 0.1; done\n" % (held, held))
    os.chmod(os.path.join(held, "pre-job"), 0o755)
    line = start_line(other)
    first = Runnerd(other, "first", slots=1, url="unix:" + os.path.join(tmp, "line.sock"),
                    options=["--hooks-dir", held, "--hook-timeout", "30m", "--isolation", "none"])
    first.start_and_wait()
    command = "case $PWD in */first/*) echo of the first; echo $$ >%s/new; mv %s/new %s/pid; exec sleep 1000;; esac; echo of the second" % ((held,) * 3)
    pipeline = Person(other).run(config(0, command))
    wait_for("the first agent to take it", lambda: os.path.exists(os.path.join(held, "taken")))
    line.kill()
    line.wait()
    wait_for("it to be cut off", lambda: "is away" in open(first.log).read())
    return other, first, held, pipeline


def start_line(other):
    line = os.path.join(tmp, "line.sock")
    if os.path.exists(line):
        os.unlink(line)
    process = subprocess.Popen([os.path.join(build, "t", "relay"), line, other.url[len("unix:"):], "1"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)
    started.append(process)
    wait_for("the line", lambda: os.path.exists(line))
    return process


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


other, first, held, leased = cut_off()
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

second = Runnerd(other, "second", slots=1, options=["--isolation", "none"])
second.start_and_wait()
owner = Person(other)
ok(wait_for("its end", lambda: owner.has_ended(leased), 180), "a task whose agent was cut off before it ran is given to another")
eq(owner.attempts(leased, "one"), ["success"], "which has run it: the same task, and one end")
task = owner.get("/api/runner/v1/jobs/" + owner.jobs(leased)[0]["id"])["tasks"][0]
open(os.path.join(held, "go"), "w").close()
ok(wait_for("its step", lambda: os.path.exists(os.path.join(held, "pid"))), "the first, still cut off, runs it too")
copy = int(open(os.path.join(held, "pid")).read())
start_line(other)
first.hurry()
ok(wait_for("its word", lambda: re.search("task=%s .*(its lease is gone|takes no more (output|events) of it)" % task["id"], open(first.log).read())),
   "when it is back it hears that the task is another's")
ok(wait_for("its process", lambda: not os.path.exists("/proc/%d" % copy)), "its copy is killed")
ok(wait_for("the first agent to be idle", lambda: first.left() == []), "and forgotten")
eq(owner.attempts(leased, "one"), ["success"], "the task has the end that it had")
shown = json.loads(ctl("--json", "task", "show", task["id"], of=other).stdout)
eq([(one["state"], one["reason"]) for one in shown["history"] if one["state"] in ("leased", "ended")],
   [("leased", "first"), ("leased", "second"), ("ended", None)], "which was the second's, and exactly one")
output = ctl("--project", "local/o/r", "logs", str(owner.jobs(leased)[0]["number"]), of=other).stdout
ok("of the second" in output and "of the first" not in output, "nothing that the first printed is there")
eq(first.stop(), 0, "the first agent ends")
eq(second.stop(), 0, "and the second")
done()
