/* attention and its gradient.
 *
 * plain  kernels_cl/attention.cl.
 * lanes  kernels_cl/attention_lanes.cl, for CPUs: one launch forward; two backward, dq first, which
 *        leaves delta in the workspace for dk and dv.
 * heads  the gradient only: one launch, a group for each head of each sample, five products, not seven.
 * blocks  for GPUs; attention_gpu.c.
 */
#include "config.h"

#include "devices/attention.h"

#include <math.h>

enum { BLOCK = 64, LEAST_BLOCK = 8, MOST_BLOCK = 512 }; /* rows that pass by at a time */
enum { MOST_TILE = 8 };                                 /* of attention_lanes.cl */

static const mot_view *qkv_of(const mot_operands *o)
{
    return &o->in[o->op == MOT_OP_attention ? 0 : 1];
}

mot_attention_size mot_attention_sizes(const mot_operands *o)
{
    const mot_shape *qkv = &qkv_of(o)->shape;
    return (mot_attention_size){.samples = qkv->dim[0],
                                .length = qkv->dim[1],
                                .heads = o->attrs.heads,
                                .depth = qkv->dim[2] / 3 / o->attrs.heads};
}

/* qkv, y and lse fit each other. */
static mot_status check_sizes(const mot_operands *o, const mot_view *y, const mot_view *lse)
{
    const mot_shape *qkv = &qkv_of(o)->shape;
    char text[MOT_SHAPE_TEXT];
    if (qkv->n_dims != 3 || o->attrs.heads < 1 || qkv->dim[2] % (3 * o->attrs.heads) != 0 ||
        mot_shape_elements(qkv, 1) < 1)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s %s: %s is not (B,T,3C) with C of %d heads",
                        mot_op_name(o->op), o->name, mot_shape_print(qkv, text),
                        (int)o->attrs.heads);
    const mot_attention_size s = mot_attention_sizes(o);
    MOT_TRY(mot_check_elements(o, "y", y, s.samples * s.length * s.heads * s.depth));
    return mot_check_elements(o, "lse", lse, s.samples * s.length * s.heads);
}

static mot_status check(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 1, 1, 2, 2, 0));
    MOT_TRY(check_sizes(o, &o->out[0], &o->out[1]));
    return mot_check_first(o, o->in[0].shape.dim[1]);
}

static mot_status check_grad(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 4, 4, 1, 1, 0));
    MOT_TRY(check_sizes(o, &o->in[2], &o->in[3]));
    MOT_TRY(mot_check_elements(o, "dy", &o->in[0], mot_view_elements(&o->in[2])));
    return mot_check_elements(o, "dqkv", &o->out[0], mot_view_elements(&o->in[1]));
}

void mot_attention_add_sizes(const mot_recording *r, mot_launch *launch)
{
    const mot_attention_size s = mot_attention_sizes(r->o);
    mot_launch_long(launch, s.length);
    mot_launch_long(launch, s.heads);
    mot_launch_long(launch, s.depth);
    mot_launch_int(launch, r->o->attrs.causal);
    mot_launch_float(launch, 1.0f / sqrtf((float)s.depth));
    if (r->o->op == MOT_OP_attention)
        mot_launch_long(launch, r->o->attrs.first);
}

/* ---- plain ---- */

static mot_status record_plain(const mot_recording *r)
{
    const mot_attention_size s = mot_attention_sizes(r->o);
    mot_launch launch;
    mot_record_begin(r, &launch, "attention",
                     r->o->op == MOT_OP_attention ? "attention_plain" : "attention_grad_plain");
    for (int i = 0; i < r->o->n_out; i++)
        mot_launch_view(&launch, &r->o->out[i]);
    for (int i = 0; i < r->o->n_in; i++)
        mot_launch_view(&launch, &r->o->in[i]);
    mot_launch_long(&launch, s.samples);
    mot_attention_add_sizes(r, &launch);
    return mot_record_end_plain(r, &launch, s.samples * s.heads * (s.length - r->o->attrs.first));
}

/* ---- lanes ---- */

static int64_t lanes_of(const mot_recording *r)
{
    return 2 * r->traits.vector;
}

/* Local memory for arrays of so many times `depth`, and so many times `block`, rows of lanes. */
static size_t local_bytes(const mot_recording *r, int deep, int blocks, int64_t block)
{
    const int64_t depth = mot_attention_sizes(r->o).depth;
    const int64_t rows = deep * (depth + MOST_TILE) + blocks * (block + MOST_TILE);
    return (size_t)(rows * lanes_of(r)) * sizeof(float);
}

/* Does it fit for each of the kernels? */
static bool has_room(const mot_recording *r, int64_t block)
{
    return local_bytes(r, 4, 2, block) <= r->traits.local_bytes;
}

static bool applies_lanes(const mot_recording *r)
{
    return has_room(r, BLOCK);
}

static int64_t block_of(const mot_recording *r)
{
    const int64_t asked = mot_max(LEAST_BLOCK, mot_min(r->parameter[0], MOST_BLOCK));
    return r->parameter[0] > 0 && has_room(r, asked) ? asked : BLOCK;
}

static int candidates_lanes(const mot_recording *r, mot_choice *out, int most)
{
    const int64_t length = mot_attention_sizes(r->o).length;
    int n = 0;
    for (int block = 16; block <= MOST_BLOCK && block < 2 * length && n < most; block *= 2)
        if (block != BLOCK && has_room(r, block))
            out[n++] = (mot_choice){.parameter = {block}};
    return n;
}

static int64_t n_heads(const mot_recording *r)
{
    const mot_attention_size s = mot_attention_sizes(r->o);
    return s.samples * s.heads;
}

static mot_status end_lanes(const mot_recording *r, mot_launch *launch, int deep, int blocks)
{
    const mot_attention_size s = mot_attention_sizes(r->o);
    mot_attention_add_sizes(r, launch);
    mot_launch_int(launch, (int)block_of(r));
    mot_launch_local(launch, local_bytes(r, deep, blocks, block_of(r)));
    const int64_t parts = mot_ceil_div(s.length, lanes_of(r)) - r->o->attrs.first / lanes_of(r);
    return mot_record_end_units(r, launch, n_heads(r) * parts, 1);
}

static mot_status record_lanes(const mot_recording *r)
{
    mot_launch launch;
    mot_record_begin(r, &launch, "attention_lanes", "attention_lanes");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, &r->o->out[1]);
    mot_launch_view(&launch, &r->o->in[0]);
    return end_lanes(r, &launch, 2, 1);
}

int64_t mot_attention_grad_workspace(const mot_recording *r)
{
    return mot_view_elements(&r->o->in[3]);
}

/* A kernel that leaves deltas. */
static void begin_grad(const mot_recording *r, mot_launch *launch, const char *kernel)
{
    const mot_view deltas = mot_workspace_at(r->o, 0, mot_attention_grad_workspace(r));
    mot_record_begin(r, launch, "attention_lanes", kernel);
    mot_launch_view(launch, &r->o->out[0]);
    mot_launch_view(launch, &deltas);
    for (int i = 0; i < 4; i++) /* dy, qkv, y, lse */
        mot_launch_view(launch, &r->o->in[i]);
}

static mot_status record_grad_lanes(const mot_recording *r)
{
    const mot_view deltas = mot_workspace_at(r->o, 0, mot_attention_grad_workspace(r));
    const mot_view *dy = &r->o->in[0], *qkv = &r->o->in[1], *lse = &r->o->in[3];
    mot_launch launch;
    begin_grad(r, &launch, "attention_grad_queries");
    MOT_TRY(end_lanes(r, &launch, 3, 2));
    mot_record_begin(r, &launch, "attention_lanes", "attention_grad_keys");
    mot_launch_view(&launch, &r->o->out[0]);
    mot_launch_view(&launch, &deltas);
    mot_launch_view(&launch, dy);
    mot_launch_view(&launch, qkv);
    mot_launch_view(&launch, lse);
    return end_lanes(r, &launch, 4, 2);
}

static const mot_parameter lanes_parameters[] = {{"block", false}, {NULL, false}};
static const mot_parameter blocks_parameters[] = {{"own", true}, {"other", true}, {NULL, false}};

/* Threads that wait for the last head cost less than the products that are saved. */
static bool prefers_heads(const mot_recording *r)
{
    return r->traits.cpu && n_heads(r) >= 4 * r->traits.threads;
}

static mot_status record_grad_heads(const mot_recording *r)
{
    mot_launch launch;
    begin_grad(r, &launch, "attention_grad_heads");
    mot_attention_add_sizes(r, &launch);
    mot_launch_int(&launch, (int)block_of(r));
    mot_launch_local(&launch, local_bytes(r, 4, 2, block_of(r)));
    return mot_record_end_units(r, &launch, n_heads(r), 1);
}

static const mot_variant variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "lanes",
     .applies = applies_lanes,
     .prefers = mot_on_cpu,
     .record = record_lanes,
     .suits = mot_on_cpu,
     .parameters = lanes_parameters,
     .candidates = candidates_lanes},
    {.name = "blocks",
     .applies = mot_attention_applies_blocks,
     .prefers = mot_off_cpu,
     .record = mot_attention_record_blocks,
     .suits = mot_off_cpu,
     .parameters = blocks_parameters,
     .candidates = mot_attention_candidates_blocks},
};

static const mot_variant grad_variants[] = {
    {.name = "plain", .record = record_plain},
    {.name = "lanes",
     .applies = applies_lanes,
     .prefers = mot_on_cpu,
     .workspace = mot_attention_grad_workspace,
     .record = record_grad_lanes,
     .suits = mot_on_cpu,
     .parameters = lanes_parameters,
     .candidates = candidates_lanes},
    {.name = "heads",
     .applies = applies_lanes,
     .prefers = prefers_heads,
     .workspace = mot_attention_grad_workspace,
     .record = record_grad_heads,
     .suits = mot_on_cpu,
     .parameters = lanes_parameters,
     .candidates = candidates_lanes},
    {.name = "blocks",
     .applies = mot_attention_applies_blocks,
     .prefers = mot_off_cpu,
     .workspace = mot_attention_grad_workspace,
     .record = mot_attention_record_blocks,
     .suits = mot_off_cpu,
     .parameters = blocks_parameters,
     .candidates = mot_attention_candidates_blocks},
};

const mot_primitive mot_primitive_attention = {check, variants, 3, mot_problem_of_operands};
const mot_primitive mot_primitive_attention_grad = {check_grad, grad_variants, 4,
                                                    mot_problem_of_operands};
