/* linear, linear_dinput and linear_dweight as matrix products:
 *
 *     y  (B,N) = x (B,K)    w^T (K,N)   NT, bias and activation in the epilogue
 *     dx (B,K) = dy (B,N)   w   (N,K)   NN, zeroed where h <= 0
 *     dw (N,K) = dy^T (N,B) x   (B,K)   TN, db (N) as the row sums of dy^T
 *
 * where B counts the positions of sequences too, (B,T,K) as (B*T,K).
 */
#include "config.h"

#include "devices/matmul.h"

#include <assert.h>

static mot_matmul linear_of(const mot_operands *o)
{
    const int64_t batch = mot_view_lines(&o->in[0]), k = mot_view_last(&o->in[0]);
    const int64_t n = mot_view_rows(&o->in[1]);
    mot_matmul p = {.c = o->out[0],
                    .a = o->in[0],
                    .b = o->in[1],
                    .m = batch,
                    .n = n,
                    .k = k,
                    .lda = k,
                    .ldb = k,
                    .ldc = n,
                    .flags = MOT_MATMUL_TRANS_B};
    if (mot_has_in(o, 2)) {
        p.bias = o->in[2];
        p.flags |= MOT_MATMUL_BIAS;
    }
    if (o->attrs.activation == MOT_ACT_RELU)
        p.flags |= MOT_MATMUL_RELU;
    return p;
}

static mot_matmul dinput_of(const mot_operands *o)
{
    const int64_t batch = mot_view_lines(&o->in[0]), n = mot_view_last(&o->in[0]);
    const int64_t k = mot_view_columns(&o->in[1]);
    mot_matmul p = {.c = o->out[0],
                    .a = o->in[0],
                    .b = o->in[1],
                    .m = batch,
                    .n = k,
                    .k = n,
                    .lda = n,
                    .ldb = k,
                    .ldc = k};
    if (mot_has_in(o, 2)) {
        p.mask = o->in[2];
        p.flags |= MOT_MATMUL_MASK;
    }
    return p;
}

static mot_matmul dweight_of(const mot_operands *o)
{
    const int64_t batch = mot_view_lines(&o->in[0]), n = mot_view_last(&o->in[0]);
    const int64_t k = mot_view_last(&o->in[1]);
    mot_matmul p = {.c = o->out[0],
                    .a = o->in[0],
                    .b = o->in[1],
                    .m = n,
                    .n = k,
                    .k = batch,
                    .lda = n,
                    .ldb = k,
                    .ldc = k,
                    .flags = MOT_MATMUL_TRANS_A};
    const mot_stored stored = mot_stored_as(&o->in[1]);
    if (stored != MOT_STORED_FLOAT)
        p.flags |= stored == MOT_STORED_BF16 ? MOT_MATMUL_B_BF16 : MOT_MATMUL_B_F16;
    if (mot_has_out(o, 1)) {
        p.sums = o->out[1];
        p.flags |= MOT_MATMUL_SUMS;
    }
    return p;
}

mot_matmul mot_matmul_of(const mot_operands *o)
{
    if (o->product) {
        assert(o->product->batch == 1 || !(o->product->flags & MOT_MATMUL_SUMS));
        return *o->product;
    }
    mot_matmul p = o->op == MOT_OP_linear          ? linear_of(o)
                   : o->op == MOT_OP_linear_dinput ? dinput_of(o)
                                                   : dweight_of(o);
    p.batch = 1;
    return p;
}

/* The two operands fit, and nothing is empty. */
static mot_status check_product(const mot_operands *o, int64_t inner_a, int64_t inner_b)
{
    char a[MOT_SHAPE_TEXT], b[MOT_SHAPE_TEXT];
    mot_matmul p = mot_matmul_of(o);
    if (inner_a != inner_b || p.m < 1 || p.n < 1 || p.k < 1)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s %s: %s and %s do not fit", mot_op_name(o->op), o->name,
                        mot_shape_print(&o->in[0].shape, a), mot_shape_print(&o->in[1].shape, b));
    MOT_TRY(mot_check_elements(o, "output", &o->out[0], p.m * p.n));
    if (p.flags & MOT_MATMUL_BIAS)
        MOT_TRY(mot_check_elements(o, "bias", &p.bias, p.n));
    if (p.flags & MOT_MATMUL_MASK)
        MOT_TRY(mot_check_elements(o, "h", &p.mask, p.m * p.n));
    if (p.flags & MOT_MATMUL_SUMS)
        MOT_TRY(mot_check_elements(o, "db", &p.sums, p.m));
    return MOT_OK;
}

static mot_status check_linear(const mot_operands *o)
{
    if (o->product) /* checked by product.c */
        return MOT_OK;
    MOT_TRY(mot_check_operands(o, 2, 3, 1, 1, 0));
    return check_product(o, mot_view_last(&o->in[0]), mot_view_last(&o->in[1]));
}

static mot_status check_dinput(const mot_operands *o)
{
    MOT_TRY(mot_check_operands(o, 2, 3, 1, 1, 0));
    return check_product(o, mot_view_last(&o->in[0]), mot_view_rows(&o->in[1]));
}

static mot_status check_dweight(const mot_operands *o)
{
    const bool narrow = o->n_in > 1 && mot_dtype_is_16_bits(o->in[1].dtype);
    MOT_TRY(mot_check_operands(o, 2, 2, 1, 2, narrow ? 2u : 0));
    return check_product(o, mot_view_lines(&o->in[0]), mot_view_lines(&o->in[1]));
}

static mot_problem problem_of(const mot_operands *o, mot_precision precision)
{
    const mot_matmul p = mot_matmul_of(o);
    /* How an operand is stored makes little difference to what is fast. */
    return (mot_problem){.op = MOT_OP_linear,
                         .precision = precision,
                         .batch = p.batch,
                         .m = p.m,
                         .n = p.n,
                         .k = p.k,
                         .flags = p.flags & ~MOT_MATMUL_B_NARROW};
}

const mot_primitive mot_primitive_linear = {check_linear, mot_matmul_variants,
                                            MOT_MATMUL_N_VARIANTS, problem_of};
const mot_primitive mot_primitive_linear_dinput = {check_dinput, mot_matmul_variants,
                                                   MOT_MATMUL_N_VARIANTS, problem_of};
const mot_primitive mot_primitive_linear_dweight = {check_dweight, mot_matmul_variants,
                                                    MOT_MATMUL_N_VARIANTS, problem_of};
