/* remember.c: what a device was measured to do, kept between runs.
 *
 * One text file a device, `probe-<key>` in the cache folder, lines `name value`, whole numbers only
 * (no locale can misread them).  The key is the hash of platform, device, driver, cores and of all
 * kernels: another driver or another release of motley measures anew.  The first lines are for
 * people.  A file that is not complete counts as absent.
 */
#include "config.h"

#include "devices/probe.h"
#include "devices/state.h"
#include "runtime/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

static const char first_line[] = "motley probe 1";

void mot_probe_key(const mot_device_info *info, char out[17])
{
    char kernels[17];
    mot_kernels_hash(kernels);
    uint64_t hash = XXH64(kernels, 16, (uint64_t)info->compute_units);
    const char *texts[] = {info->platform, info->name, info->driver, info->opencl_version};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        hash = XXH64(texts[i], strlen(texts[i]) + 1, hash);
    snprintf(out, 17, "%016" PRIx64, hash);
}

static mot_status path_of(const mot_device_info *info, char **path)
{
    char key[17], name[32];
    mot_probe_key(info, key);
    snprintf(name, sizeof name, "probe-%s", key);
    return mot_cache_path(name, path);
}

/* The value of a line `name value`, or -1. */
static int64_t number(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        int64_t value;
        if (strncmp(line, name, n) == 0 && line[n] == ' ' &&
            sscanf(line + n, " %" SCNd64, &value) == 1 && value >= 0)
            return value;
    }
    return -1;
}

static bool read_into(const char *text, mot_device_info *info)
{
    static const char *const names[] = {"works",
                                        "fp64",
                                        "fp16",
                                        "matmul_flops_per_s",
                                        "memory_bytes_per_s",
                                        "to_device_bytes_per_s",
                                        "from_device_bytes_per_s",
                                        "launch_latency_ns",
                                        "command_buffers",
                                        "joins"};
    int64_t v[10];
    if (strncmp(text, first_line, sizeof first_line - 1) != 0 || !strstr(text, "\nend\n"))
        return false;
    for (int i = 0; i < 10; i++)
        if ((v[i] = number(text, names[i])) < 0)
            return false;
    info->works = v[0] == 1, info->fp64 = v[1] == 1, info->fp16 = v[2] == 1;
    info->command_buffers = v[8] == 1;
    info->joins = v[9] == 1;
    info->speed = (mot_device_speed){.matmul_flops_per_s = (double)v[3],
                                     .memory_bytes_per_s = (double)v[4],
                                     .to_device_bytes_per_s = (double)v[5],
                                     .from_device_bytes_per_s = (double)v[6],
                                     .launch_latency_s = (double)v[7] * 1e-9};
    const char *trouble = strstr(text, "\ntrouble ");
    if (trouble && !info->works)
        snprintf(info->trouble, sizeof info->trouble, "%.*s", (int)strcspn(trouble + 9, "\n"),
                 trouble + 9);
    return true;
}

bool mot_probe_recall(mot_device_info *info)
{
    char *path, *text;
    size_t bytes;
    bool found = false;
    if (path_of(info, &path) != MOT_OK)
        return false;
    if (access(path, R_OK) == 0 && mot_file_read(path, 65536, &text, &bytes) == MOT_OK) {
        found = read_into(text, info);
        if (!found)
            mot_log(MOT_LOG_INFO, "probe file %s damaged 1", path);
        free(text);
    }
    free(path);
    return found;
}

void mot_probe_remember(const mot_device_info *info)
{
    char *path = NULL, trouble[256];
    mot_text text = {0};
    mot_status status;
    snprintf(trouble, sizeof trouble, "%s", info->trouble);
    for (char *c = trouble; *c; c++)
        if (*c == '\n')
            *c = ' ';
    MOT_TRY_GOTO(path_of(info, &path));
    MOT_TRY_GOTO(mot_text_add(&text, "%s\nid %s\nname %s\nplatform %s\ndriver %s\n", first_line,
                              info->id, info->name, info->platform, info->driver));
    MOT_TRY_GOTO(mot_text_add(
        &text,
        "works %d\nfp64 %d\nfp16 %d\nmatmul_flops_per_s %.0f\nmemory_bytes_per_s %.0f\n"
        "to_device_bytes_per_s %.0f\nfrom_device_bytes_per_s %.0f\nlaunch_latency_ns %.0f\n"
        "command_buffers %d\njoins %d\ntrouble %s\nend\n",
        info->works, info->fp64, info->fp16, info->speed.matmul_flops_per_s,
        info->speed.memory_bytes_per_s, info->speed.to_device_bytes_per_s,
        info->speed.from_device_bytes_per_s, info->speed.launch_latency_s * 1e9,
        info->command_buffers, info->joins, trouble));
    MOT_TRY_GOTO(mot_file_write(path, text.data, text.length));
fail:
    if (status != MOT_OK)
        mot_log(MOT_LOG_INFO, "probe device %s remembered 0 why \"%s\"", info->id,
                mot_error_message());
    mot_text_free(&text);
    free(path);
}
