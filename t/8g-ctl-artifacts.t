#!/bin/sh
# Artifacts: what a job stores, and what comes of what cannot be; and that it lands where it is asked for.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/ctl.sh"

content()
{
	cat "$tmp/got/$1" 2>/dev/null
}

names()
{
	(cd "$tmp/$1" && find . -type f | sed 's,^\./,,' | sort)
}

# --- names, destinations, what is taken along --------------------------------------------------------
# case 062
project names <<'END'
version: 2.1
jobs:
  one:
    machine: true
    parallelism: 2
    environment: {NAME: "it's $HOME"}
    steps:
      - run: |
          mkdir -p out/a "out/per cent%2F" && cd out
          echo "node $CIRCLE_NODE_INDEX" >a/b.txt
          : >empty
          echo odd >"$(printf 'new\nline')"
          echo odd >"$(printf 'not \377 utf-8')"
          echo long >"$(head -c 255 /dev/zero | tr '\0' n)"
          echo q >'per cent%2F/?&#'
          echo '<script>' >page.html
          seq 100000 >large
          mkfifo fifo
          python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
          ln -s a/b.txt inside
          ln -s /etc/hostname outside
          ln -s a dir
          ln -s nothing dangling
          ln -s loop loop
          ln -s . a/up
          echo one >../file.txt
          echo "$NAME" >'../$NAME'
          ln -s out ../link
      - store_artifacts: {path: out, destination: d}
      - store_artifacts: {path: file.txt, destination: d/g}
      - store_artifacts: {path: file.txt}
      - store_artifacts: {path: "$NAME", destination: /e//x/../x/}
      - store_artifacts: {path: link, destination: by-link}
      - store_artifacts: {path: nothing}
      - run: echo two >file.txt; mkdir hollow
      - store_artifacts: {path: file.txt, destination: d/g}
      - store_artifacts: {path: hollow}
      - store_artifacts: {path: out/fifo}
      - store_artifacts: {path: out/socket}
      - store_artifacts: {path: ~/project/file.txt, destination: .}
  after: {machine: true, steps: [run: echo after]}
workflows: {w: {jobs: [one, after: {requires: [one]}]}}
END
run_ctl run --artifacts "$tmp/got"
is "$status" 0 "a job that stores artifacts succeeds"
is "$(content one/0/d/a/b.txt) $(content one/1/d/a/b.txt)" "node 0 node 1" "each node has its own"
newline=$(printf 'new\nline')
is "$(names got/one/0/d)" "$(printf '%s\n' a/b.txt empty g inside large "$newline" "$(printf 'not \377 utf-8')" \
	"$(head -c 255 /dev/zero | tr '\0' n)" page.html 'per cent%2F/?&#' | sort)" "all files of a directory come, and no other"
is "$(content one/0/d/inside)" "node 0" "a link to a file within comes as the file"
is "$(content one/0/d/large | cksum)" "$(seq 100000 | cksum)" "a large file has its bytes"
is "$(content one/0/d/g)" "two" "a later one of the same name takes its place"
is "$(content one/0/project/file.txt)" "one" "without a destination the name is the path from the job's HOME on, which is the same in each run"
is "$(content one/0/file.txt)" "two" "a destination that is no place is the top, where a file has its own name"
is "$(content one/0/e/x/x)" "it's \$HOME" "a path is taken as it is written, a destination is made clean"
is "$(content one/0/by-link/a/b.txt)" "node 0" "what a step names may be a link itself"
for one in "fifo.*FIFO" "socket.*socket" "outside.*leads out" "'dir'.*link to a directory" "dangling.*nothing" "loop.*leads to itself" "a/up.*directory"; do
	like "$out" "'?$one" "what is left out is told: $one"
done
like "$out" "there is no 'nothing': nothing is stored" "a path that is not there is told, and no failure"
like "$out" "there are no files: nothing is stored" "nor is an empty directory"
like "$err" "^44 files, .*, in $tmp/got: " "how much came is told"
for one in fifo socket; do
	like "$out" "/out/$one' is left out: it is no regular file" "a step that names a $one stores nothing, and says so"
done
ok "nothing is left behind" nothing_left

# A working directory of one's own has a path that is the same in each task. case 062
mkdir -m 0777 "$tmp/w"
chmod a+rx "$tmp"
project absolute <<END
version: 2.1
jobs:
  one: {machine: true, working_directory: $tmp/w, steps: [run: mkdir -p out/a && echo b >out/a/b.txt, store_artifacts: {path: out}]}
workflows: {w: {jobs: [one]}}
END
run_ctl run --artifacts "$tmp/absolute-got"
is "$(names absolute-got)" "one$tmp/w/out/a/b.txt" "below a working directory with an absolute path the name is that path"

# --- what cannot be stored ---------------------------------------------------------------------------
# case 093
# Cuts a file off when another process has it open: one that nobody reads to its end in a moment.
cat >"$tmp/cut.py" <<'END'
import glob, os, sys, time
path = os.path.realpath(sys.argv[1])
open(sys.argv[2], "w").close()
def is_open():
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(link) == path:
                return True
        except OSError:
            pass
while not is_open():
    time.sleep(0.002)
os.truncate(path, 1 << 20)
END
chmod a+rx "$tmp"
project wrong <<END
version: 2.1
jobs:
  changes:
    machine: true
    steps:
      - run: mkdir out; echo a >out/a; echo z >out/z; truncate -s 16G out/shrinks
      - run: {command: "python3 $tmp/cut.py out/shrinks looks", background: true}
      - run: until test -e looks; do sleep 0.02; done
      - store_artifacts: {path: out, destination: d}
  grows:
    machine: true
    steps:
      - run: mkdir out; head -c 50000000 /dev/zero >out/log
      - run: {command: "while echo more; do :; done >>out/log", background: true}
      - store_artifacts: {path: out, destination: d}
  loop: {machine: true, steps: [run: ln -s loop loop, store_artifacts: {path: loop}]}
  always:
    machine: true
    steps:
      - run: echo kept >file; exit 3
      - run: echo never
      - store_artifacts: {path: file, destination: f}
workflows: {w: {jobs: [changes, grows, loop, always]}}
END
run_ctl run --artifacts "$tmp/wrong-got"
is "$status" 1 "a file that changes while it is uploaded fails its step"
like "$out" "'d/shrinks' is not stored: it became shorter while it was uploaded: [0-9]+ bytes of 17179869184 are there" "it says which, and why"
is "$(cat "$tmp/wrong-got/changes/d/a" "$tmp/wrong-got/changes/d/z")" "$(printf 'a\nz')" "the others are stored"
ok "it is not" test ! -e "$tmp/wrong-got/changes/d/shrinks"
like "$out" "grows.* success after" "one that grows is no failure"
ok "it is stored as long as it was when it was found" test "$(stat -c %s "$tmp/wrong-got/grows/d/log")" -ge 50000000
like "$out" "/loop' is not stored: Too many levels of symbolic links" "a link to itself is told"
like "$out" "loop.* failed after" "and fails its step"
is "$(cat "$tmp/wrong-got/always/f")" "kept" "a job that failed stores its artifacts, too"

if [ "$(id -u)" != 0 ]; then
	project unreadable <<'END'
version: 2.1
jobs:
  one: {machine: true, steps: [run: "mkdir out; echo a >out/a; echo b >out/b; chmod 0 out/b", store_artifacts: {path: out, destination: d}]}
workflows: {w: {jobs: [one]}}
END
	run_ctl run --artifacts "$tmp/unreadable-got"
	is "$status" 1 "a file that cannot be read fails its step"
	like "$out" "'b' is not stored: Permission denied" "and is told"
	is "$(names unreadable-got)" "one/d/a" "the others are stored"
fi

# --- many, and large ----------------------------------------------------------------------------------
many=$tmp/many.d
mkdir "$many"
mkdir "$many/out"
(cd "$many/out" && seq 10000 | split -l 1 -a 4 -d)
chmod -R a+rX "$many"
project many <<END
version: 2.1
jobs:
  many: {machine: true, steps: [store_artifacts: {path: $many/out, destination: d}]}
workflows: {w: {jobs: [many]}}
END
run_ctl run --artifacts "$many/got"
is "$status" 0 "10,000 small files are stored"
like "$out" "Stored 10000 artifacts, " "as many as there were"
is "$(find "$many/got" -type f -print0 | xargs -0 cat | sort -n | cksum)" "$(seq 10000 | cksum)" "and all come"
rm -rf "$many"

# A minute or two on a busy machine: LARGE=1 asks for it.
if [ -n "${LARGE:-}" ]; then
	project large <<'END'
version: 2.1
jobs:
  sparse: {machine: true, steps: [run: "truncate -s 3G sparse; echo end >>sparse", store_artifacts: {path: sparse, destination: sparse}]}
workflows: {w: {jobs: [sparse]}}
END
	TMPDIR=$mark XDG_RUNTIME_DIR=$mark timeout 600 runnerctl run --artifacts "$tmp/large-got" >/dev/null 2>&1
	is "$?" 0 "a file of 3 GiB is stored"
	is "$(stat -c %s "$tmp/large-got/sparse/sparse") $(tail -c 5 "$tmp/large-got/sparse/sparse" | tr '\0' 0)" "3221225476 0end" "and comes whole"
	ok "its holes take no room" test "$(stat -c %b "$tmp/large-got/sparse/sparse")" -lt 10000
fi

# --- what is asked for wrongly --------------------------------------------------------------------------
echo file >"$tmp/file"
run_ctl run --artifacts "$tmp/file/x"
is "$status" 3 "a directory that cannot be made is an error"
like "$err" "cannot (make|open) directory '$tmp/file/x'" "which says so"
done_testing
