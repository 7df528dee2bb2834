/* A product goes through the linear operator's primitive, with the product itself in the place of
 * what the operands would stand for, so that checks of variants, rules and tuned choices are the
 * same. */
#include "config.h"

#include "devices/product.h"

#include "devices/matmul.h"

#include <inttypes.h>

static mot_matmul matmul_of(const mot_product *p)
{
    return (mot_matmul){
        .c = p->c,
        .a = p->a,
        .b = p->b,
        .m = p->m,
        .n = p->n,
        .k = p->k,
        .lda = p->trans_a ? p->m : p->k,
        .ldb = p->trans_b ? p->k : p->n,
        .ldc = p->n,
        .batch = p->batch,
        .stride_a = p->m * p->k,
        .stride_b = p->k * p->n,
        .stride_c = p->m * p->n,
        .flags = (p->trans_a ? MOT_MATMUL_TRANS_A : 0) | (p->trans_b ? MOT_MATMUL_TRANS_B : 0),
    };
}

static mot_operands operands_of(const mot_product *p, const mot_matmul *matmul)
{
    return (mot_operands){.op = MOT_OP_linear,
                          .name = p->name,
                          .n_out = 1,
                          .n_in = 2,
                          .out = {p->c},
                          .in = {p->a, p->b},
                          .product = matmul};
}

static mot_status check(const mot_product *p)
{
    if (p->m < 1 || p->n < 1 || p->k < 1 || p->batch < 1)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "product %s: %" PRId64 " of %" PRId64 "x%" PRId64 "x%" PRId64, p->name,
                        p->batch, p->m, p->n, p->k);
    return MOT_OK;
}

int mot_product_n_variants(void)
{
    return mot_primitive_n_variants(MOT_OP_linear);
}

const char *mot_product_variant_name(int variant)
{
    return mot_primitive_variant_name(MOT_OP_linear, variant);
}

mot_status mot_product_workspace(mot_device *device, const mot_product *product, int variant,
                                 size_t *size_bytes)
{
    mot_matmul matmul = matmul_of(product);
    mot_operands o = operands_of(product, &matmul);
    MOT_TRY(check(product));
    if (variant < 0)
        return mot_primitive_workspace(device, &o, size_bytes);
    return mot_primitive_workspace_variant(device, &o, variant, size_bytes);
}

mot_status mot_product_record(mot_device *device, const mot_product *product, int variant,
                              const mot_view *workspace, mot_commands *commands)
{
    mot_matmul matmul = matmul_of(product);
    mot_operands o = operands_of(product, &matmul);
    MOT_TRY(check(product));
    if (workspace)
        o.workspace = *workspace;
    if (variant < 0)
        return mot_primitive_record(device, &o, commands);
    return mot_primitive_record_variant(device, &o, variant, commands);
}
