#!/bin/sh
# persist_to_workspace and attach_workspace on one host: what is persisted, what is unpacked, what is refused.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/tasks.sh"

persist() # ROOT PATTERN...: the step's JSON
{
	p_root=$1
	shift
	printf '{"kind":"persist_to_workspace","name":"persist","root":"%s","paths":[%s]}' "$p_root" \
		"$(printf '"%s",' "$@" | sed 's/,$//')"
}
attach='{"kind":"attach_workspace","name":"attach","at":"ws"}'
run() # SCRIPT: a step that runs it; the script stands on standard input
{
	cat >"$tmp/$1.sh"
	printf '{"command":"sh -eu %s"}' "$tmp/$1.sh"
}
from() # JOB AFTER TASK:STEP[:NODE]...: an entry of "workspace"
{
	f_job=$1 f_after=$2 f_layers=
	shift 2
	for layer; do
		f_rest=${layer#*:}
		f_node=0
		case $f_rest in *:*) f_node=${f_rest#*:} ;; esac
		f_layers="$f_layers,{\"task\":\"$(cat "$tmp/${layer%%:*}.id")\",\"step\":${f_rest%%:*},\"node\":$f_node}"
	done
	printf '{"job":"%s","after":[%s],"layers":[%s]}' "$f_job" "$f_after" "${f_layers#,}"
}
workspace() # ENTRY...: members of a document
{
	printf '"project":{"slug":"gh/o/one"},"workspace":[%s]' "$(IFS=,; echo "$*")"
}
one='"project":{"slug":"gh/o/one"}'
shared() # NAME: with the workspaces of this host
{
	play "$1" --workspace-dir "$tmp/ws"
}

# --- what comes over ---

task make "$(run make <<'EOS'
mkdir -p out/bin/deep out/lib 'out/[x]' out/.hidden
echo prog >out/bin/prog; chmod 750 out/bin/prog
ln -s prog out/bin/link; ln out/bin/prog out/bin/hard
echo lib >out/lib/a.so; echo not >out/lib/a.o; echo lib >out/lib/b1.so
echo x >'out/[x]/f'; echo h >out/.hidden/f; echo deep >out/bin/deep/er
truncate -s 3G out/bin/holes
touch "out/bin/$(head -c 255 /dev/zero | tr '\0' n)" "out/bin/new
line" "out/bin/$(printf '\377\376')"
touch -d 2020-01-02T03:04:05.678901234Z out/bin/deep/er out/bin/deep
EOS
),$(persist out bin 'lib/[^b]*.s?' '\\[x]' '.h*' bin/deep no/such)" "$one"
shared make
is "$(outcomes make)" '0.1=success 1.1=success end=success' 'a layer is persisted'
like "$(output make 1)" "nothing matches 'no/such'" 'a pattern that matches nothing is told'
like "$(output make 1)" 'Persisted [0-9]+ files, 3.0 GiB, as [0-9.]+ (Ki)?B' 'what is kept is told, and holes take no room'

task take "$attach,$(run take <<'EOS'
cd ws
find . -type f -size -9 -name '[a-z.[]*' ! -name 'n*' | sort
readlink bin/link
[ bin/hard -ef bin/prog ] && echo same
stat -c '%a' bin/prog
stat -c '%y' bin/deep/er bin/deep
stat -c %s bin/holes
[ "$(stat -c %b bin/holes)" -lt 100 ] && echo sparse
ls bin/n* | wc -c
[ -e "bin/$(printf '\377\376')" ] && echo bytes
EOS
)" "$(workspace "$(from make '' make:1)")"
shared take
is "$(outcomes take)" '0.1=success 1.1=success end=success' 'it is attached in a task behind it'
is "$(output take 1)" "$(printf '%s\n' ./.hidden/f './[x]/f' ./bin/deep/er ./bin/hard ./bin/prog ./lib/a.so prog same 750 \
	'2020-01-02 03:04:05.678901234 +0000' '2020-01-02 03:04:05.678901234 +0000' 3221225472 sparse 273 bytes)" \
	'what the patterns match is there as it was: modes, times, links, holes and names of any bytes'
like "$(output take 0)" "Unpacked what job 'make' has persisted" 'which job it is of is told'
like "$(output take 0)" 'Attached 1 layer at /.*/ws: ' 'and the whole'

task none "$attach" "$one"
shared none
is "$(outcomes none) $(output none 0)" '0.1=success end=success No job upstream has persisted anything: there is nothing to attach' \
	'without a layer upstream there is nothing to attach, and no error'

# --- layers above layers: case 098 ---

task early "{\"command\":\"mkdir w; echo early >w/f; echo kept >w/only; mkdir w/d; echo e >w/d/e\"},$(persist w f only d),
	{\"command\":\"echo again >w/f\"},$(persist w f)" "$one"
shared early
task late "{\"command\":\"mkdir w w/d; echo late >w/f; echo l >w/d/l\"},$(persist w f d)" "$one"
shared late

task serial "$attach,{\"command\":\"cd ws; cat f only d/e d/l\"}" "$(workspace "$(from early '' early:1 early:3)" "$(from late 0 late:1)")"
shared serial
is "$(output serial 1 | tr '\n' ' ')" 'late kept e l ' 'a job that ran behind another stands above it, and directories are one'
task steps "$attach,{\"command\":\"cat ws/f\"}" "$(workspace "$(from early '' early:1 early:3)")"
shared steps
is "$(output steps 1)" again 'a later step of one task stands above an earlier one'
task far "$attach,{\"command\":\"cat ws/f\"}" \
	"$(workspace "$(from early '' early:1)" "$(from between 0 make:1)" "$(from late 1 late:1)")"
shared far
is "$(output far 1)" late 'one that ran behind it through others does, too'

task clash "$attach,{\"command\":\"echo on\",\"when\":\"always\"}" "$(workspace "$(from early '' early:1)" "$(from late '' late:1)")"
shared clash
is "$(outcomes clash)" '0.1=failed 1.1=success end=failed' 'a file that two jobs side by side have persisted fails the step'
like "$(output clash 0)" "'f' was persisted by job 'early' and by job 'late'" 'it is told which'
like "$(output clash 0)" 'Concurrent upstream jobs persisted the same file\(s\): 1, see above' 'and how many there are; directories are none'
task nodes "$attach" "$(workspace "$(from test '' early:1:0 late:1:1)")"
shared nodes
like "$(output nodes 0)" "'f' was persisted by job 'test' \\(node 0\\) and by job 'test' \\(node 1\\)" \
	'so do two nodes of one job'
task apart "$attach,{\"command\":\"ls ws\"}" "$(workspace "$(from early '' early:3)" "$(from make '' make:1)")"
shared apart
is "$(outcomes apart)" '0.1=success 1.1=success end=success' 'jobs side by side that persist other files are attached both'

# --- what is refused ---

n=0
for bad in '"root":"w","paths":["../x"]' '"root":"w","paths":["/etc/passwd"]' '"root":"w","paths":["a/../../x"]' \
	'"root":"w","paths":["none"]' '"root":"nowhere","paths":["a"]' '"root":"w/a","paths":["a"]' '"root":"w","paths":["[a"]'; do
	n=$((n + 1))
	task "bad$n" "{\"command\":\"mkdir w; echo a >w/a\"},{\"kind\":\"persist_to_workspace\",\"name\":\"p\",$bad}" "$one"
	shared "bad$n"
	is "$(outcomes "bad$n")" '0.1=success 1.1=failed end=failed' "what cannot be persisted fails the step: $bad"
done
like "$(output bad4 1)" 'The specified paths did not match any files in /.*/w' 'that nothing matches is said as CircleCI says it'
task dot "{\"command\":\"mkdir w; echo a >w/a; chmod 700 w\"},$(persist w .)" "$one"
shared dot
task dotted "$attach,{\"command\":\"ls ws; stat -c %a ws\"}" "$(workspace "$(from dot '' dot:1)")"
shared dotted
is "$(output dotted 1 | tr '\n' ' ')" 'a 755 ' 'the whole root can be persisted; the directory it comes to stays as it is'

task early2 "{\"command\":\"true\"},$(persist /etc hostname)" "$one"
play early2 # this host keeps none
like "$(outcomes early2) $(output early2 1)" 'failed.*keeps no workspaces' 'a host that keeps none says so'
task gone "$attach" "$(workspace "$(from early '' early:2)")"
shared gone
like "$(outcomes gone) $(output gone 0)" "failed.*what job 'early' has persisted \\(layer [0-9a-f-]*/2\\) is not to be had" \
	'a layer that is not to be had fails the step'

grep -lr "\"$(cat "$tmp/late.id")/1\"" "$tmp/ws/layers" >"$tmp/found"
printf x | dd of="$(cat "$tmp/found")" bs=1 seek=8300 conv=notrunc 2>/dev/null
task damaged "$attach" "$(workspace "$(from late '' late:1)")"
shared damaged
like "$(output damaged 0)" 'is damaged: it is removed' 'a damaged layer is told and removed'
is "$(outcomes damaged)" '0.1=failed end=failed' 'and fails the step where there is no other'

python3 - "$tmp/ws/layers" "$(cat "$tmp/early.id")" <<'EOS'
import hashlib, io, json, subprocess, sys, tarfile
directory, task = sys.argv[1:]
for step, name in ((10, 'root/tmp/escaped'), (11, 'home/escaped'), (12, 'workspace/../escaped')):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as tar:
        info = tarfile.TarInfo(name)
        info.size = 1
        tar.addfile(info, io.BytesIO(b'x'))
    archive = subprocess.run(['zstd', '-qc'], input=out.getvalue(), stdout=subprocess.PIPE, check=True).stdout
    key = '%s/%d' % (task, step)
    head = json.dumps({'version': 1, 'project': 'gh/o/one', 'key': key, 'created_ms': 4102444800000,
                       'size_bytes': len(archive), 'sha256': hashlib.sha256(archive).hexdigest()}).encode()
    file = hashlib.sha256(('gh/o/one\n' + key).encode()).hexdigest()[:40] + '.cache'
    open(directory + '/' + file, 'wb').write(head.ljust(8192, b'\0') + archive)
EOS
for step in 10 11 12; do
	task "h$step" "$attach,{\"command\":\"ls ~/escaped ws/../escaped\",\"when\":\"always\"}" "$(workspace "$(from early '' "early:$step")")"
	shared "h$step"
	is "$(outcomes "h$step")" '0.1=failed 1.1=failed end=failed' "a layer that leads out of the workspace is refused: $step"
done

n=0
for bad in '7' '[{}]' '[{"job":"a","after":[0],"layers":[]}]' '[{"job":"a","after":[],"layers":[{"task":"x","step":0,"node":0}]}]' \
	'[{"job":"a","after":[],"layers":[{"task":"00000000-0000-4000-8000-000000000001","step":-1,"node":0}]}]'; do
	n=$((n + 1))
	task "doc$n" "$attach" "\"workspace\":$bad"
	shared "doc$n"
	is "$(outcomes "doc$n")" 'end=infra-fail' "a list that cannot be read ends the task: $bad"
done
done_testing
