#!/bin/sh
# watch and output: complete, in order, in every form, gone on with, and bounded for who does not read.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

command -v zstd >/dev/null || skip_all "zstd is needed"
start_plain_hub || exit 1
start_agent --token-file "$tmp/hub/agent.token" -j 4 --name streamer || exit 1

cat >"$tmp/config.yml" <<'EOF'
version: 2.1
jobs:
  print:
    machine: true
    steps:
      - run: {name: numbers, command: seq 1 200000}
      - run: {name: binary, command: head -c 300000 /dev/urandom | tee ~/binary | cat; base64 -w 0 <~/binary >&2}
      - run: {name: silent, command: ":"}
      - run: {name: two lines, command: echo one; echo two}
  second:
    machine: true
    parallelism: 2
    steps: [run: {name: node, command: echo node}]
workflows:
  w:
    jobs: [print, second: {requires: [print]}]
EOF
submit "$tmp/config.yml"
started=$pipeline

# A stream in the background: stream NAME PATH [CURL-ARGUMENT...]; the bytes are in $tmp/NAME.
stream()
{
	stream_name=$1
	stream_path=$2
	shift 2
	start "curl-$stream_name" curl -sS -N --http2-prior-knowledge --unix-socket "$tmp/hub.sock" \
		-H "Circle-Token: $(cat "$tmp/hub/admin.token")" -o "$tmp/$stream_name" "$@" "http://hub$stream_path"
}
v1=/api/runner/v1

# --- while it runs ------------------------------------------------------------------------------------

stream watch1 "$v1/pipelines/$started/watch"
watch_pid=$pid
stream records1 "$v1/pipelines/$started/output?follow=1"
records_pid=$pid
ok "a watch ends with the pipeline" wait_gone $watch_pid 60
ok "so does the output that is followed" wait_gone $records_pid 60
tail -n 1 "$tmp/watch1" >"$tmp/last"
like "$(cat "$tmp/last")" '"type":"pipeline".*"state":"ended","outcome":"success"' "the last line says how it ended"

# What every watch must hold to: numbers that do not fall, a task before its steps, all that happened.
check_watch()
{
	python3 - "$tmp/$1" <<'EOF'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
last, tasks, steps, ended = 0, set(), set(), set()
for line in lines:
    assert line["seq"] >= last, (line["seq"], last)
    last = line["seq"]
    if line["type"] == "job":
        for task in line["job"]["tasks"]:
            tasks.add(task["id"])
            if task["state"] == "ended":
                ended.add(task["id"])
    if line["type"] == "step":
        assert line["task"] in tasks, "a step of a task not told"
        assert line["task"] not in ended, "a step behind the end of its task"
        if line["step"]["state"] == "ended":
            assert line["step"]["outcome"] == "success"
            steps.add((line["task"], line["step"]["index"]))
assert lines[-1]["type"] == "pipeline"
print(len(tasks), len(steps), len(ended))
EOF
}
is "$(check_watch watch1)" "3 6 3" "it told all tasks and steps, in order"
stream watch2 "$v1/pipelines/$started/watch"
wait_gone "$pid" 30
is "$(check_watch watch2)" "3 6 3" "a watch begun after the end tells the same"
seq=$(sed -n 's/^{"seq":\([0-9]*\),.*/\1/p' "$tmp/watch2" | sed -n 6p)
stream watch3 "$v1/pipelines/$started/watch?after=$seq"
wait_gone "$pid" 30
awk -F'[:,]' -v seq="$seq" '$2 > seq && !/"state":"queued".*"epoch":0/' "$tmp/watch2" >"$tmp/rest"
ok "after= goes on behind a number" sh -c "grep -vxFf '$tmp/watch3' '$tmp/rest'; test \$(wc -l <'$tmp/watch3') -ge \$(wc -l <'$tmp/rest')"
stream watch4 "$v1/pipelines/$started/watch?after=1000000"
wait_gone "$pid" 30
is "$(wc -l <"$tmp/watch4")" 1 "behind the end there is the end"

# --- what was printed -----------------------------------------------------------------------------------

ask GET "$v1/jobs/find?project=gh/ada/engine&ref=w/print"
task=$(field tasks.0.id)
sizes=$(field tasks.0.steps)
seq 1 200000 >"$tmp/numbers"
ask GET "$v1/tasks/$task/output?step=0"
ok "a step's output, decompressed" cmp "$tmp/reply" "$tmp/numbers"
like "$(tr -d '\r' <"$tmp/headers")" '^content-type: text/plain' "is text"
ask GET "$v1/tasks/$task/output?step=0" -H 'Accept-Encoding: gzip, zstd;q=0.9'
like "$(tr -d '\r' <"$tmp/headers")" '^content-encoding: zstd' "to who takes zstd it goes as it is stored"
zstd -dcq <"$tmp/reply" >"$tmp/unpacked"
ok "and is the same" cmp "$tmp/unpacked" "$tmp/numbers"
ask GET "$v1/tasks/$task/output?step=0" -H 'Accept-Encoding: zstd;q=0'
ok "who does not take it does not get it" cmp "$tmp/reply" "$tmp/numbers"

# Records to files: DIRECTORY/TASK.STEP
unpack_records()
{
	rm -rf "$2"
	mkdir "$2"
	python3 - "$1" "$2" <<'EOF'
import struct, subprocess, sys, collections
data, at, frames, ends = open(sys.argv[1], "rb").read(), 0, collections.defaultdict(bytes), {}
while at < len(data):
    magic, crc = struct.unpack_from("<II", data, at)
    assert magic == 0x34424f52, "no record at %d" % at
    task = data[at + 8:at + 24].hex()
    epoch, step, offset, time, raw, length, lines, fcrc, attempt, source = struct.unpack_from("<IIQqIIIIII", data, at + 24)
    assert offset == ends.get((task, step), 0), "a gap or a double"
    ends[task, step] = offset + raw
    frames[task, step] += data[at + 72:at + 72 + length]
    at += 72 + length
for (task, step), packed in frames.items():
    raw = subprocess.run(["zstd", "-dcq"], input=packed, stdout=subprocess.PIPE, check=True).stdout
    open("%s/%s.%d" % (sys.argv[2], task, step), "wb").write(raw)
EOF
}
ok "the followed output is whole records without gaps" unpack_records "$tmp/records1" "$tmp/all"
printed=$task
hex=$(printf '%s' "$task" | tr -d -)
ok "and holds what the step printed" cmp "$tmp/all/$hex.0" "$tmp/numbers"
is "$(ls "$tmp/all" | wc -l)" 5 "of every task and step that printed"
ask GET "$v1/tasks/$task/output?step=1" -H 'Accept: application/vnd.runner.output'
ok "records of one step" unpack_records "$tmp/reply" "$tmp/one"
ok "are those of the stream" cmp "$tmp/one/$hex.1" "$tmp/all/$hex.1"
is "$(wc -c <"$tmp/all/$hex.1")" 700000 "binary output, all of it"
ask GET "$v1/tasks/$task/output"
cat "$tmp/all/$hex.0" "$tmp/all/$hex.1" "$tmp/all/$hex.3" >"$tmp/in-order"
ok "without a step: all of them in order" cmp "$tmp/reply" "$tmp/in-order"
ask GET "$v1/tasks/$task/output?step=2"
is "$code $(wc -c <"$tmp/reply")" "200 0" "a step that printed nothing"
for from in 1 65536 100001 1288894 1288895; do
	ask GET "$v1/tasks/$task/output?step=0&from=$from"
	tail -c +$((from + 1)) "$tmp/numbers" >"$tmp/tail"
	ok "from offset $from" cmp "$tmp/reply" "$tmp/tail"
	ask GET "$v1/tasks/$task/output?step=0&from=$from" -H 'Accept-Encoding: zstd'
	zstd -dcq <"$tmp/reply" >"$tmp/unpacked" 2>/dev/null
	ok "the same, packed" cmp "$tmp/unpacked" "$tmp/tail"
done
ask GET "$v1/tasks/$task/output?from=1"
is "$code" 400 "an offset is of a step"
ask GET "$v1/tasks/00000000-0000-4000-8000-000000000000/output"
is "$code" 404 "no such task"
ask GET "$v1/pipelines/00000000-0000-4000-8000-000000000000/output"
is "$code" 404 "no such pipeline"
ask GET "$v1/pipelines/00000000-0000-4000-8000-000000000000/watch"
is "$code" 404 "to watch, too"
ask GET "$v1/pipelines/$started/output"
ok "the output of what has ended" unpack_records "$tmp/reply" "$tmp/later"
ok "is what was followed" diff -r "$tmp/all" "$tmp/later"

# --- who does not read -----------------------------------------------------------------------------------------

rss_kib()
{
	sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$hub_pid/status"
}

cat >"$tmp/large.yml" <<'EOF'
version: 2.1
jobs:
  large: {machine: true, steps: [run: head -c 60000000 /dev/urandom | base64 -w 99]}
workflows:
  w: {jobs: [large]}
EOF
submit "$tmp/large.yml"
t_has_task()
{
	ask GET "$v1/jobs/find?project=gh/ada/engine&ref=w/large"
	task=$(field tasks.0.id)
	[ -n "$task" ]
}
wait_until 30 t_has_task
stream slow "$v1/tasks/$task/output?step=0&follow=1"
slow_pid=$pid
stream slow-watch "$v1/pipelines/$pipeline/watch"
slow_watch_pid=$pid
kill -STOP "$slow_pid" "$slow_watch_pid"
ok "a pipeline ends though nobody reads it" wait_pipeline "$pipeline"
kib=$(rss_kib)
if grep -q __asan_init "$(command -v runner-hub)"; then
	skip "a reader that stops costs a bounded amount" "the sanitizer keeps freed memory"
else
	ok "a reader that stops costs a bounded amount ($kib KiB are resident)" test "$kib" -lt 65536
fi
kill -CONT "$slow_pid" "$slow_watch_pid"
ok "it reads on when it likes" wait_gone "$slow_pid" 60
ok "and the watch ends, too" wait_gone "$slow_watch_pid" 60
is "$(wc -c <"$tmp/slow")" 80808081 "it has got every byte"
ask GET "$v1/tasks/$task/output?step=0"
ok "in order" cmp "$tmp/reply" "$tmp/slow"
is "$(check_watch slow-watch)" "1 1 1" "the watch has told everything"

# A reader that goes away leaves nothing behind.
submit "$tmp/large.yml"
stream gone "$v1/pipelines/$pipeline/output?follow=1"
stop "$pid" KILL
stream gone-watch "$v1/pipelines/$pipeline/watch"
stop "$pid" KILL
ok "the hub lives on when readers go" wait_pipeline "$pipeline"
stop "$hub_pid"
is "$status" 0 "and ends in good order"

# --- what is damaged is noticed ---------------------------------------------------------------------------------

ok "all that is stored is whole" sh -c "runner-hub check -c '$tmp/hub/runner-hub.yaml' >'$tmp/check.out'"
like "$(cat "$tmp/check.out")" '^database: ok \(3 pipelines, 5 tasks' "and counted"
file=$tmp/hub/output/$printed.zst
ok "a task's output is one zstd file in the end" sh -c "zstd -dcq '$file' | cmp -s - '$tmp/in-order'"
printf x | dd of="$file" bs=1 seek=1000 conv=notrunc 2>/dev/null
runner-hub check -c "$tmp/hub/runner-hub.yaml" >"$tmp/check.out"
is "$?" 1 "a byte that changed is a fault"
like "$(cat "$tmp/check.out")" "output of task $printed, step 0, offset 0: its checksum differs" "and named"
done_testing
