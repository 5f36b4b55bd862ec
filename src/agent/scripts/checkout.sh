# checkout.sh - the checkout step, inside the task: behind git.sh.
#
# Of a directory: its git tree's tracked and not-ignored files as they are now, with .git
# and initialised submodules, so that a local run sees what the user sees, but not what
# git ignores. Of a directory below the tree's top the files in it, without .git: a project
# within a larger one. A directory that is no git repository is copied whole.
# Of a repository: out of the host's mirror where there is one, else from where it lies.
#
# SPDX-License-Identifier: Apache-2.0
target=$RUNNER_CHECKOUT_TARGET
mirror= borrowed=
is_empty() {
	for f in "$1"/* "$1"/.[!.]* "$1"/..?*; do
		if [ -e "$f" ] || [ -L "$f" ]; then return 1; fi
	done
}
in_target() { git -C "$target" "$@"; }

# --- a directory ---

# Names of what git would show of the tree $1, but for what is deleted in it.
list() {
	git -C "$1" ls-files -z --cached --others --exclude-standard | LC_ALL=C sort -zu >"$names.all"
	git -C "$1" ls-files -z --deleted | LC_ALL=C sort -zu >"$names.deleted"
	LC_ALL=C comm -z -23 "$names.all" "$names.deleted" >"$names"
}
copy_tree() {
	mkdir -p "$2"
	names=$TMPDIR/checkout.names
	list "$1"
	tar -C "$1" --null --verbatim-files-from --no-recursion -T "$names" -cf - | tar -C "$2" -xpf -
	rm -f "$names" "$names.all" "$names.deleted"
}
# A linked work tree's .git names a directory elsewhere: make one that is whole.
copy_git() {
	if [ -d "$1/.git" ]; then
		cp -a "$1/.git" "$2/.git"
		return
	fi
	common=$(cd "$1" && cd "$(git rev-parse --git-common-dir)" && pwd)
	own=$(git -C "$1" rev-parse --absolute-git-dir)
	cp -a "$common" "$2/.git"
	rm -rf "$2/.git/worktrees"
	for f in HEAD index; do
		if [ -e "$own/$f" ]; then cp -a "$own/$f" "$2/.git/$f"; fi
	done
}
from_directory() {
	src=$RUNNER_CHECKOUT_DIRECTORY
	[ -d "$src" ] || say_no "'$src' is no directory"
	if [ -e "$target" ] && ! is_empty "$target" && [ ! -e "$target/.git" ]; then
		say_no "'$target' is not empty and is no git repository"
	fi
	mkdir -p "$target"
	if ! top=$(git -C "$src" rev-parse --show-toplevel 2>/dev/null) || [ -z "$top" ]; then
		echo "Copying '$src'"
		cp -a "$src/." "$target"
		return
	fi
	if [ "$(cd "$src" && pwd -P)" != "$top" ]; then
		echo "Copying '$src'"
		copy_tree "$src" "$target"
		return
	fi
	echo "Copying the work tree of '$top'"
	rm -rf "$target/.git"
	copy_git "$top" "$target"
	copy_tree "$top" "$target"
	git -C "$top" submodule --quiet foreach --recursive 'printf "%s\n" "$displaypath"' |
	while IFS= read -r sub; do
		copy_tree "$top/$sub" "$target/$sub"
		if [ -e "$top/$sub/.git" ]; then cp -a "$top/$sub/.git" "$target/$sub/.git"; fi
	done
	in_target log -1 --format='HEAD is at %h %s' 2>/dev/null || true
}

# --- a repository ---

has() { in_target rev-parse --quiet --verify "$1^{commit}" >/dev/null 2>&1; }

# From the mirror or from where the repository lies, by the same name.
fetch() {
	set -- fetch --quiet --force "$@"
	if [ -n "$mirror" ]; then set -- -c "url.file://$mirror.insteadOf=$url" "$@"; fi
	in_target "$@"
}
fetch_all() {
	fetch --tags "$@" origin '+refs/heads/*:refs/remotes/origin/*' || return 1
	case $server_ref in
	'' | refs/heads/*) ;;
	*) fetch "$@" origin "+$server_ref:$local_ref" 2>/dev/null || true ;;
	esac
}
# One commit, and no more of its history than was asked for.
fetch_shallow() {
	set -- --depth "${RUNNER_CHECKOUT_DEPTH:-1}" origin
	if [ -n "$revision" ] && fetch "$@" "$revision" 2>/dev/null; then return; fi
	if [ -n "$tag" ]; then
		fetch "$@" "+refs/tags/$tag:refs/tags/$tag"
	elif [ -n "$server_ref" ]; then
		fetch "$@" "+$server_ref:$local_ref"
	else
		fetch "$@" '+HEAD:refs/remotes/origin/HEAD'
	fi
}
can_be_blobless() {
	[ "$RUNNER_CHECKOUT_METHOD" = blobless ] || return 1
	[ "$(git --version)" != 'git version 2.41.0' ] || return 1
	case $url in file:* | /* | ./* | ../*) [ -n "$mirror" ] ;; esac
}

# Large packs are copied where they are shared on disk; else what this checkout needs of them.
is_small() {
	read -r kib <"$mirror/clone.kib" && [ "${kib:-1048577}" -le 1048576 ]
}
shares_blocks() {
	for pack in "$mirror"/objects/pack/*.pack; do
		cp --reflink=always -- "$pack" "$target/.git/objects/trial" 2>/dev/null || return 1
		rm -f "$target/.git/objects/trial"
		return 0
	done
}
# References first: the packs that are copied at the end hold at least what they name. Until then
# the mirror's lie beside the repository, and what is checked out, uncompressed, before them.
borrow_mirror() {
	cp -- "$mirror/clone.refs" "$target/.git/packed-refs" || return 1
	case $server_ref in
	'' | refs/heads/*) ;;
	*) git -C "$mirror" for-each-ref --format="%(objectname) $local_ref" "$server_ref" \
		>>"$target/.git/packed-refs" ;;
	esac
	printf '%s\n' "$mirror/thawed" "$mirror/objects" >"$target/.git/objects/info/alternates"
	borrowed=yes
}
own_objects() {
	[ "$borrowed" = yes ] || return 0
	cp --reflink=auto -- "$mirror"/objects/pack/pack-*.pack "$mirror"/objects/pack/pack-*.idx \
		"$target/.git/objects/pack/" &&
		rm "$target/.git/objects/info/alternates"
}
# The blobs of the commit that is checked out: it must not need the network again.
take_blobs() {
	GIT_ALTERNATE_OBJECT_DIRECTORIES=$mirror/objects in_target ls-tree -r "$1" >"$TMPDIR/checkout.tree" || return 1
	sed -n 's/^[0-9]* blob \([0-9a-f]*\).*/\1/p' "$TMPDIR/checkout.tree" |
		GIT_ALTERNATE_OBJECT_DIRECTORIES=$mirror/objects \
			in_target pack-objects --quiet .git/objects/pack/pack >/dev/null
	rm -f "$TMPDIR/checkout.tree"
}
fill_from_mirror() {
	if [ "$RUNNER_CHECKOUT_METHOD" = shallow ]; then
		fetch_shallow
	elif [ "$RUNNER_CHECKOUT_METHOD" = full ] || is_small || shares_blocks; then
		borrow_mirror
	else
		fetch_all --filter=blob:none || return 1
		has "${revision:-$local_ref}" && take_blobs "${revision:-$local_ref}"
	fi || return 1
	read -r head <"$mirror/HEAD" || return 0
	mkdir -p "$target/.git/refs/remotes/origin"
	echo "ref: refs/remotes/origin/${head#ref: refs/heads/}" >"$target/.git/refs/remotes/origin/HEAD"
}
fill_from_origin() {
	if [ "$RUNNER_CHECKOUT_METHOD" = shallow ]; then
		fetch_shallow
		return
	fi
	if can_be_blobless; then fetch_all --filter=blob:none; else fetch_all; fi || return 1
	[ -n "$revision$branch$tag" ] || in_target remote set-head origin --auto >/dev/null
}
new_repository() {
	git init --quiet --template= -- "$target" &&
		printf '[gc]\n\tauto = 0\n' >>"$target/.git/config" || return 1
	case $url in
	*[!A-Za-z0-9_.:/@~+-]*) in_target remote add origin "$url" ;;
	*) printf '[remote "origin"]\n\turl = %s\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n' \
		"$url" >>"$target/.git/config" ;;
	esac
}

# Which commit that is, and how the user is told of it.
look_at() {
	told=$(in_target log -1 --no-show-signature --format='%H HEAD is now at %h %s' "$1^{commit}" -- \
		2>/dev/null) && [ -n "$told" ] && commit=${told%% *}
}
# What to check out: a commit, and the name that the user gave it.
find_wanted() {
	if [ -n "$revision" ]; then
		wanted=$revision
		if look_at "$wanted"; then return; fi
		in_target fetch --quiet origin "$revision" 2>/dev/null || true
	elif [ -n "$tag" ]; then wanted=refs/tags/$tag
	elif [ -n "$branch" ]; then wanted=$local_ref
	else wanted=refs/remotes/origin/HEAD; fi
	look_at "$wanted"
}
switch() {
	if [ -n "$branch" ] && [ -z "$tag" ]; then
		in_target checkout --quiet --force --no-track -B "$branch" "$commit" --
	else
		in_target checkout --quiet --force --detach "$commit" --
	fi
}
# The agent brings the mirror up to date, once for all that ask.
ask_for_mirror() {
	[ -n "$RUNNER_CHECKOUT_MIRROR" ] || return 0
	if "$RUNNER_CHECKOUT_HELPER" git-mirror && [ -d "$RUNNER_CHECKOUT_MIRROR" ]; then
		mirror=$RUNNER_CHECKOUT_MIRROR
	else
		echo "The host's mirror is of no use: going on without it"
	fi
}
clone() {
	echo "Cloning '$shown'"
	new_repository
	if [ -n "$mirror" ]; then
		if fill_from_mirror && find_wanted && switch && own_objects; then return; fi
		echo "The host's mirror does not give it: going on without it"
		"$RUNNER_CHECKOUT_HELPER" git-mirror doubtful || true
		mirror=
		find "$target" -mindepth 1 -delete
		new_repository
	fi
	fill_from_origin || say_no "cannot fetch from '$shown'"
	find_wanted || say_no "'$shown' has no '$wanted'"
	switch
}
renew() {
	echo "Fetching from '$shown'"
	in_target remote set-url origin "$url" 2>/dev/null || in_target remote add origin "$url"
	in_target config gc.auto 0
	if ! fetch_all && { [ -z "$mirror" ] || ! { mirror='' && fetch_all; }; }; then
		say_no "cannot fetch from '$shown'"
	fi
	find_wanted || say_no "'$shown' has no '$wanted'"
	switch
	in_target reset --quiet --hard "$commit" --
}
from_git() {
	check_names
	local_ref=refs/remotes/origin/$branch
	if [ -e "$target" ] && [ ! -e "$target/.git" ] && ! is_empty "$target"; then
		say_no "'$target' is not empty and is no git repository"
	fi
	ssh_setup "$HOME/.ssh"
	token_setup
	ask_for_mirror
	if [ -e "$target/.git" ]; then renew; else clone; fi
	printf '%s\n' "${told#* }"
}

case $RUNNER_CHECKOUT_KIND in
directory) from_directory ;;
git) from_git ;;
*) say_no 'this task has no source to check out' ;;
esac
