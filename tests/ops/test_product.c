/* The matrix product by itself: every variant in all four forms, in batches, against double. */
#include "config.h"

#include "devices/product.h"
#include "tests/ops/ops.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

static mot_view upload(mot_device *device, const float *x, int64_t n, int lead)
{
    mot_view view = op_view(MOT_F32, 1, &n);
    view.offset = lead;
    OK(mot_buffer_new(device, (size_t)(n + lead) * sizeof *x, &view.buffer));
    OK(mot_buffer_write(view.buffer, (size_t)lead * sizeof *x, (size_t)n * sizeof *x, x));
    return view;
}

/* Largest difference, relative to what rounding may do. */
static double worst(const mot_product *p, const float *a, const float *b, const float *c)
{
    double most = 0.0;
    for (int64_t e = 0; e < p->batch * p->m * p->n; e++) {
        const int64_t j = e % p->n, i = e / p->n % p->m, batch = e / p->n / p->m;
        double sum = 0.0;
        for (int64_t q = 0; q < p->k; q++)
            sum += (double)a[batch * p->m * p->k + (p->trans_a ? q * p->m + i : i * p->k + q)] *
                   (double)b[batch * p->k * p->n + (p->trans_b ? j * p->k + q : q * p->n + j)];
        double off = fabs((double)c[e] - sum) / (1e-5 * sqrt((double)p->k) + 1e-5 * fabs(sum));
        most = off <= most ? most : off; /* NaN counts as worst */
    }
    return most;
}

/* `lead` elements lie before each matrix. */
static void run(mot_device *device, mot_product *p, int lead, int variant, mot_random *random)
{
    const int64_t n_a = p->batch * p->m * p->k, n_b = p->batch * p->k * p->n;
    const int64_t n_c = p->batch * p->m * p->n;
    float *a = op_floats(random, n_a), *b = op_floats(random, n_b), *c = op_floats(random, n_c);
    mot_view scratch = {0};
    mot_commands *commands;
    size_t bytes;
    p->a = upload(device, a, n_a, lead);
    p->b = upload(device, b, n_b, lead);
    for (int64_t i = 0; i < n_c; i++)
        c[i] = NAN;
    p->c = upload(device, c, n_c, lead);
    mot_status status = mot_product_workspace(device, p, variant, &bytes);
    if (status != MOT_ERR_UNSUPPORTED) {
        OK(status);
        float *nothing = op_floats(random, (int64_t)bytes / 4 + 1);
        scratch = upload(device, nothing, (int64_t)bytes / 4 + 1, 0);
        free(nothing);
        OK(mot_commands_new(device, &commands));
        OK(mot_product_record(device, p, variant, &scratch, commands));
        OK(mot_commands_run(commands, 0, mot_commands_count(commands), 0));
        OK(mot_buffer_read(p->c.buffer, (size_t)lead * sizeof *c, (size_t)n_c * sizeof *c, c));
        double off = worst(p, a, b, c);
        ck_assert_msg(off <= 1.0, "%s on %s: %d x %dx%dx%d%s%s: off by %g times what may be",
                      mot_product_variant_name(variant), mot_device_get_info(device)->id,
                      (int)p->batch, (int)p->m, (int)p->n, (int)p->k, p->trans_a ? " A^T" : "",
                      p->trans_b ? " B^T" : "", off);
        mot_commands_free(commands);
        mot_buffer_free(scratch.buffer);
    }
    mot_buffer_free(p->a.buffer);
    mot_buffer_free(p->b.buffer);
    mot_buffer_free(p->c.buffer);
    free(a);
    free(b);
    free(c);
}

/* Odd sizes and places; then such as let kernels read four elements at a time; then flat or narrow ones
 * with a long sum, which is done in parts. */
void op_products(mot_device *device, uint64_t seed, bool small)
{
    mot_random random;
    mot_random_init(&random, seed, MOT_STREAM_TEST, MOT_N_OPS);
    for (int form = 0; form < 4; form++)
        for (int i = 0; i < 4; i++) {
            const int64_t most = small ? 20 : i == 0 ? 700 : 120, unit = i == 1 || i == 2 ? 4 : 1;
            mot_product p = {.name = "test",
                             .m = unit * op_between(&random, 1, most / 2 / unit),
                             .n = unit * op_between(&random, 1, most / 2 / unit),
                             .k = unit * op_between(&random, 1, most / unit),
                             .batch = i % 2 == 0 ? 1 : op_between(&random, 1, 3),
                             .trans_a = form & 1,
                             .trans_b = form & 2};
            if (i == 2) {
                *(form < 2 ? &p.m : &p.n) = op_between(&random, 1, 16);
                p.k *= small ? 4 : 16;
            }
            for (int variant = 0; variant < mot_product_n_variants(); variant++)
                run(device, &p, i % 3 == 0 ? 5 : 8, variant, &random);
        }
}
