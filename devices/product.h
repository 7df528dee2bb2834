/* product.h: a matrix product by itself, outside any operator: for benches, tests and tuning.
 *
 * The same variants, chosen by the same rules, that linear layers are made of (matmul.h).
 */
#ifndef MOT_DEVICES_PRODUCT_H
#define MOT_DEVICES_PRODUCT_H

#include "devices/device.h"

/** C = op(A) op(B) for each of `batch` matrices that lie densely, one behind the other; row-major.
 *  op(A) is (m,k), op(B) (k,n); a transposed A lies as (k,m), a transposed B as (n,k).  Shapes of
 * the views do not matter, their types are MOT_F32. */
typedef struct mot_product {
    const char *name; /* for messages and profiles; borrowed */
    mot_view c, a, b;
    int64_t m, n, k, batch;
    bool trans_a, trans_b;
} mot_product;

int mot_product_n_variants(void);
const char *mot_product_variant_name(int variant);

/** Scratch memory that recording the product needs, bytes.  `variant` -1: the one that training
 * would take.  Errors: MOT_ERR_UNSUPPORTED where the variant does not apply; MOT_ERR_SHAPE. */
mot_status mot_product_workspace(mot_device *device, const mot_product *product, int variant,
                                 size_t *size_bytes);

/** Append the launches; `workspace` (MOT_F32, offset 0) may be absent where none is needed. */
mot_status mot_product_record(mot_device *device, const mot_product *product, int variant,
                              const mot_view *workspace, mot_commands *commands);

#endif
