# init.sh - for tests of runner-init: scripts for initctl in every way it can be started.
#
#   init_modes                       prints those of "root user none other" that work here
#   play MODE NAME <SCRIPT           $tmp/NAME is the state directory, $out what initctl printed;
#                                    in the script @ stands for the kind of start
#   marked                           processes of this test's steps that are alive: those whose
#                                    arguments name $mark (any file name that begins with it)
#   none_marked | some_marked        for ok and wait_until
#
# root: a PID namespace made by root; user: one in a user namespace, as user 65534;
# none: as we are, no namespace; other: as user 65534, no namespace.
#
# SPDX-License-Identifier: Apache-2.0

mark=$tmp/open/mark.
mkdir "$tmp/open"
chmod 1777 "$tmp/open"
printf '%s\n' "$mark" >"$tmp/pattern"
out=

play()
{
	t_mode=$1
	t_dir_of_state=$tmp/$2
	mkdir -p "$t_dir_of_state"
	chmod 700 "$t_dir_of_state"
	case $t_mode in
	root) t_kind=root t_as= ;;
	user) t_kind=user t_as=as_user ;;
	none) t_kind=none t_as= ;;
	other) t_kind=none t_as=as_user ;;
	esac
	if [ -n "$t_as" ] && [ "$(id -u)" = 0 ]; then
		chown 65534:65534 "$t_dir_of_state"
	fi
	sed "s/^init @/init $t_kind/" |
		$t_as timeout 600 initctl "$t_dir_of_state" >"$tmp/$2.log" 2>"$tmp/$2.err"
	out=$(tr -d '\000' <"$tmp/$2.log")
}

init_modes()
{
	if [ "$(id -u)" = 0 ]; then
		t_wanted='root user none other'
	else
		t_wanted='user none'
	fi
	for t_try in $t_wanted; do
		printf 'init @\nwait HELLO\nquit 0\nend\n' | play "$t_try" "probe-$t_try"
		if grep -qs 'INIT ENDED exit 0' "$tmp/probe-$t_try.log"; then
			echo "$t_try"
		fi
		rm -rf "$tmp/probe-$t_try" "$tmp/probe-$t_try.log" "$tmp/probe-$t_try.err"
	done
}

# grep's own arguments do not hold the pattern: it is in a file.
marked()
{
	grep -lsF -f "$tmp/pattern" /proc/[0-9]*/cmdline
}

some_marked()
{
	marked >/dev/null
}

none_marked()
{
	! some_marked
}

# What the last play printed has a line like this.
said()
{
	printf '%s\n' "$out" | grep -Eq -- "$1"
}

# as_user needs a directory that everybody may write to.
open_dir()
{
	mkdir -p "$1"
	chmod 1777 "$1"
}
