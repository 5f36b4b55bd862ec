# hubtest.py - what tests of the hub begin with: a private hub, a scripted client, TAP.
#
# SPDX-License-Identifier: Apache-2.0
import atexit
import collections
import json
import locale
import os
import queue
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid

# What programs print and files hold is UTF-8, in whatever language the host speaks.
if locale.getpreferredencoding(False).lower() not in ("utf-8", "utf8"):
    os.environ["LC_ALL"] = "C.UTF-8"
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, [sys.executable] + sys.argv)
DEADLINE = 180  # what a hanging test ends by, and no measure: some rows take a minute where the host is busy with others
here = os.path.dirname(os.path.abspath(__file__))
src = os.environ.get("top_srcdir", os.path.dirname(here))
build = os.environ.get("top_builddir", os.path.dirname(here))
# Of the environment that tests are started in nothing may matter (as in t/lib.sh).
for name in list(os.environ):
    if re.fullmatch(r"(RUNNERD?|CIRCLE|CIRCLECI|XDG|GIT)_[A-Z0-9_]*|([A-Za-z]+_)?(proxy|PROXY)|CI|NO_COLOR|TERM|CIRCLECI|"
                    r"NOTIFY_SOCKET|WATCHDOG_USEC|WATCHDOG_PID|LISTEN_FDS|LISTEN_PID|CREDENTIALS_DIRECTORY|BASH_ENV|ENV|"
                    r"TMPDIR", name) and name not in ("RUNNER_OWN_NETWORK", "RUNNER_OWN_MOUNTS", "RUNNER_MACHINE"):
        del os.environ[name]
os.dup2(os.open(os.devnull, os.O_RDWR), 0)
os.set_inheritable(0, True)  # where it was closed, too
os.umask(0o022)
# Tests need no user of their own on the host (t/5n-agent-launcher.t does).
if os.geteuid() == 0:
    os.environ["RUNNERD_USER"] = "root"
OUTPUT = "application/vnd.runner.output"

LOG_LINES = 400  # of each log, when a check failed
count = 0
failed = 0
started = []
tmp = tempfile.mkdtemp(prefix="runner-hub.", dir="/var/tmp")  # an isolated task has a /tmp of its own
os.environ["HOME"] = os.path.join(tmp, "home")
os.mkdir(os.environ["HOME"])


def ok(good, what, why=""):
    global count, failed
    count += 1
    print("%sok %d - %s" % ("" if good else "not ", count, what), flush=True)
    if not good:
        frame = sys._getframe(1)
        while frame.f_code.co_filename == __file__:
            frame = frame.f_back
        failed += 1
        print("# failed at line %d: %d - %s%s" % (frame.f_lineno, count, what, why), file=sys.stderr, flush=True)
    return good


def eq(got, wanted, what):
    good = got == wanted
    ok(good, what, "" if good else "\n#    got: %r\n# wanted: %r" % (got, wanted))


def clean():
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
    if failed:
        for name in sorted(os.listdir(tmp)):
            if name.endswith(".log"):
                with open(os.path.join(tmp, name), errors="replace") as log:
                    for line in collections.deque(log, LOG_LINES):
                        print("# %s: %s" % (name, line.rstrip()), file=sys.stderr)
    shutil.rmtree(tmp, ignore_errors=True)


atexit.register(clean)


def done():
    print("1..%d" % count)
    sys.exit(1 if failed else 0)


def wait_for(what, condition, deadline=DEADLINE):
    until = time.monotonic() + deadline
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    print("# waited in vain for %s" % what, file=sys.stderr)
    return None


class Client:
    """One connection; call() waits, start() does not."""

    def __init__(self, url):
        self.process = subprocess.Popen([os.path.join(build, "t", "hubcall"), url], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        started.append(self.process)
        self.next = 0
        self.replies = {}
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            reply = json.loads(line)
            self.replies[reply["id"]].put(reply)

    def send(self, message):
        self.next += 1
        self.replies[self.next] = queue.Queue()
        message["id"] = self.next
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        return self.next

    def start(self, method, path, headers, body=None, data=None, raw=False):
        message = {"method": method, "path": path, "headers": headers, "raw": raw}
        if body is not None:
            message["body"] = json.dumps(body)
        if data is not None:
            message["hex"] = data.hex()
        return self.send(message)

    def wait(self, number):
        reply = self.replies[number].get(timeout=DEADLINE)
        try:
            reply["json"] = json.loads(reply.get("body") or "null")
        except ValueError:
            reply["json"] = None
        return reply

    def waits(self, number):
        return self.replies[number].empty()

    def call(self, *args, **kwargs):
        return self.wait(self.start(*args, **kwargs))

    def cancel(self, number):
        self.process.stdin.write(json.dumps({"cancel": number}) + "\n")
        self.process.stdin.flush()

    def record(self, task, offset, text, epoch=1, step=0, attempt=1, **more):
        """more: what the header says although it is not so; frame: bytes instead of a frame."""
        number = self.send({"record": dict(more, task=task, epoch=epoch, step=step, attempt=attempt, offset=offset,
                                           hex=(text if isinstance(text, bytes) else text.encode()).hex())})
        return bytes.fromhex(self.wait(number)["hex"])


class Hub:
    def __init__(self, name="hub", *options):
        self.options = list(options)
        self.under = []  # what it is started by: strike and its arguments
        self.dir = os.path.join(tmp, name)
        os.mkdir(self.dir, 0o700)
        self.url = "unix:" + os.path.join(self.dir, "hub.sock")
        self.log = os.path.join(tmp, name + ".log")
        self.person = self.token("token")
        self.token_of_agents = self.token("agent-token")
        self.process = None
        self.start()

    def token(self, name):
        text = secrets.token_hex(32)
        with open(os.path.join(self.dir, name), "w") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text + "\n")
        return text

    def spawn(self):
        """Begin to start it; the descriptor that will say "ready"."""
        read, write = os.pipe()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.under + [os.path.join(build, "runner-hub"), "serve", "--private", "--listen", self.url,
                 "--data-dir", os.path.join(self.dir, "data"), "--token-file", os.path.join(self.dir, "token"),
                 "--agent-token-file", os.path.join(self.dir, "agent-token"), "--ready-fd", str(write)] + self.options,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[write])
        started.append(self.process)
        os.close(write)
        return read

    def start(self):
        with os.fdopen(self.spawn()) as pipe:
            if pipe.readline() != "ready\n":
                print("Bail out! the hub does not start")
                self.print_log()
                sys.exit(99)

    def print_log(self):
        with open(self.log) as log:
            sys.stderr.write(log.read())

    def kill(self):
        """True when it was still there to be killed."""
        self.process.send_signal(signal.SIGKILL)
        started.remove(self.process)
        return self.process.wait() == -signal.SIGKILL

    def crash(self):
        self.kill()
        self.start()

    def log_has(self, words):
        with open(self.log, errors="replace") as log:
            return words in log.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=DEADLINE)

    def client(self):
        return Client(self.url)


class Agent:
    """An agent's side of the protocol, one request at a time."""

    def __init__(self, hub, name="big1", slots=4, client=None):
        self.hub, self.name, self.slots = hub, name, slots
        self.id = str(uuid.uuid4())
        self.client = client or hub.client()
        self.headers = {"authorization": "Bearer " + hub.token_of_agents, "runner-protocol": "1"}

    def post(self, what, body, headers=None):
        return self.client.call("POST", "/api/v3/runner/" + what, headers or self.headers, body)

    def claim_body(self, claim=None, wait_ms=5000, slots=None, running=()):
        slots = self.slots if slots is None else slots
        return {"agent": {"id": self.id, "name": self.name, "version": "0.1.0", "os": "linux", "arch": "x86_64",
                          "slots": self.slots},
                "claim_id": claim or str(uuid.uuid4()), "wait_ms": wait_ms,
                "free": {"slots": slots, "cpus": 4, "memory_bytes": 1 << 30, "devices": {}},
                "classes": [{"token": self.hub.token_of_agents, "slots": slots, "cpus": 0, "memory_bytes": 0,
                             "devices": {}}],
                "running": [{"task": task["id"], "epoch": task["epoch"]} for task in running]}

    def claim_start(self, **kwargs):
        return self.client.start("POST", "/api/v3/runner/claim", self.headers, self.claim_body(**kwargs))

    def claim(self, **kwargs):
        return self.client.wait(self.claim_start(**kwargs))["json"]["tasks"]

    def claim_held(self, **kwargs):
        """A claim that the hub has come to: what was asked behind it, on the same connection, is answered."""
        number = self.claim_start(**kwargs)
        self.heartbeat([])
        return number

    def heartbeat_start(self, tasks, wait_ms=0):
        return self.client.start("POST", "/api/v3/runner/heartbeat", self.headers,
                                 {"agent": {"id": self.id}, "wait_ms": wait_ms,
                                  "tasks": [{"task": task["id"], "epoch": task["epoch"]} for task in tasks]})

    def heartbeat(self, tasks, wait_ms=0):
        return self.client.wait(self.heartbeat_start(tasks, wait_ms))["json"]["tasks"]

    def events(self, task, *types, seq=1, epoch=None, **more):
        events = []
        for offset, kind in enumerate(types):
            event = {"task": task["id"], "epoch": epoch or task["epoch"], "seq": seq + offset,
                     "time_ms": 1769850000123, "type": kind}
            if kind.startswith("step_"):
                event.update(step=0, attempt=1)
            if kind == "step_ended":
                event.update(outcome="success", exit_code=0, output_bytes=more.get("output_bytes", 0), wall_ms=5,
                             user_us=1, system_us=1, max_rss_bytes=1, peak_bytes=2, read_bytes=3, write_bytes=4)
            if kind == "ended":
                event.update(outcome=more.get("outcome", "success"), reason="")
            events.append(event)
        reply = self.post("events", {"agent": {"id": self.id}, "events": events})
        return reply["json"]["tasks"][0] if reply["status"] == 200 else reply

    def run(self, task, **more):
        return self.events(task, "preparing", "running", "step_started", "step_ended", "finishing", "ended", **more)

    def start_output(self, data):
        headers = dict(self.headers, **{"content-type": OUTPUT, "runner-agent": self.id})
        return self.client.start("POST", "/api/v3/runner/output", headers, data=data)

    def output(self, data):
        return self.client.wait(self.start_output(data))

    def unclaim(self, task):
        return self.post("unclaim", {"task_id": task["id"], "task_token": task["token"]},
                         {"authorization": "Bearer " + task["token"], "runner-protocol": "1"})["status"]


CONFIG = """version: 2.1
jobs:
  one:
    machine: true
    resource_class: local/big
    steps:
      - run: {name: say, command: echo hello}
workflows:
  main:
    jobs: [one]
"""


class Person:
    def __init__(self, hub, client=None):
        self.client = client or hub.client()
        self.headers = {"circle-token": hub.person}

    def get(self, path):
        return self.client.call("GET", path, self.headers)["json"]

    def post(self, path, body=None):
        return self.client.call("POST", path, self.headers, body or {})

    def run(self, config=CONFIG):
        reply = self.post("/api/v2/project/local/o/r/pipeline/run",
                          {"config": {"content": config}, "checkout": {"branch": "main"}})
        if reply["status"] != 201:
            print("# %r" % reply, file=sys.stderr)
        return reply["json"]["id"]

    def jobs(self, pipeline):
        return self.get("/api/runner/v1/jobs?pipeline=" + pipeline)["items"]

    def workflows(self, pipeline):
        return self.get("/api/v2/pipeline/" + pipeline + "/workflow")["items"]

    def has_ended(self, pipeline):
        workflows = self.workflows(pipeline)
        return bool(workflows) and all(one["stopped_at"] for one in workflows)

    def outcomes(self, pipeline):
        """How its jobs stand: {name: outcome, or state while there is none}."""
        return {job["name"]: job["outcome"] or job["state"] for job in self.jobs(pipeline)}

    def attempts(self, pipeline, name):
        """How the tasks of a job ended, in the order of the attempts."""
        job = [one for one in self.jobs(pipeline) if one["name"] == name][0]
        tasks = self.get("/api/runner/v1/jobs/" + job["id"])["tasks"]
        return [task["outcome"] for task in sorted(tasks, key=lambda task: (task["attempt"], task["node_index"]))]


def start_runnerd(hub, slots=8, name="runnerd", options=()):
    """The real agent, for a private hub; its log is NAME.log. A second one of a name goes on with the first's state."""
    place = os.path.join(tmp, name)
    os.makedirs(place, 0o711, exist_ok=True)
    os.chmod(tmp, 0o711)
    with open(place + ".log", "ab") as log:
        agent = subprocess.Popen(
            [os.path.join(build, "runnerd"), "--hub", hub.url, "--token-file", os.path.join(hub.dir, "agent-token"),
             "-j", str(slots), "--name", name, "--run-dir", os.path.join(place, "run"), "--data-dir",
             os.path.join(place, "data"), "--work-dir", os.path.join(place, "work"), "--cache-dir",
             os.path.join(place, "cache"), "--isolation", "none", *options],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    started.append(agent)
    return agent
