#!/bin/sh
# The kernels under oclgrind, which interprets them and sees races, accesses out of bounds, uninitialized
# values and wrong API calls: every operator and variant with small shapes, and a small training.
# oclgrind's exit status does not tell; its log must be empty.  About a hundred times slower than a
# device.
. "${srcdir:-$(dirname "$0")/..}/tests/lib.sh"
slow
command -v oclgrind >/dev/null || skip "oclgrind is not installed"

# Programs built for it stay apart from those of real devices.
XDG_CACHE_HOME=$tmp/cache
export XDG_CACHE_HOME
# watch WHAT COMMAND...: no complaint in the log, and the command itself is content.
watch()
{
    what=$1
    shift
    n_checks=$((n_checks + 1))
    rm -f "$tmp/log"
    run timeout 280 oclgrind --data-races --uninitialized --check-api --max-errors 20 \
        --log "$tmp/log" "$@" || fail "$what: exit $status: $(tail -5 "$tmp/err" "$tmp/out")"
    if [ -s "$tmp/log" ]; then
        fail "$what: oclgrind complains"
        head -60 "$tmp/log"
    fi
}

# That it can complain at all: a kernel with a race.
watch_itself()
{
    cat >"$tmp/race.cl" <<'END'
kernel void race(global int *x) { x[0] = (int)get_global_id(0); }
END
    printf '%s\n' "$tmp/race.cl" race "4 1 1" "1 1 1" "<size=4 fill=0>" >"$tmp/race.sim"
    oclgrind-kernel --data-races --log "$tmp/log" "$tmp/race.sim" >"$tmp/out" 2>&1
    expect "oclgrind sees a race" [ -s "$tmp/log" ]
}
watch_itself

"$MOTLEY" --version >/dev/null || finish
small="--steps 3 --set data.samples=24 --set data.test_samples=10 --set data.batch=10"
# shellcheck disable=SC2086
watch "training with SGD" "$MOTLEY" train "$digits" --devices all $small \
    --set 'model.layers=[flatten, {linear: 6}, relu, {dropout: 0.3}, {linear: 10}]'
# shellcheck disable=SC2086
watch "training with Adam" "$MOTLEY" train "$digits" --devices all $small --set train.optimizer.name=adam \
    --set 'model.layers=[flatten,{linear: 6},relu,{linear: 10}]'
for program in "$HELPERS"/ops/test_*; do
    [ -x "$program" ] && [ ! -d "$program" ] || continue
    case $program in *.sh | *.o | *.log | *.trs) continue ;; esac
    note "$(basename "$program")"
    MOT_TEST_SMALL=1 CK_FORK=no watch "$(basename "$program")" "$program"
done
finish
