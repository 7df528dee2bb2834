/* The table of remembered choices: as text and back, what damaged text does, lookups, merging,
 * files. */
#include "config.h"

#include "devices/matmul.h"
#include "devices/probe.h"
#include "runtime/base/log.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

static const char head[] = "motley tuned 1\nkey aaaa\n";
static int n_skipped;

static void count(mot_log_level level, const char *line, void *user)
{
    (void)level, (void)user;
    n_skipped += strstr(line, "skipped 1") != NULL;
}

/* The table that these lines of the device `aaaa` give. */
static mot_tuned table_of(const char *lines)
{
    mot_tuned tuned = {0};
    mot_text text = {0};
    n_skipped = 0;
    mot_log_set(count, MOT_LOG_DEBUG, NULL);
    OK(mot_text_add(&text, "%s%s", head, lines));
    OK(mot_tuned_read(&tuned, text.data, "aaaa", "file"));
    mot_text_free(&text);
    return tuned;
}

static mot_problem problem_of(const char *text)
{
    mot_problem problem;
    ck_assert_msg(mot_problem_parse(text, &problem), "%s", text);
    return problem;
}

/* What is found for a problem, as text; "" for nothing. */
static const char *found(const mot_tuned *tuned, const char *text)
{
    static char choice[MOT_CHOICE_TEXT];
    const mot_problem problem = problem_of(text);
    const mot_tuned_entry *entry = mot_tuned_find(tuned, &problem);
    return entry ? mot_choice_print(problem.op, &entry->choice, choice) : "";
}

/* A trial of a norm divides by no variance of 0, whatever its rows are. */
START_TEST(test_a_norm_that_is_tried_has_an_epsilon)
{
    const mot_problem problem = problem_of("norm 3x1 1 - -> 3x1 3x1x2 group 1");
    ck_assert_double_gt(mot_problem_pose(&problem).attrs.eps, 0);
}
END_TEST

START_TEST(test_problems_and_choices_print_and_parse)
{
    static const char *const problems[] = {
        "product NT 256x1024x784 bias relu",
        "product TN 10x128x64 sums",
        "product NN 48*1x1x1",
        "product TT 7x8x9 accumulate mask tf32",
        "product NT 7x8x9 bf16",
        "conv2d 8x3x9x9 6x3x3x3 6 -> 8x6x5x5 kernel 3x3 stride 2x2 image 9x9 activation relu",
        "conv2d_dinput 8x6x9x9 6x1x3x3 - 3 -> 8x6x9x9 kernel 3x3 padding 1x1 groups 6 image 9x9",
        "attention_grad 2x8x16 2x8x48 2x8x16 2x4x8 -> 2x8x48 heads 4 causal",
        "norm 4x8 8 8 -> 4x8 4x1x2 group 8 norm rms_norm bf16",
        "softmax_xent 12x10 12:i32 -> 12x10 4",
        "add 4:bf16 4:f16 -> 4"};
    static const char *const choices[] = {"rule",
                                          "plain",
                                          "direct rows 4 cols 8 k_block 196 mr 4",
                                          "packed cols 8",
                                          "tiled rows 64 cols 64 step 16",
                                          "clblast"};
    static const char *const wrong_problems[] = {"",
                                                 "product",
                                                 "product NT",
                                                 "product NX 1x1x1",
                                                 "product NT 1x1",
                                                 "product NT 0x1x1",
                                                 "product NT 1x1x-1",
                                                 "product NT 1x1x1x1",
                                                 "product NT 1x1x99999999999999999999",
                                                 "product NT 1x1x1 blue",
                                                 "product NT *1x1x1",
                                                 "product NT 1x1x1 float32",
                                                 "product NT 2*1x1x1 sums",
                                                 "softmax 3x3",
                                                 "product N 1x1x1",
                                                 "nothing 3x3 -> 3x3",
                                                 "linear 3x3 3x3 -> 3x3",
                                                 "relu 3x3 -> -> 3x3",
                                                 "relu 3x0 -> 3x3",
                                                 "relu 3x -> 3x3",
                                                 "relu 1x1x1x1x1x1 -> 3x3",
                                                 "relu 3x3:f64 -> 3x3",
                                                 "relu 3x3 -> 3x3 kernel 3",
                                                 "relu 3x3 -> 3x3 kernel",
                                                 "relu 3x3 -> 3x3 activation blue",
                                                 "relu 1 1 1 1 1 1 1 1 1 -> 3x3",
                                                 "relu 3x3 -> 1 1 1 1 1"};
    static const char *const wrong_choices[] = {"",
                                                "rule rows 1",
                                                "direct rows",
                                                "direct rows 0",
                                                "direct rows -1",
                                                "direct rows 1 rows 2",
                                                "direct side 8",
                                                "direct rows 2147483648",
                                                "nobody",
                                                "direct rows 4x"};
    char text[MOT_PROBLEM_TEXT];
    mot_problem problem;
    mot_choice choice;
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        problem = problem_of(problems[i]);
        ck_assert_str_eq(mot_problem_print(&problem, text), problems[i]);
    }
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        ck_assert(mot_choice_parse(MOT_OP_linear, choices[i], &choice));
        ck_assert_str_eq(mot_choice_print(MOT_OP_linear, &choice, text), choices[i]);
    }
    for (size_t i = 0; i < sizeof wrong_problems / sizeof *wrong_problems; i++)
        ck_assert_msg(!mot_problem_parse(wrong_problems[i], &problem), "%s", wrong_problems[i]);
    for (size_t i = 0; i < sizeof wrong_choices / sizeof *wrong_choices; i++)
        ck_assert_msg(!mot_choice_parse(MOT_OP_linear, wrong_choices[i], &choice), "%s",
                      wrong_choices[i]);
    ck_assert(mot_choice_parse(MOT_OP_conv2d, "tile groups 4 rows 7", &choice));
    ck_assert(!mot_choice_parse(MOT_OP_conv2d, "direct rows 4", &choice));
}
END_TEST

START_TEST(test_a_table_prints_and_reads_back)
{
    static const char lines[] =
        "product NT 256x1024x784 bias relu : direct rows 4 cols 8  # 210.4 us, by rule 235.1 us\n"
        "quick product TN 10x128x64 sums : rule\n"
        "conv2d 8x3x9x9 6x3x3x3 - -> 8x6x9x9 kernel 3x3 padding 1x1 image 9x9 : tile rows 3\n"
        "bad product NN 64x128x10 mask : packed rows 2  # wrong numbers: 3, not 4\n"
        "bad every : direct mr 12  # the driver crashed\n"
        "bad every conv2d : gemm rows 64 columns 128  # the driver crashed\n";
    mot_device_info info = {.id = "pocl:0", .name = "a processor"};
    mot_tuned tuned = table_of(lines);
    mot_text text = {0};
    OK(mot_tuned_print(&tuned, &info, &text));
    const char *printed = strchr(strchr(text.data, '\n') + 1, '\n') + 1;
    ck_assert_str_eq(printed, lines);
    ck_assert_int_eq(n_skipped, 0);
    mot_text_free(&text);
    mot_tuned_free(&tuned);
}
END_TEST

START_TEST(test_damaged_lines_are_skipped_and_logged)
{
    static const char *const damaged[] = {"product NT 256x1024x784",
                                          "product NT 256x1024x784 :",
                                          "product NT 256x1024x784 : ",
                                          "product NT 256x1024 : rule",
                                          "quick : rule",
                                          "bad : direct",
                                          "nonsense",
                                          " : ",
                                          "\377\376",
                                          "product NT 1x1x1 : direct rows 1 #",
                                          "bad every direct",
                                          "quick bad every : direct",
                                          "bad every nothing : direct",
                                          "bad everything : direct",
                                          "bad every conv2d : packed",
                                          "conv2d 1x1x1x1 1x1x1x1 -> 1x1x1x1 : packed"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        char lines[256];
        snprintf(lines, sizeof lines, "%s\nproduct NT 8x8x8 : plain\n", damaged[i]);
        mot_tuned tuned = table_of(lines);
        ck_assert_msg(n_skipped == 1 || strchr(damaged[i], '#'), "%s", damaged[i]);
        ck_assert_str_eq(found(&tuned, "product NT 8x8x8"), "plain");
        mot_tuned_free(&tuned);
    }
    mot_tuned tuned = {0};
    ck_assert_int_eq(mot_tuned_read(&tuned, "", "aaaa", "file"), MOT_ERR_FORMAT);
    ck_assert_int_eq(mot_tuned_read(&tuned, "motley probe 1\n", "aaaa", "file"), MOT_ERR_FORMAT);
    ck_assert_int_eq(tuned.n_entries, 0);
    /* A line that is far too long. */
    char *lines = malloc(100001);
    ck_assert_ptr_nonnull(lines);
    memset(lines, 'x', 100000);
    lines[100000] = '\0';
    tuned = table_of(lines);
    ck_assert_int_eq(n_skipped, 1);
    free(lines);
    mot_tuned_free(&tuned);
}
END_TEST

START_TEST(test_other_devices_lines_are_left_alone)
{
    mot_tuned tuned = {0};
    OK(mot_tuned_read(
        &tuned,
        "motley tuned 1\nproduct NN 1x1x1 : plain\nkey bbbb\nproduct NN 2x2x2 : plain\n"
        "key aaaa\nproduct NN 3x3x3 : plain\nkey aaaab\nproduct NN 4x4x4 : plain\n",
        "aaaa", "file"));
    ck_assert_int_eq(tuned.n_entries, 1);
    ck_assert_str_eq(found(&tuned, "product NN 3x3x3"), "plain");
    mot_tuned_free(&tuned);
}
END_TEST

START_TEST(test_lookup_takes_the_same_then_the_nearest_of_a_quarter)
{
    mot_tuned tuned = table_of("product NT 256x64x784 bias : direct rows 1\n"
                               "product NT 200x64x784 bias : direct rows 2\n"
                               "product TN 10x64x256 sums : direct rows 3\n"
                               "quick product NT 240x64x784 bias : direct rows 4\n"
                               "quick product NT 100x64x784 bias : direct rows 5\n"
                               "norm 64x32 32 - -> 64x32 64x1x2 group 32 : vector groups 3\n"
                               "norm 32x32 32 - -> 32x32 32x1x2 group 32 : vector groups 4\n");
    static const char *const expected[][2] = {
        {"product NT 256x64x784 bias", "direct rows 1"},
        {"product NT 250x64x784 bias", "direct rows 1"},
        {"product NT 320x64x784 bias", "direct rows 1"},
        {"product NT 321x64x784 bias", ""},
        {"product NT 210x64x784 bias", "direct rows 2"},
        {"product NT 256x64x784", ""},           /* other flags */
        {"product NT 256x64x784 bias tf32", ""}, /* other precision */
        {"product NT 256x65x784 bias", ""},      /* n is of the model */
        {"product TN 10x64x300 sums", "direct rows 3"},
        {"product TN 11x64x300 sums", ""},               /* only one may differ */
        {"product NT 240x64x784 bias", "direct rows 1"}, /* tuned nearby beats quick */
        {"product NT 100x64x784 bias", "direct rows 5"}, /* quick, this very one */
        {"product NT 101x64x784 bias", ""},
        {"norm 60x32 32 - -> 60x32 60x1x2 group 32", "vector groups 3"},
        {"norm 33x32 32 - -> 33x32 33x1x2 group 32", "vector groups 4"},
        {"norm 60x32 32 - -> 60x32 63x1x2 group 32", ""}, /* samples change everywhere alike */
        {"norm 60x33 32 - -> 60x33 60x1x2 group 32", ""},
        {"norm 60x32 32 - -> 60x32 60x1x2 group 16", ""},
        {"norm 48x32 32 - -> 48x32 48x1x2 group 32", "vector groups 3"},
        {"norm 47x32 32 - -> 47x32 47x1x2 group 32", ""},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        ck_assert_msg(strcmp(found(&tuned, expected[i][0]), expected[i][1]) == 0, "%s: %s",
                      expected[i][0], found(&tuned, expected[i][0]));
    mot_tuned_free(&tuned);
}
END_TEST

START_TEST(test_merging_keeps_the_first_unless_told_otherwise)
{
    mot_tuned a =
        table_of("product NN 1x1x1 : direct rows 1\nquick product NN 2x2x2 : direct rows 1\n");
    mot_tuned b = table_of("product NN 1x1x1 : direct rows 2\nproduct NN 2x2x2 : direct rows 2\n"
                           "quick product NN 3x3x3 : rule\nbad every : packed  # hangs\n");
    OK(mot_tuned_merge(&a, &b, false));
    ck_assert_str_eq(found(&a, "product NN 1x1x1"), "direct rows 1");
    ck_assert_str_eq(found(&a, "product NN 2x2x2"), "direct rows 2"); /* quick gives way */
    ck_assert_str_eq(found(&a, "product NN 3x3x3"), "rule");
    ck_assert_int_eq(a.n_bad, 1);
    OK(mot_tuned_merge(&a, &b, true));
    ck_assert_str_eq(found(&a, "product NN 1x1x1"), "direct rows 2");
    ck_assert_int_eq(a.n_bad, 1);
    ck_assert_int_eq(a.n_entries, 3);
    mot_tuned_free(&a);
    mot_tuned_free(&b);
}
END_TEST

START_TEST(test_what_is_struck_off)
{
    mot_tuned tuned =
        table_of("bad every : direct mr 12 rows 3\nbad product NN 2x2x2 : packed rows 2\n"
                 "bad every : tiled\nbad every conv2d : direct\n");
    static const struct {
        const char *choice;
        bool here, elsewhere;
    } cases[] = {{"direct mr 12", true, true},    {"direct rows 7 mr 12", true, true},
                 {"direct rows 3", false, false}, {"direct mr 4", false, false},
                 {"packed rows 2", true, false},  {"packed rows 3", false, false},
                 {"tiled", true, true},           {"tiled rows 64 cols 64 step 16", false, false}};
    const mot_problem here = problem_of("product NN 2x2x2"),
                      elsewhere = problem_of("product NN 3x3x3");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mot_choice choice;
        ck_assert(mot_choice_parse(MOT_OP_linear, cases[i].choice, &choice));
        ck_assert_msg(mot_tuned_is_struck(&tuned, &here, &choice) == cases[i].here, "%s",
                      cases[i].choice);
        ck_assert_msg(mot_tuned_is_struck(&tuned, &elsewhere, &choice) == cases[i].elsewhere, "%s",
                      cases[i].choice);
    }
    mot_tuned_free(&tuned);
}
END_TEST

START_TEST(test_files_are_merged_and_shared)
{
    char folder[] = "/tmp/motley-tuned-XXXXXX", shared[64], command[96];
    mot_device_info one = {.id = "a:0", .name = "one"}, two = {.id = "b:0", .name = "two"};
    mot_tuned a, b, back = {0};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    unsetenv("MOTLEY_TUNED");
    snprintf(shared, sizeof shared, "%s/shared", folder);
    a = table_of("product NN 1x1x1 : direct rows 1\n");
    b = table_of("product NN 2x2x2 : direct rows 2\n");
    /* Two processes, each with a finding of its own: none is lost. */
    OK(mot_tuned_store(&one, &a, false));
    OK(mot_tuned_store(&one, &b, false));
    ck_assert_int_eq(b.n_entries, 2);
    mot_tuned_load(&one, &back);
    ck_assert_int_eq(back.n_entries, 2);
    mot_tuned_free(&back);
    mot_tuned_load(&two, &back);
    ck_assert_int_eq(back.n_entries, 0);
    /* One file for two devices. */
    OK(mot_tuned_give(shared, &one, &b));
    OK(mot_tuned_give(shared, &two, &a));
    OK(mot_tuned_give(shared, &one, &b));
    OK(mot_tuned_take(shared, &one, &back));
    ck_assert_int_eq(back.n_entries, 2);
    mot_tuned_free(&back);
    OK(mot_tuned_take(shared, &two, &back));
    ck_assert_int_eq(back.n_entries, 1);
    mot_tuned_free(&back);
    /* Used beside what is remembered. */
    setenv("MOTLEY_TUNED", shared, 1);
    mot_tuned_load(&two, &back);
    ck_assert_int_eq(back.n_entries, 1);
    OK(mot_tuned_forget(&one));
    OK(mot_tuned_forget(&one));
    mot_tuned_free(&a);
    mot_tuned_free(&b);
    mot_tuned_free(&back);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tuned");
    TCase *tcase = tcase_create("tuned");
    tcase_add_test(tcase, test_a_norm_that_is_tried_has_an_epsilon);
    tcase_add_test(tcase, test_problems_and_choices_print_and_parse);
    tcase_add_test(tcase, test_a_table_prints_and_reads_back);
    tcase_add_test(tcase, test_damaged_lines_are_skipped_and_logged);
    tcase_add_test(tcase, test_other_devices_lines_are_left_alone);
    tcase_add_test(tcase, test_lookup_takes_the_same_then_the_nearest_of_a_quarter);
    tcase_add_test(tcase, test_merging_keeps_the_first_unless_told_otherwise);
    tcase_add_test(tcase, test_what_is_struck_off);
    tcase_add_test(tcase, test_files_are_merged_and_shared);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
