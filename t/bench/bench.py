"""What the benchmarks share: a hub and an agent of their own, and what the kernel says of them."""
import glob, json, os, re, secrets, signal, subprocess, sys, tempfile, time

# The figures are of tasks that run as who starts the benchmark.
if os.geteuid() == 0:
    os.environ.setdefault("RUNNERD_USER", "root")
TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    """User and system seconds of one process; its children are not counted."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def cpu_of_ended(pid):
    """User and system seconds of those of its children that have ended, and of theirs."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) / TICK


def status_of(pid, field, path="status"):
    with open(f"/proc/{pid}/{path}") as f:
        for line in f:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    return 0


def children_of(pid):
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        with open(path) as f:
            found += [int(child) for child in f.read().split()]
    return found


def launcher_of(pid):
    """What starts tasks as users of slots for a runnerd; None: it needs none. What that starts is runnerd's child, too, with its name at first."""
    for child in children_of(pid):
        with open(f"/proc/{child}/comm") as comm:
            if comm.read().startswith("runner-launcher"):
                return child
    return None


def fds_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def wait_word(path, pattern, seconds=20, begin=0):
    """The last match of pattern in a growing file, from a byte on."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with open(path) as f:
            f.seek(begin)
            found = re.findall(pattern, f.read())
        if found:
            return found[-1]
        time.sleep(0.002)
    sys.exit(f"'{pattern}' did not appear in {path}")


def memory_dir():
    """Where files cost no disk; None where there is no such place."""
    for path in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):
        if path and os.access(path, os.W_OK):
            return path
    return None


# What tasks and the benchmark share: /tmp and /dev/shm are each task's own.
SHARED_DIR = "/var/tmp"


class Bench:
    """Directories (all in memory, and the work directories on disk where disk says so), removed at the end. jobs 0: no agent.
    slot_users: as root, runnerd becomes nobody and tasks have users of their own."""

    users = 0  # so many are given away

    def __init__(self, build, jobs=64, disk=None, tls=False, level="warn", more=(), env=None, slot_users=False):
        self.build, self.level = os.path.abspath(build), level
        self.home = tempfile.TemporaryDirectory(prefix="runner-bench.", dir=memory_dir())
        self.disk = tempfile.TemporaryDirectory(prefix="runner-bench.", dir=disk) if disk else None
        self.dir = self.home.name
        self.work = f"{self.disk.name if self.disk else self.dir}/work"
        (self.start_tls_hub if tls else self.start_private_hub)()
        self.agent_log = f"{self.dir}/runnerd.log"
        if slot_users:
            first = 1906000000 + os.getpid() % 60000 * 1024 + Bench.users
            Bench.users += 2 * jobs
            more = [*more, "--user", "nobody", "--slot-uids", f"{first}-{first + 2 * jobs - 1}"]
            env = {**(env or {}), "RUNNERD_USER": None}
            self.let_in()
        self.agent_line = ["runnerd", *self.trust, "--hub", self.url, "--token-file", self.agent_token, "-j", str(jobs),
                           "--name", "bench", "--run-dir", f"{self.dir}/run", "--data-dir", f"{self.dir}/data",
                           "--cache-dir", f"{self.dir}/cache", "--work-dir", self.work, "--orphan-limit", "0", *more]
        self.agent = jobs and self.start(*self.agent_line, env=env)
        self.ctl = [f"{self.build}/runnerctl", *self.trust, "--hub", self.url, "--token-file", self.token,
                    "--project", "local/bench/bench"]

    def start_private_hub(self):
        self.url, self.trust = f"unix:{self.dir}/hub.sock", []
        self.token, self.agent_token = f"{self.dir}/token", f"{self.dir}/agent-token"
        for path in (self.token, self.agent_token):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
                f.write(secrets.token_hex(32) + "\n")
        self.hub = self.start("runner-hub", "serve", "--private", "--listen", self.url, "--data-dir", f"{self.dir}/hub",
                              "--token-file", self.token, "--agent-token-file", self.agent_token)

    def let_in(self):
        """Whom runnerd and its tasks become, to the hub and to their own directories."""
        for home in filter(None, (self.home, self.disk)):
            os.chmod(home.name, 0o711)
        os.chmod(f"{self.dir}/hub.sock", 0o666)

    def start_tls_hub(self):
        with __import__("socket").socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.url, data = f"https://127.0.0.1:{port}", f"{self.dir}/hub"
        said = subprocess.run([f"{self.build}/runner-hub", "init", "--data-dir", data, "--listen", f"127.0.0.1:{port}",
                               "--public-url", self.url, "--resource-class", "bench/linux"],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
        self.trust = ["--hub-fingerprint", re.search("SHA256:[0-9A-F]{64}", said).group()]
        self.token, self.agent_token = f"{data}/admin.token", f"{data}/agent.token"
        line = re.search(r"runner-hub (serve.*)", said).group(1).split()
        self.hub = self.start("runner-hub", *line)

    def start(self, program, *arguments, env=None):
        ours, theirs = os.pipe()
        log = open(f"{self.dir}/{program}.log", "w")
        child = subprocess.Popen([f"{self.build}/{program}", *arguments, "--log-level", self.level, "--ready-fd", str(theirs)],
                                 pass_fds=(theirs,), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                 env={key: value for key, value in {**os.environ, **(env or {})}.items() if value is not None})
        os.close(theirs)
        with os.fdopen(ours) as f:
            if not f.read().startswith("ready"):
                sys.exit(f"{program} did not start:\n" + open(log.name).read())
        return child

    @staticmethod
    def stop(child):
        child.send_signal(signal.SIGTERM)
        child.wait(30)

    def config(self, jobs, body):
        """A config of so many jobs alike; body: the lines of one job below "machine: true"."""
        path = f"{self.dir}/config.yml"
        with open(path, "w") as f:
            f.write("version: 2.1\njobs:\n  t:\n    machine: true\n" + body + "workflows:\n  w:\n    jobs:\n")
            f.write("".join(f"      - t: {{name: t{i}}}\n" for i in range(jobs)))
        return path

    def submit(self, config):
        out = subprocess.run(self.ctl + ["--json", "pipeline", "run", "--config", config],
                             check=True, stdout=subprocess.PIPE, text=True).stdout
        return json.loads(out)["id"]

    def wait(self, pipeline):
        subprocess.run(self.ctl + ["-q", "pipeline", "watch", pipeline], check=True, stdout=subprocess.DEVNULL)

    def sent(self):
        """Requests and bytes of their bodies since the agent's start (of an agent that logs at info)."""
        begin = os.path.getsize(self.agent_log)
        self.agent.send_signal(signal.SIGUSR1)
        found = wait_word(self.agent_log, r"turns of the loop (\d+), requests (\d+) of (\d+) bytes", begin=begin)
        return {"turns": int(found[0]), "requests": int(found[1]), "bytes": int(found[2])}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in (self.agent, self.hub):
            if child:
                self.stop(child)
        if self.disk:
            self.disk.cleanup()
        self.home.cleanup()
