#!/bin/sh
# Under mpiexec an error on one rank ends all of them, with one message, in bounded time.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need_mpi

first=$(first_device)
refuse_lines=25 # mpiexec tells in its own words that a rank ended
# Rank 1 gets data that are not there; rank 0 would be fine.
cp "$srcdir/tests/train/usps.yaml" "$tmp/c.yaml"
mkdir "$tmp/data"
"$HELPERS/make_idx" 300 16 1 "$tmp/data/train-images.gz" "$tmp/data/train-labels.gz"
"$HELPERS/make_idx" 100 16 2 "$tmp/data/test-images" "$tmp/data/test-labels"
one_fails()
{
    what=$1 pattern=$2
    shift 2
    refuse "$what" "$pattern" "$@"
    expect_equal "$what: told once" "$(grep -c 'motley: ' "$tmp/err")" 1
}
one_fails "data missing on rank 1" 'motley: .*nowhere' "$MPIEXEC" -n 1 "$MOTLEY" train "$tmp/c.yaml" \
    --data "$tmp/data" --devices "$first" : -n 1 "$MOTLEY" train "$tmp/c.yaml" --data "$tmp/nowhere" --devices "$first"
one_fails "unknown device on rank 1" 'motley: .*nvidio' "$MPIEXEC" -n 1 "$MOTLEY" train "$digits" \
    --devices "$first" : -n 1 "$MOTLEY" train "$digits" --devices nvidio:0
one_fails "another batch on rank 1" 'motley: ' "$MPIEXEC" -n 1 "$MOTLEY" train "$digits" --devices "$first" \
    : -n 1 "$MOTLEY" train "$digits" --devices "$first" --set data.batch=32
one_fails "weights for rank 1 only" 'motley: .*differ' "$MPIEXEC" -n 1 "$MOTLEY" train "$digits" --devices "$first" \
    : -n 1 "$MOTLEY" train "$digits" --devices "$first" --init "$tmp/nowhere"
one_fails "an output folder for rank 0 only" 'motley: .*differ' "$MPIEXEC" -n 1 "$MOTLEY" train "$digits" \
    --devices "$first" --out "$tmp/one" : -n 1 "$MOTLEY" train "$digits" --devices "$first"
one_fails "an unknown option on rank 1" 'motley: rank 1: .*deviecs' "$MPIEXEC" -n 1 "$MOTLEY" train "$digits" \
    --devices "$first" : -n 1 "$MOTLEY" train "$digits" --deviecs "$first"
one_fails "an unknown command on rank 1" 'motley: rank 1: .*trian' "$MPIEXEC" -n 1 "$MOTLEY" train "$digits" \
    --devices "$first" : -n 1 "$MOTLEY" trian "$digits"
one_fails "both ranks wrong" 'motley: .*nvidio' "$MPIEXEC" -n 2 "$MOTLEY" train "$digits" --devices nvidio:0

# In the middle of training: the disk of the metrics is full, which only rank 0 meets.
if [ -w /dev/full ]; then
    mkdir "$tmp/run"
    ln -s /dev/full "$tmp/run/metrics.jsonl"
    one_fails "a full disk on rank 0" 'motley: .*metrics.jsonl' timeout 60 "$MPIEXEC" -n 2 "$MOTLEY" \
        train "$digits" --devices "$first" --out "$tmp/run" --set train.log_every=1 --epochs 50
    expect "... before the time limit (status $status)" [ "$status" -ne 124 ]
fi

# A rank that is killed in the middle takes the others along.
# shellcheck disable=SC2016
n_checks=$((n_checks + 1))
run timeout 60 "$MPIEXEC" -n 2 sh -c '
    if [ "${PMI_RANK-${OMPI_COMM_WORLD_RANK-0}}" = 1 ]; then
        "$0" train "$1" --devices "$2" --epochs 2000 & sleep 3; kill -9 $!; wait $!; exit 1
    fi
    exec "$0" train "$1" --devices "$2" --epochs 2000' "$MOTLEY" "$digits" "$first"
expect "a killed rank ends all (status $status)" [ "$status" -ne 0 ]
expect "... before the time limit" [ "$status" -ne 124 ]
finish
