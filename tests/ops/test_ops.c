/* Every operator, every variant with every choice of its parameters, on the first device found, with
 * the rules' choices on the others; a variant for another class of devices only on the first, with some
 * of the choices: each is a program to compile.  MOTLEY_TEST_ALL=1: all choices everywhere.
 * MOT_TEST_SMALL=1 (or --small): tiny shapes, for oclgrind.  MOT_TEST_SEED=n: another draw.
 * MOT_TEST_OPS=linear,product: only these; !linear,product: all others.  MOT_TEST_VARIANTS=foreign: only those for
 * another class of devices; own: all others.  MOT_TEST_RULES=1: only the choices that the rules make, and fewer
 * cases of small and foreign ones.  All run in one process, unless CK_FORK=yes. */
#include "config.h"

#include "devices/devices.h"
#include "devices/state.h"
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
    op_ran ran = {.n = 0};
    if (small) /* a simulator finds in the same launches what it found before */
        c.ran = &ran;
    int n = mot_primitive_candidates(device, &c.o, variant, choices, MOST);
    /* The three operators that share a kernel take a third each. */
    const int apart = foreign && !getenv("MOTLEY_TEST_ALL") ? 3 : 1,
              from = 1 + (int)(((uint64_t)op + first_seed) % (uint64_t)apart);
    for (int i = from; i < n; i += apart)
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

/* Choices at four seeds; small and foreign ones at the aligned one, and fewer cases of these. */
static void run_on(mot_device *device, mot_op op, bool first)
{
    const bool rules = getenv("MOT_TEST_RULES") || (!first && !getenv("MOTLEY_TEST_ALL"));
    const char *only = getenv("MOT_TEST_VARIANTS");
    for (int variant = 0; variant < mot_primitive_n_variants(op); variant++) {
        const mot_choice by_rule = {.variant = variant};
        const bool foreign = is_foreign(device, op, variant);
        const int n_cases = !small && !foreign ? 12 : rules ? 2 : 4;
        if ((foreign && !first) || (only && foreign != (strcmp(only, "foreign") == 0)))
            continue;
        for (int i = 0; i < n_cases; i++) {
            uint64_t seed = first_seed + (uint64_t)i;
            op_case c = make(op, seed, small);
            op_run(device, &c, &by_rule, seed);
            op_free(&c);
        }
        for (int i = 0; i < (rules ? 0 : 4); i++) {
            const uint64_t seed = first_seed + (uint64_t)i;
            if (seed % 4 == 0 || (!foreign && !small))
                run_choices(device, op, variant, foreign, seed);
        }
    }
}

/* ---- what is asked for ---- */

static bool is_known(const char *name)
{
    bool known = strcmp(name, "product") == 0;
    for (int op = 0; op < MOT_N_OPS; op++)
        known = known || strcmp(name, mot_op_name((mot_op)op)) == 0;
    return known;
}

/* Is an operator among MOT_TEST_OPS?  A name that there is not ends the program: nothing would run, and pass. */
static bool is_wanted(const char *name)
{
    const char *asked = getenv("MOT_TEST_OPS");
    char copy[1024], *rest = NULL;
    bool listed = false;
    if (!asked)
        return true;
    const bool others = *asked == '!';
    snprintf(copy, sizeof copy, "%s", asked + others);
    for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        if (!is_known(word)) {
            fprintf(stderr, "MOT_TEST_OPS: there is no operator '%s'\n", word);
            exit(99);
        }
        listed = listed || strcmp(word, name) == 0;
    }
    return listed != others;
}

/* ---- devices ---- */

enum { MOST_DEVICES = 16 };
static mot_device *device[MOST_DEVICES];
static int n_devices;

/* All that can be opened, once in a process: the first kernel that a driver compiles for a context costs much
 * more than others.  Those behind the first run kernels one by one: each case joined would be a program more. */
static void open_devices(void)
{
    mot_device_info *list;
    int n;
    if (n_devices == 0) {
        ck_assert_msg(mot_devices_list(0, &list, &n) == MOT_OK, "%s", mot_error_message());
        for (int i = 0; i < n && n_devices < MOST_DEVICES; i++) {
            if (n_devices > 0 && !getenv("MOTLEY_TEST_ALL"))
                setenv("MOTLEY_JOIN", "0", 0);
            if (mot_device_open(&list[i], NULL, &device[n_devices]) == MOT_OK)
                n_devices++;
            else
                printf("%s: left out: %s\n", list[i].id, mot_error_message());
        }
        free(list);
    }
    ck_assert_int_ge(n_devices, 1);
}

static void close_devices(void)
{
    while (n_devices > 0)
        mot_device_close(device[--n_devices]);
}

/* ---- the tests ---- */

START_TEST(test_every_variant_gives_what_plain_c_gives)
{
    const mot_op op = (mot_op)_i;
    if (!is_wanted(mot_op_name(op)))
        return;
    printf("# %s\n", mot_op_name(op)); /* where a crash was */
    fflush(stdout);
    open_devices();
    for (int i = 0; i < n_devices; i++)
        run_on(device[i], op, i == 0);
}
END_TEST

START_TEST(test_products_of_every_form_and_in_batches)
{
    if (!is_wanted("product"))
        return;
    open_devices();
    for (int i = 0; i < n_devices; i++)
        op_products(device[i], first_seed, small);
}
END_TEST

/* What every replica computes for itself: not one bit may differ between devices, nor between the
 * variants that they take (`plain` only stands in where there is nothing else, with other bits). */
static const mot_op replicated[] = {MOT_OP_sgd,       MOT_OP_adam,       MOT_OP_adamw,
                                    MOT_OP_adagrad,   MOT_OP_rmsprop,    MOT_OP_lion,
                                    MOT_OP_lamb,      MOT_OP_average,    MOT_OP_unscale,
                                    MOT_OP_clip_norm, MOT_OP_accumulate, MOT_OP_batch_norm_update};

/* The case by every variant on every device; how many that were. */
static int compute_everywhere(const op_case *c, uint64_t seed)
{
    const int n_variants = mot_primitive_n_variants(c->o.op);
    float *first[MOT_MAX_OUTPUTS] = {0}, *here[MOT_MAX_OUTPUTS];
    int n = 0;
    for (int i = 0; i < n_devices; i++)
        for (int v = n_variants > 1 ? 1 : 0; v < n_variants; v++) {
            const mot_choice choice = {.variant = v};
            if (!op_outputs(device[i], c, &choice, seed, n > 0 ? here : first))
                continue;
            for (int k = 0; n > 0 && k < MOT_MAX_OUTPUTS; k++) {
                const size_t bytes =
                    here[k] ? (size_t)op_elements(&c->o.out[k]) * sizeof **here : 0;
                ck_assert_msg(bytes == 0 || memcmp(first[k], here[k], bytes) == 0,
                              "%s/%s on %s, seed %d: output %d has other bits",
                              mot_op_name(c->o.op), mot_primitive_variant_name(c->o.op, v),
                              mot_device_get_info(device[i])->id, (int)seed, k);
                free(here[k]);
            }
            n++;
        }
    for (int k = 0; k < MOT_MAX_OUTPUTS; k++)
        free(first[k]);
    return n;
}

START_TEST(test_updates_have_the_same_bits_everywhere)
{
    /* One other rounding often leaves the result as it is; a simulator is not asked for bits. */
    const uint64_t n_seeds = small ? 1 : 32;
    if (!is_wanted(mot_op_name(replicated[_i])))
        return;
    open_devices();
    for (uint64_t seed = first_seed; seed < first_seed + n_seeds; seed++) {
        op_case c = make(replicated[_i], seed, small);
        ck_assert_int_ge(compute_everywhere(&c, seed), n_devices);
        op_free(&c);
    }
}
END_TEST

START_TEST(test_bad_operands_are_refused)
{
    size_t bytes;
    open_devices();
    mot_operands o = {.op = MOT_OP_linear, .name = "fc1", .n_in = 2, .n_out = 1};
    o.in[0] = op_view2(4, 5);
    o.in[1] = op_view2(3, 6);
    o.out[0] = op_view2(4, 3);
    ck_assert_int_eq(mot_primitive_workspace(device[0], &o, &bytes), MOT_ERR_SHAPE);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "fc1"));
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "(3,6)"));
    o.in[1] = op_view2(3, 5);
    ck_assert_int_eq(mot_primitive_workspace(device[0], &o, &bytes), MOT_OK);
    o.in[0].dtype = MOT_U8;
    ck_assert_int_eq(mot_primitive_workspace(device[0], &o, &bytes), MOT_ERR_ARGUMENT);
    o.in[0].dtype = MOT_F32;
    o.n_in = 1;
    ck_assert_int_eq(mot_primitive_workspace(device[0], &o, &bytes), MOT_ERR_ARGUMENT);
    o.n_in = 2;
    ck_assert_int_eq(mot_primitive_workspace_variant(device[0], &o, 99, &bytes),
                     MOT_ERR_UNSUPPORTED);
}
END_TEST

/* A kernel that calls what kernels_cl/builtins.cl lacks would only be slow to build. */
START_TEST(test_the_builtins_lack_nothing)
{
    open_devices();
    for (int i = 0; i < n_devices; i++)
        ck_assert_msg(device[i]->brings_builtins ==
                          mot_program_can_bring_builtins(mot_device_get_info(device[i])),
                      "%s: a program needed more than kernels_cl/builtins.cl",
                      mot_device_get_info(device[i])->id);
}
END_TEST

int main(int argc, char **argv)
{
    const char *seed = getenv("MOT_TEST_SEED");
    small = getenv("MOT_TEST_SMALL") || (argc > 1 && strcmp(argv[1], "--small") == 0);
    if (seed)
        first_seed = strtoull(seed, NULL, 10);
    is_wanted(""); /* an unknown name ends here */
    printf("first seed %llu\n", (unsigned long long)first_seed);
    Suite *suite = suite_create("ops");
    TCase *tcase = tcase_create("ops");
    tcase_set_timeout(tcase, 600);
    tcase_add_loop_test(tcase, test_every_variant_gives_what_plain_c_gives, 0, MOT_N_OPS);
    tcase_add_test(tcase, test_products_of_every_form_and_in_batches);
    tcase_add_test(tcase, test_bad_operands_are_refused);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("same bits");
    tcase_set_timeout(tcase, 600);
    tcase_add_loop_test(tcase, test_updates_have_the_same_bits_everywhere, 0,
                        sizeof replicated / sizeof *replicated);
    tcase_add_test(tcase, test_the_builtins_lack_nothing);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    if (!getenv("CK_FORK"))
        srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    close_devices();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
