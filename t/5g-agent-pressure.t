#!/bin/sh
# A host that is pressed, or short of memory, claims nothing and says so; a class that fails by the host's fault is paused.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

psi()
{
	mkdir -p "$tmp/proc/pressure"
	printf 'some avg10=%s avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n' "$2" \
		>"$tmp/proc/pressure/$1.new"
	mv "$tmp/proc/pressure/$1.new" "$tmp/proc/pressure/$1"
}

meminfo()
{
	printf 'MemTotal:       16000000 kB\nMemFree:          100000 kB\nMemAvailable:   %8d kB\n' "$1" >"$tmp/proc/new"
	mv "$tmp/proc/new" "$tmp/proc/meminfo"
}

says_why()
{
	runnerctl why --run-dir "$tmp/run" 2>/dev/null | grep -Eq "$1"
}

hindrance_is()
{
	runnerctl why --json --run-dir "$tmp/run" 2>/dev/null | grep -Eq "\"hindrance\": *\"$1\""
}

psi cpu 0.00
psi io 12.50
meminfo 8000000
script 'task first echo first'
start_fakehub
start_runnerd -j 2 --proc-dir "$tmp/proc" --max-cpu-pressure 40 --max-io-pressure 80 --max-memory-pressure 20 --min-free-memory 1G \
	--metrics "unix:$tmp/metrics"
ok 'a host that is not pressed claims' wait_ended first success
like "$(grep -c 'does not tell how long processes wait' "$tmp/agent.log")" '^1$' 'what the kernel does not count is said once, and held against nobody'
like "$(cat "$tmp/agent.log")" "pressure/memory: No such file or directory\): --max-memory-pressure holds nothing back" 'by name'

psi cpu 41.20
high='processes have waited for CPUs in 41\.2 % of the last ten seconds, more than the 40 % of --max-cpu-pressure: nothing is claimed until it is 30 %$'
ok 'an idle host that others press notices' wait_log agent "$high" 30
ok 'runnerctl why says it' wait_until 20 says_why "$high"
ok 'with a word for programs' hindrance_is host_pressed
ok 'the hub is told that there is no room' wait_log fakehub 'claim for 0 slots' 20
hub_say 'task second echo second'
psi cpu 35.00
is "$(grep -c 'task second leased' "$tmp/fakehub.log")" 0 'it is given nothing'
curl -s --unix-socket "$tmp/metrics" http://x/metrics >"$tmp/numbers" 2>/dev/null
if [ -s "$tmp/numbers" ]; then
	is "$(grep -E '^runnerd_(host_short|host_pressure_ratio\{resource="io"\}|host_memory_available_bytes) ' "$tmp/numbers" | cut -d' ' -f2 | tr '\n' ' ')" \
		'1 0.125 8192000000 ' 'the numbers are in its metrics'
else
	skip 1 'curl is not there'
fi
psi cpu 29.00
ok 'below a quarter less it claims again' wait_ended second success 60
is "$(grep -c 'nothing is claimed until it is' "$tmp/agent.log") $(grep -c 'tasks are claimed again' "$tmp/agent.log")" '1 1' 'each change is said once'

meminfo 1000000
ok 'memory that is short holds it back, too' wait_until 30 says_why \
	'976\.5 MiB of memory can be had, less than the 1\.0 GiB of --min-free-memory: nothing is claimed until it is 1\.1 GiB$'
meminfo 1300000
hub_say 'task third echo third'
ok 'until there is more' wait_ended third success 60

# Each kind by its own limit.
psi io 80.50
ok 'disks that are waited for hold it back' wait_until 30 says_why \
	'processes have waited for disks in 80\.5 % of the last ten seconds, more than the 80 % of --max-io-pressure: nothing is claimed until it is 60 %$'
psi io 0.00
psi memory 20.10
ok 'memory that is waited for does' wait_until 30 says_why \
	'processes have waited for memory in 20\.1 % of the last ten seconds, more than the 20 % of --max-memory-pressure: nothing is claimed until it is 15 %$'
psi memory 0.00
hub_say 'task fourth echo fourth'
ok 'until none of them is' wait_ended fourth success 60
stop "$agent_pid"

# --- a class that fails ---
mkdir -p "$tmp/hooks"
printf '#!/bin/sh\n[ ! -e %s ]\n' "$tmp/broken" >"$tmp/hooks/pre-job"
chmod 755 "$tmp/hooks/pre-job"
touch "$tmp/broken"
start_runnerd -j 1 --hooks-dir "$tmp/hooks" --pause-after 2 --pause-time 1h
hub_say 'tasks 2 bad echo bad'
ok 'a task fails by the fault of the host' wait_ended bad1 infra-fail
ok 'and a second one' wait_ended bad2 infra-fail
paused='paused for 1h00m, after 2 infrastructure failures in a row, the last: '
ok 'then the class is paused' wait_log agent "$paused" 20
ok 'and the hub is told' wait_log fakehub 'every class is paused' 20
ok 'runnerctl why says so, with the last reason' says_why "$paused.*pre-job"
ok 'in a word, too' hindrance_is class_paused
hub_say 'task later echo later'
is "$(grep -c 'later leased' "$tmp/fakehub.log")" 0 'it is given nothing of it'
stop "$agent_pid"
: >"$tmp/agent.log"
start_runnerd -j 1 --hooks-dir "$tmp/hooks" --pause-after 2 --pause-time 1s
hub_say 'tasks 2 worse echo worse'
wait_log agent 'paused for 1\.0s, after 2 infrastructure failures in a row' 20 || diag 'not paused'
ok 'after its time one is tried' wait_ended worse2 infra-fail 60
ok 'and a failure pauses it for twice as long' wait_log agent 'paused for 2\.0s, after 3 infrastructure failures in a row' 20
rm "$tmp/broken"
hub_say 'task well echo well'
ok 'until one goes well' wait_ended well success 60
touch "$tmp/broken"
hub_say 'task once echo once'
ok 'one failure alone' wait_ended once infra-fail
rm "$tmp/broken"
hub_say 'task again echo again'
ok 'then pauses nothing' wait_ended again success
is "$(grep -c 'infrastructure failures in a row' "$tmp/agent.log")" 2 'it was paused twice in all'
stop "$agent_pid"
done_testing
