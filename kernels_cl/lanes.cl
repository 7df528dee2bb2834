/* lanes.cl: included by kernels for GPUs that go along rows: ITEMS work-items of a group are TEAMS
 * teams of LANES lanes, and each team has a row at a time.
 *
 * A lane keeps up to PIECES pieces of the row in registers; piece k of a lane begins at element
 * (k * LANES + lane) * W of it, so that neighbours read neighbours.  What a whole row adds up to goes
 * through local memory, for all teams with the same barriers.
 * Parameters: LANES a power of two up to ITEMS; PIECES; W elements a piece: 4 where rows are whole
 * vectors and begin at multiples of 4, else 1. */
#ifndef LANES_CL
#define LANES_CL
#define VW 4
#include "exp.cl"
#define ITEMS 256 /* a twin of that in devices/lanes.h */
#ifndef LANES
#define LANES 32
#endif
#ifndef PIECES
#define PIECES 4
#endif
#include "piece.cl"
#define TEAMS (ITEMS / LANES)
#define LANE ((int)get_local_id(0) % LANES)
#define TEAM ((int)get_local_id(0) / LANES)
#define WHOLE_GROUP __attribute__((reqd_work_group_size(ITEMS, 1, 1)))

#if W == 4
#define PIECE_INT int4
#define PIECE_INDEX(at) ((int4)(at) + (int4)(0, 1, 2, 3))
#define PIECE_EXP(v) exp_vector(v)
INLINE float piece_max(float4 v)
{
    return fmax(fmax(v.x, v.y), fmax(v.z, v.w));
}
#else
#define PIECE_INT int
#define PIECE_INDEX(at) (at)
#define PIECE_EXP(v) exp_single(v)
INLINE float piece_max(float v)
{
    return v;
}
#endif

/* For each piece k of this lane, which begins at element `at` of a row of n. */
#define EACH_PIECE(k, at, n)                                                                       \
    UNROLL                                                                                         \
    for (int k = 0, at = LANE * W; k < PIECES; k++, at += LANES * W)                               \
        if (at < (n))

/* A lane's part of a row of n; `other` behind its end. */
INLINE void pieces_load(PIECE v[PIECES], __global const float *row, int n, float other)
{
    UNROLL
    for (int k = 0; k < PIECES; k++)
        v[k] = other;
    EACH_PIECE (k, at, n)
        v[k] = *(__global const PIECE *)(row + at);
}

INLINE void pieces_store(__global float *row, const PIECE v[PIECES], int n)
{
    EACH_PIECE (k, at, n)
        *(__global PIECE *)(row + at) = v[k];
}

/* What the lanes of a team have, joined by a tree; all of them get it. */
#define TEAM_TREE(name, TYPE, JOIN)                                                                \
    INLINE TYPE name(TYPE mine, __local TYPE *scratch)                                             \
    {                                                                                              \
        const int me = (int)get_local_id(0), lane = LANE;                                          \
        scratch[me] = mine;                                                                        \
        barrier(CLK_LOCAL_MEM_FENCE);                                                              \
        UNROLL                                                                                     \
        for (int apart = LANES / 2; apart > 0; apart /= 2) {                                       \
            if (lane < apart) {                                                                    \
                mine = JOIN(mine, scratch[me + apart]);                                            \
                scratch[me] = mine;                                                                \
            }                                                                                      \
            barrier(CLK_LOCAL_MEM_FENCE);                                                          \
        }                                                                                          \
        const TYPE all = scratch[me - lane];                                                       \
        barrier(CLK_LOCAL_MEM_FENCE);                                                              \
        return all;                                                                                \
    }
#define JOIN_SUM(a, b) ((a) + (b))
TEAM_TREE(team_sum, float, JOIN_SUM)
TEAM_TREE(team_sums2, float2, JOIN_SUM)
TEAM_TREE(team_sums4, float4, JOIN_SUM)
TEAM_TREE(team_max, float, fmax)
#endif
