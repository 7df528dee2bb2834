/* Matrix products for CPU-class devices: groups of one work-item, written-out vectors, tiles in
 * registers; kernels_cl/matmul_tile.cl says how.
 *
 * direct  one launch; each group packs its own panels of B into local memory.
 * packed  one launch packs all of B into the workspace, a second one multiplies; each group packs its
 *         own rows of A into local memory.
 */
#include "config.h"

#include "devices/matmul.h"

#include <stdio.h>

/* The tile that fits the registers, and the launch's blocks. */
typedef struct blocks {
    int64_t mr, nr;
    int64_t row, col, k; /* rows and columns of C of a group, and steps of k at a time */
} blocks;

/* A group for each thread four times over, so that threads end together. */
enum { GROUPS_PER_THREAD = 4, PANEL_STEPS = 256, LEAST_ROWS = 48, MOST_ROWS = 192 };

static int64_t tile_rows(const mot_traits *traits)
{
    return traits->vector >= 16 ? 8 : 6;
}

/* Pieces of `size` in `total` pieces, each a multiple of `unit`. */
static int64_t even_block(int64_t size, int64_t pieces, int64_t unit)
{
    return mot_ceil_div(mot_ceil_div(size, mot_max(pieces, 1)), unit) * unit;
}

static blocks direct_blocks(const mot_traits *traits, const mot_matmul *p)
{
    blocks s = {.mr = tile_rows(traits), .nr = 2 * traits->vector};
    int64_t wanted = GROUPS_PER_THREAD * traits->threads;
    int64_t panels = mot_ceil_div(p->n, s.nr) * p->batch;
    /* Columns first, for a panel is packed once for each block of rows. */
    int64_t row_pieces = panels >= wanted ? 1 : mot_ceil_div(wanted, panels);
    s.row = even_block(p->m, mot_min(row_pieces, mot_ceil_div(p->m, s.mr)), s.mr);
    s.col = s.nr;
    int64_t steps = mot_min(PANEL_STEPS, (int64_t)(traits->local_bytes / sizeof(float)) / s.nr);
    s.k = mot_ceil_div(p->k, mot_ceil_div(p->k, mot_max(steps, 1)));
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

static blocks packed_blocks(const mot_traits *traits, const mot_matmul *p)
{
    blocks s = {.mr = tile_rows(traits), .nr = 2 * traits->vector};
    int64_t wanted = GROUPS_PER_THREAD * traits->threads, floats = traits->local_bytes / sizeof(float);
    s.k = mot_ceil_div(p->k, mot_ceil_div(p->k, PANEL_STEPS));
    /* Rows first, for they are packed once for each block of columns. */
    int64_t fit = mot_max(s.mr, mot_min(MOST_ROWS, (floats - 8) / s.k) / s.mr * s.mr);
    int64_t row_pieces = mot_max(mot_ceil_div(p->m, fit), mot_min(wanted, mot_ceil_div(p->m, LEAST_ROWS)));
    s.row = even_block(p->m, row_pieces, s.mr);
    row_pieces = mot_ceil_div(p->m, s.row) * p->batch;
    s.col = even_block(p->n, mot_ceil_div(wanted, row_pieces), s.nr);
    return s;
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
    mot_launch_local(&launch, (size_t)(s.k * s.nr) * sizeof(float));
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
