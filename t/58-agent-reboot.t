#!/usr/bin/env python3
# A host that is restarted: its run directory is lost, and with it what its tasks were. The hub hears of it at once, and what they
# have left is cleared away. The host's restart is one of its processes and of the directory, and of the time in proc(5)'s stat.
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *
from crashtest import Runnerd

hub = Hub()
person = Person(hub)
os.chmod(tmp, 0o711)
proc = os.path.join(tmp, "proc")
os.mkdir(proc)


def say_booted(seconds):
    """When the host was started, in seconds from now."""
    with open(os.path.join(proc, "stat"), "w") as file:
        file.write("cpu 1 2 3\nctxt 4\nbtime %d\nprocesses 5\n" % (time.time() + seconds))


def config(name, retries):
    """A job that says who its runner-init is, and sleeps; at its second attempt it ends."""
    mark = os.path.join(tmp, name)
    command = "[ ! -e %s ] || exit 0; echo $PPID >%s.new; mv %s.new %s; exec sleep 1000" % ((mark,) * 4)
    job = {"machine": True, "resource_class": "local/big", "environment": {"RUNNER_RETRIES": retries},
           "steps": [{"run": {"name": "sleep", "command": command}}]}
    return json.dumps({"version": 2.1, "jobs": {"one": job}, "workflows": {"main": {"jobs": ["one"]}}})


def runs(name):
    return wait_for("'%s'" % name, lambda: os.path.exists(os.path.join(tmp, name)))


def end_all(*names):
    """runnerd, and each task's runner-init: what of a task has its own user is not ended by that."""
    agent.kill()
    for name in names:
        os.kill(int(open(os.path.join(tmp, name)).read()), signal.SIGKILL)


def restart_host(*names):
    end_all(*names)
    subprocess.run(["rm", "-rf", os.path.join(agent.dir, "run")], check=True)


def task_of(pipeline):
    return person.get("/api/runner/v1/jobs/" + person.jobs(pipeline)[0]["id"])["tasks"][0]


def agents():
    return json.loads(subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file", os.path.join(hub.dir, "token"), "--json",
                                      "agent", "list"], capture_output=True, text=True, timeout=DEADLINE).stdout)


def works():
    return [name for name in os.listdir(os.path.join(agent.dir, "work")) if len(name) == 36]


say_booted(-1000)
agent = Runnerd(hub, "big1", slots=2, options=["--isolation", "none", "--proc-dir", proc])
agent.start_and_wait()
# A container's restart: nothing runs any more, no directory is lost, and the host's start is what it was.
kept = person.run(config("kept", 0))
ok(runs("kept"), "a task runs")
end_all("kept")
agent.start_and_wait()
ok(wait_for("the task to end", lambda: person.has_ended(kept)), "a task that ended with its container ends at the hub")
eq((task_of(kept)["outcome"], task_of(kept)["reason"]), ("infra-fail", "runner-init ended while no runnerd was there"), "which is said")
ok(wait_for("its directory", lambda: works() == []), "its directory is removed")
ok(wait_for("its state", lambda: os.listdir(os.path.join(agent.dir, "run", "tasks")) == []), "and what was known of it")

lost, again = person.run(config("lost", 0)), person.run(config("again", 1))
ok(runs("lost") and runs("again"), "two tasks run")
eq(len(works()), 2, "each in a directory of its own")
of_lost = task_of(lost)["id"]

# Not the host's restart: the directory is merely gone, nobody knows what is left, and tasks of other agents may be there.
restart_host("lost", "again")
agent.start_and_wait()
ok(wait_for("the tasks to end", lambda: person.has_ended(lost) and person.has_ended(again)),
   "tasks that ended with the host end at the hub when their agent is back")
task = [one for one in person.get("/api/runner/v1/jobs/" + person.jobs(lost)[0]["id"])["tasks"]][0]
eq((task["outcome"], task["reason"]),
   ("infra-fail", "agent 'big1' came back without this task, which had been running: its host was restarted"),
   "as an infrastructure failure that says why: at once, not for a lease that was over")
eq(person.attempts(again, "one"), ["infra-fail", "success"], "one that may be run twice has been")
eq(len(agents()), 1, "the agent is who it was")
ok(wait_for("the directories of what has ended since", lambda: of_lost in works() and len(works()) == 2),
   "a directory that was used since the host was started stays: it may be of another agent's task")

say_booted(1000)
restart_host()
agent.start_and_wait()
ok(wait_for("the directories", lambda: works() == []), "one that was not is removed")
ok("removing the work directories of 2 tasks that ended with the host" in open(agent.log).read(), "which is said")
eq(agent.stop(), 0, "the agent ends")

# Directories that are kept for people.
left = os.path.join(agent.dir, "work", of_lost)
os.makedirs(os.path.join(left, "home"))
agent.command += ["--cleanup-working-directory", "false"]
subprocess.run(["rm", "-rf", os.path.join(agent.dir, "run")], check=True)
agent.start_and_wait()
fine = person.run(config("lost", 0))
ok(wait_for("a task", lambda: person.has_ended(fine)), "tasks run")
ok(os.path.exists(left), "where directories are kept for people those of before stay")
eq(agent.stop(), 0, "the agent ends")
done()
