#!/bin/sh
# Tasks with a network of their own reach the outside, and neither this host's loopback, nor the metadata address, nor one another; nobody reaches them.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/network.sh"
in_own_network
. "${0%/*}/agent.sh"

[ "$(id -u)" = 0 ] || skip_all 'only root has a network to give away'
[ -n "$own_network" ] || skip_all 'this host gives us no network of our own, or has no ip (Debian: iproute2)'
command -v python3 >/dev/null || skip_all 'python3 is needed'
[ -x /usr/bin/pasta ] || skip_all 'there is no pasta (Debian: passt)'
setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Urn true 2>/dev/null || skip_all 'users get no namespaces on this host'
ip tuntap add dev up0 mode tap 2>/dev/null || skip_all 'this host has no /dev/net/tun'
start_networked_hub

# --- the world around the host: one way out, an outside that answers, and what must not be reached --------------

ip addr add 192.0.2.7/24 dev up0
ip link set up0 up
ip route add default via 192.0.2.1
(cd / && setpriv --reuid 65534 --regid 65534 --clear-groups timeout 60 pasta --config-net -t none -u none -T none -U none true </dev/null) >/dev/null 2>&1 ||
	skip_all 'pasta gives users no network on this host'
ip addr add 198.51.100.5/32 dev lo
ip addr add 169.254.169.254/32 dev lo
ip addr add fd00:ec2::254/128 dev lo nodad 2>/dev/null && six=fd00:ec2::254 || six=
cat >"$tmp/world.py" <<'END2'
import socket, sys, threading
def streams(address, port, word):
    s = socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    def serve():
        while True:
            c = s.accept()[0]
            c.recv(1) # or its end is a reset, which may overtake the word
            c.sendall(word)
            c.close()
    threading.Thread(target=serve).start()
def datagrams(address, port, word):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, port))
    def serve():
        while True:
            s.sendto(word, s.recvfrom(100)[1])
    threading.Thread(target=serve).start()
streams("198.51.100.5", 8000, b"outside")
for address in "127.0.0.1", "192.0.2.7":
    streams(address, 8000, b"host")
for address in sys.argv[1:]:
    streams(address, 80, b"credentials")
datagrams("169.254.169.254", 80, b"credentials")
datagrams("127.0.0.1", 53, b"resolver")
print("the world is there", flush=True)
END2
# shellcheck disable=SC2086 # a word or none
start world "$t_python" "$tmp/world.py" 169.254.169.254 $six
wait_log world 'is there' 20

# What a job tries; prints each way by which somebody answered, and who.
cat >"$tmp/try.py" <<'END2'
import socket, sys
hoped = sys.argv[1:] # for an answer from these it waits long
def tries(way, address, port, kind=socket.SOCK_STREAM, device=None):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    s.settimeout(30 if way in hoped else 0.3)
    try:
        if device:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
        s.connect((address, port))
        s.send(b"x")
        print(way, s.recv(100).decode(), end=" ", flush=True)
    except OSError:
        pass
tries("out", "198.51.100.5", 8000)
for address in "127.0.0.1", "192.0.2.7", "192.0.2.1":
    tries(address, address, 8000)
four = "169.254.169.254"
tries("tcp", four, 80)
tries("udp", four, 80, socket.SOCK_DGRAM)
tries("eth0", four, 80, device=b"eth0")
tries("eth0-udp", four, 80, socket.SOCK_DGRAM, b"eth0")
tries("lo", four, 80, device=b"lo")
tries("mapped", "::ffff:" + four, 80)
tries("tcp6", "fd00:ec2::254", 80)
tries("eth0-6", "fd00:ec2::254", 80, device=b"eth0")
for line in open("/etc/resolv.conf"):
    if line.startswith("nameserver"):
        tries("dns", line.split()[1], 53, socket.SOCK_DGRAM)
print("end")
END2

# Listens where everybody could reach it, and tries whether somebody else's does.
cat >"$tmp/port.py" <<'END2'
import os, socket, sys, time
s = socket.create_server(("", 8123))
print("listening", flush=True)
s.settimeout(0.1)
while not os.path.exists(sys.argv[1]):
    try:
        s.accept()
        print("somebody came", flush=True)
    except OSError:
        pass
END2
cat >"$tmp/knock.py" <<'END2'
import socket
for address in "127.0.0.1", "192.0.2.7", "192.0.2.1", "198.51.100.5":
    try:
        socket.create_connection((address, 8123), 0.3)
        print("reached", address, end=" ")
    except OSError:
        pass
print("end")
END2

# This host's resolver is on its loopback.
at_home() # COMMAND...
{
	# shellcheck disable=SC2016 # for the other shell
	exec unshare -m sh -c 'mount --bind "$0" "$(realpath /etc/resolv.conf)" && exec "$@"' "$tmp/resolv.conf" "$@"
}
printf 'search example.org\nnameserver 127.0.0.1\n' >"$tmp/resolv.conf"
chmod 644 "$tmp/resolv.conf"

run() # NAME COMMAND: what it printed, in one line
{
	hub_say "task $1 $2"
	wait_ended "$1" success 60
	tr '\n' ' ' <"$(got_output "$1")"
}

pastas() # the pids of those that have their sockets in this network
{
	here=$(readlink /proc/self/ns/net)
	for proc in /proc/[0-9]*; do
		[ "$(readlink "$proc/ns/net" 2>/dev/null)" = "$here" ] && grep -qsE '^(pasta|passt)' "$proc/comm" && echo "${proc#/proc/}"
	done
	:
}
no_pasta()
{
	[ -z "$(pastas)" ]
}
says() # NAME WORDS: a task's output so far
{
	grep -qs "$2" "$(got_output "$1")"
}

walk() # WHO
{
	settings '{level: namespace}'
	if ! begin; then
		skip "($1) tasks have a way outside" "$(sed -n 's/^runnerd: //p' "$tmp/agent.log")"
		return
	fi
	stop "$agent_pid"
	settings '{level: namespace, network: outside}'
	ok "($1) runnerd starts" begin at_home || { diag "$(cat "$tmp/agent.log")"; done_testing; exit 1; }
	is "$(run "tries-$1" "python3 $tmp/try.py out dns")" 'out outside dns resolver end ' \
		"($1) a job reaches the outside and the resolver, neither this host's loopback, nor its own addresses, nor the metadata address"
	is "$(run "nested-$1" "unshare -Ur sh -c 'ip addr del 169.254.169.254/32 dev eth0 2>/dev/null; ip link set eth0 down 2>/dev/null; python3 $tmp/try.py out dns'")" \
		'out outside dns resolver end ' "($1) nor does one that is root in a namespace of its own, which can change nothing of its network"

	hub_say "task first-$1 python3 $tmp/port.py $base/go-$1"
	hub_say "task second-$1 python3 $tmp/port.py $base/go-$1 & until [ -e $base/knock-$1 ]; do sleep 0.05; done; python3 $tmp/knock.py; wait"
	ok "($1) two tasks listen on the same port" wait_until 30 says "first-$1" listening
	ok "($1) at the same time" wait_until 30 says "second-$1" listening
	is "$(python3 "$tmp/knock.py")" end "($1) nobody outside reaches that"
	touch "$base/knock-$1"
	ok "($1) the second tries" wait_until 60 says "second-$1" end
	touch "$base/go-$1"
	wait_ended "first-$1" success
	wait_ended "second-$1" success
	is "$(tr '\n' ' ' <"$(got_output "first-$1")")" 'listening ' "($1) and nobody has come from the other task"
	ok "($1) no pasta is left" wait_until 30 no_pasta

	hub_say "task stays-$1 echo begun; until [ -e $base/later-$1 ]; do sleep 0.05; done; python3 $tmp/try.py out dns"
	ok "($1) a task runs" wait_until 30 says "stays-$1" begun
	before=$(pastas)
	stop "$agent_pid" KILL
	touch "$base/later-$1"
	ok "($1) runnerd is there again after kill -9" begin at_home
	wait_ended "stays-$1" success
	is "$(tail -n 1 "$(got_output "stays-$1")")" 'out outside dns resolver end' "($1) and the task has had its way outside all the time"
	like "$before" '^[0-9]+$' "($1) by one pasta"
	ok "($1) which is gone with it" wait_until 30 no_pasta

	hub_say "task cut-$1 echo begun; until [ -e $base/cut-$1 ]; do sleep 0.05; done; python3 $tmp/try.py"
	ok "($1) another runs" wait_until 30 says "cut-$1" begun
	kill -9 "$(pastas)"
	ok "($1) where its pasta is killed, that is said" wait_log agent "runner-init cannot keep the task's way outside: pasta has ended" 30
	touch "$base/cut-$1"
	wait_ended "cut-$1" success
	is "$(tail -n 1 "$(got_output "cut-$1")")" end "($1) the task goes on, and reaches nothing"

	hub_say "task dies-$1 echo begun; sleep 600"
	ok "($1) one more runs" wait_until 30 says "dies-$1" begun
	init=$(pastas)
	init=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$init/status")
	kill -9 "$init"
	wait_ended "dies-$1" infra-fail
	ok "($1) where runner-init is killed, its pasta is gone" wait_until 30 no_pasta
	stop "$agent_pid"

	settings '{level: namespace, network: outside, metadata_address: allow}'
	ok "($1) runnerd starts with a class that may" begin
	like "$(run "may-$1" "python3 $tmp/try.py out tcp udp eth0 eth0-udp mapped")" '^out outside tcp credentials udp credentials eth0 credentials eth0-udp credentials mapped credentials ' \
		"($1) its jobs reach the metadata address"
	stop "$agent_pid"
	settings '{level: namespace, network: outside, metadata_address: block}'
	ok "($1) block can be had without the host's packet filter" begin
	stop "$agent_pid"
}

as='setpriv --reuid 65534 --regid 65534 --clear-groups'
users=
walk user

# --- what cannot be had --------------------------------------------------------------------------------------

without() # COMMAND...
{
	# shellcheck disable=SC2016 # for the other shell
	exec unshare -m sh -c 'mount --bind /dev/null /usr/bin/passt && exec "$@"' - "$@"
}
begin without
is "$?" 1 'without pasta a class that asks for it is a refusal'
like "$(cat "$tmp/agent.log")" "resource class 'local/test': network: outside is by pasta, which is not there" 'that says so'
like "$(cat "$tmp/agent.log")" 'hint: install it \(Debian: passt\)' 'and what to install'
no_way()
{
	# shellcheck disable=SC2016 # for the other shell
	exec unshare -n sh -c 'ip link set lo up && exec "$@"' - "$@"
}
begin no_way
is "$?" 1 'so it is where this host has no way outside'
like "$(cat "$tmp/agent.log")" "runner-init cannot outside '/usr/bin/pasta': External interface not usable" 'in the words of pasta'
as=
rm -rf "$base"
mkdir "$base" "$base/real"
users='--user root'
settings '{level: namespace, network: outside}'
begin
is "$?" 1 'and where tasks are root'
like "$(cat "$tmp/agent.log")" 'network: outside is not for tasks that are root' 'who have rights over their network'

# --- tasks with users of their own ---------------------------------------------------------------------------

first=$((1951000000 + $$ % 60000 * 16))
lack=$(slot_users_lack $first)
if [ -n "$lack" ]; then
	skip 'tasks with users of their own reach the outside' "$lack"
	done_testing
	exit 0
fi
rm -rf "$base"
mkdir "$base" "$base/real"
users="--user nobody --slot-uids $first-$((first + 7))"
walk slots
done_testing
