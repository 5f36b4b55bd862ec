#!/bin/sh
# Each folder includes only what t/lint/layers.txt allows.
exec "${top_srcdir:-$(dirname "$0")/..}/t/lint/layers" "${top_srcdir:-$(dirname "$0")/..}"
