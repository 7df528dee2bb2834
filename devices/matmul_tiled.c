/* The matrix product for devices with many work-items: kernels_cl/matmul_tiled.cl.
 *
 * Blocks of several sizes, and the range of k in parts where there are too few blocks for all
 * compute units: then the parts go into the workspace and a second launch adds them up and does the
 * epilogue.  Which block and how many parts: those that a simple model of the time finds best.
 */
#include "config.h"

#include "devices/matmul.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDE_C = 128, PAD = 4 }; /* twins of those in the kernel file */
enum { MOST_PARTS_FLOATS = 1 << 24, MOST_LD = 1 << 24, MOST_PARTS = 1024 };

typedef struct tiling {
    int rows, columns, item_rows, item_columns, step;
    double weight; /* of a multiply-add, where there are work-items enough */
} tiling;

/* The first one is the kernel's default.  What the kernel does not take is not in here. */
static const tiling tilings[] = {
    {128, 128, 8, 8, 8, 1.00}, {128, 64, 8, 8, 8, 1.10},   {64, 128, 8, 8, 8, 1.10},
    {64, 64, 8, 4, 16, 1.25},  {32, 64, 4, 4, 16, 1.60},   {16, 128, 4, 4, 8, 1.70},
    {128, 16, 4, 4, 8, 1.70},  {128, 128, 8, 8, 16, 1.01}, {64, 64, 4, 4, 8, 1.60},
};
enum { N_TILINGS = sizeof tilings / sizeof *tilings };

/* How a product is cut: k_part is a multiple of the step, and no part is empty. */
typedef struct cut {
    const tiling *tiling;
    int64_t parts, k_part;
} cut;

static int work_items(const tiling *t)
{
    return t->rows / t->item_rows * (t->columns / t->item_columns);
}

static bool tiling_fits(const mot_recording *r, const tiling *t)
{
    const size_t floats = (size_t)(2 * t->step * (t->rows + t->columns + 2 * PAD));
    return r->traits.group >= work_items(t) && r->traits.local_bytes >= floats * sizeof(float);
}

static int64_t tiles_of(const mot_matmul *p, const tiling *t)
{
    return mot_ceil_div(p->m, t->rows) * mot_ceil_div(p->n, t->columns) * p->batch;
}

static cut cut_of(const mot_matmul *p, const tiling *t, int64_t parts)
{
    const int64_t room = mot_max(1, MOST_PARTS_FLOATS / (p->batch * p->m * p->n));
    const int64_t steps = mot_ceil_div(p->k, t->step);
    parts = mot_max(1, mot_min(mot_min(parts, steps), mot_min(room, MOST_PARTS)));
    cut c = {.tiling = t, .k_part = mot_ceil_div(steps, parts) * t->step};
    c.parts = mot_ceil_div(p->k, c.k_part);
    return c;
}

/* Roughly the cycles that a compute unit is busy.  The numbers are those of large GPUs of our time,
 * and only their proportions matter: multiply-adds a cycle, bytes a cycle from memory and from the
 * cache, cycles of one step's reads and barrier, of a group's beginning and end as steps of k, and
 * of another launch. */
static double time_of(const mot_recording *r, const mot_matmul *p, const cut *c)
{
    static const double LANES = 128, MEMORY = 10, CACHE = 24, STEP = 900, ENDS = 48, LAUNCH = 4500;
    const tiling *t = c->tiling;
    const double units = r->traits.threads, tiles = (double)tiles_of(p, t);
    const double m = (double)p->m, n = (double)p->n, k = (double)p->k, batch = (double)p->batch;
    const double groups = ceil(tiles * (double)c->parts / units);
    /* A few work-items wait for memory and for each other. */
    const double busy = fmin(1, 0.4 + groups * work_items(t) * (0.6 / 512));
    const double work = groups * t->rows * t->columns * ((double)c->k_part + ENDS) * t->weight;
    const double waits =
        ceil(groups * work_items(t) / 1024) * STEP * ((double)c->k_part / t->step + 2);
    const double read = 4 * batch * (m + n) * k / units / MEMORY;
    const double read_again = 4 * tiles * k * (t->rows + t->columns) / units / CACHE;
    const double join =
        c->parts == 1 ? 0 : LAUNCH + 8 * batch * m * n * (double)c->parts / units / CACHE;
    return fmax(fmax(work / (LANES * busy), waits), fmax(read, read_again)) + join;
}

static cut best_cut(const mot_recording *r, const mot_matmul *p, const tiling *t)
{
    cut best = cut_of(p, t, 1);
    double best_time = time_of(r, p, &best);
    for (int64_t parts = 2; parts <= MOST_PARTS; parts += mot_max(1, parts / 4)) {
        const cut c = cut_of(p, t, parts);
        const double time = time_of(r, p, &c);
        if (time < best_time) {
            best = c;
            best_time = time;
        }
    }
    return best;
}

static cut cut_by_rule(const mot_recording *r, const mot_matmul *p)
{
    cut best = {0};
    double best_time = INFINITY;
    for (int i = 0; i < N_TILINGS; i++) {
        if (!tiling_fits(r, &tilings[i]))
            continue;
        const cut c = best_cut(r, p, &tilings[i]);
        const double time = time_of(r, p, &c);
        if (time < best_time) {
            best = c;
            best_time = time;
        }
    }
    return best;
}

static cut cut_for(const mot_recording *r, const mot_matmul *p)
{
    cut c = {0};
    for (int i = 0; i < N_TILINGS; i++)
        if (tilings[i].rows == r->parameter[0] && tilings[i].columns == r->parameter[1] &&
            tilings[i].step == r->parameter[2] && tiling_fits(r, &tilings[i])) {
            c = best_cut(r, p, &tilings[i]);
            break;
        }
    if (!c.tiling)
        c = cut_by_rule(r, p);
    return r->parameter[3] > 0 ? cut_of(p, c.tiling, r->parameter[3]) : c;
}

/* Other numbers of parts first, for they need no other kernel. */
int mot_matmul_candidates_tiled(const mot_recording *r, mot_choice *out, int most)
{
    const mot_matmul p = mot_matmul_of(r->o);
    const cut rule = cut_by_rule(r, &p);
    const int64_t parts[] = {1, rule.parts / 2, rule.parts * 2, rule.parts + 1,
                             2 * r->traits.threads / tiles_of(&p, rule.tiling)};
    int n = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && n < most; i++) {
        const cut c = cut_of(&p, rule.tiling, parts[i]);
        bool is_new = c.parts != rule.parts;
        for (int j = 0; j < n; j++)
            is_new = is_new && out[j].parameter[3] != c.parts;
        if (is_new)
            out[n++] = (mot_choice){.parameter = {0, 0, 0, (int)c.parts}};
    }
    for (int i = 0; i < N_TILINGS && n < most; i++)
        if (tiling_fits(r, &tilings[i]) && &tilings[i] != rule.tiling)
            out[n++] =
                (mot_choice){.parameter = {tilings[i].rows, tilings[i].columns, tilings[i].step}};
    return n;
}

bool mot_matmul_applies_tiled(const mot_recording *r)
{
    const mot_matmul p = mot_matmul_of(r->o);
    bool fits = false;
    for (int i = 0; i < N_TILINGS; i++)
        fits = fits || tiling_fits(r, &tilings[i]);
    /* A dimension of the launch; 32 bits within a block. */
    return fits && p.batch < MOT_MATMUL_MOST_BATCH && p.lda <= MOST_LD && p.ldb <= MOST_LD;
}

static int64_t parts_floats(const mot_matmul *p, const cut *c)
{
    return c->parts * (p->batch * p->m * p->n + (p->flags & MOT_MATMUL_SUMS ? p->m : 0));
}

int64_t mot_matmul_tiled_workspace(const mot_recording *r)
{
    const mot_matmul p = mot_matmul_of(r->o);
    const cut c = cut_for(r, &p);
    return c.parts > 1 ? parts_floats(&p, &c) : 0;
}

/* Do `length` floats at every row begin and end at multiples of four? */
static bool is_wide(const mot_view *view, int64_t length, int64_t ld, int64_t stride)
{
    return (view->offset | view->slot_stride | length | ld | stride) % 4 == 0;
}

/* On a CPU the kernel runs in tests only, where compiling it is what takes time. */
static void options_of(const mot_recording *r, const mot_matmul *p, const tiling *t, char *out,
                       size_t size)
{
    const int trans_a = p->flags & MOT_MATMUL_TRANS_A, trans_b = p->flags & MOT_MATMUL_TRANS_B;
    char blocks[80] = "";
    if (t != &tilings[0])
        snprintf(blocks, sizeof blocks,
                 " -DROWS=%d -DCOLUMNS=%d -DITEM_ROWS=%d -DITEM_COLUMNS=%d -DSTEP=%d", t->rows,
                 t->columns, t->item_rows, t->item_columns, t->step);
    snprintf(out, size, "-DFORM=%d%s%s%s%s%s%s", trans_a | trans_b,
             r->traits.cpu ? " -DROLLED" : "",
             is_wide(&p->a, trans_a ? p->m : p->k, p->lda, p->stride_a) ? " -DWIDE_A=1" : "",
             is_wide(&p->b, trans_b ? p->k : p->n, p->ldb, p->stride_b) ? " -DWIDE_B=1" : "",
             p->flags & MOT_MATMUL_SUMS ? " -DSUMMED" : "", mot_matmul_b_option(p), blocks);
}

/* The product of each part of k into `parts`. */
static mot_matmul of_parts(const mot_matmul *p, const mot_view *parts, const mot_view *sums)
{
    mot_matmul out = *p;
    out.c = *parts;
    out.sums = *sums;
    out.ldc = p->n;
    out.stride_c = p->m * p->n;
    out.flags &= MOT_MATMUL_TRANS_A | MOT_MATMUL_TRANS_B | MOT_MATMUL_SUMS | MOT_MATMUL_B_NARROW;
    return out;
}

static mot_status record_blocks(const mot_recording *r, mot_matmul *p, const cut *c)
{
    const size_t local[3] = {(size_t)work_items(c->tiling), 1, 1};
    const size_t global[3] = {(size_t)(tiles_of(p, c->tiling) / p->batch) * local[0],
                              (size_t)c->parts, (size_t)p->batch};
    char options[128];
    mot_launch launch;
    options_of(r, p, c->tiling, options, sizeof options);
    if (is_wide(&p->c, p->n, p->ldc, p->stride_c) &&
        (!(p->flags & MOT_MATMUL_MASK) || is_wide(&p->mask, p->n, p->ldc, p->stride_c)))
        p->flags |= WIDE_C;
    mot_launch_begin(&launch, r->commands, "matmul_tiled", options, "matmul_tiled");
    mot_matmul_arguments(&launch, p);
    mot_launch_long(&launch, c->k_part);
    mot_launch_long(&launch, p->batch * p->m * p->n);
    mot_launch_long(&launch, p->m);
    return mot_record_end_3d(r, &launch, 3, global, local);
}

static mot_status record_join(const mot_recording *r, const mot_matmul *p, const mot_view *parts,
                              int64_t n_parts)
{
    const mot_view *views[] = {&p->c, &p->sums, parts, &p->bias, &p->mask};
    const int64_t sizes[] = {p->m, p->n, p->batch, p->ldc, p->stride_c, n_parts};
    mot_launch launch;
    mot_launch_begin(&launch, r->commands, "matmul_ends", "", "matmul_join");
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        mot_launch_view(&launch, views[i]);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        mot_launch_long(&launch, sizes[i]);
    mot_launch_int(&launch, p->flags);
    return mot_record_end_plain(r, &launch,
                                p->batch * p->m * p->n + (p->flags & MOT_MATMUL_SUMS ? p->m : 0));
}

mot_status mot_matmul_record_tiled(const mot_recording *r)
{
    mot_matmul p = mot_matmul_of(r->o);
    const cut c = cut_for(r, &p);
    if (c.parts == 1)
        return record_blocks(r, &p, &c);
    const int64_t floats = parts_floats(&p, &c), all = c.parts * p.batch * p.m * p.n;
    const mot_view parts = mot_workspace_at(r->o, 0, floats);
    const mot_view sums = mot_workspace_at(r->o, all, floats - all);
    mot_matmul each = of_parts(&p, &parts, &sums);
    MOT_TRY(record_blocks(r, &each, &c));
    return record_join(r, &p, &parts, c.parts);
}
