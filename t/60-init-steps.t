#!/bin/sh
# runner-init: how steps start, what they find, how they end.
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/init.sh"

actor=$top_builddir/t/actor

runner-init >"$tmp/by-hand" 2>&1
is "$?" 2 'runner-init by hand is refused with status 2'
is "$(cat "$tmp/by-hand")" \
	'runner-init: it is started by runnerd for each task and cannot be used by hand' \
	'and says so in one sentence'
runner-init --task >"$tmp/by-hand" 2>&1 </dev/null 3</dev/null 4</dev/null
is "$?" 2 'descriptors that are no socket and no directory are refused too'
like "$(runner-init --version)" '^runner-init [0-9]' 'it has a version'
like "$(runner-init --help)" '--orphan-ms N' 'it has a help text'
undocumented=
for option in $(runner-init --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
	grep -Fq -- "$(printf '%s' "$option" | sed 's/-/\\-/g')" "$top_srcdir/man/runner-init.8" ||
		undocumented="$undocumented $option"
done
is "$undocumented" '' 'every option of its help is in its man page'

modes=$(init_modes)
ok 'runner-init can be started in some way' test -n "$modes"

for mode in $modes; do
	open_dir "$tmp/open-$mode"
	play "$mode" "life-$mode" <<-END
		init @
		wait HELLO
		start 0 -- $actor text=first exit=7
		wait STEP_STARTED 0
		wait STEP_EXITED 0
		output 0
		start 1 -- $actor text=second kill=SEGV
		wait STEP_EXITED 1
		start 2 cwd=$tmp/open-$mode/made/deep umask=027 env=PATH=/nowhere:$top_builddir/t env=A=b=c env=EMPTY= -- actor cwd umask env fds touch=new
		wait STEP_EXITED 2
		output 2
		start 3 -- $actor args '' 'two words' 'new' '*' --
		wait STEP_EXITED 3
		output 3
		start 4 rlimit=7:123:456 -- $actor 'proc=limits:Max open files'
		wait STEP_EXITED 4
		output 4
		start 5 flags=2 -- $actor proc=status:NoNewPrivs proc=status:SigBlk proc=status:SigIgn proc=status:CapInh proc=status:CapAmb
		wait STEP_EXITED 5
		output 5
		start 6 -- $actor text=1 reopen text=2 reopen=/dev/stderr text=3 reopen=/proc/self/fd/1 text=4
		wait STEP_EXITED 6
		output 6
		start 7 -- $actor print=0 verify=0
		wait STEP_EXITED 7
		start 8 big=131071 -- $actor exit=0
		wait STEP_EXITED 8
		start 9 deny=$(uname -m | grep -q x86_64 && echo 83 || echo 34) -- /bin/mkdir $tmp/open-$mode/denied
		wait STEP_EXITED 9
		output 9
		start 10 -- $actor 'proc=oom_score_adj:'
		wait STEP_EXITED 10
		output 10
		quit 0
		end
		records
	END
	ok "$mode: exit status comes back" said '^STEP_EXITED step=0 attempt=0 status=1792 why=itself'
	ok "$mode: and what was printed" said '^first$'
	ok "$mode: a signal's death comes back" said '^STEP_EXITED step=1 attempt=0 status=(11|139) why=itself'
	ok "$mode: the working directory is made and entered" said "^cwd=$tmp/open-$mode/made/deep$"
	is "$(stat -c %a "$tmp/open-$mode/made/deep/new")" 640 "$mode: under the step's umask"
	is "$(printf '%s\n' "$out" | sed -n '/^PATH=/,/^EMPTY=/p')" \
		"PATH=/nowhere:$top_builddir/t
A=b=c
EMPTY=" "$mode: the environment is the given one and nothing else, its PATH is searched"
	ok "$mode: a step has three descriptors" said '^fds=0,1,2$'
	is "$(printf '%s\n' "$out" | sed -n 's/^arg=//p' | tr '\n' ,)" ',two words,new,*,--,' \
		"$mode: arguments come as they are"
	ok "$mode: limits are set" said 'Max open files +123 +456'
	ok "$mode: no_new_privs is set when asked" said '^NoNewPrivs:.1$'
	ok "$mode: no signal is blocked" said '^SigBlk:.0+$'
	ok "$mode: no signal is ignored" said '^SigIgn:.0+$'
	ok "$mode: no capability is inheritable" said '^CapInh:.0+$'
	ok "$mode: none is ambient" said '^CapAmb:.0+$'
	like "$(printf '%s\n' "$out" | tr '\n' ' ')" ' 1 2 3 4 ' \
		"$mode: /dev/stdout and /dev/stderr can be opened again"
	ok "$mode: standard input is empty" said '^STEP_EXITED step=7 attempt=0 status=0 '
	ok "$mode: an argument of 128 KiB less one byte arrives" said '^STEP_EXITED step=8 attempt=0 status=0 '
	ok "$mode: a denied system call is denied" said 'Operation not permitted'
	ok "$mode: and did nothing" test ! -e "$tmp/open-$mode/denied"
	ok "$mode: the out-of-memory score is the usual" said '^0$'
	ok "$mode: every end is a record" test "$(printf '%s\n' "$out" | grep -c '^RECORD .* exited')" = 11
	ok "$mode: the last record is the end" said '^RECORD 11 end reason=quit left=0$'

	: >"$tmp/open-$mode/plain"
	printf 'no program\n' >"$tmp/open-$mode/text"
	chmod 755 "$tmp/open-$mode/text"
	play "$mode" "fail-$mode" <<-END
		init @
		wait HELLO
		start 0 -- /nonexistent/sh -c true
		start 1 env=PATH=/nonexistent -- sh -c true
		start 2 cwd=$tmp/open-$mode/plain/below -- $actor
		start 3 cwd=$tmp/open-$mode/plain -- $actor
		start 4 -- $tmp/open-$mode/plain
		start 5 -- $tmp/open-$mode/text
		start 6 rlimit=99:1:1 -- $actor
		start 7 cwd=/proc/made -- $actor
		start 8 flags=64 -- $actor
		start 9 -- $actor sleep
		start 9 -- $actor
		wait STEP_FAILED_TO_START 0
		wait STEP_FAILED_TO_START 1
		wait STEP_FAILED_TO_START 2
		wait STEP_FAILED_TO_START 3
		wait STEP_FAILED_TO_START 4
		wait STEP_FAILED_TO_START 5
		wait STEP_FAILED_TO_START 6
		wait STEP_FAILED_TO_START 7
		wait STEP_FAILED_TO_START 8
		wait STEP_FAILED_TO_START 9
		signal 0 15
		wait ERROR
		signal 9 65
		wait ERROR
		ack 9
		wait ERROR
		ack 77
		garbage 00
		wait ERROR
		garbage 0102100000000000000000000f000000
		wait ERROR
		garbage 0102100000000000000000000f000000 1
		wait ERROR
		garbage 01051200000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 4
		wait ERROR
		echo STILL-THERE
		start 10 -- $actor text=works
		wait STEP_EXITED 10
		output 10
		quit 0
		end
	END
	ok "$mode: a missing program is said" said '^STEP_FAILED_TO_START step=0 attempt=0 what=exec sys=2$'
	ok "$mode: also after a search" said '^STEP_FAILED_TO_START step=1 attempt=0 what=exec sys=2$'
	ok "$mode: a directory below a file cannot be entered" said 'step=2 attempt=0 what=cwd_enter sys=20$'
	ok "$mode: a file is no directory" said 'step=3 attempt=0 what=cwd_enter sys=20$'
	ok "$mode: a file that may not be executed" said 'step=4 attempt=0 what=exec sys=13$'
	ok "$mode: a file that is no program" said 'step=5 attempt=0 what=exec sys=8$'
	ok "$mode: a limit that does not exist" said 'step=6 attempt=0 what=rlimit sys=22$'
	ok "$mode: a directory that cannot be made" said 'step=7 attempt=0 what=cwd_make sys=[0-9]+$'
	ok "$mode: an unknown flag is refused" said 'step=8 attempt=0 what=message sys=22$'
	ok "$mode: a step that is there is not started twice" said 'step=9 attempt=0 what=twice sys=17$'
	ok "$mode: a signal for a step that has ended" said '^ERROR what=no_step sys=3 step=0$'
	ok "$mode: a signal that does not exist" said '^ERROR what=signal sys=22 step=9$'
	ok "$mode: a running step is not forgotten" said '^ERROR what=still_runs sys=16 step=9$'
	is "$(printf '%s\n' "$out" | grep -c '^ERROR what=message')" 3 "$mode: malformed messages are said"
	ok "$mode: and it goes on" said '^works$'

	play "$mode" "quick-$mode" <<-END
		init @
		wait HELLO
		quick 1000 -- $actor
		start 1 -- $actor print=3000000 exit=0
		finish 1
		save 1 $tmp/open-$mode/lines
		start 2 -- $actor pattern=binary piece=777 print=200000
		finish 2
		save 2 $tmp/open-$mode/binary
		start 3 -- $actor pattern=nul raw=begin print=5000 raw=end
		finish 3
		save 3 $tmp/open-$mode/nul
		quit 0
		end
	END
	ok "$mode: 1,000 steps one after the other" said '^QUICK 1000$'
	ok "$mode: every line of a long output is there" \
		"$actor" verify=3000000 <"$tmp/open-$mode/lines"
	ok "$mode: every byte of a binary one" \
		"$actor" pattern=binary verify=200000 <"$tmp/open-$mode/binary"
	is "$(tr -d '\000' <"$tmp/open-$mode/nul") $(wc -c <"$tmp/open-$mode/nul")" 'beginend 5008' \
		"$mode: NULs and a missing newline are kept"
done

# Ids are root's to set, and such a step must be able to reach its program (not in a build tree below /root).
if [ "$(id -u)" = 0 ] && ! as_user test -x "$actor"; then
	skip 'steps of other users' "other users cannot reach $actor"
elif [ "$(id -u)" = 0 ] && ! setpriv --reuid 1234 --regid 2345 --groups 7,100000 true 2>/dev/null; then
	skip 'steps of other users' 'this container has no users 1234 and 100000'
elif [ "$(id -u)" = 0 ]; then
	for mode in $modes; do
		case $mode in
		root | none) ;;
		*) continue ;;
		esac
		open_dir "$tmp/ids"
		play "$mode" "ids-$mode" <<-END
			init @
			wait HELLO
			start 0 flags=4 uid=1234 gid=2345 groups=7,100000 cwd=$tmp/ids/made-$mode -- $actor ids reopen text=reopened
			wait STEP_EXITED 0
			output 0
			start 1 flags=4 uid=1234 gid=1234 cwd=$tmp/ids -- $actor ids proc=status:CapEff proc=status:CapPrm
			wait STEP_EXITED 1
			output 1
			start 2 flags=8 cgroup=$tmp/ids/procs-$mode -- $actor
			wait STEP_EXITED 2
			quit 0
			end
		END
		ok "$mode: user, group and groups are set" said '^uid=1234 gid=2345 groups=7,100000$'
		ok "$mode: its output can be opened again" said '^reopened$'
		is "$(stat -c %u:%g "$tmp/ids/made-$mode")" 1234:2345 "$mode: its directory is its own"
		ok "$mode: no groups are left over" said '^uid=1234 gid=1234 groups=$'
		ok "$mode: no capability is left over" said '^CapEff:.0+$'
		is "$(cat "$tmp/ids/procs-$mode")" 0 "$mode: it enters the control group before it runs"
	done
else
	skip 'steps of other users' 'only root can set ids'
fi

done_testing
