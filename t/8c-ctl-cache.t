#!/bin/sh
# runnerctl run keeps what jobs save for the next run; runnerctl cache.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"

mkdir -p "$tmp/o/repo/.circleci"
cd "$tmp/o/repo" || exit 99
cat >.circleci/config.yml <<'END'
version: 2.1
jobs:
  build:
    machine: true
    steps:
      - restore_cache: {keys: [deps-]}
      - run: if [ -e deps/x ]; then echo had it; else mkdir deps; date >deps/x; echo made it; fi
      - save_cache: {key: 'deps-{{ arch }}', paths: [deps]}
workflows: {w: {jobs: [build]}}
END
export XDG_CACHE_HOME="$tmp/cache"

like "$(runnerctl run 2>&1)" 'made it' 'the first run finds none'
like "$(runnerctl run 2>&1)" 'had it' 'the second has what the first one saved'
like "$(runnerctl run --no-cache 2>&1)" 'made it' '--no-cache takes none'
is "$(runnerctl cache list | wc -l)" 2 'and keeps none'
like "$(runnerctl cache list)" 'deps-arch1-linux-.* local/local/repo +[0-9]* B' 'cache list tells key, project and size'
like "$(runnerctl cache list --json=lines)" '^\{"key":"deps-arch1.*"size_bytes":[0-9]+.*"created_at":"20' 'also as JSON'
is "$(runnerctl cache list other | wc -l) $(runnerctl --project gh/o/other cache list | wc -l)" '1 1' \
	'it takes the beginning of a key, and a project'
runnerctl cache clear other 2>"$tmp/out"
is "$(cat "$tmp/out")" '0 caches removed, 0 B' 'cache clear removes what is meant'
runnerctl cache clear deps- 2>"$tmp/out"
like "$(cat "$tmp/out")" '^1 caches removed, [0-9]+ B' 'and says how much it was'
like "$(runnerctl run 2>&1)" 'made it' 'the next run finds none'
is "$(find "$XDG_CACHE_HOME/runner" -name '*.cache' | wc -l)" 1 'and saves again'
runnerctl cache clear >"$tmp/out" 2>&1
sed -i 's/machine: true/machine: true\n    retention: {caches: 2d}/' .circleci/config.yml
like "$(runnerctl run 2>&1)" 'made it' 'a job may say how long its caches are kept'
like "$(find "$XDG_CACHE_HOME/runner" -name '*.cache' -exec head -c 8192 {} + | tr -d '\0')" '"keep_ms":172800000' 'which stands with the cache'
mkdir "$tmp/none"
runnerctl cache list --cache-dir "$tmp/none" >"$tmp/out" 2>&1
is "$? $(wc -l <"$tmp/out")" '0 1' 'a directory without caches has none'
done_testing
