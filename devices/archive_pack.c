/* archive_pack.c: making archives: from a folder of binaries, and binaries with a device's
 * compiler.
 *
 * A folder that is to be packed has `binaries.list`, one binary a line:
 *     device pattern <TAB> source <TAB> options <TAB> file
 * Vendors' tools write one file for each kernel or one for all (an FPGA's image); a file that
 * several lines name is stored once.
 */
#include "config.h"

#include "devices/archive.h"
#include "devices/state.h"
#include "runtime/base/log.h"
#include "runtime/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

typedef struct packed {
    mot_text sizes, entries, blobs; /* the archive's three sections */
    char **files;                   /* what the blobs were read from */
    size_t files_capacity;
    uint32_t n_blobs, n_entries;
} packed;

static void free_packed(packed *p)
{
    for (uint32_t i = 0; i < p->n_blobs; i++)
        free(p->files[i]);
    free(p->files);
    mot_text_free(&p->sizes);
    mot_text_free(&p->entries);
    mot_text_free(&p->blobs);
}

static mot_status add_number(mot_text *text, uint64_t value, int bytes)
{
    unsigned char raw[8];
    mot_archive_put(raw, value, bytes);
    return mot_text_add_bytes(text, raw, (size_t)bytes);
}

/* The number of the binary in `file`, which is read when it is met first. */
static mot_status blob_of(packed *p, const char *folder, const char *file, uint32_t *blob)
{
    mot_text path = {0};
    char *data = NULL;
    size_t bytes;
    mot_status status;
    for (*blob = 0; *blob < p->n_blobs; ++*blob)
        if (strcmp(p->files[*blob], file) == 0)
            return MOT_OK;
    MOT_TRY_GOTO(mot_text_add(&path, "%s/%s", folder, file));
    MOT_TRY_GOTO(mot_file_read(path.data, (size_t)1 << 30, &data, &bytes));
    if (bytes == 0) {
        status = MOT_FAIL(MOT_ERR_FORMAT, "%s is empty", path.data);
        goto fail;
    }
    MOT_TRY_GOTO(mot_grow(&p->files, &p->files_capacity, (size_t)p->n_blobs + 1, sizeof *p->files));
    MOT_TRY_GOTO(add_number(&p->sizes, bytes, 8));
    MOT_TRY_GOTO(mot_text_add_bytes(&p->blobs, data, bytes));
    MOT_TRY_GOTO(mot_strdup(file, &p->files[p->n_blobs]));
    p->n_blobs++;
fail:
    free(data);
    mot_text_free(&path);
    return status;
}

/* "a\tb\tc\td" into four texts in place; false where it has another number of fields. */
static bool split_line(char *line, char *field[4])
{
    for (int i = 0; i < 4; i++) {
        field[i] = line;
        line = strchr(line, '\t');
        if (!line)
            return i == 3;
        *line++ = '\0';
    }
    return false;
}

static mot_status add_line(packed *p, const char *folder, char *line, const char *list, int number)
{
    char *field[4];
    uint32_t blob;
    if (!split_line(line, field))
        return MOT_FAIL(MOT_ERR_FORMAT,
                        "%s, line %d: a line is device, source, options and file with tabs between",
                        list, number);
    if (!field[0][0] || !field[3][0] || strchr(field[3], '/'))
        return MOT_FAIL(
            MOT_ERR_FORMAT,
            "%s, line %d: the device is empty, or the file is not one of the same folder", list,
            number);
    if (!mot_kernel_source(field[1]))
        return MOT_FAIL(MOT_ERR_FORMAT, "%s, line %d: there is no kernel source '%s'", list, number,
                        field[1]);
    MOT_TRY(blob_of(p, folder, field[3], &blob));
    MOT_TRY(add_number(&p->entries, blob, 4));
    for (int i = 0; i < 3; i++)
        MOT_TRY(add_number(&p->entries, strlen(field[i]), 4));
    for (int i = 0; i < 3; i++)
        MOT_TRY(mot_text_add_bytes(&p->entries, field[i], strlen(field[i])));
    p->n_entries++;
    return MOT_OK;
}

static mot_status read_list(packed *p, const char *folder)
{
    mot_text path = {0};
    char *text = NULL, *line, *rest;
    size_t bytes;
    mot_status status;
    MOT_TRY_GOTO(mot_text_add(&path, "%s/binaries.list", folder));
    MOT_TRY_GOTO(mot_file_read(path.data, (size_t)64 << 20, &text, &bytes));
    rest = text;
    for (int number = 1; (line = strsep(&rest, "\n")); number++) {
        size_t length = strlen(line);
        if (length > 0 && line[length - 1] == '\r')
            line[--length] = '\0';
        if (length > 0 && line[0] != '#')
            MOT_TRY_GOTO(add_line(p, folder, line, path.data, number));
    }
    if (p->n_entries == 0)
        status = MOT_FAIL(MOT_ERR_FORMAT, "%s names no binary", path.data);
fail:
    free(text);
    mot_text_free(&path);
    return status;
}

static mot_status write_archive(const packed *p, const char *path)
{
    mot_text file = {0};
    mot_status status;
    MOT_TRY_GOTO(mot_text_add_bytes(&file, MOT_ARCHIVE_MAGIC, 8));
    MOT_TRY_GOTO(add_number(&file, 0, 8));
    MOT_TRY_GOTO(add_number(&file, 0, 8));
    MOT_TRY_GOTO(add_number(&file, p->n_blobs, 4));
    MOT_TRY_GOTO(add_number(&file, p->n_entries, 4));
    MOT_TRY_GOTO(mot_text_add_bytes(&file, p->sizes.data, p->sizes.length));
    MOT_TRY_GOTO(mot_text_add_bytes(&file, p->entries.data, p->entries.length));
    MOT_TRY_GOTO(mot_text_add_bytes(&file, p->blobs.data, p->blobs.length));
    mot_archive_put((unsigned char *)file.data + 8, file.length, 8);
    mot_archive_put((unsigned char *)file.data + 16,
                    XXH64(file.data + MOT_ARCHIVE_HEAD, file.length - MOT_ARCHIVE_HEAD, 0), 8);
    MOT_TRY_GOTO(mot_file_write(path, file.data, file.length));
    mot_log(MOT_LOG_INFO, "archive %s kernels %u binaries %u bytes %zu", path, p->n_entries,
            p->n_blobs, file.length);
fail:
    mot_text_free(&file);
    return status;
}

mot_status mot_kernel_archive_pack(const char *folder, const char *path)
{
    packed p = {0};
    mot_status status = read_list(&p, folder);
    if (status == MOT_OK)
        status = write_archive(&p, path);
    free_packed(&p);
    return status;
}

/* ---- binaries with the compiler of a device that is here ---- */

/* Ask for every (source, options) of kernels.list, if there is one. */
static mot_status build_listed(mot_device *device, const char *folder)
{
    mot_text path = {0};
    char *text = NULL, *line, *rest;
    size_t bytes;
    mot_status status;
    MOT_TRY_GOTO(mot_text_add(&path, "%s/kernels.list", folder));
    if (access(path.data, F_OK) != 0)
        goto fail;
    MOT_TRY_GOTO(mot_file_read(path.data, (size_t)64 << 20, &text, &bytes));
    rest = text;
    for (int number = 1; (line = strsep(&rest, "\n")); number++) {
        cl_program program;
        char *tab = strchr(line, '\t');
        if (!*line || *line == '#')
            continue;
        if (!tab) {
            status =
                MOT_FAIL(MOT_ERR_FORMAT, "%s, line %d: a line is source and options, a tab between",
                         path.data, number);
            goto fail;
        }
        *tab = '\0';
        MOT_TRY_GOTO(mot_program_get(device, line, tab + 1, &program));
    }
fail:
    free(text);
    mot_text_free(&path);
    return status;
}

static mot_status write_binary(const mot_device *device, const mot_program *p, const char *folder,
                               mot_text *list)
{
    unsigned char *binary = NULL;
    size_t bytes;
    mot_text path = {0}, line = {0};
    char file[128];
    mot_status status;
    uint64_t hash = XXH64(p->options, strlen(p->options), 0);
    hash = XXH64(device->info.name, strlen(device->info.name), hash);
    snprintf(file, sizeof file, "%.64s-%016llx.bin", p->source, (unsigned long long)hash);
    MOT_TRY_GOTO(mot_program_binary(device, p->program, &binary, &bytes));
    MOT_TRY_GOTO(mot_text_add(&path, "%s/%s", folder, file));
    MOT_TRY_GOTO(mot_file_write(path.data, binary, bytes));
    MOT_TRY_GOTO(
        mot_text_add(&line, "%s\t%s\t%s\t%s\n", device->info.name, p->source, p->options, file));
    if (list->length == 0 || !strstr(list->data, line.data))
        MOT_TRY_GOTO(mot_text_add(list, "%s", line.data));
fail:
    free(binary);
    mot_text_free(&path);
    mot_text_free(&line);
    return status;
}

mot_status mot_device_kernel_binaries(mot_device *device, const char *folder)
{
    mot_text path = {0}, list = {0};
    char *before = NULL;
    size_t bytes;
    mot_status status;
    MOT_TRY_GOTO(build_listed(device, folder));
    MOT_TRY_GOTO(mot_text_add(&path, "%s/binaries.list", folder));
    if (access(path.data, F_OK) == 0) {
        MOT_TRY_GOTO(mot_file_read(path.data, (size_t)64 << 20, &before, &bytes));
        MOT_TRY_GOTO(mot_text_add_bytes(&list, before, bytes));
    }
    for (const mot_program *p = device->programs; p; p = p->next)
        if (p->program && strcmp(p->source, "probe") != 0)
            MOT_TRY_GOTO(write_binary(device, p, folder, &list));
    if (list.length == 0)
        MOT_TRY_GOTO(mot_text_add(&list, "# no kernels were asked for\n"));
    MOT_TRY_GOTO(mot_file_write(path.data, list.data, list.length));
fail:
    free(before);
    mot_text_free(&path);
    mot_text_free(&list);
    return status;
}
