#!/bin/sh
# runner-init: deadlines, signals, and that a task's end leaves no process behind.
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/init.sh"

actor=$top_builddir/t/actor
modes=$(init_modes)
ok 'runner-init can be started in some way' test -n "$modes"

for mode in $modes; do
	play "$mode" "deadline-$mode" <<-END
		init @
		wait HELLO
		start 0 deadline=100 -- $actor sleep
		wait STEP_EXITED 0
		start 1 deadline=3000 grace=150 -- $actor ignore=TERM sleep ${mark}1
		wait STEP_EXITED 1
		start 2 deadline=100 grace=4294967295 -- $actor sleep
		wait STEP_EXITED 2
		start 3 deadline=100 grace=100 -- /bin/sh -c '$actor ignore=TERM sleep ${mark}3 & exec $actor sleep'
		wait STEP_EXITED 3
		start 4 deadline=20000 -- $actor exit=0
		wait STEP_EXITED 4
		start 5 deadline=100 -- $actor kill=STOP
		wait STEP_EXITED 5
		start 6 deadline=50 -- $actor sleep
		start 7 deadline=50 -- $actor sleep
		start 8 -- $actor sleep=0.2
		wait STEP_EXITED 6
		wait STEP_EXITED 7
		wait STEP_EXITED 8
		quit 0
		end
	END
	ok "$mode: a deadline is a TERM" said '^STEP_EXITED step=0 attempt=0 status=15 why=deadline'
	ok "$mode: then a KILL" said '^STEP_EXITED step=1 attempt=0 status=9 why=deadline'
	ok "$mode: at once when there is no grace" said '^STEP_EXITED step=2 attempt=0 status=9 why=deadline'
	ok "$mode: the rest of its group goes with it" said '^STEP_EXITED step=3 attempt=0 status=15 why=deadline'
	ok "$mode: a step in time ends by itself" said '^STEP_EXITED step=4 attempt=0 status=0 why=itself'
	ok "$mode: a stopped step hears the TERM" said '^STEP_EXITED step=5 attempt=0 status=15 why=deadline'
	ok "$mode: others do not notice" said '^STEP_EXITED step=8 attempt=0 status=0 why=itself'
	ok "$mode: nothing is left of them" wait_until 10 none_marked

	play "$mode" "signal-$mode" <<-END
		init @
		wait HELLO
		start 0 -- $actor sleep
		start 1 -- $actor ignore=TERM text=deaf sleep
		start 2 -- $actor sleep
		wait STEP_STARTED 0
		signal 0 15
		wait STEP_EXITED 0
		await 1 deaf
		signal 1 15
		signal 1 9
		wait STEP_EXITED 1
		signal 2 10
		wait STEP_EXITED 2
		quit 0
		end
	END
	ok "$mode: a step is ended on request" said '^STEP_EXITED step=0 attempt=0 status=15 why=request'
	ok "$mode: and killed on request" said '^STEP_EXITED step=1 attempt=0 status=9 why=request'
	ok "$mode: another signal is only delivered" said '^STEP_EXITED step=2 attempt=0 status=10 why=itself'

	play "$mode" "all-$mode" <<-END
		init @
		wait HELLO
		start 0 cwd=$tmp/open -- $actor daemon=$mark$mode.a daemon=$mark$mode.b hold=$mark$mode.c text=left exit=0
		wait STEP_EXITED 0
		start 1 -- $actor ignore=TERM text=deaf spawn=5 wait ${mark}x
		await 1 deaf
		start 2 -- $actor sleep
		start 3 -- /bin/sh -c 'setsid $actor sleep ${mark}y & setsid setsid $actor ignore=TERM sleep ${mark}z & exit 4'
		wait STEP_EXITED 3
		kill_all 1000
		start 4 -- $actor
		wait STEP_FAILED_TO_START 4
		wait EMPTY
		echo BETWEEN
		start 5 -- $actor text=again exit=5
		wait STEP_EXITED 5
		kill_all 4294967295
		wait EMPTY
		start 6 -- $actor daemon=$mark$mode.d
		wait STEP_EXITED 6
		quit 100
		wait EMPTY
		end
		records
	END
	ok "$mode: daemons of a step are no part of its end" said '^STEP_EXITED step=0 attempt=0 status=0 why=itself'
	ok "$mode: KILL_ALL ends what ends at TERM" said '^STEP_EXITED step=2 attempt=0 status=15 why=request'
	ok "$mode: and kills what does not" said '^STEP_EXITED step=1 attempt=0 status=9 why=request'
	ok "$mode: no step starts meanwhile" said '^STEP_FAILED_TO_START step=4 attempt=0 what=ending sys=0'
	ok "$mode: it says when nobody is left" said '^EMPTY left=0$'
	ok "$mode: steps can be started after it" said '^STEP_EXITED step=5 attempt=0 status=1280 why=itself'
	ok "$mode: QUIT ends the rest" said '^RECORD 6 end reason=quit left=0$'
	ok "$mode: and runner-init" said '^INIT ENDED exit 0$'
	ok "$mode: no process is left of double forks and sessions" none_marked

	play "$mode" "orphan-$mode" <<-END
		init @ --orphan-ms 100 --grace-ms 300
		wait HELLO
		start 0 -- $actor ignore=TERM daemon=$mark$mode.e text=deaf sleep ${mark}o
		await 0 deaf
		disconnect
		end
		records
	END
	ok "$mode: a task without an agent ends" said '^INIT ENDED exit 0$'
	ok "$mode: which is a record" said '^RECORD 1 end reason=orphaned left=0$'
	ok "$mode: as is its step's end" said '^RECORD 0 exited step=0 attempt=0 status=9 why=request$'
	ok "$mode: it leaves nobody" none_marked

	play "$mode" "policy-$mode" <<-END
		init @ --orphan-ms 4294967295
		wait HELLO
		start 0 orphan=0 -- $actor sleep ${mark}p
		wait STEP_STARTED 0
		disconnect
		end
		records
	END
	ok "$mode: the policy can come with a step" said '^RECORD 1 end reason=orphaned left=0$'

	play "$mode" "term-$mode" <<-END
		init @ --grace-ms 300
		wait HELLO
		start 0 -- /bin/sh -c 'trap "" TERM; kill -TERM \$PPID; echo sent; exec $actor sleep ${mark}t'
		await 0 sent
		start 1 -- $actor text=unharmed
		wait STEP_EXITED 1
		output 1
		kill 15
		wait STEP_EXITED 0
		end
		records
	END
	ok "$mode: a step's TERM to runner-init is ignored" said '^unharmed$'
	ok "$mode: one from outside ends the task" said '^RECORD 2 end reason=signaled left=0$'
	ok "$mode: and leaves nobody" none_marked

	play "$mode" "killed-$mode" <<-END
		init @
		wait HELLO
		start 0 -- $actor sleep ${mark}k
		start 1 -- $actor daemon=$mark$mode.k
		wait STEP_EXITED 1
		kill 9
		end
	END
	ok "$mode: runner-init can be killed" said '^INIT ENDED signal 9$'
	case $mode in
	root | user)
		ok "$mode: the namespace goes with it" wait_until 10 none_marked
		;;
	*)
		for file in $(marked); do
			if tr '\0' ' ' <"$file" 2>/dev/null | grep -Fqs "daemon=$mark$mode.k"; then
				file=${file#/proc/}
				kill -KILL "${file%/cmdline}"
			fi
		done
		ok "$mode: its steps go with it, but for daemons" wait_until 10 none_marked
		;;
	esac
done

done_testing
