#!/bin/sh
# A probe that the machine does not let go on is no driver that hangs: stopped for longer than a
# driver may take, it ends well, and the device is not remembered as one that does not work.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
slow
pid=
cleanup() { [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null; }

XDG_CACHE_HOME=$tmp/cache POCL_CACHE_DIR=$tmp/cache/pocl
MOTLEY_PROBE_LIMIT=10
export XDG_CACHE_HOME POCL_CACHE_DIR MOTLEY_PROBE_LIMIT
mkdir -p "$POCL_CACHE_DIR"
"$MOTLEY" devices --json >"$tmp/out" 2>"$tmp/err" </dev/null &
pid=$!
expect "the probe begins" wait_while_running "$pid" test -f "$tmp/cache/motley/probe.lock"
sleep 0.2
kill -STOP "$pid"
sleep 12
kill -CONT "$pid"
wait "$pid"
status=$?
pid=
expect_equal "exit status" "$status" 0
n=0
while json "$n" id >/dev/null 2>&1; do
    expect_equal "$(json "$n" id): trouble" "$(json "$n" trouble 2>/dev/null | grep 'did not return')" ""
    n=$((n + 1))
done
expect_number "devices" "$n > 0"
finish
