/* The table of remembered choices on disk.  Whoever writes takes a lock, merges and renames, so
 * several ranks and runs may do it at once and nothing is lost. */
#include "config.h"

#include "devices/tuned.h"

#include "devices/probe.h"
#include "runtime/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 24 };

static const double LOCK_LIMIT_S = 30;
static const char first_line[] = "motley tuned 1\n";

static mot_status path_of(const mot_device_info *info, char **path)
{
    char key[17], name[32];
    mot_probe_key(info, key);
    snprintf(name, sizeof name, "tuned-%s", key);
    return mot_cache_path(name, path);
}

int mot_tuned_lock(void)
{
    return mot_cache_lock("tune.lock", LOCK_LIMIT_S);
}

mot_status mot_tuned_take(const char *path, const mot_device_info *info, mot_tuned *tuned)
{
    char key[17], *text;
    size_t bytes;
    if (access(path, F_OK) != 0)
        return MOT_OK;
    MOT_TRY(mot_file_read(path, MOST_BYTES, &text, &bytes));
    mot_probe_key(info, key);
    mot_status status = mot_tuned_read(tuned, text, key, path);
    free(text);
    return status;
}

static mot_status take_remembered(const mot_device_info *info, mot_tuned *tuned)
{
    char *path;
    MOT_TRY(path_of(info, &path));
    mot_status status = mot_tuned_take(path, info, tuned);
    free(path);
    return status;
}

static void complain(const mot_device_info *info, const char *what)
{
    mot_log(MOT_LOG_INFO, "tuned device %s %s 0 why \"%s\"", info->id, what, mot_error_message());
}

void mot_tuned_load(const mot_device_info *info, mot_tuned *out)
{
    const char *shared = getenv("MOTLEY_TUNED");
    *out = (mot_tuned){0};
    if (shared && *shared && strcmp(shared, "0") != 0 &&
        mot_tuned_take(shared, info, out) != MOT_OK)
        complain(info, "shared");
    if (take_remembered(info, out) != MOT_OK)
        complain(info, "recalled");
    if (out->n_entries + out->n_bad > 0)
        mot_log(MOT_LOG_INFO, "tuned device %s problems %zu struck_off %zu", info->id,
                out->n_entries, out->n_bad);
}

mot_status mot_tuned_store(const mot_device_info *info, mot_tuned *tuned, bool replace)
{
    char *path;
    mot_text text = {0};
    mot_tuned merged = {0};
    mot_status status;
    MOT_TRY(path_of(info, &path));
    int file = mot_cache_lock("tuned.lock", LOCK_LIMIT_S);
    if (file < 0)
        mot_log(MOT_LOG_INFO, "tuned device %s lock 0", info->id);
    if (take_remembered(info, &merged) != MOT_OK)
        complain(info, "recalled"); /* what cannot be read is written anew */
    MOT_TRY_GOTO(mot_tuned_merge(&merged, tuned, replace));
    MOT_TRY_GOTO(mot_text_add(&text, "%s", first_line));
    MOT_TRY_GOTO(mot_tuned_print(&merged, info, &text));
    MOT_TRY_GOTO(mot_file_write(path, text.data, text.length));
    mot_tuned_free(tuned);
    *tuned = merged;
    merged = (mot_tuned){0};
fail:
    if (file >= 0)
        close(file);
    mot_tuned_free(&merged);
    mot_text_free(&text);
    free(path);
    return status;
}

mot_status mot_tuned_forget(const mot_device_info *info)
{
    char *path;
    MOT_TRY(path_of(info, &path));
    mot_status status = MOT_OK;
    if (unlink(path) != 0 && errno != ENOENT)
        status = MOT_FAIL(MOT_ERR_FILE, "cannot remove %s: %s", path, strerror(errno));
    free(path);
    return status;
}

/* What a file says of other devices, with their keys. */
static mot_status keep_others(const char *text, const char *key, mot_text *out)
{
    bool ours = true; /* the lines before the first key */
    while (*text) {
        size_t length = strcspn(text, "\n");
        if (strncmp(text, "key ", 4) == 0)
            ours = strncmp(text + 4, key, strlen(key)) == 0;
        if (!ours)
            MOT_TRY(mot_text_add(out, "%.*s\n", (int)length, text));
        text += length + (text[length] == '\n');
    }
    return MOT_OK;
}

mot_status mot_tuned_give(const char *path, const mot_device_info *info, const mot_tuned *tuned)
{
    char key[17], *old = NULL;
    size_t bytes;
    mot_text text = {0};
    mot_status status;
    mot_probe_key(info, key);
    /* Of this host only; others may write the same file. */
    int file = mot_cache_lock("tuned.lock", LOCK_LIMIT_S);
    MOT_TRY_GOTO(mot_text_add(&text, "%s", first_line));
    if (access(path, F_OK) == 0) {
        MOT_TRY_GOTO(mot_file_read(path, MOST_BYTES, &old, &bytes));
        if (strncmp(old, first_line, sizeof first_line - 1) != 0) {
            status = MOT_FAIL(MOT_ERR_FORMAT, "%s is there and is no file of tuned choices", path);
            goto fail;
        }
        MOT_TRY_GOTO(keep_others(old, key, &text));
    }
    MOT_TRY_GOTO(mot_tuned_print(tuned, info, &text));
    MOT_TRY_GOTO(mot_file_write(path, text.data, text.length));
fail:
    if (file >= 0)
        close(file);
    free(old);
    mot_text_free(&text);
    return status;
}
