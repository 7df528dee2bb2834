/* Every operator, every variant with every choice of its parameters, on every device found; but a
 * variant for another class of devices only on the first, with some of the choices: each is a
 * program to compile.
 * MOT_TEST_SMALL=1 (or --small): tiny shapes, for oclgrind.  MOT_TEST_SEED=n: another draw.
 * MOT_TEST_OPS=linear: only this.  MOT_TEST_RULES=1: only the choices that the rules make. */
#include "config.h"

#include "devices/devices.h"
#include "tests/ops/ops.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static op_maker *const makers[] = {
#define MAKER(name) make_##name,
    MOT_OPS(MAKER)
#undef MAKER
};

static bool small;
static uint64_t first_seed = 1;

static op_case make(mot_op op, uint64_t seed, bool small_one)
{
    mot_random random;
    op_case c = {.o.op = op, .on_top = -1};
    mot_random_init(&random, seed, MOT_STREAM_TEST, (uint64_t)op);
    makers[op](&c, &random, small_one);
    return c;
}

/* What the tuner may choose, and numbers that only a damaged file could hold. */
static void run_choices(mot_device *device, mot_op op, int variant, bool foreign, uint64_t seed)
{
    enum { MOST = 64 };
    static const mot_choice odd[] = {{0, {3, 2, 7, 0}},
                                     {0, {2147483647, 2147483647, 2147483647, 2147483647}},
                                     {0, {-1, -7, -2147483647, -1}},
                                     {0, {1, 1, 1, 1}},
                                     {0, {1, 1, 2147483647, 0}}};
    mot_choice choices[MOST];
    op_case c = make(op, seed, true);
    int n = mot_primitive_candidates(device, &c.o, variant, choices, MOST);
    for (int i = foreign ? 1 + (int)(first_seed % 2) : 1; i < n; i += foreign ? 2 : 1)
        op_run(device, &c, &choices[i], seed);
    for (size_t i = 0; n > 1 && i < sizeof odd / sizeof *odd; i++) {
        mot_choice choice = odd[i];
        choice.variant = variant;
        op_run(device, &c, &choice, seed);
    }
    op_free(&c);
}

/* Is the variant made for other devices than this one? */
static bool is_foreign(mot_device *device, mot_op op, int variant)
{
    op_case c = make(op, first_seed, true);
    const bool foreign = mot_primitive_is_foreign(device, &c.o, variant);
    op_free(&c);
    return foreign;
}

/* Choices at four seeds; small ones at the first and the aligned one; foreign ones at that one. */
static void run_on(mot_device *device, mot_op op, bool first)
{
    for (int variant = 0; variant < mot_primitive_n_variants(op); variant++) {
        const mot_choice by_rule = {.variant = variant};
        const bool foreign = is_foreign(device, op, variant);
        if (foreign && !first)
            continue;
        for (int i = 0; i < (small ? 4 : 12); i++) {
            uint64_t seed = first_seed + (uint64_t)i;
            op_case c = make(op, seed, small);
            op_run(device, &c, &by_rule, seed);
            op_free(&c);
        }
        for (int i = 0; i < (getenv("MOT_TEST_RULES") ? 0 : 4); i++) {
            const uint64_t seed = first_seed + (uint64_t)i;
            if (seed % 4 == 0 || (!foreign && (!small || i == 0)))
                run_choices(device, op, variant, foreign, seed);
        }
    }
}

START_TEST(test_every_variant_gives_what_plain_c_gives)
{
    const mot_op op = (mot_op)_i;
    const char *only = getenv("MOT_TEST_OPS");
    mot_device_info *list;
    int n;
    if (only && strcmp(only, mot_op_name(op)) != 0)
        return;
    ck_assert_msg(mot_devices_list(0, &list, &n) == MOT_OK, "%s", mot_error_message());
    for (int i = 0; i < n; i++) {
        mot_device *device;
        if (mot_device_open(&list[i], NULL, &device) != MOT_OK) {
            printf("%s: left out: %s\n", list[i].id, mot_error_message());
            continue;
        }
        run_on(device, op, i == 0);
        mot_device_close(device);
    }
    free(list);
}
END_TEST

START_TEST(test_products_of_every_form_and_in_batches)
{
    mot_device_info *list;
    int n;
    if (getenv("MOT_TEST_OPS") && strcmp(getenv("MOT_TEST_OPS"), "product") != 0)
        return;
    ck_assert_msg(mot_devices_list(0, &list, &n) == MOT_OK, "%s", mot_error_message());
    for (int i = 0; i < n; i++) {
        mot_device *device;
        if (mot_device_open(&list[i], NULL, &device) != MOT_OK)
            continue;
        op_products(device, first_seed, small);
        mot_device_close(device);
    }
    free(list);
}
END_TEST

START_TEST(test_bad_operands_are_refused)
{
    mot_device_info *list;
    mot_device *device;
    int n;
    size_t bytes;
    ck_assert_int_eq(mot_devices_list(0, &list, &n), MOT_OK);
    ck_assert_int_eq(mot_device_open(&list[0], NULL, &device), MOT_OK);
    mot_operands o = {.op = MOT_OP_linear, .name = "fc1", .n_in = 2, .n_out = 1};
    o.in[0] = op_view2(4, 5);
    o.in[1] = op_view2(3, 6);
    o.out[0] = op_view2(4, 3);
    ck_assert_int_eq(mot_primitive_workspace(device, &o, &bytes), MOT_ERR_SHAPE);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "fc1"));
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "(3,6)"));
    o.in[1] = op_view2(3, 5);
    ck_assert_int_eq(mot_primitive_workspace(device, &o, &bytes), MOT_OK);
    o.in[0].dtype = MOT_U8;
    ck_assert_int_eq(mot_primitive_workspace(device, &o, &bytes), MOT_ERR_ARGUMENT);
    o.in[0].dtype = MOT_F32;
    o.n_in = 1;
    ck_assert_int_eq(mot_primitive_workspace(device, &o, &bytes), MOT_ERR_ARGUMENT);
    o.n_in = 2;
    ck_assert_int_eq(mot_primitive_workspace_variant(device, &o, 99, &bytes), MOT_ERR_UNSUPPORTED);
    mot_device_close(device);
    free(list);
}
END_TEST

int main(int argc, char **argv)
{
    const char *seed = getenv("MOT_TEST_SEED");
    small = getenv("MOT_TEST_SMALL") || (argc > 1 && strcmp(argv[1], "--small") == 0);
    if (seed)
        first_seed = strtoull(seed, NULL, 10);
    printf("first seed %llu\n", (unsigned long long)first_seed);
    Suite *suite = suite_create("ops");
    TCase *tcase = tcase_create("ops");
    tcase_set_timeout(tcase, 600);
    tcase_add_loop_test(tcase, test_every_variant_gives_what_plain_c_gives, 0, MOT_N_OPS);
    tcase_add_test(tcase, test_products_of_every_form_and_in_batches);
    tcase_add_test(tcase, test_bad_operands_are_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    if (small)
        srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
