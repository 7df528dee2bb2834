/* test_devices_open.c: memory, recorded commands, ring slots, marks and parts, on every device that
 * is here, each as it is and once more as if it did not share the host's memory. */
#include "config.h"

#include "devices/state.h"
#include "runtime/base/memory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS = 512 };

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

typedef void device_test(mot_device *device);

static void on_every_device(device_test *test, bool profile)
{
    mot_device_info *list;
    int n;
    OK(mot_devices_list(0, &list, &n));
    for (int i = 0; i < 2 * n; i++) {
        mot_device *device;
        mot_device_options options = {.profile = profile, .no_sharing = i % 2};
        OK(mot_device_open(&list[i / 2], &options, &device));
        if (options.no_sharing)
            ck_assert(!mot_device_shares_memory(device));
        test(device);
        mot_device_close(device);
    }
    free(list);
}

/* Record p[offset + ITEMS + i] = p[offset + i]. */
static void record_copy(mot_commands *commands, mot_buffer *buffer, int64_t offset,
                        int64_t slot_stride)
{
    mot_launch launch;
    mot_view view = {.buffer = buffer,
                     .offset = offset,
                     .slot_stride = slot_stride,
                     .dtype = MOT_I32,
                     .shape = {1, {ITEMS}}};
    mot_launch_begin(&launch, commands, "probe", "", "probe_touch");
    mot_launch_view(&launch, &view);
    OK(mot_launch_end(&launch, "copy/test", 1, (size_t[]){ITEMS}, NULL));
}

static void buffers_hold_what_is_written(mot_device *device)
{
    static const size_t sizes[] = {0, 1, 63, 4096, 100001};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t size = sizes[s];
        mot_buffer *buffer;
        OK(mot_buffer_new(device, size, &buffer));
        ck_assert_uint_eq(mot_buffer_size_bytes(buffer), size);
        unsigned char *data, *back;
        OK(mot_alloc(size, 1, &data));
        OK(mot_alloc(size, 1, &back));
        memset(back, 0xAA, size ? size : 1);
        OK(mot_buffer_read(buffer, 0, size, back));
        for (size_t i = 0; i < size; i++)
            ck_assert_uint_eq(back[i], 0); /* new memory is zero */
        for (size_t i = 0; i < size; i++)
            data[i] = (unsigned char)(i * 31 + 7);
        OK(mot_buffer_write(buffer, 0, size, data));
        if (size > 10) {
            data[7] = 99;
            OK(mot_buffer_write(buffer, 7, 1, data + 7));
        }
        OK(mot_buffer_read(buffer, size / 2, size - size / 2, back + size / 2));
        OK(mot_buffer_read(buffer, 0, size / 2, back));
        ck_assert_mem_eq(back, data, size);
        ck_assert_int_eq(mot_buffer_write(buffer, size, 1, data), MOT_ERR_ARGUMENT);
        ck_assert_int_eq(mot_buffer_read(buffer, 1, size, back), MOT_ERR_ARGUMENT);
        ck_assert_int_eq(mot_buffer_read(buffer, SIZE_MAX, 2, back), MOT_ERR_ARGUMENT);
        free(data);
        free(back);
        mot_buffer_free(buffer);
    }
    mot_buffer_free(NULL);
}

START_TEST(test_buffers_hold_what_is_written)
{
    on_every_device(buffers_hold_what_is_written, false);
}
END_TEST

static void too_large_a_buffer_is_refused(mot_device *device)
{
    mot_buffer *buffer = NULL;
    const mot_device_info *info = mot_device_get_info(device);
    ck_assert_int_eq(mot_buffer_new(device, (size_t)info->max_alloc_bytes + 1, &buffer),
                     MOT_ERR_MEMORY);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), info->id));
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "MiB"));
    ck_assert_int_eq(mot_buffer_new(device, SIZE_MAX - 5, &buffer), MOT_ERR_MEMORY);
    ck_assert_ptr_null(buffer);
}

START_TEST(test_too_large_a_buffer_is_refused)
{
    on_every_device(too_large_a_buffer_is_refused, false);
}
END_TEST

static void ring_views_follow_the_slot(mot_device *device)
{
    mot_buffer *buffer;
    mot_commands *commands;
    int32_t data[8 * ITEMS], back[8 * ITEMS];
    OK(mot_buffer_new(device, sizeof data, &buffer));
    OK(mot_commands_new(device, &commands));
    record_copy(commands, buffer, 0, 2 * ITEMS);          /* pairs 0, 1, 2, 3 by slot */
    record_copy(commands, buffer, 6 * ITEMS, -2 * ITEMS); /* pairs 3, 2, 1, 0 */
    record_copy(commands, buffer, 4 * ITEMS, 0);          /* always pair 2 */
    ck_assert_int_eq(mot_commands_count(commands), 3);
    ck_assert_str_eq(mot_commands_name(commands, 0), "copy/test");
    static const int slots[] = {0, 3, 3, 1, 0, 2};
    for (size_t run = 0; run < sizeof slots / sizeof *slots; run++) {
        int slot = slots[run];
        for (int i = 0; i < 8 * ITEMS; i++)
            data[i] = i / ITEMS % 2 ? -1 : (int)run * 10000 + i;
        OK(mot_buffer_write(buffer, 0, sizeof data, data));
        int first = run % 2, last = run % 3 ? 3 : 2; /* ranges of launches */
        OK(mot_commands_run(commands, first, last, slot));
        OK(mot_buffer_read(buffer, 0, sizeof back, back));
        for (int pair = 0; pair < 4; pair++) {
            bool done =
                (first == 0 && pair == slot) || pair == 3 - slot || (last == 3 && pair == 2);
            for (int i = 0; i < ITEMS; i++)
                ck_assert_int_eq(back[(2 * pair + 1) * ITEMS + i],
                                 done ? data[2 * pair * ITEMS + i] : -1);
        }
    }
    ck_assert_int_eq(mot_commands_run(commands, 0, 4, 0), MOT_ERR_ARGUMENT);
    mot_commands_free(commands);
    mot_buffer_free(buffer);
}

START_TEST(test_ring_views_follow_the_slot)
{
    on_every_device(ring_views_follow_the_slot, false);
}
END_TEST

static void async_writes_come_before_the_next_run(mot_device *device)
{
    mot_buffer *buffer;
    mot_commands *commands;
    int32_t *staging, *back;
    OK(mot_buffer_new(device, 2 * ITEMS * 4, &buffer));
    OK(mot_commands_new(device, &commands));
    OK(mot_device_alloc_staging(device, ITEMS * 4, (void **)&staging));
    OK(mot_device_alloc_staging(device, ITEMS * 4, (void **)&back));
    record_copy(commands, buffer, 0, 0);
    for (int round = 0; round < 50; round++) {
        mot_mark *mark;
        for (int i = 0; i < ITEMS; i++)
            staging[i] = round * 1000 + i;
        OK(mot_buffer_write_async(buffer, 0, ITEMS * 4, staging, round % 2));
        OK(mot_commands_run(commands, 0, 1, 0));
        if (mot_device_shares_memory(device)) /* then a read is a copy at once */
            OK(mot_device_finish(device));
        OK(mot_buffer_read_async(buffer, ITEMS * 4, ITEMS * 4, back));
        OK(mot_device_flush(device));
        OK(mot_mark_new(device, &mark));
        OK(mot_mark_wait(mark));
        OK(mot_mark_wait(mark)); /* again: at once */
        mot_mark_free(mark);
        ck_assert_mem_eq(back, staging, ITEMS * 4);
    }
    mot_mark_free(NULL);
    mot_device_free_staging(device, staging);
    mot_commands_free(commands);
    mot_buffer_free(buffer);
    mot_device_free_staging(device, mot_device_shares_memory(device) ? back : NULL);
}

START_TEST(test_async_writes_come_before_the_next_run)
{
    on_every_device(async_writes_come_before_the_next_run, false);
}
END_TEST

static void shared_memory_needs_no_copies(mot_device *device)
{
    mot_buffer *buffer;
    int32_t *host;
    if (!mot_device_shares_memory(device)) {
        OK(mot_buffer_new(device, 64, &buffer));
        ck_assert_ptr_null(mot_buffer_host(buffer));
        mot_buffer_free(buffer);
        ck_assert_int_eq(mot_buffer_wrap(device, &host, 64, &buffer), MOT_ERR_UNSUPPORTED);
        return;
    }
    OK(mot_alloc_pages(2 * ITEMS * 4, &host));
    ck_assert_int_eq(mot_buffer_wrap(device, host + 1, 64, &buffer), MOT_ERR_ARGUMENT);
    OK(mot_buffer_wrap(device, host, 2 * ITEMS * 4, &buffer));
    ck_assert_ptr_eq(mot_buffer_host(buffer), host);
    mot_commands *commands;
    OK(mot_commands_new(device, &commands));
    record_copy(commands, buffer, 0, 0);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < ITEMS; i++)
            host[i] = i + round;
        OK(mot_commands_run(commands, 0, 1, 0));
        OK(mot_device_finish(device));
        ck_assert_mem_eq(host, host + ITEMS, ITEMS * 4);
    }
    mot_commands_free(commands);
    mot_buffer_free(buffer);
    host[0] = 1; /* still ours */
    free(host);
}

START_TEST(test_shared_memory_needs_no_copies)
{
    on_every_device(shared_memory_needs_no_copies, false);
}
END_TEST

static void failing_launches_name_themselves(mot_device *device)
{
    mot_buffer *buffer;
    mot_commands *commands;
    mot_launch launch;
    OK(mot_buffer_new(device, 2 * ITEMS * 4, &buffer));
    OK(mot_commands_new(device, &commands));
    mot_view view = {.buffer = buffer, .dtype = MOT_I32, .shape = {1, {ITEMS}}};
    /* A kernel whose arguments are not all given. */
    mot_launch_begin(&launch, commands, "probe", "", "probe_copy");
    mot_launch_view(&launch, &view);
    OK(mot_launch_end(&launch, "too/few", 1, (size_t[]){16}, NULL));
    ck_assert_int_eq(mot_commands_run(commands, 0, 1, 0), MOT_ERR_DEVICE);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "too/few"));
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "clEnqueueNDRangeKernel failed: CL_INVALID"));
    /* No such source, kernel; a build that fails; wrong arguments: nothing is recorded. */
    mot_launch_begin(&launch, commands, "nonsense", "", "x");
    mot_launch_view(&launch, &view);
    ck_assert_int_eq(mot_launch_end(&launch, "x", 1, (size_t[]){1}, NULL), MOT_ERR_ARGUMENT);
    mot_launch_begin(&launch, commands, "probe", "", "no_such_kernel");
    mot_launch_view(&launch, &view);
    ck_assert_int_eq(mot_launch_end(&launch, "x", 1, (size_t[]){1}, NULL), MOT_ERR_BUILD);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "no_such_kernel"));
    mot_launch_begin(&launch, commands, "probe", "-Dlong=!", "probe_touch");
    ck_assert_int_eq(mot_launch_end(&launch, "x", 1, (size_t[]){1}, NULL), MOT_ERR_BUILD);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "-Dlong=!"));
    mot_launch_begin(&launch, commands, "probe", "", "probe_touch");
    mot_launch_float(&launch, 1);
    ck_assert_int_eq(mot_launch_end(&launch, "x", 1, (size_t[]){1}, NULL), MOT_ERR_DEVICE);
    ck_assert_int_eq(mot_commands_count(commands), 1);
    mot_commands_free(commands);
    mot_buffer_free(buffer);
}

START_TEST(test_failing_launches_name_themselves)
{
    on_every_device(failing_launches_name_themselves, false);
}
END_TEST

static cl_int enqueue_fill(cl_command_queue queue, const void *payload, cl_event *event)
{
    const cl_int value = 42;
    cl_mem mem;
    memcpy(&mem, payload, sizeof mem);
    return clEnqueueFillBuffer(queue, mem, &value, 4, 0, ITEMS * 4, 0, NULL, event);
}

static void profiles_count_runs(mot_device *device)
{
    mot_buffer *buffer;
    mot_commands *commands;
    double time_s;
    int64_t n_runs;
    int32_t back[2 * ITEMS];
    OK(mot_buffer_new(device, 2 * ITEMS * 4, &buffer));
    OK(mot_commands_new(device, &commands));
    cl_mem mem = mot_buffer_mem(buffer);
    OK(mot_commands_foreign(commands, "library/fill", enqueue_fill, &mem, sizeof mem));
    record_copy(commands, buffer, 0, 0);
    for (int i = 0; i < 5000; i++) /* more than the events that are kept */
        OK(mot_commands_run(commands, 1, 2, 0));
    OK(mot_commands_run(commands, 0, 2, 0));
    OK(mot_buffer_read(buffer, 0, sizeof back, back));
    ck_assert_int_eq(back[2 * ITEMS - 1], 42);
    OK(mot_commands_profile(commands, 1, &time_s, &n_runs));
    ck_assert_int_eq(n_runs, 5001);
    ck_assert_double_ge(time_s, 0);
    ck_assert_double_lt(time_s, 100);
    OK(mot_commands_profile(commands, 0, &time_s, &n_runs));
    ck_assert_int_eq(n_runs, 1);
    ck_assert_int_eq(mot_commands_profile(commands, 2, &time_s, &n_runs), MOT_ERR_ARGUMENT);
    mot_commands_free(commands);
    mot_buffer_free(buffer);
}

START_TEST(test_profiles_count_runs)
{
    on_every_device(profiles_count_runs, true);
}
END_TEST

static cl_int CL_API_CALL refuse(mot_command_buffer buffer)
{
    (void)buffer;
    return CL_OUT_OF_RESOURCES;
}

enum { COPIES = 5, SLOTS = 3, SLOT_WORDS = (COPIES + 1) * ITEMS, WORDS = SLOTS * SLOT_WORDS };

/* Slots that may change from run to run when ranges are recorded; 0: nothing can be recorded.  Some
 * drivers (pocl 3.1) do not keep a recording's arguments, and are right as long as nothing changes. */
static int slots_of_recordings(const mot_device_info *info)
{
    mot_device *device;
    int n_slots = 0;
    OK(mot_device_open(info, NULL, &device));
    if (mot_recorder_find(device, &device->recorder)) {
        n_slots = mot_recorder_try(device, 2, NULL) == MOT_OK ? SLOTS : 1;
        OK(mot_recorder_try(device, 1, NULL));
        mot_recorder_pays(device); /* either answer is right */
    }
    mot_device_close(device);
    return n_slots;
}

/* Run random ranges at random slots, with new data now and then; `refuses`: as on a driver that
 * cannot seal a recording.  What the buffer holds in the end goes to `data`. */
static void run_ranges(const mot_device_info *info, int n_slots, bool refuses, int32_t *data)
{
    mot_device *device;
    mot_buffer *buffer;
    mot_commands *commands;
    int32_t fresh[ITEMS];
    OK(mot_device_open(info, NULL, &device));
    ck_assert(device->records == info->command_buffers);
    device->joins = false; /* which comes before recording */
    if (refuses)
        device->recorder.seal = refuse;
    OK(mot_buffer_new(device, 4 * WORDS, &buffer));
    OK(mot_commands_new(device, &commands));
    for (int i = 0; i < COPIES; i++)
        record_copy(commands, buffer, i * ITEMS, SLOT_WORDS);
    cl_mem mem = mot_buffer_mem(buffer);
    OK(mot_commands_foreign(commands, "library/fill", enqueue_fill, &mem, sizeof mem));
    uint32_t random = 1;
    for (int run = 0; run < 300; run++) {
        random = random * 1664525 + 1013904223;
        int first = (random >> 8) % COPIES, last = first + 1 + (random >> 16) % (COPIES - first);
        int slot = (int)(random >> 28) % n_slots;
        last += last == COPIES && (random >> 24) % 8 == 0; /* now and then with the foreign call */
        if (run % 3 == 0) {
            for (int i = 0; i < ITEMS; i++)
                fresh[i] = run * 1000 + i;
            OK(mot_buffer_write(buffer, 4 * (size_t)slot * SLOT_WORDS, sizeof fresh, fresh));
        }
        OK(mot_commands_run(commands, first, last, slot));
    }
    OK(mot_buffer_read(buffer, 0, 4 * WORDS, data));
    ck_assert(device->records == (info->command_buffers && !refuses));
    mot_commands_free(commands);
    mot_buffer_free(buffer);
    mot_device_close(device);
}

START_TEST(test_command_buffers_do_what_launches_do)
{
    mot_device_info *list;
    int n;
    int32_t without[WORDS], with[WORDS];
    OK(mot_devices_list(0, &list, &n));
    for (int i = 0; i < n; i++) {
        int n_slots = slots_of_recordings(&list[i]);
        if (n_slots == 0)
            continue;
        run_ranges(&list[i], n_slots, false, without);
        list[i].command_buffers = true;
        for (int refuses = 0; refuses < 2; refuses++) {
            run_ranges(&list[i], n_slots, refuses, with);
            ck_assert_mem_eq(with, without, sizeof with);
        }
    }
    free(list);
}
END_TEST

START_TEST(test_parts_open_whatever_the_cores)
{
    mot_device_info *list;
    int n;
    OK(mot_devices_list(0, &list, &n));
    for (int i = 0; i < n; i++) {
        if (!mot_silicon_is_host_cpu(&list[i]))
            continue;
        int units = list[i].compute_units;
        const int cuts[] = {1, 2, 3, units + 1};
        for (int c = 0; c < 4; c++) {
            mot_device_info part = list[i];
            mot_device *device;
            mot_part_info(&part, cuts[c], cuts[c] - 1);
            OK(mot_device_open(&part, NULL, &device));
            ck_assert_str_eq(mot_device_get_info(device)->id, part.id);
            ck_assert_int_ge(mot_device_get_info(device)->compute_units, 1);
            async_writes_come_before_the_next_run(device);
            mot_device_close(device);
        }
        mot_device_info wrong = list[i];
        mot_device *device = NULL;
        strcat(wrong.id, "/2.2");
        ck_assert_int_eq(mot_device_open(&wrong, NULL, &device), MOT_ERR_ARGUMENT);
        strcpy(wrong.id, "nowhere:0");
        ck_assert_int_eq(mot_device_open(&wrong, NULL, &device), MOT_ERR_DEVICE);
        ck_assert_ptr_null(device);
    }
    free(list);
}
END_TEST

START_TEST(test_lists_are_sorted_unique_and_the_same_again)
{
    mot_device_info *a, *b;
    int n, m;
    OK(mot_devices_list(0, &a, &n));
    OK(mot_devices_list(0, &b, &m));
    ck_assert_int_eq(n, m);
    for (int i = 0; i < n; i++) {
        ck_assert_str_eq(a[i].id, b[i].id);
        ck_assert_int_lt(a[i].twin_of, i);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(a[i].id, a[j].id);
    }
    free(a);
    free(b);
}
END_TEST

START_TEST(test_no_platform_is_an_error_that_helps)
{
    mot_device_info *list = NULL;
    int n = -1;
    setenv("OCL_ICD_VENDORS", "/nonexistent", 1);
    unsetenv("OCL_ICD_FILENAMES");
    mot_status status = mot_devices_list(1, &list, &n);
    if (status == MOT_OK) /* a loader that reads other places as well */
        return;
    ck_assert_int_eq(status, MOT_ERR_DEVICE);
    ck_assert_ptr_nonnull(strstr(mot_error_message(), "pocl"));
    ck_assert_int_eq(n, -1);
    char *note;
    ck_assert_int_eq(mot_devices_select("auto", 1, 0, &list, &n, &note), MOT_ERR_DEVICE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("devices_open");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_no_platform_is_an_error_that_helps);
    tcase_add_test(tests, test_lists_are_sorted_unique_and_the_same_again);
    tcase_add_test(tests, test_buffers_hold_what_is_written);
    tcase_add_test(tests, test_too_large_a_buffer_is_refused);
    tcase_add_test(tests, test_ring_views_follow_the_slot);
    tcase_add_test(tests, test_async_writes_come_before_the_next_run);
    tcase_add_test(tests, test_shared_memory_needs_no_copies);
    tcase_add_test(tests, test_failing_launches_name_themselves);
    tcase_add_test(tests, test_profiles_count_runs);
    tcase_add_test(tests, test_command_buffers_do_what_launches_do);
    tcase_add_test(tests, test_parts_open_whatever_the_cores);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
