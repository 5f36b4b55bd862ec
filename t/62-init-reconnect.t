#!/bin/sh
# runner-init: an agent that dies loses nothing; nobody else may take its place.
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/init.sh"

actor=$top_builddir/t/actor
modes=$(init_modes)
ok 'runner-init can be started in some way' test -n "$modes"

for mode in $modes; do
	open_dir "$tmp/open-$mode"

	# The first agent starts steps and dies; what they print and how they end is told to the second.
	play "$mode" "back-$mode" <<-END
		init @ --orphan-ms 60000
		wait HELLO
		start 0 flags=1 -- $actor text=before await=$tmp/open-$mode/go text=after sleep=0.1 exit=3
		await 0 before
		start 1 -- $actor text=unread exit=4
		wait STEP_EXITED 1
		start 2 -- /nonexistent
		wait STEP_FAILED_TO_START 2
		start 3 -- $actor exit=0
		wait STEP_EXITED 3
		ack 3
		forget
	END
	ok "$mode: the first agent has gone" said '^FORGOTTEN$'
	: >"$tmp/open-$mode/go"
	play "$mode" "back-$mode" <<-END
		connect
		wait HELLO
		wait STEP_STATE 0
		wait STEP_STATE 1
		wait STEP_STATE 2
		wait STEP_EXITED 1
		wait STEP_FAILED_TO_START 2
		finish 0
		output 0
		output 1
		start 0 -- $actor
		wait STEP_FAILED_TO_START 0
		ack 0
		ack 1
		ack 2
		start 0 -- $actor exit=9
		wait STEP_EXITED 0
		quit 0
		wait EMPTY
		records
	END
	ok "$mode: the second hears of every step not acknowledged" said '^HELLO .* steps=3 orphan_ms=60000'
	ok "$mode: of the one that runs or has ended" said '^STEP_STATE step=0 attempt=0 state=(running|exited) flags=1'
	ok "$mode: of the one that ended" said '^STEP_STATE step=1 attempt=0 state=exited'
	ok "$mode: of the one that failed" said '^STEP_STATE step=2 attempt=0 state=failed'
	ok "$mode: of its end again" said '^STEP_EXITED step=1 attempt=0 status=1024 why=itself'
	is "$(printf '%s\n' "$out" | grep -E '^(before|after|unread)$' | tr '\n' ' ')" 'before after unread ' \
		"$mode: output taken by the first and not taken are both there"
	ok "$mode: a step not acknowledged is not started again" said 'step=0 attempt=0 what=twice'
	ok "$mode: an acknowledged one is another step" said '^STEP_EXITED step=0 attempt=0 status=2304'
	ok "$mode: nothing is recorded twice" \
		test "$(printf '%s\n' "$out" | grep -c '^RECORD .* \(exited\|failed\)')" = 5

	# What ends while nobody is there.
	rm -f "$tmp/open-$mode/go"
	play "$mode" "alone-$mode" <<-END
		init @ --orphan-ms 60000
		wait HELLO
		start 0 -- $actor await=$tmp/open-$mode/go text=alone exit=5
		wait STEP_STARTED 0
		forget
	END
	: >"$tmp/open-$mode/go"
	ok "$mode: a step that ends alone is recorded" \
		wait_until 20 test -s "$tmp/alone-$mode/init.log"
	play "$mode" "alone-$mode" <<-END
		records
		connect
		wait STEP_EXITED 0
		output 0
		quit 0
		wait EMPTY
	END
	ok "$mode: and can be read without runner-init" said '^RECORD 0 exited step=0 attempt=0 status=1280'
	ok "$mode: and is told" said '^STEP_EXITED step=0 attempt=0 status=1280'
	ok "$mode: and its output is there" said '^alone$'

	# The newest connection counts.
	play "$mode" "newest-$mode" <<-END
		init @ --orphan-ms 0
		wait HELLO
		connect
		wait HELLO
		start 0 -- $actor exit=1
		wait STEP_EXITED 0
		quit 0
		end
	END
	ok "$mode: a second connection takes over" said '^STEP_EXITED step=0 attempt=0 status=256'

	# What an agent has asked for counts, although it has died before that was read: with answers that it did not read, and
	# before it was let in.
	dies()
	{
		play "$mode" "dies-$1-$mode" <<-END
			init @ --orphan-ms 600000
			wait HELLO
			$2
			disconnect
			connect
			kill 18
			end
			records
		END
		ok "$mode: what an agent that has died had said last is heard, $1" said '^RECORD 0 end reason=quit'
	}
	dies unread "$(printf 'signal 99 15\nunread\nkill 19\nquit 4294967295')"
	dies early "$(printf 'disconnect\nkill 19\nconnect\nquit 4294967295')"

	# A step must not be its own agent.
	play "$mode" "intruder-$mode" <<-END
		init @ --orphan-ms 0
		wait HELLO
		start 0 cwd=$tmp/intruder-$mode -- /bin/sh -c 'printf "connect\nwait HELLO\n" | $top_builddir/t/initctl .'
		finish 0
		output 0
		start 1 -- $actor text=unmoved
		wait STEP_EXITED 1
		output 1
		quit 0
		end
	END
	ok "$mode: a step that connects is sent away" said '^(DISCONNECTED|NEVER CAME HELLO)$'
	ok "$mode: and the agent stays" said '^unmoved$'
done

# Another user is not let in, even when the directory would let him.
if [ "$(id -u)" = 0 ] && as_user true 2>/dev/null; then
	mkdir "$tmp/foreign"
	printf 'init none --orphan-ms 60000\nwait HELLO\nforget\n' |
		initctl "$tmp/foreign" >"$tmp/foreign.log" 2>&1
	chmod 711 "$tmp/foreign"
	chmod 777 "$tmp/foreign/init.sock"
	printf 'connect\nwait HELLO\n' | as_user initctl "$tmp/foreign" >"$tmp/foreigner.log" 2>&1
	ok 'another user is sent away' grep -Eqs '^(DISCONNECTED|NEVER CAME HELLO)' "$tmp/foreigner.log"
	printf 'connect\nwait HELLO\nquit 0\nwait EMPTY\n' | initctl "$tmp/foreign" >"$tmp/owner.log" 2>&1
	ok 'the owner is not' grep -qs '^EMPTY left=0' "$tmp/owner.log"
else
	skip 'another user is sent away' 'needs root, and a user besides'
fi

done_testing
