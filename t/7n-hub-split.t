#!/usr/bin/env python3
# What the hub knows of tests, used: splits by timings, reruns of what failed, which are slow and which are flaky.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

hub = Hub()
person = Person(hub)
start_runnerd(hub)
place = os.path.join(tmp, "place")
os.mkdir(place)
os.chmod(place, 0o777)
# A reporter: reads its tests from standard input, takes so long as is said, fails for those in the file "bad".
with open(os.path.join(place, "report.py"), "w") as file:
    file.write(r"""import os, sys
times = {"t/a.py": 8, "t/b.py": 1, "t/c.py": 1, "t/d.py": 6}
bad = open(sys.argv[1] + "/bad").read().split() if os.path.exists(sys.argv[1] + "/bad") else []
names = sys.stdin.read().split()
with open(sys.argv[1] + "/ran-" + os.environ["CIRCLE_NODE_INDEX"], "w") as f:
    f.write(" ".join(names))
os.makedirs("reports", exist_ok=True)
with open("reports/r.xml", "w") as f:
    f.write('<testsuite name="fake">')
    for name in names:
        f.write('<testcase name="test of %s" classname="%s" file="./%s" time="%d">%s</testcase>' % (
            name, name[:-3].replace("/", "."), name, times.get(name, 2), '<failure message="no"/>' if name in bad else ""))
    f.write('</testsuite>')
sys.exit(any(name in bad for name in names))
""")

CONFIG = """version: 2.1
jobs:
  test:
    machine: true
    parallelism: NODES
    steps:
      - run: 'echo "TESTS" | circleci tests run --command "python3 PLACE/report.py PLACE" --verbose --split-by=timings --timings-type=TYPE'
      - store_test_results: {path: reports}
workflows: {w: {jobs: [test]}}
"""


def start(nodes=1, tests="t/a.py t/b.py t/c.py t/d.py", kind="autodetect", branch="main", revision="a" * 40, **checkout):
    forget()
    reply = person.post("/api/v2/project/local/o/r/pipeline/run",
                        {"config": {"content": CONFIG.replace("NODES", str(nodes)).replace("TESTS", tests).replace("PLACE", place).replace("TYPE", kind)},
                         "checkout": {"branch": branch, "revision": revision, **checkout}})
    pipeline = reply["json"]["id"]
    wait_for("the pipeline to end", lambda: person.has_ended(pipeline))
    return pipeline


def forget():
    for name in os.listdir(place):
        if name.startswith("ran-"):
            os.unlink(os.path.join(place, name))


def ran(node=0):
    path = os.path.join(place, "ran-%d" % node)
    return open(path).read() if os.path.exists(path) else None


def bad(*names):
    with open(os.path.join(place, "bad"), "w") as file:
        file.write(" ".join(names))


def said(pipeline, step=0, node=0):
    job = person.jobs(pipeline)[0]
    tasks = [task for task in person.get("/api/runner/v1/jobs/" + job["id"])["tasks"] if task["node_index"] == node]
    task = max(tasks, key=lambda task: task["attempt"])
    return person.client.call("GET", "/api/runner/v1/tasks/%s/output?step=%d" % (task["id"], step),
                              dict(person.headers, **{"accept-encoding": "identity"}))["body"]


def rerun(pipeline, **body):
    forget()
    workflow = person.workflows(pipeline)[0]["id"]
    reply = person.post("/api/v2/workflow/%s/rerun" % workflow, body)
    wait_for("the rerun to end", lambda: person.has_ended(pipeline))
    return reply["status"]


# --- timings --------------------------------------------------------------------------------------
pipeline = start(2)
ok("falling back to weighting by name" in said(pipeline), "without a run before the split is by name")
eq((ran(0), ran(1)), ("t/a.py t/c.py", "t/b.py t/d.py"), "every second one")
pipeline = start(2)
eq((ran(0), ran(1)), ("t/a.py", "t/b.py t/c.py t/d.py"), "then by the times of the run before, by file, of all its nodes")
start(2, branch="other")
eq((ran(0), ran(1)), ("t/a.py", "t/b.py t/c.py t/d.py"), "a branch without a run of its own has those of another")
start(2, "t/q.py", branch="other")
start(2, branch="third")
eq((ran(0), ran(1)), ("t/a.py", "t/b.py t/c.py t/d.py"), "those of main before those of any other, though these are later")
start(2, branch="other")
eq((ran(0), ran(1)), ("t/a.py t/c.py", "t/b.py t/d.py"), "its own before main's, even where they know none of the tests")
default_branch = lambda: person.get("/api/v2/project/local/o/r")["vcs_info"]["default_branch"]
eq(default_branch(), None, "nobody has said which branch is the default one")
start(2, "t/q.py", branch="trunk", is_default=True)
hub.stop()
hub.start()
person = Person(hub)
eq(default_branch(), "trunk", "a pipeline's checkout says it, and a hub that was started again knows it")
start(2, branch="fourth")
eq((ran(0), ran(1)), ("t/a.py t/c.py", "t/b.py t/d.py"), "then a branch without a run has the default one's, and not main's")
start(2, "t/q.py", branch="main", is_default=False)
eq(default_branch(), "trunk", "that another is none changes nothing")
start(2, branch="trunk", is_default=False)
eq(default_branch(), None, "what is said last holds")
start(2, branch="main")
start(2, "t.a t.b t.c t.d", kind="classname")
eq((ran(0), ran(1)), ("t.a", "t.b t.c t.d"), "or by class")

# --- what failed, once more ---------------------------------------------------------------------------
bad("t/b.py", "t/c.py")
pipeline = start(2)
eq(person.outcomes(pipeline), {"test": "failed"}, "two tests fail")
eq(rerun(pipeline, failed_tests=True), 202, "the workflow runs again for its failed tests")
eq((ran(0), ran(1)), ("t/b.py", "t/c.py"), "these alone run, divided")
eq(person.outcomes(pipeline), {"test": "failed"}, "and fail again")
bad("t/c.py")
rerun(pipeline, failed_tests=True)
eq((ran(0), ran(1)), ("t/b.py", "t/c.py"), "and once more")
bad()
rerun(pipeline, failed_tests=True)
eq((ran(0), ran(1)), ("t/c.py", None), "what failed in the attempt before, not in those before that; a node without a share does not run the command")
ok("1 of 4 tests failed before and run again" in said(pipeline), "as is said")
eq(person.outcomes(pipeline), {"test": "success"}, "the job is green then")
start(2)
eq((ran(0), ran(1)), ("t/a.py", "t/b.py t/c.py t/d.py"), "times are those of its fullest attempt, not of what ran last")
eq(rerun(pipeline, failed_tests=True), 400, "nothing is left to run again")

bad("t/a.py")
pipeline = start()
rerun(pipeline, from_failed=True)
eq(ran(), "t/a.py t/b.py t/c.py t/d.py", "from_failed runs all tests of what failed")
pipeline = person.run("version: 2.1\njobs:\n  test:\n    machine: true\n    steps:\n      - run: 'echo x y | circleci tests run --command \"cat >%s/ran-0; exit 1\"'\n"
                      "workflows: {w: {jobs: [test]}}\n" % place)
wait_for("the pipeline to end", lambda: person.has_ended(pipeline))
rerun(pipeline, failed_tests=True)
eq(ran().strip(), "x y", "a job without results runs all of them")
eq(person.post("/api/v2/workflow/%s/rerun" % person.workflows(pipeline)[0]["id"], {"failed_tests": True, "jobs": [person.jobs(pipeline)[0]["id"]]})["status"], 400,
   "failed_tests and jobs exclude each other")

with open(os.path.join(place, "masked.sh"), "w") as file:
    file.write(r"""cat >%(place)s/ran-0
mkdir -p reports
printf '<testsuite><testcase name="one" classname="c.open-sesame-7731"><failure/></testcase><testcase name="two" classname="c.b"><failure/></testcase></testsuite>' >reports/r.xml
exit 1
""" % {"place": place})
pipeline = person.run("version: 2.1\njobs:\n  test:\n    machine: true\n    steps:\n      - run: circleci mask open-sesame-7731\n"
                      "      - run: 'echo c.open-sesame-7731 c.b c.c | circleci tests run --command \"sh %s/masked.sh\" --timings-type=classname'\n"
                      "      - store_test_results: {path: reports}\nworkflows: {w: {jobs: [test]}}\n" % place)
wait_for("the pipeline to end", lambda: person.has_ended(pipeline))
rerun(pipeline, failed_tests=True)
eq(sorted(ran().split()), ["c.b", "c.c", "c.open-sesame-7731"], "where the name of one that failed is masked all run: none is left out")

# --- slow and flaky ---------------------------------------------------------------------------------------
slow = person.get("/api/runner/v1/projects/local%2Fo%2Fr/tests/slow?limit=2")["items"]
eq([(item["name"], item["mean_ms"]) for item in slow], [("test of t/a.py", 8000), ("test of t/d.py", 6000)], "the slowest come first")
flaky = person.get("/api/runner/v1/projects/local%2Fo%2Fr/tests/flaky?branch=main")["items"]
eq(flaky[0]["flaked"], 3, "the most flaky comes first")
eq(sorted([(item["name"], item["flaked"]) for item in flaky], key=lambda pair: (-pair[1], pair[0])),
   [("test of t/c.py", 3), ("test of t/a.py", 2), ("test of t/b.py", 2)], "what failed and passed on one revision is flaky, as often as it failed")
eq(person.get("/api/runner/v1/projects/local%2Fo%2Fr/tests/flaky?branch=other")["items"], [], "on a branch where nothing failed nothing is")
insights = person.get("/api/v2/insights/local/o/r/flaky-tests")
eq((insights["total-flaky-tests"], insights["total_flaky_tests"], len(insights["flaky_tests"])), (3, 3, 3), "CircleCI's clients find them under both spellings")
eq((insights["flaky-tests"][0]["test-name"], insights["flaky_tests"][0]["job_name"], insights["flaky_tests"][0]["times_flaked"]), ("test of t/c.py", "test", 3), "of each")
bad("t/d.py")
start(revision="b" * 40)
ok("test of t/d.py" not in [item["name"] for item in person.get("/api/runner/v1/projects/local%2Fo%2Fr/tests/flaky")["items"]], "what failed on another revision alone is not")
eq(person.client.call("GET", "/api/runner/v1/projects/local%2Fo%2Fnone/tests/slow", person.headers)["status"], 404, "a project that is not there has none")

# --- on the command line ---


def ctl(*words):
    result = subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file", os.path.join(hub.dir, "token"), "--project", "local/o/r"] + list(words),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, env=dict(os.environ, HOME=tmp))
    return result.returncode, [line.split() for line in result.stdout.splitlines()], result.stderr


bad("t/a.py", "t/b.py")
pipeline = start()
workflow = person.workflows(pipeline)[0]["id"]
number = str(person.jobs(pipeline)[0]["number"])
eq(ctl("job", "tests", number)[1][1:], [["0", "failure", "8000.0", "./t/a.py", "test", "of", "t/a.py"], ["0", "failure", "1000.0", "./t/b.py", "test", "of", "t/b.py"],
                                        ["0", "success", "1000.0", "./t/c.py", "test", "of", "t/c.py"], ["0", "success", "6000.0", "./t/d.py", "test", "of", "t/d.py"]],
   "job tests lists a job's tests")
eq([(line[3], line[-1]) for line in ctl("test", "list", "--failed", "--last-failed")[1][1:]], [("test", "no"), ("test", "no")], "or those that failed, with their messages")
eq(len(json.loads(subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file", os.path.join(hub.dir, "token"), "--project", "local/o/r", "--json", "job", "tests",
                                  number], stdout=subprocess.PIPE, env=dict(os.environ, HOME=tmp)).stdout)["items"]), 4, "or as JSON")
eq(ctl("workflow", "rerun", workflow, "--failed-tests", "--job", "test")[0], 2, "--failed-tests and --job exclude each other")
forget()
bad()
eq(ctl("workflow", "rerun", workflow, "--failed-tests")[0], 0, "workflow rerun --failed-tests")
wait_for("the rerun to end", lambda: person.has_ended(pipeline))
eq(ran(), "t/a.py t/b.py", "runs these alone")
eq(ctl("test", "slow", "--limit", "1")[1], [["MEAN", "MS", "MAX", "MS", "RUNS", "JOB", "FILE", "TEST"],
                                            ["8000.0", "8000.0", ctl("test", "slow", "--limit", "1")[1][1][2], "test", "./t/a.py", "test", "of", "t/a.py"]], "test slow")
eq({line[-1] for line in ctl("test", "flaky", "--branch", "main", "--last", "50")[1][1:]}, {"t/a.py", "t/b.py", "t/c.py"}, "test flaky")
eq([ctl("test", "flaky", "--last", "101")[0], ctl("test", "slow", "x")[0], ctl("test", "list")[0]], [2, 2, 2], "wrong usage")
done()
