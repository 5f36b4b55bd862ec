#!/bin/sh
# The checkout step: of a directory what git would show, of a repository the revision.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/tasks.sh"

command -v git >/dev/null || skip_all 'no git'
GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@example
GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_CONFIG_NOSYSTEM

checkout='{"kind":"checkout","name":"Checkout code","path":"."}'
src=$tmp/src
git init -q -b main "$src"
cd "$src" || exit 99
printf 'ignored*\n' >.gitignore
echo tracked >tracked
echo deleted >deleted
mkdir "dir with blank"
echo deep >"dir with blank/deep
line"
ln -s tracked link
printf '#!/bin/sh\n' >program
chmod 755 program
git add -A
git commit -qm first
git init -q -b main "$tmp/lib"
echo lib >"$tmp/lib/file"
git -C "$tmp/lib" add file
git -C "$tmp/lib" commit -qm lib
git -c protocol.file.allow=always submodule --quiet add "$tmp/lib" sub
git commit -qm second
echo changed >>tracked
echo new >untracked
echo ignored >ignored.o
rm deleted
echo more >sub/untracked-in-sub
cd / || exit 99

list='{"command":"find . -path ./.git -prune -o -path ./sub/.git -prune -o -print | sort; cat tracked; readlink link; test -x program && echo runs"}'
task directory "$checkout,$list,{\"command\":\"git log --format=%s; git status --porcelain; git -C sub log --format=%s\"}" \
	"\"source\":{\"kind\":\"directory\",\"path\":\"$src\"}"
play directory
is "$(outcomes directory)" '0.1=success 1.1=success 2.1=success end=success' 'a directory is checked out'
is "$(output directory 1)" ".
./.gitignore
./.gitmodules
./dir with blank
./dir with blank/deep
./link
./program
./sub
./sub/file
./sub/untracked-in-sub
./tracked
./untracked
line
tracked
changed
tracked
runs" 'with changes and new files, without what is ignored or deleted, submodules included'
is "$(output directory 2)" 'second
first
 D deleted
 M sub
 M tracked
?? untracked
lib' 'and with its repository'
like "$(output directory 0)" "^Copying the work tree of '$src'" 'the output of the step says what it does'
is "$(git -C "$src" status --porcelain | wc -l | tr -d ' ')" 4 'the source is as it was'

git -C "$src" worktree add -q "$tmp/linked" -b other HEAD~1 2>/dev/null
task linked "$checkout,{\"command\":\"git branch --show-current; git log --format=%s; git commit -q --allow-empty -m here\",\"environment\":{\"GIT_AUTHOR_NAME\":\"a\",\"GIT_AUTHOR_EMAIL\":\"a@example\",\"GIT_COMMITTER_NAME\":\"a\",\"GIT_COMMITTER_EMAIL\":\"a@example\"}}" \
	"\"source\":{\"kind\":\"directory\",\"path\":\"$tmp/linked\"}"
play linked
is "$(output linked 1)" 'other
first' 'of a linked work tree comes a repository that is whole'
is "$(git -C "$tmp/linked" log --format=%s)" first 'and not tied to the source'

mkdir "$tmp/plain"
echo x >"$tmp/plain/file"
task plain "$checkout,{\"command\":\"cat file\"}" "\"source\":{\"kind\":\"directory\",\"path\":\"$tmp/plain\"}"
play plain
is "$(output plain 1)" x 'a directory that is no repository is copied whole'
task missing "$checkout" "\"source\":{\"kind\":\"directory\",\"path\":\"$tmp/none\"}"
play missing
is "$(outcomes missing)" '0.1=failed end=failed' 'a directory that does not exist fails the step'
like "$(output missing 0)" "checkout: '$tmp/none' is no directory" 'and it says so'
task nosource "$checkout"
play nosource
like "$(output nosource 0)" 'checkout: this task has no source to check out' 'so does a task without a source'

first=$(git -C "$src" rev-parse HEAD~1)
git -C "$src" tag v1 "$first"
git -C "$src" branch topic "$first"
url=file://$src
state='{"command":"git rev-parse HEAD; git branch --show-current; git config gc.auto; ls"}'
task revision "$checkout,$state" "\"source\":{\"kind\":\"git\",\"url\":\"$url\",\"revision\":\"$first\",\"branch\":\"topic\"}"
play revision
is "$(output revision 1)" "$first
topic
0
deleted
dir with blank
link
program
tracked" 'a repository is cloned, and its branch stands at the revision'
task tag "$checkout,$state" "\"source\":{\"kind\":\"git\",\"url\":\"$url\",\"revision\":null,\"branch\":null,\"tag\":\"v1\"}"
play tag
like "$(output tag 1 | tr '\n' ' ')" "^$first 0 deleted" 'a tag is checked out detached'
task branch "$checkout,$state" "\"source\":{\"kind\":\"git\",\"url\":\"$url\",\"branch\":\"main\"}"
play branch
like "$(output branch 1 | tr '\n' ' ')" "^$(git -C "$src" rev-parse main) main 0 " 'a branch without a revision is its tip'

task again "$checkout,{\"command\":\"echo x >>tracked; git branch --show-current\"},$checkout,{\"command\":\"git status --porcelain; cat tracked\"}" \
	"\"source\":{\"kind\":\"git\",\"url\":\"$url\",\"revision\":\"$first\",\"branch\":\"topic\"}"
play again
is "$(output again 3)" tracked 'where a clone is already it is fetched and reset'
task occupied "{\"command\":\"echo mine >file\"},$checkout" "\"source\":{\"kind\":\"git\",\"url\":\"$url\",\"branch\":\"main\"}"
play occupied
like "$(output occupied 1)" "project' is not empty and is no git repository" 'a directory that is neither empty nor a repository fails the step'
task path '{"kind":"checkout","name":"c","path":"below/here"},{"command":"cat below/here/tracked"}' \
	"\"source\":{\"kind\":\"git\",\"url\":\"$url\",\"revision\":\"$first\"}"
play path
is "$(output path 1)" tracked 'path says where to'
task norev "$checkout" "\"source\":{\"kind\":\"git\",\"url\":\"$url\",\"revision\":\"0123456789012345678901234567890123456789\"}"
play norev
like "$(output norev 0)" "checkout: '$url' has no '0123456789" 'a revision that is not there fails the step'
task evil "$checkout" "\"source\":{\"kind\":\"git\",\"url\":\"$url\",\"branch\":\"--upload-pack=touch $tmp/evil\"}"
play evil
like "$(output evil 0)" "a branch cannot begin with '-'" 'a branch cannot be an option'
ok 'and nothing of it runs' test ! -e "$tmp/evil"
task nourl "$checkout" "\"source\":{\"kind\":\"git\",\"url\":\"file://$tmp/none\",\"branch\":\"main\"}"
play nourl
is "$(outcomes nourl)" '0.1=failed end=failed' 'a repository that is not there fails the step'

done_testing
