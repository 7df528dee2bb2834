/* Convolution for devices with many work-items.
 *
 * gemm    as matrix products; kernels_cl/conv2d_gemm.cl and conv2d_gemm_weight.cl say how.
 * direct  where groups have few channels; kernels_cl/conv2d_direct.cl.
 *
 * That block is taken for which the fewest instructions are estimated: what lies outside of the
 * matrices is computed as well, and small blocks read more for each multiply-add. */
#include "config.h"

#include "devices/conv2d.h"

#include <stdio.h>
#include <string.h>

/* Twins of those in the kernel files. */
enum {
    STEP = 8,
    WEIGHT_STEP = 16,
    DOWN = 4,
    TAPS = 9,
    SUM_SIDE = 32,
    SUM_ITEMS = 256,
    GROUP = 256,
};
enum { MOST_PARTS = 1024, LOCAL_BYTES = 26 * 1024 /* of the largest block */ };

typedef struct block {
    int rows, columns, tile_rows, tile_columns;
} block;

static const block blocks[] = {
    {64, 128, 8, 8}, {32, 128, 8, 4}, {16, 256, 8, 4}, {64, 64, 8, 4}, {32, 64, 8, 4}};
static const block weight_blocks[] = {{64, 128, 8, 8}, {64, 64, 8, 4}, {32, 128, 8, 4},
                                      {32, 96, 8, 4},  {32, 64, 8, 4}, {16, 144, 4, 4},
                                      {16, 128, 8, 4}, {16, 64, 4, 4}};

static int64_t items_of(const block *b)
{
    return b->rows * b->columns / (b->tile_rows * b->tile_columns);
}

static int64_t padded(int64_t n, int64_t to)
{
    return mot_ceil_div(n, to) * to;
}

/* Instructions for each step of depth: multiply-adds, reads of a tile's sides, and what it takes to
 * stage an element of the right side (looked up and tested) and of the left. */
static double cost_of(const block *b, int64_t rows, int64_t columns)
{
    const double tile = b->tile_rows * b->tile_columns;
    const double each =
        1 + (b->tile_rows + b->tile_columns) / 4.0 / tile + 6.0 / b->rows + 2.0 / b->columns;
    return each * (double)padded(rows, b->rows) * (double)padded(columns, b->columns);
}

static int64_t groups_of(const block *b, int64_t rows, int64_t columns)
{
    return mot_ceil_div(rows, b->rows) * mot_ceil_div(columns, b->columns);
}

/* Blocks to choose from. */
typedef struct choices {
    const block *list;
    int n;
} choices;

static choices choices_of(const mot_recording *r)
{
    if (r->o->op == MOT_OP_conv2d_dweight)
        return (choices){weight_blocks, sizeof weight_blocks / sizeof *weight_blocks};
    return (choices){blocks, sizeof blocks / sizeof *blocks};
}

/* The one that the parameters ask for, else the cheapest.  `least`: groups that keep the device
 * busy, each block being computed `times`; where there are fewer, those that are missing cost as
 * much. */
static const block *block_of(const mot_recording *r, int64_t rows, int64_t columns, int64_t times,
                             int64_t least)
{
    const choices c = choices_of(r);
    const block *best = NULL;
    double best_cost = 0;
    for (const block *b = c.list; b < c.list + c.n; b++) {
        const int64_t groups = groups_of(b, rows, columns) * times;
        const double idle = groups < least ? (double)least / (double)groups : 1;
        const double cost = cost_of(b, rows, columns) * idle;
        if (b->rows == r->parameter[0] && b->columns == r->parameter[1])
            return b;
        if (!best || cost < best_cost) {
            best = b;
            best_cost = cost;
        }
    }
    return best;
}

static void begin(const mot_recording *r, mot_launch *launch, const char *source, const block *b,
                  int share, const char *kernel)
{
    char options[80];
    int length = snprintf(options, sizeof options, "%s-DBM=%d -DBN=%d -DTN=%d",
                          r->traits.cpu ? "-DROLLED " : "", b->rows, b->columns, b->tile_columns);
    if (share > 0)
        snprintf(options + length, sizeof options - (size_t)length, " -DSHARE=%d", share);
    else
        snprintf(options + length, sizeof options - (size_t)length, " -DTM=%d", b->tile_rows);
    mot_launch_begin(launch, r->commands, source, options, kernel);
}

/* Kernels count in ints the elements of a sample, and the pixels of all. */
static bool counts_in_ints(const mot_recording *r, const mot_conv2d *c)
{
    const int64_t most = (int64_t)1 << 30;
    const mot_window *w = c->window;
    const int64_t padded_image =
        (w->image[0] + 2 * w->padding[0]) * (w->image[1] + 2 * w->padding[1]);
    return r->traits.group >= GROUP && r->traits.local_bytes >= LOCAL_BYTES &&
           c->channels * padded_image < most && c->outs * c->places[0] * c->places[1] < most &&
           c->samples * padded_image < most && c->samples * c->places[0] * c->places[1] < most &&
           w->kernel[0] * w->kernel[1] * (mot_max(c->channels, c->outs) + STEP) < most / 256 &&
           w->groups * (r->o->op == MOT_OP_conv2d_dinput ? w->stride[0] * w->stride[1] : 1) < 65536;
}

/* ---- y, or dx ---- */

typedef struct product {
    mot_conv2d_axis axis[2];
    int64_t channels, outs; /* of a group, of what is read and written */
    const block *block;
    int64_t share, depth, columns, row_blocks, products;
    int64_t panel_floats, table_floats;
} product;

static product product_of(const mot_recording *r, const mot_conv2d *c)
{
    const mot_window *w = c->window;
    const bool dinput = r->o->op == MOT_OP_conv2d_dinput;
    int64_t taps = 1, pixels = c->samples, phases = 1;
    product p = {.channels = (dinput ? c->outs : c->channels) / w->groups,
                 .outs = (dinput ? c->channels : c->outs) / w->groups};
    for (int i = 0; i < 2; i++) {
        const mot_conv2d_axis *a = &p.axis[i];
        p.axis[i] = mot_conv2d_axis_of(r->o, c, i);
        taps *= mot_ceil_div(w->kernel[i], a->every);
        pixels *= mot_ceil_div(a->out, a->phases);
        phases *= a->phases;
    }
    p.share = p.channels & -p.channels; /* the power of two in it */
    p.share = mot_min(p.share, STEP);
    p.depth = padded(taps * p.channels, STEP);
    p.columns = pixels;
    p.products = w->groups * phases;
    p.block = block_of(r, p.outs, p.columns, p.products, 2 * (int64_t)r->traits.threads);
    p.row_blocks = mot_ceil_div(p.outs, p.block->rows);
    p.panel_floats = p.products * p.row_blocks * p.depth * p.block->rows;
    p.table_floats = phases * p.depth / p.share * 4;
    return p;
}

bool mot_conv2d_gemm_applies(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    return counts_in_ints(r, &c);
}

int64_t mot_conv2d_gemm_workspace(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const product p = product_of(r, &c);
    return p.panel_floats + p.table_floats;
}

static mot_status record_pack(const mot_recording *r, const mot_conv2d *c, const product *p,
                              const mot_view *panels, const mot_view *table)
{
    const mot_conv2d_axis *y = &p->axis[0], *x = &p->axis[1];
    const int64_t *kernel = c->window->kernel;
    mot_launch launch;
    begin(r, &launch, "conv2d_gemm", p->block, (int)p->share, "conv2d_gemm_pack");
    mot_launch_view(&launch, panels);
    mot_launch_view(&launch, table);
    mot_launch_view(&launch, &r->o->in[1]);
    mot_conv2d_add_weight_strides(&launch, r->o, c);
    MOT_LAUNCH_INTS(&launch, p->channels, y->in, x->in, p->outs, kernel[0], kernel[1], y->phases,
                    x->phases, y->first, x->first, y->step, x->step, y->every, x->every, p->depth,
                    p->row_blocks);
    mot_launch_long(&launch, p->panel_floats);
    return mot_record_end_plain(r, &launch, p->panel_floats);
}

mot_status mot_conv2d_gemm_record(const mot_recording *r)
{
    const mot_operands *o = r->o;
    const mot_conv2d c = mot_conv2d_of(o);
    const product p = product_of(r, &c);
    const mot_view panels = mot_workspace_at(o, 0, p.panel_floats);
    const mot_view table = mot_workspace_at(o, p.panel_floats, p.table_floats);
    const size_t items = (size_t)items_of(p.block), local[] = {items, 1};
    const size_t global[] = {(size_t)groups_of(p.block, p.outs, p.columns) * items,
                             (size_t)p.products};
    mot_launch launch;
    MOT_TRY(record_pack(r, &c, &p, &panels, &table));
    begin(r, &launch, "conv2d_gemm", p.block, (int)p.share, "conv2d_gemm");
    mot_launch_view(&launch, &o->out[0]);
    mot_launch_view(&launch, &o->in[0]);
    mot_launch_view(&launch, &panels);
    mot_launch_view(&launch, &table);
    mot_conv2d_add_epilogue(&launch, o);
    mot_launch_long(&launch, c.samples);
    mot_conv2d_add_axes(&launch, o, &c);
    MOT_LAUNCH_INTS(&launch, p.depth, p.row_blocks, mot_conv2d_flags(o));
    return mot_record_end_3d(r, &launch, 2, global, local);
}

static int64_t direct_items(const mot_conv2d *c, const product *p)
{
    const mot_conv2d_axis *y = &p->axis[0], *x = &p->axis[1];
    return c->samples * p->products * p->outs *
           mot_ceil_div(mot_ceil_div(y->out, y->phases), DOWN) * mot_ceil_div(x->out, x->phases);
}

bool mot_conv2d_direct_applies(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const product p = product_of(r, &c);
    return counts_in_ints(r, &c) && direct_items(&c, &p) < (int64_t)1 << 30;
}

/* A block of rows would be mostly empty. */
bool mot_conv2d_direct_prefers(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    return !r->traits.cpu && product_of(r, &c).outs < 4;
}

mot_status mot_conv2d_direct_record(const mot_recording *r)
{
    const mot_operands *o = r->o;
    const mot_conv2d c = mot_conv2d_of(o);
    const product p = product_of(r, &c);
    const int64_t n = direct_items(&c, &p);
    mot_launch launch;
    mot_launch_begin(&launch, r->commands, "conv2d_direct", "", "conv2d_direct");
    mot_launch_view(&launch, &o->out[0]);
    mot_launch_view(&launch, &o->in[0]);
    mot_launch_view(&launch, &o->in[1]);
    mot_conv2d_add_epilogue(&launch, o);
    mot_conv2d_add_weight_strides(&launch, o, &c);
    mot_conv2d_add_axes(&launch, o, &c);
    MOT_LAUNCH_INTS(&launch, mot_conv2d_flags(o), n);
    return mot_record_end(r, &launch, mot_ceil_div(n, GROUP), GROUP);
}

/* ---- dw and db ---- */

typedef struct weight_product {
    int64_t channels, outs; /* of a group */
    const block *block;
    int64_t row_blocks, column_blocks, parts, chunk, part_floats;
} weight_product;

/* `n` parts or fewer, of `least` places or more. */
static void divide(weight_product *p, int64_t depth, int64_t n, int64_t least)
{
    p->chunk = mot_max(least, padded(mot_ceil_div(depth, n), WEIGHT_STEP));
    p->parts = mot_ceil_div(depth, p->chunk);
}

static weight_product weight_product_of(const mot_recording *r, const mot_conv2d *c)
{
    const mot_window *w = c->window;
    const int64_t taps = w->kernel[0] * w->kernel[1],
                  depth = c->samples * c->places[0] * c->places[1];
    weight_product p = {.channels = c->channels / w->groups, .outs = c->outs / w->groups};
    const int64_t columns = taps * padded(p.channels, 4);
    p.block = block_of(r, p.outs, columns, 1, 1);
    p.row_blocks = mot_ceil_div(p.outs, p.block->rows);
    p.column_blocks = mot_ceil_div(columns, p.block->columns);
    /* Some turns of the groups that run at the same time, so that the last one costs little; but
     * what is written of each part is to be little beside what is read for it. */
    const int64_t items =
        r->traits.threads * (p.block->tile_rows * p.block->tile_columns > 32 ? 768 : 1024);
    const int64_t groups = p.row_blocks * p.column_blocks * w->groups;
    const int64_t wanted = mot_min(MOST_PARTS, mot_max(1, items / items_of(p.block) / groups));
    divide(&p, depth, wanted, 4 * WEIGHT_STEP);
    p.part_floats = c->outs * p.channels * taps + (mot_has_out(r->o, 1) ? c->outs : 0);
    return p;
}

int64_t mot_conv2d_gemm_workspace_weight(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const weight_product p = weight_product_of(r, &c);
    return p.parts * p.part_floats;
}

static mot_status record_weight_sum(const mot_recording *r, const weight_product *p,
                                    const mot_view *parts)
{
    const mot_view absent = {0};
    mot_launch launch;
    mot_launch_begin(&launch, r->commands, "conv2d_weight_sum", "", "conv2d_weight_sum");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, mot_has_out(r->o, 1) ? &r->o->out[1] : &absent);
    mot_launch_view(&launch, parts);
    mot_launch_long(&launch, p->part_floats);
    mot_launch_long(&launch, mot_view_elements(&r->o->out[0]));
    mot_launch_int(&launch, (int)p->parts);
    return mot_record_end(r, &launch, mot_ceil_div(p->part_floats, SUM_SIDE), SUM_ITEMS);
}

/* From chunk to step_x. */
static void add_weight_sizes(mot_launch *launch, const mot_conv2d *c, const weight_product *p)
{
    const mot_window *w = c->window;
    MOT_LAUNCH_INTS(launch, p->chunk, c->samples, w->groups, p->channels, w->image[0], w->image[1],
                    p->outs, c->places[0], c->places[1], w->kernel[0], w->kernel[1], w->stride[0],
                    w->stride[1], w->padding[0], w->padding[1], w->dilation[0], w->dilation[1]);
}

mot_status mot_conv2d_gemm_record_weight(const mot_recording *r)
{
    const mot_operands *o = r->o;
    const mot_conv2d c = mot_conv2d_of(o);
    const mot_window *w = c.window;
    const weight_product p = weight_product_of(r, &c);
    const mot_view parts = mot_workspace_at(o, 0, p.parts * p.part_floats);
    const size_t items = (size_t)items_of(p.block), local[] = {items, 1};
    const size_t global[] = {(size_t)(p.parts * p.row_blocks * p.column_blocks) * items,
                             (size_t)w->groups};
    mot_launch launch;
    begin(r, &launch, "conv2d_gemm_weight", p.block, 0, "conv2d_gemm_weight");
    mot_launch_view(&launch, &parts);
    mot_launch_view(&launch, &o->in[0]);
    mot_launch_view(&launch, &o->in[1]);
    mot_launch_long(&launch, p.part_floats);
    add_weight_sizes(&launch, &c, &p);
    MOT_LAUNCH_INTS(&launch, p.row_blocks, p.column_blocks,
                    mot_has_out(o, 1) ? MOT_MATMUL_SUMS : 0);
    MOT_TRY(mot_record_end_3d(r, &launch, 2, global, local));
    return record_weight_sum(r, &p, &parts);
}

/* ---- dw and db, direct ---- */

static int64_t direct_groups(const mot_conv2d *c, const weight_product *p)
{
    return c->outs * p->channels * mot_ceil_div(c->window->kernel[0] * c->window->kernel[1], TAPS);
}

static weight_product direct_product_of(const mot_recording *r, const mot_conv2d *c)
{
    weight_product p = weight_product_of(r, c);
    const int64_t wanted = 16 * (int64_t)r->traits.threads / direct_groups(c, &p);
    divide(&p, c->samples * c->places[0] * c->places[1], mot_min(MOST_PARTS, mot_max(1, wanted)),
           16 * GROUP);
    return p;
}

bool mot_conv2d_direct_applies_weight(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const weight_product p = direct_product_of(r, &c);
    return counts_in_ints(r, &c) && direct_groups(&c, &p) * p.parts < (int64_t)1 << 30;
}

/* A block would be mostly empty: it takes about a sixth of the instructions for what is in it. */
bool mot_conv2d_direct_prefers_weight(const mot_recording *r)
{
    enum { WORTH = 8 };
    const mot_conv2d c = mot_conv2d_of(r->o);
    const weight_product p = weight_product_of(r, &c);
    const int64_t all = p.row_blocks * p.block->rows * p.column_blocks * p.block->columns;
    return !r->traits.cpu &&
           all > WORTH * p.outs * p.channels * c.window->kernel[0] * c.window->kernel[1];
}

int64_t mot_conv2d_direct_workspace_weight(const mot_recording *r)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const weight_product p = direct_product_of(r, &c);
    return p.parts * p.part_floats;
}

mot_status mot_conv2d_direct_record_weight(const mot_recording *r)
{
    const mot_operands *o = r->o;
    const mot_conv2d c = mot_conv2d_of(o);
    const weight_product p = direct_product_of(r, &c);
    const mot_view parts = mot_workspace_at(o, 0, p.parts * p.part_floats);
    mot_launch launch;
    mot_launch_begin(&launch, r->commands, "conv2d_direct", "", "conv2d_direct_weight");
    mot_launch_view(&launch, &parts);
    mot_launch_view(&launch, &o->in[0]);
    mot_launch_view(&launch, &o->in[1]);
    mot_launch_long(&launch, p.part_floats);
    add_weight_sizes(&launch, &c, &p);
    mot_launch_int(&launch, mot_has_out(o, 1) ? MOT_MATMUL_SUMS : 0);
    MOT_TRY(mot_record_end(r, &launch, direct_groups(&c, &p) * p.parts, GROUP));
    return record_weight_sum(r, &p, &parts);
}

/* ---- for the tuner ---- */

int mot_conv2d_gemm_candidates(const mot_recording *r, mot_choice *out, int most)
{
    const mot_conv2d c = mot_conv2d_of(r->o);
    const choices all = choices_of(r);
    mot_recording by_rule = *r;
    int n = 0;
    memset(by_rule.parameter, 0, sizeof by_rule.parameter);
    const block *rule = all.list == weight_blocks ? weight_product_of(&by_rule, &c).block
                                                  : product_of(&by_rule, &c).block;
    for (const block *b = all.list; b < all.list + all.n && n < most; b++)
        if (b != rule)
            out[n++] = (mot_choice){.parameter = {b->rows, b->columns}};
    return n;
}
