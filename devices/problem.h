/* problem.h: what an operator computes as far as its speed depends on it: what choices are remembered
 * under.
 *
 * A matrix product is one problem, whichever operator asks for it.  Anything else is its operator
 * with the types and shapes of its operands and the attributes that kernels are chosen by.  As text:
 *
 *     product NT 256x1024x784 bias relu
 *     conv2d 64x16x14x14 32x16x3x3 32 -> 64x32x14x14 kernel 3x3 padding 1x1 image 14x14 activation relu
 *     attention_grad 12x64x128 12x64x384 12x64x128 12x4x64 -> 12x64x384 heads 4 causal
 */
#ifndef MOT_DEVICES_PROBLEM_H
#define MOT_DEVICES_PROBLEM_H

#include "devices/primitive.h"

/** An operand; one without dimensions is absent. */
typedef struct mot_operand_type {
    mot_dtype dtype;
    mot_shape shape;
} mot_operand_type;

typedef struct mot_problem {
    mot_op op; /* linear for every product */
    mot_precision precision;
    /* Of a product only: row-major, op(A) (m,k) times op(B) (k,n); see matmul.h. */
    int64_t batch, m, n, k;
    int flags; /* MOT_MATMUL_ */
    /* Of anything else. */
    int n_in, n_out;
    mot_operand_type in[MOT_MAX_INPUTS], out[MOT_MAX_OUTPUTS];
    mot_attrs attrs; /* those that have a name in text; the others are 0 */
} mot_problem;

static inline bool mot_problem_is_product(const mot_problem *problem)
{
    return problem->op == MOT_OP_linear;
}

/** The problem that the operands pose; false where no choices are remembered for their operator, or
 *  they are not in order.  Pure.  In primitive.c. */
bool mot_operands_problem(const mot_operands *operands, mot_precision precision, mot_problem *out);
/** For the table of an operator, which must not change what an output held before. */
mot_problem mot_problem_of_operands(const mot_operands *operands, mot_precision precision);
/** Operands without memory that pose the problem, which is no product. */
mot_operands mot_problem_pose(const mot_problem *problem);

bool mot_problem_equal(const mot_problem *a, const mot_problem *b);
/** How far apart two problems are that differ in the number of samples only, as a part of those of
 *  `known`: 0 for the same; -1: they differ in more, or by more than a quarter. */
double mot_problem_distance(const mot_problem *known, const mot_problem *wanted);
/** Multiply-adds of a product, a convolution or attention, roughly; else elements. */
double mot_problem_work(const mot_problem *problem);

/* ---- as text; problem_text.c ---- */

enum { MOT_PROBLEM_TEXT = 320 };
/** Returns `out`. */
const char *mot_problem_print(const mot_problem *problem, char out[MOT_PROBLEM_TEXT]);
/** What comes of it need not be in order, but does no harm. */
bool mot_problem_parse(const char *text, mot_problem *out);

/** An attribute that has a name in text: up to two numbers, a word, or a mark that is there or not. */
typedef struct mot_problem_attribute {
    const char *name;
    size_t at; /* in mot_attrs */
    enum { MOT_ATTRIBUTE_SIZES, MOT_ATTRIBUTE_WORD, MOT_ATTRIBUTE_MARK } kind;
    int n;         /* numbers, or words */
    int64_t usual; /* what is not written down */
    const char *(*word)(int value);
} mot_problem_attribute;
/** All of them; the last has no name. */
extern const mot_problem_attribute mot_problem_attributes[];
/** Number or word i of the attribute, whatever its kind. */
int64_t mot_problem_get(const mot_attrs *attrs, const mot_problem_attribute *attribute, int i);
void mot_problem_set(mot_attrs *attrs, const mot_problem_attribute *attribute, int i,
                     int64_t value);

#endif
