/* file.c: whole files in and out, and the place for remembered things (declared in text.h). */
#include "config.h"

#include "runtime/base/clock.h"
#include "runtime/base/memory.h"
#include "runtime/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

mot_status mot_file_read(const char *path, size_t limit_bytes, char **out, size_t *size_bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return MOT_FAIL(MOT_ERR_FILE, "cannot open %s: %s", path, strerror(errno));
    mot_text text = {0};
    mot_status status = mot_text_add_bytes(&text, "", 0);
    char block[65536];
    size_t n;
    while (status == MOT_OK && (n = fread(block, 1, sizeof block, file)) > 0) {
        if (text.length + n > limit_bytes)
            status = MOT_FAIL(MOT_ERR_FORMAT, "%s is larger than %zu bytes", path, limit_bytes);
        else
            status = mot_text_add_bytes(&text, block, n);
    }
    if (status == MOT_OK && ferror(file))
        status = MOT_FAIL(MOT_ERR_FILE, "cannot read %s: %s", path, strerror(errno));
    fclose(file);
    if (status != MOT_OK) {
        mot_text_free(&text);
        return status;
    }
    *out = text.data;
    *size_bytes = text.length;
    return MOT_OK;
}

static mot_status write_all(int file, const char *path, const char *data, size_t size_bytes)
{
    while (size_bytes > 0) {
        ssize_t n = write(file, data, size_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return MOT_FAIL(MOT_ERR_FILE, "cannot write %s: %s", path, strerror(errno));
        data += n;
        size_bytes -= (size_t)n;
    }
    return MOT_OK;
}

/* The rename is only durable once the folder itself is synced. */
static void sync_folder_of(const char *path)
{
    char *copy;
    if (mot_strdup(path, &copy) != MOT_OK)
        return;
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY);
    if (folder >= 0) {
        fsync(folder);
        close(folder);
    }
    free(copy);
}

mot_status mot_file_begin(const char *path, mot_file_writer *out)
{
    /* Threads of one process may write the same file, too. */
    static unsigned n_written;
    unsigned number = __atomic_fetch_add(&n_written, 1, __ATOMIC_RELAXED);
    mot_text temporary = {0};
    char *copy;
    MOT_TRY(mot_text_add(&temporary, "%s.%ld.%u.tmp", path, (long)getpid(), number));
    mot_status status = mot_strdup(path, &copy);
    if (status != MOT_OK) {
        mot_text_free(&temporary);
        return status;
    }
    int file = open(temporary.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) {
        status = MOT_FAIL(MOT_ERR_FILE, "cannot write %s: %s", path, strerror(errno));
        mot_text_free(&temporary);
        free(copy);
        return status;
    }
    *out = (mot_file_writer){file, copy, temporary.data};
    return MOT_OK;
}

mot_status mot_file_add(mot_file_writer *writer, const void *data, size_t size_bytes)
{
    return write_all(writer->file, writer->path, data, size_bytes);
}

mot_status mot_file_end(mot_file_writer *writer, mot_status status)
{
    const char *path = writer->path;
    if (status == MOT_OK && fsync(writer->file) != 0)
        status = MOT_FAIL(MOT_ERR_FILE, "cannot write %s: %s", path, strerror(errno));
    if (close(writer->file) != 0 && status == MOT_OK)
        status = MOT_FAIL(MOT_ERR_FILE, "cannot write %s: %s", path, strerror(errno));
    if (status == MOT_OK && rename(writer->temporary, path) != 0)
        status = MOT_FAIL(MOT_ERR_FILE, "cannot write %s: %s", path, strerror(errno));
    if (status != MOT_OK)
        unlink(writer->temporary);
    else
        sync_folder_of(path);
    free(writer->path);
    free(writer->temporary);
    return status;
}

mot_status mot_file_write(const char *path, const void *data, size_t size_bytes)
{
    mot_file_writer writer;
    MOT_TRY(mot_file_begin(path, &writer));
    return mot_file_end(&writer, mot_file_add(&writer, data, size_bytes));
}

mot_status mot_folder_make(const char *path)
{
    char *copy;
    if (!*path)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "the name of a folder is empty");
    MOT_TRY(mot_strdup(path, &copy));
    int failed = 0;
    for (char *slash = copy + 1; !failed && *slash; slash++) {
        if (*slash != '/')
            continue;
        *slash = '\0';
        failed = mkdir(copy, 0777) != 0 && errno != EEXIST;
        *slash = '/';
    }
    if (!failed)
        failed = mkdir(copy, 0777) != 0 && errno != EEXIST;
    free(copy);
    if (failed)
        return MOT_FAIL(MOT_ERR_FILE, "cannot make the folder %s: %s", path, strerror(errno));
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return MOT_FAIL(MOT_ERR_FILE, "%s is there and is not a folder", path);
    return MOT_OK;
}

/* NAME.PID.N.tmp, as mot_file_write calls what is not finished yet. */
static bool is_unfinished(const char *name)
{
    const char *end = strstr(name, ".tmp");
    if (!end || end[4] != '\0')
        return false;
    for (int number = 0; number < 2; number++) {
        const char *last = end;
        while (end > name && end[-1] >= '0' && end[-1] <= '9')
            end--;
        if (end == last || end - 1 <= name || *--end != '.')
            return false;
    }
    return true;
}

static void remove_unfinished(int folder)
{
    int copy = dup(folder);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    if (!list) {
        if (copy >= 0)
            close(copy);
        return;
    }
    for (struct dirent *entry; (entry = readdir(list));)
        if (is_unfinished(entry->d_name))
            unlinkat(folder, entry->d_name, 0);
    closedir(list);
}

mot_status mot_folder_take(const char *path, int *lock)
{
    MOT_TRY(mot_folder_make(path));
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return MOT_FAIL(MOT_ERR_FILE, "cannot open the folder %s: %s", path, strerror(errno));
    /* A file system without locks is taken as it is. */
    if (flock(folder, LOCK_EX | LOCK_NB) == 0) {
        remove_unfinished(folder);
    } else if (errno == EWOULDBLOCK) {
        close(folder);
        return MOT_FAIL(MOT_ERR_FILE, "another run is writing to %s", path);
    }
    *lock = folder;
    return MOT_OK;
}

mot_status mot_cache_path(const char *name, char **out)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    mot_text path = {0};
    mot_status status;
    if (cache && cache[0] == '/')
        status = mot_text_add(&path, "%s/motley", cache);
    else if (home && home[0] == '/')
        status = mot_text_add(&path, "%s/.cache/motley", home);
    else
        return MOT_FAIL(MOT_ERR_FILE, "no cache folder: neither XDG_CACHE_HOME nor HOME is set");
    const char *slash = strrchr(name, '/');
    if (status == MOT_OK && slash)
        status = mot_text_add(&path, "/%.*s", (int)(slash - name), name);
    if (status == MOT_OK)
        status = mot_folder_make(path.data);
    if (status == MOT_OK)
        status = mot_text_add(&path, "/%s", slash ? slash + 1 : name);
    if (status != MOT_OK) {
        mot_text_free(&path);
        return status;
    }
    *out = path.data;
    return MOT_OK;
}

int mot_cache_lock(const char *name, double limit_s)
{
    char *path;
    if (mot_cache_path(name, &path) != MOT_OK)
        return -1;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    free(path);
    double start_s = mot_clock_s();
    while (file >= 0 && flock(file, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || mot_clock_s() - start_s > limit_s) {
            close(file);
            return -1;
        }
        usleep(5000);
    }
    return file;
}
