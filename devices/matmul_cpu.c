/* Matrix products for CPU-class devices: groups of one work-item, written-out vectors, tiles in
 * registers; kernels_cl/matmul_tile.cl says how.
 *
 * direct  one launch; each group packs its own panels of B into local memory.
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
enum { GROUPS_PER_THREAD = 4, PANEL_STEPS = 256 };

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
                  const char *kernel, const mot_matmul *p)
{
    char options[48];
    snprintf(options, sizeof options, "-DVW=%d -DMR=%d", r->traits.vector,
             (int)tile_rows(&r->traits));
    mot_launch_begin(launch, r->commands, source, options, kernel);
    mot_matmul_arguments(launch, p);
}

mot_status mot_matmul_record_direct(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    blocks s = direct_blocks(&r->traits, &p);
    const size_t local[3] = {1, 1, 1};
    const size_t global[3] = {(size_t)mot_ceil_div(p.n, s.col), (size_t)mot_ceil_div(p.m, s.row),
                              (size_t)p.batch};
    mot_launch launch;
    begin(r, &launch, "matmul_direct", "matmul_direct", &p);
    mot_launch_long(&launch, s.row);
    mot_launch_long(&launch, s.col);
    mot_launch_long(&launch, s.k);
    mot_launch_local(&launch, (size_t)(s.k * s.nr) * sizeof(float));
    return mot_record_end_3d(r, &launch, 3, global, local);
}
