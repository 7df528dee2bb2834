#!/bin/sh
# The same training with 2 and 3 ranks as on one: loss of each epoch to 5 digits, parameters within
# 1e-5, the same bits on all replicas; also when ranks exchange gradients as those of several hosts do.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need_mpi

train "$digits" --devices "$(first_device)" --out "$tmp/one" || finish
keep one
# same_as_one SHARES [VARIABLE=VALUE]: trained with these shares, one a rank.
same_as_one()
{
    shares=$1 how=${2:-}
    n=$(echo "$shares" | awk -F, '{ print (NF > 1 ? NF : 2) }')
    [ "$shares" = auto ] || shares="[$shares]"
    launch "env $how $(mpi "$n")" train "$digits" --devices "$(first_device)" --out "$tmp/ranks$n" \
        --set train.check_replicas=20 --set "train.shares=$shares" || return
    who="$n ranks${how:+, $how}"
    expect_equal "ranks" "$(json ranks)" "$n"
    expect_close "$who: loss of every epoch" "$(of one epoch_losses)" "$(json epoch_losses)" 5
    expect "$who: parameters" "$HELPERS/params_diff" "$tmp/one/model.safetensors" \
        "$tmp/ranks$n/model.safetensors" 1e-5
    i=0 total=0
    while [ "$i" -lt "$(json devices length)" ]; do
        note "$who: rank $(json devices "$i" rank) $(json devices "$i" id) share $(json devices "$i" share)"
        [ "$shares" = auto ] ||
            expect_number "$who: samples of device $i" "$(json devices "$i" samples) > 0"
        total=$((total + $(json devices "$i" samples)))
        i=$((i + 1))
    done
    expect_equal "$who: samples in all" "$total" 12800
    # Output comes from rank 0 alone.
    expect_equal "$who: JSON lines" "$(grep -c '^{' "$tmp/out")" 1
}
same_as_one 3,2
same_as_one 1,2,1
same_as_one auto
same_as_one 2,3 MOTLEY_SHARE=0
same_as_one 1,1,2 MOTLEY_SHARE=0
# In shared memory no gradient goes through MPI: in 50 steps at least 50 all-reduces fewer.  (A preloaded
# layer comes before the sanitizers' library, where there is one; it does no harm.)
layer=$HELPERS/layers/.libs/libmotley_mpi_layer.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export ASAN_OPTIONS
if [ -f "$layer" ]; then
    for share in 1 0; do
        launch "env MOTLEY_SHARE=$share MOT_MPI_COUNT=$tmp/calls LD_PRELOAD=$layer $(mpi 2)" train "$digits" \
            --devices "$(first_device)" --set train.shares=equal --steps 50 || finish
        all_reduces=$(awk '$1 == "MPI_Iallreduce" { print $2 }' "$tmp/calls.1")
        note "MOTLEY_SHARE=$share: $all_reduces all-reduces of MPI"
        [ "$share" = 1 ] && shared=$all_reduces
    done
    expect_number "gradients go through shared memory" "${shared:-99999} + 50 <= $all_reduces"
fi

# Other tests that run now have theirs for a moment.
left=x tries=0
while [ -n "$left" ] && [ "$tries" -lt 10 ]; do
    left=$(find /dev/shm -name 'motley-*' 2>/dev/null)
    tries=$((tries + 1))
    [ -z "$left" ] || sleep 1
done
expect_equal "nothing is left in shared memory" "$left" ""
finish
