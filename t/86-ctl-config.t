#!/bin/sh
# runnerctl config: what the compiler says, by itself.
. "${0%/*}/ctl.sh"

# --- explain --------------------------------------------------------------------------------------
run_ctl config explain E_TYPE
is "$status" 0 "a code is explained"
like "$out" '^E_TYPE \(error\)$' "with its severity"
like "$out" 'quote what is text' "and its text"
is "$(printf '%s\n' "$out" | awk 'length > 80' | wc -l)" 0 "in lines that a terminal has room for"
run_ctl config explain unused
like "$out" '^W_UNUSED \(warning\)$' "lower case and without its letter, too"
run_ctl config explain E_TPYE
is "$status" 1 "an unknown code is an error"
is "$err" "runnerctl: there is no code 'E_TPYE': did you mean 'E_TYPE'?" "that names the nearest"
run_ctl config explain
is "$status" 0 "without a code they are listed"
like "$out" '^E_YAML_CYCLE +An alias stands inside what it names\.$' "each with a sentence"
run_ctl config explain --json E_TYPE
like "$out" '"severity": "error"' "--json has the same"
runnerctl config explain --markdown >"$tmp/page"
ok "doc/config-errors.md is what 'runnerctl config explain --markdown' prints" cmp "$top_srcdir/doc/config-errors.md" "$tmp/page"

done_testing
