#!/bin/sh
# The Debian package under dpkg, in a root of its own: what it holds, and what its scripts ask of systemd when it is
# installed, upgraded, removed and purged. An upgrade never touches what holds the tasks.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/machine.sh"

[ "$(id -u)" = 0 ] || skip_all 'dpkg installs as root alone'
for program in dpkg dpkg-deb dpkg-split make readelf tar rm systemd-sysusers; do
	command -v $program >/dev/null || skip_all "there is no $program here"
done
chroot / true 2>/dev/null || skip_all 'this container forbids chroot'
t_busybox=$(command -v busybox) || skip_all 'there is no busybox (Debian: busybox-static)'

# --- made -----------------------------------------------------------------------------------------

make_deb()
{
	env -u MAKEFLAGS -u MFLAGS make -s -C "$top_builddir" deb deb_dir="$tmp/deb" >"$tmp/make.log" 2>&1
}
ok 'make deb' make_deb
package=$(echo "$tmp"/deb/*.deb)
version=$(dpkg-deb -f "$package" Version)
is "$version" "$(runnerd --version | sed -n 's/^runnerd \([^ ]*\) .*/\1/p')" 'has the version of its programs'
like "$(dpkg-deb -f "$package" Depends)" '(^|, )libc6, .*(, )libssl3, ' 'and depends on what they are linked with'
unlike "$(dpkg-deb -f "$package" Depends)" 'cross|i386' 'and on nothing else'
is "$(dpkg-deb -c "$package" | awk '$1 !~ /^[dl]/ && $2 != "root/root"')" '' 'all of it is root'"'"'s'
like "$(dpkg-deb -c "$package" | awk '{ print $6 }' | tr '\n' ' ')" 'runnerd-tasks.service .*runnerd.service .*sysusers.d/runnerd.conf .*sbin/runnerd .*man8/runnerd.8' \
	'units, users, programs and pages are in it'
mkdir -p "$tmp/later"
dpkg-deb -R "$package" "$tmp/later"
sed -i "s/^Version: .*/&+later/" "$tmp/later/DEBIAN/control"
dpkg-deb --root-owner-group -Zgzip --build "$tmp/later" "$tmp/later.deb" >"$tmp/later.log"

# --- a root of its own --------------------------------------------------------------------------------

t_root=$tmp/root
mkdir -p "$t_root/usr/bin" "$t_root/usr/lib" "$t_root/usr/lib64" "$t_root/etc" "$t_root/tmp" "$t_root/var/lib/dpkg/info" "$t_root/var/lib/dpkg/updates" \
	"$t_root/var/lib/dpkg/triggers" "$t_root/run/systemd/system" "$t_root/usr/sbin" "$t_root/dev"
: >"$t_root/dev/null"
for name in bin sbin lib lib64; do
	ln -s "usr/$name" "$t_root/$name"
done
: >"$t_root/var/lib/dpkg/status"
: >"$t_root/var/lib/dpkg/available"
echo 'root:x:0:0:root:/root:/bin/sh' >"$t_root/etc/passwd"
echo 'root:x:0:' >"$t_root/etc/group"
machine_put "$t_busybox" /bin/busybox
for program in dpkg dpkg-deb dpkg-split tar rm systemd-sysusers; do
	machine_put "$(command -v $program)" "/usr/bin/$program"
done
chroot "$t_root" /bin/busybox --install -s /usr/bin
# What is asked of systemd is a line; what runs is a file.
cat >"$t_root/usr/bin/systemctl" <<'END'
#!/bin/sh
case $* in
'-q is-active '*) [ -e "/run/active.$3" ] ;;
*) echo "$*" >>/run/asked ;;
esac
END
chmod 755 "$t_root/usr/bin/systemctl"
cp "$package" "$t_root/tmp/now.deb"
cp "$tmp/later.deb" "$t_root/tmp/later.deb"

# Its libraries are there, packages are none.
package() # OPTION...
{
	: >"$t_root/run/asked"
	chroot "$t_root" /usr/bin/env PATH=/usr/sbin:/usr/bin LC_ALL=C dpkg --force-bad-path --force-depends "$@" >>"$tmp/dpkg.log" 2>&1
}

asked()
{
	tr '\n' ';' <"$t_root/run/asked"
}

installed() # what is there of it, however it is called
{
	(cd "$t_root" && find . -path ./tmp -prune -o -path ./var/lib/dpkg -prune -o -path ./run/asked -prune -o \
		\( -name '*runner*' -o -name 'circleci*' \) -print | sort)
}

# --- installed, upgraded, removed -------------------------------------------------------------------------

ok 'it is installed' package -i /tmp/now.deb
is "$(asked)" 'daemon-reload;' 'and starts nothing'
is "$(awk -F: '$1 != "root" { print $1, $6 }' "$t_root/etc/passwd" | sort | tr '\n' ' ')" \
	'runner-hub /var/lib/runner-hub runnerd /var/lib/runnerd ' 'its users are there'
ok 'again, where nothing runs' package -i /tmp/now.deb
is "$(asked)" 'daemon-reload;daemon-reload;' 'it starts nothing either'
: >"$t_root/run/active.runnerd.service"
ok 'a later version over it, while runnerd runs' package -i /tmp/later.deb
is "$(asked)" 'daemon-reload;daemon-reload;restart runnerd.service;' 'restarts that, and stops nothing'
rm "$t_root/run/active.runnerd.service"
: >"$t_root/run/active.runner-hub.service"
ok 'the version before, where the hub runs' package -i /tmp/now.deb
is "$(asked)" 'daemon-reload;daemon-reload;restart runner-hub.service;' 'restarts the hub'
mkdir -p "$t_root/run/runnerd" "$t_root/var/lib/runnerd/spool" "$t_root/var/cache/runnerd" "$t_root/var/lib/runner-hub" "$t_root/etc/runner"
ok 'removed' package -r runnerd
is "$(asked)" '-q disable --now runnerd.service runner-hub.service;stop runnerd-tasks.service;daemon-reload;' 'all is stopped, what holds the tasks last'
is "$(installed | tr '\n' ' ')" './etc/runner ./run/active.runner-hub.service ./run/runnerd ./var/cache/runnerd ./var/lib/runner-hub ./var/lib/runnerd ' 'no file of it is left but state'
ok 'purged' package -P runnerd
is "$(installed | tr '\n' ' ')" './etc/runner ./run/active.runner-hub.service ./var/lib/runner-hub ' 'that of the agent is gone, and not the settings and what a hub keeps'
is "$(cat "$t_root/var/lib/dpkg/status")" '' 'and dpkg knows nothing of it'
done_testing
