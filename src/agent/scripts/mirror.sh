# mirror.sh - bring a mirror up to date, as a child of runnerd and of no task.
#
# A mirror is complete from the rename that gives it its name on. What a killed update has
# left is cleared by the next one: the lock says that there is no other.
#
# SPDX-License-Identifier: Apache-2.0
cd "$RUNNER_MIRRORS"
mirror=$RUNNER_MIRROR.git
new=$mirror.new.$$
exec 9>"$RUNNER_MIRROR.lock"
flock 9
check_names
umask 077
mkdir -p "$RUNNER_MIRROR_PRIVATE"
HOME=$(mktemp -d "$RUNNER_MIRROR_PRIVATE/XXXXXX")
export HOME
trap 'rm -rf "$HOME"' EXIT
trap 'exit 1' HUP INT TERM
ssh_setup "$HOME/.ssh"
token_setup
umask 022

fetch() {
	git -C "$1" fetch --quiet --force --prune --no-write-fetch-head origin \
		'+refs/heads/*:refs/heads/*' '+refs/tags/*:refs/tags/*' 9>&- || return 1
	if [ -n "$revision" ] && ! git -C "$1" cat-file -e "$revision^{commit}" 2>/dev/null; then
		git -C "$1" fetch --quiet --no-write-fetch-head origin "$revision" 9>&- 2>/dev/null || true
	fi
	case $server_ref in
	'' | refs/heads/*) ;;
	*) git -C "$1" fetch --quiet --force --no-write-fetch-head origin "+$server_ref:$server_ref" \
		9>&- 2>/dev/null || true ;;
	esac
}
# Which branch is checked out where nothing says it.
point_head() {
	head=$(git -C "$1" ls-remote --symref origin HEAD 9>&- 2>/dev/null |
		sed -n 's#^ref: \(refs/heads/[^[:space:]]*\).*#\1#p')
	if [ -n "$head" ]; then git -C "$1" symbolic-ref HEAD "$head"; fi
}
# The git of an update that was killed may be writing still: what is made has a name of its own, and
# what keeps the other from being removed is gone when the next one is made.
make() {
	rm -rf "$mirror".new* 2>/dev/null || true
	git init --quiet --bare --template= "$new" || return 1
	git -C "$new" config remote.origin.url "$url"
	git -C "$new" config fetch.unpackLimit 1
	git -C "$new" config uploadpack.allowFilter true
	git -C "$new" config uploadpack.allowAnySHA1InWant true
	if ! fetch "$new"; then
		rm -rf "$new" || true
		return 1
	fi
	point_head "$new"
	if [ -e "$mirror" ]; then mv "$mirror" "$mirror.gone"; fi
	mv "$new" "$mirror"
	rm -rf "$mirror.gone"
}
is_sound() {
	git -C "$mirror" fsck --no-dangling --no-progress "$@" >/dev/null 2>&1
}
renew() {
	echo "the mirror was damaged and is made anew" >&2
	make
}
update() {
	if [ "$RUNNER_MIRROR_DOUBTFUL" = 1 ] && ! is_sound; then
		renew
		return
	fi
	set -- "$mirror"/objects/pack/*.pack
	if [ $# -ge 24 ]; then
		git -C "$mirror" repack -q -d --geometric=2 || true
	fi
	if ! fetch "$mirror"; then
		if is_sound --connectivity-only; then return 1; fi
		renew
		return
	fi
	if [ -z "$revision$branch$tag" ]; then point_head "$mirror"; fi
}

# What a killed update has left.
if [ -e "$RUNNER_MIRROR.busy" ]; then
	rm -rf "$mirror.gone"
	find "$mirror" \( -name '*.lock' -o -name 'tmp_*' \) -delete 2>/dev/null || true
fi
: >"$RUNNER_MIRROR.busy"
if [ -f "$mirror/HEAD" ] && [ -f "$mirror/config" ]; then update; else make; fi
: >"$RUNNER_MIRROR.used"
rm -f "$RUNNER_MIRROR.busy"
