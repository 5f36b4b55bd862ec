#!/usr/bin/env python3
# How far an upload has come, seen at a terminal while it stands still.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attachtest import *

hub = Hub()
person = Person(hub)
with open(os.path.join(hub.dir, "token"), "w") as file:
    file.write(hub.person)
real = hub.url
narrow_path = os.path.join(tmp, "narrow.sock")
narrow_log = os.path.join(tmp, "narrow.log")
with open(narrow_log, "wb") as log:
    narrow = subprocess.Popen([os.path.join(build, "t", "narrow"), narrow_path, real[len("unix:"):], "65536"], stdout=log, stderr=log)
started.append(narrow)


def narrow_says(word):
    with open(narrow_log) as log:
        return word in log.read()


wait_for("the narrow line", lambda: narrow_says("ready"))
hub.url = "unix:" + narrow_path
start_runnerd(hub, slots=4)
hub.url = real
config = os.path.join(tmp, "config.yml")
with open(config, "w") as file:
    file.write("""version: 2.1
jobs:
  one:
    machine: true
    resource_class: local/big
    steps:
      - run: mkdir out; head -c 3000000 /dev/urandom >out/large; echo small >out/small
      - store_artifacts: {path: out, destination: d}
workflows:
  main:
    jobs: [one]
""")
terminal = Terminal(hub, argv=ctl_argv(hub, "--project", "local/o/r", "pipeline", "run", "--follow", "--config", config))
ok(wait_for("the upload to stand still", lambda: narrow_says("is full")), "an upload fills the window that the hub gives it, and waits")
ok(terminal.sees(r"1 of 2 files so far, [0-9.]+ [KM]iB of 2\.8 MiB"),
   "how far it has come is told at the terminal meanwhile: output goes first on the connection")
ok(terminal.sees(r"\033\[\d+A\r[^\n]* one [^\n]*1 of 2 files so far"), "in the line of its job, drawn anew")
narrow.send_signal(signal.SIGUSR1)
eq(terminal.status(), 0, "it ends once the hub reads on, with success")
done()
