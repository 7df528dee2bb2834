#!/bin/sh
# The shared library exports exactly the functions that motley.h declares with MOT_API.
. "${srcdir:-$(dirname "$0")/..}/tests/lib.sh"
command -v nm >/dev/null || skip "no nm"

library=$(dirname "$MOTLEY")/.libs/libmotley.so
[ -e "$library" ] || skip "no shared library was built"
${NM:-nm} -D --defined-only "$library" | awk '$2 ~ /[A-Z]/ && $2 != "A" { print $3 }' |
    grep -Ev '^(_init|_fini|_edata|_end|__bss_start)$' | sort >"$tmp/exported"
# Declarations may run over lines: one line each, then the name before the first parenthesis.
tr '\n' ' ' <"$srcdir/runtime/motley.h" | sed 's/MOT_API/\n&/g' |
    sed -n 's/^MOT_API [^(]*[ *]\(mot_[a-z0-9_]*\)(.*/\1/p' | sort >"$tmp/declared"
expect "motley.h declares functions" [ "$(grep -c . "$tmp/declared")" -gt 20 ]
expect "exported and declared are the same" diff "$tmp/declared" "$tmp/exported"
finish
