/* files.h: a folder of its own for a test's files, and files made of given bytes. */
#ifndef MOT_TESTS_UNIT_FILES_H
#define MOT_TESTS_UNIT_FILES_H

#include "runtime/base/status.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())
/* The call must fail with this status and a message that has `part` in it. */
#define FAILS(call, status, part)                                                                  \
    do {                                                                                           \
        ck_assert_int_eq((call), (status));                                                        \
        ck_assert_msg(strstr(mot_error_message(), (part)), "no '%s' in: %s", (part),               \
                      mot_error_message());                                                        \
    } while (0)

static char files_folder[64];

/** A checked fixture: each test has an empty folder, removed behind it. */
static inline void files_begin(void)
{
    strcpy(files_folder, "/tmp/motley-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(files_folder));
}

static inline void files_end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", files_folder);
    ck_assert_int_eq(system(command), 0);
}

/** Path of a file in the folder; valid until the fourth call from now. */
static inline const char *file_at(const char *name)
{
    static char path[4][256];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", files_folder, name);
    return path[next];
}

static inline const char *file_of(const char *name, const void *bytes, size_t size)
{
    const char *path = file_at(name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static inline const char *file_of_text(const char *name, const char *text)
{
    return file_of(name, text, strlen(text));
}

/** Run a suite's only case and give the exit status of main. */
static inline int run_case(const char *name, TCase *tests)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
