/* test_devices_programs.c: the program cache with damaged entries, remembered measurements, and
 * archives of offline-built kernels, on every device that is here; one kernel on two like devices. */
#include "config.h"

#include "devices/probe.h"
#include "devices/state.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <check.h>
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ITEMS = 64 };

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

static char folder[128];
static int n_builds, n_damaged;
static mot_device_info *list;
static int n_list;

static void count(mot_log_level level, const char *line, void *user)
{
    (void)level, (void)user;
    n_builds += strncmp(line, "build ", 6) == 0;
    n_damaged += strstr(line, "damaged 1") != NULL;
}

/* A folder of its own for everything, the remembered things too. */
static void set_up(void)
{
    strcpy(folder, "/tmp/motley-programs-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    mot_log_set(count, MOT_LOG_DEBUG, NULL);
    OK(mot_devices_list(0, &list, &n_list));
}

static void tear_down(void)
{
    char command[160];
    free(list);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *in_folder(const char *name)
{
    static char path[16][256];
    static int turn;
    char *p = path[turn = (turn + 1) % 16];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

/* Without the sync of mot_file_write, because it is done a thousand times. */
static void write_quickly(const char *path, const char *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, bytes, file), bytes);
    ck_assert_int_eq(fclose(file), 0);
}

/* Run a kernel of `probe` and check what it gives. */
static mot_status try_kernel(mot_device *device, const char *options)
{
    int32_t data[2 * ITEMS];
    mot_buffer *buffer;
    mot_commands *commands;
    mot_launch launch;
    OK(mot_buffer_new(device, sizeof data, &buffer));
    OK(mot_commands_new(device, &commands));
    for (int i = 0; i < 2 * ITEMS; i++)
        data[i] = i * i;
    OK(mot_buffer_write(buffer, 0, sizeof data, data));
    mot_view view = {.buffer = buffer, .dtype = MOT_I32};
    mot_launch_begin(&launch, commands, "probe", options, "probe_touch");
    mot_launch_view(&launch, &view);
    mot_status status = mot_launch_end(&launch, "touch", 1, (size_t[]){ITEMS}, (size_t[]){16});
    if (status == MOT_OK) {
        OK(mot_commands_run(commands, 0, 1, 0));
        OK(mot_buffer_read(buffer, 0, sizeof data, data));
        for (int i = 0; i < ITEMS; i++)
            ck_assert_int_eq(data[ITEMS + i], i * i);
    }
    mot_commands_free(commands);
    mot_buffer_free(buffer);
    return status;
}

/* ---- the program cache ---- */

/* Builds in one opening of the device; pocl takes part although it has a cache of its own. */
static int builds(const mot_device_info *info)
{
    mot_device *device;
    OK(mot_device_open(info, &(mot_device_options){.no_sharing = true}, &device));
    device->driver_caches = false;
    cl_program program;
    n_builds = n_damaged = 0;
    OK(mot_program_get(device, "philox", "-DCACHED", &program));
    mot_device_close(device);
    return n_builds;
}

/* pocl is given kernels_cl/builtins.cl for what it would read. */
START_TEST(test_what_the_builtins_lack_is_built_all_the_same)
{
    for (int i = 0; i < n_list; i++) {
        mot_device *device;
        cl_program program;
        OK(mot_device_open(&list[i], &(mot_device_options){.no_cache = true}, &device));
        const bool brings = mot_program_can_bring_builtins(&list[i]);
        ck_assert_int_eq(device->brings_builtins, brings);
        OK(mot_program_get(device, "philox", "", &program));
        ck_assert_int_eq(mot_program_get_text(device, "joined wrong",
                                              "__kernel void wrong(__global float *x) { y = 1; }",
                                              "", &program),
                         MOT_ERR_BUILD);
        ck_assert_int_eq(device->brings_builtins, brings);
        OK(mot_program_get_text(
            device, "joined far",
            "__kernel void far(__global float *x) { x[0] = hypot(x[1], x[2]); }", "", &program));
        ck_assert(!device->brings_builtins);
        mot_device_close(device);
    }
}
END_TEST

/* The one entry that there is. */
static char *entry_path(void)
{
    static char path[512];
    const char *programs = in_folder("motley/programs");
    DIR *entries = opendir(programs);
    int n = 0;
    ck_assert_ptr_nonnull(entries);
    for (struct dirent *e; (e = readdir(entries));)
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", programs, e->d_name);
            n++;
        }
    closedir(entries);
    ck_assert_int_eq(n, 1);
    return path;
}

START_TEST(test_damaged_cache_entries_are_rebuilt)
{
    for (int i = 0; i < n_list; i++) {
        char *data;
        size_t bytes;
        ck_assert_int_eq(builds(&list[i]), 1);
        ck_assert_int_eq(builds(&list[i]), 0);
        char *path = entry_path();
        OK(mot_file_read(path, 1 << 30, &data, &bytes));
        for (int damage = 0; damage < 5; damage++) {
            size_t length = damage == 0 ? 0 : damage == 1 ? 20 : damage == 2 ? bytes - 1 : bytes;
            char *changed;
            OK(mot_alloc(bytes, 1, &changed));
            memcpy(changed, data, bytes);
            if (damage == 3)
                changed[bytes / 2] ^= 1;
            if (damage == 4)
                changed[10] ^= 1; /* another key */
            write_quickly(path, changed, length);
            free(changed);
            ck_assert_int_eq(builds(&list[i]), 1);
            ck_assert_int_eq(n_damaged, 1);
            ck_assert_int_eq(builds(&list[i]), 0); /* and written anew */
        }
        free(data);
        unlink(path);
    }
}
END_TEST

START_TEST(test_without_a_cache_folder_programs_still_build)
{
    setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
    ck_assert_int_eq(builds(&list[0]), 1);
    ck_assert_int_eq(builds(&list[0]), 1);
}
END_TEST

/* ---- two like devices of one driver ---- */

enum { NARROW = 1 << 16, WIDER = 16, WIDEST = NARROW + 100 * WIDER };

static atomic_bool widening;

/* One of two devices, which runs the same kernel over more and more work-items, or over few again
 * and again while the other does that. */
typedef struct sibling {
    mot_device *device;
    bool widens;
} sibling;

static void *run_sibling(void *user)
{
    const sibling *s = user;
    mot_buffer *buffer;
    mot_commands *commands;
    mot_view view = {.dtype = MOT_I32};
    OK(mot_buffer_new(s->device, 2 * sizeof(int32_t) * WIDEST, &buffer));
    OK(mot_commands_new(s->device, &commands));
    view.buffer = buffer;
    for (size_t width = NARROW; width <= (s->widens ? WIDEST : NARROW); width += WIDER) {
        mot_launch launch;
        mot_launch_begin(&launch, commands, "probe", "", "probe_touch");
        mot_launch_view(&launch, &view);
        OK(mot_launch_end(&launch, "touch", 1, &width, (size_t[]){16}));
        do {
            int n = mot_commands_count(commands);
            OK(mot_commands_run(commands, n - 1, n, 0));
            OK(mot_device_finish(s->device));
        } while (!s->widens && widening);
    }
    if (s->widens)
        widening = false;
    mot_commands_free(commands);
    mot_buffer_free(buffer);
    return NULL;
}

static void set_up_siblings(void)
{
    setenv("POCL_DEVICES", "basic basic", 1);
    set_up();
}

START_TEST(test_siblings_run_one_kernel_at_unlike_widths)
{
    sibling s[2] = {{.widens = false}, {.widens = true}};
    pthread_t thread[2];
    if (n_list < 2 || strcmp(list[0].name, list[1].name) != 0)
        return; /* no pocl here */
    for (int i = 0; i < 2; i++)
        OK(mot_device_open(&list[i], NULL, &s[i].device));
    widening = true;
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, run_sibling, &s[i]), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
    for (int i = 0; i < 2; i++)
        mot_device_close(s[i].device);
}
END_TEST

/* ---- remembered measurements ---- */

START_TEST(test_measurements_are_remembered)
{
    mot_device_info a = list[0], b = list[0];
    ck_assert(!mot_probe_recall(&a));
    a.works = a.fp64 = a.command_buffers = a.joins = true;
    a.speed = (mot_device_speed){123e9, 45e9, 6e9, 7e9, 89e-6};
    mot_probe_remember(&a);
    ck_assert(mot_probe_recall(&b));
    ck_assert(b.works && b.fp64 && !b.fp16 && b.command_buffers && b.joins);
    ck_assert_double_eq_tol(b.speed.matmul_flops_per_s, 123e9, 1);
    ck_assert_double_eq_tol(b.speed.launch_latency_s, 89e-6, 1e-9);
    b = list[0];
    strcat(b.driver, ".1"); /* another driver: nothing is known */
    ck_assert(!mot_probe_recall(&b));
    a.works = false;
    strcpy(a.trouble, "it\nhangs");
    mot_probe_remember(&a);
    b = list[0];
    ck_assert(mot_probe_recall(&b));
    ck_assert_str_eq(b.trouble, "it hangs");
    /* A file that was cut counts as absent. */
    char key[17], name[64];
    mot_probe_key(&a, key);
    snprintf(name, sizeof name, "motley/probe-%s", key);
    ck_assert_int_eq(truncate(in_folder(name), 100), 0);
    ck_assert(!mot_probe_recall(&b));
}
END_TEST

START_TEST(test_probing_finds_what_works_and_how_fast)
{
    char *note;
    mot_device_info *chosen;
    int n;
    OK(mot_devices_select("auto", 1, 0, &chosen, &n, &note));
    ck_assert_int_ge(n, 1);
    for (int i = 0; i < n; i++) {
        ck_assert_msg(chosen[i].works, "%s: %s", chosen[i].id, chosen[i].trouble);
        ck_assert_double_gt(chosen[i].speed.matmul_flops_per_s, 1e6);
        ck_assert_double_gt(chosen[i].speed.memory_bytes_per_s, 1e6);
        ck_assert_double_gt(chosen[i].speed.to_device_bytes_per_s, 1e6);
        ck_assert_double_gt(chosen[i].speed.from_device_bytes_per_s, 1e6);
        ck_assert_double_gt(chosen[i].speed.launch_latency_s, 0);
        mot_device_info again = chosen[i];
        n_builds = 0;
        OK(mot_device_probe(&again, false));
        ck_assert_int_eq(n_builds, 0);
        ck_assert_double_eq_tol(again.speed.memory_bytes_per_s, chosen[i].speed.memory_bytes_per_s,
                                1);
    }
    free(chosen);
    free(note);
}
END_TEST

START_TEST(test_selecting_offline_builds_nothing)
{
    char *note;
    mot_device_info *chosen;
    int n;
    n_builds = 0;
    OK(mot_devices_select_offline("all", 1, 0, &chosen, &n, &note));
    ck_assert_int_eq(n, n_list);
    ck_assert_int_eq(n_builds, 0);
    free(chosen);
    free(note);
}
END_TEST

/* ---- archives ---- */

/* Build `philox` and `vector` on a device and pack them; philox is in every archive here. */
static void make_archive(const mot_device_info *info, const char *path)
{
    mot_device *device;
    cl_program program;
    char *kernels;
    OK(mot_device_open(info, &(mot_device_options){.no_cache = true}, &device));
    OK(mot_program_get(device, "philox", "-DA=1 -DB=2", &program));
    OK(mot_device_kernel_list(device, &kernels));
    ck_assert_str_eq(kernels, "philox\t-DA=1 -DB=2\n");
    free(kernels);
    OK(mot_folder_make(in_folder("built")));
    OK(mot_file_write(in_folder("built/kernels.list"), "# source\toptions\nrelu\t\n", 24));
    OK(mot_device_kernel_binaries(device, in_folder("built")));
    OK(mot_device_kernel_binaries(device, in_folder("built"))); /* again: nothing twice */
    OK(mot_kernel_archive_pack(in_folder("built"), path));
    mot_device_close(device);
}

START_TEST(test_archives_replace_the_compiler)
{
    for (int i = 0; i < n_list; i++) {
        mot_kernel_archive *archive;
        mot_device *device;
        cl_program program, again;
        make_archive(&list[i], in_folder("archive"));
        OK(mot_kernel_archive_open(in_folder("archive"), &archive));
        n_builds = 0;
        OK(mot_device_open(&list[i], &(mot_device_options){.archive = archive}, &device));
        OK(mot_program_get(device, "philox", "-DA=1 -DB=2", &program));
        OK(mot_program_get(device, "philox", "-DA=1 -DB=2", &again));
        ck_assert_ptr_eq(program, again);
        OK(mot_program_get(device, "relu", "", &program));
        ck_assert_int_eq(n_builds, 0);
        ck_assert_int_eq(mot_program_get(device, "philox", "-DA=1", &program), MOT_ERR_BUILD);
        ck_assert_ptr_nonnull(strstr(mot_error_message(), "lacks 'philox' with options '-DA=1'"));
        ck_assert_ptr_nonnull(strstr(mot_error_message(), list[i].id));
        ck_assert_int_eq(try_kernel(device, ""), MOT_ERR_BUILD);
        ck_assert_int_eq(n_builds, 0);
        mot_device_close(device);
        mot_kernel_archive_close(archive);
    }
}
END_TEST

START_TEST(test_kernels_from_an_archive_compute)
{
    for (int i = 0; i < n_list; i++) {
        mot_kernel_archive *archive;
        mot_device *device;
        unsigned char *binary;
        size_t bytes;
        char line[512];
        /* `probe` is left out of archives that we write, so this one is made by hand. */
        OK(mot_device_open(&list[i], NULL, &device));
        OK(try_kernel(device, "-DX"));
        cl_program program;
        OK(mot_program_get(device, "probe", "-DX", &program));
        OK(mot_program_binary(device, program, &binary, &bytes));
        OK(mot_folder_make(in_folder("hand")));
        OK(mot_file_write(in_folder("hand/image.bin"), binary, bytes));
        snprintf(line, sizeof line, "%.6s*\tprobe\t-DX\timage.bin\r\n\n%s\tprobe\t-DY\timage.bin",
                 list[i].name, list[i].id);
        OK(mot_file_write(in_folder("hand/binaries.list"), line, strlen(line)));
        OK(mot_kernel_archive_pack(in_folder("hand"), in_folder("hand.archive")));
        free(binary);
        mot_device_close(device);
        OK(mot_kernel_archive_open(in_folder("hand.archive"), &archive));
        n_builds = 0;
        OK(mot_device_open(&list[i], &(mot_device_options){.archive = archive}, &device));
        OK(try_kernel(device, "-DX"));
        OK(try_kernel(device, "-DY")); /* the same image */
        ck_assert_int_eq(n_builds, 0);
        cl_program x, y;
        OK(mot_program_get(device, "probe", "-DX", &x));
        OK(mot_program_get(device, "probe", "-DY", &y));
        ck_assert_ptr_eq(x, y);
        mot_device_close(device);
        mot_kernel_archive_close(archive);
    }
}
END_TEST

START_TEST(test_broken_archives_are_refused)
{
    char *data;
    size_t bytes;
    mot_kernel_archive *archive = NULL;
    make_archive(&list[0], in_folder("archive"));
    OK(mot_file_read(in_folder("archive"), 1 << 30, &data, &bytes));
    for (size_t length = 0; length < bytes; length += length < 400 ? 1 : bytes / 7) {
        write_quickly(in_folder("cut"), data, length);
        ck_assert_int_eq(mot_kernel_archive_open(in_folder("cut"), &archive), MOT_ERR_FORMAT);
    }
    for (size_t at = 0; at < bytes; at += at < 400 ? 1 : bytes / 7) {
        data[at] ^= 0x41;
        write_quickly(in_folder("cut"), data, bytes);
        ck_assert_int_eq(mot_kernel_archive_open(in_folder("cut"), &archive), MOT_ERR_FORMAT);
        data[at] ^= 0x41;
    }
    ck_assert_int_eq(mot_kernel_archive_open(in_folder("absent"), &archive), MOT_ERR_FILE);
    ck_assert_ptr_null(archive);
    free(data);
}
END_TEST

START_TEST(test_binary_that_the_device_refuses_is_named)
{
    mot_kernel_archive *archive;
    mot_device *device;
    cl_program program;
    OK(mot_folder_make(in_folder("junk")));
    OK(mot_file_write(in_folder("junk/a"), "this is no program", 18));
    OK(mot_file_write(in_folder("junk/binaries.list"), "*\trelu\t\ta\n", 10));
    OK(mot_kernel_archive_pack(in_folder("junk"), in_folder("junk.archive")));
    OK(mot_kernel_archive_open(in_folder("junk.archive"), &archive));
    for (int i = 0; i < n_list; i++) {
        OK(mot_device_open(&list[i], &(mot_device_options){.archive = archive}, &device));
        ck_assert_int_eq(mot_program_get(device, "relu", "", &program), MOT_ERR_BUILD);
        ck_assert_ptr_nonnull(strstr(mot_error_message(), "does not take the binary of 'relu'"));
        mot_device_close(device);
    }
    mot_kernel_archive_close(archive);
}
END_TEST

START_TEST(test_wrong_lists_name_the_line)
{
    static const char *const lists[] = {
        "",
        "# nothing\n",
        "*\trelu\tx\n",
        "*\trelu\t\tx\ty\n",
        "*\tnonsense\t\tx\n",
        "*\trelu\t\t../x\n",
        "\trelu\t\tx\n",
        "*\trelu\t\tempty\n",
    };
    OK(mot_folder_make(in_folder("wrong")));
    OK(mot_file_write(in_folder("wrong/x"), "x", 1));
    OK(mot_file_write(in_folder("wrong/empty"), "", 0));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        OK(mot_file_write(in_folder("wrong/binaries.list"), lists[i], strlen(lists[i])));
        ck_assert_int_eq(mot_kernel_archive_pack(in_folder("wrong"), in_folder("out")),
                         MOT_ERR_FORMAT);
        if (i >= 2 && i < 7)
            ck_assert_ptr_nonnull(strstr(mot_error_message(), "line 1"));
        ck_assert_int_ne(access(in_folder("out"), F_OK), 0);
    }
    ck_assert_int_eq(mot_kernel_archive_pack(in_folder("nowhere"), in_folder("out")), MOT_ERR_FILE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("devices_programs");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_damaged_cache_entries_are_rebuilt);
    tcase_add_test(tests, test_without_a_cache_folder_programs_still_build);
    tcase_add_test(tests, test_what_the_builtins_lack_is_built_all_the_same);
    tcase_add_test(tests, test_measurements_are_remembered);
    tcase_add_test(tests, test_probing_finds_what_works_and_how_fast);
    tcase_add_test(tests, test_selecting_offline_builds_nothing);
    tcase_add_test(tests, test_archives_replace_the_compiler);
    tcase_add_test(tests, test_kernels_from_an_archive_compute);
    tcase_add_test(tests, test_broken_archives_are_refused);
    tcase_add_test(tests, test_binary_that_the_device_refuses_is_named);
    tcase_add_test(tests, test_wrong_lists_name_the_line);
    suite_add_tcase(suite, tests);
    TCase *siblings = tcase_create("siblings");
    tcase_set_timeout(siblings, 240);
    tcase_add_checked_fixture(siblings, set_up_siblings, tear_down);
    tcase_add_test(siblings, test_siblings_run_one_kernel_at_unlike_widths);
    suite_add_tcase(suite, siblings);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
