#!/bin/sh
# Each program's --help, and each command's, lists what its man page lists, and no more.
#
# A man page says an option in the line behind a .TP: "\fB\-j\fR, \fB\-\-jobs\fR \fIN\fR".
# A command has a section: ".SS job list", or, in the page of a program with few, stands in a .TP.
. "${0%/*}/lib.sh"

# Long and short options of a --help text.
of_help()
{
	sed -n 's/^  \(-.,\|   \) --\([a-z][a-z-]*\).*/\1 --\2/p' | tr -d ' ' | sort
}

# The same of a piece of a man page. An option's line may name its argument; nothing else in it begins with a dash.
of_page()
{
	sed 's/\\-/-/g; s/\\f.//g; s/\\(aq/'"'"'/g; s/\\//g' |
		awk '/^\.(TP|TQ)/ { tag = 1; next } tag { tag = 0; print }' |
		sed 's/^\.[BI][RI]* *//; s/"//g' |
		awk '{
			gsub(/,/, " ")
			letter = ""
			for (i = 1; i <= NF; i++) {
				word = $i
				sub(/[=\[].*/, "", word)
				if (word ~ /^-[a-zA-Z]$/) letter = word ","
				else if (word ~ /^--[a-z]/) { print letter word; letter = "" }
			}
		}' | sort
}

# A section of a page: what is behind ".SS NAME" up to the next heading.
section()
{
	awk -v name="$2" '
		/^\.S[SH]/ {
			line = $0
			gsub(/\\f./, "", line); gsub(/\\-/, "-", line); gsub(/"/, "", line)
			sub(/^\.S[SH] */, "", line)
			on = (line == name || index(line, name " ") == 1)
			next
		}
		on' "$1"
}

differ()
{
	printf '%s\n' "$1" >"$tmp/help"
	printf '%s\n' "$2" >"$tmp/page"
	diff "$tmp/help" "$tmp/page" | sed -n 's/^</only in --help: /p; s/^>/only in the man page: /p'
}

# --- runnerctl: its commands' sections, then its global options ------------------------------------
page=$top_srcdir/man/runnerctl.1
runnerctl --help | sed -n '/^Global options:/,$p' | of_help >"$tmp/global"
is "$(differ "$(cat "$tmp/global")" "$(section "$page" 'GLOBAL OPTIONS' | of_page)")" "" "runnerctl: the global options"

runnerctl --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z -]*[a-z]\)  .*/\1/p' >"$tmp/commands"
ok "runnerctl has commands" test "$(wc -l <"$tmp/commands")" -gt 10
while read -r command; do
	# shellcheck disable=SC2086 # its words
	wanted=$(runnerctl $command --help | sed '/^Global options:/,$d' | of_help)
	is "$(differ "$wanted" "$(section "$page" "$command" | of_page)")" "" "runnerctl $command"
done <"$tmp/commands"
sed -n '/^\.SH COMMANDS/,/^\.SH EXIT/s/^\.SS \([a-z -]*[a-z]\).*/\1/p' "$page" >"$tmp/sections"
is "$(diff "$tmp/commands" "$tmp/sections")" "" "runnerctl: a section for each command, in the order of --help"

# --- the other programs: one set of options each, or one a command -----------------------------------
for name in runnerd runner-init runner-launcher runner-hub; do
	page=$top_srcdir/man/$name.8
	{
		"$name" --help
		for command in $("$name" --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p'); do
			"$name" "$command" --help
		done
	} >"$tmp/all" 2>&1
	# Some say an option without its two columns: take every long option in the table's place.
	sed -n 's/^ *\(-[a-zA-Z], \)*--\([a-z][a-z-]*\).*/--\2/p' "$tmp/all" | grep -v -e '^--help$' -e '^--version$' | sort -u >"$tmp/help"
	of_page <"$page" | sed 's/^-.,//' | grep -v -e '^--help$' -e '^--version$' | sort -u >"$tmp/page"
	ok "$name has options" test -s "$tmp/help"
	is "$(diff "$tmp/help" "$tmp/page" | sed -n 's/^</only in --help: /p; s/^>/only in the man page: /p')" "" \
		"$name: its man page has the options of --help"
done

# --- circleci-agent: its commands ----------------------------------------------------------------------
"$top_builddir/helper/circleci-agent" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\( [a-z][a-z]*\)\{0,1\}\) .*/\1/p' >"$tmp/help"
sed -n 's/^\\fB\([a-z ]*\)\\fR.*/\1/p' "$top_srcdir/man/circleci-agent.1" >"$tmp/page"
is "$(diff "$tmp/help" "$tmp/page")" "" 'circleci-agent: its man page has the commands of --help'

done_testing
