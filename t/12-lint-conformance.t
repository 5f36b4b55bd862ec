#!/bin/sh
# Each numbered case of the language's conformance list is a directory of t/data/config, or named by a test.
#
# 001 to 092 are what compiling decides: a directory t/data/config/NNN-*, which config_test runs.
# 072 and 093 to 100 are what running decides: a test of t/*.t says "case NNN" where it tests it.
# A case of what validate says this version does not run yet is passed over, for so long.
. "${0%/*}/lib.sh"

cd "$top_srcdir" || exit 99

# The config of what a case needs is taken, without --all.
is_carried_out()
{
	printf 'version: 2\njobs: {build: {machine: true, resource_class: a/b, steps: [%s]}}\n' "$1" |
		"$top_builddir/runnerctl" config validate - >/dev/null 2>&1
}

is_tested()
{
	grep -Eq "^[^\"']*# .*cases? ([0-9]{3}, )*$1([^0-9]|\$)" t/[0-9]*-*.t
}

compiled=0
missing=
number=1
while [ "$number" -le 92 ]; do
	name=$(printf %03d "$number")
	set -- t/data/config/"$name"-*/expect
	if [ -s "$1" ]; then
		compiled=$((compiled + 1))
	elif [ "$name" != 072 ]; then
		missing="$missing $name"
	fi
	number=$((number + 1))
done
is "$compiled:$missing" "91:" "each case of compiling has a directory with what is expected"

for name in 072 093 094 095 096 100; do
	ok "case $name is tested where things run" is_tested "$name"
done
ok "a case that nobody names is missed" test "$(is_tested 999; echo $?)" = 1

while read -r name step; do
	if is_tested "$name"; then
		pass "case $name is tested where things run"
	elif is_carried_out "$step"; then
		fail "case $name is tested where things run: $step is carried out, and no test says 'case $name'"
	else
		skip "case $name" "$step is not carried out yet"
	fi
done <<'END'
097 restore_cache: {key: a}
098 attach_workspace: {at: .}
099 store_test_results: {path: x}
END
done_testing
