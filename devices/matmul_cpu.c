/* Matrix products for CPU-class devices: groups of one work-item, written-out vectors, tiles in
 * registers; kernels_cl/matmul_tile.cl says how.
 *
 * direct  one launch; each group packs its own panels of B into local memory.
 * packed  one launch packs all of B into the workspace, a second one multiplies; each group packs
 *         its own rows of A into local memory.
 */
#include "config.h"

#include "devices/matmul.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The tile that fits the registers, and how the work is divided: into rows x cols groups, k steps
 * at a time, with so many floats of local memory. */
typedef struct division {
    int64_t mr, nr;
    int64_t rows, cols, k, local_floats;
} division;

/* Groups for each thread, so that threads end together.  A panel of B has the size of a first-level
 * cache, the rows of A that a group packs that of half a second-level one. */
enum {
    GROUPS_PER_THREAD = 4,
    PANEL_BYTES = 32768,
    LEAST_ROWS = 64,
    LOCAL_ROWS = 24, /* for these a small local memory must do, even if k_block gets short */
    LEAST_STEPS = 64,
    MOST_ROWS = 144,
    PANELS_PACKED = 8, /* at once: as many neighbouring floats are read as a page prefers */
    MOST_MR = 12,
    MOST_MR_PACKED = 8, /* the packing writes vectors of 8 */
};

static int64_t local_bytes(const mot_traits *traits)
{
    return (int64_t)traits->local_bytes;
}

/* At most `most` steps of k at a time, all blocks alike. */
static int64_t even_steps(int64_t k, int64_t most)
{
    return mot_ceil_div(k, mot_ceil_div(k, mot_max(most, 1)));
}

/* Rows of a tile: two vectors of sums for each, and three more, fit 16 or 32 registers. */
static bool takes_rows(const mot_traits *traits, int mr, int most)
{
    return mr >= 1 && mr <= most && 2 * mr + 3 <= (traits->vector >= 16 ? 32 : 16);
}

static division division_of(const mot_recording *r, int most_mr)
{
    const int mr = r->parameter[MOT_MATMUL_MR];
    return (division){.mr = takes_rows(&r->traits, mr, most_mr) ? mr
                            : r->traits.vector >= 16            ? 8
                                                                : 6,
                      .nr = 2 * r->traits.vector};
}

/* Parameter i if it was given, within 1 .. most, else what the rule says. */
static int64_t given(const mot_recording *r, int i, int64_t rule, int64_t most)
{
    return r->parameter[i] > 0 ? mot_max(1, mot_min(r->parameter[i], most)) : rule;
}

/* Add a choice unless there are enough, or the same is there. */
static int add_choice(mot_choice *out, int n, int most, const division *d, int mr)
{
    const mot_choice c = {.parameter = {(int)d->rows, (int)d->cols, (int)d->k, mr}};
    for (int i = 0; i < n; i++)
        if (memcmp(out[i].parameter, c.parameter, sizeof c.parameter) == 0)
            return n;
    if (n == most)
        return n;
    out[n] = c;
    return n + 1;
}

/* ---- direct ---- */

/* Cycles of a group with `tiles` rows of tiles and `panels` panels.  A tile takes as many cycles a
 * step of k as it has rows, for two multiplications are done at a time; an element costs so much to
 * pack or to fetch for the first time, in hundredths; a tile and a group so much to begin.
 * Only ratios matter: measured on Zen 3. */
enum { PACK_N = 15, PACK_T = 30, FETCH_N = 10, FETCH_T = 30, BEGIN_TILE = 60, BEGIN_GROUP = 1000 };

static double group_cycles(const mot_matmul *p, const division *d, int64_t tiles, int64_t panels)
{
    const double k = (double)p->k, n_k = (double)mot_ceil_div(p->k, d->k);
    const double pack = k * (double)d->nr * (p->flags & MOT_MATMUL_TRANS_B ? PACK_T : PACK_N) / 100;
    const double fetch =
        k * (double)d->mr * (p->flags & MOT_MATMUL_TRANS_A ? FETCH_T : FETCH_N) / 100;
    const double tile = k * (double)d->mr + BEGIN_TILE * n_k;
    return BEGIN_GROUP + (double)panels * pack + (double)tiles * (fetch + (double)panels * tile);
}

/* Try all ways to divide for blocks of d.k steps; *best_d is the one that is predicted to be done
 * first, in *best cycles. */
static void try_divisions(const mot_traits *traits, const mot_matmul *p, division d,
                          int64_t local_floats, double *best, division *best_d)
{
    const int64_t tiles = mot_ceil_div(p->m, d.mr), panels = mot_ceil_div(p->n, d.nr);
    const int64_t most_panels = mot_min(panels, mot_max(1, local_floats / (d.nr * d.k)));
    const int64_t most_rows = mot_min(tiles, 2 * GROUPS_PER_THREAD * traits->threads);
    for (int64_t wide = 1; wide <= most_panels; wide++)
        for (d.rows = 1; d.rows <= most_rows; d.rows++) {
            d.cols = mot_ceil_div(panels, wide);
            const int64_t rounds = mot_ceil_div(d.rows * d.cols * p->batch, traits->threads);
            /* A part more for few large groups: a disturbed thread leaves the others waiting. */
            const double cycles =
                group_cycles(p, &d, mot_ceil_div(tiles, d.rows), wide) * ((double)rounds + 0.2);
            if (cycles < *best) {
                *best = cycles;
                *best_d = d;
                best_d->local_floats = wide * d.nr * d.k;
            }
        }
}

/* The best of `n_tries` lengths of a block, with panels of up to so many floats. */
static division best_division(const mot_recording *r, const mot_matmul *p, int64_t floats,
                              int first_try, int n_tries)
{
    division d = division_of(r, MOST_MR), best_d = d;
    double best = INFINITY;
    int64_t blocks = mot_ceil_div(p->k, mot_max(1, floats / d.nr)) + first_try;
    for (int tries = 0; tries < n_tries; tries++, blocks++) {
        d.k = mot_ceil_div(p->k, blocks);
        if (tries > 0 && d.k < LEAST_STEPS)
            break;
        try_divisions(&r->traits, p, d, floats, &best, &best_d);
    }
    return best_d;
}

/* By the rule, but for what was given; as it fits local memory in any case. */
static division direct_division(const mot_recording *r, const mot_matmul *p)
{
    const int64_t floats = local_bytes(&r->traits) / 4;
    division d = best_division(r, p, mot_min(PANEL_BYTES / 4, floats), 0, 8);
    const int64_t tiles = mot_ceil_div(p->m, d.mr), panels = mot_ceil_div(p->n, d.nr);
    d.k = given(r, MOT_MATMUL_K_BLOCK, d.k, mot_min(p->k, mot_max(1, floats / d.nr)));
    d.rows = given(r, MOT_MATMUL_ROWS, d.rows, tiles);
    const int64_t least_cols = mot_ceil_div(panels, mot_max(1, floats / (d.nr * d.k)));
    d.cols = mot_max(given(r, MOT_MATMUL_COLS, d.cols, panels), least_cols);
    d.local_floats = mot_ceil_div(panels, d.cols) * d.nr * d.k;
    return d;
}

/* The best by prediction for several sizes and lengths of panels, which the prediction knows little
 * of; then more and fewer groups, and tiles of other heights. */
int mot_matmul_candidates_direct(const mot_recording *r, mot_choice *out, int most)
{
    static const int heights[] = {4, 6, 8, 12};
    const mot_matmul p = mot_matmul_of(r->o);
    const int64_t floats = local_bytes(&r->traits) / 4;
    const division rule = direct_division(r, &p);
    int n = 0;
    for (int i = 0; i < 4; i++)
        if (heights[i] != rule.mr && takes_rows(&r->traits, heights[i], MOST_MR) && n < most)
            out[n++] = (mot_choice){.parameter = {0, 0, 0, heights[i]}};
    for (int size = 1; size <= 4; size *= 2)
        for (int first = 0; first < 3; first++) {
            division d = best_division(r, &p, mot_min(size * PANEL_BYTES / 4, floats), first, 1);
            if (d.rows != rule.rows || d.cols != rule.cols || d.k != rule.k)
                n = add_choice(out, n, most, &d, 0);
        }
    division d = rule;
    d.rows = mot_min(2 * rule.rows, mot_ceil_div(p.m, rule.mr));
    if (d.rows != rule.rows)
        n = add_choice(out, n, most, &d, 0);
    d.rows = mot_max(1, rule.rows / 2);
    return d.rows != rule.rows ? add_choice(out, n, most, &d, 0) : n;
}

static void begin(const mot_recording *r, mot_launch *launch, const char *source,
                  const char *kernel, int64_t mr)
{
    char options[48];
    snprintf(options, sizeof options, "-DVW=%d -DMR=%d", r->traits.vector, (int)mr);
    mot_launch_begin(launch, r->commands, source, options, kernel);
}

static mot_status record_product(const mot_recording *r, const char *kernel, const mot_matmul *p,
                                 const division *d)
{
    mot_launch launch;
    begin(r, &launch, kernel, kernel, d->mr);
    mot_matmul_arguments(&launch, p);
    mot_launch_long(&launch, d->k);
    mot_launch_long(&launch, d->rows);
    mot_launch_long(&launch, d->cols);
    mot_launch_local(&launch, (size_t)d->local_floats * sizeof(float));
    return mot_record_end_units(r, &launch, d->rows * d->cols * p->batch, 1);
}

mot_status mot_matmul_record_direct(const mot_recording *r)
{
    const mot_matmul p = mot_matmul_of(r->o);
    const division d = direct_division(r, &p);
    return record_product(r, "matmul_direct", &p, &d);
}

/* ---- packed ---- */

static division packed_division(const mot_recording *r, const mot_matmul *p)
{
    const mot_traits *traits = &r->traits;
    const int64_t wanted = GROUPS_PER_THREAD * traits->threads;
    const int64_t floats = local_bytes(traits) / 4 - 8;
    division d = division_of(r, MOST_MR_PACKED);
    d.k = even_steps(p->k, mot_min(PANEL_BYTES / 4 / d.nr, floats / LOCAL_ROWS));
    d.k = given(r, MOT_MATMUL_K_BLOCK, d.k, mot_min(p->k, mot_max(1, floats / d.mr)));
    const int64_t tiles = mot_ceil_div(p->m, d.mr), panels = mot_ceil_div(p->n, d.nr);
    const int64_t fit = mot_max(1, mot_min(MOST_ROWS, floats / d.k) / d.mr);
    /* Rows first, for they are packed once for each block of columns; as many for every thread. */
    d.rows = mot_max(mot_ceil_div(tiles, fit), mot_min(wanted, mot_ceil_div(p->m, LEAST_ROWS)));
    d.rows = mot_min(tiles, mot_ceil_div(d.rows, traits->threads) * traits->threads);
    d.rows = given(r, MOT_MATMUL_ROWS, d.rows, tiles);
    d.rows = mot_max(d.rows, mot_ceil_div(tiles, mot_max(1, floats / (d.mr * d.k))));
    d.cols = mot_min(panels, mot_ceil_div(wanted, d.rows * p->batch));
    d.cols = given(r, MOT_MATMUL_COLS, d.cols, panels);
    d.local_floats = mot_ceil_div(tiles, d.rows) * d.mr * d.k + 8;
    return d;
}

/* Longer and shorter blocks, more and fewer groups, tiles of other heights. */
int mot_matmul_candidates_packed(const mot_recording *r, mot_choice *out, int most)
{
    static const int scales[][3] = {/* of rows, cols, k; in halves */
                                    {2, 2, 4}, {2, 2, 1}, {4, 2, 2}, {1, 2, 2}, {2, 4, 2},
                                    {2, 1, 2}, {1, 4, 2}, {4, 1, 2}, {1, 2, 4}, {2, 2, 8}};
    static const int heights[] = {4, 6, 8};
    const mot_matmul p = mot_matmul_of(r->o);
    const division rule = packed_division(r, &p);
    int n = 0;
    for (int i = 0; i < 3; i++)
        if (heights[i] != rule.mr && takes_rows(&r->traits, heights[i], MOST_MR_PACKED) && n < most)
            out[n++] = (mot_choice){.parameter = {0, 0, 0, heights[i]}};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        division d = {.rows = mot_max(1, rule.rows * scales[i][0] / 2),
                      .cols = mot_max(1, rule.cols * scales[i][1] / 2),
                      .k = mot_min(p.k, mot_max(1, rule.k * scales[i][2] / 2))};
        if (d.rows != rule.rows || d.cols != rule.cols || d.k != rule.k)
            n = add_choice(out, n, most, &d, 0);
    }
    return n;
}

int64_t mot_matmul_packed_workspace(const mot_recording *r)
{
    const mot_matmul p = mot_matmul_of(r->o);
    const int64_t nr = 2 * r->traits.vector;
    return p.batch * mot_ceil_div(p.n, nr) * nr * p.k;
}

static mot_status record_pack(const mot_recording *r, const mot_matmul *p, const division *d,
                              const mot_view *panels)
{
    const int64_t n_panels = mot_ceil_div(p->n, d->nr);
    const int64_t across = mot_ceil_div(n_panels, PANELS_PACKED);
    const int64_t along = mot_min(mot_ceil_div(2 * GROUPS_PER_THREAD * r->traits.threads, across),
                                  mot_ceil_div(p->k, 32));
    mot_launch launch;
    begin(r, &launch, "matmul_packed", "matmul_pack", d->mr);
    mot_launch_view(&launch, panels);
    mot_launch_view(&launch, &p->b);
    mot_launch_long(&launch, p->n);
    mot_launch_long(&launch, p->k);
    mot_launch_long(&launch, p->ldb);
    mot_launch_long(&launch, p->stride_b);
    mot_launch_int(&launch, p->flags);
    mot_launch_long(&launch, across);
    mot_launch_long(&launch, along);
    return mot_record_end_units(r, &launch, across * along * p->batch, 1);
}

mot_status mot_matmul_record_packed(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    const division d = packed_division(r, &p);
    const mot_view panels = mot_workspace_at(r->o, 0, mot_matmul_packed_workspace(r));
    MOT_TRY(record_pack(r, &p, &d, &panels));
    p.b = panels;
    return record_product(r, "matmul_packed", &p, &d);
}
