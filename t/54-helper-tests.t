#!/bin/sh
# circleci-agent tests glob, split, run: the same division on every node, whole and without overlap.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"

helper=$top_builddir/helper/circleci-agent
unset CIRCLE_NODE_INDEX CIRCLE_NODE_TOTAL
mkdir "$tmp/tree" && cd "$tmp/tree" || exit 99
tests()
{
	"$helper" tests "$@" 2>"$tmp/err"
}
words()
{
	tr '\n' ' ' | sed 's/ $//'
}

# --- glob ---------------------------------------------------------------------------------
mkdir -p a/b/c .hidden 'with blank' a/[x]
touch a/one_test.go a/two_test.go a/b/three_test.go a/b/c/four_test.go a/plain.go top_test.go .hidden/h_test.go \
	'with blank/b_test.go' a/b/1.js a/b/2.ts a/b/3.txt 'a/[x]/lit_test.go'
ln -s a loop
ln -s . a/b/self
is "$(tests glob 'a/*_test.go' | words)" 'a/one_test.go a/two_test.go' 'a star stays in its part'
is "$(tests glob '**/*_test.go' | words)" '.hidden/h_test.go a/[x]/lit_test.go a/b/c/four_test.go a/b/three_test.go a/one_test.go a/two_test.go top_test.go with blank/b_test.go' \
	'two stars are any number of directories, sorted, through no link'
is "$(tests glob 'a/**/three_test.go' 'a/b/*_test.go' | words)" 'a/b/three_test.go' 'what two patterns match is printed once'
is "$(tests glob 'a/b/{1,2}.{js,ts}' 'a/{b/{3,4},plain}.*' | words)" 'a/b/1.js a/b/2.ts a/b/3.txt a/plain.go' 'braces, and braces in braces'
is "$(tests glob 'a/b/[12].?s' 'a/b/[!12].*' | words)" 'a/b/1.js a/b/2.ts a/b/3.txt' 'sets and question marks'
is "$(tests glob 'a/\[x\]/*' './top_test.go' "$tmp/tree/top*" | words)" "./top_test.go $tmp/tree/top_test.go a/[x]/lit_test.go" 'escapes, and paths as they are given'
is "$(tests glob 'none/*' 'a/{unclosed' '' 'b/**'; echo $?)" 0 'no match prints nothing and is no failure'
is "$(tests glob 'a/b/**' | words)" 'a/b/1.js a/b/2.ts a/b/3.txt a/b/c a/b/c/four_test.go a/b/self a/b/three_test.go' 'two stars at the end are all that is below'
tests glob "$(printf '{a,b}%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)" >/dev/null
is "$?" 2 'braces that explode are refused'
tests glob >/dev/null
is "$?" 2 'no pattern is wrong usage'

# --- split: conformance case 99 ----------------------------------------------------------------
seven='g f e d c b a'
for i in 0 1 2; do
	echo "$seven" | tests split --index "$i" --total 3 >"$tmp/node$i"
done
is "$(words <"$tmp/node0") / $(words <"$tmp/node1") / $(words <"$tmp/node2")" 'a d g / b e / c f' 'seven names on three nodes, by name'
printf '10 a\n6 b\n5 c\n4 d\n' >"$tmp/times"
is "$(printf 'd\nc\nb\na\n' | tests split --split-by=timings --timings "$tmp/times" --index 0 --total 2 | words)" 'a d' 'by timings the first node'
is "$(printf 'd\nc\nb\na\n' | tests split --split-by=timings --timings "$tmp/times" --index 1 --total=2 | words)" 'b c' 'and the second'
printf 'x y\n\tz  ' >"$tmp/list"
is "$(CIRCLE_NODE_INDEX=1 CIRCLE_NODE_TOTAL=2 tests split "$tmp/list" | words)" y 'from a file, for the node of the environment'
is "$(tests split "$tmp/list" | words)" 'x y z' 'without either all of it'
head -c 10 /dev/zero >s10; head -c 6 /dev/zero >s6; head -c 5 /dev/zero >s5; head -c 4 /dev/zero >s4
is "$(echo s4 s5 s6 s10 s0 | tests split --split-by filesize --index 0 --total 2 | words)" 's10 s4' 'by size'
like "$(cat "$tmp/err")" "'s0' has no size: No such file" 'a file that is not there counts 0, with a warning'
for index in 3 4; do
	echo a | tests split --index "$index" --total 3 >/dev/null
	is "$?" 1 "an index of $index of 3 nodes is refused"
done
for wrong in '--index x' '--total 0' '--split-by age' '--timings-type day' '--nothing 1' '--index' 'one two'; do
	# shellcheck disable=SC2086
	tests split $wrong </dev/null >/dev/null
	is "$?" 2 "$wrong is wrong usage"
done

# --- timings --------------------------------------------------------------------------------
cat >"$tmp/junit.xml" <<'END'
<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY lol "x"><!ENTITY y SYSTEM "file:///etc/passwd">]>
<testsuites><!-- <testcase name="no" file="no" time="99"/> -->
<testsuite name="s" file='a &amp; b.py' time="99">
 <testcase classname="C.One" name="t1" time="4.5"/><testcase classname='C.One' name="t&lt;2&#x3e;" time="1.5"><failure><![CDATA[<testcase file="no" time="77"/>]]></failure></testcase>
</testsuite>
<testsuite><testcase classname="C.Two" file="b.py" name="t3" time="5"></testcase><testcase name="&lol;" classname="C.Three" time="4" file="c.py"/></testsuite>
<testcase name="cut" time="1
END
split_of()
{
	printf '%s\n' "$1" | tests split --split-by timings --timings "$tmp/junit.xml" --index "$2" --total 2 | words
}
is "$(split_of 'C.One C.Two C.Three' 0) / $(split_of 'C.One C.Two C.Three' 1)" 'C.One / C.Three C.Two' 'JUnit results give classes their times'
is "$(split_of 'b.py c.py no' 0) / $(split_of 'b.py c.py no' 1)" 'b.py / c.py no' 'or files; an unknown one takes the smallest'
is "$(split_of 't3 t<2> t1' 0) / $(split_of 't3 t<2> t1' 1)" 't3 / t1 t<2>' 'or tests'
is "$(printf 'b.py c.py new' | tests split --split-by timings --timings "$tmp/junit.xml" --time-default 1m --index 0 --total 2 | words)" new '--time-default is for those not known'
is "$(printf 't3 x y' | tests split --split-by timings --timings-type classname --timings "$tmp/junit.xml" --index 0 --total 2 | words)" 't3 y' 'where none is known it is by name'
is "$(cat "$tmp/err")" 'Error auto-detecting timing type, falling back to weighting by name.' 'which is said'
is "$(printf 'b a' | tests split --split-by timings --index 1 --total 2)" b 'so it is without any timings'
cat >"$tmp/junit.xml" <<'END'
<testsuites>
 <testsuite name="outer" file="deep.py" tests="2" time="1,000.5">
  <testsuite name="inner"><testcase name="in" classname="In" time="1,234.5"/></testsuite>
  <testcase name="part" class="Part"/><testcase name="" class="Long" duration="900"/>
 </testsuite>
 <testsuite tests="1" time="0,25"><testcase name="small" file="small.py" classname="Small"/></testsuite>
</testsuites>
END
is "$(split_of 'in part Long small' 0) / $(split_of 'in part Long small' 1)" 'in small / Long part' 'thousands, a suite'"'"'s time, duration and class are read as store_test_results reads them'
is "$(split_of 'small.py deep.py x y' 0) / $(split_of 'small.py deep.py x y' 1)" 'deep.py / small.py x y' 'the file of a suite is that of the suites in it'
echo nonsense >"$tmp/nonsense"
echo a | tests split --split-by timings --timings "$tmp/nonsense" >/dev/null
is "$?" 1 'a file that is no such thing is refused'
for i in 0 1 2 3; do
	seq 1 1000 | tests split --split-by filesize --index "$i" --total 4
done 2>/dev/null | sort -n >"$tmp/union"
is "$(seq 1 1000 | cmp - "$tmp/union"; wc -l <"$tmp/union")" 1000 'all nodes together have everything once'

# --- run ----------------------------------------------------------------------------------
is "$(echo c b a | tests run --command 'read line; echo "<$line>"; exit 7' --index 0 --total 2; echo $?)" '<a c>
7' 'run gives the share as one line, and the status is the command'"'"'s'
# shellcheck disable=SC2016
is "$(echo a | tests run --command 'touch ran' --index 1 --total 2; echo $?; ls ran 2>/dev/null)" 0 'an empty share runs nothing'
echo a b | tests run --verbose --command 'xargs echo' --index 0 --total 2 >/dev/null
is "$(cat "$tmp/err")" '1 of 2 tests are for node 0 of 2' '--verbose tells how many'
echo a | tests run 2>/dev/null
is "$?" 2 'run needs a command'
is "$(echo b a | "$helper" run tests split --index 0 --total 2)" a '"run tests" is the same as "tests"'
done_testing
