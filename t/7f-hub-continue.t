#!/usr/bin/env python3
# Dynamic configuration: a setup pipeline, its key, and the one config that it goes on with.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

hub = Hub()
person = Person(hub)
start_runnerd(hub)
facts = os.path.join(tmp, "facts")
os.mkdir(facts)
os.chmod(facts, 0o777)
os.chmod(hub.dir, 0o711)
os.chmod(os.path.join(hub.dir, "hub.sock"), 0o777)

# The key leaves the job by way of a file, so that the test can use it; real ones send it themselves, as "curl" does below.
HOLDING = """version: 2.1
setup: true
parameters:
  name: {type: string, default: nobody}
  other: {type: integer, default: 1}
jobs:
  decide:
    machine: true
    steps:
      - run: 'echo "$CIRCLE_CONTINUATION_KEY"; echo "$CIRCLE_CONTINUATION_KEY" >FACTS/key-NAME; until test -e FACTS/go-NAME; do sleep 0.05; done'
workflows: {setup: {jobs: [decide]}}
"""
NEXT = """version: 2.1
parameters:
  name: {type: string, default: somebody}
  more: {type: boolean, default: false}
jobs:
  work: {machine: true, steps: [run: 'echo "<< pipeline.number >> << pipeline.parameters.name >> << pipeline.parameters.more >> $CIRCLE_CONTINUATION_KEY." >FACTS/said-NAME']}
workflows:
  next: {jobs: [work]}
  extra: {when: << pipeline.parameters.more >>, jobs: [work: {name: again}]}
"""


def text(config, name):
    return config.replace("FACTS", facts).replace("NAME", name)


def begin(which, **parameters):
    reply = person.post("/api/v2/project/local/o/r/pipeline/run",
                        {"config": {"content": text(HOLDING, which)}, "checkout": {"branch": "main"}, "parameters": parameters})
    path = os.path.join(facts, "key-" + which)
    wait_for("the key", lambda: os.path.exists(path) and os.path.getsize(path) > 100)
    with open(path) as file:
        return reply["json"]["id"], file.read().strip()


def go_on(key, config, **more):
    return person.client.call("POST", "/api/v2/pipeline/continue", {"accept": "application/json"}, {"continuation-key": key, "configuration": config, **more})


def release(name, pipeline):
    with open(os.path.join(facts, "go-" + name), "w"):
        pass
    wait_for("the pipeline to end", lambda: person.has_ended(pipeline))


def pipeline_of(pipeline):
    return person.get("/api/v2/pipeline/" + pipeline)


# --- one that goes well ---------------------------------------------------------------------------
one, key = begin("one", name="ada", other=7)
eq(pipeline_of(one)["state"], "setup", "a setup pipeline waits for its config")
eq(go_on(key[:-1] + ("0" if key[-1] != "0" else "1"), NEXT)["status"], 400, "a key that is changed is none")
eq(go_on(key, NEXT, parameters={"name": "bea"})["status"], 400, "a parameter given twice needs one value")
hub.crash()
person.client = hub.client()
eq(go_on(key, text(NEXT, "one"), parameters={"more": True})["status"], 200, "after a crash of the hub the key is good")
eq(go_on(key, text(NEXT, "one"))["status"], 409, "once")
release("one", one)
eq(person.outcomes(one), {"decide": "success", "work": "success", "again": "success"}, "its workflows run in the same pipeline")
with open(os.path.join(facts, "said-one")) as file:
    eq(file.read(), "1 ada true .\n", "with its values, the parameters of both, and no key")
eq(pipeline_of(one)["state"], "created", "nothing is to come")
config = person.get("/api/v2/pipeline/" + one + "/config")
eq((config["source"], config["setup-config"]), (text(NEXT, "one"), text(HOLDING, "one")), "both configs are kept")
workflows = person.workflows(one)
eq(person.post("/api/v2/workflow/" + workflows[0]["id"] + "/rerun")["status"], 400, "the setup workflow is not run again")
eq(person.post("/api/v2/workflow/" + workflows[1]["id"] + "/rerun")["status"], 202, "the others are")
wait_for("the rerun to end", lambda: person.has_ended(one))
eq(go_on(key, text(NEXT, "one"))["status"], 409, "at its end it cannot be continued")
printed = subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file", os.path.join(hub.dir, "token"),
                          "--project", "local/o/r", "logs", "setup/decide"], capture_output=True, text=True, timeout=DEADLINE)
ok(printed.returncode == 0 and key not in printed.stdout and "***" in printed.stdout, "the key is masked in what the job prints")

# --- what is wrong ---------------------------------------------------------------------------------
two, key = begin("two", name="ada")
reply = go_on(key, "version: 2.1\njobs: {j: {machine: true, steps: [nope]}}\nworkflows: {w: {jobs: [j]}}")
eq((reply["status"], reply["json"]["diagnostics"][0]["code"]), (422, "E_CMD_UNKNOWN"), "a wrong config is said to be")
view = pipeline_of(two)
eq((view["state"], view["errors"][0]["type"]), ("errored", "config"), "the pipeline says so, too")
ok(".circleci/config.yml:2:" in view["errors"][0]["message"], "and where")
hub.crash()
person.client = hub.client()
eq(pipeline_of(two)["errors"], view["errors"], "after a crash as well")
eq(go_on(key, NEXT)["status"], 409, "there is no second chance")
release("two", two)
watched = subprocess.run([os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file", os.path.join(hub.dir, "token"),
                          "pipeline", "watch", two], capture_output=True, text=True, timeout=DEADLINE)
eq(watched.returncode, 1, "it has failed, though its setup workflow has not")
three, key = begin("three")
eq(go_on(key, text(HOLDING, "x"))["status"], 422, "a setup config does not continue another")
release("three", three)
four, key = begin("four")
eq(go_on(key, NEXT, parameters={"unknown": 1})["json"]["diagnostics"][0]["code"], "E_ARG_UNEXPECTED",
   "what is passed must be declared")
release("four", four)
plain = person.post("/api/v2/project/local/o/r/pipeline/run", {"config": {"content": """version: 2.1
setup: true
jobs: {a: {machine: true, steps: []}}
workflows: {v: {jobs: [a]}, w: {jobs: [a]}}
"""}, "checkout": {"branch": "main"}})
eq((plain["status"], plain["json"]["diagnostics"][0]["code"]), (422, "E_SETUP_WORKFLOWS"), "a setup config has one workflow")

# --- from within, as orbs do -------------------------------------------------------------------------
if shutil.which("curl"):
    body = json.dumps({"configuration": text(NEXT, "five"), "continuation-key": "@KEY@"})
    with open(os.path.join(facts, "body"), "w") as file:
        file.write(body)
    five = person.run("""version: 2.1
setup: true
jobs:
  decide:
    machine: true
    steps:
      - run: |
          sed "s/@KEY@/$CIRCLE_CONTINUATION_KEY/" FACTS/body >body
          curl -sS --fail-with-body --http2-prior-knowledge --unix-socket SOCKET -H 'Content-Type: application/json' --data @body \
            http://hub/api/v2/pipeline/continue
workflows: {setup: {jobs: [decide]}}
""".replace("FACTS", facts).replace("SOCKET", os.path.join(hub.dir, "hub.sock")))
    wait_for("the pipeline to end", lambda: person.has_ended(five))
    eq(person.outcomes(five), {"decide": "success", "work": "success"}, "a job continues its pipeline by itself")

# --- by the agent, which knows the hub ------------------------------------------------------------------
with open(os.path.join(facts, "next.yml"), "w") as file:
    file.write(text(NEXT, "six"))
six = person.run("""version: 2.1
setup: true
jobs:
  decide: {machine: true, steps: [run: "env -u CIRCLE_CONTINUATION_KEY circleci-agent continue --parameters '{\\"more\\":true}' FACTS/next.yml"]}
workflows: {setup: {jobs: [decide]}}
""".replace("FACTS", facts))
wait_for("the pipeline to end", lambda: person.has_ended(six))
eq(person.outcomes(six), {"decide": "success", "work": "success", "again": "success"}, "circleci-agent continue needs neither key nor address")
done()
