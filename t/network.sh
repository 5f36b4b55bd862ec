# network.sh - what tests of root's runnerd, whose tasks have users of their own, begin with, behind t/lib.sh:
#	. "${0%/*}/lib.sh"
#	. "${0%/*}/network.sh"
#	in_own_network
#	lack=$(slot_users_lack FIRST)
#
# slot_users_lack prints why this host gives no such users, FIRST and those behind it, and nothing where it does.
# What root's runnerd says to the packet filter is said of that network alone, and gone with the test. in_own_network
# starts the file that called it anew there, with a loopback interface; where the host makes no network for us
# it returns, and $own_network is empty.
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
