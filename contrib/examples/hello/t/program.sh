#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program as a user calls it: t/program.sh ./hello
set -eu
test "$("$1")" = "Hello, world!"
echo "ok - without a name it greets the world"
test "$("$1" Ada)" = "Hello, Ada!"
echo "ok - it greets who is named"
if "$1" "$(printf '%0100d' 0)" 2>/dev/null; then
	echo "not ok - a name that is too long is an error"
	exit 1
fi
echo "ok - a name that is too long is an error"
