/* graph.h: a network as tensors and operators, on numbers only.
 *
 * A graph holds forward, loss, backward and update in one list of nodes, in the order in which they
 * run.  It is configured by appending, sealed by mot_graph_seal, and then only read (by planner and
 * executors in several threads).  Tensors and nodes are named by their index.
 *
 * What always holds in a sealed graph: a node's inputs are produced by earlier nodes or are sources
 * (input, label, parameter, state); every parameter has a gradient tensor, produced by exactly one
 * node of the backward phase as a sum over samples; the `sums` tensor of the loss is the last of
 * the gradients, so that one reduction carries both.
 *
 * Flat layout, fixed when the graph is sealed and the same for every batch: parameters lie one
 * behind the other in the order in which backward finishes their gradients, each at a multiple of
 * 64 bytes; gradients lie at the same offsets; both are `n_flat` elements long, padding included.
 * The sums come behind the gradients.  Tensors that stand for whole arenas (flat_gradient,
 * flat_parameter and state[i], each of shape (n_flat)) let the update node be bound like any other:
 *
 *     [accumulate: -> out {flat_gradient, sums, accumulator}, the end of backward]
 *     [unscale: in {flat_gradient, sums} -> out {divisor, loss_scale, loss_steps, scalars}]
 *     [clip:    in {flat_gradient, sums or divisor} -> out {divisor}]
 *     update:   in {flat_gradient, sums or divisor, ranges} -> out {flat_parameter, state[0], ...}
 *     [average: in {flat_parameter} -> out {state[average]}]
 *
 * and then by what operators of the forward part want updated (their rules' `update`).
 *
 * The ranges are the flat layout cut where rules of the update change, a constant of four words a
 * range (kernels_cl/update.cl).
 */
#ifndef MOT_GRAPH_GRAPH_H
#define MOT_GRAPH_GRAPH_H

#include "runtime/base/op.h"
#include "runtime/base/shape.h"
#include "runtime/base/status.h"

typedef enum {
    MOT_TENSOR_RAW, /* samples as the loader gives them, (B,...) u8, f32 or i32; in the input ring */
    MOT_TENSOR_LABEL,    /* (B) or (B,T) i32, or (B,C) f32 targets; in the input ring */
    MOT_TENSOR_CONSTANT, /* filled once, e.g. scale and shift of the normalization */
    MOT_TENSOR_PARAMETER,
    MOT_TENSOR_BUFFER,    /* kept and saved with the parameters, and follows no gradient: running
                            statistics.  Nodes of the update change it in place */
    MOT_TENSOR_GRADIENT,  /* of a parameter, or the loss's sums; lies in the flat gradient buffer */
    MOT_TENSOR_EXCHANGED, /* sums over samples: whoever reads one, in the middle of the step, gets
                             those of the whole batch over all devices */
    MOT_TENSOR_STATE,     /* of the optimizer; flat, as long as all parameters together */
    MOT_TENSOR_ACTIVATION, /* everything else that lives inside a step */
} mot_tensor_kind;

typedef enum { MOT_PHASE_FORWARD, MOT_PHASE_BACKWARD, MOT_PHASE_UPDATE } mot_phase;

typedef enum {
    MOT_INIT_ZERO,
    MOT_INIT_ONE,
    MOT_INIT_UNIFORM,
    MOT_INIT_NORMAL,
    MOT_INIT_CONSTANT
} mot_init_kind;

/** How a parameter starts: uniform in [-scale, scale], normal with deviation `scale`, or `scale`. */
typedef struct mot_init {
    mot_init_kind kind;
    float scale;
} mot_init;

/** What the update of one parameter has of its own. */
typedef struct mot_update_rule {
    double lr_scale;     /* factor of the learning rate */
    double weight_decay; /* NAN: the optimizer's */
} mot_update_rule;

typedef struct mot_tensor {
    char *name; /* parameters: as in PyTorch's state_dict, "fc1.weight" */
    mot_tensor_kind kind;
    mot_dtype dtype;
    mot_shape shape;
    int producer; /* node, or -1 for a source */
    int view_of;  /* tensor whose memory this one shares under another shape (reshape), itself no
                     view; -1.  A view has the producer of what it views and no node. */
    int gradient; /* of a parameter: its gradient tensor; -1 */
    int64_t flat; /* of a parameter and its gradient: first element in the flat layout; of a buffer
                     and of what is exchanged: among its like */
    mot_init init;
    mot_update_rule rule;  /* of a parameter */
    const float *constant; /* MOT_TENSOR_CONSTANT: its elements, owned by the graph */
    bool training_only;    /* of a buffer: checkpoints have it, models do not */
} mot_tensor;

enum { MOT_NODE_INPUTS = 8, MOT_NODE_OUTPUTS = 4, MOT_MAX_STATES = MOT_NODE_OUTPUTS };

typedef struct mot_node {
    char *name; /* of the layer, "fc1" */
    mot_op op;
    mot_phase phase;
    int checkpoint; /* the block whose values are computed again for backward (recompute.c); 0: none */
    int n_in, n_out;
    int in[MOT_NODE_INPUTS]; /* tensors; -1: optional and absent */
    int out[MOT_NODE_OUTPUTS];
    mot_attrs attrs;
} mot_node;

typedef struct mot_graph {
    mot_tensor *tensor;
    int n_tensors;
    mot_node *node;
    int n_nodes;
    int raw, label; /* tensors */
    int output;     /* the network's output: logits or predictions */
    int loss_node;  /* the loss with its gradient */
    int sums;       /* its sums (4): rows that count, losses, and two more of the loss */
    int *parameter; /* [n_parameters] tensors, in the order of the model text */
    int n_parameters;
    int *buffer; /* [n_buffers] tensors */
    int n_buffers;
    int flat_parameter, flat_gradient; /* tensors that stand for the whole arenas */
    int state[MOT_MAX_STATES];
    int n_states;    /* flat optimizer states, and the average of the parameters */
    int accumulator; /* tensor: sums over the parts of a batch that are done; -1: none */
    int average;     /* number of the state that is evaluated and saved; -1: the parameters are */
    int loss_scale, loss_steps; /* buffers: what the gradient is multiplied by, (1), and {good steps
                                   since it changed, skipped steps, Adam's bias1, bias2}; -1: none */
    int scalars; /* tensor: those of the step, for the nodes of the update behind unscale; -1: none */
    int64_t n_flat;  /* elements of the flat layout, a multiple of 16 */
    int64_t n_flat_buffers, n_exchanged; /* elements of all buffers; of all that is exchanged */
    mot_phase phase;                     /* of the nodes that are appended now, */
    int checkpoint;                      /* and their block; set by who builds the forward part */
    size_t tensor_capacity, node_capacity;
    bool sealed;
} mot_graph;

mot_status mot_graph_new(mot_graph **out);
void mot_graph_free(mot_graph *graph);

/** Append a source tensor; its index goes to *out.  `name` is copied. */
mot_status mot_graph_source(mot_graph *graph, mot_tensor_kind kind, const char *name,
                            mot_dtype dtype, const mot_shape *shape, int *out);
/** Append a parameter with its initialization. */
mot_status mot_graph_parameter(mot_graph *graph, const char *name, const mot_shape *shape,
                               mot_init init, int *out);
/** Append a buffer, initialized like a parameter. */
mot_status mot_graph_buffer(mot_graph *graph, const char *name, const mot_shape *shape,
                            mot_init init, int *out);
/** Append a constant of `n` floats, which are copied. */
mot_status mot_graph_constant(mot_graph *graph, const char *name, const float *data, int64_t n,
                              int *out);
/** Append a forward node; its rules infer the shape of the outputs, which are new tensors out[0..].
 *  A loss (softmax_xent, pointwise_loss) also sets graph->loss_node, output and sums; there is one, the last.
 *  Errors: MOT_ERR_SHAPE names the node, and the layer that made each input, with shapes. */
mot_status mot_graph_append(mot_graph *graph, mot_op op, const char *name, const mot_attrs *attrs,
                            const int *in, int n_in, int *out);
/** View of tensor `x` with another shape of the same size: shares its memory.  flatten, reshape. */
mot_status mot_graph_reshape(mot_graph *graph, int x, const char *name, const mot_shape *shape,
                             int *out);

/** Append backward for graph->loss_node (reverse mode), with what checkpointed blocks compute again
 *  (recompute.c), then fuse (the table in fuse.c), store what is kept for backward as attrs->storage
 *  says (narrow.c), then the update by `optimizer` (MOT_OP_sgd, ..., with attrs, and the rules of the
 *  parameters), and seal.  Numbers tensors
 *  and nodes anew.  Errors: MOT_ERR_ARGUMENT without a loss, or with a parameter that it does not
 *  depend on; after an error the graph can only be freed. */
mot_status mot_graph_seal(mot_graph *graph, mot_op optimizer, const mot_attrs *attrs);

/** Does the node run?  `inference`: forward nodes except dropout, whose output is then its input
 *  (both have one place), and those that make what is exchanged, which then has no place; the loss
 *  runs without output 0, its gradient, which has no place. */
bool mot_node_runs(const mot_graph *graph, int node, bool inference);

/** Floating-point operations and bytes moved of one node with `batch` samples. */
typedef struct mot_cost {
    double flops, bytes;
} mot_cost;
mot_cost mot_node_cost(const mot_graph *graph, int node, int64_t batch);
/** Sum over the nodes of forward and backward for `batch` samples; of the update for batch 0. */
mot_cost mot_graph_cost(const mot_graph *graph, int64_t batch);

/** The graph as text, one line a node, for tests and `motley model`.  Freed by the caller. */
mot_status mot_graph_print(const mot_graph *graph, char **out);

/** Where every tensor lies, for a given largest share: see memory.c. */
typedef enum {
    MOT_ARENA_RING, /* raw, label and the step's scalars; one slot */
    MOT_ARENA_CONSTANT,
    MOT_ARENA_PARAMETER,  /* flat, in the order of the gradients; then the buffers */
    MOT_ARENA_GRADIENT,   /* what is exchanged; flat, in the order in which backward finishes them;
                             sums at the end */
    MOT_ARENA_STATE,      /* n_states copies of the parameter layout */
    MOT_ARENA_ACTIVATION, /* reused by liveness */
    MOT_N_ARENAS,
    MOT_ARENA_NONE = MOT_N_ARENAS /* not used in this plan: bind it as an absent operand */
} mot_arena;

typedef struct mot_place {
    mot_arena arena;
    size_t offset_bytes; /* multiple of 64 */
} mot_place;

typedef struct mot_memory_plan {
    mot_place *place;                /* [n_tensors]; a reshape has the place of what it views */
    size_t size_bytes[MOT_N_ARENAS]; /* RING: of one slot, a multiple of 4096 */
    size_t scalars_offset_bytes;     /* in a slot: MOT_N_SCALARS words, see op.h */
    int64_t n_flat;                  /* elements of the flat parameters, padding included */
    int64_t n_flat_buffers;          /* of the buffers behind them */
} mot_memory_plan;

/** Plan memory for up to `batch` samples: tensors of the step share memory when their lives do not
 *  overlap.  The offsets hold for any smaller batch.  `inference`: forward and loss only, and
 *  graph->output stays alive to the end; parameters are those of the average, if there is
 *  one; every arena but ACTIVATION is as it is for training.
 *  Pure.  The caller frees with mot_memory_plan_free.  Errors: MOT_ERR_MEMORY. */
mot_status mot_graph_plan_memory(const mot_graph *graph, int64_t batch, bool inference,
                                 mot_memory_plan *out);
void mot_memory_plan_free(mot_memory_plan *plan);

#endif
