#!/usr/bin/env python3
# Test results: from a job's JUnit files to the hub and those who ask for them; what is wrong with them.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

hub = Hub()
person = Person(hub)
agent = start_runnerd(hub)
samples = os.path.join(tmp, "samples")
os.mkdir(samples)
for name in os.listdir(os.path.join(src, "t/data/junit")):
    shutil.copy(os.path.join(src, "t/data/junit", name), samples)
os.chmod(samples, 0o755)


def config(*steps, head=""):
    return "version: 2.1\njobs:\n  test:\n    machine: true\n%s    steps:\n%sworkflows: {w: {jobs: [test]}}\n" % (
        head, "".join("      - %s\n" % step for step in steps))


def shell(text):
    return "run: " + json.dumps(text)


def run(*steps, **more):
    """Its pipeline and the number of its one job, when it has ended."""
    pipeline = person.run(config(*steps, **more))
    wait_for("the pipeline to end", lambda: person.has_ended(pipeline), 4 * DEADLINE)
    return pipeline, person.jobs(pipeline)[0]


def tests_of(job, query=""):
    return person.get("/api/v2/project/local/o/r/%d/tests%s" % (job["number"], query))


def printed(job, step):
    task = person.get("/api/runner/v1/jobs/" + job["id"])["tasks"][-1]
    reply = person.client.call("GET", "/api/runner/v1/tasks/%s/output?step=%d" % (task["id"], step),
                               dict(person.headers, **{"accept-encoding": "identity"}), raw=True)
    return reply["body"]


STORE = "store_test_results: {path: reports}"

# --- case 099: what it takes, what it leaves out ------------------------------------------------------
pipeline, job = run(shell("""mkdir -p reports/deep/er reports/.hidden
cp %(s)s/pytest.xml reports/; cp %(s)s/surefire.xml reports/deep/er/; cp %(s)s/rspec.xml reports/.hidden/
cp %(s)s/googletest.xml reports/not-by-its-name.txt
cp %(s)s/bad-*.xml reports/; : >reports/empty.xml
mkfifo reports/fifo.xml; ln -s %(s)s/mocha.xml reports/link.xml; ln -s .. reports/deep/loop
cp %(s)s/pytest.xml reports/unreadable.xml; chmod 0 reports/unreadable.xml; test "$(id -u)" = 0 && rm reports/unreadable.xml; exit 7""" % {"s": samples}), STORE)
eq(job["outcome"], "failed", "the job's command fails")
page = tests_of(job)
eq(len(page["items"]), 12, "results are stored all the same: of a directory, of those below it, and before what is wrong")
eq(page["next_page_token"], None, "on one page")
one = [item for item in page["items"] if item["name"] == "test_adds[2-2]"][0]
ok("assert add(2, 2) == 5" in one.pop("message"), "with the message of one that failed")
eq(one, {"name": "test_adds[2-2]", "classname": "tests.test_sum.TestSum", "file": "", "source": "pytest", "result": "failure", "run_time": 1e-05},
   "as CircleCI's API v2 has them")
eq(sorted({item["source"] for item in page["items"]}), ["org.example.SumTest", "pytest", "x"], "hidden directories, links and other names are not looked at")
page = tests_of(job)
old = person.get("/api/v1.1/project/local/o/r/%d/tests" % job["number"])
eq(old["tests"], page["items"], "and v1.1")
mine = person.get("/api/runner/v1/jobs/%s/tests?result=failure" % job["id"])
eq([item["name"] for item in mine["items"]], ["overflows", "test_adds[2-2]", "test_rows"], "those that failed can be had alone")
eq([item["name"] for item in person.get("/api/runner/v1/jobs/%s/tests" % job["id"])["items"] if item["flaky"]], ["waits", "connects"],
   "what passed at the second try is a success, and flaky")
text = printed(job, 1)
for words in ("bad-laughs.xml': line 2: it has a document type", "bad-external.xml': line 2: it has a document type",
              "bad-cut.xml': line 1: no element found; 1 tests before that are kept", "bad-deep.xml': line 1: elements lie deeper than 64",
              "bad-other.xml': line 1: it begins with 'checkstyle'", "empty.xml' is empty",
              "12 tests in 8 files: 7 passed, 3 failed, 3 skipped".replace("7 passed", "6 passed")):
    ok(words in text, "it is said: " + words) or print("# " + text.replace("\n", "\n# "), file=sys.stderr)
total = person.get("/api/runner/v1/pipelines/%s/tests" % pipeline)
eq([total[name] for name in ("tests", "failures", "skipped", "flaky")], [12, 3, 3, 2], "a pipeline's are summed up")

# --- a path that is none ----------------------------------------------------------------------------------
pipeline, job = run("store_test_results: {path: nowhere}", "store_test_results: {path: '~/one.xml'}", shell("cp %s/rspec.xml ~/one.xml" % samples),
                    "store_test_results: {path: '~/one.xml', name: Keep results}")
eq(job["outcome"], "success", "a path that is not there is no failure")
ok("there are no test results at 'nowhere'" in printed(job, 0), "and is told")
eq([item["file"] for item in tests_of(job)["items"]], ["./spec/models/sum_spec.rb"] * 3, "a file alone, in HOME")
eq(person.get("/api/v2/project/local/o/r/999999/tests"), {"message": "there is no such job in this project"}, "a job that is not there has none")

# --- many, and several nodes: pages -------------------------------------------------------------------------
with open(os.path.join(samples, "many.py"), "w") as file:
    file.write(r"""import os, sys
node = int(os.environ["CIRCLE_NODE_INDEX"])
os.mkdir("reports")
with open("reports/r.xml", "w") as f:
    f.write('<testsuite name="many">')
    for i in range(int(sys.argv[1])):
        f.write('<testcase name="t%d.%d" classname="c" file="f%d.py" time="0.5"/>' % (node, i, i % 10))
    f.write('</testsuite>')
""")
many = "python3 %s/many.py " % samples
pipeline, job = run(shell(many + "3000"), STORE, head="    parallelism: 2\n")
names, token, pages = [], "", 0
while token is not None:
    page = tests_of(job, "?page-token=" + token if token else "")
    names += [item["name"] for item in page["items"]]
    token, pages = page["next_page_token"], pages + 1
eq(names, ["t%d.%d" % (node, i) for node in range(2) for i in range(3000)], "6000 tests of two nodes come in pages, each once and in their order")
eq(pages, 6, "of 1000")

pipeline, job = run(shell(many + "100001"), STORE)
eq(person.get("/api/runner/v1/pipelines/%s/tests" % pipeline)["tests"], 100000, "of 100001 tests 100000 are kept")
ok("1 tests are left out" in printed(job, 1), "and that is told")

# --- a job that speaks to the agent itself --------------------------------------------------------------------
with open(os.path.join(samples, "ask.py"), "w") as file:
    file.write(r"""import array, fcntl, os, socket, sys, time
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW


def memfd(size, sealed=True):
    fd = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.write(fd, b"x" * size)
    if sealed:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS)
    return fd


def ask(words, *fds):
    for _ in range(200):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.connect(os.environ["RUNNER_TASK_SOCKET"])
            s.sendmsg([words.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
            answer = s.recv(4096).decode()
        if answer not in ("wait", "later"):
            return answer
        print("asked again:", answer)
        open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "again"), "w").close()
        time.sleep(0.02)


if len(sys.argv) > 1:
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.02)
    print("timings", ask("tests-timings\n"))
    sys.exit()
for words, fds in (("0", ()), ("0", (memfd(9, False),)), ("0", (memfd((512 << 10) + 1),)), ("x", (memfd(9),)), ("123456789", (memfd(9),)), ("0", (memfd(9),)),
                   ("0", (os.open("/dev/zero", os.O_RDONLY),))):
    print("store", words, ask("tests-store\n" + words, *fds))
for verb in ("timings", "failed"):
    for page in ("", "x", "y" * 65, "00000000-0000-4000-8000-000000000000.5"):
        print(verb, page[:3], ask("tests-%s\n%s" % (verb, page)))
""")
pipeline, job = run(shell("python3 %s/ask.py" % samples))
text = printed(job, 0)
eq(job["outcome"], "success", "each question has an answer")
ok(text.count("asked again: wait") < 5, "and need not be asked again and again") or print("# %d times" % text.count("asked again: wait"), file=sys.stderr)
eq(text.count("no what is sent comes in a sealed memfd"), 3, "nothing but a sealed memfd is taken")
ok("no what is sent is larger than 524288 bytes" in text, "nor a large one")
eq(text.count("no the number of tests"), 2, "nor what is no number")
ok("store 0 no hub at" in text and "answers 400: line 2" in text, "what is no test the hub refuses, and the job is told")
eq([line for line in text.splitlines() if line.startswith("failed")], ["failed  none", "failed x none", "failed yyy no there is no such page", "failed 000 none"],
   "a job that does not run for failed tests is told so, whatever page it asks for")
ok("timings x no hub at" in text and "timings yyy no there is no such page" in text and "timings 000" in text, "a page that is none is refused")

# --- a hub that does not answer ---------------------------------------------------------------------------------
os.chmod(samples, 0o777)
again, go = os.path.join(samples, "again"), os.path.join(samples, "go")
if os.path.exists(again):
    os.unlink(again)
pipeline = person.run(config(shell("touch %s.wait; python3 %s/ask.py %s" % (go, samples, go))))
wait_for("the step to begin", lambda: os.path.exists(go + ".wait"))
hub.process.send_signal(signal.SIGSTOP)
open(go, "w").close()
ok(wait_for("who waits to ask again", lambda: os.path.exists(again)), "who waits for a hub that does not answer asks again after some time")
hub.process.send_signal(signal.SIGCONT)
wait_for("the pipeline to end", lambda: person.has_ended(pipeline))
ok("\ntimings ok" in printed(person.jobs(pipeline)[0], 0), "and is told when it answers")

# --- a secret in a message ------------------------------------------------------------------------------------
SECRET = 'n"pen \\sesame\u00e9-7731'
eq(person.client.call("POST", "/api/v2/project/local/o/r/envvar", person.headers, {"name": "DOOR", "value": SECRET})["status"], 201, "the project has a secret")
with open(os.path.join(samples, "leak.py"), "w") as file:
    file.write(r"""import json, os, sys, xml.sax.saxutils as x
door = os.environ["DOOR"]
os.mkdir("reports")
with open("reports/r.xml", "w") as f:
    f.write('<testsuite name=%s>' % x.quoteattr("suite " + door))
    for text in ("\n" + door, json.dumps(door), "y" * 16370 + door):
        f.write('<testcase name=%s classname=%s file="a.py"><failure>%s</failure></testcase>' % (x.quoteattr("opens[%s]" % door), x.quoteattr(door), x.escape("expected " + text + ", no\n")))
    f.write('</testsuite>')
""")
pipeline, job = run(shell("circleci mask result; python3 %s/leak.py" % samples), STORE)
items = tests_of(job)["items"]
eq([(item["name"], item["classname"], item["source"], item["file"], item["result"]) for item in items], [("opens[****]", "****", "suite ****", "a.py", "failure")] * 3,
   "a secret in a test's name is masked")
eq([item["message"] for item in items[:2]], ["expected \n****, no", 'expected "****", no'], "and in a message, also as JSON has it")
eq(items[2]["message"], "expected " + "y" * 16370 + "\u2026", "a message that was cut ends before the secret, of which it has no part") \
    if len(items) == 3 else None

# --- a hub that is away -------------------------------------------------------------------------------------------
release = os.path.join(samples, "release")
os.chmod(samples, 0o777)
pipeline = person.run(config(shell("cp -r %s reports; rm reports/bad-*; touch %s.wait; until test -e %s; do sleep 0.05; done" % (samples, release, release)), STORE))
wait_for("the step to begin", lambda: os.path.exists(release + ".wait"))


def times_missed():
    with open(os.path.join(tmp, "runnerd.log"), errors="replace") as log:
        return log.read().count(" away: ")


before = times_missed()
hub.kill()
ok(wait_for("the agent to miss it", lambda: times_missed() > before), "the agent says that its hub is away")
open(release, "w").close()
hub.start()
person = Person(hub)
wait_for("the pipeline to end", lambda: person.has_ended(pipeline))
eq(person.outcomes(pipeline), {"test": "success"}, "a hub that is away is waited for")
wanted = sum(line.startswith("{") for name in os.listdir(samples) if name.endswith(".expect") and not name.startswith("bad-") for line in open(os.path.join(samples, name)))
eq(person.get("/api/runner/v1/pipelines/%s/tests" % pipeline)["tests"], wanted, "and has all tests then")

# --- the hub does not believe a job ----------------------------------------------------------------------------
stop = agent
stop.terminate()
stop.wait(timeout=DEADLINE)
fake = Agent(hub)
pipeline = person.run(config(shell("true"), STORE))
task = fake.claim()[0]
fake.events(task, "preparing", "running", "step_started")


def send(lines, token=task["token"]):
    return fake.client.call("POST", "/api/v3/runner/tests", {"authorization": "Bearer " + token, "content-type": "application/x-ndjson"},
                            data=lines.encode())


HEAD = '{"step":1,"first":0}\n'
GOOD = '{"name":"a","result":"success","run_time_us":1000000}\n'
for lines, what in ((HEAD + GOOD[:-1], "a line without an end"), ("", "nothing at all"), (GOOD, "no head"), (HEAD + "x\n", "what is no JSON"),
                    ('{"step":1001,"first":0}\n' + GOOD, "a step that cannot be"), ('{"step":1,"first":99999}\n' + GOOD * 2, "too many"),
                    (HEAD + '{"name":"%s","result":"success"}\n' % ("x" * 4097), "a name that is too long"),
                    (HEAD + GOOD + '{"name":"a","result":"maybe"}\n', "a result that is none"),
                    (HEAD + '{"name":"\\u0000","result":"success"}\n', "a NUL")):
    eq(send(lines)["status"] in (400, 413), True, "refused: " + what)
eq(send(HEAD + GOOD, task["token"][:-1] + "x")["status"], 401, "refused: a token of nobody")
eq(send(HEAD + GOOD * 3)["json"], {"tests": 3}, "what is right is stored")
eq(send(HEAD + GOOD * 3)["json"], {"tests": 3}, "sent again it is answered the same")
eq(send('{"step":1,"first":3}\n' + GOOD)["json"], {"tests": 4}, "more may follow")
hub.crash()
fake = Agent(hub)
person = Person(hub)
eq(person.get("/api/runner/v1/pipelines/%s/tests" % pipeline)["tests"], 4, "and each is there once, also after the hub was killed")
done()
