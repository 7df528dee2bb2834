/* cmd_devices.c: what devices this machine has, what works on them, and how fast they are.
 *
 * A wide terminal gets a table, others a paragraph for each device.
 */
#include "config.h"

#include "devices/devices.h"
#include "tools/command.h"
#include "tools/format.h"
#include "tools/json.h"
#include "tools/session.h"
#include "tools/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDE = 124, OTHER_COLUMNS = 94 };

static const char *kind_name(mot_device_kind kind)
{
    static const char *const names[] = {"CPU", "GPU", "accelerator", "custom"};
    return names[kind];
}

static const char *trouble(const mot_device_info *device)
{
    return *device->trouble ? device->trouble : "it was not checked";
}

static void print_abilities(FILE *out, const mot_device_info *device)
{
    if (!device->works)
        fprintf(out, "no: %s", trouble(device));
    else
        fprintf(out, "float32%s%s%s", device->fp64 ? ", fp64" : "", device->fp16 ? ", fp16" : "",
                device->compiler ? ", compiler" : "; no compiler: needs --kernels ARCHIVE");
}

static void print_rate(FILE *out, const char *name, double value, const char *unit)
{
    char text[MOT_FORMAT];
    fprintf(out, "%s%s%s", name, mot_format_si(value, text), value > 0 ? unit : "");
}

static void print_long(const mot_terminal *terminal, const mot_device_info *devices, int i)
{
    const mot_device_info *device = &devices[i];
    const mot_device_speed *speed = &device->speed;
    FILE *out = terminal->out;
    char memory[MOT_FORMAT], latency[MOT_FORMAT];
    fprintf(out, "%s%s%s  %s (%s)\n", mot_terminal_style(terminal, MOT_STYLE_BOLD), device->id,
            mot_terminal_style(terminal, MOT_STYLE_PLAIN), device->name, kind_name(device->kind));
    fprintf(out, "    driver  %.30s %.36s, %.20s\n", device->platform, device->driver,
            device->opencl_version);
    fprintf(out, "    size    %d compute unit%s, %s%s\n", device->compute_units,
            device->compute_units == 1 ? "" : "s", mot_format_bytes(device->memory_bytes, memory),
            device->unified_memory ? " shared with the host" : "");
    fprintf(out, "    works   ");
    print_abilities(out, device);
    if (device->works && speed->matmul_flops_per_s > 0) {
        print_rate(out, "\n    speed   matrix product ", speed->matmul_flops_per_s, "FLOP/s");
        print_rate(out, ", memory ", speed->memory_bytes_per_s, "B/s");
        print_rate(out, "\n            to the device ", speed->to_device_bytes_per_s, "B/s");
        print_rate(out, ", from it ", speed->from_device_bytes_per_s, "B/s");
        fprintf(out, ", launch %s", mot_format_short_time(speed->launch_latency_s, latency));
    }
    fputc('\n', out);
    if (device->twin_of >= 0)
        fprintf(out, "    twin    the same hardware as %s; auto takes the faster of the two\n",
                devices[device->twin_of].id);
}

static void print_row(const mot_terminal *terminal, const mot_device_info *device, int id_width,
                      int name_width)
{
    const mot_device_speed *speed = &device->speed;
    FILE *out = terminal->out;
    char text[MOT_FORMAT];
    fprintf(out, "%s%-*s%s  %-*.*s  %-11s", mot_terminal_style(terminal, MOT_STYLE_BOLD), id_width,
            device->id, mot_terminal_style(terminal, MOT_STYLE_PLAIN), name_width, name_width,
            device->name, kind_name(device->kind));
    fprintf(out, "  %4d  %9s", device->compute_units, mot_format_bytes(device->memory_bytes, text));
    fprintf(out, "  %7s", mot_format_si(speed->matmul_flops_per_s, text));
    fprintf(out, "  %7s", mot_format_si(speed->memory_bytes_per_s, text));
    fprintf(out, "  %7s", mot_format_si(speed->to_device_bytes_per_s, text));
    fprintf(out, "  %7s", mot_format_si(speed->from_device_bytes_per_s, text));
    fprintf(out, "  %7s  ", mot_format_short_time(speed->launch_latency_s, text));
    fprintf(out, "%s%s%s\n", device->works ? "yes" : "no", device->fp64 ? " fp64" : "",
            device->fp16 ? " fp16" : "");
}

/* What does not fit a column. */
static void print_notes(const mot_terminal *terminal, const mot_device_info *devices, int i)
{
    const mot_device_info *device = &devices[i];
    if (!device->works)
        fprintf(terminal->out, "%s does not work: %s\n", device->id, trouble(device));
    else if (!device->compiler)
        fprintf(terminal->out, "%s has no compiler: it needs --kernels ARCHIVE\n", device->id);
    if (device->twin_of >= 0)
        fprintf(terminal->out, "%s is the same hardware as %s: auto takes the faster of the two\n",
                device->id, devices[device->twin_of].id);
}

static void print_table(const mot_terminal *terminal, const mot_device_info *devices, int n_devices)
{
    int id_width = 2, name_width = 4;
    for (int i = 0; i < n_devices; i++) {
        int id = (int)strlen(devices[i].id), name = (int)strlen(devices[i].name);
        id_width = id > id_width ? id : id_width;
        name_width = name > name_width ? name : name_width;
    }
    int room = terminal->width - OTHER_COLUMNS - id_width;
    name_width = name_width < room ? name_width : room < 12 ? 12 : room;
    fprintf(terminal->out, "%s%-*s  %-*s  %-11s  %4s  %9s  %7s  %7s  %7s  %7s  %7s  %s%s\n",
            mot_terminal_style(terminal, MOT_STYLE_DIM), id_width, "id", name_width, "name", "kind",
            "CUs", "memory", "FLOP/s", "B/s", "in B/s", "out B/s", "launch", "works",
            mot_terminal_style(terminal, MOT_STYLE_PLAIN));
    for (int i = 0; i < n_devices; i++)
        print_row(terminal, &devices[i], id_width, name_width);
    for (int i = 0; i < n_devices; i++)
        print_notes(terminal, devices, i);
}

/* The devices asked for, measured unless only their ids are wanted. */
static mot_status list(const mot_arguments *arguments, mot_device_info **out, int *n_devices)
{
    int probe = arguments->ids ? 0 : arguments->probe ? 2 : 1;
    if (!arguments->devices)
        return mot_devices_list(probe, out, n_devices);
    char *note;
    MOT_TRY(mot_devices_select(arguments->devices, 1, 0, out, n_devices, &note));
    free(note);
    for (int i = 0; i < *n_devices; i++) {
        mot_device_info *device = &(*out)[i];
        device->twin_of = -1; /* counted in another list */
        mot_status status = probe ? mot_device_probe(device, arguments->probe) : MOT_OK;
        if (status != MOT_OK && !*device->trouble)
            snprintf(device->trouble, sizeof device->trouble, "%s", mot_error_message());
    }
    return MOT_OK;
}

static int run(const mot_command *command, const mot_arguments *arguments)
{
    mot_device_info *devices = NULL;
    int n_devices = 0, exit_status = MOT_EXIT_OK;
    mot_terminal terminal = mot_terminal_of(stdout), error = mot_terminal_of(stderr);
    mot_session_log(arguments);
    if (error.is_terminal && !arguments->ids)
        fprintf(stderr, "measuring ...");
    mot_status status = list(arguments, &devices, &n_devices);
    if (error.is_terminal && !arguments->ids)
        fprintf(stderr, "\r\033[K");
    if (status != MOT_OK)
        return mot_command_failed(command, false);
    if (arguments->ids) {
        for (int i = 0; i < n_devices; i++)
            printf("%s\n", devices[i].id);
    } else if (arguments->json) {
        if (mot_json_print_devices(devices, n_devices) != MOT_OK)
            exit_status = mot_command_failed(command, false);
    } else if (terminal.width >= WIDE) {
        print_table(&terminal, devices, n_devices);
    } else {
        for (int i = 0; i < n_devices; i++)
            print_long(&terminal, devices, i);
    }
    free(devices);
    return exit_status;
}

static const mot_option options[] = {
    {"devices", 'd', MOT_OPTION_TEXT, "LIST", "list these only, as 'motley train' would take them",
     MOT_PLACE(devices), 0},
    {"probe", 0, MOT_OPTION_FLAG, NULL, "measure anew instead of using what is remembered",
     MOT_PLACE(probe), 0},
    {"ids", 0, MOT_OPTION_FLAG, NULL, "print the ids only, without measuring", MOT_PLACE(ids), 0},
    MOT_OPTION_JSON("print one JSON array"),
    MOT_OPTION_VERBOSE,
    MOT_OPTION_HELP,
    MOT_OPTION_END,
};

const mot_command mot_command_devices = {
    "devices",
    "",
    0,
    0,
    "list this machine's OpenCL devices, what works and how fast",
    "A device is checked and measured when it is first seen (about a second); what was\n"
    "found is remembered until its driver changes or --probe asks anew.",
    options,
    run,
    false,
};
