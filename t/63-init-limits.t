#!/bin/sh
# runner-init: its limits are answers, and what fills up is not lost.
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/init.sh"

actor=$top_builddir/t/actor
modes=$(init_modes)
ok 'runner-init can be started in some way' test -n "$modes"

# lines FIRST LAST WORDS: a line per number, % stands for it
lines()
{
	n=$1
	while [ "$n" -le "$2" ]; do
		printf '%s\n' "$3" | sed "s/%/$n/"
		n=$((n + 1))
	done
}

for mode in $modes; do
	{
		echo 'init @'
		echo 'wait HELLO'
		# 128 steps fill the table; 20 more are answered, and read only afterwards.
		lines 0 147 "start % -- $actor exit=0"
		lines 0 127 'wait STEP_EXITED %'
		lines 128 147 'wait STEP_FAILED_TO_START %'
		echo "start 200 -- $actor"
		echo 'wait STEP_FAILED_TO_START 200'
		echo 'ack 100'
		echo "start 201 -- $actor exit=3"
		echo 'wait STEP_EXITED 201'
		# A new agent hears of all of them.
		echo 'connect'
		echo 'wait HELLO'
		lines 0 99 'wait STEP_STATE %'
		echo 'wait STEP_EXITED 127'
		echo 'quit 0'
		echo 'wait EMPTY'
		echo 'end'
		echo 'records'
	} >"$tmp/script"
	play "$mode" "room-$mode" <"$tmp/script"
	ok "$mode: 128 steps have room" said '^STEP_EXITED step=127 attempt=0 status=0'
	ok "$mode: the 129th is told that it has none" said '^STEP_FAILED_TO_START step=128 attempt=0 what=room sys=0'
	ok "$mode: and every one after it" said '^STEP_FAILED_TO_START step=147 attempt=0 what=room'
	ok "$mode: an acknowledged step makes room" said '^STEP_EXITED step=201 attempt=0 status=768'
	ok "$mode: a new agent hears of all 128" said '^HELLO .*steps=128 '
	ok "$mode: and runner-init ends as asked" said '^RECORD 129 end reason=quit left=0'

	# A step that makes processes faster than one could look for them.
	play "$mode" "bomb-$mode" <<-END
		init @
		wait HELLO
		start 0 rlimit=6:400:400 -- /bin/sh -c 'echo begun; while :; do (setsid $actor ignore=TERM sleep ${mark}b &); done' >/dev/null
		await 0 begun
		kill_all 4294967295
		wait EMPTY
		quit 0
		end
	END
	ok "$mode: a process that goes on forking is ended" said '^EMPTY left=0$'
	ok "$mode: and all that came from it" none_marked

	# Descriptors do not pile up: more steps than a process may have files.
	play "$mode" "files-$mode" <<-END
		init @
		wait HELLO
		quick 600 -- $actor
		start 1 -- /bin/sh -c 'ls /proc/\$PPID/fd 2>/dev/null | wc -l'
		wait STEP_EXITED 1
		output 1
		quit 0
		end
	END
	ok "$mode: 600 acknowledged steps" said '^QUICK 600$'
	if [ "$mode" = root ] || [ "$mode" = none ]; then
		ok "$mode: leave no descriptor open" said '^([0-9]|1[0-2])$'
	fi
done

done_testing
