#!/bin/sh
# The kernels under oclgrind, which interprets them and sees races, accesses out of bounds, wrong API
# calls and uninitialized values: every operator and variant with small shapes, and a small training.
# oclgrind's exit status does not tell; its log must be empty.  About a hundred times slower than a
# device.
#
# Uninitialized values are looked for in a pass of their own, operator by operator, of kernels that are not
# optimized: oclgrind 21.10 does not know the instruction `freeze` there, and crashes on some vector ones.
# Without `restrict` always: it does not know what the compiler makes of that.
. "${srcdir:-$(dirname "$0")/..}/tests/lib.sh"
slow
command -v oclgrind >/dev/null || skip "oclgrind is not installed"

# Programs built for it stay apart from those of real devices.
XDG_CACHE_HOME=$tmp/cache MOTLEY_TUNED=0 OCLGRIND_BUILD_OPTIONS=-Drestrict=
export XDG_CACHE_HOME MOTLEY_TUNED OCLGRIND_BUILD_OPTIONS
# complaints: what is in the log, but for clGetDeviceIDs that asks for custom devices where there are
# none: that is the way to ask.
complaints()
{
    awk -v RS= '/CL_DEVICE_NOT_FOUND/ && /clGetDeviceIDs/ { next } { print; found = 1 } END { exit !found }' "$tmp/log"
}
# watch WHAT COMMAND...: no complaint in the log, and the command itself is content.
watch()
{
    what=$1
    shift
    n_checks=$((n_checks + 1))
    : >"$tmp/log"
    # shellcheck disable=SC2086
    run timeout 280 oclgrind --data-races --check-api --max-errors 20 ${more-} --log "$tmp/log" "$@" ||
        fail "$what: exit $status: $(tail -n 5 "$tmp/err")"
    if complaints >"$tmp/complaints"; then
        fail "$what: oclgrind complains"
        head -n 60 "$tmp/complaints"
    fi
}
# look_for_uninitialized WHAT COMMAND...
look_for_uninitialized()
{
    what=$1
    shift
    n_checks=$((n_checks + 1))
    : >"$tmp/log"
    XDG_CACHE_HOME=$tmp/plain_cache OCLGRIND_BUILD_OPTIONS='-cl-opt-disable -Drestrict=' MOT_TEST_RULES=1 MOT_TEST_SEED=3 \
        run timeout 280 oclgrind --uninitialized --max-errors 20 --log "$tmp/log" "$@" ||
        case $what in
        # Functions that give a struct are called in a way that it does not know either.
        softmax_xent) note "$what: not looked at" ;;
        *) fail "$what: oclgrind --uninitialized ended with $status: $(tail -n 5 "$tmp/err")" ;;
        esac
    # It takes the halves of a vector of 16 for uninitialized.
    [ "$what" = clip_norm ] || if complaints >"$tmp/complaints"; then
        fail "$what: uninitialized values"
        head -n 60 "$tmp/complaints"
    fi
}

# That it can complain at all: a kernel with a race, one that uses what it has not set.
self_test()
{
    cat >"$tmp/bad.cl" <<'END'
kernel void race(global int *x) { x[0] = (int)get_global_id(0); }
kernel void unset(global int *x) { int y[2]; y[0] = 1; x[get_global_id(0)] = y[x[0]]; }
END
    for kernel in race unset; do
        printf '%s\n' "$tmp/bad.cl" $kernel "4 1 1" "1 1 1" "<size=16 fill=1>" >"$tmp/bad.sim"
        : >"$tmp/log"
        oclgrind-kernel --data-races --uninitialized --log "$tmp/log" "$tmp/bad.sim" >"$tmp/out" 2>&1
        expect "oclgrind sees what is wrong with kernel $kernel" complaints >"$tmp/complaints"
    done
}
self_test

# A narrow table: kernels for GPUs work on tiles of 64 x 64 whatever the sizes, and each is interpreted.
awk 'BEGIN { for (i = 0; i < 34; i++) print i % 7, i % 5 / 5, i % 3 - 1, (i * i) % 11, i % 3 }' |
    tr ' ' , >"$tmp/table.csv"
config '/samples:/d;/augment:/d;s/set: .*/set: csv/;s/batch: 64/batch: 10/;s/linear: 48/linear: 6/;s/linear: 10/linear: 3/'
for optimizer in sgd adam; do
    watch "training with $optimizer" "$MOTLEY" train "$tmp/c.yaml" --devices all --steps 3 \
        --set data.file="$tmp/table.csv" --set data.task=classification --set data.test_fraction=0.3 \
        --set train.optimizer.name=$optimizer
done

MOT_TEST_SMALL=1
export MOT_TEST_SMALL
program=$HELPERS/ops/test_ops n_ops=0
if [ -x "$program" ]; then
    for op in $(sed -n 's/^ *X(\([a-z0-9_]*\)).*/\1/p' "$srcdir/runtime/base/op.h"); do
        n_ops=$((n_ops + 1)) MOT_TEST_OPS=$op
        export MOT_TEST_OPS
        watch "$op" "$program"
        look_for_uninitialized "$op" "$program"
    done
    expect_equal "operators that were looked at" "$n_ops" "$(grep -c '^ *X(' "$srcdir/runtime/base/op.h")"
    # Launches made one.
    MOTLEY_JOIN=1 more=--inst-counts
    export MOTLEY_JOIN
    MOT_TEST_RULES=1
    export MOT_TEST_RULES
    for MOT_TEST_OPS in linear linear_dinput linear_dweight; do
        watch "$MOT_TEST_OPS, joined" "$program"
        expect_grep "$MOT_TEST_OPS: the joined kernel ran" "kernel 'joined'" "$tmp/out"
    done
    unset MOTLEY_JOIN MOT_TEST_RULES more
else
    note "tests/ops/test_ops is not built (no libcheck)"
fi
program=$HELPERS/gpu/test_mma
if [ -x "$program" ]; then
    OCLGRIND_LOCAL_MEM_SIZE=65536
    export OCLGRIND_LOCAL_MEM_SIZE
    watch "tensor cores, emulated" "$program" # the other pass crashes there
fi
finish
