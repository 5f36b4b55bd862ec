#!/usr/bin/env python3
# Identity tokens: what they say, who can check them, who gets which, and what cannot be chosen.
import base64
import hashlib
import os
import sqlite3
import subprocess
import sys
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hubtest import *

ISSUER = "https://tokens.example/base"
hub = Hub("hub", "--public-url", "https://ci.example:8443", "--oidc-issuer", ISSUER + "/")
person = Person(hub)
agent = Agent(hub)
PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017, 9.2: DigestInfo of SHA-256


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def get(path):
    return person.client.call("GET", path, {})


def ask(method, path, body=None):
    return person.client.call(method, path, person.headers, body)


def keys(path="/.well-known/jwks-pub.json"):
    return {key["kid"]: key for key in get(path)["json"]["keys"]}


def check(token, known):
    """The claims of a token, by RFC 8017, 8.2.2 with nothing but arithmetic; None: the signature is wrong."""
    head, claims, signature = token.split(".")
    header = json.loads(unbase64(head))
    if header["alg"] != "RS256" or header["typ"] != "JWT" or header["kid"] not in known:
        return None
    key = known[header["kid"]]
    modulus = int.from_bytes(unbase64(key["n"]), "big")
    length = (modulus.bit_length() + 7) // 8
    message = pow(int.from_bytes(unbase64(signature), "big"), int.from_bytes(unbase64(key["e"]), "big"), modulus)
    tail = PREFIX + hashlib.sha256((head + "." + claims).encode()).digest()
    if message.to_bytes(length, "big") != b"\x00\x01" + b"\xff" * (length - len(tail) - 3) + b"\x00" + tail:
        return None
    return json.loads(unbase64(claims))


def mint(task, body, **more):
    headers = dict({"authorization": "Bearer " + task["token"], "runner-protocol": "1"}, **more)
    return person.client.call("POST", "/api/v3/runner/oidc", headers, body)


def crash():
    hub.crash()
    agent.client = hub.client()
    person.client = hub.client()


CONFIG_TOKENS = """version: 2.1
jobs:
  one: {machine: true, resource_class: local/big, steps: [{run: "true"}]%s}
workflows: {w: {jobs: [one%s]}}
"""


def run(more="", entry="", checkout=None, project="local/o/r"):
    reply = person.post("/api/v2/project/%s/pipeline/run" % project,
                        {"config": {"content": CONFIG_TOKENS % (more, entry)}, "checkout": checkout or {"branch": "main"}})
    return agent.claim()[0]


# --- who can check them -----------------------------------------------------------------------
root = get("/.well-known/openid-configuration")
eq((root["status"], root["json"]["issuer"], root["json"]["jwks_uri"], root["json"]["id_token_signing_alg_values_supported"]),
   (200, ISSUER, ISSUER + "/.well-known/jwks-pub.json", ["RS256"]), "everybody can read the discovery document of the root issuer")
some = str(uuid.uuid4())
own = get("/org/%s/.well-known/openid-configuration" % some)["json"]
eq((own["issuer"], own["jwks_uri"]), ("%s/org/%s" % (ISSUER, some), "%s/org/%s/.well-known/jwks-pub.json" % (ISSUER, some)),
   "and that of an organization")
eq(get("/org/nobody/.well-known/openid-configuration")["status"], 404, "what is no id has none")
first_keys = keys()
eq(len(first_keys), 1, "there is one key")
eq(keys("/org/%s/.well-known/jwks-pub.json" % some), first_keys, "the same for organizations")
key = list(first_keys.values())[0]
eq((key["kty"], key["use"], key["alg"], len(unbase64(key["n"])), key["e"]), ("RSA", "sig", "RS256", 256, "AQAB"), "it has 2048 bits")
thumbprint = hashlib.sha256(json.dumps({"e": key["e"], "kty": "RSA", "n": key["n"]}, separators=(",", ":")).encode()).digest()
eq(unbase64(key["kid"]), thumbprint, "its id is its thumbprint")
eq(set(key), {"kty", "use", "alg", "kid", "n", "e"}, "and nothing private is shown")

# --- what they say ----------------------------------------------------------------------------
context = person.post("/api/v2/context", {"name": "deploy", "owner": {"slug": "local/o"}})["json"]["id"]
before = int(time.time())
task = run("", ": {context: deploy}", {"branch": "main", "revision": "a" * 40, "repository": "https://user@forge.example/ada/engine.git"})
after = int(time.time())
env = task["environment"]
v1, v2 = (check(env[name], first_keys) for name in ("CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2"))
ok(v1 is not None and v2 is not None, "both tokens of a job are signed by the key")
flip = "A" if env["CIRCLE_OIDC_TOKEN"][-9] != "A" else "B"
eq(check(env["CIRCLE_OIDC_TOKEN"][:-9] + flip + env["CIRCLE_OIDC_TOKEN"][-8:], first_keys), None, "(this test knows a wrong signature)")
org, project = env["CIRCLE_ORGANIZATION_ID"], env["CIRCLE_PROJECT_ID"]
user = person.get("/api/v2/me")["id"]
subject = "org/%s/project/%s/user/%s" % (org, project, user)
eq((v1["iss"], v1["aud"], v1["sub"]), ("%s/org/%s" % (ISSUER, org), org, subject), "issuer, audience and subject are the organization's and the job's")
eq(v2["sub"], subject + "/vcs-origin/forge.example/ada/engine/vcs-ref/refs/heads/main", "the second's subject has the origin, too")
eq({name: v2[name] for name in v2 if name != "sub"}, {name: v1[name] for name in v1 if name != "sub"}, "that is all they differ in")
ok(before <= v1["iat"] <= after and v1["exp"] == v1["iat"] + 3600, "they are valid for an hour")
about = {name.replace("oidc.circleci.com/", ""): value for name, value in v1.items() if name.startswith("oidc.")}
eq(about, {"context-ids": [context], "job-id": env["CIRCLE_WORKFLOW_JOB_ID"], "org-id": org, "pipeline-id": env["CIRCLE_PIPELINE_ID"],
           "project-id": project, "workflow-id": env["CIRCLE_WORKFLOW_ID"], "ssh-rerun": False,
           "vcs-origin": "forge.example/ada/engine", "vcs-ref": "refs/heads/main"}, "and name the job, its contexts and its origin")
eq([env[name].rsplit(".", 1)[1] in task["mask"] for name in ("CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2")], [True, True], "both signatures are masked")
eq(task["mask_own"], 2, "and known as the task's own, at the end of the list")
agent.run(task)

for repository, origin in (("git@forge.example:ada/engine.git", "forge.example/ada/engine"), ("ssh://git@forge.example/ada/x", "forge.example/ada/x"),
                           ("https://forge.example/a/vcs-ref/refs/heads/main", None), ("file:///srv/x", None)):
    task = run(checkout={"branch": "b/é\"", "revision": "a" * 40, "repository": repository})
    claims = check(task["environment"]["CIRCLE_OIDC_TOKEN_V2"], first_keys)
    eq((claims.get("oidc.circleci.com/vcs-origin"), claims["sub"][len(subject):]),
       (origin, "/vcs-origin/%s/vcs-ref/refs/heads/b/é\"" % origin if origin else ""), "the origin of " + repository)
    agent.run(task)
task = run("", ": {filters: {tags: {only: v1}}}", {"tag": "v1", "revision": "a" * 40, "repository": "https://forge.example/a/b"})
eq(check(task["environment"]["CIRCLE_OIDC_TOKEN"], first_keys)["oidc.circleci.com/vcs-ref"], "refs/tags/v1", "a tag is a reference, too")
eq(check(task["environment"]["CIRCLE_OIDC_TOKEN"], first_keys)["oidc.circleci.com/context-ids"], [], "a job without contexts has its tokens")
agent.run(task)
task = run(", environment: {CIRCLE_OIDC_TOKEN: mine, CIRCLE_OIDC_TOKEN_V2: mine}")
eq(task["environment"]["CIRCLE_OIDC_TOKEN_V2"], "mine", "a job that sets both gets none")
agent.run(task)
task = run(", environment: {CIRCLE_OIDC_TOKEN: mine}")
eq((task["environment"]["CIRCLE_OIDC_TOKEN"], check(task["environment"]["CIRCLE_OIDC_TOKEN_V2"], first_keys) is not None), ("mine", True),
   "a variable of the job's own stands above")

# --- one that a job asks for --------------------------------------------------------------------
claims = check(mint(task, {})["json"]["token"], first_keys)
eq((claims["aud"], claims["iss"], claims["oidc.circleci.com/job-id"]), (org, "%s/org/%s" % (ISSUER, org), task["environment"]["CIRCLE_WORKFLOW_JOB_ID"]), "a job gets a token of its own")
claims = check(mint(task, {"claims": {"aud": "sts.example"}, "root_issuer": True})["json"]["token"], first_keys)
eq((claims["aud"], claims["iss"], claims["sub"]), ("sts.example", ISSUER, subject), "for another audience, of the root issuer")
eq(check(mint(task, {"claims": {"aud": ["a", "b"]}})["json"]["token"], first_keys)["aud"], ["a", "b"], "for several")
for what, body, words in (
        ("another subject", {"claims": {"sub": "org/x"}}, "'sub' cannot be chosen"),
        ("another issuer", {"claims": {"aud": "a", "iss": "https://evil.example"}}, "'iss' cannot be chosen"),
        ("a longer life", {"claims": {"exp": 99999999999}}, "'exp' cannot be chosen"),
        ("another job", {"claims": {"oidc.circleci.com/job-id": "x"}}, "cannot be chosen"),
        ("an audience that is a number", {"claims": {"aud": 7}}, "an audience is a string"),
        ("an empty audience", {"claims": {"aud": ""}}, "not empty"),
        ("a long audience", {"claims": {"aud": "x" * 257}}, "256 are allowed"),
        ("no audience", {"claims": {"aud": []}}, "1 to 16"),
        ("many audiences", {"claims": {"aud": ["x"] * 17}}, "1 to 16"),
        ("claims that are a list", {"claims": ["aud"]}, "must be a JSON object")):
    reply = mint(task, body)
    ok(reply["status"] in (400, 413) and words in reply["json"]["message"], "refused: " + what)
eq(mint({"token": hub.person}, {})["status"], 401, "a person's token gets none")
eq(mint({"token": hub.token_of_agents}, {})["status"], 401, "an agent's neither")
eq(mint(dict(task, token=task["token"][:-1] + ("0" if task["token"][-1] != "0" else "1")), {})["status"], 401, "nor one that was changed")
agent.run(task)
eq(mint(task, {})["status"], 410, "when the task is over, neither does it")

# --- what people set ----------------------------------------------------------------------------
custom, of_project = "/api/v2/org/%s/oidc-custom-claims" % org, "/api/v2/org/%s/project/%s/oidc-custom-claims" % (org, project)
eq(ask("GET", custom)["json"], {"org_id": org}, "nothing is set")
reply = ask("PATCH", custom, {"audience": ["one"], "ttl": "30m"})["json"]
eq((reply["audience"], reply["ttl"], "audience_updated_at" in reply), (["one"], "30m", True), "an organization's audience and lifetime are set")
ask("PATCH", of_project, {"audience": ["two", "three"]})
crash()
task = run()
claims = check(task["environment"]["CIRCLE_OIDC_TOKEN"], first_keys)
eq((claims["aud"], claims["exp"] - claims["iat"]), (["two", "three"], 1800), "a project's stands above, and a crash keeps both")
eq(keys(), first_keys, "and the key")
agent.run(task)
eq(ask("DELETE", of_project + "?claims=audience,ttl")["json"], {"org_id": org, "project_id": project}, "the project's are deleted")
task = run()
eq(check(task["environment"]["CIRCLE_OIDC_TOKEN"], first_keys)["aud"], ["one"], "the organization's hold again")
for what, body in (("a short lifetime", {"ttl": "10s"}), ("a long one", {"ttl": "25h"}), ("a number", {"ttl": 60}), ("no time", {"ttl": "soon"}),
                   ("another claim", {"sub": "x"}), ("an audience that is no list", {"audience": "x"}), ("nothing", {})):
    reply = ask("PATCH", custom, body)
    ok(reply["status"] == 400 and reply["json"]["error"], "refused: " + what)
eq(ask("DELETE", custom + "?claims=sub")["status"], 400, "and another to be deleted")
eq(ask("GET", custom.replace(org, some))["status"], 404, "there is nothing of an organization that is not there")
eq(ask("GET", "/api/v2/org/%s/project/%s/oidc-custom-claims" % (some, project))["status"], 404, "nor of a project in another")
eq(person.client.call("PATCH", custom, {"authorization": "Bearer " + task["token"]}, {"ttl": "1h"})["status"], 401, "a job cannot set them")

# --- another key ---------------------------------------------------------------------------------
old_token = task["environment"]["CIRCLE_OIDC_TOKEN"]


def rotate(*options):
    return subprocess.run([os.path.join(build, "runner-hub"), "rotate-oidc-key", "--data-dir", os.path.join(hub.dir, "data"), *options],
                          capture_output=True, text=True)


def restart():
    hub.start()
    agent.client = hub.client()
    person.client = hub.client()


def database(sql, *values):
    db = sqlite3.connect(os.path.join(hub.dir, "data", "hub.db"))
    rows = db.execute(sql, values).fetchall()
    db.commit()
    db.close()
    return rows


agent.run(task)
ok(rotate().returncode == 3, "while the hub runs no key is made")
hub.stop()
ok(not any(b"PRIVATE KEY" in row[0] for row in database("SELECT sealed FROM variable")), "no key lies in the clear")
eq(rotate().returncode, 0, "another key is made")
restart()
both = keys()
eq((len(both), set(first_keys) < set(both)), (2, True), "the keys shown are two")
task = run()
new_token = task["environment"]["CIRCLE_OIDC_TOKEN"]
ok(check(new_token, both) and not check(new_token, first_keys), "the new one signs")
ok(check(old_token, both), "and tokens of the old one can be checked")
agent.run(task)
hub.stop()
database("UPDATE variable SET created_ms = created_ms - 200000000 WHERE name LIKE 'key/%'")
restart()
eq(set(keys()), set(both) - set(first_keys), "after its time the old one is shown no more")
hub.stop()
eq(database("SELECT count(*) FROM variable WHERE name LIKE 'key/%'"), [(1,)], "and is deleted")
eq(rotate("--drop-old").returncode, 0, "one that was stolen")
restart()
eq((len(keys()), set(keys()) & set(both)), (1, set()), "is dropped at once")
hub.stop()
done_rotation = subprocess.run([os.path.join(build, "runner-hub"), "rotate-key", "--data-dir", os.path.join(hub.dir, "data")], capture_output=True)
eq(done_rotation.returncode, 0, "the hub's secret key is rotated")
kid = set(database("SELECT name FROM variable WHERE name LIKE 'key/%'")[0])
restart()
eq({"key/" + name for name in keys()}, kid, "and opens the key of tokens")

# --- inside a job ----------------------------------------------------------------------------------
start_runnerd(hub)
os.chmod(hub.dir, 0o711)
os.chmod(os.path.join(hub.dir, "hub.sock"), 0o777)
facts = os.path.join(tmp, "facts")
os.mkdir(facts)
os.chmod(facts, 0o777)
SCRIPT = """version: 2.1
jobs:
  one:
    machine: true
    steps:
      - run: |
          circleci run oidc get --claims '{"aud": "sts.example"}' >FACTS/own
          circleci-agent oidc get --root-issuer >FACTS/root
          for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do circleci run oidc get >FACTS/many-$i & done; wait
          circleci run oidc get --claims '{"sub": "me"}' 2>FACTS/refused || echo $? >>FACTS/refused
          circleci run oidc get --claims 'nonsense' 2>FACTS/nonsense || echo $? >>FACTS/nonsense
          circleci run oidc get --what 2>FACTS/usage || echo $? >>FACTS/usage
          echo "env $CIRCLE_OIDC_TOKEN end"
          cat FACTS/own
          sed 's/.*[.]//' FACTS/root
workflows: {w: {jobs: [one]}}
"""
pipeline = person.post("/api/v2/project/local/o/r/pipeline/run", {"config": {"content": SCRIPT.replace("FACTS", facts)}, "checkout": {"branch": "main"}})["json"]["id"]
wait_for("the pipeline to end", lambda: person.has_ended(pipeline))
eq(person.outcomes(pipeline), {"one": "success"}, "a job asks for tokens")


def fact(name):
    with open(os.path.join(facts, name)) as file:
        return file.read()


known = keys()
eq(check(fact("own").strip(), known)["aud"], "sts.example", "it gets one for the audience it names")
eq(check(fact("root").strip(), known)["iss"], ISSUER, "of the root issuer where it asks for that")
eq([bool(check(fact("many-%d" % i).strip(), known)) for i in range(1, 21)], [True] * 20, "twenty at once get theirs")
ok("'sub' cannot be chosen" in fact("refused") and fact("refused").endswith("\n1\n"), "what the hub refuses is told")
ok("no JSON" in fact("nonsense") and fact("usage").endswith("\n2\n"), "and what is no JSON, or no option")
job = person.jobs(pipeline)[0]
task_id = person.get("/api/runner/v1/jobs/" + job["id"])["tasks"][0]["id"]
printed = person.client.call("GET", "/api/runner/v1/tasks/%s/output" % task_id, dict(person.headers, **{"accept-encoding": "identity"}))["body"]
signature = fact("own").strip().rsplit(".", 1)[1]
ok(".**** end" in printed and signature not in printed and fact("root").strip().rsplit(".", 1)[1] not in printed, "of what is printed no token can be used")

# --- without an issuer ------------------------------------------------------------------------------
plain = Hub("plain")
person, agent = Person(plain), Agent(plain)
eq([get(path)["status"] for path in ("/.well-known/openid-configuration", "/.well-known/jwks-pub.json")], [404, 404], "a hub without an issuer shows none")
hub = plain
task = run()
ok("CIRCLE_OIDC_TOKEN" not in task["environment"], "its jobs get no tokens")
ok("public_url" in mint(task, {})["json"]["message"], "and are told why when they ask")
bad = subprocess.run([os.path.join(build, "runner-hub"), "serve", "--data-dir", os.path.join(tmp, "none"), "--oidc-issuer", "ftp://x"], capture_output=True, text=True)
ok(bad.returncode == 2 and "issuer of tokens" in bad.stderr, "an issuer that is no address of the web is refused")
done()
