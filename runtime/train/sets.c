#include "config.h"

#include "runtime/train/sets.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "runtime/train/gzip_file.h"

#include <stdlib.h>
#include <string.h>

#define MNIST_FILES                                                                                \
    {                                                                                              \
        "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",            \
            "t10k-labels-idx1-ubyte"                                                               \
    }

static const mot_set SETS[] = {
    {.name = "drawn-digits", .kind = MOT_SET_DRAWN, .n_classes = 10, .sample = {3, {1, 28, 28}}},
    {.name = "mnist",
     .folder = "mnist",
     .file = MNIST_FILES,
     .n_classes = 10,
     .sample = {3, {1, 28, 28}}},
    {.name = "fashion-mnist",
     .folder = "fashion-mnist",
     .file = MNIST_FILES,
     .n_classes = 10,
     .sample = {3, {1, 28, 28}}},
    {.name = "cifar10",
     .kind = MOT_SET_CIFAR,
     .folder = "cifar-10",
     .file = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
              "data_batch_5.bin"},
     .test_file = "test_batch.bin",
     .source = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
     .n_classes = 10,
     .sample = {3, {3, 32, 32}}},
    {.name = "cifar100",
     .kind = MOT_SET_CIFAR,
     .folder = "cifar-100",
     .file = {"train.bin"},
     .test_file = "test.bin",
     .source = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
     .n_classes = 100,
     .sample = {3, {3, 32, 32}}},
    {.name = "digits",
     .kind = MOT_SET_TABLE,
     .folder = "digits",
     .file = {"optdigits.tra", "optdigits.tes"},
     .table = {.separator = ',',
               .header = MOT_HEADER_NO,
               .task = MOT_TASK_CLASSIFICATION,
               .n_classes = 10,
               .shape = {3, {1, 8, 8}}},
     .range = 16},
    {.name = "iris",
     .kind = MOT_SET_TABLE,
     .folder = "iris",
     .file = {"iris.csv"},
     .table = {.separator = ',',
               .header = MOT_HEADER_YES, /* counts and the names of the classes */
               .task = MOT_TASK_CLASSIFICATION,
               .n_classes = 3}},
    {.name = "wine-quality-red",
     .kind = MOT_SET_TABLE,
     .folder = "wine-quality",
     .file = {"winequality-red.csv"},
     .table = {.separator = ';', .header = MOT_HEADER_YES, .task = MOT_TASK_REGRESSION}},
    {.name = "wine-quality-white",
     .kind = MOT_SET_TABLE,
     .folder = "wine-quality",
     .file = {"winequality-white.csv"},
     .table = {.separator = ';', .header = MOT_HEADER_YES, .task = MOT_TASK_REGRESSION}},
    {.name = "california-housing",
     .kind = MOT_SET_TABLE,
     .folder = "california-housing",
     .file = {"housing.csv"},
     .table = {.separator = ',',
               .header = MOT_HEADER_YES,
               .target = "median_house_value",
               .task = MOT_TASK_REGRESSION,
               .missing = MOT_MISSING_MEDIAN}},
    {.name = "tiny-shakespeare",
     .kind = MOT_SET_TEXT,
     .folder = "tiny-shakespeare",
     .file = {"input.txt"}},
    {.name = "idx"},
    {.name = "csv", .kind = MOT_SET_TABLE},
    {.name = "text", .kind = MOT_SET_TEXT},
    {.name = "images", .kind = MOT_SET_FOLDER},
    {.name = "packed", .kind = MOT_SET_PACKED},
};

enum { N_SETS = sizeof SETS / sizeof SETS[0] };

mot_status mot_set_find(const char *name, const mot_set **out)
{
    const char *names[N_SETS];
    for (int i = 0; i < N_SETS; i++) {
        names[i] = SETS[i].name;
        if (strcmp(names[i], name) == 0) {
            *out = &SETS[i];
            return MOT_OK;
        }
    }
    const char *nearest = mot_nearest_name(name, names, N_SETS);
    return MOT_FAIL(MOT_ERR_ARGUMENT, "data.set: there is no set '%s'; did you mean %s?", name,
                    nearest ? nearest : SETS[0].name);
}

/* The first of dir/file and dir/folder/file that exists, plain or gzip, else NULL. */
static mot_status look_in(const char *dir, const char *folder, const char *file, char **out)
{
    mot_text path = {0};
    MOT_TRY(mot_text_add(&path, "%s/%s", dir, file));
    mot_status status = mot_gzip_find(path.data, out);
    if (status != MOT_OK && folder) {
        path.length = 0;
        status = mot_text_add(&path, "%s/%s/%s", dir, folder, file);
        if (status == MOT_OK)
            status = mot_gzip_find(path.data, out);
    }
    mot_text_free(&path);
    return status;
}

static mot_status not_found(const mot_set *set, const char *file, const char *dir)
{
    mot_text how = {0};
    mot_status status =
        set->source ? mot_text_add(&how, "unpack %s into a folder %s", set->source, set->folder)
                    : mot_text_add(&how, "get it with `examples/get-data %s %s`", set->folder,
                                   dir ? dir : "DIR");
    if (status == MOT_OK && !dir)
        status = MOT_FAIL(MOT_ERR_FILE,
                          "%s: it is not known where %s is; %s and say `--data DIR`, or set "
                          "data.dir or MOTLEY_DATA",
                          set->name, file, how.data);
    else if (status == MOT_OK)
        status = MOT_FAIL(MOT_ERR_FILE,
                          "%s: neither %s/%s nor %s/%s/%s is there, plain or .gz; %s, or say where "
                          "it is with --data, data.dir or MOTLEY_DATA",
                          set->name, dir, file, dir, set->folder, file, how.data);
    mot_text_free(&how);
    return status;
}

static mot_status known_path(const mot_set *set, const char *dir, const char *file, char **out)
{
    if (!dir)
        dir = getenv("MOTLEY_DATA");
    if (!dir || !*dir)
        return not_found(set, file, NULL);
    mot_status status = look_in(dir, set->folder, file, out);
    return status == MOT_ERR_FILE ? not_found(set, file, dir) : status;
}

/* A file that the configuration names: as it stands, or in the folder that it or --data names. */
static mot_status own_path(const mot_set *set, const mot_config *config, const char *dir, int which,
                           char **out)
{
    static const char *const image_keys[] = {"data.train_images", "data.train_labels",
                                             "data.test_images", "data.test_labels"};
    static const char *const table_keys[] = {"data.file", "data.test_file"};
    bool images = set->kind == MOT_SET_IMAGES || set->kind == MOT_SET_FOLDER;
    const char *key = images ? image_keys[which] : table_keys[which], *file;
    MOT_TRY(mot_config_get_text(config, key, &file));
    if (!file) {
        bool needed = which == 0 || (set->kind == MOT_SET_IMAGES && which == 1);
        *out = NULL;
        return needed ? MOT_FAIL(MOT_ERR_ARGUMENT, "data.set %s needs %s", set->name, key) : MOT_OK;
    }
    return file[0] != '/' && dir ? look_in(dir, NULL, file, out) : mot_gzip_find(file, out);
}

mot_status mot_set_path(const mot_set *set, const mot_config *config, const char *data_dir,
                        int which, char **out)
{
    const char *dir = data_dir;
    if (!dir)
        MOT_TRY(mot_config_get_text(config, "data.dir", &dir));
    if (!set->folder)
        return own_path(set, config, dir, which, out);
    const char *file = which == MOT_SET_TEST ? set->test_file : set->file[which];
    if (file)
        return known_path(set, dir, file, out);
    *out = NULL;
    return MOT_OK;
}
