/* joined_measure.c: is one launch faster than several here?
 *
 * Some CPU drivers keep their threads awake between launches and lose little by them (Intel's);
 * others wake them for each (pocl).  So chains of launches, queued as a training queues its steps,
 * are timed both ways in turns, and their results compared; each launch is a few tens of
 * microseconds of work for one thread, little enough that what a launch costs decides, on a busy
 * machine too. */
#include "config.h"

#include "devices/commands.h"
#include "devices/variant.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINKS = 8, ROWS = 512, COLUMNS = 64, CHUNK = 16, STEPS = 4, BATCHES = 2, ROUNDS = 21 };

static const double CLEARLY = 0.98; /* of the time of launches one by one */

/* Softmax of softmax of ... of what the buffer holds, in place. */
static mot_status record_chain(mot_commands *commands, mot_buffer *buffer)
{
    const mot_view view = {.buffer = buffer, .dtype = MOT_F32, .shape = {2, {ROWS, COLUMNS}}};
    char options[32];
    snprintf(options, sizeof options, "-DVW=%d", mot_device_traits(commands->device).vector);
    for (int i = 0; i < LINKS; i++) {
        mot_launch launch;
        mot_launch_begin(&launch, commands, "softmax", options, "softmax_vector");
        mot_launch_view(&launch, &view);
        mot_launch_view(&launch, &view);
        mot_launch_long(&launch, ROWS);
        mot_launch_long(&launch, COLUMNS);
        mot_launch_long(&launch, CHUNK);
        launch.units = true;
        MOT_TRY(mot_launch_end(&launch, "softmax", 1, (size_t[]){ROWS / CHUNK}, (size_t[]){1}));
    }
    return MOT_OK;
}

static mot_status run_chain(mot_commands *commands, mot_buffer *buffer, const float *in, float *out,
                            double *best_s)
{
    MOT_TRY(mot_buffer_write(buffer, 0, sizeof(float) * ROWS * COLUMNS, in));
    double start_s = mot_clock_s();
    for (int i = 0; i < BATCHES; i++)
        MOT_TRY(mot_commands_run_steps(commands, 0, LINKS, (mot_slots){0, STEPS, 1}));
    MOT_TRY(mot_device_finish(commands->device));
    *best_s = fmin(*best_s, mot_clock_s() - start_s);
    return mot_buffer_read(buffer, 0, sizeof(float) * ROWS * COLUMNS, out);
}

static mot_status compare(mot_device *device, mot_commands *commands, mot_buffer *buffer,
                          double best_s[2])
{
    const size_t bytes = sizeof(float) * ROWS * COLUMNS;
    float *data[3] = {NULL, NULL, NULL}, **out = data + 1; /* in, out of both ways */
    mot_status status = MOT_OK;
    for (int i = 0; i < 3; i++)
        MOT_TRY_GOTO(mot_alloc(bytes, 1, &data[i]));
    for (int i = 0; i < ROWS * COLUMNS; i++)
        data[0][i] = (float)(i % 97) * 0.05f;
    best_s[0] = best_s[1] = INFINITY;
    for (int i = -2; i < 2 * ROUNDS; i++) {
        double warm_up = INFINITY;
        const int way = i & 1;
        device->joins = way == 1;
        MOT_TRY_GOTO(
            run_chain(commands, buffer, data[0], out[way], i < 0 ? &warm_up : &best_s[way]));
        if (way == 1 && !device->joins)
            status = MOT_FAIL(MOT_ERR_UNSUPPORTED, "kernels cannot be joined");
        else if (way == 1 && memcmp(out[0], out[1], bytes) != 0)
            status = MOT_FAIL(MOT_ERR_NUMERIC, "joined kernels give other numbers");
        MOT_TRY_GOTO(status);
    }
fail:
    for (int i = 0; i < 3; i++)
        free(data[i]);
    return status;
}

bool mot_joined_pays(mot_device *device)
{
    mot_commands *commands = NULL;
    mot_buffer *buffer = NULL;
    mot_status status;
    double best_s[2] = {0, 0};
    const bool before = device->joins;
    if (!mot_device_might_join(device))
        return false;
    MOT_TRY_GOTO(mot_commands_new(device, &commands));
    MOT_TRY_GOTO(mot_buffer_new(device, sizeof(float) * ROWS * COLUMNS, &buffer));
    MOT_TRY_GOTO(record_chain(commands, buffer));
    MOT_TRY_GOTO(compare(device, commands, buffer, best_s));
fail:
    device->joins = before;
    mot_commands_free(commands);
    mot_buffer_free(buffer);
    if (status != MOT_OK) {
        mot_log(MOT_LOG_INFO, "probe device %s joins 0 why \"%s\"", device->info.id,
                mot_error_message());
        return false;
    }
    mot_log(MOT_LOG_INFO, "probe device %s %d_launches_us %.1f joined_us %.1f", device->info.id,
            LINKS * STEPS * BATCHES, best_s[0] * 1e6, best_s[1] * 1e6);
    return best_s[1] < CLEARLY * best_s[0];
}
