/* machine.c: a machine as text, so that it can be kept, mailed and asked about elsewhere.
 *
 *     motley-machine 1
 *     device pocl:0 rank 0 a_s 0.0001 b_s 2e-06 max_batch 4096 min_step_s 5e-05
 */
#include "config.h"

#include "runtime/plan/plan.h"

#include "runtime/base/memory.h"
#include "runtime/plan/lines.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1 };

static mot_status print_device(mot_text *text, const mot_machine_device *device)
{
    if (device->id[0] == '\0' || strpbrk(device->id, " \t\r\n"))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "the device id '%s' is not one word", device->id);
    MOT_TRY(mot_text_add(text, "device %s rank %d", device->id, device->rank));
    MOT_TRY(mot_lines_add_float(text, "a_s", device->a_s));
    MOT_TRY(mot_lines_add_float(text, "b_s", device->b_s));
    MOT_TRY(mot_lines_add_float(text, "max_batch", device->max_batch));
    MOT_TRY(mot_lines_add_float(text, "min_step_s", device->min_step_s));
    return mot_text_add(text, "\n");
}

mot_status mot_machine_print(const mot_machine *machine, char **out)
{
    mot_text text = {0};
    mot_status status = mot_text_add(&text, "motley-machine %d\n", VERSION);
    for (int i = 0; i < machine->n_devices && status == MOT_OK; i++)
        status = print_device(&text, &machine->device[i]);
    if (status != MOT_OK) {
        mot_text_free(&text);
        return status;
    }
    *out = text.data;
    return MOT_OK;
}

static mot_status parse_device(mot_lines *lines, mot_machine_device *out)
{
    mot_machine_device device = {0};
    const char *id;
    int64_t rank;
    MOT_TRY(mot_lines_text(lines, "device", &id));
    if (strlen(id) >= sizeof device.id)
        return mot_lines_fail(lines, "the id '%.64s' is longer than %zu characters", id,
                              sizeof device.id - 1);
    snprintf(device.id, sizeof device.id, "%s", id);
    MOT_TRY(mot_lines_int(lines, "rank", 0, INT_MAX, &rank));
    device.rank = (int)rank;
    MOT_TRY(mot_lines_float(lines, "a_s", false, &device.a_s));
    MOT_TRY(mot_lines_float(lines, "b_s", false, &device.b_s));
    MOT_TRY(mot_lines_float(lines, "max_batch", true, &device.max_batch));
    MOT_TRY(mot_lines_float(lines, "min_step_s", false, &device.min_step_s));
    *out = device;
    return MOT_OK;
}

static mot_status parse(mot_lines *lines, mot_machine *machine)
{
    bool more;
    int64_t version;
    size_t room = 0;
    MOT_TRY(mot_lines_next(lines, &more));
    if (!more || !mot_lines_is(lines, "motley-machine"))
        return mot_lines_fail(lines, "'motley-machine %d' is missing at the beginning", VERSION);
    MOT_TRY(mot_lines_int(lines, "motley-machine", VERSION, VERSION, &version));
    for (;;) {
        MOT_TRY(mot_lines_next(lines, &more));
        if (!more)
            break;
        if (!mot_lines_is(lines, "device"))
            return mot_lines_fail(lines, "'%.64s' is not known; expected 'device'", lines->word[0]);
        size_t n = (size_t)machine->n_devices;
        MOT_TRY(mot_grow(&machine->device, &room, n + 1, sizeof *machine->device));
        MOT_TRY(parse_device(lines, &machine->device[n]));
        machine->n_devices++;
    }
    if (machine->n_devices == 0)
        return mot_lines_fail(lines, "there is no device");
    return MOT_OK;
}

mot_status mot_machine_parse(const char *text, mot_machine *out)
{
    mot_lines lines;
    mot_machine machine = {0};
    MOT_TRY(mot_lines_open(text, "machine", &lines));
    mot_status status = parse(&lines, &machine);
    mot_lines_close(&lines);
    if (status == MOT_OK)
        *out = machine;
    else
        mot_machine_free(&machine);
    return status;
}

void mot_machine_free(mot_machine *machine)
{
    free(machine->device);
    *machine = (mot_machine){0};
}
