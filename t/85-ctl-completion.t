#!/bin/bash
# The completion scripts offer what --help lists, and shells take them.
. "${0%/*}/lib.sh"

for shell in bash zsh fish; do
	runnerctl completion $shell >"$tmp/script.$shell" 2>"$tmp/err"
	is "$?" 0 "there is a script for $shell"
	if command -v $shell >/dev/null; then
		ok "$shell reads it without complaint" $shell -n "$tmp/script.$shell"
	else
		skip "$shell reads it without complaint" "there is no $shell here"
	fi
done

# Every option of every command of every program is in each script.
missing()
{
	for program in runnerctl runnerd runner-hub; do
		{
			$program --help
			$program --help | sed -n 's/^  \([a-z][a-z -]*[a-z]\)  .*/\1/p' | while read -r command; do
				# shellcheck disable=SC2086 # its words
				$program $command --help
			done
		} | sed -n 's/^  \(-., \|    \)--\([a-z][a-z-]*\).*/\2/p'
	done | sort -u | while read -r option; do
		grep -Eqs -e "(--|-l )$option([^a-z-]|\$)" "$1" || echo "$option"
	done
}
for shell in bash zsh fish; do
	is "$(missing "$tmp/script.$shell")" "" "$shell: every option is offered"
done

# bash: what is offered for the words typed so far.
# shellcheck disable=SC1091 # made above
. "$tmp/script.bash"
offered()
{
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	"_${1//-/_}"
	echo "${COMPREPLY[*]}"
}
is "$(offered runnerctl ru)" run "a command's beginning"
is "$(offered runnerctl job "")" "list show cancel rerun keep" "a group's second words"
is "$(offered runnerctl --hub unix:/x job l)" list "behind a global option with its value"
is "$(offered runnerctl run --keep)" --keep-failed "a command's option"
is "$(offered runnerctl run -c "")" "" "nothing of ours where a value is due"
is "$(offered runnerctl logs "")" "" "nor where an operand is"
is "$(offered runner-hub ser)" serve "another program's command"
is "$(offered runnerd --orphan)" --orphan-limit "and option"

runnerctl completion tcsh >"$tmp/out" 2>&1
is "$?" 2 "no other shell"
done_testing
