#!/bin/sh
# runnerctl top: one look, as JSON, live on a terminal; hostile text cannot reach the terminal, which is restored.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

top()
{
	timeout 600 runnerctl "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}

# What this kernel counts as written where tasks work: nothing on a tmpfs, or where it does not count at all.
head -c 3000000 /dev/zero >"$tmp/written"
written=$(sed -n 's/^write_bytes: //p' "/proc/$$/io" 2>/dev/null)

# So much CPU time that a tick is seen, so much memory that it is no rounding error.
cat >"$tmp/busy.sh" <<'END'
head -c 3000000 /dev/zero >of-a-disk
ticks=0
while [ $ticks -lt 10 ]; do
	i=0; while [ $i -lt 10000 ]; do i=$((i + 1)); done
	read -r stat </proc/self/stat; set -- ${stat##*)}
	ticks=$((${12} + ${13}))
done
printf 'fine \033[2J\033]0;evil\007\033[31mred\n'
exec sleep 600
END
script "task busy sh $tmp/busy.sh" 'task idle sleep 600'
start_fakehub
start_runnerd -j 4
wait_log fakehub 'task idle step 0 step_started' 20
wait_until 60 grep -qs evil "$tmp/got/busy/step-0.out"

top top --run-dir "$tmp/run" --once
is "$status" 0 'one look'
ok 'slots' grep -q '^slots: 2 of 4 taken; tasks: 2 running' "$tmp/out"
ok 'output memory and spool' grep -Eq '^output: [0-9.]+ [KM]?i?B of [0-9.]+ [KM]iB memory, [0-9.]+ [KM]?i?B spooled, oldest unsent' "$tmp/out"
ok 'a task with its use, step and last line' \
	grep -Eq '^running +busy .*% +[0-9.]+ [KM]iB +([0-9.]+ [KM]?i?B/s|-) +[1-9] +.*/s +step +fine .*red$' "$tmp/out"
ok 'no control character gets through' test "$(tr -d '\n' <"$tmp/out" | tr -d '[:print:]' | wc -c)" = 0

cp "$tmp/out" "$tmp/once"
top top --run-dir "$tmp/run" --json
is "$status" 0 'as JSON'
ok 'with CPU time, memory and processes of the tree' python3 -c '
import json, sys
tasks = {task["job"]: task for task in json.load(open(sys.argv[1]))["tasks"]}
busy, idle = tasks["busy"], tasks["idle"]
assert busy["cpu_ms"] >= 50 and busy["cpu_ms"] > idle["cpu_ms"], (busy, idle)
assert busy["processes"] == idle["processes"] == 2, (busy, idle)
assert 100000 < idle["memory_bytes"] < 1 << 30, idle
' "$tmp/out"

if [ "${written:-0}" -ge 3000000 ]; then
	ok 'and what they have written to disks' python3 -c '
import json, sys
tasks = {task["job"]: task for task in json.load(open(sys.argv[1]))["tasks"]}
assert tasks["busy"]["write_bytes"] >= 3000000 > tasks["idle"]["write_bytes"] >= 0, tasks
assert tasks["busy"]["read_bytes"] >= 0, tasks
' "$tmp/out"
	ok 'of which there is a rate' grep -Eq '^running +busy .*iB +[1-9][0-9.]* [KM]?i?B/s +[1-9] ' "$tmp/once"
else
	skip 'and what they have written to disks' "this kernel does not count what is written here: ${written:-no /proc/PID/io}"
fi

top top --run-dir "$tmp/nowhere"
is "$status" 3 'where there is no agent'
like "$(cat "$tmp/err")" "no runnerd can be asked in '$tmp/nowhere'" 'that is said'
like "$(cat "$tmp/err")" 'hint: .*--run-dir' 'with a hint'

cat >"$tmp/live.py" <<'END'
import fcntl, os, pty, re, select, signal, struct, subprocess, sys, termios, time
run_dir, how = sys.argv[1:3]
# The session is ours, who see its end: with its leader the kernel sets a terminal anew, and throws away what is in it.
os.setsid()
signal.signal(signal.SIGINT, lambda *_: None)
fd, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
def resize(rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
resize(24, 90)
before = termios.tcgetattr(slave)
top = subprocess.Popen(["runnerctl", "top", "--run-dir", run_dir, "--delay", "100ms"], stdin=slave, stdout=slave,
                       stderr=slave, env=dict(os.environ, TERM="xterm"))
seen = b""
def wait_for(done, what):
    global seen
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, (what, seen[-3000:])
        if select.select([fd], [], [], 0.1)[0]:
            seen += os.read(fd, 65536)
def shows(pattern):
    return lambda: re.search(pattern, seen, re.S)
# One that is whole; those drawn before it was resized may come first.
def a_frame_fits():
    frames = [re.sub(rb"\x1b\[[KJ]|\r", b"", frame).split(b"\n") for frame in seen.split(b"\x1b[H")[1:-1]]
    return any(len(frame) <= 8 and all(len(line) <= 29 for line in frame) for frame in frames)
wait_for(shows(rb"\x1b\[\?1049h.*fine"), "drawn")
wait_for(shows(rb"(slots: 2 of 4.*){3}"), "drawn anew")
assert not termios.tcgetattr(slave)[3] & termios.ECHO
seen = b""
resize(8, 30)
wait_for(a_frame_fits, "after a resize")
if how == "key":
    os.write(fd, b"q")
elif how == "ctrl-c":
    os.write(fd, b"\x03")
else:
    top.send_signal(signal.SIGTERM)
wait_for(shows(rb"\x1b\[\?25h\x1b\[\?1049l$"), "the screen left")
assert b"\x1b]" not in seen and b"\x1b[2J" not in seen and b"\x1b[31m" not in seen, seen
status = top.wait(timeout=60)
after = termios.tcgetattr(slave)
assert after == before, (before, after)
print(status)
END
is "$(python3 "$tmp/live.py" "$tmp/run" key 2>&1)" 0 'live on a terminal, resized, until q'
is "$(python3 "$tmp/live.py" "$tmp/run" ctrl-c 2>&1)" 130 'until Ctrl-C'
is "$(python3 "$tmp/live.py" "$tmp/run" term 2>&1)" 143 'until SIGTERM'

if [ "$(id -u)" = 0 ]; then
	chmod 711 "$tmp"
	as_user runnerctl top --once --run-dir "$tmp/run" >"$tmp/out" 2>"$tmp/err"
	is "$?" 3 "another user's agent is not asked"
	like "$(cat "$tmp/err")" 'hint: only its own user and root may' 'and that is said'
else
	skip "another user's agent is not asked" 'not root'
	skip 'and that is said' 'not root'
fi

kill -TERM "$agent_pid"; wait_log agent draining 20; kill -TERM "$agent_pid"
wait "$agent_pid"
done_testing
