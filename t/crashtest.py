# crashtest.py - what tests of crashes share: steps that print, agents, and what must hold afterwards.
#
# Pipelines of writers run all the time while a test kills or cuts something again and again, so that 200 points
# cost seconds. KILL_POINTS says another number, SEED repeats a run's points (not its timing).
#
# SPDX-License-Identifier: Apache-2.0
import atexit
import hashlib
import random

from hubtest import *

PATIENCE = 4 * DEADLINE  # for all that a test has begun: a host may do many other things
POINTS = int(os.environ.get("KILL_POINTS", "200"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))
rng = random.Random(SEED)
print("# SEED=%d" % SEED, flush=True)
begun = time.monotonic()


def note(text):
    print("# %4.1f s: %s" % (time.monotonic() - begun, text), flush=True)


ACTOR = os.path.join(build, "t", "actor")
SECRET = "quick brown fox"  # in each line that actor prints
# What one step prints: piece is the size of a write, rate is in bytes a second.
WRITERS = {
    "lines80": [("lines", 80, 200_000, 500_000)],
    "pages4k": [("lines", 4096, 1_000_000, 2_500_000)],
    "pieces64k": [("binary", 65536, 2_000_000, 5_000_000)],
    "binary": [("binary", 1000, 300_000, 750_000)],
    # The secret is cut by most writes, and the agent hears of it while the task runs.
    "secret": ["circleci-agent mask '%s'" % SECRET, ("lines", 7, 20_000, 50_000)],
    "short": [("lines", 65536, 0, size) for size in (1, 5000, 70_000, 64) * 5],
}
SLOTS = len(WRITERS)
DURATION = 4  # of a pipeline, about

ran = os.path.join(tmp, "ran")
os.mkdir(ran)
os.chmod(ran, 0o777)
os.chmod(tmp, 0o711)


def command(job, index, writer):
    mark = "echo %s.%d >>%s/<< pipeline.number >>; " % (job, index, ran)
    if isinstance(writer, str):
        return mark + writer
    pattern, piece, rate, size = writer
    nap = " sleep=0.03" if job == "short" else ""
    return mark + "exec %s pattern=%s piece=%d rate=%d%s print=%d" % (ACTOR, pattern, piece, rate, nap, size)


def config():
    jobs = {name: {"machine": True, "resource_class": "local/big",
                   "steps": [{"run": {"name": "%s %d" % (name, i), "command": command(name, i, writer)}}
                             for i, writer in enumerate(writers)]}
            for name, writers in WRITERS.items()}
    return json.dumps({"version": 2.1, "jobs": jobs, "workflows": {"main": {"jobs": list(jobs)}}})


def printed(job):
    """What a reader must see of a job, step by step."""
    texts = []
    for writer in WRITERS[job]:
        text = b""
        if not isinstance(writer, str):
            text = subprocess.run([ACTOR, "pattern=" + writer[0], "print=%d" % writer[3]], stdout=subprocess.PIPE, check=True).stdout
        texts.append(text.replace(SECRET.encode(), b"****") if job == "secret" else text)
    return texts


wanted = {job: printed(job) for job in WRITERS}


def play(writers):
    """Other writers than these."""
    WRITERS.clear()
    WRITERS.update(writers)
    wanted.clear()
    wanted.update((job, printed(job)) for job in writers)


class Runnerd:
    """An agent with directories of its own, which it finds again when it is started again."""

    def __init__(self, hub, name, slots=SLOTS, url=None, options=()):
        self.name = name
        self.dir = os.path.join(tmp, name)
        self.log = self.dir + ".log"
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o711)
        settings = self.dir + ".yaml"  # each task has a board of its own, which is noted and found again
        with open(settings, "w") as file:
            file.write("capacity: {devices: {board: %d}}\nresource_classes:\n  - {token_file: '%s', devices: {board: 1}}\n" %
                       (slots, os.path.join(hub.dir, "agent-token")))
        self.command = [os.path.join(build, "runnerd"), "-c", settings, "--hub", url or hub.url,
                        "-j", str(slots), "--name", name, "--orphan-limit", "1h", "--grace", "2s"]
        for kind in ("run", "data", "work", "cache"):
            self.command += ["--%s-dir" % kind, os.path.join(self.dir, kind)]
        self.command += options
        self.process = None

    def start(self, under=()):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(list(under) + self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        started.append(self.process)

    def start_and_wait(self):
        since = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        self.start()
        return wait_for("agent '%s'" % self.name, lambda: "connected to the hub" in open(self.log, errors="replace").read()[since:])

    def kill(self):
        """True when it was still there to be killed."""
        self.process.kill()
        status = self.process.wait()
        started.remove(self.process)
        return status == -signal.SIGKILL

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=DEADLINE)

    def hurry(self):
        """The hub may be there again: without this the waits grow, as they should."""
        self.process.send_signal(signal.SIGHUP)

    def is_connected(self):
        with open(self.log, errors="replace") as log:
            return "connected to the hub" in log.read()

    def is_printing(self):
        with open(self.log, errors="replace") as log:
            return log.read().count("step started") >= len(WRITERS)

    def fds(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def left(self):
        """Directories of tasks that are still there."""
        places = [os.path.join(self.dir, "run", "tasks"), os.path.join(self.dir, "work")]
        return [name for place in places if os.path.isdir(place) for name in os.listdir(place)
                if not name.startswith("spare-") and name not in (".agent", ".control")]


class Work:
    """Pipelines of all writers, always one of them under way."""

    def __init__(self, hub):
        self.hub = hub
        self.pipelines = []
        self.config = config()
        self.submit()

    def submit(self):
        self.since = time.monotonic()
        self.pipelines.append(Person(self.hub).run(self.config))

    def want(self):
        """Give more to do when what there is must be over soon."""
        if time.monotonic() - self.since > DURATION:
            self.submit()

    def jobs(self, person):
        return [person.get("/api/runner/v1/jobs/" + job["id"]) for pipeline in self.pipelines for job in person.jobs(pipeline)]

    def has_ended(self, person):
        return all(job["state"] == "ended" for pipeline in self.pipelines for job in person.jobs(pipeline))


def kill_at_random(hub, agent, work, points, stood=lambda: None):
    """Kill an agent so often, at any moment, while its hub stands still for a while again and again. How often it was.
    stood() waits for what the agent must have come to before the hub goes on."""
    wait_for("steps to start", lambda: agent.is_printing())
    stands, killed, until = False, 0, 0
    while killed < points:
        if killed == until:
            if stands:
                stood()
            stands = not stands
            hub.process.send_signal(signal.SIGSTOP if stands else signal.SIGCONT)
            until += rng.randint(15, 30) if stands else rng.randint(3, 10)
        if not stands:
            work.want()  # which the hub must hear of
        time.sleep(rng.uniform(0, 0.03) if rng.random() < 0.4 else rng.uniform(0, 0.12))
        if not agent.kill():
            break
        agent.start()
        killed += 1
    hub.process.send_signal(signal.SIGCONT)
    return killed


def output_of(hub, task, query=""):
    url = "http://hub/api/runner/v1/tasks/%s/output%s" % (task, query)
    curl = subprocess.run(["curl", "-sSf", "--http2-prior-knowledge", "--unix-socket", hub.url[len("unix:"):], "-H",
                           "Circle-Token: " + hub.person, url], stdout=subprocess.PIPE)
    return curl.stdout if curl.returncode == 0 else b"curl ends with %d" % curl.returncode


def digest(data):
    return "%d bytes %s" % (len(data), hashlib.sha256(data).hexdigest()[:16])


def differs(texts, outputs):
    """What is wrong with what the hub has of each step, or None."""
    got, want = [digest(output) for output in outputs], [digest(text) for text in texts]
    return None if got == want else "output %s, printed was %s" % (got, want)


def wrong_with(hub, person, job, differs):
    """What is wrong with how a job came to its end, or None."""
    texts = wanted[job["name"]]
    if job["outcome"] != "success":
        return "outcome %s: %s" % (job["outcome"], job["reason"])
    if len(job["tasks"]) != 1:
        return "%d tasks" % len(job["tasks"])
    task = person.get("/api/runner/v1/tasks/" + job["tasks"][0]["id"])
    ends = [entry for entry in task["history"] if entry["state"] == "ended"]
    if len(ends) != 1:
        return "it ended %d times" % len(ends)
    steps = [(step["index"], step["attempt"], step["outcome"]) for step in task["steps"]]
    if steps != [(i, 1, "success") for i in range(len(texts))]:
        return "steps %r" % steps
    output, outputs, at = output_of(hub, task["id"]), [], 0
    for step in task["steps"]:
        outputs.append(output[at:at + step["output_bytes"]])
        at += step["output_bytes"]
    return differs(texts, outputs) if at == len(output) else "%d bytes of output, its steps say %d" % (len(output), at)


def processes_left():
    """Processes of a task, or that have something of ours open, and that we did not start."""
    ours, left = [process.pid for process in started] + [os.getpid()], []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) in ours:
            continue
        try:
            links = [os.readlink("/proc/%s/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%s/fd" % pid)]
            with open("/proc/%s/environ" % pid, errors="replace") as file:
                environment = file.read()
            if "CIRCLE_INTERNAL_TASK_DATA=" + tmp in environment or any(link.startswith(tmp) for link in links):
                with open("/proc/%s/cmdline" % pid, errors="replace") as file:
                    left.append("%s %s" % (pid, file.read().replace("\0", " ")))
        except OSError:
            pass
    return left


def end_left():
    """What a failed test leaves would wait an hour for its agent."""
    for line in processes_left():
        try:
            os.kill(int(line.split()[0]), signal.SIGKILL)
        except OSError:
            pass


atexit.register(end_left)


def mounts_left():
    with open("/proc/self/mountinfo") as file:
        return [line for line in file if tmp in line]


def check_work(hub, work, differs=differs, what="its output byte for byte what was printed"):
    """Every task has come to one end with what it printed, and every step was run once."""
    note("all points passed")
    person = Person(hub)
    wait_for("all pipelines to end", lambda: work.has_ended(person), PATIENCE)
    note("all pipelines have ended")
    wrong = ["%s of pipeline %d: %s" % (job["name"], job["pipeline"]["number"], why)
             for job in work.jobs(person) for why in [wrong_with(hub, person, job, differs)] if why]
    eq(wrong, [], "%d jobs: each ends once, a success, %s" % (len(work.pipelines) * len(WRITERS), what))
    marks = sorted("%s.%d" % (job, i) for job, writers in WRITERS.items() for i in range(len(writers)))
    runs = [sorted(open(os.path.join(ran, name)).read().split()) for name in sorted(os.listdir(ran))]
    eq([sorted(set(run)) == run == marks for run in runs], [True] * len(work.pipelines), "every step was run once")


def left_of(what, look):
    """What is left when it was waited for to go: a second look may see what has come since."""
    last = []

    def has_gone():
        last[:] = look()
        return not last

    wait_for(what + " to go", has_gone)
    return last


def check_clean(hub, agents):
    """Nothing is left of any task, here or at the hub."""
    note("all output compared")
    for agent in agents:
        eq(left_of("directories", agent.left), [], "%s: no directory of a task is left" % agent.name)
    eq(left_of("processes", processes_left), [], "no process is left")
    eq(mounts_left(), [], "no mount is left")
    output = os.path.join(hub.dir, "data", "output")

    def unfinished():
        return [name for name in os.listdir(output) if name.endswith(".tmp")]

    eq(left_of("unfinished files", unfinished), [], "no unfinished file is left at the hub")
