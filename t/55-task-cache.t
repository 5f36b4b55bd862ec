#!/bin/sh
# save_cache and restore_cache on one host: what comes back, which cache is taken, what is refused.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/tasks.sh"

caches=$tmp/cache
one='"project":{"slug":"gh/o/one"}'

save() # KEY PATH...: the step's JSON
{
	s_key=$1
	shift
	printf '{"kind":"save_cache","name":"save","key":"%s","paths":[%s]}' "$s_key" \
		"$(printf '"%s",' "$@" | sed 's/,$//')"
}
restore() # KEY...
{
	printf '{"kind":"restore_cache","name":"restore","keys":[%s]}' "$(printf '"%s",' "$@" | sed 's/,$//')"
}
run() # SCRIPT: a step that runs it; the script stands on standard input
{
	cat >"$tmp/$1.sh"
	printf '{"command":"sh -eu %s"}' "$tmp/$1.sh"
}
cached() # NAME: with the caches of this host
{
	play "$1" --cache-dir "$caches"
}
count_caches()
{
	find "$caches" -name '*.cache' | wc -l
}

# --- what comes back ---

task tree "$(run make <<'END'
mkdir -p deps/in "$HOME/.tool"
echo one >deps/in/file
chmod 750 deps/in/file
ln -s in/file deps/link
ln deps/in/file deps/hard
truncate -s 5M deps/holes
echo end >>deps/holes
echo home >"$HOME/.tool/x"
touch deps/empty "deps/$(head -c 200 /dev/zero | tr '\0' n)" "deps/new
line" "deps/$(printf '\377\376')"
mkfifo deps/fifo
truncate -s 4M deps/end; printf x | dd of=deps/end bs=1 conv=notrunc
chmod 1666 deps/empty
touch -d 2020-01-02T03:04:05.678901234Z deps/in/file deps/in
END
),$(save v1-first deps '~/.tool' missing)" "$one"
cached tree
is "$(outcomes tree)" '0.1=success 1.1=success end=success' 'a cache is saved'
like "$(output tree 1)" "there is no 'missing'" 'a path that is not there is told'
like "$(output tree 1)" 'fifo.*is left out' 'a FIFO is left out'
like "$(output tree 1)" 'Saved 8 files, 9.0 MiB, as [0-9.]* [KMi]*B' 'what is kept is told'

task back "$(restore v1-),$(run look <<'END'
cat deps/link deps/hard "$HOME/.tool/x"
stat -c '%a %y' deps/in/file
stat -c %y deps/in
readlink deps/link
[ deps/hard -ef deps/in/file ] && echo same
stat -c %s deps/holes
[ "$(stat -c %b deps/holes)" -lt 100 ] && echo sparse
stat -c '%s %a' deps/end deps/empty
[ "$(stat -c %b deps/end)" -lt 100 ] && echo sparse
ls deps/n* | wc -c
[ -e "deps/$(printf '\377\376')" ] && echo bytes
END
)" "$one"
cached back
is "$(outcomes back)" '0.1=success 1.1=success end=success' 'it is restored in another task'
is "$(output back 1)" "$(printf '%s\n' one one home '750 2020-01-02 03:04:05.678901234 +0000' \
	'2020-01-02 03:04:05.678901234 +0000' in/file same 5242884 sparse '4194304 644' '0 1666' sparse 220 bytes)" \
	'contents, modes, times, links of both kinds, holes and names of any bytes are as they were'
like "$(output back 0)" "Found a cache for key 'v1-first'" 'which one it is, is told'
like "$(output back 0)" 'Restored 13 entries, ' 'and what came back'

# --- which one: case 097 ---

task newer "{\"command\":\"echo old >f\"},$(save v2-a f),{\"command\":\"echo new >f\"},$(save v2-a-new f),$(save v2-a f),
	{\"command\":\"rm f\"},$(restore v2-a),{\"command\":\"cat f\"}" "$one"
cached newer
like "$(output newer 6)" 'Restored 1 entry, ' 'one is one'
is "$(output newer 7)" new 'the newest whose key begins with what is asked for is taken'
like "$(output newer 4)" 'There is a cache for key .v2-a. already' 'a key that has a cache keeps it'

task order "$(restore none-1 v1- v2-a),$(restore none-2)" "$one"
cached order
like "$(output order 0)" "key 'v1-first'" 'keys are tried in their order'
is "$(output order 1)" 'No cache is found for key: none-2' 'none is no error'
is "$(outcomes order)" '0.1=success 1.1=success end=success' 'and the job goes on'

task other "$(restore v1-)" '"project":{"slug":"gh/o/two"}'
cached other
is "$(output other 0)" 'No cache is found for key: v1-' "another project's caches are not seen"

task nothing "$(save v3 nope),$(restore v3)" "$one"
cached nothing
like "$(output nothing 0)" 'None of the paths is there: nothing is saved' 'where no path is there nothing is saved'
like "$(output nothing 1)" 'No cache is found' 'and nothing is found'

# --- keys ---

task keys "{\"command\":\"echo lock >lock.json; touch f\"},
	$(save 'k-{{ checksum \"lock.json\" }}-{{.Environment.CI_KIND}}-{{ arch }}-{{ .Branch }}' f),
	$(restore 'k-{{ .Environment.NOT_SET }}')" "$one,\"environment\":{\"CI_KIND\":\"x\",\"CIRCLE_BRANCH\":\"main\"}"
cached keys
like "$(output keys 1)" "k-$(python3 -c 'import base64, hashlib; print(base64.b64encode(hashlib.sha256(b"lock\n").digest()).decode())')-x-arch1-linux-[a-z0-9]*-[0-9_]*-main" \
	'a key is made of a checksum, variables and the machine'
like "$(output keys 2)" "asks for 'NOT_SET', which is not set" 'a variable that is not set is told'

task hidden "{\"command\":\"touch f\"},$(save 'h-{{ .Environment.OWN }}-{{ .Environment.BOTH }}-{{ .Environment.LEFT }}' f)" \
	"$one,\"environment\":{\"OWN\":\"job\",\"BOTH\":\"job\",\"LEFT\":\"context\"},\"key_environment\":{\"OWN\":null,\"BOTH\":\"context\"}"
cached hidden
like "$(output hidden 1)" "for key 'h--context-context'" "a key does not see what the job's own environment sets"

task checkout "{\"command\":\"touch f\"},$(save 'c-{{ .CheckoutKey }}-x' f)" "$one"
cached checkout
like "$(output checkout 1)" "asks for '.CheckoutKey', which is not set" 'the key of the checkout is told to be none'
like "$(output checkout 1)" "for key 'c--x'" 'and is empty'

n=0
for key in '{{ checksum \"no\" }}' '{{ .Nothing }}' 'a {{ epoch' '{{ checksum lock }}' '{{ epoch more }}' '{{}}'; do
	n=$((n + 1))
	task "bad$n" "{\"command\":\"touch f\"},$(save "$key" f)" "$one"
	cached "bad$n"
	is "$(outcomes "bad$n")" '0.1=success 1.1=failed end=failed' "a key that cannot be made fails the step: $key"
done

task long "{\"command\":\"touch f\"},$(save "$(head -c 900 /dev/zero | tr '\0' k)" f),$(save "$(head -c 901 /dev/zero | tr '\0' k)" f)" "$one"
cached long
is "$(outcomes long)" '0.1=success 1.1=success 2.1=failed end=failed' 'a key has 900 bytes at most'
like "$(output long 2)" 'the cache key has 901 bytes, 900 are allowed' 'it is told'

# --- trees that are odd, or change ---

task odd "$(run odd <<'END'
mkdir -p odd/deep
cd odd
ln -s loop loop; ln -s .. deep/up; ln -s nothing dangling
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
truncate -s 3G large
echo x >"$(head -c 255 /dev/zero | tr '\0' n)"
ln "$(head -c 255 /dev/zero | tr '\0' n)" hard
END
),$(save odd odd odd/deep odd/hard)" "$one"
cached odd
like "$(output odd 1)" 'socket.*is left out' 'a socket is left out'
like "$(output odd 1)" 'Saved 2 files, 3.0 GiB, as [0-9.]+ (Ki)?B' 'a large file of holes takes no room, and what is named twice is kept once'
task oddly "$(restore odd),$(run oddly <<'END'
cd odd
readlink loop deep/up dangling
stat -c %s large; [ "$(stat -c %b large)" -lt 100 ] && echo sparse
[ hard -ef "$(head -c 255 /dev/zero | tr '\0' n)" ] && cat hard
END
)" "$one"
cached oddly
is "$(output oddly 1 | tr '\n' ' ')" 'loop .. nothing 3221225472 sparse x ' 'links that lead nowhere or in circles come back as they are'

task depths "$(run depths <<'END'
python3 - <<'PY'
import os
os.mkdir("down")
os.chdir("down")
length = len(os.getcwd())
for i in range(1500):  # more than a process may have descriptors, and longer than a path may be
    os.mkdir("dir")
    os.chdir("dir")
    length += 4
    if 3000 <= length < 3004:
        open("near", "w").write("near\n")
open("far", "w").close()
PY
END
),$(save depths down),{\"command\":\"rm -rf down\"},$(restore depths),{\"command\":\"find down -name near -exec cat {} + ; find down -name far | wc -l\"}" "$one"
cached depths
is "$(outcomes depths)" '0.1=success 1.1=success 2.1=success 3.1=success 4.1=success end=success' 'a tree that is deeper than a path can be long is saved as far as it goes'
is "$(output depths 4 | tr '\n' ' ')" 'near 0 ' 'and restored so'
like "$(output depths 1)" "warning: '?.*(is left out: its path is too long|cannot read .*: File name too long)" 'what is left out is told'

shorter=/sys/kernel/uevent_seqnum # which says it has 4096 bytes
if [ "$(stat -c %s $shorter 2>/dev/null)" = 4096 ] && [ -r $shorter ]; then
	task shorter "{\"command\":\"echo x >f\"},$(save shorter $shorter f)" "$one"
	cached shorter
	is "$(outcomes shorter)" '0.1=success 1.1=success end=success' 'a file that ends before its size is saved'
	like "$(output shorter 1)" "'$shorter' became shorter while it was read" 'and that is told'
else
	skip 'a file that ends before its size is saved' "there is no $shorter"
fi

task cells "$(run cells <<'END'
python3 - <<'PY'
import os
with open("cells", "wb") as f:  # data, hole, data of more than one piece, hole, data, hole
    for at, size in ((0, 4096), (1 << 20, 300000), (3 << 20, 70000), (9 << 20, 1)):
        f.seek(at)
        f.write(os.urandom(size))
    f.truncate(12 << 20)
PY
sha256sum cells >sum; ln cells other; cp cells plain
END
),$(save cells cells other plain sum),{\"command\":\"rm cells other plain\"},$(restore cells),$(run looked <<'END'
sha256sum --quiet -c sum; cmp cells plain; test other -ef cells
[ "$(stat -c %b cells)" -lt 6000 ] && echo same
END
)" "$one"
cached cells
is "$(output cells 4)" same 'a file of data and holes in turns is the same byte for byte, and so are its holes'

task moving "$(run moving <<'END'
mkdir moving
(i=0; while [ ! -e stop ]; do i=$((i + 1)); head -c $((i % 7 * 300000)) /dev/urandom >moving/f; touch "moving/new-$i"; rm -f "moving/new-$((i - 3))"; done) >/dev/null 2>&1 &
while [ ! -e moving/new-5 ]; do sleep 0.01; done
END
),$(save moving-1 moving),$(save moving-2 moving),{\"command\":\"touch stop; until rm -rf moving; do sleep 0.05; done\"},$(restore moving-)" "$one"
cached moving
is "$(outcomes moving)" '0.1=success 1.1=success 2.1=success 3.1=success 4.1=success end=success' 'a tree that changes while it is saved makes a whole archive'

# --- what the job may not read ---

mkdir "$tmp/plain"
chmod 711 "$tmp"
chmod 777 "$tmp/plain"
task closed "$(run closed <<'END'
mkdir -p closed/dir
echo open >closed/open; echo x >closed/no; ln closed/no closed/twin; echo x >closed/dir/in
chmod 0 closed/no closed/dir
END
),$(save closed closed),{\"command\":\"chmod 700 closed/dir; rm -r closed\"},$(restore closed),{\"command\":\"cd closed && chmod 700 dir && find . | sort\"}" "$one"
chmod 777 "$tmp/closed.sink"
chmod 644 "$tmp/closed.json" "$tmp/closed.sh"
# shellcheck disable=SC2046
as_user timeout 600 $(taskd_on closed --run-dir "$tmp/plain/run" --work-dir "$tmp/plain/work" --cache-dir "$tmp/plain/cache") >"$tmp/closed.log" 2>&1
is "$(outcomes closed)" '0.1=success 1.1=success 2.1=success 3.1=success 4.1=success end=success' 'what a job may not read keeps it from saving nothing else'
like "$(output closed 1)" "closed/no' is left out: Permission denied" 'a file that cannot be read is told'
like "$(output closed 1)" "closed/twin' is left out: Permission denied" 'by each of its names'
like "$(output closed 1)" "cannot read '/.*/closed/dir': Permission denied" 'and so is a directory'
is "$(output closed 4 | tr '\n' ' ')" '. ./dir ./open ' 'and is not there when it is restored'

# --- side by side, and damage ---

task race1 "$(run race1 <<'END'
head -c 3000000 /dev/urandom >f
END
),$(save race f)" "$one"
task race2 "$(run race2 <<'END'
head -c 3000000 /dev/urandom >f
END
),$(save race f)" "$one"
before=$(count_caches)
# shellcheck disable=SC2046
start race1 $(taskd_on race1 --cache-dir "$caches")
race1_pid=$pid
cached race2
wait "$race1_pid"
is "$(outcomes race1) $(outcomes race2)" '0.1=success 1.1=success end=success 0.1=success 1.1=success end=success' \
	'two that save one key at the same time both go on'
is "$(($(count_caches) - before))" 1 'and one of them is kept'

task damaged "{\"command\":\"echo whole >f\"},$(save d-1 f)" "$one"
cached damaged
damaged=$(find "$caches" -name '*.cache' -newer "$tmp/damaged.json" -exec grep -l '"d-1"' {} +)
printf x | dd of="$damaged" bs=1 seek=8300 conv=notrunc 2>/dev/null
task lost "$(restore d-)" "$one"
cached lost
is "$(outcomes lost)" '0.1=success end=success' 'a damaged cache is no error'
like "$(output lost 0)" 'is damaged: it is removed' 'it is told'
like "$(output lost 0)" 'No cache is found for key: d-' 'and counts as none'
ok 'and is gone' test ! -e "$damaged"

# --- archives that would harm ---

python3 - "$caches/caches" "$tmp" <<'END'
import hashlib, io, json, subprocess, sys, tarfile
directory, tmp = sys.argv[1:]
def entry(name, kind=tarfile.REGTYPE, link='', mode=0o644, data=b''):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.size = kind, link, mode, len(data)
    return info, data
def cache(key, *entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    archive = subprocess.run(['zstd', '-qc'], input=out.getvalue(), stdout=subprocess.PIPE, check=True).stdout
    head = json.dumps({'version': 1, 'project': 'gh/o/one', 'key': key, 'created_ms': 4102444800000,
                       'size_bytes': len(archive), 'sha256': hashlib.sha256(archive).hexdigest()}).encode()
    name = hashlib.sha256(('gh/o/one\n' + key).encode()).hexdigest()[:40] + '.cache'
    with open(directory + '/' + name, 'wb') as file:
        file.write(head.ljust(8192, b'\0') + archive)
cache('h-dots', entry('home/../../../escaped', data=b'x'))
cache('h-root', entry('/' + tmp + '/escaped', data=b'x'))
cache('h-link', entry('home/way', tarfile.SYMTYPE, tmp), entry('home/way/escaped', data=b'x'))
cache('h-hard', entry('home/hard', tarfile.LNKTYPE, 'root' + tmp + '/victim'))
cache('h-node', entry('home/node', tarfile.CHRTYPE))
cache('h-fifo', entry('home/fifo', tarfile.FIFOTYPE))
cache('h-cut', entry('home/cut', data=b'x' * 100000))
cache('h-setid', entry('home/setid', mode=0o6755, data=b'x'))
name = directory + '/' + hashlib.sha256(b'gh/o/one\nh-cut').hexdigest()[:40] + '.cache'
open(name, 'r+b').truncate(8192 + 50)
END
echo victim >"$tmp/victim"
for what in dots root link hard node fifo setid; do
	task "h-$what" "$(restore "h-$what")" "$one"
	cached "h-$what"
	is "$(outcomes "h-$what")" '0.1=failed end=failed' "an archive that would do harm is refused: $what"
done
ok 'nothing was written outside' test ! -e "$tmp/escaped"
is "$(stat -c %h "$tmp/victim")" 1 'nor linked'
task cut "$(restore h-cut)" "$one"
cached cut
is "$(outcomes cut) $(output cut 0)" '0.1=success end=success No cache is found for key: h-cut' 'one that was cut short is none'
like "$(output h-setid 0)" "the archive's entry 'home/setid' is refused" 'set-id bits are refused, and that is told'
task strips "{\"command\":\"touch odd-mode; chmod 6755 odd-mode; mkdir odd-dir; chmod 3775 odd-dir\"},$(save strips odd-mode odd-dir),{\"command\":\"rm -r odd-mode odd-dir\"},
	$(restore strips),{\"command\":\"stat -c %a odd-mode odd-dir | tr '\\\\n' ' '\"}" "$one"
cached strips
is "$(output strips 4)" '755 1775 ' 'and are not saved'

# --- the ceiling ---

held() # MOST NAME STEPS: in a directory of a million bytes a cache
{
	task "$2" "$3" "$one"
	play "$2" --cache-dir "$tmp/ceiling" --cache-max "$1"
}
made='{"command":"head -c 1000000 /dev/urandom >f"}'
held 3500000 filled "$made,$(save l-a f),$made,$(save l-b f),$made,$(save l-c f)"
held 3500000 used "$(restore l-a)"
held 3500000 more "$made,$(save l-d f)"
is "$(outcomes more)" '0.1=success 1.1=success end=success' 'where caches have no room left, others go'
held 3500000 asked "$(restore l-a),$(restore l-b),$(restore l-c),$(restore l-d)"
is "$(output asked 1)" 'No cache is found for key: l-b' 'the one that was not used for the longest time'
for step in 0 2 3; do
	like "$(output asked $step)" 'l-[acd]' "and no other ($step)"
	unlike "$(output asked $step)" 'No cache is found' "which is there ($step)"
done
held 1500000 less "$(restore l-d),$(restore l-c)"
is "$(find "$tmp/ceiling" -name '*.cache' | wc -l) $(output less 1)" '1 No cache is found for key: l-c' \
	'a lower ceiling holds from the start, and leaves what was used last'

# --- no room ---

if mkdir "$tmp/small" && mount -t tmpfs -o size=1m none "$tmp/small" 2>/dev/null; then
	task full "{\"command\":\"head -c 3000000 /dev/urandom >f\"},$(save full f),{\"command\":\"echo on\",\"when\":\"always\"}" "$one"
	play full --cache-dir "$tmp/small"
	is "$(outcomes full)" '0.1=success 1.1=failed 2.1=success end=failed' 'a full disk fails the step'
	like "$(output full 1)" 'cannot write the archive: No space left' 'it is told'
	is "$(find "$tmp/small" -type f | wc -l)" 0 'and nothing is left of it'
	umount "$tmp/small"
	mkdir "$tmp/place"
	chmod 777 "$tmp/place"
	task roomy "{\"command\":\"head -c 3000000 /dev/urandom >$tmp/place/f\"},$(save roomy "$tmp/place/f"),{\"command\":\"rm $tmp/place/f\"}" "$one"
	cached roomy
	mount -t tmpfs -o size=1m,mode=1777 none "$tmp/place"
	task narrow "$(restore roomy)" "$one"
	cached narrow
	umount "$tmp/place"
	like "$(outcomes narrow) $(output narrow 0 | tr '\n' ' ')" "0.1=failed end=failed .*cannot unpack '.*/place/f': .*No space left" \
		'so does one where a cache is unpacked, and that is told'
else
	skip 'a full disk fails the step' 'no file system can be mounted'
fi
done_testing
