/* attention and its gradient for devices with many work-items.
 *
 * blocks  kernels_cl/attention_blocks.cl: one launch forward; three backward: delta, in the
 *         workspace, dq, and dk with dv.
 *         Groups of 64 work-items, which read less of local memory for an operation, were
 *         no faster on an H100: 187 us for 152 forward, 607 for 591 backward.
 *
 * How many rows a group has and how many pass by at a time goes by the depth of a head, so that all
 * fits into 48 KB of local memory; heads deeper than 128 are left to `plain`. */
#include "config.h"

#include "devices/attention.h"

#include <stdio.h>

/* As attention_tile.cl has them; the last row is of depth 0. */
typedef struct blocks {
    int depth, own, other, items;
} blocks;

enum { MOST_LOCAL = 48 * 1024 };

static const blocks forward[] = {{32, 64, 32, 128}, {64, 64, 32, 128}, {128, 32, 32, 128}, {0}};
static const blocks backward[] = {{32, 64, 32, 128}, {64, 32, 64, 128}, {128, 16, 32, 128}, {0}};

static blocks by_rule(const mot_recording *r)
{
    const blocks *b = r->o->op != MOT_OP_attention ? backward : forward;
    while (b->depth > 0 && b->depth < mot_attention_sizes(r->o).depth)
        b++;
    return *b;
}

/* The kernels' arrays: rows of vectors with one of padding, weights, and a few numbers for each row.
 */
static size_t local_bytes(const mot_recording *r, const blocks *b)
{
    const bool grad = r->o->op != MOT_OP_attention;
    const int pitch = b->depth + 4, lanes = b->own >= 64 ? 16 : 8;
    const int rows = (grad ? 2 : 1) * b->own + b->other;
    const int numbers = b->own * (grad ? 2 : b->items / lanes + 2);
    return sizeof(float) * (size_t)(rows * pitch + b->other * (b->own + 8) + numbers);
}

/* What the parameters ask for, where the kernels can be built so. */
static blocks blocks_of(const mot_recording *r)
{
    const blocks rule = by_rule(r);
    blocks b = rule;
    b.own = r->parameter[0];
    b.other = r->parameter[1];
    const bool can = (b.own == 16 || b.own == 32 || b.own == 64) &&
                     (b.other == 16 || b.other == 32 || b.other == 64) && b.depth > 0 &&
                     b.own * (b.depth / 4) / b.items % 4 == 0 && /* sums by four */
                     local_bytes(r, &b) <= r->traits.local_bytes &&
                     local_bytes(r, &b) <= MOST_LOCAL;
    return can ? b : rule;
}

int mot_attention_candidates_blocks(const mot_recording *r, mot_choice *out, int most)
{
    const blocks rule = by_rule(r);
    mot_recording asked = *r;
    int n = 0;
    for (int own = 16; own <= 64; own *= 2)
        for (int other = 16; other <= 64 && n < most; other *= 2) {
            asked.parameter[0] = own;
            asked.parameter[1] = other;
            const blocks b = blocks_of(&asked);
            if ((own != rule.own || other != rule.other) && b.own == own && b.other == other)
                out[n++] = (mot_choice){.parameter = {own, other}};
        }
    return n;
}

bool mot_attention_applies_blocks(const mot_recording *r)
{
    const mot_attention_size s = mot_attention_sizes(r->o);
    const blocks b = by_rule(r);
    return b.depth > 0 && r->traits.group >= b.items &&
           r->traits.local_bytes >= local_bytes(r, &b) &&
           s.samples * s.heads * s.length <
               INT32_MAX / 2 && /* rows, and places in a sample: ints */
           3 * s.length * s.heads * s.depth < INT32_MAX / 2;
}

static void begin(const mot_recording *r, mot_launch *launch, const blocks *b, const char *source,
                  const char *kernel)
{
    bool wide = mot_attention_sizes(r->o).depth % 4 == 0;
    char options[80];
    for (int i = 0; i < r->o->n_in; i++)
        wide = wide && mot_view_aligned(&r->o->in[i], 4);
    for (int i = 0; i < r->o->n_out; i++)
        wide = wide && mot_view_aligned(&r->o->out[i], 4);
    snprintf(options, sizeof options, "%s-DDEPTH=%d -DOWN=%d -DOTHER=%d -DITEMS=%d -DWIDE=%d",
             r->traits.cpu ? "-DROLLED " : "", b->depth, b->own, b->other, b->items, wide);
    mot_launch_begin(launch, r->commands, source, options, kernel);
}

static mot_status end(const mot_recording *r, mot_launch *launch, const blocks *b)
{
    const mot_attention_size s = mot_attention_sizes(r->o);
    const int64_t parts = mot_ceil_div(s.length - r->o->attrs.first, b->own);
    mot_attention_add_sizes(r, launch);
    return mot_record_end(r, launch, s.samples * s.heads * parts, b->items);
}

static mot_status record(const mot_recording *r, const blocks *b)
{
    mot_launch launch;
    begin(r, &launch, b, "attention_blocks", "attention_blocks");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, &r->o->out[1]);
    mot_launch_view(&launch, &r->o->in[0]);
    return end(r, &launch, b);
}

/* One of the two that go over blocks. */
static mot_status record_side(const mot_recording *r, const blocks *b, const char *kernel)
{
    const mot_view deltas = mot_workspace_at(r->o, 0, mot_attention_grad_workspace(r));
    mot_launch launch;
    begin(r, &launch, b, "attention_blocks_grad", kernel);
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, &deltas);
    mot_launch_view(&launch, &r->o->in[0]);
    mot_launch_view(&launch, &r->o->in[1]);
    mot_launch_view(&launch, &r->o->in[3]);
    return end(r, &launch, b);
}

static mot_status record_grad(const mot_recording *r, const blocks *b)
{
    const mot_view deltas = mot_workspace_at(r->o, 0, mot_attention_grad_workspace(r));
    const mot_attention_size s = mot_attention_sizes(r->o);
    mot_launch launch;
    begin(r, &launch, b, "attention_blocks_grad", "attention_blocks_deltas");
    mot_launch_view(&launch, &deltas);
    mot_launch_view(&launch, &r->o->in[0]);
    mot_launch_view(&launch, &r->o->in[2]);
    mot_launch_long(&launch, s.samples);
    mot_launch_long(&launch, s.length);
    mot_launch_long(&launch, s.heads);
    mot_launch_long(&launch, s.depth);
    const int64_t items = s.samples * s.length * s.heads * (b->depth / 4);
    MOT_TRY(mot_record_end(r, &launch, mot_ceil_div(items, b->items), b->items));
    MOT_TRY(record_side(r, b, "attention_blocks_queries"));
    return record_side(r, b, "attention_blocks_keys");
}

mot_status mot_attention_record_blocks(const mot_recording *r)
{
    const blocks b = blocks_of(r);
    return r->o->op == MOT_OP_attention ? record(r, &b) : record_grad(r, &b);
}
