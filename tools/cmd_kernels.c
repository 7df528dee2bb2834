/* cmd_kernels.c: kernels for devices without a compiler, FPGAs above all.
 *
 * export   writes the sources that a model needs and the list of (source, options) to build.  It asks
 *          a device that has a compiler and is of the same class: the model is laid out on it for
 *          shares of several sizes, as in training and in evaluation, and the device keeps count of
 *          what was asked of it.
 * build    builds what was exported with the compiler of a device that is here.
 * pack     makes an archive of the binaries, from build or from a vendor's tools.
 */
#include "config.h"

#include "devices/devices.h"
#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "runtime/exec/exec.h"
#include "runtime/model/config.h"
#include "runtime/train/data.h"
#include "tools/command.h"
#include "tools/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKET_BYTES = 1 << 20 };

/* What a model needs on one device. */
typedef struct layout {
    mot_data *data;
    mot_graph *graph;
    mot_comm *comm;
    mot_device *device;
    mot_exec *exec;
    mot_machine machine;
    mot_machine_device row;
    mot_plan *plan; /* the executor's */
    int64_t batch;
} layout;

static void layout_close(layout *l)
{
    mot_exec_close(l->exec);
    mot_plan_free(l->plan);
    mot_device_close(l->device);
    mot_comm_close(l->comm);
    mot_graph_free(l->graph);
    mot_data_close(l->data);
}

static mot_status layout_open(const mot_config *config, const mot_arguments *arguments,
                              const mot_device_info *info, layout *l)
{
    MOT_TRY(mot_config_get_int(config, "data.batch", &l->batch));
    MOT_TRY(mot_data_open(config, arguments->data, &l->data));
    MOT_TRY(mot_model_build(config, &l->data->spec, &l->graph));
    MOT_TRY(mot_comm_open(&l->comm));
    MOT_TRY(mot_device_open(info, &(mot_device_options){.by_rule = true}, &l->device));
    l->row = (mot_machine_device){.b_s = 1e-6, .max_batch = (double)l->batch};
    snprintf(l->row.id, sizeof l->row.id, "%s", info->id);
    l->machine = (mot_machine){.device = &l->row, .n_devices = 1};
    mot_exec_options options = {.max_batch = l->batch};
    return mot_exec_open(l->graph, &l->device, 1, l->comm, &options, &l->exec);
}

/* Lay the model out for a share, and run it once forward, once as a step. */
static mot_status use_share(layout *l, int64_t share)
{
    mot_plan *plan, *before = l->plan;
    void *raw, *label;
    bool active = true;
    MOT_TRY(mot_plan_build(l->graph, mot_exec_memory(l->exec), &l->machine, share, &share,
                           BUCKET_BYTES, &plan));
    l->plan = plan;
    mot_status status = mot_exec_set_plan(l->exec, plan, 0, &active);
    mot_plan_free(before);
    MOT_TRY(status);
    MOT_TRY(mot_exec_input(l->exec, 0, &raw, &label));
    MOT_TRY(mot_exec_evaluate(l->exec, NULL));
    MOT_TRY(mot_exec_input(l->exec, 0, &raw, &label));
    MOT_TRY(mot_exec_step(l->exec, &(mot_step_scalars){.bias1 = 1, .bias2 = 1}));
    return mot_exec_finish(l->exec);
}

/* Shares 1, 2, 4, ... and the whole batch: variants change with size. */
static mot_status use_all_shares(layout *l)
{
    for (int64_t share = 1; share < l->batch; share *= 2)
        MOT_TRY(use_share(l, share));
    return use_share(l, l->batch);
}

static mot_status write_source(const char *folder, const char *line)
{
    char name[128];
    mot_text path = {0};
    snprintf(name, sizeof name, "%.*s", (int)strcspn(line, "\t\n"), line);
    const char *source = mot_kernel_source(name);
    if (!source)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "there is no kernel source named '%s'", name);
    mot_status status = mot_text_add(&path, "%s/%s.cl", folder, name);
    if (status == MOT_OK)
        status = mot_file_write(path.data, source, strlen(source));
    mot_text_free(&path);
    return status;
}

/* Append the lines of `list` that `all` does not hold yet, and write their sources. */
static mot_status merge(const char *folder, const char *list, mot_text *all, int *n_kernels)
{
    while (*list) {
        size_t length = strcspn(list, "\n");
        char line[2048];
        snprintf(line, sizeof line, "\n%.*s\n", (int)length, list);
        if (length > 0 && !strstr(all->data, line)) {
            MOT_TRY(mot_text_add(all, "%s", line + 1));
            MOT_TRY(write_source(folder, list));
            ++*n_kernels;
        }
        list += length;
        list += *list == '\n';
    }
    return MOT_OK;
}

static mot_status export_device(const mot_config *config, const mot_arguments *arguments,
                                const mot_device_info *info, mot_text *all, int *n_kernels)
{
    layout l = {0};
    char *list = NULL;
    mot_status status;
    MOT_TRY_GOTO(layout_open(config, arguments, info, &l));
    MOT_TRY_GOTO(use_all_shares(&l));
    MOT_TRY_GOTO(mot_device_kernel_list(l.device, &list));
    MOT_TRY_GOTO(merge(arguments->out, list, all, n_kernels));
fail:
    free(list);
    layout_close(&l);
    return status;
}

static mot_status export_all(const mot_config *config, const mot_arguments *arguments)
{
    mot_device_info *devices = NULL;
    char *note = NULL;
    mot_text all = {0}, path = {0};
    int n_devices = 0, n_kernels = 0;
    mot_status status;
    MOT_TRY_GOTO(mot_devices_select(arguments->devices, 1, 0, &devices, &n_devices, &note));
    MOT_TRY_GOTO(mot_folder_make(arguments->out));
    MOT_TRY_GOTO(mot_text_add(&all, "# source\toptions\n"));
    for (int i = 0; i < n_devices; i++)
        MOT_TRY_GOTO(export_device(config, arguments, &devices[i], &all, &n_kernels));
    MOT_TRY_GOTO(mot_text_add(&path, "%s/kernels.list", arguments->out));
    MOT_TRY_GOTO(mot_file_write(path.data, all.data, all.length));
    printf(
        "%s: %d kernels to build\n"
        "Build them with 'motley kernels build %s' or the vendor's tools, which then list their\n"
        "files in binaries.list (doc/kernels.md), and run 'motley kernels pack %s -o ARCHIVE'.\n",
        path.data, n_kernels, arguments->out, arguments->out);
fail:
    free(devices);
    free(note);
    mot_text_free(&all);
    mot_text_free(&path);
    return status;
}

static int run_export(const mot_command *command, const mot_arguments *arguments)
{
    mot_session session;
    if (!arguments->out)
        return mot_command_misused(command, "kernels export needs -o DIR, a folder to write to");
    if (mot_session_configure(command, arguments, &session) &&
        export_all(session.config, arguments) != MOT_OK)
        mot_session_fail(&session);
    return mot_session_close(&session);
}

static mot_status build_all(const mot_arguments *arguments)
{
    mot_device_info *devices = NULL;
    char *note = NULL;
    int n_devices = 0;
    mot_status status;
    MOT_TRY_GOTO(mot_devices_select(arguments->devices, 1, 0, &devices, &n_devices, &note));
    for (int i = 0; i < n_devices; i++) {
        mot_device *device;
        MOT_TRY_GOTO(mot_device_open(&devices[i], NULL, &device));
        status = mot_device_kernel_binaries(device, arguments->operand[0]);
        mot_device_close(device);
        MOT_TRY_GOTO(status);
        printf("%s: built for %s\n", arguments->operand[0], devices[i].id);
    }
fail:
    free(devices);
    free(note);
    return status;
}

static int run_build(const mot_command *command, const mot_arguments *arguments)
{
    mot_session_log(arguments);
    return build_all(arguments) == MOT_OK ? MOT_EXIT_OK : mot_command_failed(command, false);
}

static int run_pack(const mot_command *command, const mot_arguments *arguments)
{
    const char *archive = arguments->n_operands > 1 ? arguments->operand[1] : arguments->out;
    if (!archive)
        return mot_command_misused(command, "kernels pack needs -o ARCHIVE, a file to write");
    mot_session_log(arguments);
    if (mot_kernel_archive_pack(arguments->operand[0], archive) != MOT_OK)
        return mot_command_failed(command, false);
    printf("%s: use it with --kernels %s\n", archive, archive);
    return MOT_EXIT_OK;
}

static const mot_option export_options[] = {
    {"out", 'o', MOT_OPTION_TEXT, "DIR", "the folder to write to", MOT_PLACE(out), 0},
    MOT_OPTION_DEVICES,
    MOT_OPTION_DATA,
    MOT_OPTION_SET,
    MOT_OPTION_VERBOSE,
    MOT_OPTION_HELP,
    MOT_OPTION_END,
};

static const mot_option pack_options[] = {
    {"out", 'o', MOT_OPTION_TEXT, "ARCHIVE", "the archive to write", MOT_PLACE(out), 0},
    MOT_OPTION_VERBOSE,
    MOT_OPTION_HELP,
    MOT_OPTION_END,
};

const mot_command mot_command_kernels_export = {
    "kernels export",
    "CONFIG",
    1,
    1,
    "write the kernels that a model needs, to build them elsewhere",
    "DIR gets the sources and kernels.list, the (source, options) pairs to build.  LIST names\n"
    "a device with a compiler of the class that the binaries are for; doc/kernels.md has more.",
    export_options,
    run_export,
    false,
};

static const mot_option build_options[] = {
    MOT_OPTION_DEVICES,
    MOT_OPTION_VERBOSE,
    MOT_OPTION_HELP,
    MOT_OPTION_END,
};

const mot_command mot_command_kernels_build = {
    "kernels build",
    "DIR",
    1,
    1,
    "build exported kernels with the compiler of a device that is here",
    NULL,
    build_options,
    run_build,
    false,
};

const mot_command mot_command_kernels_pack = {
    "kernels pack",
    "DIR [ARCHIVE]",
    1,
    2,
    "make an archive of kernels that were built elsewhere",
    NULL,
    pack_options,
    run_pack,
    false,
};
