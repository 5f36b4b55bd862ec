# network.sh - what tests of root's runnerd, whose tasks have users of their own, begin with, behind t/lib.sh:
#	. "${0%/*}/lib.sh"
#	. "${0%/*}/network.sh"
#	in_own_network
#	lack=$(slot_users_lack FIRST)
#
# slot_users_lack prints why this host gives no such users, FIRST and those behind it, and nothing where it does.
# What root's runnerd says to the packet filter is said of that network alone, and gone with the test. in_own_network
# starts the file that called it anew there, with a loopback interface; where the host makes no network for us
# it returns, and $own_network is empty. What settings and begin do is what t/5k and t/5u have in common: others
# have their own.
#
# SPDX-License-Identifier: Apache-2.0

own_network=${RUNNER_OWN_NETWORK-}

slot_users_lack()
{
	[ "$(id -u)" = 0 ] || {
		echo 'only root has users to give away'
		return
	}
	setpriv --reuid "$1" --regid "$1" --clear-groups true 2>/dev/null || {
		echo "this container has no user $1"
		return
	}
	timeout 60 runnerd --check --user nobody --slot-uids "$1-$(($1 + 3))" --isolation user --run-dir "$tmp/none/run" \
		--data-dir "$tmp/none/data" --work-dir "$tmp/none/work" --cache-dir "$tmp/none/cache" 2>&1 |
		sed -n 's/^no  tasks  *//p; /^runnerd: /p'
}

in_own_network()
{
	[ -z "$own_network" ] || return 0
	unshare -n ip link set lo up 2>/dev/null || return 0
	rm -rf "$tmp"
	# shellcheck disable=SC2016 # for the other shell
	RUNNER_OWN_NETWORK=yes exec unshare -n sh -c 'ip link set lo up && exec "$@"' - "$0" "$@"
}

# --- a runnerd whose class says what network a task has; as $as, with the options $users -----------------------

start_networked_hub()
{
	unset RUNNERD_USER
	base=$tmp/base
	mkdir "$base" "$base/real"
	start_fakehub
	chmod 666 "$hub_sock"
}

settings() # ISOLATION [HOST'S ISOLATION]: that of the class of every task here
{
	printf 'hub: %s\nisolation: %s\nresource_classes:\n  - {name: local/test, token_file: %s, isolation: %s}\n' \
		"$hub_url" "${2:-auto}" "$base/token" "$1" >"$base/runnerd.yaml"
	cp "$tmp/token" "$base/token"
	[ -z "$as" ] || chown -R 65534:65534 "$base"
	chmod 711 "$base"
}

begin() # [COMMAND...]: runnerd, with these words before it
{
	: >"$tmp/agent.log"
	# shellcheck disable=SC2086 # options, and words or none
	HOME=$base/real start agent "$@" $as runnerd -c "$base/runnerd.yaml" --name test -j 2 $users --run-dir "$base/run" \
		--data-dir "$base/data" --work-dir "$base/work" --cache-dir "$base/cache" --orphan-limit 60s
	agent_pid=$pid
	wait_until 30 grep -qsE 'ready: |^runnerd: ' "$tmp/agent.log"
	grep -qs 'ready: ' "$tmp/agent.log"
}
