#!/usr/bin/env python3
# A failed task that is kept: its slot is free, its outcome is told, and people can still enter it; also behind a kill of runnerd.
import glob
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attachtest import *

of_hub, of_agent = with_users()
hub = Hub("hub", *of_hub)
person = Person(hub)
OPTIONS = of_agent + ["--keep-failed", "1h", "--keep-failed-max", "2", "--grace", "1s"]
agent = start_runnerd(hub, slots=1, options=OPTIONS)
work = os.path.join(tmp, "runnerd", "work")
state = os.path.join(tmp, "runnerd", "run", "tasks")
FAIL = """version: 2.1
jobs:
  broken:
    machine: true
    resource_class: local/big
    environment: {OF_JOB: job-value}
    steps:
      - run: {name: leave, command: 'echo "export LEFT=from-a-step" >>"$BASH_ENV"; echo found >evidence; sleep 500.PID &'}
      - run: {name: break, environment: {OF_STEP: step-value}, command: exit CODE}
workflows: {main: {jobs: [broken]}}
""".replace("PID", str(os.getpid()))  # that nobody else's sleep is taken for it


def run_broken(code=1):
    """The job and its task, once it has ended."""
    pipeline = person.run(FAIL.replace("CODE", str(code)))
    wait_for("the pipeline's end", lambda: person.has_ended(pipeline))
    job = person.jobs(pipeline)[0]["id"]
    return job, person.get("/api/runner/v1/jobs/" + job)["tasks"][0]["id"]


def kept_until(task):
    return person.get("/api/runner/v1/tasks/" + task)["kept_until"]


def enter(job, *command):
    said = ctl(hub, "attach", job, "--", *command)
    return said.returncode, said.stdout.decode(), said.stderr.decode()


def is_gone(task):
    return not os.path.exists(os.path.join(state, task)) and not os.path.exists(os.path.join(work, task))


def restart(how):
    global agent
    agent.send_signal(how)
    agent.wait()
    started.remove(agent)
    agent = start_runnerd(hub, slots=1, options=OPTIONS)


# --- the settings ask for it ---
job, first = run_broken()
ok(wait_for("the hub to know", lambda: kept_until(first)), "the hub knows until when a failed task is kept")
eq(enter(job, "sh", "-c", "echo $OF_JOB $OF_STEP $LEFT; cat evidence"),
   (0, "job-value step-value from-a-step\nfound\n", ""),
   "it is entered, in the environment of the step that failed and the directory it left")
eq(subprocess.run(["pgrep", "-f", r"^sleep 500\.%d" % os.getpid()], capture_output=True).stdout, b"", "the task's own processes have ended")
green = run_broken(0)
eq((bool(wait_for("it to go", lambda: is_gone(green[1]))), kept_until(green[1])), (True, None), "one that succeeds is not kept; and the slot was free for it")
one = Terminal(hub, job)
one.sees("attached")
one.type("echo $OF_STEP\n")
ok(one.sees(r"[\r\n]step-value\r\n"), "a terminal is opened in it, too")
restart(signal.SIGKILL)
eq(one.status(), 3, "which a kill of runnerd ends")
ok(one.is_restored(), "and this terminal is as it was")
ok(wait_for("the next runnerd", lambda: enter(job, "cat", "evidence")[1] == "found\n"),
   "but not the kept task: the next runnerd goes on with it")
hub.crash()
person.client = hub.client()
ok(wait_for("its word", lambda: kept_until(first)), "a hub that was killed hears of it again")
second_job, second = run_broken()
third_job, third = run_broken()
ok(wait_for("the oldest to go", lambda: is_gone(first)), "of more than may be kept the oldest goes, with all that was of it")
ok(wait_for("the hub to hear", lambda: kept_until(first) is None), "which the hub hears")
eq(enter(job, "true"), (3, "", "runnerctl: the task has ended, and is not kept\n"), "and says to who would enter it")

# --- people ask ---
said = ctl(hub, "job", "keep", "--release", second_job)
eq((said.returncode, said.stderr), (0, b"job 'broken' is not kept\n"), "a person lets one go")
ok(wait_for("it to go", lambda: is_gone(second)), "and it is gone")
before = kept_until(third)
said = ctl(hub, "job", "keep", "--for", "3h", third_job)
eq(said.returncode, 0, "a person wants one longer")
ok(kept_until(third) > before, "and it is kept longer")
said = ctl(hub, "job", "keep", green[0])
eq((said.returncode, said.stderr), (1, b"runnerctl: no agent has it: it waits, or has ended and is not kept\n"),
   "what is gone cannot be kept")
eq(ctl(hub, "job", "keep", "--for", "0s", third_job).returncode, 2, "a time that is none is wrong usage")
said = ctl(hub, "job", "keep", "--for", "1s", third_job)
ok(wait_for("its time to be over", lambda: is_gone(third)), "when its time is over it goes by itself")
pipeline = person.run(held(0))
held_job = wait_for("the job", lambda: person.jobs(pipeline))[0]["id"]
task = wait_for("its task", lambda: person.get("/api/runner/v1/jobs/" + held_job)["tasks"])[0]["id"]
wait_for("it to run", lambda: enter(held_job, "true")[0] == 0)
said = ctl(hub, "job", "keep", held_job)
eq((said.returncode, said.stderr), (0, b"job 'held' will be kept for 2h00m unless it succeeds\n"),
   "a person wants a running job kept")
restart(signal.SIGKILL)
wait_for("the next runnerd", lambda: enter(held_job, "true")[0] == 0)
one = Terminal(hub, held_job)
one.sees("attached")
ctl(hub, "job", "cancel", held_job)
ok(one.sees("it is kept: attach again"), "a terminal that was open in it says that it is kept")
ok(wait_for("it to be kept", lambda: kept_until(task)), "it is, though it was canceled, also behind a kill of runnerd between")
eq(enter(held_job, "sh", "-c", "echo ${PWD##*/}")[1], "place\n", "and is entered")
restart(signal.SIGTERM)
ok(True, "a drain does not wait for it")
ok(wait_for("the next runnerd", lambda: enter(held_job, "true")[0] == 0), "and the next runnerd has it")
ctl(hub, "job", "keep", "--release", held_job)
ok(wait_for("it to go", lambda: is_gone(task)), "until it is let go")
eq(sorted(os.listdir(state)), [], "nothing is left of any")

# --- runnerctl run, on a terminal ---
place = os.path.join(tmp, "project")
os.makedirs(os.path.join(place, ".circleci"))
with open(os.path.join(place, ".circleci", "config.yml"), "w") as file:
    file.write(FAIL.replace("CODE", "1"))
mark = os.path.join(tmp, "mark")
os.mkdir(mark)
one = Terminal(hub, argv=[os.path.join(build, "runnerctl"), "run", "--keep-failed", "--no-cache"], cwd=place, cols=1000,
               environment={"TMPDIR": mark, "XDG_RUNTIME_DIR": mark})
found = one.sees(r"runnerctl --hub (\S+) --token-file (\S+) attach (\S+) +# broken")
ok(found, "run --keep-failed says how a failed job is entered")


def looks():
    said = subprocess.run([os.path.join(build, "runnerctl"), "--hub", found.group(1), "--token-file", found.group(2),
                           "attach", found.group(3), "--", "sh", "-c", "cat evidence; echo $LEFT"], capture_output=True)
    return said.stdout == b"found\nfrom-a-step\n"


ok(found and wait_for("a look", looks), "and so it is")
# The signal alone: a typed Ctrl-C also has the kernel throw away what nobody has read yet, whenever it gets to it.
one.process.send_signal(signal.SIGINT)
eq(one.status(), 1, "SIGINT, as of Ctrl-C, ends it with the jobs' own status")
kept = re.search(r"working directories of failed jobs are kept in (\S+)", one.text())
eq(kept and [open(path).read() for path in glob.glob(kept.group(1) + "/*/home/project/evidence")], ["found\n"],
   "and the working directory stays")
ok(wait_for("all of it to end", lambda: not subprocess.run(["pgrep", "-f", mark], capture_output=True).stdout),
   "but nothing that runs")

# --- a wish and a heartbeat that cross one another ---
hub = Hub("crossing")
person, scripted = Person(hub), Agent(hub)
claim = scripted.claim_start()
person.run()
task = scripted.client.wait(claim)["json"]["tasks"][0]
scripted.events(task, "preparing", "running", "step_started")


def beat(kept, wait_ms=30000):
    return scripted.client.start("POST", "/api/v3/runner/heartbeat", scripted.headers,
                                 {"agent": {"id": scripted.id}, "wait_ms": wait_ms, "sessions": True, "kept": kept,
                                  "tasks": [{"task": task["id"], "epoch": task["epoch"]}]})


kept = [{"task": task["id"], "job": "one", "asked_ms": 60000, "until_ms": 0}]
path = "/api/runner/v1/tasks/%s/keep" % task["id"]


def told(kept):
    """What an answer says that it wants kept; one that is held for as long as may be says nothing."""
    return wait_for("the agent to be told", lambda: scripted.client.wait(beat(kept))["json"]["keep"])


scripted.client.wait(beat([], 0))  # it lets people in, which the hub knows from now on
wish = person.client.start("PUT", path, person.headers, {"seconds": 60})
eq(told([]), [{"task": task["id"], "ms": 60000}], "an agent is told of a wish in a heartbeat's answer")
eq(scripted.client.wait(beat([]))["status"], 200, "a heartbeat that crossed it is answered at once")
held = beat(kept)
eq(person.client.wait(wish)["status"], 200, "and is no refusal: the next one says what came of the wish")
wish = person.client.start("DELETE", path, person.headers)
eq(scripted.client.wait(held)["json"]["keep"] or told(kept), [{"task": task["id"], "ms": 0}], "it is told of the next wish")
scripted.client.wait(beat(kept))
beat(kept)
eq(person.client.wait(wish)["status"], 409, "which it refuses when two heartbeats say otherwise")
done()
