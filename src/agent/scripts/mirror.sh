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
rm -rf "$RUNNER_MIRROR_PRIVATE/$RUNNER_MIRROR".*
HOME=$(mktemp -d "$RUNNER_MIRROR_PRIVATE/$RUNNER_MIRROR.XXXXXX")
export HOME
trap 'rm -rf "$HOME"' EXIT
trap 'exit 1' HUP INT TERM
ssh_setup "$HOME/.ssh"
token_setup
umask 022

is_thawed() {
	[ -e "$1/thawed/commits" ] && grep -qxF -e "$2" "$1/thawed/commits"
}
fetch() {
	git -C "$1" fetch --quiet --force --prune --no-auto-maintenance \
		--no-write-fetch-head origin \
		'+refs/heads/*:refs/heads/*' '+refs/tags/*:refs/tags/*' 9>&- || return 1
	if [ -n "$revision" ] && ! is_thawed "$1" "$revision" &&
		! git -C "$1" cat-file -e "$revision^{commit}" 2>/dev/null; then
		git -C "$1" fetch --quiet --no-write-fetch-head origin "$revision" 9>&- 2>/dev/null || true
	fi
	case $server_ref in
	'' | refs/heads/*) ;;
	*) git -C "$1" fetch --quiet --force --no-write-fetch-head origin "+$server_ref:$server_ref" \
		9>&- 2>/dev/null || true ;;
	esac
}
# What every clone of it begins with: its references, and how much there is to copy.
describe() {
	{
		git -C "$1" for-each-ref refs/heads \
			--format='%(objectname) refs/remotes/origin/%(refname:lstrip=2)' &&
			git -C "$1" for-each-ref refs/tags --format='%(objectname) %(refname)'
	} >"$1/clone.refs.lock" && mv "$1/clone.refs.lock" "$1/clone.refs" &&
		du -sk "$1/objects/pack" | cut -f 1 >"$1/clone.kib.lock" &&
		mv "$1/clone.kib.lock" "$1/clone.kib"
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
	describe "$new" || return 1
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
	if [ "$RUNNER_MIRROR_DOUBTFUL" = 1 ]; then
		rm -rf "$mirror/thawed"
		if ! is_sound; then
			renew
			return
		fi
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
	describe "$mirror"
}

# What is checked out, once more and uncompressed, in packs of their own: most of a checkout's
# computing is inflating, and many jobs check out almost the same files. Whole commits only:
# git goes on searching the pack that it found the last object in, and would stay with the others.
# It begins with the newest: these are newer than any.
THAWED_MOST_KIB=262144 THAWED_PACKS_MOST=16
kib_of() {
	git -C "$mirror" ls-tree -r -l --full-tree "$1" | awk '{ n += $4 } END { print int(n / 1024) }'
}
pack_thawed() {
	git -C "$mirror" rev-list --objects --no-walk "$1" |
		GIT_OBJECT_DIRECTORY=thawed GIT_ALTERNATE_OBJECT_DIRECTORIES=objects \
			git -C "$mirror" -c pack.compression=0 pack-objects --quiet --non-empty \
			--no-reuse-object --window=0 --honor-pack-keep thawed/pack/pack
}
thaw() {
	if is_thawed "$mirror" "$1"; then return 0; fi
	commit=$(git -C "$mirror" rev-parse --quiet --verify "$1^{commit}") || return 0
	if is_thawed "$mirror" "$commit" || [ "$(kib_of "$commit")" -gt "$THAWED_MOST_KIB" ]; then return 0; fi
	mkdir -p "$mirror/thawed/pack"
	old=
	set -- "$mirror"/thawed/pack/*.pack
	if [ $# -ge "$THAWED_PACKS_MOST" ] ||
		[ "$(du -sk "$mirror/thawed" | cut -f 1)" -gt $((2 * THAWED_MOST_KIB)) ]; then
		old="$*"
		rm -f "$mirror/thawed/commits" "$mirror"/thawed/pack/*.keep
	fi
	name=$(pack_thawed "$commit") || return 0
	if [ -n "$name" ]; then
		touch -t 210001010000 "$mirror/thawed/pack/pack-$name.pack"
		: >"$mirror/thawed/pack/pack-$name.keep"
	fi
	for pack in $old; do
		case $pack in *"-$name.pack") ;; *) rm -f "${pack%.pack}".* ;; esac
	done
	echo "$commit" >>"$mirror/thawed/commits"
}
thaw_wanted() {
	if [ -n "$revision" ]; then thaw "$revision"
	elif [ -n "$tag" ]; then thaw "refs/tags/$tag"
	else thaw "${server_ref:-HEAD}"; fi
}

# What a killed update has left.
if [ -e "$RUNNER_MIRROR.busy" ]; then
	rm -rf "$mirror.gone"
	find "$mirror" \( -name '*.lock' -o -name 'tmp_*' \) -delete 2>/dev/null || true
fi
: >"$RUNNER_MIRROR.busy"
if [ -f "$mirror/HEAD" ] && [ -f "$mirror/config" ]; then update; else make; fi
thaw_wanted || true
: >"$RUNNER_MIRROR.used"
rm -f "$RUNNER_MIRROR.busy"
