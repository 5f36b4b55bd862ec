#!/bin/sh
# What runnerd says when it cannot start, and what it says of itself and the host.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

refused()
{
	runnerd "$@" >"$tmp/out" 2>"$tmp/err.txt"
	status=$?
	err=$(cat "$tmp/err.txt")
}

runnerd --help >"$tmp/help"
is "$?" 0 'help exits with 0'
for option in config jobs hub token-file hub-fingerprint cacert insecure name run-dir data-dir work-dir mode \
	idle-timeout max-run-time grace orphan-limit keep-failed output-memory output-zstd-level log-level \
	log-format check help version; do
	grep -q -- "--$option" "$tmp/help" || diag "--$option is missing"
	grep -q -- "--$option" "$tmp/help" || echo "$option" >>"$tmp/missing"
done
ok 'help lists every option' test ! -e "$tmp/missing"
sed -n 's/^ *\(-[a-z], \)\{0,1\}--\([a-z-]*\).*/\2/p' "$tmp/help" | sort >"$tmp/in-help"
sed -n 's/^\.B[RI]* \(\\-[a-z] ", " *\)\{0,1\}\\-\\-\([a-z\\-]*\).*/\2/p' "$top_srcdir/man/runnerd.8" | sed 's/\\//g' | sort -u >"$tmp/in-man"
ok 'the man page has the same options' cmp "$tmp/in-help" "$tmp/in-man"
runnerd --version >"$tmp/version"
like "$(cat "$tmp/version")" '^runnerd [0-9.]+ \(' 'version'
like "$(cat "$tmp/version")" 'libnghttp2 [0-9]' 'versions of libraries'

runnerd --check --run-dir "$tmp/run" --work-dir "$tmp/work" >"$tmp/check"
status=$?
diag "$(cat "$tmp/check")"
is "$status" "$(grep -q '^no ' "$tmp/check" && echo 1 || echo 0)" \
	'check exits with 1 when something needed is missing, else with 0'
like "$(cat "$tmp/check")" '^ok +kernel +Linux ' 'check names the kernel'
like "$(cat "$tmp/check")" '^ok +lingering ' 'check asks whether the run directory ends with a session'
like "$(cat "$tmp/check")" '^(ok|--) +isolation' 'check tries namespaces'

printf 'isolation: {level: namespace, read_only: [/etc/passwd/below]}\n' >"$tmp/runnerd.yaml"
runnerd --check -c "$tmp/runnerd.yaml" --run-dir "$tmp/run" --work-dir "$tmp/work" >"$tmp/check"
is "$? $(grep -c '^no  tasks ' "$tmp/check")" '1 1' 'check tries what the settings ask for'
rm "$tmp/runnerd.yaml"

refused
is "$status" 2 'no hub: wrong usage'
like "$err" 'no hub is named' 'it says so'
like "$err" '^hint: ' 'and what to do'
refused --hub http://192.0.2.1:80 --token-file "$tmp/token" --run-dir "$tmp/run"
is "$status" 2 'plain TCP to another host is refused'
like "$err" 'plain TCP to another host.*' 'it says why'
refused --hbu x
like "$err" "did you mean '--hub'" 'an unknown option has a nearest name'
echo 'output_memry: 1M' >"$tmp/runnerd.yaml"
refused -c "$tmp/runnerd.yaml"
like "$err" "runnerd.yaml:1: output_memry is no setting of runnerd: did you mean 'output_memory'" 'so has an unknown key'
err=$(runnerd --check --output-memory 1K 2>&1)
like "$err" "--output-memory: 1K is out of range: 1.0 MiB to 1.0 GiB are allowed" "limits are told as people write them"
refused -c "$tmp/none.yaml"
is "$status" 3 'a settings file that is not there'
refused --hub "$hub_url" --token-file "$tmp/none"
like "$err" "cannot open token file '$tmp/none'" 'a token file that is not there'

# Every option that the sample names is known; every line of it can be uncommented.
sed -n 's/^#\([a-z_]*:.*\)/\1/p' "$top_srcdir/contrib/examples/runnerd.yaml" |
	grep -Ev '^(resource_classes|capacity):' >"$tmp/runnerd.yaml"
refused -c "$tmp/runnerd.yaml" --check --run-dir "$tmp/run" --work-dir "$tmp/work"
is "$err" '' 'the sample settings are accepted'

start_fakehub
start_runnerd
wait_log agent 'ready: 1 slots' 20
refused --hub "$hub_url" --token-file "$tmp/token" --run-dir "$tmp/run" --data-dir "$tmp/data" \
	--work-dir "$tmp/work" --cache-dir "$tmp/cache"
is "$status" 3 'a second runnerd in the same directory is refused'
like "$err" "$tmp/run" 'it names the directory'
like "$err" "(^|[^0-9])$agent_pid([^0-9]|$)" 'and the pid of the first'
stop "$agent_pid"

mkdir "$tmp/alone"
cp "$(command -v runnerd)" "$tmp/alone/runnerd"
"$tmp/alone/runnerd" --hub "$hub_url" --token-file "$tmp/token" --run-dir "$tmp/run2" --data-dir "$tmp/data2" \
	--work-dir "$tmp/work2" --cache-dir "$tmp/cache2" --idle-timeout 10ms >"$tmp/alone.txt" 2>&1
is "$?" 3 'without runner-init it does not start'
like "$(cat "$tmp/alone.txt")" "runner-init" 'it says what is missing'
like "$(cat "$tmp/alone.txt")" "$tmp/alone" 'and where it looked'
done_testing
