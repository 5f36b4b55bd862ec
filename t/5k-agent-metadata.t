#!/bin/sh
# The address where clouds hand out credentials: nobody's task reaches it unless its class says so, where it can be kept from it.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/network.sh"
in_own_network
. "${0%/*}/agent.sh"

command -v python3 >/dev/null || skip_all 'python3 is needed'
start_networked_hub

# --- as a user, who is the tasks' too ------------------------------------------------------------------------

users=
as=
[ "$(id -u)" != 0 ] || as='setpriv --reuid 65534 --regid 65534 --clear-groups'
settings '{metadata_address: block}'
begin
is "$?" 1 'without users of their own, block in the host'"'"'s network is a refusal'
like "$(cat "$tmp/agent.log")" 'the metadata address cannot be blocked in the host.s own network: they have no users of their own' 'that says why'
like "$(cat "$tmp/agent.log")" 'hint: say network: none for this class, start runnerd as root' 'and what can be done'
settings '{}'
ok 'where nothing is said runnerd starts' begin
like "$(cat "$tmp/agent.log")" 'jobs can reach the address where clouds hand out credentials' 'and says that nobody is kept from it'
stop "$agent_pid"
settings '{metadata_address: allow}' '{metadata_address: allow}'
ok 'where it is allowed it starts' begin
unlike "$(cat "$tmp/agent.log")" 'jobs can reach the address' 'and says nothing'
stop "$agent_pid"

# --- as root ---------------------------------------------------------------------------------------------------

first=$((1961000000 + $$ % 60000 * 16))
lacks()
{
	skip 'tasks with users of their own are kept from it' "$1"
	done_testing
	exit 0
}
[ "$(id -u)" = 0 ] || lacks 'only root has users to give away'
setpriv --reuid $first --regid $first --clear-groups true 2>/dev/null || lacks "this container has no user $first"
[ -n "$own_network" ] || lacks 'this host gives us no network of our own, or has no ip (Debian: iproute2)'
[ -x /usr/sbin/nft ] || lacks 'there is no nft (Debian: nftables)'
# The rule that it takes, of nobody; a kernel may have the filter and not all of its words.
printf 'table inet runnerd_probe {\nchain c {\ntype filter hook output priority 0;\n%s\n%s\n}\n}\ndelete table inet runnerd_probe\n' \
	"ip daddr 169.254.169.254 meta skuid $first-$((first + 1)) reject with icmpx admin-prohibited" \
	"ip6 daddr fd00:ec2::254 meta skuid $first-$((first + 1)) reject with icmpx admin-prohibited" | nft -f - 2>/dev/null ||
	lacks 'this kernel has no packet filter for us'
rm -rf "$base"
mkdir "$base" "$base/real"
as=
users="--user nobody --slot-uids $first-$((first + 7))"

ip addr add 169.254.169.254/32 dev lo
ip addr add fd00:ec2::254/128 dev lo nodad 2>/dev/null && six=yes || six=
cat >"$tmp/metadata.py" <<'END2'
import socket, sys, threading
def serve(family, address):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, 80))
    s.listen(64)
    d = socket.socket(family, socket.SOCK_DGRAM)
    d.bind((address, 80))
    threading.Thread(target=datagrams, args=(d,), daemon=True).start()
    sys.stdout.write(f"listening {address}\n")
    sys.stdout.flush()
    while True:
        s.accept()[0].sendall(b"credentials\n")
def datagrams(d):
    while True:
        bytes_, peer = d.recvfrom(100)
        d.sendto(b"credentials\n", peer)
if len(sys.argv) > 1:
    threading.Thread(target=serve, args=(socket.AF_INET6, "fd00:ec2::254"), daemon=True).start()
serve(socket.AF_INET, "169.254.169.254")
END2
# shellcheck disable=SC2086 # a word or none
start metadata python3 "$tmp/metadata.py" $six
wait_log metadata 'listening 169' 20
[ -z "$six" ] || wait_log metadata 'listening fd00' 20

# What a job tries; prints the ways by which it came there.
cat >"$tmp/try.py" <<'END2'
import socket, sys
def tries(way, family, kind, address, prepare=lambda s: None):
    try:
        s = socket.socket(family, kind)
        s.settimeout(5)
        prepare(s)
        s.connect((address, 80))
        s.send(b"x")
        print(way if s.recv(100) == b"credentials\n" else "nothing", end=" ", flush=True)
    except OSError as e:
        pass
four = "169.254.169.254"
tries("tcp", socket.AF_INET, socket.SOCK_STREAM, four)
tries("udp", socket.AF_INET, socket.SOCK_DGRAM, four)
tries("device", socket.AF_INET, socket.SOCK_STREAM, four, lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo"))
tries("mapped", socket.AF_INET6, socket.SOCK_STREAM, "::ffff:" + four)
if len(sys.argv) > 1:
    tries("tcp6", socket.AF_INET6, socket.SOCK_STREAM, "fd00:ec2::254")
    tries("udp6", socket.AF_INET6, socket.SOCK_DGRAM, "fd00:ec2::254")
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
socket.create_connection(s.getsockname())
print("end")
END2
all='tcp udp device '
python3 -c 'import socket; socket.socket(socket.AF_INET6)' 2>/dev/null && all="${all}mapped "
[ -z "$six" ] || all="${all}tcp6 udp6 "

tries() # NAME
{
	hub_say "task $1 python3 $tmp/try.py $six"
	wait_ended "$1" success
	tr '\n' ' ' <"$(got_output "$1")"
}

for level in user namespace; do
	settings "{level: $level}"
	begin
	is "$(tries "closed-$level")" 'end ' "($level) where nothing is said a job reaches nothing of it, and all else"
	stop "$agent_pid"
	settings "{level: $level, metadata_address: allow}" "{level: $level}"
	begin
	is "$(tries "open-$level")" "${all}end " "($level) where its class allows it a job does"
	stop "$agent_pid"
	settings "{level: $level, metadata_address: block}" "{level: $level, metadata_address: allow}"
	begin
	is "$(tries "block-$level")" 'end ' "($level) beside classes that may, one that may not reaches nothing"
	stop "$agent_pid"
done

settings '{level: namespace}'
begin
hub_say "task nested unshare -Ur python3 $tmp/try.py $six"
ok 'a job that is root in a namespace of its own ends' wait_ended nested
is "$(cat "$(got_output nested)")" end 'and reaches nothing either'
hub_say "task stays echo begun; until [ -e $tmp/go ]; do sleep 0.05; done; python3 $tmp/try.py $six"
ok 'a task runs' wait_until 30 grep -qs begun "$(got_output stays)"
stop "$agent_pid" QUIT
touch "$tmp/go"
begin
ok 'it goes on without its runnerd' wait_ended stays success
is "$(tail -n 1 "$(got_output stays)")" end 'and is kept from it all the time'
stop "$agent_pid"

settings '{metadata_address: allow}' '{metadata_address: allow}'
begin
unlike "$(nft list tables)" "runnerd_$first" 'when all may reach it nothing is left in the packet filter'
stop "$agent_pid"
settings '{metadata_address: allow}'
users="--user nobody --slot-uids $first-$((first + 2))"
begin
like "$(cat "$tmp/agent.log")" 'slot-uids are too few: .* 2 tasks need 4' 'those who may and those who may not need users of their own'
users="--user nobody --slot-uids $first-$((first + 7))"

# Without nft.
without() # COMMAND...
{
	# shellcheck disable=SC2016 # for the other shell
	exec unshare -m sh -c 'mount --bind /dev/null /usr/sbin/nft && exec "$@"' - "$@"
}
settings '{metadata_address: block}'
begin without
is "$?" 1 'without nft, block is a refusal'
like "$(cat "$tmp/agent.log")" 'cannot be blocked in the host.s own network: nft is not there \(Debian: nftables\)' 'that says what is missing'
settings '{}'
ok 'where nothing is said runnerd starts' begin without
like "$(cat "$tmp/agent.log")" 'warn .*jobs can reach the address where clouds hand out credentials .*: nft is not there' 'and warns'
stop "$agent_pid"
done_testing
