/* test_mma.c: the tensor cores' matrix product, in emulation.
 *
 * Packing, indices, the fragments that the lanes hold, edges and epilogue are the kernel's own; the
 * instruction itself is replaced by what its manual says (EMULATED in kernels_cl/matmul_mma.cl).
 * Operands are drawn as in tests/ops, with its guard words and NaN. */
#include "config.h"

#include "devices/devices.h"
#include "devices/matmul.h"
#include "devices/product.h"
#include "devices/state.h"
#include "tests/ops/ops.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

enum { MOST_LAYOUTS = 16 };
/* Few kernels and operators: MOT_TEST_SMALL, for oclgrind; quick runs; all devices but the first. */
static bool small;

static int mma_variant(void)
{
    for (int i = 0; i < mot_product_n_variants(); i++)
        if (strcmp(mot_product_variant_name(i), "mma") == 0)
            return i;
    ck_abort_msg("no variant is called mma");
    return -1;
}

/* Call `test` with the first device that can take part, one must; with MOTLEY_TEST_ALL with the others, too, as a
 * small one. */
static void on_devices(mot_precision precision, void (*test)(mot_device *device))
{
    const bool asked_small = small;
    mot_device_info *list;
    int n, n_tested = 0;
    OK(mot_devices_list(0, &list, &n));
    for (int i = 0; i < n && (n_tested == 0 || getenv("MOTLEY_TEST_ALL")); i++) {
        mot_device *device;
        if (mot_device_open(&list[i], &(mot_device_options){.precision = precision}, &device) !=
            MOT_OK)
            continue;
        const mot_traits traits = mot_device_traits(device);
        device->emulates_mma = true;
        for (int way = small ? MOT_MMA_ASYNC : MOT_MMA_DIRECT; way <= MOT_MMA_ASYNC; way++)
            if (traits.group >= 256 && traits.local_bytes >= 65536) {
                device->mma = (mot_mma)way;
                test(device);
                ck_assert_int_eq(device->brings_builtins, mot_program_can_bring_builtins(&list[i]));
                n_tested++;
            }
        mot_device_close(device);
        small = asked_small || n_tested > 0;
    }
    small = asked_small;
    free(list);
    ck_assert_int_gt(n_tested, 0);
}

/* Rounding both factors, each from [-1,1), adds up like a random walk of k steps. */
static double tolerance(mot_precision precision, int64_t k)
{
    return (precision == MOT_PRECISION_BF16 ? 0.01 : 0.00125) * sqrt((double)k);
}

static void run_operators(mot_device *device)
{
    static const struct {
        mot_op op;
        op_maker *make;
    } ops[] = {
        {MOT_OP_linear, make_linear},
        {MOT_OP_linear_dinput, make_linear_dinput},
        {MOT_OP_linear_dweight, make_linear_dweight},
    };
    for (int i = 0; i < 3; i++)
        for (uint64_t seed = 1; seed <= (small ? 1 : 4); seed++) {
            op_case c = {.o.op = ops[i].op, .on_top = -1};
            mot_random random;
            mot_random_init(&random, seed, MOT_STREAM_TEST, (uint64_t)ops[i].op);
            ops[i].make(&c, &random, small || seed % 2 == 0);
            c.tolerance[0] = tolerance(device->precision, mot_matmul_of(&c.o).k);
            mot_choice choice[MOST_LAYOUTS];
            int n = mot_primitive_candidates(device, &c.o, mma_variant(), choice, MOST_LAYOUTS);
            ck_assert_int_gt(n, 1);
            /* The rule's, and each other layout with one of the precisions; small: for each operator another
             * one of the first layouts, with local memory and without. */
            const int only = 1 + i * 3 / 2;
            const bool all = getenv("MOTLEY_TEST_ALL");
            for (int j = 0; j < n; j++)
                if (small ? j == only : all || j == 0 || (j + (int)device->precision) % 2 == 0)
                    op_run(device, &c, &choice[j], seed);
            op_free(&c);
        }
}

START_TEST(test_operators_are_right_to_the_precision_that_is_allowed)
{
    on_devices(_i ? MOT_PRECISION_BF16 : MOT_PRECISION_TF32, run_operators);
}
END_TEST

/* ---- products of whole numbers, which every precision holds, are exact in all forms ---- */

static float element(int64_t i, int64_t j)
{
    return (float)((i * 7919 + j * 104729 + i * j) % 33 - 16);
}

static void fill(mot_buffer *buffer, int64_t batch, int64_t rows, int64_t columns, bool trans)
{
    const int64_t n = batch * rows * columns;
    float *values = malloc((size_t)n * sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (int64_t x = 0; x < n; x++) {
        const int64_t row = x / columns % rows, column = x % columns, which = x / (rows * columns);
        values[x] = element((trans ? column : row) + 5 * which, trans ? row : column);
    }
    OK(mot_buffer_write(buffer, 0, (size_t)n * sizeof *values, values));
    free(values);
}

static void check_product(mot_device *device, mot_product p)
{
    mot_buffer *a, *b, *c, *work;
    mot_commands *commands;
    size_t bytes;
    OK(mot_product_workspace(device, &p, mma_variant(), &bytes));
    OK(mot_buffer_new(device, (size_t)(p.batch * p.m * p.k) * 4, &a));
    OK(mot_buffer_new(device, (size_t)(p.batch * p.k * p.n) * 4, &b));
    OK(mot_buffer_new(device, (size_t)(p.batch * p.m * p.n) * 4, &c));
    OK(mot_buffer_new(device, bytes, &work));
    fill(a, p.batch, p.trans_a ? p.k : p.m, p.trans_a ? p.m : p.k, p.trans_a);
    /* op(B)(q,j) is element(j,q). */
    fill(b, p.batch, p.trans_b ? p.n : p.k, p.trans_b ? p.k : p.n, !p.trans_b);
    p.a.buffer = a, p.b.buffer = b, p.c.buffer = c;
    OK(mot_commands_new(device, &commands));
    OK(mot_product_record(device, &p, mma_variant(), &(mot_view){.buffer = work}, commands));
    OK(mot_commands_run(commands, 0, mot_commands_count(commands), 0));
    OK(mot_device_finish(device));
    float *got = malloc((size_t)(p.batch * p.m * p.n) * sizeof *got);
    OK(mot_buffer_read(c, 0, (size_t)(p.batch * p.m * p.n) * sizeof *got, got));
    for (int64_t x = 0; x < p.batch * p.m * p.n; x++) {
        const int64_t i = x / p.n % p.m, j = x % p.n, which = x / (p.m * p.n);
        float want = 0.0f;
        for (int64_t q = 0; q < p.k; q++)
            want += element(i + 5 * which, q) * element(j + 5 * which, q);
        ck_assert_msg(got[x] == want,
                      "%s: product %" PRId64 ", element (%" PRId64 ",%" PRId64
                      ") is %g, expected %g",
                      p.name, which, i, j, (double)got[x], (double)want);
    }
    free(got);
    mot_commands_free(commands);
    mot_buffer_free(work);
    mot_buffer_free(c);
    mot_buffer_free(b);
    mot_buffer_free(a);
}

static void run_products(mot_device *device)
{
    static const int64_t sizes[][4] = {
        {1, 1, 1, 1}, {128, 128, 32, 1}, {129, 257, 97, 1}, {40, 20, 33, 3}};
    static const char *const names[4] = {"NN", "NT", "TN", "TT"};
    for (int form = 0; form < 4; form++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            check_product(device, (mot_product){.name = names[form],
                                                .m = sizes[i][0],
                                                .n = sizes[i][1],
                                                .k = sizes[i][2],
                                                .batch = sizes[i][3],
                                                .trans_a = form & 2,
                                                .trans_b = form & 1});
}

START_TEST(test_whole_numbers_are_exact_in_all_forms)
{
    on_devices(_i ? MOT_PRECISION_BF16 : MOT_PRECISION_TF32, run_products);
}
END_TEST

/* ---- a product with 1 shows how a number was rounded ---- */

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The nearer of the two neighbours that the precision has; a tie goes to the even one in bf16, away
 * from zero in tf32. */
static float round_to(mot_precision precision, uint32_t bits)
{
    const uint32_t step = precision == MOT_PRECISION_BF16 ? 0x10000u : 0x2000u;
    const uint32_t low = bits / step * step, high = low + step;
    const double x = from_bits(bits), below = fabs(x - (double)from_bits(low));
    /* Behind the largest finite number comes the power of two that does not exist. */
    const double top =
        isinf(from_bits(high)) ? copysign(ldexp(1.0, 128), x) : (double)from_bits(high);
    const double above = fabs(top - x);
    if (!isfinite(x))
        return (float)x;
    if (below != above)
        return from_bits(below < above ? low : high);
    return from_bits(precision == MOT_PRECISION_BF16 && low / step % 2 == 0 ? low : high);
}

static void run_rounding(mot_device *device)
{
    static const uint32_t special[] = {
        0x00000000, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7fffffff,
        0xffffffff, 0x7f7fffff, 0x3f808000, 0x3f818000, 0xbf808000, 0x3f801000,
        0x3f803000, 0xbf801000, 0x3f807fff, 0x3f808001,
    };
    enum { M = 96 };
    uint32_t bits[M];
    float one = 1.0f, got[M];
    size_t bytes;
    mot_random random;
    mot_buffer *a, *b, *c, *work;
    mot_commands *commands;
    mot_random_init(&random, 1, MOT_STREAM_TEST, 99);
    for (int i = 0; i < M; i++) {
        /* Anything from tiny to huge, but no denormals, which devices may flush. */
        bits[i] = i < 16 ? special[i] : (mot_random_u32(&random) & 0xbfffffffu) + 0x20000000u;
    }
    mot_product p = {.name = "rounding", .m = M, .n = 1, .k = 1, .batch = 1};
    OK(mot_product_workspace(device, &p, mma_variant(), &bytes));
    OK(mot_buffer_new(device, sizeof bits, &a));
    OK(mot_buffer_new(device, sizeof one, &b));
    OK(mot_buffer_new(device, sizeof got, &c));
    OK(mot_buffer_new(device, bytes, &work));
    OK(mot_buffer_write(a, 0, sizeof bits, bits));
    OK(mot_buffer_write(b, 0, sizeof one, &one));
    p.a.buffer = a, p.b.buffer = b, p.c.buffer = c;
    OK(mot_commands_new(device, &commands));
    OK(mot_product_record(device, &p, mma_variant(), &(mot_view){.buffer = work}, commands));
    OK(mot_commands_run(commands, 0, mot_commands_count(commands), 0));
    OK(mot_buffer_read(c, 0, sizeof got, got));
    for (int i = 0; i < M; i++) {
        const float want = round_to(device->precision, bits[i]);
        ck_assert_msg(got[i] == want || (isnan(got[i]) && isnan(want)),
                      "0x%08x becomes %a, expected %a", bits[i], (double)got[i], (double)want);
    }
    mot_commands_free(commands);
    mot_buffer_free(work);
    mot_buffer_free(c);
    mot_buffer_free(b);
    mot_buffer_free(a);
}

START_TEST(test_operands_are_rounded_to_the_nearest)
{
    on_devices(_i ? MOT_PRECISION_BF16 : MOT_PRECISION_TF32, run_rounding);
}
END_TEST

/* ---- nobody takes it unasked ---- */

START_TEST(test_without_tensor_cores_products_stay_in_float)
{
    mot_device_info *list;
    int n;
    OK(mot_devices_list(0, &list, &n));
    for (int i = 0; i < n; i++)
        for (int precision = 0; precision < 3; precision++) {
            mot_device *device;
            mot_device_options options = {.precision = (mot_precision)precision};
            size_t bytes;
            if (mot_device_open(&list[i], &options, &device) != MOT_OK)
                continue;
            const mot_product p = {.name = "any", .m = 1024, .n = 1024, .k = 1024, .batch = 1};
            mot_status status = mot_product_workspace(device, &p, mma_variant(), &bytes);
            if (precision == 0 || list[i].kind != MOT_KIND_GPU)
                ck_assert_int_eq(status, MOT_ERR_UNSUPPORTED);
            mot_device_close(device);
        }
    free(list);
}
END_TEST

int main(void)
{
    small = getenv("MOT_TEST_SMALL") || getenv("MOTLEY_TEST_QUICK");
    Suite *suite = suite_create("mma");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 240);
    tcase_add_loop_test(tests, test_operators_are_right_to_the_precision_that_is_allowed, small, 2);
    if (!small) {
        tcase_add_loop_test(tests, test_whole_numbers_are_exact_in_all_forms, 0, 2);
        tcase_add_loop_test(tests, test_operands_are_rounded_to_the_nearest, 0, 2);
        tcase_add_test(tests, test_without_tensor_cores_products_stay_in_float);
    }
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
