#include "config.h"

#include "runtime/train/image_folder.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "runtime/train/image.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const size_t FILE_LIMIT = (size_t)1 << 28;

/* Sorted names in a folder. */
typedef struct names {
    char **name;
    size_t n, capacity;
} names;

static void names_free(names *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->name[i]);
    free(list->name);
    *list = (names){0};
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_image(const char *name)
{
    const char *end = strrchr(name, '.');
    return end && (strcasecmp(end, ".png") == 0 || strcasecmp(end, ".jpg") == 0 ||
                   strcasecmp(end, ".jpeg") == 0);
}

/* Folders in `path`, or images; what begins with a dot is neither. */
static mot_status list_names(const char *path, bool folders, names *out)
{
    DIR *dir = opendir(path);
    mot_status status = MOT_OK;
    if (!dir)
        return MOT_FAIL(MOT_ERR_FILE, "cannot open the folder %s: %s", path, strerror(errno));
    for (struct dirent *entry; status == MOT_OK && (entry = readdir(dir));) {
        mot_text full = {0};
        struct stat info;
        if (entry->d_name[0] == '.' || (!folders && !is_image(entry->d_name)))
            continue;
        status = mot_text_add(&full, "%s/%s", path, entry->d_name);
        bool wanted = status == MOT_OK && stat(full.data, &info) == 0 &&
                      (folders ? S_ISDIR(info.st_mode) : !S_ISDIR(info.st_mode));
        mot_text_free(&full);
        if (wanted)
            status = mot_grow(&out->name, &out->capacity, out->n + 1, sizeof *out->name);
        if (wanted && status == MOT_OK)
            status = mot_strdup(entry->d_name, &out->name[out->n]);
        out->n += wanted && status == MOT_OK;
    }
    closedir(dir);
    if (status == MOT_OK && out->n == 0)
        status = MOT_FAIL(MOT_ERR_FORMAT, "%s has no %s", path,
                          folders ? "folders of images, one for each class" : "PNG or JPEG images");
    if (out->n > 0)
        qsort(out->name, out->n, sizeof *out->name, by_name);
    return status;
}

/* ---- one image ---- */

/* A set that grows. */
typedef struct growing {
    mot_dataset *set;
    const mot_image_options *options;
    uint8_t *raw;
    int32_t *label;
    size_t raw_capacity, label_capacity;
} growing;

/* The first image settles the size of all. */
static mot_status settle_size(const char *path, const mot_image *image, growing *g)
{
    const mot_image_options *o = g->options;
    mot_shape *sample = &g->set->sample;
    if (sample->n_dims == 0)
        *sample = (mot_shape){3,
                              {o->channels, o->height ? o->height : image->height,
                               o->height ? o->width : image->width}};
    if (o->height == 0 && (image->height != sample->dim[1] || image->width != sample->dim[2]))
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s has %" PRId64 "x%" PRId64 " pixels, others of the set have %" PRId64
                        "x%" PRId64 "; data.size makes all of one size",
                        path, image->height, image->width, sample->dim[1], sample->dim[2]);
    return MOT_OK;
}

static mot_status add_image(const char *path, int32_t label, growing *g)
{
    char *bytes;
    size_t size_bytes;
    mot_image image = {0};
    mot_status status;
    MOT_TRY(mot_file_read(path, FILE_LIMIT, &bytes, &size_bytes));
    MOT_TRY_GOTO(mot_image_decode(path, bytes, size_bytes, g->options->channels, &image));
    MOT_TRY_GOTO(settle_size(path, &image, g));
    size_t n = (size_t)g->set->n, sample = mot_dataset_sample_bytes(g->set);
    if (n + 1 > MOT_IMAGE_FOLDER_MOST_BYTES / sample)
        MOT_TRY_GOTO(
            MOT_FAIL(MOT_ERR_UNSUPPORTED,
                     "%s: the images before it fill %zu GiB, the most that is decoded into "
                     "memory; make data.size smaller",
                     path, MOT_IMAGE_FOLDER_MOST_BYTES >> 30));
    MOT_TRY_GOTO(mot_grow(&g->raw, &g->raw_capacity, n + 1, sample));
    MOT_TRY_GOTO(mot_grow(&g->label, &g->label_capacity, n + 1, sizeof *g->label));
    MOT_TRY_GOTO(mot_image_resize(&image, g->set->sample.dim[1], g->set->sample.dim[2],
                                  g->raw + n * sample));
    g->label[n] = label;
    g->set->n++;
fail:
    free(image.pixel);
    free(bytes);
    return status;
}

/* ---- folders ---- */

static mot_status add_folder(const char *path, int32_t label, growing *g)
{
    names files = {0};
    mot_status status = list_names(path, false, &files);
    for (size_t i = 0; status == MOT_OK && i < files.n; i++) {
        mot_text full = {0};
        status = mot_text_add(&full, "%s/%s", path, files.name[i]);
        if (status == MOT_OK)
            status = add_image(full.data, label, g);
        mot_text_free(&full);
    }
    names_free(&files);
    return status;
}

static mot_status find_class(const char *path, const char *name, const mot_dataset *like,
                             int32_t *out)
{
    for (int64_t i = 0; i < like->n_classes; i++)
        if (strcmp(like->class_name[i], name) == 0) {
            *out = (int32_t)i;
            return MOT_OK;
        }
    return MOT_FAIL(MOT_ERR_FORMAT, "%s/%s: %s has no class of this name", path, name, like->name);
}

static mot_status copy_names(char *const *name, int64_t n, mot_dataset *set)
{
    set->n_classes = n;
    MOT_TRY(mot_alloc((size_t)n, sizeof *set->class_name, &set->class_name));
    for (int64_t i = 0; i < n; i++)
        MOT_TRY(mot_strdup(name[i], &set->class_name[i]));
    return MOT_OK;
}

static mot_status add_folders(const char *path, const names *classes, const mot_dataset *like,
                              growing *g)
{
    for (size_t i = 0; i < classes->n; i++) {
        mot_text full = {0};
        int32_t label = (int32_t)i;
        mot_status status = mot_text_add(&full, "%s/%s", path, classes->name[i]);
        if (status == MOT_OK && like)
            status = find_class(path, classes->name[i], like, &label);
        if (status == MOT_OK)
            status = add_folder(full.data, label, g);
        mot_text_free(&full);
        MOT_TRY(status);
    }
    return MOT_OK;
}

mot_status mot_image_folder_read(const char *path, const mot_image_options *options,
                                 const mot_dataset *like, mot_dataset **out)
{
    names classes = {0};
    growing g = {.options = options};
    mot_status status;
    MOT_TRY_GOTO(mot_alloc(1, sizeof *g.set, &g.set));
    g.set->dtype = MOT_U8;
    MOT_TRY_GOTO(mot_strdup(path, &g.set->name));
    MOT_TRY_GOTO(list_names(path, true, &classes));
    MOT_TRY_GOTO(copy_names(like ? like->class_name : classes.name,
                            like ? like->n_classes : (int64_t)classes.n, g.set));
    MOT_TRY_GOTO(add_folders(path, &classes, like, &g));
    g.set->raw = g.set->owned[0] = g.raw;
    g.set->label = g.set->owned[1] = g.label;
    g.raw = NULL;
    g.label = NULL;
    *out = g.set;
    g.set = NULL;
fail:
    mot_dataset_free(g.set);
    free(g.raw);
    free(g.label);
    names_free(&classes);
    return status;
}
