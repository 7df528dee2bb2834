/* ops.h: one operator on one device against plain C in double.
 *
 * A case is built by the operator's own file: shapes drawn at random, inputs as plain arrays, the
 * outputs that they should give.  The harness puts every view into a buffer of its own with guard
 * words around it, at an odd place or, every fourth seed, an aligned one, inputs into slot 1 of a
 * ring of three for half of the seeds, fills the outputs with NaN (or with what they start from,
 * where they are updated in place), runs one variant and compares.
 */
#ifndef MOT_TESTS_OPS_H
#define MOT_TESTS_OPS_H

#include "devices/primitive.h"
#include "runtime/base/random.h"

/** What choices of a case came to: hashes of their launches, but for the buffers. */
typedef struct op_ran {
    uint64_t launches[128];
    int n;
} op_ran;

typedef struct op_case {
    mot_operands o;                    /* shapes, types and attributes; buffers are the harness's */
    void *in[MOT_MAX_INPUTS];          /* as the view's type says; NULL: absent; freed by op_free */
    float *rounded[MOT_MAX_INPUTS];    /* of an input of 16 bits its numbers; NULL */
    float *start[MOT_MAX_OUTPUTS];     /* what an output holds before; NULL: NaN */
    double *expected[MOT_MAX_OUTPUTS]; /* NULL: the output is absent; of 16 bits: the bits */
    double tolerance[MOT_MAX_OUTPUTS]; /* of |difference| / (1 + |expected|) */
    uint32_t scalars[MOT_N_SCALARS];
    int on_top;  /* output 0 lies on this input (in place); -1: on its own */
    op_ran *ran; /* not NULL: choices that come to launches of before are not run again */
} op_case;

/** Fill the case with something random; `small` for slow simulators. */
typedef void op_maker(op_case *c, mot_random *random, bool small);

#define OP_MAKER(name) op_maker make_##name;
MOT_OPS(OP_MAKER)
#undef OP_MAKER

/** Compute the case as chosen on the device and compare; fails the test with the seed in the text. */
void op_run(mot_device *device, const op_case *c, const mot_choice *choice, uint64_t seed);
/** The outputs of the case as chosen on the device, freed by the caller, NULL where absent; false
 *  if the choice is not for this device. */
bool op_outputs(mot_device *device, const op_case *c, const mot_choice *choice, uint64_t seed,
                float *out[MOT_MAX_OUTPUTS]);
void op_free(op_case *c);
/** Products by themselves on the device: every variant, all four forms, batches. */
void op_products(mot_device *device, uint64_t seed, bool small);

/* ---- for the makers ---- */

/** Whole number in [low, high]. */
int64_t op_between(mot_random *random, int64_t low, int64_t high);
mot_view op_view(mot_dtype dtype, int n_dims, const int64_t *dim);
mot_view op_view2(int64_t rows, int64_t columns);
/** The same, as sequences (rows/3,3,columns) where that can be. */
mot_view op_view_rows(int64_t rows, int64_t columns);
int64_t op_elements(const mot_view *view);
/** New array of floats uniform in [-1, 1). */
float *op_floats(mot_random *random, int64_t n);
double *op_doubles(int64_t n);
/** Set input i of the case to `view` with random floats, which are returned. */
float *op_input(op_case *c, mot_random *random, int i, mot_view view);
/** Set output i to `view`, expected (returned, zeroed) to be within `tolerance`. */
double *op_output(op_case *c, int i, mot_view view, double tolerance);
/** Store input i, floats so far, in 16 bits; `*rounded`, freed by op_free, is what it then holds. */
void op_narrow(op_case *c, int i, mot_dtype dtype, float **rounded);
/** Half of the time the outputs of some positions are there before; `length` of these are expected. */
void op_begin_later(op_case *c, mot_random *random, int64_t length);

#endif
