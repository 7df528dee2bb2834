/* bench_gemm.c: matrix products of given shapes and forms.
 *
 * The numbers are checked on some entries before they are timed: a wrong product has no speed.  Short
 * products are recorded several times, for a step has several: where it is one launch, they are too.
 */
#include "config.h"

#include "tools/bench.h"

#include "devices/product.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKED = 48, MOST_COPIES = 32 };

static const double COPIES_S = 2e-3; /* that the copies of a product take together */

/* What is looked at where nothing is asked for: large squares in every form, and shapes of small
 * networks. */
static const char *const usual[] = {
    "512x512x512:NN",    "512x512x512:NT",    "512x512x512:TN",    "512x512x512:TT",
    "1024x1024x1024:NN", "1024x1024x1024:NT", "1024x1024x1024:TN", "1024x1024x1024:TT",
    "2048x2048x2048:NN", "2048x2048x2048:NT", "2048x2048x2048:TN", "2048x2048x2048:TT",
    "256x256x256:NN",    "64x128x784:NT",     "128x784x64:TN",     "512x128x784:NT",
    "768x512x128:NN",    "768x128x512:NN",    "768x384x128:NN",    "48*64x64x32:NN",
};

/* ---- shapes ---- */

static bool read_size(const char **text, int64_t *out)
{
    char *end;
    if (**text < '1' || **text > '9')
        return false;
    *out = strtoll(*text, &end, 10);
    *text = end;
    return *out <= 1 << 20;
}

static bool read_form(const char *text, mot_bench_row *row)
{
    snprintf(row->form, sizeof row->form, "%s", *text ? text + 1 : "NN");
    return !*text || (*text == ':' && strlen(text) == 3 && strspn(text + 1, "NT") == 2);
}

static bool read_shape(const char *text, mot_bench_row *row)
{
    *row = (mot_bench_row){.what = "gemm", .batch = 1, .arithmetic = true};
    if (strchr(text, '*') && !(read_size(&text, &row->batch) && *text++ == '*'))
        return false;
    return read_size(&text, &row->m) && *text++ == 'x' && read_size(&text, &row->n) &&
           *text++ == 'x' && read_size(&text, &row->k) && read_form(text, row);
}

static mot_status check_variant(const char *name)
{
    int n = mot_product_n_variants();
    char names[256] = "";
    for (int i = 0; i < n; i++) {
        if (!name || strcmp(name, mot_product_variant_name(i)) == 0)
            return MOT_OK;
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "",
                 mot_product_variant_name(i));
    }
    return MOT_FAIL(MOT_ERR_ARGUMENT, "there is no variant '%s' of the product; there are %s", name,
                    names);
}

mot_status mot_bench_gemm_check(const mot_arguments *arguments)
{
    mot_bench_row row;
    for (int i = 0; i < arguments->n_operands; i++)
        if (!read_shape(arguments->operand[i], &row))
            return MOT_FAIL(
                MOT_ERR_ARGUMENT,
                "'%s' is no shape; one is MxNxK, with :NN, :NT, :TN or :TT behind it and"
                " 'batch*' in front where wanted, as in 48*64x64x32:NT",
                arguments->operand[i]);
    return check_variant(arguments->variant);
}

bool mot_bench_gemm_usual(int i, mot_bench_row *out)
{
    return i >= 0 && i < (int)(sizeof usual / sizeof *usual) && read_shape(usual[i], out);
}

/* ---- one product ---- */

typedef struct matrices {
    mot_product product;
    float *a, *b; /* what is in them */
} matrices;

static mot_status make(mot_device *device, const mot_bench_row *row, matrices *x)
{
    mot_product *p = &x->product;
    p->name = "product";
    p->m = row->m;
    p->n = row->n;
    p->k = row->k;
    p->batch = row->batch;
    p->trans_a = row->form[0] == 'T';
    p->trans_b = row->form[1] == 'T';
    MOT_TRY(mot_bench_floats(device, p->batch * p->m * p->k, 1, &p->a, &x->a));
    MOT_TRY(mot_bench_floats(device, p->batch * p->k * p->n, 2, &p->b, &x->b));
    return mot_bench_floats(device, p->batch * p->m * p->n, 3, &p->c, NULL);
}

static void discard(matrices *x)
{
    mot_buffer_free(x->product.a.buffer);
    mot_buffer_free(x->product.b.buffer);
    mot_buffer_free(x->product.c.buffer);
    free(x->a);
    free(x->b);
}

/* Entry (i, j) of product z in double, and the sum of the terms' sizes, of which rounding is a
 * part. */
static double entry(const matrices *x, int64_t z, int64_t i, int64_t j, double *sizes)
{
    const mot_product *p = &x->product;
    const float *a = x->a + z * p->m * p->k, *b = x->b + z * p->k * p->n;
    double sum = 0;
    *sizes = 0;
    for (int64_t l = 0; l < p->k; l++) {
        double term = (double)(p->trans_a ? a[l * p->m + i] : a[i * p->k + l]) *
                      (double)(p->trans_b ? b[j * p->k + l] : b[l * p->n + j]);
        sum += term;
        *sizes += fabs(term);
    }
    return sum;
}

static mot_status check(const matrices *x, const char *variant)
{
    const mot_product *p = &x->product;
    for (int64_t probe = 0; probe < CHECKED; probe++) {
        int64_t z = probe % p->batch, i = probe * 37 % p->m, j = (probe * 53 + probe / 8) % p->n;
        double sizes, want = entry(x, z, i, j, &sizes);
        float got;
        MOT_TRY(mot_buffer_read(p->c.buffer, (size_t)((z * p->m + i) * p->n + j) * sizeof got,
                                sizeof got, &got));
        if (!(fabs((double)got - want) <= 4e-3 * sizes + 1e-6))
            return MOT_FAIL(MOT_ERR_NUMERIC,
                            "variant %s gives wrong numbers: %g, not %g at (%" PRId64 ",%" PRId64
                            ")",
                            variant, (double)got, want, i, j);
    }
    return MOT_OK;
}

static mot_status measure(mot_bench *bench, mot_bench_row *row, const matrices *x, int variant)
{
    mot_view workspace = {.dtype = MOT_F32};
    mot_commands *commands = NULL;
    mot_status status;
    size_t bytes;
    MOT_TRY(mot_product_workspace(bench->device, &x->product, variant, &bytes));
    if (bytes > 0)
        MOT_TRY(mot_buffer_new(bench->device, bytes, &workspace.buffer));
    workspace.shape = (mot_shape){1, {(int64_t)(bytes / sizeof(float))}};
    MOT_TRY_GOTO(mot_commands_new(bench->device, &commands));
    MOT_TRY_GOTO(mot_product_record(bench->device, &x->product, variant, &workspace, commands));
    mot_bench_variant(commands, row->variant);
    MOT_TRY_GOTO(mot_commands_run(commands, 0, mot_commands_count(commands), 0));
    MOT_TRY_GOTO(mot_device_finish(bench->device));
    MOT_TRY_GOTO(check(x, row->variant));
    MOT_TRY_GOTO(mot_bench_time(bench, commands, &row->time_s));
    const int more = (int)fmin(MOST_COPIES, COPIES_S / row->time_s) - 1;
    for (int i = 0; i < more; i++)
        MOT_TRY_GOTO(mot_product_record(bench->device, &x->product, variant, &workspace, commands));
    if (more > 0) {
        MOT_TRY_GOTO(mot_bench_time(bench, commands, &row->time_s));
        row->time_s /= 1 + more;
    }
    MOT_TRY_GOTO(mot_bench_add(
        bench, row, 2.0 * (double)row->batch * (double)row->m * (double)row->n * (double)row->k));
fail:
    mot_commands_free(commands);
    mot_buffer_free(workspace.buffer);
    return status;
}

/* All variants, one after the other; what does not apply or fails is noted. */
static mot_status measure_all(mot_bench *bench, mot_bench_row *row, const matrices *x)
{
    for (int i = 0; i < mot_product_n_variants(); i++) {
        mot_status status = measure(bench, row, x, i);
        if (status != MOT_OK && status != MOT_ERR_UNSUPPORTED)
            mot_bench_note(bench, mot_product_variant_name(i), mot_error_message());
    }
    return MOT_OK;
}

static int forced_variant(const mot_arguments *arguments)
{
    for (int i = 0; arguments->variant && i < mot_product_n_variants(); i++)
        if (strcmp(arguments->variant, mot_product_variant_name(i)) == 0)
            return i;
    return -1;
}

static mot_status bench_shape(mot_bench *bench, const char *text)
{
    mot_bench_row row;
    matrices x = {0};
    read_shape(text, &row);
    mot_status status = make(bench->device, &row, &x);
    if (status == MOT_OK && bench->arguments->variants)
        status = measure_all(bench, &row, &x);
    else if (status == MOT_OK)
        status = measure(bench, &row, &x, forced_variant(bench->arguments));
    discard(&x);
    if (status == MOT_ERR_UNSUPPORTED) { /* the forced variant on this device */
        mot_bench_note(bench, text, mot_error_message());
        return MOT_OK;
    }
    return status;
}

mot_status mot_bench_gemm(mot_bench *bench)
{
    return mot_bench_shapes(bench, usual, sizeof usual / sizeof *usual, bench_shape);
}
