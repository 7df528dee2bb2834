/* graph_build.h: small networks for the tests of graph and memory plan. */
#ifndef MOT_TESTS_GRAPH_BUILD_H
#define MOT_TESTS_GRAPH_BUILD_H

#include "runtime/base/random.h"
#include "runtime/graph/graph.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

static inline int add_source(mot_graph *graph, mot_tensor_kind kind, const char *name,
                             mot_dtype dtype, mot_shape shape)
{
    int out;
    OK(mot_graph_source(graph, kind, name, dtype, &shape, &out));
    return out;
}

static inline int add_parameter(mot_graph *graph, const char *layer, const char *what,
                                mot_shape shape)
{
    char name[64];
    int out;
    snprintf(name, sizeof name, "%s.%s", layer, what);
    OK(mot_graph_parameter(graph, name, &shape, (mot_init){MOT_INIT_ZERO, 0}, &out));
    return out;
}

/* linear with new parameters on x (B,K). */
static inline int add_linear(mot_graph *graph, const char *name, int x, int64_t n, bool bias)
{
    int in[3] = {x, -1, -1}, out;
    mot_shape w = {2, {n, graph->tensor[x].shape.dim[1]}}, b = {1, {n}};
    in[1] = add_parameter(graph, name, "weight", w);
    if (bias)
        in[2] = add_parameter(graph, name, "bias", b);
    OK(mot_graph_append(graph, MOT_OP_linear, name, NULL, in, 3, &out));
    return out;
}

static inline int add_unary(mot_graph *graph, mot_op op, const char *name, int x)
{
    mot_attrs attrs = {.p = 0.5f, .layer = 1, .group = 1};
    int out;
    OK(mot_graph_append(graph, op, name, op == MOT_OP_relu ? NULL : &attrs, &x, 1, &out));
    return out;
}

static inline int add_add(mot_graph *graph, const char *name, int a, int b)
{
    int out;
    OK(mot_graph_append(graph, MOT_OP_add, name, NULL, (int[]){a, b}, 2, &out));
    return out;
}

static inline int add_activation(mot_graph *graph, mot_activation activation, const char *name,
                                 int x)
{
    mot_attrs attrs = {.activation = activation, .slope = 0.2f};
    int out;
    OK(mot_graph_append(graph, MOT_OP_activation, name, &attrs, &x, 1, &out));
    return out;
}

/* With `n` new weights, and as many biases, or, for 0, without. */
static inline int add_norm(mot_graph *graph, mot_norm norm, const char *name, int x, int64_t group,
                           int64_t n, bool bias)
{
    mot_attrs attrs = {.norm = norm, .group = group, .eps = 1e-3};
    int in[3] = {x, -1, -1}, out[2];
    if (n > 0)
        in[1] = add_parameter(graph, name, "weight", (mot_shape){1, {n}});
    if (n > 0 && bias)
        in[2] = add_parameter(graph, name, "bias", (mot_shape){1, {n}});
    OK(mot_graph_append(graph, MOT_OP_norm, name, &attrs, in, 3, out));
    return out[0];
}

/* Of (B,C,...), with or without weight and bias. */
static inline int add_batch_norm(mot_graph *graph, const char *name, int x, bool affine)
{
    const mot_attrs attrs = {.eps = 1e-3, .momentum = 0.1};
    const mot_shape channels = {1, {graph->tensor[x].shape.dim[1]}};
    int in[6] = {x, -1, -1, -1, -1, -1}, out;
    for (int i = 1; i < 3; i++) {
        char full[32];
        snprintf(full, sizeof full, "%s.running%d", name, i);
        OK(mot_graph_buffer(graph, full, &channels,
                            (mot_init){i == 1 ? MOT_INIT_ZERO : MOT_INIT_ONE, 0}, &in[i]));
    }
    OK(mot_graph_append(graph, MOT_OP_batch_norm_sums, name, &attrs, (int[]){x, in[1]}, 2, &in[3]));
    in[4] = affine ? add_parameter(graph, name, "weight", channels) : -1;
    in[5] = affine ? add_parameter(graph, name, "bias", channels) : -1;
    OK(mot_graph_append(graph, MOT_OP_batch_norm, name, &attrs, in, 6, &out));
    return out;
}

static inline int add_flatten(mot_graph *graph, const char *name, int x)
{
    mot_shape shape = {2, {MOT_BATCH, mot_shape_elements(&graph->tensor[x].shape, 1)}};
    int out;
    OK(mot_graph_reshape(graph, x, name, &shape, &out));
    return out;
}

static inline void add_mixed_xent(mot_graph *graph, int logits, bool mixed)
{
    mot_shape shape = {mixed ? 2 : 1, {MOT_BATCH, 3}};
    int label = add_source(graph, MOT_TENSOR_LABEL, "label", MOT_I32, shape), out[2];
    OK(mot_graph_append(graph, MOT_OP_softmax_xent, "loss", NULL, (int[]){logits, label}, 2, out));
}

static inline void add_xent(mot_graph *graph, int logits)
{
    add_mixed_xent(graph, logits, false);
}

/* One of all losses. */
static inline void add_any_loss(mot_graph *graph, mot_random *random, int x)
{
    mot_attrs attrs = {.delta = 0.5f, .smoothing = 0.2f};
    int in[2] = {x, -1}, out[2];
    const uint64_t kind = mot_random_below(random, 2 + MOT_N_LOSSES);
    if (kind == 0) {
        add_mixed_xent(graph, x, mot_random_below(random, 2));
        return;
    }
    const bool classes = kind == 1;
    mot_shape shape = classes ? (mot_shape){mot_random_below(random, 2) ? 1 : 2, {MOT_BATCH, 3}}
                              : graph->tensor[x].shape;
    attrs.loss = classes ? MOT_LOSS_MSE : (mot_loss)(kind - 2);
    in[1] = add_source(graph, MOT_TENSOR_LABEL, "label", classes ? MOT_I32 : MOT_F32, shape);
    OK(mot_graph_append(graph, classes ? MOT_OP_softmax_xent : MOT_OP_pointwise_loss, "loss",
                        &attrs, in, 2, out));
}

/* New graph with raw u8 pixels of `shape` (without batch: at most 3 dimensions) and their floats.
 */
static inline mot_graph *new_graph(mot_shape shape, int *x)
{
    mot_graph *graph;
    OK(mot_graph_new(&graph));
    int raw = add_source(graph, MOT_TENSOR_RAW, "raw", MOT_U8, shape);
    mot_attrs attrs = {.group = mot_shape_elements(&shape, 1)};
    int scale, shift;
    OK(mot_graph_constant(graph, "scale", (float[]){0.5f}, 1, &scale));
    OK(mot_graph_constant(graph, "shift", (float[]){0.25f}, 1, &shift));
    OK(mot_graph_append(graph, MOT_OP_ingest, "input", &attrs, (int[]){raw, scale, shift}, 3, x));
    return graph;
}

/* 784-128-10, unsealed; `dropout` puts one behind the relu. */
static inline mot_graph *new_mlp(bool dropout)
{
    int x;
    mot_graph *graph = new_graph((mot_shape){4, {MOT_BATCH, 1, 28, 28}}, &x);
    x = add_flatten(graph, "flatten", x);
    x = add_linear(graph, "fc1", x, 128, true);
    x = add_unary(graph, MOT_OP_relu, "relu1", x);
    if (dropout)
        x = add_unary(graph, MOT_OP_dropout, "dropout1", x);
    add_xent(graph, add_linear(graph, "fc2", x, 10, true));
    return graph;
}

static inline void seal_sgd(mot_graph *graph, float momentum)
{
    mot_attrs attrs = {.momentum = momentum};
    OK(mot_graph_seal(graph, MOT_OP_sgd, &attrs));
}

static inline void check_print(const mot_graph *graph, const char *expected)
{
    char *text;
    OK(mot_graph_print(graph, &text));
    ck_assert_str_eq(text, expected);
    free(text);
}

static inline int count_ops(const mot_graph *graph, mot_op op)
{
    int n = 0;
    for (int i = 0; i < graph->n_nodes; i++)
        n += graph->node[i].op == op;
    return n;
}

/* What always holds in a sealed graph. */
static inline void check_sealed(const mot_graph *graph)
{
    ck_assert(graph->sealed);
    for (int i = 0; i < graph->n_nodes; i++) {
        const mot_node *node = &graph->node[i];
        if (i > 0)
            ck_assert_int_ge(node->phase, graph->node[i - 1].phase);
        for (int k = 0; k < node->n_in; k++)
            if (node->in[k] >= 0)
                ck_assert_int_lt(graph->tensor[node->in[k]].producer, i);
        for (int k = 0; k < node->n_out; k++)
            if (node->phase != MOT_PHASE_UPDATE)
                ck_assert_int_eq(graph->tensor[node->out[k]].producer, i);
    }
    ck_assert_int_eq(graph->n_flat % 16, 0);
    for (int i = 0; i < graph->n_parameters; i++) {
        const mot_tensor *p = &graph->tensor[graph->parameter[i]];
        const mot_tensor *g = &graph->tensor[p->gradient];
        ck_assert_int_eq(p->kind, MOT_TENSOR_PARAMETER);
        ck_assert_int_eq(g->kind, MOT_TENSOR_GRADIENT);
        ck_assert_int_eq(graph->node[g->producer].phase, MOT_PHASE_BACKWARD);
        ck_assert_int_eq(p->flat, g->flat);
        ck_assert_int_eq(p->flat % 16, 0);
        int64_t n = mot_shape_elements(&p->shape, 1);
        ck_assert_int_eq(n, mot_shape_elements(&g->shape, 1));
        ck_assert(p->flat >= 0 && p->flat + n <= graph->n_flat);
        for (int j = 0; j < graph->n_parameters; j++) {
            const mot_tensor *q = &graph->tensor[graph->parameter[j]];
            int64_t m = mot_shape_elements(&q->shape, 1);
            ck_assert(i == j || p->flat + n <= q->flat || q->flat + m <= p->flat);
            /* The order in which backward finishes them. */
            if (graph->tensor[q->gradient].producer > g->producer)
                ck_assert_int_gt(q->flat, p->flat);
        }
    }
    ck_assert_int_eq(graph->tensor[graph->sums].kind, MOT_TENSOR_GRADIENT);
    ck_assert_int_eq(graph->tensor[graph->sums].flat, graph->n_flat);
}

#endif
