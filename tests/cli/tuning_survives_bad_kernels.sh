#!/bin/sh
# Kernels that hang their compiler, crash it, or give wrong numbers are struck off, whether they are
# candidates or what the rules take; tuning goes on, and training does without them.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
slow
layer=$HELPERS/layers/.libs/libmotley_test_layer.so
[ -f "$layer" ] || skip "$layer is not built"
first=$(first_device)
[ "${first%:*}" = pocl ] || skip "no pocl: the orders are for the kernels that it gets"
MOT_LAYER_COUNT=$tmp/calls OPENCL_LAYERS=$layer "$MOTLEY" devices --ids >/dev/null 2>&1
grep -q clGetPlatformIDs "$tmp/calls" 2>/dev/null || skip "this OpenCL loader knows no layers"
XDG_CACHE_HOME=$tmp/cache
MOTLEY_JOIN=0 # the layer changes an argument of one operator's kernel
export XDG_CACHE_HOME MOTLEY_JOIN
"$MOTLEY" devices >/dev/null 2>&1 # measured in peace
config 's/ 48$/ 33/;s/batch: 64/batch: 40/'

# tuned ORDERS: tuning must succeed under these orders to the layer.
tuned()
{
    n_checks=$((n_checks + 1))
    OPENCL_LAYERS=$layer MOT_LAYER_BUILD=$1 run timeout 300 "$MOTLEY" tune "$tmp/c.yaml" \
        --devices "$first" --limit 3 --anew --json && return 0
    fail "$1: exit $status: $(tail -n 5 "$tmp/err")"
}
# struck WHAT CHOICE WHY: this candidate was struck off for every problem, for that reason.
struck()
{
    case=$1 choice=$2 reason=$3
    i=0 n=$(json struck_off length)
    while [ "$i" -lt "$n" ]; do
        [ "$(json struck_off "$i" choice)" = "$choice" ] && break
        i=$((i + 1))
    done
    expect "$case: $choice was struck off" [ "$i" -lt "$n" ] || { cat "$tmp/out"; return; }
    expect_equal "$case: for every problem" "$(json struck_off "$i" problem)" every
    json struck_off "$i" why >"$tmp/why"
    expect_grep "$case: why" "$reason" "$tmp/why"
}
all_found() { expect_equal "$1: problems with a result" "$(json problems length)" "$n_problems"; }

tuned nothing=x
n_problems=$(json problems length)
expect_number "problems" "$n_problems >= 5"
expect_equal "nothing is struck off in peace" "$(json struck_off length)" 0

# 1. Candidates.
while read -r order why; do
    tuned "$order=-DMR=4"
    for variant in direct packed; do
        struck "$order" "$variant mr 4" "$why"
    done
    all_found "$order"
    # Remembered: not tried again by another run.
    OPENCL_LAYERS=$layer MOT_LAYER_BUILD=$order=-DMR=4 run timeout 100 "$MOTLEY" tune "$tmp/c.yaml" \
        --devices "$first" --limit 3 --json
    expect_equal "$order: again, at once: exit status" "$status" 0
    struck "$order: again" "direct mr 4" "$why"
done <<END
hang compiler.did.not.return
crash crashed
wrong wrong.numbers
END

# 2. What the rules take: the next best is the yardstick then, and training takes it too.
for order in hang crash; do
    tuned "$order=-DMR="
    struck "$order by rule" direct 'compiler|crashed'
    all_found "$order by rule"
    OPENCL_LAYERS=$layer MOT_LAYER_BUILD=$order=-DMR= train "$tmp/c.yaml" --devices "$first" --epochs 1
done
finish
