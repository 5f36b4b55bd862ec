#!/bin/sh
# A job leaves very many files: a child removes them when the disk has nothing else to do, and the slot does not wait for it.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

command -v python3 >/dev/null || skip_all 'python3 is needed'

# Stops the agent's rm at its first steps, and prints its pid and its I/O class; ends without when told that it is over.
cat >"$tmp/catch.py" <<'END'
import ctypes, os, signal, sys, time
agent, over = sys.argv[1], sys.argv[3]
open(sys.argv[2], "w").close()
while not os.path.exists(over):
    with open(f"/proc/{agent}/task/{agent}/children") as file:
        children = file.read().split()
    for pid in children:
        try:
            with open(f"/proc/{pid}/comm") as file:
                if file.read() != "rm\n":
                    continue
            os.kill(int(pid), signal.SIGSTOP)
        except OSError:
            continue
        # ioprio_get(2) of a process; the class is above 13 bits of data
        number = {"x86_64": 252, "aarch64": 31}[os.uname().machine]
        print(pid, ctypes.CDLL(None).syscall(number, 1, int(pid)) >> 13)
        sys.exit(0)
    time.sleep(0.0005)
sys.exit(1)
END
[ -e "/proc/$$/task/$$/children" ] || skip_all 'this kernel does not list children'

files_made()
{
	[ -e "$tmp/work/$(task_id "$many")/home/project/20000" ]
}
is_removed()
{
	[ ! -e "$tmp/work/$(task_id "$many")" ]
}
caught_or_removed()
{
	[ -s "$tmp/caught" ] || is_removed
}
start_fakehub
start_runnerd -j 1
# Where the catcher was not let on rm is through before it is seen: then there is another job.
for try in 1 2 3 4 5 6 7 8 9 10; do
	many=many$try
	hub_say "task $many seq 1 20000 | xargs touch; echo made; until [ -e $tmp/go$try ]; do sleep 0.02; done"
	wait_until 60 files_made
	rm -f "$tmp/watching" "$tmp/over"
	python3 "$tmp/catch.py" "$agent_pid" "$tmp/watching" "$tmp/over" >"$tmp/caught" &
	catcher=$!
	wait_until 30 test -e "$tmp/watching"
	touch "$tmp/go$try"
	wait_ended "$many" success || fail 'the job ends'
	wait_until 60 caught_or_removed
	touch "$tmp/over"
	! wait "$catcher" || break
done
ok "a child removes what a job has left ($try)" test -s "$tmp/caught"
read -r rm_pid class <"$tmp/caught"
is "$class" 3 'in the idle I/O class'
hub_say 'task next echo next'
ok 'the only slot takes the next task while it has hardly begun' wait_ended next success 30
ok 'the files are there still' files_made
kill -CONT "$rm_pid"
ok 'they go' wait_until 60 is_removed
ok 'and the task with them' wait_until 30 no_tasks
stop "$agent_pid"
is "$status" 0 'the agent ends'
done_testing
