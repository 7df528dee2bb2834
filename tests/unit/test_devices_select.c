/* test_devices_select.c: names, twins, selections and the dealing to ranks, on machines made up as
 * lists of plain data; nothing here touches OpenCL. */
#include "config.h"

#include "devices/state.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 7 };
static mot_device_info machine[N];

static void device(int i, const char *id, mot_device_kind kind, const char *platform, int units,
                   int twin_of, double gflops)
{
    mot_device_info *d = &machine[i];
    memset(d, 0, sizeof *d);
    snprintf(d->id, sizeof d->id, "%s", id);
    snprintf(d->name, sizeof d->name, "device %d", i);
    snprintf(d->platform, sizeof d->platform, "%s", platform);
    d->kind = kind;
    d->compute_units = units;
    d->twin_of = twin_of;
    d->works = d->compiler = true;
    d->speed.matmul_flops_per_s = gflops * 1e9;
}

/* A processor behind four drivers, a GPU behind two, and an FPGA board. */
static void make_machine(void)
{
    device(0, "amd:0", MOT_KIND_GPU, "AMD Accelerated Parallel Processing", 60, -1, 9000);
    device(1, "intel:0", MOT_KIND_CPU, "Intel(R) OpenCL", 8, -1, 700);
    device(2, "intelfpga:0", MOT_KIND_ACCELERATOR, "Intel(R) FPGA Emulation Platform", 8, 1, 650);
    device(3, "pocl:0", MOT_KIND_CPU, "Portable Computing Language", 1, 1, 100);
    device(4, "pocl:1", MOT_KIND_CPU, "Portable Computing Language", 8, 1, 720);
    device(5, "rusticl:0", MOT_KIND_GPU, "rusticl", 60, 0, 4000);
    device(6, "xilinx:0", MOT_KIND_ACCELERATOR, "Xilinx", 1, -1, 50);
}

/* What a selection gives a rank, as "id id id", or "error N: message". */
static char *chosen_by(const char *selection, int n_ranks, int rank, mot_text *note)
{
    static char line[2048];
    mot_device_info *list;
    int n;
    mot_status status =
        mot_select_from(machine, N, selection, true, n_ranks, rank, &list, &n, note);
    line[0] = '\0';
    if (status != MOT_OK) {
        snprintf(line, sizeof line, "error %d: %s", status, mot_error_message());
        return line;
    }
    for (int i = 0; i < n; i++)
        sprintf(line + strlen(line), "%s%s", i ? " " : "", list[i].id);
    free(list);
    return line;
}

static char *chosen(const char *selection)
{
    mot_text note = {0};
    char *line = chosen_by(selection, 1, 0, &note);
    mot_text_free(&note);
    return line;
}

static char *dealt(const char *selection, int n_ranks, int rank)
{
    mot_text note = {0};
    char *line = chosen_by(selection, n_ranks, rank, &note);
    mot_text_free(&note);
    return line;
}

START_TEST(test_auto_takes_the_faster_of_twins_and_says_so)
{
    mot_text note = {0};
    ck_assert_str_eq(chosen_by("auto", 1, 0, &note), "amd:0 pocl:1 xilinx:0");
    ck_assert_ptr_nonnull(strstr(note.data, "intel:0 is left out: pocl:1"));
    ck_assert_ptr_nonnull(strstr(note.data, "rusticl:0 is left out: amd:0"));
    ck_assert_ptr_nonnull(strstr(note.data, "720"));
    mot_text_free(&note);
    machine[1].speed.matmul_flops_per_s = 1e12;
    ck_assert_str_eq(chosen(NULL), "amd:0 intel:0 xilinx:0");
    ck_assert_str_eq(chosen("  "), "amd:0 intel:0 xilinx:0");
}
END_TEST

START_TEST(test_groups_and_exclusions_apply_in_order)
{
    static const char *const cases[][2] = {
        {"all", "amd:0 intel:0 intelfpga:0 pocl:0 pocl:1 rusticl:0 xilinx:0"},
        {"ALL,!Pocl:*", "amd:0 intel:0 intelfpga:0 rusticl:0 xilinx:0"},
        {"gpu", "amd:0 rusticl:0"},
        {"gpu,!rusticl:*", "amd:0"},
        {"cpu , xilinx:0", "intel:0 pocl:0 pocl:1 xilinx:0"},
        {"fpga", "intelfpga:0 xilinx:0"},
        {"accelerator", "intelfpga:0 xilinx:0"},
        {"pocl:*", "pocl:0 pocl:1"},
        {"*:1", "pocl:1"},
        {"pocl:1,pocl:1", "pocl:1"},
        {"all,!cpu,pocl:0", "amd:0 intelfpga:0 pocl:0 rusticl:0 xilinx:0"},
        {"!gpu", "pocl:1 xilinx:0"},
        {"!pocl:*", "amd:0 intel:0 xilinx:0"},        /* the processor is not lost */
        {"auto,!amd:*", "pocl:1 rusticl:0 xilinx:0"}, /* nor the GPU */
        {"! nvidia:*", "amd:0 pocl:1 xilinx:0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(strcmp(chosen(cases[i][0]), cases[i][1]) == 0, "%s gives %s", cases[i][0],
                      chosen(cases[i][0]));
}
END_TEST

START_TEST(test_devices_split_into_parts)
{
    static const char *const cases[][2] = {
        {"pocl:1/2", "pocl:1/2.0 pocl:1/2.1"},
        {"pocl:1/4.3", "pocl:1/4.3"},
        {"pocl:1/2.1,pocl:1/2.0", "pocl:1/2.0 pocl:1/2.1"},
        {"gpu,pocl:1,pocl:1/2", "amd:0 pocl:1/2.0 pocl:1/2.1 rusticl:0"},
        {"pocl:1/3,!pocl:1/3.1", "pocl:1/3.0 pocl:1/3.2"},
        {"pocl:1/2,pocl:0,!pocl:1", "pocl:0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(strcmp(chosen(cases[i][0]), cases[i][1]) == 0, "%s gives %s", cases[i][0],
                      chosen(cases[i][0]));
}
END_TEST

START_TEST(test_parts_share_out_cores_and_speed)
{
    mot_device_info part = machine[4];
    int units = 0;
    for (int i = 0; i < 3; i++) {
        part = machine[4];
        mot_part_info(&part, 3, i);
        units += part.compute_units;
    }
    ck_assert_int_eq(units, 8);
    ck_assert_str_eq(part.id, "pocl:1/3.2");
    ck_assert_double_eq_tol(part.speed.matmul_flops_per_s, 720e9 * 2 / 8, 1e6);
    part = machine[3];
    mot_part_info(&part, 5, 4);
    ck_assert_int_eq(part.compute_units, 1);
}
END_TEST

START_TEST(test_what_does_not_work_is_left_out_unless_named)
{
    mot_text note = {0};
    machine[0].works = false;
    strcpy(machine[0].trouble, "its compiler sleeps");
    ck_assert_str_eq(chosen_by("gpu", 1, 0, &note), "rusticl:0");
    ck_assert_ptr_nonnull(strstr(note.data, "its compiler sleeps"));
    mot_text_free(&note);
    ck_assert_str_eq(chosen("auto"), "pocl:1 rusticl:0 xilinx:0");
    ck_assert_str_eq(chosen("amd:0"), "amd:0");
    for (int i = 0; i < N; i++)
        machine[i].works = false;
    ck_assert_ptr_nonnull(strstr(chosen("all"), "error 6: no device is left: amd:0 is left out"));
}
END_TEST

START_TEST(test_unknown_and_malformed_patterns_are_errors)
{
    static const char *const unknown[] = {"nvidia:0", "pocl:7", "custom", "poc", "pocl:0,gpuu"};
    static const char *const malformed[] = {"pocl:0/0", "pocl:0/2.2", "pocl:0/x", "pocl:0/2.1x",
                                            ",",        "gpu,",       "!",        "pocl:0/-1"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        const char *said = chosen(unknown[i]);
        ck_assert_msg(strncmp(said, "error 1:", 8) == 0 && strstr(said, "pocl:1 (device 4)"),
                      "%s gives %s", unknown[i], said);
    }
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        ck_assert_msg(strncmp(chosen(malformed[i]), "error 1:", 8) == 0, "%s gives %s",
                      malformed[i], chosen(malformed[i]));
    ck_assert_msg(strncmp(chosen("pocl:*,!pocl:*"), "error 6:", 8) == 0, "%s",
                  chosen("pocl:*,!pocl:*"));
    char many[1024] = "pocl:0";
    for (int i = 0; i < 70; i++)
        strcat(many, ",pocl:0");
    ck_assert_int_eq(strncmp(chosen(many), "error 1:", 8), 0);
}
END_TEST

START_TEST(test_ranks_divide_devices)
{
    ck_assert_str_eq(dealt("all", 3, 0), "amd:0 pocl:0 xilinx:0");
    ck_assert_str_eq(dealt("all", 3, 1), "intel:0 pocl:1");
    ck_assert_str_eq(dealt("all", 3, 2), "intelfpga:0 rusticl:0");
    ck_assert_str_eq(dealt("pocl:1/2", 2, 1), "pocl:1/2.1");
}
END_TEST

START_TEST(test_more_ranks_than_devices_cut_processors)
{
    ck_assert_str_eq(dealt("pocl:1", 3, 0), "pocl:1/3.0");
    ck_assert_str_eq(dealt("pocl:1", 3, 2), "pocl:1/3.2");
    /* The GPU stays whole; the processor takes the other three ranks. */
    ck_assert_str_eq(dealt("amd:0,intel:0", 4, 0), "amd:0");
    ck_assert_str_eq(dealt("amd:0,intel:0", 4, 1), "intel:0/3.0");
    ck_assert_str_eq(dealt("amd:0,intel:0", 4, 3), "intel:0/3.2");
    /* One core beside eight: the eight are cut first. */
    ck_assert_str_eq(dealt("pocl:*", 4, 0), "pocl:0");
    ck_assert_str_eq(dealt("pocl:*", 4, 3), "pocl:1/3.2");
    /* Nothing to cut: ranks share. */
    ck_assert_str_eq(dealt("amd:0", 3, 2), "amd:0");
    ck_assert_int_eq(strncmp(dealt("all", 2, 2), "error 1:", 8), 0);
}
END_TEST

START_TEST(test_probing_is_for_groups_only)
{
    ck_assert_int_eq(mot_select_how_of(machine, N, 4, "pocl:1/2"), MOT_SELECT_NAMED);
    ck_assert_int_eq(mot_select_how_of(machine, N, 3, "pocl:1/2"), MOT_SELECT_NOT);
    ck_assert_int_eq(mot_select_how_of(machine, N, 4, "pocl:*"), MOT_SELECT_GROUP);
    ck_assert_int_eq(mot_select_how_of(machine, N, 5, "!rusticl:*"), MOT_SELECT_NOT);
    ck_assert_int_eq(mot_select_how_of(machine, N, 4, "!rusticl:*"), MOT_SELECT_GROUP);
    ck_assert_int_eq(mot_select_how_of(machine, N, 4, NULL), MOT_SELECT_GROUP);
}
END_TEST

START_TEST(test_platforms_have_short_names)
{
    static const char *const cases[][2] = {
        {"Portable Computing Language", "pocl"},
        {"Intel(R) OpenCL", "intel"},
        {"Intel(R) FPGA Emulation Platform for OpenCL(TM)", "intelfpga"},
        {"Intel(R) OpenCL Graphics", "intelgpu"},
        {"NVIDIA CUDA", "nvidia"},
        {"AMD Accelerated Parallel Processing", "amd"},
        {"rusticl", "rusticl"},
        {"Clover", "mesa"},
        {"Apple", "apple"},
        {"QUALCOMM Snapdragon(TM)", "qualcomm"},
        {"(R) Some-Thing else", "r"},
        {"\xe4\xbd\xa0", "unnamed"},
        {"", "unnamed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[24];
        mot_platform_short_name(cases[i][0], name);
        ck_assert_str_eq(name, cases[i][1]);
    }
    ck_assert_int_eq(mot_opencl_version("OpenCL 1.2 pocl"), 120);
    ck_assert_int_eq(mot_opencl_version("OpenCL 3.0 "), 300);
    ck_assert_int_eq(mot_opencl_version("what"), 0);
}
END_TEST

START_TEST(test_part_ids_are_read)
{
    char base[48];
    int n, part;
    ck_assert(mot_part_parse("pocl:0", base, &n, &part));
    ck_assert_int_eq(n, 0);
    ck_assert(mot_part_parse("pocl:0/4.3", base, &n, &part));
    ck_assert_str_eq(base, "pocl:0");
    ck_assert_int_eq(n, 4);
    ck_assert_int_eq(part, 3);
    ck_assert(!mot_part_parse("pocl:0/4.4", base, &n, &part));
    ck_assert(!mot_part_parse("pocl:0/4", base, &n, &part));
    ck_assert(!mot_part_parse("pocl:0/0.0", base, &n, &part));
    ck_assert(!mot_part_parse("pocl:0/2.1.1", base, &n, &part));
}
END_TEST

START_TEST(test_twins_share_silicon)
{
    mot_found found[6];
    memset(found, 0, sizeof found);
    cl_platform_id a = (cl_platform_id)&found[0], b = (cl_platform_id)&found[1];
    /* Two slices of one GPU behind one driver, the GPU behind another, one that shows a UUID only,
     * and a processor behind two. */
    for (int i = 0; i < 4; i++) {
        found[i].platform = i < 2 ? a : b;
        found[i].silicon.has_pci = i < 3;
        found[i].silicon.pci[1] = 65;
        found[i].silicon.has_uuid = i == 1 || i == 3;
        memset(found[i].silicon.uuid, 7, 16);
    }
    found[4].silicon.host_cpu = found[5].silicon.host_cpu = true;
    mot_twins_mark(found, 6);
    const int want[6] = {-1, -1, 0, 1, -1, 4};
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(found[i].info.twin_of, want[i]);
}
END_TEST

START_TEST(test_emulators_run_on_the_host_processor)
{
    mot_device_info info = {.kind = MOT_KIND_GPU, .name = "llvmpipe (LLVM 15.0.6, 256 bits)"};
    ck_assert(mot_silicon_is_host_cpu(&info));
    info =
        (mot_device_info){.kind = MOT_KIND_ACCELERATOR, .name = "Intel(R) FPGA Emulation Device"};
    ck_assert(mot_silicon_is_host_cpu(&info));
    info = (mot_device_info){.kind = MOT_KIND_GPU, .name = "NVIDIA H200"};
    ck_assert(!mot_silicon_is_host_cpu(&info));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("devices_select");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, make_machine, NULL);
    tcase_add_test(tests, test_auto_takes_the_faster_of_twins_and_says_so);
    tcase_add_test(tests, test_groups_and_exclusions_apply_in_order);
    tcase_add_test(tests, test_devices_split_into_parts);
    tcase_add_test(tests, test_parts_share_out_cores_and_speed);
    tcase_add_test(tests, test_what_does_not_work_is_left_out_unless_named);
    tcase_add_test(tests, test_unknown_and_malformed_patterns_are_errors);
    tcase_add_test(tests, test_ranks_divide_devices);
    tcase_add_test(tests, test_more_ranks_than_devices_cut_processors);
    tcase_add_test(tests, test_probing_is_for_groups_only);
    tcase_add_test(tests, test_platforms_have_short_names);
    tcase_add_test(tests, test_part_ids_are_read);
    tcase_add_test(tests, test_twins_share_silicon);
    tcase_add_test(tests, test_emulators_run_on_the_host_processor);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
