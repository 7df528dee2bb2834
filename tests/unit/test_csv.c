/* Tables: taking text apart, and what columns become. */
#include "config.h"

#include "runtime/base/memory.h"
#include "runtime/train/table.h"
#include "tests/unit/files.h"

#include <math.h>

static mot_status parse(const char *text, char separator, mot_csv_header header, mot_csv *csv)
{
    char *copy;
    OK(mot_strdup(text, &copy));
    return mot_csv_parse("t.csv", copy, strlen(text), separator, header, csv);
}

/* The grid as "a|b\nc|d\n", the header first, to compare with. */
static char *printed(const mot_csv *csv)
{
    static char text[512];
    text[0] = '\0';
    for (int64_t r = csv->header ? -1 : 0; r < csv->n_rows; r++)
        for (int c = 0; c < csv->n_columns; c++) {
            strcat(text, r < 0 ? csv->text + csv->header[c] : mot_csv_cell(csv, r, c));
            strcat(text, c + 1 < csv->n_columns ? "|" : "\n");
        }
    return text;
}

typedef struct csv_case {
    const char *text;
    char separator;
    mot_csv_header header;
    bool has_header;
    const char *grid;
} csv_case;

static const csv_case cases[] = {
    {"a,b\n1,2\n", 0, MOT_HEADER_AUTO, true, "a|b\n1|2\n"},
    {"a,b\n1,2", 0, MOT_HEADER_AUTO, true, "a|b\n1|2\n"},
    {"1,2\r\n3,4\r\n", 0, MOT_HEADER_AUTO, false, "1|2\n3|4\n"},
    {"1,2\r3,4\r", 0, MOT_HEADER_AUTO, false, "1|2\n3|4\n"},
    {"1;2\n3;4", 0, MOT_HEADER_AUTO, false, "1|2\n3|4\n"},
    {"1\t\t2\n3\t4\t5", 0, MOT_HEADER_AUTO, false, "1||2\n3|4|5\n"},
    {"  1   2 \n3 4\n", ' ', MOT_HEADER_AUTO, false, "1|2\n3|4\n"},
    {"\"x, y\";b\n1;2\n", 0, MOT_HEADER_AUTO, true, "x, y|b\n1|2\n"},
    {"\"a \"\"b\"\"\",\"c\nd\"\n1,2\n", 0, MOT_HEADER_AUTO, true, "a \"b\"|c\nd\n1|2\n"},
    {" a , b \n 1 , 2 \n", 0, MOT_HEADER_AUTO, true, "a|b\n1|2\n"},
    {" \"a\" , \" b\" \n1,2\n", 0, MOT_HEADER_AUTO, true, "a| b\n1|2\n"},
    {"\xEF\xBB\xBF"
     "a,b\n1,2\n",
     0, MOT_HEADER_AUTO, true, "a|b\n1|2\n"},
    {"\n\n1,2\n\n3,4\n\n", 0, MOT_HEADER_AUTO, false, "1|2\n3|4\n"},
    {",\n1,2\n", 0, MOT_HEADER_NO, false, "|\n1|2\n"},
    {"1,\n2,", 0, MOT_HEADER_NO, false, "1|\n2|\n"},
    {"150,4,setosa\n5.1,3.5,0\n4.9,3.0,0\n", 0, MOT_HEADER_AUTO, true,
     "150|4|setosa\n5.1|3.5|0\n4.9|3.0|0\n"},
    {"5.1,3.5,setosa\n4.9,3.0,virginica\n", 0, MOT_HEADER_AUTO, false,
     "5.1|3.5|setosa\n4.9|3.0|virginica\n"},
    {"1,2\n3,4\n", 0, MOT_HEADER_YES, true, "1|2\n3|4\n"},
    {"a,b\n1,2\n", 0, MOT_HEADER_NO, false, "a|b\n1|2\n"},
    {"7\n8\n", 0, MOT_HEADER_AUTO, false, "7\n8\n"},
};

START_TEST(test_csv_takes_text_apart)
{
    const csv_case *c = &cases[_i];
    mot_csv csv;
    OK(parse(c->text, c->separator, c->header, &csv));
    ck_assert_int_eq(csv.header != NULL, c->has_header);
    ck_assert_str_eq(printed(&csv), c->grid);
    mot_csv_free(&csv);
}
END_TEST

START_TEST(test_csv_names_line_and_mistake)
{
    mot_csv csv;
    FAILS(parse("", 0, MOT_HEADER_AUTO, &csv), MOT_ERR_FORMAT, "t.csv is empty");
    FAILS(parse("\n\r\n", 0, MOT_HEADER_AUTO, &csv), MOT_ERR_FORMAT, "t.csv is empty");
    FAILS(parse("a,b\n", 0, MOT_HEADER_AUTO, &csv), MOT_ERR_FORMAT, "a header, but no rows");
    FAILS(parse("1,2\n\n3,4,5\n", 0, MOT_HEADER_AUTO, &csv), MOT_ERR_FORMAT, "t.csv:3: 3 columns");
    FAILS(parse("a,b\n1,\"x\ny\n", 0, MOT_HEADER_AUTO, &csv), MOT_ERR_FORMAT,
          "t.csv:2: a quote that is opened here");
    FAILS(parse("a,b\n1,\"x\"y\n", 0, MOT_HEADER_AUTO, &csv), MOT_ERR_FORMAT,
          "t.csv:2: something follows");
    FAILS(parse("a,b\n1,\"x\n\n\"\n1\n", 0, MOT_HEADER_AUTO, &csv), MOT_ERR_FORMAT,
          "t.csv:5: 1 columns");
    char *zero;
    OK(mot_strdup("a,b\n1,x2\n", &zero));
    zero[6] = '\0';
    FAILS(mot_csv_parse("t.csv", zero, 9, 0, MOT_HEADER_AUTO, &csv), MOT_ERR_FORMAT, "zero byte");
}
END_TEST

START_TEST(test_numbers_are_decimal_and_finite)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},
                {"-1", -1},
                {"+2.5", 2.5},
                {".5", 0.5},
                {"5.", 5},
                {"1e3", 1000},
                {"1.5E-3", 1.5e-3},
                {"-0.1e+2", -10},
                {"1e-400", 0},
                {"0e99999999", 0},
                {"123456789.125", 123456789.125},
                {"0.30000000000000004", 0.3}};
    static const char *const bad[] = {"",    "-",    ".",   "e5",   "1e",
                                      "1e+", "0x10", "inf", "nan",  "1,5",
                                      "1 2", "1a",   "--1", "1e99", "1e999999999999"};
    double value;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_assert_msg(mot_csv_number(good[i].text, &value), "%s", good[i].text);
        ck_assert_double_eq_tol(value, good[i].value, 1e-15 * (1 + fabs(good[i].value)));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!mot_csv_number(bad[i], &value), "%s", bad[i]);
}
END_TEST

static mot_table *opened(const char *text, const mot_table_options *options)
{
    mot_table *table;
    OK(mot_table_open(file_of_text("t.csv", text), options, &table));
    return table;
}

START_TEST(test_words_become_one_input_each)
{
    mot_table_options options = {.missing = MOT_MISSING_MEDIAN, .task = MOT_TASK_REGRESSION};
    mot_table *table = opened("a,kind,y\n1,red,5\n,blue,7\n3,red,9\n5,,11\n", &options);
    mot_dataset *set, *test;
    int64_t rows[] = {0, 1, 2};
    OK(mot_table_encode(table, NULL, &set));
    ck_assert_int_eq(table->n_inputs, 3); /* a, blue, red */
    ck_assert(isnan(((const float *)set->raw)[3]));
    OK(mot_table_fit(table, set, rows, 3));
    mot_table_finish(table, set);
    /* the median of 1 and 3; then mean 2, deviation sqrt(2/3) over rows 0 to 2 */
    static const float expected[] = {1, 0, 1, 2, 1, 0, 3, 0, 1, 5, 0, 0};
    for (int i = 0; i < 12; i++)
        ck_assert_float_eq(((const float *)set->raw)[i], expected[i]);
    ck_assert_float_eq_tol(table->scale[0], (float)sqrt(1.5), 1e-6);
    ck_assert_float_eq_tol(table->shift[0], (float)(-2 * sqrt(1.5)), 1e-6);
    ck_assert_float_eq(table->scale[1], 1);
    ck_assert_float_eq(table->shift[1], 0);
    ck_assert_float_eq(set->target[3], 11); /* standardize_target is off */
    /* A word that only the test file has is no input at all. */
    OK(mot_table_encode(table, file_of_text("u.csv", "a,kind,y\n4,green,1\n"), &test));
    mot_table_finish(table, test);
    ck_assert_float_eq(((const float *)test->raw)[0], 4);
    ck_assert_float_eq(((const float *)test->raw)[1], 0);
    ck_assert_float_eq(((const float *)test->raw)[2], 0);
    mot_dataset_free(test);
    mot_dataset_free(set);
    mot_table_free(table);
}
END_TEST

START_TEST(test_targets_are_standardized_over_training_rows)
{
    mot_table_options options = {.task = MOT_TASK_REGRESSION, .standardize_target = true};
    mot_table *table = opened("1,10\n2,20\n3,30\n4,1000\n", &options);
    mot_dataset *set;
    int64_t rows[] = {0, 1, 2};
    OK(mot_table_encode(table, NULL, &set));
    OK(mot_table_fit(table, set, rows, 3));
    mot_table_finish(table, set);
    ck_assert_double_eq_tol(table->target_shift, 20, 1e-9);
    ck_assert_double_eq_tol(table->target_scale, sqrt(200.0 / 3), 1e-9);
    ck_assert_float_eq_tol(set->target[0], (float)(-10 / sqrt(200.0 / 3)), 1e-6);
    ck_assert_float_eq_tol(set->target[3], (float)(980 / sqrt(200.0 / 3)), 1e-4);
    mot_dataset_free(set);
    mot_table_free(table);
}
END_TEST

START_TEST(test_classes_are_the_sorted_values_of_the_target)
{
    mot_table_options options = {.task = MOT_TASK_AUTO, .target = "y"};
    mot_table *table = opened("y,x\nzebra,1\nant,2\nzebra,3\n", &options);
    mot_dataset *set;
    OK(mot_table_encode(table, NULL, &set));
    ck_assert(!set->regression);
    ck_assert_int_eq(set->n_classes, 2);
    ck_assert_str_eq(set->class_name[0], "ant");
    ck_assert_int_eq(set->label[0], 1);
    ck_assert_int_eq(set->label[1], 0);
    mot_dataset_free(set);
    mot_table_free(table);
    options.task = MOT_TASK_CLASSIFICATION;
    table = opened("y,x\n7,1\n3,2\n7.0,3\n", &options);
    OK(mot_table_encode(table, NULL, &set));
    ck_assert_int_eq(set->n_classes, 2);
    ck_assert_str_eq(set->class_name[1], "7");
    ck_assert_int_eq(set->label[2], 1);
    mot_dataset_free(set);
    mot_table_free(table);
}
END_TEST

START_TEST(test_task_is_guessed_from_the_target)
{
    mot_table_options options = {0};
    mot_table *table = opened("1,0\n2,1\n3,0\n4,1\n5,1\n6,0\n7,0\n8,1\n9,1\n10,1\n", &options);
    ck_assert(!table->regression);
    mot_table_free(table);
    table = opened("1,0.5\n2,1\n3,0\n4,1\n5,1\n6,0\n7,0\n8,1\n9,1\n10,1\n", &options);
    ck_assert(table->regression);
    mot_table_free(table);
    table = opened("1,10\n2,20\n3,30\n", &options);
    ck_assert(table->regression);
    mot_table_free(table);
}
END_TEST

typedef struct table_case {
    const char *text;
    mot_table_options options;
    mot_status status;
    const char *part;
} table_case;

static const char *const kind_x[] = {"x"}, *const kind_none[] = {"none"}, *const kind_y[] = {"y"};
static const table_case table_cases[] = {
    {"x,y\n1,2\n,3\n", {0}, MOT_ERR_FORMAT, "t.csv:3: column 'x': '' is a missing value"},
    {"x,y\n1,2\nabc,3\n", {0}, MOT_ERR_FORMAT, "t.csv:3: column 'x': 'abc' is not a number"},
    {"x,y\n1,2\n1e50,3\n", {0}, MOT_ERR_FORMAT, "t.csv:3: column 'x': '1e50' is not a number"},
    {"x,y\n1,2\n1,\n",
     {.missing = MOT_MISSING_MEAN},
     MOT_ERR_FORMAT,
     "t.csv:3: column 'y', the target"},
    {"x,y\n1,a\n1,b\n", {.task = MOT_TASK_REGRESSION}, MOT_ERR_FORMAT, "t.csv:2: column 'y': 'a'"},
    {"x,y\n1,2\n1,3\n", {.target = "z"}, MOT_ERR_ARGUMENT, "no column 'z'; the columns are x, y"},
    {"1,2\n1,3\n", {.target = "3"}, MOT_ERR_ARGUMENT, "give a number, 1 to 2"},
    {"x,y\n1,2\n1,3\n",
     {.drop = kind_none, .n_drop = 1},
     MOT_ERR_ARGUMENT,
     "data.drop: there is no"},
    {"x,y\n1,2\n1,3\n", {.drop = kind_y, .n_drop = 1}, MOT_ERR_ARGUMENT, "'y' is the target"},
    {"x,y\n1,2\n1,3\n", {.drop = kind_x, .n_drop = 1}, MOT_ERR_FORMAT, "no column is left"},
    {"x,z,y\n1,,2\n1,,3\n", {.missing = MOT_MISSING_MEAN}, MOT_ERR_FORMAT, "column 'z' is empty"},
    {"x,y\n1,2\n1,2\n", {.task = MOT_TASK_CLASSIFICATION}, MOT_ERR_FORMAT, "one class only"},
    {"x,y\n1,2\n1,3\n",
     {.n_classes = 3},
     MOT_ERR_FORMAT,
     "t.csv:3: column 'y': '3' is no class; there are 3"},
    {"x,y\n1,2\n1,3\n",
     {.shape = {2, {2, 2}}},
     MOT_ERR_SHAPE,
     "has 4 elements, but the table has 1"},
};

START_TEST(test_each_mistake_in_a_table_is_named)
{
    const table_case *c = &table_cases[_i];
    mot_table *table = NULL;
    mot_dataset *set = NULL;
    mot_status status = mot_table_open(file_of_text("t.csv", c->text), &c->options, &table);
    if (status == MOT_OK)
        status = mot_table_encode(table, NULL, &set);
    mot_table_free(table);
    FAILS(status, c->status, c->part);
}
END_TEST

START_TEST(test_listed_columns_are_words)
{
    mot_table_options options = {.categorical = kind_x, .n_categorical = 1};
    mot_table *table = opened("x,y\n10,0.5\n20,1.5\n10,2.5\n", &options);
    ck_assert_int_eq(table->n_inputs, 2);
    mot_table_free(table);
}
END_TEST

START_TEST(test_logs_are_taken_of_listed_columns)
{
    static const char *const names[] = {"x"};
    mot_table_options options = {.log = names, .n_log = 1, .missing = MOT_MISSING_MEAN};
    mot_table *table = opened("x,z,y\n0,5,0.5\n-9,5,1.5\n,5,2.5\n", &options);
    mot_dataset *set;
    OK(mot_table_encode(table, NULL, &set));
    const float *raw = set->raw;
    ck_assert_float_eq(raw[0], 0);
    ck_assert_float_eq(raw[1], 5);
    ck_assert_float_eq_tol(raw[2], (float)-log(10), 1e-6);
    ck_assert(isnan(raw[4]));
    mot_dataset_free(set);
    mot_table_free(table);
    options.log = kind_y;
    FAILS(mot_table_open(file_at("t.csv"), &options, &table), MOT_ERR_ARGUMENT,
          "'y' is no input column of numbers");
}
END_TEST

START_TEST(test_a_test_file_must_have_the_same_columns)
{
    mot_table_options options = {.task = MOT_TASK_CLASSIFICATION};
    mot_table *table = opened("x,y\n1,0\n2,1\n", &options);
    mot_dataset *set;
    FAILS(mot_table_encode(table, file_of_text("u.csv", "x,z,y\n1,2,0\n"), &set), MOT_ERR_FORMAT,
          "u.csv has 3 columns");
    FAILS(mot_table_encode(table, file_of_text("u.csv", "z,y\n1,0\n"), &set), MOT_ERR_FORMAT,
          "calls column 1 'z'");
    FAILS(mot_table_encode(table, file_of_text("u.csv", "x,y\n1,5\n"), &set), MOT_ERR_FORMAT,
          "u.csv:2: column 'y': '5' is no class of the training file");
    mot_table_free(table);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("csv");
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_loop_test(tests, test_csv_takes_text_apart, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(tests, test_csv_names_line_and_mistake);
    tcase_add_test(tests, test_numbers_are_decimal_and_finite);
    tcase_add_test(tests, test_words_become_one_input_each);
    tcase_add_test(tests, test_targets_are_standardized_over_training_rows);
    tcase_add_test(tests, test_classes_are_the_sorted_values_of_the_target);
    tcase_add_test(tests, test_task_is_guessed_from_the_target);
    tcase_add_loop_test(tests, test_each_mistake_in_a_table_is_named, 0,
                        (int)(sizeof table_cases / sizeof *table_cases));
    tcase_add_test(tests, test_listed_columns_are_words);
    tcase_add_test(tests, test_logs_are_taken_of_listed_columns);
    tcase_add_test(tests, test_a_test_file_must_have_the_same_columns);
    return run_case("csv", tests);
}
