#!/usr/bin/env python3
# What a config says of the order of jobs, on a hub with a real agent: reruns, approvals, serial groups, job groups, ends of jobs.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

hub = Hub()
person = Person(hub)
start_runnerd(hub)
place = os.path.join(tmp, "facts")
os.mkdir(place)
os.chmod(place, 0o777)


def config(text):
    return "version: 2.1\n" + text.replace("FACTS", place)


def fact(name):
    return os.path.exists(os.path.join(place, name))


def state(name):
    with open(os.path.join(place, name), "w"):
        pass


def run(text):
    return person.run(config(text))


def ended(pipeline):
    return wait_for("pipeline to end", lambda: person.has_ended(pipeline))


def workflow(pipeline):
    return person.workflows(pipeline)[0]


def rerun(pipeline, **body):
    return person.post("/api/v2/workflow/" + workflow(pipeline)["id"] + "/rerun", body)


def ctl(*arguments):
    return subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file",
                           os.path.join(hub.dir, "token")] + list(arguments), capture_output=True, text=True,
                          timeout=DEADLINE)


# --- what a job's dependants make of its end ----------------------------------------------------
first = run("""
jobs:
  a: {machine: true, steps: [run: exit 1]}
  x: {machine: true, steps: [run: "true"]}
  none: {type: no-op}
workflows:
  w:
    jobs:
      - a
      - none
      - x: {name: b, requires: [a]}
      - x: {name: c, requires: [{b: not_run}]}
      - x: {name: d, requires: [{a: failed}]}
      - x: {name: e, requires: [{a: terminal}, none]}
      - x: {name: f, requires: [{a: [canceled, unauthorized]}]}
""")
ended(first)
eq(person.outcomes(first), {"a": "failed", "none": "success", "b": "not_run", "c": "success", "d": "success",
                            "e": "success", "f": "not_run"}, "a job runs where each end it requires is one it takes")
eq(workflow(first)["status"], "failed", "one failed job is a failed workflow")

# --- pruned -------------------------------------------------------------------------------------
pruned = run("""
jobs:
  j: {machine: true, parallelism: 3, steps: [run: 'touch "FACTS/node-$CIRCLE_NODE_INDEX-of-$CIRCLE_NODE_TOTAL"']}
workflows:
  w:
    jobs:
      - j: {name: a}
      - j: {name: b, filters: {branches: {only: x}}}
      - j: {name: c, requires: [a, b]}
      - j: {name: d, requires: [b]}
      - j: {name: main, filters: pipeline.git.branch == "main" or pipeline.git.tag starts-with "release"}
      - j: {name: dev, filters: pipeline.git.branch == "dev"}
""")
ended(pruned)
eq(person.outcomes(pruned), {"a": "success", "c": "success", "main": "success"},
   "jobs filtered out are not there, nor what requires them alone")
ok(all(fact("node-%d-of-3" % node) for node in range(3)), "each node of a parallel job knows which it is")
nothing = person.post("/api/v2/project/local/o/r/pipeline/run", {
    "config": {"content": config("jobs: {j: {machine: true, steps: []}}\nworkflows: {w: {jobs: [j: "
                                 "{filters: {branches: {only: x}}}]}}")}, "checkout": {"branch": "main"}})
eq(nothing["status"], 200, "where filters leave no job no pipeline is made, and that is no error")
tagged = """
jobs: {j: {machine: true, steps: [run: "true"]}}
workflows:
  w:
    jobs:
      - j: {name: build, filters: {tags: {only: /^v.*/}}}
      - j: {name: plain}
      - j: {name: deploy, requires: [plain], filters: {tags: {only: /.*/}}}
"""
reply = person.post("/api/v2/project/local/o/r/pipeline/run",
                    {"config": {"content": config(tagged)}, "checkout": {"tag": "v1"}})
ended(reply["json"]["id"])
eq(person.outcomes(reply["json"]["id"]), {"build": "success"}, "for a tag only jobs with a filter for tags run")
chosen = """
parameters: {go: {type: boolean, default: false}}
jobs: {j: {machine: true, steps: [run: "true"]}}
workflows:
  w: {when: << pipeline.parameters.go >>, jobs: [j]}
  v: {unless: << pipeline.parameters.go >>, jobs: [j]}
"""
eq([one["name"] for one in person.workflows(run(chosen))], ["v"], "a workflow whose condition is false is not there")
reply = person.post("/api/v2/project/local/o/r/pipeline/run",
                    {"config": {"content": config(chosen)}, "checkout": {"branch": "main"}, "parameters": {"go": True}})
eq([one["name"] for one in person.workflows(reply["json"]["id"])], ["w"], "with the parameter it is")

# --- approvals ----------------------------------------------------------------------------------
held = run("""
jobs: {deploy: {machine: true, steps: [run: "true"]}}
workflows: {w: {jobs: [hold: {type: approval}, deploy: {requires: [hold]}]}}
""")
eq(workflow(held)["status"], "on_hold", "an approval holds its workflow")
done_ = ctl("workflow", "approve", workflow(held)["id"], "--job", "nobody")
eq(done_.returncode, 1, "an approval that is not there cannot be given")
done_ = ctl("workflow", "approve", workflow(held)["id"])
eq((done_.returncode, done_.stderr), (0, "job 'hold' is approved\n"), "a person approves")
ended(held)
eq(person.outcomes(held), {"hold": "success", "deploy": "success"}, "and what required it runs")
eq(ctl("workflow", "approve", workflow(held)["id"]).returncode, 1, "then nothing waits")

# --- again --------------------------------------------------------------------------------------
again = run("""
jobs:
  good: {machine: true, steps: [run: "true"]}
  bad: {machine: true, steps: [run: 'until [ -e FACTS/asked ]; do sleep 0.05; done; test -e FACTS/mended']}
workflows:
  w: {jobs: [good, bad, good: {name: after, requires: [bad]}, good: {name: other, requires: [good]}]}
""")
eq(rerun(again)["status"], 409, "a workflow that has not ended is not run again")
state("asked")
ended(again)
eq(person.outcomes(again), {"good": "success", "bad": "failed", "after": "not_run", "other": "success"}, "a job fails")
hub.crash()
person.client = hub.client()
state("mended")
before = workflow(again)["id"]
reply = rerun(again, from_failed=True)
eq((reply["status"], reply["json"].get("workflow_id")), (202, before), "after a crash of the hub it runs from failed, in its workflow")
ended(again)
eq(person.outcomes(again), {"good": "success", "bad": "success", "after": "success", "other": "success"},
   "what failed and what had not run do now")
eq([person.attempts(again, name) for name in ("good", "bad", "after", "other")],
   [["success"], ["failed", "success"], ["success"], ["success"]], "and nothing else runs again")
eq(rerun(again, from_failed=True)["status"], 400, "nothing is left that failed")
eq(rerun(again, from_failed=True, jobs=[before])["status"], 400, "from_failed excludes jobs")
eq(rerun(again, jobs=[before])["status"], 400, "a job of another workflow is refused")
done_ = ctl("workflow", "rerun", before, "--job", "good")
eq((done_.returncode, done_.stderr), (0, "workflow %s runs again\n" % before), "one job is run again")
ended(again)
eq([len(person.attempts(again, name)) for name in ("good", "bad", "other")], [2, 2, 1],
   "and nothing behind it that had succeeded")
done_ = ctl("--project", "local/o/r", "job", "rerun",
            str([one for one in person.jobs(again) if one["name"] == "good"][0]["number"]))
eq(done_.returncode, 0, "by its number, too")
ended(again)
done_ = ctl("workflow", "rerun", before)
eq(done_.returncode, 0, "and all of it")
ended(again)
eq([len(person.attempts(again, name)) for name in ("good", "bad", "other")], [4, 3, 2], "each has its new attempt")

empty = run("jobs: {none: {type: no-op}}\nworkflows: {w: {jobs: [none]}}")
replies = [rerun(empty)["status"] for _ in range(101)]
eq((replies[:100], replies[100]), ([202] * 100, 409), "a workflow is run again a hundred times at most")

# --- by itself ------------------------------------------------------------------------------------
auto = run("""
jobs:
  fresh: {machine: true, steps: [run: 'f=FACTS/tries; echo >>$f; test "$(wc -l <$f)" -ge 3']}
  never: {machine: true, steps: [run: exit 1]}
  after: {machine: true, steps: [run: "true"]}
workflows:
  w: {max_auto_reruns: 4, jobs: [fresh, after: {requires: [fresh]}]}
  v: {max_auto_reruns: 2, jobs: [never]}
""")
ended(auto)
eq(person.outcomes(auto), {"fresh": "success", "after": "success", "never": "failed"}, "a workflow runs what failed by itself")
eq([person.attempts(auto, name) for name in ("fresh", "after", "never")],
   [["failed", "failed", "success"], ["success"], ["failed"] * 3], "as often as it says, and no more than it needs")

# --- serial groups -----------------------------------------------------------------------------------
SERIAL = """
jobs:
  deploy:
    machine: true
    steps:
      - run: 'touch FACTS/at-NAME; until test -e FACTS/go-NAME; do sleep 0.05; done; echo NAME >>FACTS/order'
  after: {machine: true, steps: [run: "true"]}
workflows:
  w: {jobs: [deploy: {serial-group: << pipeline.project.slug >>/x}, after: {requires: [deploy]}]}
"""
one, two, three = (run(SERIAL.replace("NAME", name)) for name in ("one", "two", "three"))
wait_for("the first to run", lambda: fact("at-one"))
waiting = [job for job in person.jobs(two) if job["name"] == "deploy"][0]
eq((waiting["state"], waiting["waiting"]), ("blocked", "another job has serial group 'local/o/r/x'"),
   "one job of a serial group runs, the next says what it waits for")
hub.crash()
person.client = hub.client()
waiting = [job for job in person.jobs(two) if job["name"] == "deploy"][0]
eq(waiting["waiting"], "another job has serial group 'local/o/r/x'", "and does after a crash of the hub")
for name in ("three", "two", "one"):
    state("go-" + name)
for pipeline in (one, two, three):
    ended(pipeline)
with open(os.path.join(place, "order")) as file:
    eq(file.read().split(), ["one", "two", "three"], "each has its turn, in the order they came")
eq([person.outcomes(pipeline) for pipeline in (one, two, three)], [{"deploy": "success", "after": "success"}] * 3, "and succeeds")

older = run("""
jobs: {deploy: {machine: true, steps: [run: "true"]}}
workflows: {w: {jobs: [hold: {type: approval}, deploy: {requires: [hold], serial-group: local/o/r/x}]}}
""")
newer = run(SERIAL.replace("NAME", "newer"))
wait_for("the newer to run", lambda: fact("at-newer"))
ctl("workflow", "approve", workflow(older)["id"])
ended(older)
eq(person.outcomes(older), {"hold": "success", "deploy": "not_run"}, "an earlier pipeline that comes later does not run")
third = run(SERIAL.replace("NAME", "third"))
wait_for("the third to wait", lambda: any(job["waiting"] for job in person.jobs(third)))
eq(person.post("/api/v2/workflow/" + workflow(third)["id"] + "/cancel")["status"], 202, "one that waits is canceled")
ended(third)
eq(person.outcomes(third), {"deploy": "canceled", "after": "canceled"}, "and has ended")
state("go-newer")
ended(newer)

# --- groups of jobs ------------------------------------------------------------------------------------
GROUP = """
jobs:
  begin: {machine: true, steps: [run: "echo begin NAME >>FACTS/turns; sleep 0.3"]}
  finish: {machine: true, steps: [run: "echo end NAME >>FACTS/turns; test NAME != bad -o -e FACTS/better"]}
  plain: {machine: true, steps: [run: "true"]}
job-groups:
  g: {jobs: [begin, finish: {requires: [begin]}]}
workflows:
  w: {jobs: [plain, g: {requires: [plain], serial-group: deploys}, plain: {name: notify, requires: [g]}]}
"""
groups = []
for name in ("a", "b", "bad", "c"):
    groups.append(run(GROUP.replace("NAME", name)))
    # One that came to the group behind a later one would not run.
    wait_for("it to come to the group", lambda: person.outcomes(groups[-1])["plain"] == "success")
for pipeline in groups:
    ended(pipeline)
with open(os.path.join(place, "turns")) as file:
    turns = file.read().split()
ok(all(turns[i] == "begin" and turns[i + 2] == "end" and turns[i + 1] == turns[i + 3] for i in range(0, len(turns), 4)),
   "groups of jobs in one serial group do not overlap")
results = [person.outcomes(pipeline) for pipeline in groups]
eq(results[0], {"plain": "success", "g-group-start": "success", "g-begin": "success", "g-finish": "success",
                "g-group-end": "success", "g-group-unlock": "success", "notify": "success"}, "one that goes well")
eq((results[2]["g-finish"], results[2]["g-group-end"], results[2]["g-group-unlock"], results[2]["notify"]),
   ("failed", "not_run", "success", "not_run"), "one that fails gives its turn back, and what requires the group does not run")
state("better")
eq(rerun(groups[2], from_failed=True)["status"], 202, "it is run again from failed")
ended(groups[2])
results = person.outcomes(groups[2])
eq((results["g-finish"], results["notify"]), ("success", "success"), "under its lock, to the end")
ok(len(person.attempts(groups[2], "g-begin")) == 1, "without the member that had succeeded")
done()
