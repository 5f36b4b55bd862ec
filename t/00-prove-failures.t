#!/bin/sh
# t/prove, which runs the tests: what was wrong in the rows that failed stands right above prove's summary.
. "${0%/*}/lib.sh"

mkdir "$tmp/t"
cd "$tmp" || exit 99
written()
{
	{ printf '#!/bin/sh\n' && cat; } >"t/$1.t"
	chmod +x "t/$1.t"
}
run_prove()
{
	perl "$top_srcdir/t/prove" --exec '' "$@" >out 2>err
	status=$?
	# What stands between its heading and prove's.
	shown=$(sed -n '/^What has failed$/,/^Test Summary Report$/p' out | sed '1,2d; $d')
}

written good <<'END'
echo "1..2"; echo "ok 1 - one"; echo "noise" >&2; echo "not ok 2 - two # TODO later"
END
run_prove t/good.t
is "$status:$shown" "0:" "where nothing has failed there is nothing to show"

written library <<'END'
. "$top_srcdir/t/lib.sh"
is "$(seq -s ' ' 900)" "$(seq -s ' ' 901)" "numbers are equal"
pass "fine"
done_testing
END
run_prove t/library.t
is "$status" 1 "a row that failed makes status 1"
like "$shown" '^t/library.t 1 - numbers are equal$' "it is named"
like "$shown" "^  got: '1 2 3 .* \[[0-9]+ bytes left out\] .* 898 899 900'\$" "what was got is shown, shortened in the middle"
like "$shown" "^  wanted: '1 2 3 .* \[[0-9]+ bytes left out\] .* 899 900 901'\$" "and what was wanted"
is "$(tail -n 1 out)" "Result: FAIL" "prove's summary is the last thing"
like "$(cat err)" '^#     wanted: .* 450 451 452 ' "what a test says comes when it says it, all of it"

written unit <<'END'
echo "1..2"; echo "not ok 1 - test_one"; echo "# 0x1 != 0x2"; echo "# one_test.c:7: error: Failure!"; echo "ok 2 - test_two"
END
written dies <<'END'
echo "ok 1 - begun"; echo "no room for it" >&2; kill -SEGV $$
END
run_prove -j3 t/good.t t/unit.t t/dies.t t/library.t
like "$shown" '^t/unit.t 1 - test_one$' "a unit test's row"
like "$shown" '^  0x1 != 0x2$' "with the comments of its TAP"
like "$shown" '^t/dies.t - no row of it$' "a test that ends without a row that failed"
like "$shown" '^  no room for it$' "with the last that it has said"
like "$shown" "^  got: '1 2 3" "of tests that run side by side each its own"

written many <<'END'
i=0
while [ $i -lt 10 ]; do
	i=$((i + 1))
	echo "not ok $i - $(seq -s ' ' 200)"
	head -c 3000 /dev/zero | tr '\0' x >&2
	echo "ok $((i += 1))"
done
echo "1..10"
END
for copy in 1 2 3 4 5 6 7 8 9 10 11 12; do
	cp t/many.t "t/many-$copy.t"
done
run_prove -j4 t/many*.t t/library.t
ok "however much has failed, it is bounded" test "$(printf '%s' "$shown" | wc -c)" -lt 1300
like "$shown" '^and [0-9]+ more$' "and told that there is more"
cd / || exit 99
done_testing
