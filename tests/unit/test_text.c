/* Growing strings, numbers from text, nearest names, and files that are whole or absent. */
#include "config.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- text ---- */

START_TEST(test_text_grows)
{
    mot_text text = {0};
    char expected[4000] = "";
    for (int i = 0; i < 500; i++) {
        ck_assert_int_eq(mot_text_add(&text, "%d,", i), MOT_OK);
        snprintf(expected + strlen(expected), 16, "%d,", i);
        ck_assert_uint_eq(text.length, strlen(expected));
    }
    ck_assert_str_eq(text.data, expected);
    ck_assert_int_eq(mot_text_add_bytes(&text, "a\0b", 3), MOT_OK);
    ck_assert_mem_eq(text.data + strlen(expected), "a\0b", 4);
    mot_text_free(&text);
    ck_assert_ptr_null(text.data);
    ck_assert_int_eq(mot_text_add(&text, "%s", ""), MOT_OK);
    ck_assert_str_eq(text.data, "");
    mot_text_free(&text);
}
END_TEST

START_TEST(test_numbers_are_read_whole_or_refused)
{
    int64_t n = 5;
    double x = 5;
    ck_assert_int_eq(mot_parse_int("batch", "-12", &n), MOT_OK);
    ck_assert_int_eq(n, -12);
    ck_assert_int_eq(mot_parse_float("lr", "1e-3", &x), MOT_OK);
    ck_assert(x == 1e-3);
    const char *const bad[] = {"", "x", "1x", "1.5", "--1", "1 2", "99999999999999999999"};
    n = 5;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(mot_parse_int("batch", bad[i], &n), MOT_ERR_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(mot_error_message(), "batch"));
        ck_assert_ptr_nonnull(strstr(mot_error_message(), bad[i]));
        ck_assert_int_eq(n, 5);
    }
    ck_assert_int_eq(mot_parse_float("lr", "1e-3.", &x), MOT_ERR_ARGUMENT);
    ck_assert_int_eq(mot_parse_float("lr", "", &x), MOT_ERR_ARGUMENT);
    ck_assert(x == 1e-3);
}
END_TEST

START_TEST(test_nearest_name_is_the_one_meant)
{
    const char *const names[] = {"batch", "shuffle", "validation", "lr", "momentum"};
    struct {
        const char *typed, *meant;
    } cases[] = {
        {"batch", "batch"},
        {"bach", "batch"},
        {"Batch_", "batch"},
        {"suffle", "shuffle"},
        {"validaton", "validation"},
        {"rl", NULL},
        {"momemtun", "momentum"},
        {"zzzzzz", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *nearest = mot_nearest_name(cases[i].typed, names, 5);
        if (cases[i].meant)
            ck_assert_str_eq(nearest ? nearest : "(none)", cases[i].meant);
        else
            ck_assert_msg(!nearest, "'%s' is not '%s'", cases[i].typed, nearest);
    }
    ck_assert_ptr_null(mot_nearest_name("batch", names, 0));
    char longer[1000];
    memset(longer, 'q', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    mot_nearest_name(longer, names, 5); /* longer than the row of the search: no overrun */
}
END_TEST

/* ---- files ---- */

static char folder[64];

static void make_folder(void)
{
    strcpy(folder, "/tmp/motley_test_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int count_files(void)
{
    int n = 0;
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(dir);
    return n;
}

static void expect_contents(const char *path, const void *data, size_t size_bytes)
{
    char *read;
    size_t size;
    ck_assert_int_eq(mot_file_read(path, 1 << 24, &read, &size), MOT_OK);
    ck_assert_uint_eq(size, size_bytes);
    ck_assert_mem_eq(read, data, size);
    ck_assert_int_eq(read[size], '\0');
    free(read);
}

START_TEST(test_file_is_written_and_read_back)
{
    static char data[300000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 7 + i / 256);
    const size_t sizes[] = {0, 1, 65535, 65536, 65537, sizeof data};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ck_assert_int_eq(mot_file_write(path_of("file"), data, sizes[i]), MOT_OK);
        expect_contents(path_of("file"), data, sizes[i]);
        ck_assert_int_eq(count_files(), 1);
    }
}
END_TEST

START_TEST(test_file_errors_name_the_file)
{
    char *read = folder;
    size_t size = 7;
    ck_assert_int_eq(mot_file_read(path_of("none"), 100, &read, &size), MOT_ERR_FILE);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), path_of("none")));
    ck_assert_int_eq(mot_file_write(path_of("no/file"), "x", 1), MOT_ERR_FILE);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), strerror(ENOENT)));
    ck_assert_int_eq(mot_file_write(path_of("long"), "0123456789", 10), MOT_OK);
    ck_assert_int_eq(mot_file_read(path_of("long"), 9, &read, &size), MOT_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "9 bytes"));
    ck_assert_int_eq(mot_file_read(folder, 100, &read, &size), MOT_ERR_FILE);
    ck_assert_ptr_eq(read, folder);
    ck_assert_uint_eq(size, 7);
}
END_TEST

/* A full disk, played with the limit on the size of files: the old file stays, nothing is left. */
START_TEST(test_file_that_does_not_fit_leaves_the_old_one)
{
    static char data[200000];
    ck_assert_int_eq(mot_file_write(path_of("file"), "old", 3), MOT_OK);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {.rlim_cur = 100000, .rlim_max = RLIM_INFINITY}, before;
    getrlimit(RLIMIT_FSIZE, &before);
    limit.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    mot_status status = mot_file_write(path_of("file"), data, sizeof data);
    setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_int_eq(status, MOT_ERR_FILE);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), strerror(EFBIG)));
    expect_contents(path_of("file"), "old", 3);
    ck_assert_int_eq(count_files(), 1);
}
END_TEST

/* A writer is killed again and again at moments that it does not choose. */
START_TEST(test_file_is_whole_whenever_the_writer_dies)
{
    enum { SIZE = 1 << 20 };
    char *data;
    ck_assert_int_eq(mot_alloc(SIZE, 1, &data), MOT_OK);
    memset(data, 'a', SIZE);
    ck_assert_int_eq(mot_file_write(path_of("file"), data, SIZE), MOT_OK);
    for (int round = 0; round < 20; round++) {
        pid_t writer = fork();
        ck_assert_int_ge(writer, 0);
        if (writer == 0) {
            for (char letter = 'a';; letter = letter == 'z' ? 'a' : (char)(letter + 1)) {
                memset(data, letter, SIZE);
                mot_file_write(path_of("file"), data, SIZE);
            }
        }
        usleep((useconds_t)(500 + 900 * round));
        kill(writer, SIGKILL);
        waitpid(writer, NULL, 0);
        char *read;
        size_t size;
        ck_assert_int_eq(mot_file_read(path_of("file"), SIZE, &read, &size), MOT_OK);
        ck_assert_uint_eq(size, SIZE);
        ck_assert_msg(memcmp(read, read + 1, size - 1) == 0, "two versions in one file");
        free(read);
    }
    free(data);
}
END_TEST

START_TEST(test_folders_are_made_with_parents)
{
    struct stat info;
    ck_assert_int_eq(mot_folder_make(path_of("a/b/c")), MOT_OK);
    ck_assert_int_eq(mot_folder_make(path_of("a/b/c")), MOT_OK);
    ck_assert_int_eq(stat(path_of("a/b/c"), &info), 0);
    ck_assert(S_ISDIR(info.st_mode));
    ck_assert_int_eq(mot_file_write(path_of("file"), "x", 1), MOT_OK);
    ck_assert_int_eq(mot_folder_make(path_of("file")), MOT_ERR_FILE);
    ck_assert_int_eq(mot_folder_make(path_of("file/d")), MOT_ERR_FILE);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "file/d"));
}
END_TEST

START_TEST(test_cache_folder_follows_the_environment)
{
    char *path;
    setenv("XDG_CACHE_HOME", path_of("x"), 1);
    ck_assert_int_eq(mot_cache_path("tune.txt", &path), MOT_OK);
    ck_assert_str_eq(path, path_of("x/motley/tune.txt"));
    free(path);
    setenv("XDG_CACHE_HOME", "relative", 1); /* the specification says: ignore it */
    setenv("HOME", path_of("h"), 1);
    ck_assert_int_eq(mot_cache_path("tune.txt", &path), MOT_OK);
    ck_assert_str_eq(path, path_of("h/.cache/motley/tune.txt"));
    ck_assert_int_eq(mot_file_write(path, "x", 1), MOT_OK);
    free(path);
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    ck_assert_int_eq(mot_cache_path("tune.txt", &path), MOT_ERR_FILE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *text = tcase_create("text");
    tcase_add_test(text, test_text_grows);
    tcase_add_test(text, test_numbers_are_read_whole_or_refused);
    tcase_add_test(text, test_nearest_name_is_the_one_meant);
    suite_add_tcase(suite, text);
    TCase *file = tcase_create("file");
    tcase_add_checked_fixture(file, make_folder, remove_folder);
    tcase_set_timeout(file, 30);
    tcase_add_test(file, test_file_is_written_and_read_back);
    tcase_add_test(file, test_file_errors_name_the_file);
    tcase_add_test(file, test_file_that_does_not_fit_leaves_the_old_one);
    tcase_add_test(file, test_file_is_whole_whenever_the_writer_dies);
    tcase_add_test(file, test_folders_are_made_with_parents);
    tcase_add_test(file, test_cache_folder_follows_the_environment);
    suite_add_tcase(suite, file);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
