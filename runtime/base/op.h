/* op.h: the list of operators, and the attributes that an operator may carry.
 *
 * This list is the one place that names every operator.  runtime/graph/op/ holds an operator's rules
 * (shape, gradient, cost), devices/ its primitive (which kernels compute it), each found by the name
 * in this list.  HACKING.md walks through adding one.
 */
#ifndef MOT_BASE_OP_H
#define MOT_BASE_OP_H

#include "runtime/base/shape.h"

#include <stdbool.h>
#include <stdint.h>

/* clang-format off: a table, by hand */
/* name         what it computes; inputs -> outputs (shapes; B = samples) */
#define MOT_OPS(X)                                                                                  \
    X(ingest) /* raw (B,...) u8|f32, [scale (C), shift (C)] -> x (B,...) = raw*scale+shift;  \
                          attrs.group = how many consecutive elements share one channel */      \
    X(linear) /* x (B,K), w (N,K), [b (N)] -> y (B,N) = act(x w^T + b); here and in the next two, \
                          and for softmax and softmax_xent, (B,T,K) is B*T rows */ \
    X(linear_dinput)  /* dy (B,N), w (N,K), [h (B,K)] -> dx (B,K) = dy w, times relu'(h) if h */    \
    X(linear_dweight) /* dy (B,N), x (B,K) -> dw (N,K) = dy^T x, [db (N) = column sums of dy] */    \
    X(relu)           /* x -> y = max(x,0), any shape */                                            \
    X(relu_grad)      /* dy, y -> dx = y > 0 ? dy : 0 */                                            \
    X(activation)     /* x -> y = f(x), any shape; attrs.activation says which f */                 \
    X(activation_grad) /* dy, v -> dx = dy f'; v is y where f' follows from it, else x            \
                          (mot_activation_keeps_output) */                                       \
    X(norm) /* x (B,...), [w (N)], [b (N)] -> y, stats (B,R,2): each run of attrs.group elements  \
                          with its mean taken off, divided by its deviation, times w plus b;     \
                          stats {mean, 1/deviation} of the R runs of a sample */                 \
    X(norm_grad) /* dy, x, stats, [w] -> dx, [dw (N)], [db (N)] */                                  \
    X(batch_norm_sums) /* x (B,C,...), mean (C) -> sums (2C+1), exchanged: of d = x - mean, of d^2, \
                          and how much of each channel there is */ \
    X(batch_norm) /* x (B,C,...), mean (C), variance (C), sums, [w (C)], [b (C)], [r (as x)] -> y = \
                     act(...): each channel with its mean over all samples taken off, divided by its \
                     deviation, times w plus b, plus r; by mean and variance, the running ones, where \
                     sums are absent */ \
    X(batch_norm_grad_sums) /* dy, x, sums, mean, [w], [b] -> grad_sums (2C), exchanged, [dw], [db] */ \
    X(batch_norm_grad) /* dy, x, sums, mean, grad_sums, [w], [b] -> dx */ \
    X(batch_norm_update) /* sums -> mean (C), variance (C), in place: running, by attrs.momentum */ \
    X(add)     /* a, b, [h], of one shape -> y = act(a + b), times relu'(h) if h; sums the gradients \
                          of a tensor used twice */ \
    X(concat)  /* up to 8 inputs -> y, one behind the other in dimension attrs.axis */             \
    X(permute) /* x -> y whose dimension i is dimension attrs.order[i] of x; 0 stays 0 */           \
    X(slice)   /* x -> y, elements attrs.start + attrs.step i of each dimension but 0 */            \
    X(pad)     /* x -> y = 0 but for x at attrs.start + attrs.step i; the gradient of slice */      \
    X(sum)     /* x -> y = attrs.factor times the sum over attrs.n_axes dimensions from axis on */  \
    X(spread)  /* x -> y = attrs.factor x, the same along n_axes new dimensions; that of sum */     \
    X(dropout) /* x -> y = keep ? x/(1-p) : 0; applied to dy it is its own gradient */              \
    X(softmax_xent) /* logits (B,C), label (B) i32 -> dlogits (B,C) [absent when only evaluating],\
                          sums (4) = {rows that count, losses, correct, losses without smoothing}; \
                          a row whose label is below 0 does not count; attrs.smoothing.  label (B,3): \
                          of two samples that are mixed, their classes, and the part of the first (and \
                          larger) in 1/65536 */ \
    X(pointwise_loss) /* pred (B,C), target (B,C) f32 -> dpred (B,C) [absent when only evaluating], \
                          sums (4) = {samples, losses, squares, magnitudes}, of a sample means over C; \
                          attrs.loss, attrs.delta */ \
    X(conv2d) /* x (B,C,H,W), w (O,C/groups,KH,KW), [b (O)] -> y (B,O,OH,OW) = act(conv + b);       \
                          attrs.window */                                                          \
    X(conv2d_dinput)  /* dy (B,O,OH,OW), w, [h (B,C,H,W)], [b (C)] -> dx (B,C,H,W) = act(sum + b),  \
                          times relu'(h) if h; forward it is the layer conv2d_transpose */          \
    X(conv2d_dweight) /* dy (B,O,OH,OW), x (B,C,H,W) -> dw (as w), [db (O) = sums of dy] */         \
    X(max_pool2d)     /* x (B,C,H,W) -> y (B,C,OH,OW); attrs.window without dilation */             \
    X(max_pool2d_grad) /* dy, x -> dx (as x), to the first of equals; times relu'(x) if             \
                          attrs.activation is relu */                                              \
    X(avg_pool2d)      /* x (B,C,H,W) -> y (B,C,OH,OW); attrs.window without dilation */            \
    X(avg_pool2d_grad) /* dy (B,C,OH,OW) -> dx (B,C,H,W) */                                         \
    X(softmax) /* logits (B,C) -> probabilities (B,C); for prediction */                            \
    X(embedding) /* ids (B,T) i32 or u8, w (V,C) -> y (B,T,C) = w[ids] */ \
    X(embedding_dweight) /* dy (B,T,C), ids (B,T) i32 or u8 -> dw (V,C), V = attrs.rows; row v is the sum of \
                          dy where the id is v */ \
    X(position) /* x (B,T,C), w (T,C) -> y = x + w */ \
    X(position_dweight) /* dy (B,T,C) -> dw (T,C) = sum over samples */ \
    X(attention) /* qkv (B,T,3C), queries, keys and values of attrs.heads heads -> y (B,T,C), \
                          lse (B,H,T) = log of the sums of exponentials; attrs.causal */ \
    X(attention_grad) /* dy (B,T,C), qkv, y, lse -> dqkv (B,T,3C) */ \
    X(lstm) /* x (B,T,4H), w (4H,H), [b (4H)] -> y (B,T,H), gates (B,T,4H), cells (B,T,H) */        \
    X(lstm_grad) /* dy, y, gates, cells, w -> dx (B,T,4H), before (B,T,H) = y a position earlier */ \
    X(gru) /* x (B,T,3H), w (3H,H), [b (3H)] -> y (B,T,H), gates (B,T,4H) */                        \
    X(gru_grad) /* dy, y, gates, w -> dx (B,T,3H), dstate (B,T,3H), that of w h + b, before (B,T,H) */ \
    X(narrow) /* x -> y of attrs.storage, 16 bits, to the nearest, of two to the even one */       \
    X(widen)  /* x of 16 bits -> y in floats */                                                    \
    X(scale_gradient) /* dy, scale (1) -> dx = dy scale */                                         \
    X(accumulate) /* -> flat: grad, sums, kept (n+4), in place: sums over the parts of a batch; the \
                     scalars say what to do */                                                     \
    /* The update, on flat arrays, in place; scalars give lr; ranges (4R): see graph.h; instead    \
       of sums an optimizer takes what clip_norm gives */                                          \
    X(unscale) /* grad, sums -> divisor (4): sums[0] scale, 0, 0, 0; scale (1), steps (4), in place; \
                  scalars (16) of this step for the rest of the update; see kernels_cl/loss_scale.cl */ \
    X(clip_norm) /* grad, sums -> divisor (4): sums[0] over the factor of clipping, 0, 0, 0 */      \
    X(sgd)       /* grad, sums, ranges -> param, [velocity] */                                      \
    X(adam)      /* grad, sums, ranges -> param, m, v */                                            \
    X(adamw)     /* the same, weight decay apart from the gradient */                               \
    X(rmsprop)   /* grad, sums, ranges -> param, square, [mean], [velocity] */                      \
    X(adagrad)   /* grad, sums, ranges -> param, square */                                          \
    X(lion)      /* grad, sums, ranges -> param, m */                                               \
    X(lamb)      /* grad, sums, ranges (pieces of one parameter) -> param, m, v */                  \
    X(average)   /* param -> average: moving average of the parameters */
/* clang-format on */

typedef enum {
#define MOT_OP_ENUM(name) MOT_OP_##name,
    MOT_OPS(MOT_OP_ENUM)
#undef MOT_OP_ENUM
        MOT_N_OPS
} mot_op;

typedef enum {
    MOT_ACT_NONE,
    MOT_ACT_RELU,
    MOT_ACT_GELU,      /* x Phi(x), Phi the normal distribution */
    MOT_ACT_GELU_TANH, /* Phi(x) as (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2 */
    MOT_ACT_SILU,      /* x sigmoid(x) */
    MOT_ACT_SIGMOID,
    MOT_ACT_TANH,
    MOT_ACT_LEAKY_RELU, /* x > 0 ? x : slope x */
    MOT_N_ACTIVATIONS
} mot_activation;

/** What an output and its target cost; d is the one less the other. */
typedef enum {
    MOT_LOSS_MSE,   /* d^2 */
    MOT_LOSS_L1,    /* |d| */
    MOT_LOSS_HUBER, /* d^2 / 2 up to |d| = delta, from there on a line */
    MOT_LOSS_BCE,   /* cross-entropy of sigmoid(output) and a target between 0 and 1 */
    MOT_N_LOSSES
} mot_loss;

/** Which elements are normalized together, and which of them share a weight. */
typedef enum {
    MOT_NORM_LAYER, /* runs of attrs.group elements, which have N = group weights */
    MOT_NORM_RMS,   /* the same without taking off a mean: the root of the mean square */
    MOT_NORM_GROUP, /* a sample is N channels; attrs.group elements are some channels */
} mot_norm;

/** A window that walks over images; {down, across}. */
typedef struct mot_window {
    int64_t kernel[2], stride[2], padding[2], dilation[2];
    int64_t groups;     /* conv2d: of channels that do not see each other; else 1 */
    int64_t image[2];   /* height and width of what it walks over */
    bool count_padding; /* avg_pool2d: zeros around the image count as pixels */
} mot_window;

/** Places that the window has along axis 0 (down) or 1 (across); below 1: the image is too small. */
static inline int64_t mot_window_places(const mot_window *window, int axis)
{
    const int64_t room = window->image[axis] + 2 * window->padding[axis] -
                         window->dilation[axis] * (window->kernel[axis] - 1) - 1;
    return room < 0 ? 0 : room / window->stride[axis] + 1;
}

/** Attributes of an operator; each uses those that its line above, or its rules file, names. */
typedef struct mot_attrs {
    mot_activation activation; /* epilogue of linear, conv2d, batch_norm and add, NONE or RELU; see
                                  max_pool2d_grad; activation: from GELU on */
    mot_window window;         /* conv2d and the pools */
    float slope;               /* leaky relu: 0 to 1 */
    mot_loss loss;             /* pointwise_loss */
    float delta;               /* pointwise_loss: of Huber's, above 0 */
    float smoothing;           /* softmax_xent: part of a label that goes to all classes alike, 0 to 1 */
    mot_norm norm;             /* norm */
    int64_t group;             /* ingest: consecutive elements of one channel; norm: of one mean */
    float p;                   /* dropout: probability of zero, taken to 16 bits */
    int64_t rows;              /* embedding_dweight: of the table */
    int64_t heads;             /* attention */
    bool causal;               /* attention: a position sees itself and those before it */
    int64_t first;             /* attention, lstm, gru: outputs of positions before it are there */
    uint32_t layer;            /* dropout: number of the layer, keys its random numbers */
    int axis, n_axes;          /* concat, sum, spread: a dimension, not that of the samples */
    int order[MOT_MAX_DIMS];   /* permute */
    int64_t start[MOT_MAX_DIMS], step[MOT_MAX_DIMS]; /* slice, pad: from 1 on, for each dimension */
    int64_t size[MOT_MAX_DIMS]; /* slice, pad, spread: of y, from 1 on */
    float factor;               /* sum, spread */
    /* Optimizers; 1 - beta2 is lost in a float.  norm: eps, added to the variance. */
    double momentum, weight_decay, beta1, beta2, eps; /* rmsprop: beta2 is its alpha */
    bool nesterov, centered;                          /* sgd; rmsprop */
    double clip_norm, clip_value;                     /* of the gradient; 0: not clipped */
    bool accumulate;   /* a batch may come in parts */
    double average;                                   /* decay of the average; 0: none is kept */
    mot_dtype storage;       /* narrow: of y; optimizers: of what is kept for backward */
    double loss_scale;       /* optimizers, with storage MOT_F16: the first one */
    int64_t loss_scale_every; /* the same, unscale: good steps until it is doubled */
} mot_attrs;

/** batch_norm: the input that is added, r. */
enum { MOT_BATCH_NORM_RESIDUAL = 6 };

/** The words of the `scalars` view that is written anew for every step (32 bits each). */
enum {
    MOT_SCALAR_STEP,         /* u32: number of the step, from 0 */
    MOT_SCALAR_FIRST_SAMPLE, /* u32: position in the global batch of this device's first sample */
    MOT_SCALAR_SEED_LO,      /* u32 */
    MOT_SCALAR_SEED_HI,      /* u32 */
    MOT_SCALAR_LR,           /* f32: learning rate of this step */
    MOT_SCALAR_BIAS1,        /* f32: 1 - beta1^t (Adam) */
    MOT_SCALAR_BIAS2,        /* f32: 1 - beta2^t (Adam) */
    MOT_SCALAR_ACCUMULATE,   /* u32: mot_accumulate */
    MOT_SCALAR_SKIP,         /* u32: the update leaves parameters and states as they are; set by unscale only */
    MOT_N_SCALARS = 16
};

/** What unscale keeps in its output 2, beside the scale. */
enum { MOT_LOSS_GOOD, MOT_LOSS_SKIPPED, MOT_LOSS_BIAS1, MOT_LOSS_BIAS2, MOT_LOSS_STEPS };

/** What accumulate does with the gradient and what it keeps. */
typedef enum {
    MOT_ACCUMULATE_NOTHING,
    MOT_ACCUMULATE_KEEP, /* first part */
    MOT_ACCUMULATE_ADD,  /* to what is kept: a part between */
    MOT_ACCUMULATE_LAST, /* add what is kept to the gradient */
    MOT_ACCUMULATE_TAKE, /* take what is kept: the last part has no samples here */
} mot_accumulate;

/** "linear" for MOT_OP_linear. */
const char *mot_op_name(mot_op op);
/** The operator of that name; false where there is none. */
bool mot_op_parse(const char *name, mot_op *out);
/** "gelu" for MOT_ACT_GELU; "layer_norm" for MOT_NORM_LAYER; "mse" for
 *  MOT_LOSS_MSE. */
const char *mot_activation_name(mot_activation activation);
const char *mot_norm_name(mot_norm norm);
const char *mot_loss_name(mot_loss loss);
/** Does the derivative of the activation follow from its output? */
static inline bool mot_activation_keeps_output(mot_activation activation)
{
    return activation >= MOT_ACT_SIGMOID;
}

#endif
