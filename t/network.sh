# network.sh - runs a test as root in a network of its own, behind t/lib.sh:
#	. "${0%/*}/lib.sh"
#	. "${0%/*}/network.sh"
#	in_own_network
#
# What root's runnerd says to the packet filter is said of that network alone, and gone with the test. in_own_network
# starts the file that called it anew there, with a loopback interface; where the host makes no network for us
# it returns, and $own_network is empty.
#
# SPDX-License-Identifier: Apache-2.0

own_network=${RUNNER_OWN_NETWORK-}

in_own_network()
{
	[ -z "$own_network" ] || return 0
	unshare -n ip link set lo up 2>/dev/null || return 0
	rm -rf "$tmp"
	# shellcheck disable=SC2016 # for the other shell
	RUNNER_OWN_NETWORK=yes exec unshare -n sh -c 'ip link set lo up && exec "$@"' - "$0" "$@"
}
