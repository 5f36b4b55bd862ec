#!/usr/bin/env python3
# At each named point of t/fault/points.c runnerd and runner-hub are killed, before it or behind it, and the call fails:
# the rest goes on, and every task comes to one end with what it printed. Several agents walk side by side.
#
# Which of the two kills and which error is drawn (SEED); EVERY=1 takes all of them, and stalls. POINT=NAME strikes there alone.
import glob
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from crashtest import *

STRIKE = os.path.join(build, "t", "strike")
AGENTS, SLOTS_EACH = 4, 3
EVERY = os.environ.get("EVERY") == "1"
# Nothing here is given back or leased to another: t/55 to t/58 do that.
NOT_PASSED = {"journal.unclaimed", "journal.dropped"}
# What only a start passes that finds a task with such a file.
OF_TASKS_FOUND = {"document.read": "task.json", "holding.read": "holding", "keep.read": "keep", "init.watch": "init.sock"}

JOBS = {
    "whole": [{"command": "echo one"}, {"command": "echo back; : >said; sleep 60", "background": True},
              {"command": "for i in $(seq 600); do [ -e said ] && break; sleep 0.05; done; echo try; [ -e again ] || { : >again; exit 1; }",
               "max_auto_reruns": 1},
              {"command": "until circleci-agent mask a-secret 2>/dev/null; do sleep 0.05; done; echo it is a-secret"},
              {"command": "exec %s pattern=binary print=150000 sleep=0.06 text=last" % ACTOR},
              {"command": "until circleci-agent step halt 2>/dev/null; do sleep 0.05; done; echo halted"}, {"command": "exit 1"}],
    "silent": [{"command": "echo here; sleep 60", "no_output_timeout": "0.1s"}, {"command": "echo after", "when": "always"}],
}
MAYBE = b"here\n"  # a slow host may end that step before it says so, or while it does
BACKGROUND = ("whole", (1, 1))  # ends with its job, whenever that is


def config():
    jobs = {name: {"machine": True, "resource_class": "local/big",
                   "steps": [{"run": dict(step, name="s%d" % i)} for i, step in enumerate(steps)]} for name, steps in JOBS.items()}
    return json.dumps({"version": 2.1, "jobs": jobs, "workflows": {"main": {"jobs": list(jobs)}}})


WORK = config()
hub = Hub()
# What fails is kept for a moment, so that this is noted and found again, too.
agents = [Runnerd(hub, "big%d" % i, slots=SLOTS_EACH, options=["--keep-failed", "2s"]) for i in range(AGENTS)]
pipelines, canceled = [], set()


End = collections.namedtuple("End", "task outcome tasks ends once steps texts")


def is_over(number, person):
    return all(job["state"] == "ended" for job in person.jobs(pipelines[number]))


def steps_of(person, job):
    task = person.get("/api/runner/v1/tasks/" + job["tasks"][0]["id"])
    ends = [entry for entry in task["history"] if entry["state"] == "ended"]
    steps = {(step["index"], step["attempt"]): step["outcome"] for step in task["steps"]}
    return task["id"], len(job["tasks"]), len(ends), len(task["steps"]) == len(steps), steps


def texts_of(task, steps):
    return {step: output_of(hub, task, "?step=%d&attempt=%d" % step) for step in steps}


def seen(person, number):
    """Of each job of a pipeline: how it and its steps ended, and what they printed."""
    result = {}
    for job in person.jobs(pipelines[number]):
        job = person.get("/api/runner/v1/jobs/" + job["id"])
        task, tasks, ends, once, steps = steps_of(person, job)
        result[job["name"]] = End(task, job["outcome"], tasks, ends, once, steps, texts_of(task, steps))
    return result


def may_be_short(name, step, outcome, is_as_ever):
    """A step that is a success has printed all; but an agent may lose what it fails to read, and one in the background may have
    ended before it came to that."""
    return outcome == "infra-fail" or ((name, step) == BACKGROUND and not is_as_ever)


def wrong_with(person, number, undisturbed, exactly):
    wrong = []
    for name, (task, outcome, tasks, ends, once, steps, texts) in seen(person, number).items():
        as_ever, exact, before = undisturbed[name], exactly, len(wrong)
        if (tasks, ends, once) != (1, 1, True):
            wrong.append("%s: %d tasks, %d ends" % (name, tasks, ends))
        elif outcome == "infra-fail" and (not exactly or steps == {}):
            exact = False  # given to agents that died before it ran, too often; or what the host refused
        elif exactly and (outcome, steps) != (as_ever.outcome, as_ever.steps):
            wrong.append("%s: %s %r" % (name, outcome, steps))
        for step, text in texts.items():
            whole = as_ever.texts.get(step, b"").replace(MAYBE, b"", 1)
            text = text.replace(MAYBE, b"", 1)
            # A call that fails may end a step early, with a sentence that says why; what was printed is what it begins with.
            begins = len(os.path.commonprefix([text, whole]))
            told = text[begins:].startswith((b"cannot ", b"Too long with no output", b"the step", b"circleci-agent: "))
            may = steps[step] != "success" or may_be_short(name, step, outcome, steps == as_ever.steps)
            if text != whole and (exact or not may or not (begins == len(text) or told)):
                wrong.append("%s step %d.%d (%s): %s, printed was %s" % ((name,) + step + (steps[step], digest(text), digest(whole))))
        if len(wrong) > before:
            tell_of(task, outcome, steps)
    return wrong


def tell_of(task, outcome, steps):
    """What all have said of a task that is not as it should be: the logs' ends may be long past it."""
    print("# task %s: %s %r" % (task, outcome, steps), file=sys.stderr)
    for log in [agent.log for agent in agents] + [hub.log]:
        with open(log, errors="replace") as file:
            for line in file:
                if task in line or "strike: pass" in line:
                    print("# %s: %s" % (os.path.basename(log), line.rstrip()), file=sys.stderr)


def points_of(program):
    lines = subprocess.run([STRIKE, "--points"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    points = [(name, errors) for owner, name, errors in map(str.split, lines) if owner == program]
    return [point for point in points if point[0] == os.environ.get("POINT", point[0])]


def end(process):
    """Its status; it is killed when it has not come to its own end."""
    process.terminate()
    started.remove(process)
    return process.wait(timeout=DEADLINE)


def says(log, since, words):
    with open(log, errors="replace") as file:
        file.seek(since)
        return words in file.read()


def was_struck(log, since):
    return says(log, since, "strike: pass")


def hows_of(errors, faults):
    hows = [["--fail", "1:" + error] for error in errors.split(",")] if faults else [["--kill", "1"], ["--kill-after", "1"]]
    if not EVERY:
        return [rng.choice(hows)]
    return hows + [["--stall", "1:50"]] if faults else hows


class Walk:
    """Lives of one program, each with a strike. Several threads may walk, each with a program of its own."""

    def __init__(self, program, faults):
        self.lives = queue.Queue()
        for name, errors in points_of(program):
            if name in NOT_PASSED:
                continue
            for how in hows_of(errors, faults):
                self.lives.put((name, how))
        self.at = {}  # where each thread waits for its strike
        self.struck, self.passed, self.wrong = 0, set(), []

    def life(self, name, how, start, log, around, until):
        """True when its strike has fallen; False when the next life may see it fall."""
        since = os.path.getsize(log) if os.path.exists(log) else 0
        process = start([STRIKE, "--at", name] + how)
        while process.poll() is None and time.monotonic() < until and not was_struck(log, since):
            if name in OF_TASKS_FOUND and says(log, since, "state claimed"):
                break  # what it has found has been found
            around()
            time.sleep(0.02)
        if how[0] in ("--fail", "--stall"):
            time.sleep(0.05)  # what it does about it
        ended = process.poll() is not None
        struck, status = was_struck(log, since), end(process)
        if status not in (0, 3, 137) or (ended and not struck):
            self.wrong.append("%s %s: it ends with %d%s" % (name, " ".join(how), status, "" if struck else " before that"))
        if struck:
            self.struck += 1
            self.passed.add(name)
        return struck or ended

    def walk(self, who, start, log, around=lambda: None, prepare=lambda name: None):
        try:
            while True:
                name, how = self.lives.get_nowait()
                self.at[who] = name
                until = time.monotonic() + PATIENCE
                has_fallen = False
                while not has_fallen and time.monotonic() < until:
                    prepare(name)
                    has_fallen = self.life(name, how, start, log, around, until)
                if not has_fallen:
                    self.wrong.append("%s %s: not passed in %d s" % (name, " ".join(how), PATIENCE))
        except queue.Empty:
            pass
        except Exception as error:
            self.wrong.append("%s at %s: %r" % (who, self.at.get(who), error))
        finally:
            self.at.pop(who, None)

    def check(self):
        eq(self.wrong, [], "%d strikes at %d points have fallen, none ends in a way that is not meant" %
           (self.struck, len(self.passed)))


def leave(agent, name):
    """The agent is dead; it has left a task that has this file."""
    def has_left():
        return glob.glob(os.path.join(agent.dir, "run", "tasks", "????????-*", name))

    until = time.monotonic() + PATIENCE
    while not has_left():
        agent.start()
        wait_for("a task with '%s'" % name, has_left)
        agent.kill()
        if time.monotonic() > until:
            raise TimeoutError("no task of %s has left a file '%s'" % (agent.name, name))


def cancel_one_of(name, person):
    """A pipeline that an agent has a task of."""
    for agent in person.get("/api/runner/v1/agents")["items"]:
        if agent["name"] != name:
            continue
        for task in person.get("/api/runner/v1/agents/" + agent["id"])["tasks"]:
            job = person.get("/api/runner/v1/tasks/" + task["id"])["job"]["id"]
            pipeline = person.get("/api/runner/v1/jobs/" + job)["pipeline"]["id"]
            number = pipelines.index(pipeline)
            if number not in canceled:
                canceled.add(number)
                person.post("/api/v2/pipeline/%s/cancel" % pipeline)
                return


def feed(walk, person):
    """There is always something to do, and for the verdict something to cancel."""
    unfinished, since = set(), None
    while walk.at:
        unfinished = {number for number in unfinished if not is_over(number, person)}
        # Tasks whose agent has just died wait a while: others are there to be had.
        while len(unfinished) < AGENTS or (len(unfinished) < 2 * AGENTS and time.monotonic() - since > 0.7):
            since = time.monotonic()
            pipelines.append(person.run(WORK))
            unfinished.add(len(pipelines) - 1)
        for name in [who for who, at in list(walk.at.items()) if at == "journal.verdict"]:
            cancel_one_of(name, person)
        time.sleep(0.05)


def walk_agents(faults):
    walk = Walk("runnerd", faults)
    walk.at = {agent.name: "" for agent in agents}

    def go(agent):
        def start(under):
            agent.start(under)
            return agent.process

        def prepare(name):
            if name in OF_TASKS_FOUND:
                leave(agent, OF_TASKS_FOUND[name])

        walk.walk(agent.name, start, agent.log, prepare=prepare)

    threads = [threading.Thread(target=go, args=(agent,)) for agent in agents]
    for thread in threads:
        thread.start()
    feed(walk, Person(hub))
    for thread in threads:
        thread.join()
    note("agents have walked")
    walk.check()


class Tries:
    """Somebody who submits a pipeline every now and then, whether the hub is there or not."""

    def __init__(self):
        self.body, self.reply = os.path.join(tmp, "run.json"), os.path.join(tmp, "run.reply")
        with open(self.body, "w") as file:
            json.dump({"config": {"content": WORK}, "checkout": {"branch": "main"}}, file)
        self.call, self.next = None, 0

    def take(self):
        """What was acknowledged is there."""
        self.call.wait()
        try:
            with open(self.reply) as file:
                pipelines.append(json.load(file)["id"])
        except (OSError, ValueError, KeyError):
            pass
        self.call = None

    def submit(self):
        """True when it was time to."""
        if self.call is not None and self.call.poll() is not None:
            self.take()
        if self.call is not None or time.monotonic() < self.next:
            return False
        self.next = time.monotonic() + 0.8  # the store has a rest between, and gathers
        if os.path.exists(self.reply):
            os.unlink(self.reply)
        self.call = subprocess.Popen(["curl", "-s", "--max-time", "5", "--http2-prior-knowledge", "--unix-socket", hub.url[len("unix:"):],
                                      "-H", "Circle-Token: " + hub.person, "-d", "@" + self.body, "-o", self.reply,
                                      "http://hub/api/v2/project/local/o/r/pipeline/run"], stderr=subprocess.DEVNULL)
        return True


def walk_hub(faults):
    walk, tries = Walk("runner-hub", faults), Tries()
    hub.kill()

    def around():
        if tries.submit():
            for agent in agents:
                agent.hurry()

    def start(under):
        hub.under = under
        os.close(hub.spawn())
        hub.under = []
        return hub.process

    walk.walk("hub", start, hub.log, around)
    hub.start()
    if tries.call is not None:
        tries.take()
    for agent in agents:
        agent.hurry()
    note("the hub has walked")
    walk.check()


def check(since, exactly, what):
    """All pipelines from number since on come to their end."""
    person = Person(hub)
    numbers = range(since, len(pipelines))
    wait_for("all to end", lambda: all(is_over(number, person) for number in numbers), PATIENCE)
    wrong = [text for number in numbers for text in wrong_with(person, number, undisturbed, exactly and number not in canceled)]
    eq(wrong, [], "%d pipelines: %s" % (len(numbers), what))
    note("compared")


if subprocess.run([STRIKE, "--count", "true"], stdout=subprocess.DEVNULL).returncode == 77:
    print("1..0 # SKIP this host forbids to trace")
    sys.exit(0)
person = Person(hub)
agents[0].start()
pipelines.append(person.run(WORK))
ok(wait_for("the end", lambda: is_over(0, person)), "a pipeline that nothing disturbs ends")
undisturbed = seen(person, 0)
eq({name: (end.outcome, sorted(end.steps.items())) for name, end in undisturbed.items()},
   {"whole": ("success", [((0, 1), "success"), ((1, 1), "success"), ((2, 1), "failed"), ((2, 2), "success"), ((3, 1), "success"),
                          ((4, 1), "success"), ((5, 1), "success")]),
    "silent": ("failed", [((0, 1), "failed"), ((1, 1), "success")])}, "as it should")
agents[0].kill()
for faults, what in ((False, "the same end and the same output as ever"), (True, "one end, and no wrong byte")):
    first = len(pipelines)
    walk_agents(faults)
    for agent in agents:
        agent.start()
    check(first, not faults, what)
    for agent in agents:
        agent.kill()
ok(all([agent.start_and_wait() for agent in agents]), "agents are here for a hub that is struck")
for faults in (False, True):
    first = len(pipelines)
    walk_hub(faults)
    check(first, True, "the same end and the same output as ever")
# What is kept outlives its agent.
wait_for("kept tasks to go", lambda: not any(agent.left() for agent in agents), PATIENCE)
for agent in agents:
    eq(agent.stop(), 0, "%s ends in good order" % agent.name)
check_clean(hub, agents)
eq(hub.stop(), 0, "and so does the hub")
done()
