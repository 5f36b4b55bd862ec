# attachtest.py - what tests of "runnerctl attach" begin with, on top of hubtest.py: a person at a terminal.
#
# SPDX-License-Identifier: Apache-2.0
import fcntl
import os
import pty
import socket
import struct
import subprocess
import sys
import termios
import tty

# As t/network.sh: what root's runnerd says to the packet filter goes with the test.
if os.geteuid() == 0 and "RUNNER_OWN_NETWORK" not in os.environ:
    if subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"], stderr=subprocess.DEVNULL).returncode == 0:
        os.environ["RUNNER_OWN_NETWORK"] = "yes"
        os.execvp("unshare", ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "-", sys.executable, *sys.argv])

from hubtest import *


def ctl_argv(hub, *arguments):
    return [os.path.join(build, "runnerctl"), "--hub", hub.url, "--token-file", os.path.join(hub.dir, "token"),
            *arguments]


def ctl(hub, *arguments, **more):
    return subprocess.run(ctl_argv(hub, *arguments), capture_output=True, timeout=2 * DEADLINE, **more)


class Terminal:
    """runnerctl attach, or what argv says, on a pty of its own."""

    def __init__(self, hub, *arguments, rows=33, cols=101, argv=None, **more):
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.resize(rows, cols, signal_to=None)
        self.slave = slave
        environment = dict(os.environ, TERM="xterm-256color", **more.pop("environment", {}))
        self.process = subprocess.Popen(argv or ctl_argv(hub, "attach", *arguments), stdin=slave, stdout=slave,
                                        stderr=slave, start_new_session=True, env=environment, **more)
        started.append(self.process)
        self.seen = b""
        self.after = None  # how it is set once the process has ended
        self.lock = threading.Lock()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while True:
            try:
                part = os.read(self.master, 65536)
            except OSError:
                return
            if not part:
                return
            with self.lock:
                self.seen += part

    def resize(self, rows, cols, signal_to):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        if signal_to is not None:
            signal_to.send_signal(signal.SIGWINCH)

    def type(self, text):
        os.write(self.master, text if isinstance(text, bytes) else text.encode())

    def text(self):
        with self.lock:
            return self.seen.decode(errors="replace")

    def sees(self, pattern):
        """Wait until what is on the screen holds it."""
        found = wait_for("'%s' on a terminal" % pattern, lambda: re.search(pattern, self.text()))
        if not found:
            print("# which shows %r" % self.text()[-1000:], file=sys.stderr)
        return found

    def status(self):
        """Its process's, which has ended: then text() is all that it has written. None: it does not end."""
        try:
            status = self.process.wait(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            return None
        self.after = termios.tcgetattr(self.slave)
        os.close(self.slave)  # nobody else has it open: the reader comes to the end
        self.reader.join(timeout=DEADLINE)
        return status

    def is_restored(self):
        return self.after == self.before


def is_raw(terminal):
    return not termios.tcgetattr(terminal.slave)[tty.LFLAG] & termios.ICANON


def with_users():
    """
    For a hub and a runnerd: options by which tasks have users of their own, where we may give some away, and a PID
    namespace. Else those of a task that is held together by little.
    """
    first = 1902000000 + os.getpid() % 60000 * 16
    may = os.geteuid() == 0 and subprocess.run(["setpriv", "--reuid", str(first), "--regid", str(first), "--clear-groups",
                                                "true"], capture_output=True).returncode == 0
    if not may:
        return [], []
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    return (["--listen", "127.0.0.1:%d" % port],
            ["--hub", "http://127.0.0.1:%d" % port, "--user", "nobody", "--slot-uids", "%d-%d" % (first, first + 15),
             "--isolation", "namespace"])


# A job that goes on until $HOME/go is there; its steps leave a variable to one another.
HELD = """version: 2.1
jobs:
  held:
    machine: true
    resource_class: local/big
    working_directory: ~/place
    environment: {OF_JOB: job-value}
    parallelism: PARALLEL
    steps:
      - run: {name: leave, command: 'echo "export LEFT=from-a-step" >>"$BASH_ENV"'}
      - run:
          name: hold
          environment: {OF_STEP: step-value}
          command: 'echo holding; while [ ! -e ~/go ]; do sleep 0.05; done; exit CODE'
workflows: {main: {jobs: [held]}}
"""


def held(code=0, parallel=1):
    return HELD.replace("CODE", str(code)).replace("PARALLEL", str(parallel))
