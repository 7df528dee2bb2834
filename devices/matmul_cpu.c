/* Matrix products for CPU-class devices: groups of one work-item, written-out vectors, tiles in
 * registers; kernels_cl/matmul_tile.cl says how.
 *
 * direct  one launch; each group packs its own panels of B into local memory.
 * packed  one launch packs all of B into the workspace, a second one multiplies; each group packs its
 *         own rows of A into local memory.
 */
#include "config.h"

#include "devices/matmul.h"

#include <math.h>
#include <stdio.h>

/* The tile that fits the registers, and the launch's blocks. */
typedef struct blocks {
    int64_t mr, nr;
    int64_t row, col, k; /* rows and columns of C of a group, and steps of k at a time */
} blocks;

/* A group for each thread four times over, so that threads end together.  A panel of B has the size
 * of a first-level cache, the rows of A that a group packs that of half a second-level one. */
enum {
    GROUPS_PER_THREAD = 4,
    PANEL_BYTES = 32768,
    LEAST_ROWS = 48,
    MOST_ROWS = 144,
};

static int64_t tile_rows(const mot_traits *traits)
{
    return traits->vector >= 16 ? 8 : 6;
}

/* Pieces of `size` in `total` pieces, each a multiple of `unit`. */
static int64_t even_block(int64_t size, int64_t pieces, int64_t unit)
{
    return mot_ceil_div(mot_ceil_div(size, mot_max(pieces, 1)), unit) * unit;
}

/* At most `most` steps of k at a time, all blocks alike. */
static int64_t even_steps(int64_t k, int64_t most)
{
    return mot_ceil_div(k, mot_ceil_div(k, mot_max(most, 1)));
}

static int64_t local_bytes(const mot_traits *traits)
{
    return (int64_t)traits->local_bytes;
}

/* Cycles of a group with `rows` tiles and `cols` panels, per step of k where not said otherwise.  A
 * tile takes as many as it has rows, for two multiplications are done at a time; an element costs so
 * much to pack or to fetch for the first time, in hundredths; a tile and a group so much to begin.
 * Only ratios matter: measured on Zen 3, they held on others. */
enum { PACK_N = 15, PACK_T = 30, FETCH_N = 10, FETCH_T = 30, BEGIN_TILE = 40, BEGIN_GROUP = 1000 };

static double group_cycles(const mot_matmul *p, const blocks *s, int64_t rows, int64_t cols)
{
    const double k = (double)p->k, n_k = (double)mot_ceil_div(p->k, s->k);
    const double pack = k * (double)s->nr * (p->flags & MOT_MATMUL_TRANS_B ? PACK_T : PACK_N) / 100;
    const double fetch = k * (double)s->mr * (p->flags & MOT_MATMUL_TRANS_A ? FETCH_T : FETCH_N) / 100;
    const double tile = k * (double)s->mr + BEGIN_TILE * n_k;
    return BEGIN_GROUP + (double)cols * pack + (double)rows * (fetch + (double)cols * tile);
}

/* The division into groups whose slowest thread is predicted to be done first. */
static blocks direct_blocks(const mot_traits *traits, const mot_matmul *p)
{
    const int64_t local_floats = mot_min(PANEL_BYTES, local_bytes(traits)) / 4;
    blocks s = {.mr = tile_rows(traits), .nr = 2 * traits->vector};
    s.k = even_steps(p->k, local_floats / s.nr);
    const int64_t tiles = mot_ceil_div(p->m, s.mr), panels = mot_ceil_div(p->n, s.nr);
    const int64_t most_cols = mot_min(mot_max(1, local_floats / (s.nr * s.k)), panels);
    const int64_t most_pieces = mot_min(tiles, 2 * GROUPS_PER_THREAD * traits->threads);
    double best = INFINITY;
    for (int64_t cols = 1; cols <= most_cols; cols++)
        for (int64_t pieces = 1; pieces <= most_pieces; pieces++) {
            const int64_t rows = mot_ceil_div(tiles, pieces);
            const int64_t groups = mot_ceil_div(tiles, rows) * mot_ceil_div(panels, cols) * p->batch;
            const int64_t rounds = mot_ceil_div(groups, traits->threads);
            double cycles = (double)rounds * group_cycles(p, &s, rows, cols);
            /* Few large groups: threads that are disturbed leave the others waiting. */
            cycles *= 1.0 + 0.2 / (double)rounds;
            if (cycles < best) {
                best = cycles;
                s.row = rows * s.mr;
                s.col = cols * s.nr;
            }
        }
    return s;
}

static blocks packed_blocks(const mot_traits *traits, const mot_matmul *p)
{
    blocks s = {.mr = tile_rows(traits), .nr = 2 * traits->vector};
    int64_t wanted = GROUPS_PER_THREAD * traits->threads, floats = local_bytes(traits) / 4 - 8;
    s.k = even_steps(p->k, mot_min(PANEL_BYTES / 4 / s.nr, floats / LEAST_ROWS));
    /* Rows first, for they are packed once for each block of columns. */
    int64_t fit = mot_max(s.mr, mot_min(MOST_ROWS, floats / s.k) / s.mr * s.mr);
    int64_t row_pieces = mot_max(mot_ceil_div(p->m, fit), mot_min(wanted, mot_ceil_div(p->m, LEAST_ROWS)));
    s.row = even_block(p->m, row_pieces, s.mr);
    row_pieces = mot_ceil_div(p->m, s.row) * p->batch;
    s.col = even_block(p->n, mot_ceil_div(wanted, row_pieces), s.nr);
    return s;
}

static void begin(const mot_recording *r, mot_launch *launch, const char *source,
                  const char *kernel)
{
    char options[48];
    snprintf(options, sizeof options, "-DVW=%d -DMR=%d", r->traits.vector,
             (int)tile_rows(&r->traits));
    mot_launch_begin(launch, r->commands, source, options, kernel);
}

mot_status mot_matmul_record_direct(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    blocks s = direct_blocks(&r->traits, &p);
    const size_t local[3] = {1, 1, 1};
    const size_t global[3] = {(size_t)mot_ceil_div(p.n, s.col), (size_t)mot_ceil_div(p.m, s.row),
                              (size_t)p.batch};
    mot_launch launch;
    begin(r, &launch, "matmul_direct", "matmul_direct");
    mot_matmul_arguments(&launch, &p);
    mot_launch_long(&launch, s.row);
    mot_launch_long(&launch, s.col);
    mot_launch_long(&launch, s.k);
    mot_launch_local(&launch, (size_t)(s.k * s.col) * sizeof(float));
    return mot_record_end_3d(r, &launch, 3, global, local);
}

int64_t mot_matmul_packed_workspace(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    int64_t nr = 2 * r->traits.vector;
    return p.batch * mot_ceil_div(p.n, nr) * nr * p.k;
}

mot_status mot_matmul_record_packed(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    blocks s = packed_blocks(&r->traits, &p);
    mot_view panels = mot_workspace_at(r->o, 0, mot_matmul_packed_workspace(r));
    const size_t local[3] = {1, 1, 1};
    const size_t packs[2] = {(size_t)mot_ceil_div(p.n, s.nr), (size_t)p.batch};
    const size_t global[3] = {(size_t)mot_ceil_div(p.n, s.col), (size_t)mot_ceil_div(p.m, s.row),
                              (size_t)p.batch};
    mot_launch launch;
    begin(r, &launch, "matmul_packed", "matmul_pack");
    mot_launch_view(&launch, &panels);
    mot_launch_view(&launch, &p.b);
    mot_launch_long(&launch, p.n);
    mot_launch_long(&launch, p.k);
    mot_launch_long(&launch, p.ldb);
    mot_launch_long(&launch, p.stride_b);
    mot_launch_int(&launch, p.flags);
    MOT_TRY(mot_record_end_3d(r, &launch, 2, packs, local));
    p.b = panels;
    begin(r, &launch, "matmul_packed", "matmul_packed");
    mot_matmul_arguments(&launch, &p);
    mot_launch_long(&launch, s.row);
    mot_launch_long(&launch, s.col);
    mot_launch_long(&launch, s.k);
    mot_launch_local(&launch, (size_t)(s.k * s.row + 8) * sizeof(float));
    return mot_record_end_3d(r, &launch, 3, global, local);
}
