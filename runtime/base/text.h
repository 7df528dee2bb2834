/* text.h: strings that grow, numbers from text, and the nearest known name to a misspelt one. */
#ifndef MOT_BASE_TEXT_H
#define MOT_BASE_TEXT_H

#include "runtime/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A growing string; {0} is an empty one.  `data` is NUL-terminated once something was added. */
typedef struct mot_text {
    char *data;
    size_t length, capacity;
} mot_text;

/** Append formatted text; numbers have a point in any locale. */
mot_status mot_text_add(mot_text *text, const char *format, ...) MOT_PRINTF(2, 3);
mot_status mot_text_add_bytes(mot_text *text, const void *bytes, size_t length);
void mot_text_free(mot_text *text);

/** The whole of `text` as a number, or MOT_ERR_ARGUMENT with a message that names `what`. */
mot_status mot_parse_int(const char *what, const char *text, int64_t *out);
mot_status mot_parse_float(const char *what, const char *text, double *out);

/** The entry of `names` (n of them, none NULL) that is nearest to `name` by edit distance, or NULL
 *  when none is near enough to be meant. */
const char *mot_nearest_name(const char *name, const char *const *names, size_t n);

/** Read a whole file into *out (NUL added behind *size_bytes).  The caller frees it.
 *  Errors: MOT_ERR_FILE; MOT_ERR_FORMAT when it is larger than `limit_bytes`. */
mot_status mot_file_read(const char *path, size_t limit_bytes, char **out, size_t *size_bytes);

/** Write a file whole or not at all: to a temporary name in its folder, synced, renamed. */
mot_status mot_file_write(const char *path, const void *data, size_t size_bytes);

/** The same piece by piece: begin, add, and end in any case, which is told how it went so far: only
 *  MOT_OK puts the file in its place.  End returns that status, or its own failure. */
typedef struct mot_file_writer {
    int file;
    char *path, *temporary;
} mot_file_writer;
mot_status mot_file_begin(const char *path, mot_file_writer *out);
mot_status mot_file_add(mot_file_writer *writer, const void *data, size_t size_bytes);
mot_status mot_file_end(mot_file_writer *writer, mot_status status);

/** Create a folder and its missing parents. */
mot_status mot_folder_make(const char *path);

/** Create a folder for one writer at a time, and remove what a killed writer left of unfinished files.
 *  `*lock` is a file descriptor: the folder is free again when it is closed or the process ends.
 *  Errors: MOT_ERR_FILE, also when another writer has the folder. */
mot_status mot_folder_take(const char *path, int *lock);

/** The folder for remembered things, `$XDG_CACHE_HOME/motley` or `$HOME/.cache/motley`, with `name`
 *  appended; parents are made.  The caller frees *out.  Errors: MOT_ERR_FILE. */
mot_status mot_cache_path(const char *name, char **out);

/** Lock the file `name` of that folder against other processes; waits at most `limit_s`.
 *  Returns a file descriptor, free again when it is closed or the process ends; -1: no lock to be had. */
int mot_cache_lock(const char *name, double limit_s);

#endif
