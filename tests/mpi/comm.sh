#!/bin/sh
# Ranks and collectives with 1, 2, 3 and 5 ranks, and how a run ends when one rank fails, is killed,
# or gives up: soon, with a status that is not 0, and with the message where there can be one.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

program=$HELPERS/mpi/test_comm
layer=$HELPERS/layers/.libs/libmotley_mpi_layer.so
# A preloaded layer comes before the sanitizers' library, where there is one; it does no harm.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export ASAN_OPTIONS
[ -x "$program" ] || skip "$program is not built"

# 1. Nobody started us: one rank, and MPI is not even asked whether it runs.
unset PMI_RANK PMI_SIZE PMI_FD PMIX_RANK OMPI_COMM_WORLD_SIZE OMPI_COMM_WORLD_RANK
MOT_MPI_COUNT=$tmp/calls LD_PRELOAD=$layer "$program" >"$tmp/out" 2>&1
expect_equal "without a launcher: exit status" $? 0
expect_equal "without a launcher: calls of MPI" "$(awk '{ n += $2 } END { print n }' "$tmp/calls.0")" 0
PMI_RANK=0 PMI_SIZE=2 MOTLEY_MPI=0 "$program" single >"$tmp/out" 2>&1
expect_equal "MOTLEY_MPI=0: exit status" $? 0
MOTLEY_MPI=2 "$program" >"$tmp/out" 2>&1
expect_grep "MOTLEY_MPI=2" "MOTLEY_MPI is '2'" "$tmp/out"
SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=4 "$program" >"$tmp/out" 2>&1
expect_grep "srun without PMI" "srun --mpi=pmi2" "$tmp/out"
SLURM_PROCID=0 "$program" >"$tmp/out" 2>&1
expect_equal "in a batch script of Slurm: exit status" $? 0
OMPI_COMM_WORLD_SIZE=4 "$program" >"$tmp/out" 2>&1
expect_grep "another MPI's launcher" "started 4 ranks but MPI sees one" "$tmp/out"

if ! have_mpi; then
    [ "$failed" -eq 0 ] && skip "no mpiexec"
    finish
fi
# Open MPI's launcher is shy of root and of more ranks than cores; MPICH's ignores these.
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_rmaps_base_oversubscribe

# ranks N ARGUMENTS...: status and output of N ranks, ended after a minute.
ranks()
{
    n=$1
    shift
    # shellcheck disable=SC2046
    timeout 60 $(mpi "$n") "$program" "$@" >"$tmp/out" 2>&1
    status=$?
    expect "$n ranks, $*: ended in time" [ "$status" -ne 124 ]
}

# 2. The collectives.
for n in 1 2 3 5; do
    ranks "$n"
    expect_equal "$n ranks: exit status" "$status" 0
    expect_grep "$n ranks" "9 tests passed by $n ranks" "$tmp/out"
done

# 3. One rank fails: all say why and exit alike.
ranks 3 fail 1
expect "fail: exit status is not 0" [ "$status" -ne 0 ]
for rank in 0 1 2; do
    expect_grep "fail: rank $rank" "seen by $rank: rank 1: cannot write model: disk full" "$tmp/out"
done

# 4. One rank disappears or gives up: nobody waits for it.
for part in die abort; do
    ranks 3 "$part" 1
    expect "$part: exit status is not 0" [ "$status" -ne 0 ]
done
MOT_MPI_DIE=MPI_Iallreduce:3:1 LD_PRELOAD=$layer ranks 2 reduce 1000
expect "killed in a reduction: exit status is not 0" [ "$status" -ne 0 ]

# 5. A call of MPI fails on one rank: it says so, does not wait for the others, and all end.
for function in MPI_Iallreduce MPI_Test; do
    MOT_MPI_FAIL=$function:3:1 LD_PRELOAD=$layer ranks 2 reduce 1000
    expect "$function fails: exit status is not 0" [ "$status" -ne 0 ]
    expect_grep "$function fails" "seen by 1: rank 1 of 2: all-reduce of 16384 items failed" "$tmp/out"
    expect "$function fails: no agreement" sh -c '! grep -q agreed "$1"' sh "$tmp/out"
done

# 6. The layer's slow link: 64 KiB among 2 ranks at 10 MB/s and 5 ms take 11.5 ms, not less.
MOT_MPI_LINK=1e7:0.005 LD_PRELOAD=$layer ranks 2 reduce 20
expect_number "slow link: at least the declared time" "$(cat "$tmp/out") >= 0.0115"
expect_number "slow link: not much more" "$(cat "$tmp/out") < 0.1"
MOT_MPI_COUNT=$tmp/calls LD_PRELOAD=$layer ranks 2 reduce 20
expect_grep "the layer counts" "MPI_Iallreduce 20" "$tmp/calls.1"
expect_grep "the layer counts" "MPI_Finalize 1" "$tmp/calls.1"
finish
