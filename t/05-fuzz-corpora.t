#!/bin/sh
# Every fuzz target takes its corpus, and each file of it a little damaged, without a crash.
top_builddir=${top_builddir:-.}
top_srcdir=${top_srcdir:-$(dirname "$0")/..}
n=0
for corpus in "$top_srcdir"/t/data/fuzz/*/; do
	target=$top_builddir/t/fuzz/$(basename "$corpus")
	n=$((n + 1))
	if "$target" "$corpus" >/dev/null; then
		echo "ok $n - $(basename "$corpus") takes its corpus"
	else
		echo "not ok $n - $(basename "$corpus") takes its corpus"
	fi
done
echo "1..$n"
