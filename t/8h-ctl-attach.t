#!/usr/bin/env python3
# A person's terminal in a running task: through the hub and the agent's one connection.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attachtest import *

hub = Hub()
person = Person(hub)
# A grace that nobody would wait for: who ends a terminal does not use it.
agent = start_runnerd(hub, slots=4, options=["--grace", "10m"])
log = os.path.join(tmp, "runnerd.log")


def agent_log_has(pattern):
    with open(log, errors="replace") as file:
        return re.search(pattern, file.read())


def run_held(**more):
    """A held job's pipeline and the number of the job, once it holds."""
    pipeline = person.run(held(**more))

    def runs():
        jobs = person.jobs(pipeline)
        return jobs and all(says_holding(jobs[0]["id"]))
    wait_for("the job to hold", runs)
    return pipeline, person.jobs(pipeline)[0]["id"]


def says_holding(job):
    tasks = person.get("/api/runner/v1/jobs/" + job)["tasks"]
    return [any(step["name"] == "hold" and step["state"] == "running" for step in task["steps"])
            for task in tasks] or [False]


def asleep(seconds):
    """A command that nobody else runs."""
    return "sleep %d.%d" % (seconds, os.getpid())


def runs(command):
    return subprocess.run(["pgrep", "-f", "^" + re.escape(command)], capture_output=True).stdout


pipeline, job = run_held()

# --- without a terminal ---
said = ctl(hub, "attach", job, "--", "sh", "-c", "echo out; echo err >&2; exit 7")
eq((said.returncode, said.stdout, said.stderr), (7, b"out\n", b"err\n"),
   "a command's output, errors and exit status are the program's own")
said = ctl(hub, "job", "attach", job, "--", "sh", "-c",
           'echo "$OF_JOB $OF_STEP $LEFT ${PWD##*/} $(tty)"; ls "$BASH_ENV" >/dev/null && echo file; id -u')
eq(said.stdout.decode().split("\n")[:3],
   ["job-value step-value from-a-step place not a tty", "file", str(os.geteuid())],
   "it has the job's environment, its step's, what steps left in BASH_ENV, its directory and its user")
eq(ctl(hub, "attach", job, "--", "sh", "-c", "kill -9 $$").returncode, 137, "a signal that ends it is 128 and its number")
said = ctl(hub, "attach", job, "--", "/no/such")
eq((said.returncode, b"/no/such" in said.stderr), (127, True), "a command that is not there is 127")
big = os.urandom(3 << 20)
said = ctl(hub, "attach", job, "--", "cat", input=big)
ok(said.stdout == big, "3 MiB go there and back, byte for byte")
said = ctl(hub, "attach", job, "--", "head", "-c", "10", input=big)
eq((said.returncode, said.stdout), (0, big[:10]), "a command need not read its input to the end")
with open(os.path.join(tmp, "script"), "w") as file:
    file.write("echo $OF_STEP\nexit 3\n")
with open(os.path.join(tmp, "script")) as file:
    said = ctl(hub, "attach", job, stdin=file)
eq((said.returncode, said.stdout), (3, b"step-value\n"), "without a command a shell reads standard input, a file too")

# --- with one ---
one = Terminal(hub, job)
ok(one.sees(r"attached to job 'held'"), "a terminal is attached")
one.type("stty size; echo $TERM $LEFT $- | cut -c1-40; tty\n")
ok(one.sees(r"33 101\r\n"), "its size is this terminal's")
ok(one.sees(r"xterm-256color from-a-step \S*i"), "its shell is interactive, and has what the steps left")
ok(one.sees(r"\n/dev/pts/\d+"), "it is a terminal that has a name there")
ok(is_raw(one), "this terminal passes every key on")
one.resize(50, 120, signal_to=one.process)
# What is typed may come there before it.
one.type("""until [ "$(stty size)" = "50 120" ]; do sleep 0.02; done; echo it is larger\n""")
ok(one.sees(r"[\r\n]it is larger\r\n"), "a change of size is passed on")
one.type(asleep(300) + "; echo slept $?\n")
wait_for("it to run", lambda: runs(asleep(300)))
one.type("\x03")
one.type("echo and on\n")
ok(one.sees(r"[\r\n]and on\r\n"), "Ctrl-C ends what runs in the foreground, and the shell goes on")
ok(not re.search(r"[\r\n]slept \d", one.text()), "with what was behind it on its line")
eq([step["state"] for step in person.get("/api/runner/v1/jobs/" + job)["tasks"][0]["steps"]], ["ended", "running"],
   "the task's own step does not feel it")
one.type("seq 1 20000; exit 5\n")
ok(one.sees(r"\n20000\r\n"), "a lot of output comes to its end")
eq(one.status(), 5, "the shell's exit status is the program's own")
ok(one.is_restored(), "and this terminal is as it was")
ok("\n19999\r\n" in one.text(), "nothing is missing before")
session = wait_for("the hub's line", lambda: re.search(
    r"session (\S+) of 'local' in job 'held' from \S+Z to \S+Z ended: exit 5\n", open(hub.log).read()))
ok(session, "the hub's log has a line: who, in which job, from when to when, how it ended")
ok(session and wait_for("the agent's", lambda: agent_log_has(
    r"session %s of 'local' from \S+Z to \S+Z ended: exit 5\n" % session.group(1))), "and the agent's")

# --- ways out ---
one = Terminal(hub, job)
one.sees(r"attached")
one.type("echo a~.b\n")
ok(one.sees(r"[\r\n]a~\.b\r\n"), "'~.' within a line is typed")
one.type("\r~.")
eq((one.status(), one.is_restored()), (3, True), "behind the beginning of one it leaves, and the terminal is as it was")
ok(wait_for("the line", lambda: agent_log_has(r"ended: the person's end is gone")), "the agent's log has a line of that, too")
one = Terminal(hub, job, "--", *asleep(400).split())
one.sees(r"attached")
wait_for("it to run", lambda: runs(asleep(400)))
one.process.kill()
ok(wait_for("its end", lambda: not runs(asleep(400))), "a runnerctl that is killed takes what it ran along")
quiet = subprocess.Popen(ctl_argv(hub, "attach", job, "--", "sh", "-c",
                                  'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.05; done'),
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
started.append(quiet)
quiet.stdout.readline()
quiet.send_signal(signal.SIGINT)
eq((quiet.stdout.read(), quiet.wait(timeout=DEADLINE)), (b"caught\n", 9), "without a terminal a signal is passed on")

# --- many at once ---
many = [subprocess.Popen(ctl_argv(hub, "attach", job, "--", "sh", "-c", "read line; echo got $line; exit $line"),
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(20)]
started.extend(many)
for number, process in enumerate(many):
    process.stdin.write(b"%d\n" % number)
    process.stdin.flush()
eq([(process.stdout.read(), process.wait(timeout=DEADLINE)) for process in many],
   [(b"got %d\n" % number, number) for number in range(20)], "20 are open at once")
slots = person.get("/api/runner/v1/agents")["items"][0]["slots_taken"]
eq(slots, 1, "and hold no slot")

# --- who may, and what is not there ---
with open(os.path.join(tmp, "wrong"), "w") as file:
    file.write("0" * 64 + "\n")
said = subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file", os.path.join(tmp, "wrong"),
                       "attach", job, "--", "true"], capture_output=True)
eq((said.returncode, b"personal token" in said.stderr), (3, True), "a token that is none of the hub's opens nothing")
task = person.get("/api/runner/v1/jobs/" + job)["tasks"][0]["id"]
reply = person.client.call("POST", "/api/runner/v1/tasks/%s/attach" % task,
                           {"circle-token": hub.token_of_agents}, data=b"")
eq(reply["status"], 403, "nor does an agent's")
reply = person.client.call("POST", "/api/v3/runner/sessions/%s" % task,
                           {"authorization": "Bearer " + hub.token_of_agents, "runner-protocol": "1",
                            "runner-agent": task}, data=b"")
eq(reply["status"], 404, "an agent gets no session that nobody waits for")
said = ctl(hub, "attach", "3e0c4a5e-0000-4000-8000-000000000000", "--", "true")
eq(said.returncode, 3, "a job that is not there is status 3: what it was, no command has said")

# --- the hub's end ---
one = Terminal(hub, job)
one.sees(r"attached")
one.type(asleep(600) + "\n")
wait_for("it to run", lambda: runs(asleep(600)))
hub.crash()
person.client = hub.client()
eq((one.status(), one.is_restored()), (3, True), "a hub that is killed ends the terminal, which is as it was")
ok(wait_for("its end", lambda: not runs(asleep(600))), "and what ran in it")
ok(wait_for("the agent", lambda: ctl(hub, "attach", job, "--", "true").returncode == 0), "the next hub lets people in again")

# --- the task's end ---
one = Terminal(hub, job)
one.sees(r"attached")
one.type("trap '' TERM HUP; echo still $OF_STEP\n")
one.sees(r"[\r\n]still step-value\r\n")
ctl(hub, "attach", job, "--", "sh", "-c", "touch ~/go")
eq(one.status(), 3, "the task's end ends the terminal")
ok(one.sees("the task has ended"), "which says so")
ok(one.is_restored(), "and is as it was")
ok(wait_for("the pipeline's end", lambda: person.has_ended(pipeline)), "a person who stays does not hold up the task's end")
said = ctl(hub, "attach", job, "--", "true")
eq((said.returncode, b"the task has ended" in said.stderr), (3, True), "one that has ended cannot be entered")
done()
