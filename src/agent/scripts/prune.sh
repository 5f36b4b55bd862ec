# prune.sh - remove mirrors that nobody has used for long, and the least recently used while
# all together are too large. Not one that is being updated, or was used within 15 minutes: a job
# may be copying it.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$RUNNER_MIRRORS"
# Keys that an update left when it was killed: not those of one that runs, which holds the lock.
for home in "$RUNNER_MIRROR_PRIVATE"/*.*; do
	[ -d "$home" ] || continue
	name=${home##*/}
	(flock -n 9 && rm -rf "$home") 9>"${name%%.*}.lock" || true
done
remove() {
	(
		flock -n 9 || exit 1
		mv "$1.git" "$1.git.gone" 2>/dev/null || true
		rm -rf "$1.git.gone" "$1.git".new* "$1.used" "$1.busy"
	) 9>"$1.lock" || return 0
	rm -f "$1.lock"
	echo "removed $1: $2"
}
now=$(date +%s)
for lock in *.lock; do
	name=${lock%.lock}
	case $name in '*') continue ;; esac
	used=$(stat -c %Y "$name.used" 2>/dev/null || stat -c %Y "$lock" 2>/dev/null || echo "$now")
	age=$((now - used))
	size=$(du -sk "$name.git" 2>/dev/null | cut -f 1)
	if [ "$age" -ge 900 ]; then printf '%s %s %s\n' "$used" "${size:-0}" "$name"; fi
	printf '%s\n' "${size:-0}" >&3
done 3>"$RUNNER_MIRROR_PRIVATE.sizes" | sort -n >"$RUNNER_MIRROR_PRIVATE.list"
total=0
while read -r size; do total=$((total + size)); done <"$RUNNER_MIRROR_PRIVATE.sizes"
while read -r used size name; do
	if [ $((now - used)) -ge "$RUNNER_MIRROR_AGE_S" ]; then
		remove "$name" 'not used for long'
	elif [ "$total" -gt "$RUNNER_MIRROR_MAX_KIB" ]; then
		remove "$name" 'mirrors are too large'
	else
		continue
	fi
	total=$((total - size))
done <"$RUNNER_MIRROR_PRIVATE.list"
rm -f "$RUNNER_MIRROR_PRIVATE.list" "$RUNNER_MIRROR_PRIVATE.sizes"
