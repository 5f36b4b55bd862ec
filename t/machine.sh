# machine.sh - runs a test in a machine of its own, behind t/lib.sh:
#	. "${0%/*}/lib.sh"
#	. "${0%/*}/machine.sh"
#	in_machine
#
# For what a test may not ask of the host: a pure cgroup v2 hierarchy, memory that runs out, a
# service manager, root. in_machine boots qemu-system with Debian's own kernel, a small file
# system made here and no network, and there runs the file that called it, from its first line; that
# run's TAP is this one's, and in_machine does not return. Inside it returns at once: what follows is
# root, in a machine where nothing else runs. Where there is no qemu or kernel it skips the whole
# file and says what is missing.
#
# Before in_machine: machine_cpus (2), machine_memory (MiB, 512), machine_disk (MiB: a disk of its own, $machine_disk_device, with an ext4,
# with project quotas where this host has that kernel's modules; 0, and where it has no mkfs.ext4: none), machine_seconds (240, the longest that
# it may take), machine_tools (more programs and files of this host, by path), machine_systemd=yes (Debian's systemd is
# the first process and the test one of its units; its targets are there, and nothing that they want but network.target).
#
# In the machine are busybox, sh, bash, setpriv, the programs of the build tree and t/*.sh, below the same two
# directories; / is a tmpfs. The processor is emulated (TCG): it takes three seconds to
# boot, behaves alike everywhere and needs no right; MACHINE_ACCEL=kvm is for hosts where that works.
#
# SPDX-License-Identifier: Apache-2.0

machine_cpus=2
machine_memory=512
: "${machine_seconds:=240}"
machine_disk=0
machine_disk_device=/dev/nvme0n1
machine_tools=
machine_systemd=
machine_programs='runnerd runner-init runner-launcher runner-hub runnerctl runner-archive helper/circleci-agent t/actor t/fakehub'
: "${MACHINE_ACCEL:=tcg}"

# The newest kernel of Debian's that we may read, or that of MACHINE_KERNEL.
machine_kernel()
{
	t_kernel=${MACHINE_KERNEL-}
	[ -z "$t_kernel" ] || return 0
	for t_file in /boot/vmlinuz-*; do
		[ -r "$t_file" ] && t_kernel=$t_file
	done
	[ -n "$t_kernel" ]
}

# machine_put FILE [NAME]: FILE, and the libraries it is linked with, at the same place there.
machine_put()
{
	mkdir -p "$t_root/${2:-$1}" && rmdir "$t_root/${2:-$1}" 2>/dev/null
	cp -L "$1" "$t_root/${2:-$1}" || return 1
	# "name => /path (address)", or the loader's own "/path (address)".
	ldd "$1" 2>/dev/null | sed -n 's/.*[[:space:]]\(\/[^ ]*\) (0x.*/\1/p' |
		while read -r t_library; do
			[ -e "$t_root$t_library" ] && continue
			mkdir -p "$t_root${t_library%/*}"
			cp -L "$t_library" "$t_root$t_library"
		done
}

machine_init_script()
{
	cat <<END
#!/bin/busybox sh
# From the kernel's own file system, which cannot be left or unmounted, to a tmpfs.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
if [ ! -e /in-tmpfs ]; then
	/bin/busybox mkdir -p /new
	/bin/busybox mount -t tmpfs -o mode=755,size=75% root /new
	for name in /*; do [ \$name = /new ] || /bin/busybox cp -r \$name /new/; done
	: >/new/in-tmpfs
	exec /bin/busybox switch_root /new /init
fi
/bin/busybox --install -s /usr/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for name in /quota-modules/*.ko; do [ ! -e \$name ] || insmod \$name; done
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t tmpfs -o mode=755 run /run
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup /sys/fs/cgroup
chmod 1777 /tmp /var/tmp
ip link set lo up
stty -F /dev/ttyS1 raw -echo
[ -z '$machine_systemd' ] || exec /usr/lib/systemd/systemd
exec /run-test
END
}

machine_run_script()
{
	cat <<END
#!/bin/busybox sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export RUNNER_MACHINE=1 top_srcdir='$top_srcdir' top_builddir='$top_builddir'
cd /
setsid timeout $((machine_seconds - 60)) '$t_dir/${0##*/}' </dev/null >/dev/ttyS1 2>&1
echo "machine: ended with \$?" >/dev/ttyS0
sync
poweroff -f
END
}

# systemd and what it needs to start units: no journal, no bus, no udev; what units say is on the machine's screen.
machine_put_systemd()
{
	for t_file in /usr/lib/systemd/systemd /usr/lib/systemd/systemd-shutdown /usr/bin/systemctl /usr/bin/systemd-analyze; do
		machine_put "$t_file" || return 1
	done
	mkdir -p "$t_root/usr/lib/systemd/system" "$t_root/etc/systemd/system" "$t_root/var/lib/systemd"
	cp -P /usr/lib/systemd/system/*.target "$t_root/usr/lib/systemd/system/"
	mkdir -p "$t_root/usr/lib/systemd/user"
	cp -P /usr/lib/systemd/user/*.target "$t_root/usr/lib/systemd/user/"
	printf '[Manager]\nDefaultStandardOutput=tty\nLogTarget=console\nStatusUnitFormat=name\nShowStatus=no\n' >"$t_root/etc/systemd/system.conf"
	ln -s /usr/lib/systemd/system/multi-user.target "$t_root/etc/systemd/system/default.target"
	: >"$t_root/etc/machine-id"
	cat >"$t_root/etc/systemd/system/machine-test.service" <<END
[Service]
ExecStart=/run-test
StandardError=inherit
KillMode=process
END
	mkdir -p "$t_root/etc/systemd/system/multi-user.target.wants"
	ln -s ../machine-test.service "$t_root/etc/systemd/system/multi-user.target.wants/"
}

# What ext4 wants before it counts for quotas, in the order in which they are loaded.
machine_put_quota()
{
	t_modules=/lib/modules/${t_kernel##*/vmlinuz-}/kernel/fs/quota
	[ "$machine_disk" -gt 0 ] && [ -r "$t_modules/quota_v2.ko" ] || return 0
	mkdir "$t_root/quota-modules"
	cp "$t_modules/quota_tree.ko" "$t_root/quota-modules/1.ko"
	cp "$t_modules/quota_v2.ko" "$t_root/quota-modules/2.ko"
	t_quota='-O quota,project -E quotatype=prjquota'
}

machine_build()
{
	t_quota=
	t_root=$tmp/machine
	mkdir -p "$t_root" "$t_root/usr/bin" "$t_root/usr/lib" "$t_root/usr/lib64" "$t_root/proc" "$t_root/sys" \
		"$t_root/dev" "$t_root/run" "$t_root/tmp" "$t_root/var/tmp" "$t_root/etc" "$t_root/root" "$t_root$t_dir" "$t_root$top_builddir/t"
	for t_name in bin lib lib64; do
		ln -s "usr/$t_name" "$t_root/$t_name"
	done
	ln -s usr/bin "$t_root/sbin" && ln -s bin "$t_root/usr/sbin"
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$t_root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$t_root/etc/group"
	machine_put "$t_busybox" /bin/busybox || return 1
	# shellcheck disable=SC2086 # a list of words
	for t_file in /bin/sh /bin/bash /usr/bin/setpriv $machine_tools; do
		machine_put "$t_file" || return 1
	done
	for t_file in $machine_programs; do
		[ ! -e "$top_builddir/$t_file" ] || machine_put "$top_builddir/$t_file" || return 1
	done
	cp "$t_dir"/*.sh "$0" "$t_root$t_dir/"
	[ -z "$machine_systemd" ] || machine_put_systemd || return 1
	machine_put_quota
	machine_init_script >"$t_root/init"
	machine_run_script >"$t_root/run-test"
	chmod 755 "$t_root/init" "$t_root/run-test"
	(cd "$t_root" && find . | "$t_busybox" cpio -o -H newc >"$tmp/machine.cpio" 2>/dev/null)
	rm -rf "$t_root"
}

# A driver for NVMe is in Debian's kernel, none for other disks.
machine_disk_options()
{
	t_disk=$tmp/machine.disk
	[ "$machine_disk" -gt 0 ] && command -v mkfs.ext4 >/dev/null || return 0
	# shellcheck disable=SC2086 # options, or none
	truncate -s "${machine_disk}M" "$t_disk" && mkfs.ext4 -q -F $t_quota "$t_disk" 2>"$tmp/mkfs.log" || return 0
	echo "-drive file=$t_disk,format=raw,if=none,id=disk -device nvme,drive=disk,serial=disk"
}

# On a busy host an emulated timer may miss what Linux looks for at boot (no_timer_check), and where little
# happens randomness takes its time (trust_cpu).
# Its screen goes to $tmp/console.log, printed where a test fails; the second line to $tmp/tap.
machine_boot()
{
	# shellcheck disable=SC2046 # options of a disk, or none
	timeout -k 5 "$machine_seconds" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-accel "$MACHINE_ACCEL" -cpu max -smp "$machine_cpus" -m "$machine_memory" \
		-serial "file:$tmp/console.log" -serial "file:$tmp/tap" $(machine_disk_options) \
		-kernel "$t_kernel" -initrd "$tmp/machine.cpio" \
		-append 'console=ttyS0 quiet loglevel=4 panic=-1 edd=off no_timer_check random.trust_cpu=on' </dev/null >"$tmp/qemu.log" 2>&1 &
	t_pids="$t_pids $!"
	wait "$!"
}

in_machine()
{
	[ -z "${RUNNER_MACHINE-}" ] || return 0
	[ "$(uname -m)" = x86_64 ] || skip_all "the machine is made for x86-64 hosts only"
	command -v qemu-system-x86_64 >/dev/null || skip_all "there is no qemu-system-x86_64 (Debian: qemu-system-x86)"
	t_busybox=$(command -v busybox) || skip_all "there is no busybox (Debian: busybox-static)"
	[ -z "$machine_systemd" ] || [ -x /usr/lib/systemd/systemd ] || skip_all "there is no systemd here (Debian: systemd)"
	machine_kernel || skip_all "there is no kernel to read in /boot (Debian: linux-image-cloud-amd64)"
	if [ ! -x "$top_builddir/runnerd" ] || ! machine_build; then
		diag "the machine's file system could not be made of '$top_builddir'"
		exit 1
	fi
	: >"$tmp/tap"
	machine_boot
	t_status=$?
	cat "$tmp/tap"
	t_planned=$t_count
	if ! grep -q '^machine: ended with 0' "$tmp/console.log"; then
		[ "$t_status" -ne 124 ] || diag "the machine was still running after $machine_seconds s"
		t_failed=1
	fi
	exit "$t_failed"
}
