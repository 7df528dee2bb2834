/* pictures.c: the sets of pictures: their parts, and how pixels are scaled. */
#include "config.h"

#include "runtime/train/openers.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "runtime/train/cifar.h"
#include "runtime/train/image_folder.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Drawn digits of the test part have numbers that no training part reaches. */
static const int64_t FIRST_DRAWN_TEST = (int64_t)1 << 32;

static mot_status read_images(const mot_set *set, const mot_config *config, const char *data_dir,
                              int which, int64_t n_classes, mot_dataset **out)
{
    char *images = NULL, *labels = NULL;
    int32_t ignored;
    const bool ignores = mot_data_ignored(config, &ignored);
    mot_status status = mot_set_path(set, config, data_dir, which, &images);
    if (status == MOT_OK)
        status = mot_set_path(set, config, data_dir, which + 1, &labels);
    if (status == MOT_OK && !images != !labels)
        status = MOT_FAIL(MOT_ERR_ARGUMENT, "data.test_images and data.test_labels go together");
    *out = NULL;
    if (status == MOT_OK && images)
        status = mot_idx_read(images, labels, n_classes, ignores ? &ignored : NULL, out);
    free(images);
    free(labels);
    return status;
}

static mot_status check_same_samples(const mot_dataset *train, const mot_dataset *test)
{
    char a[MOT_SHAPE_TEXT], b[MOT_SHAPE_TEXT];
    if (!mot_shape_equal(&train->sample, &test->sample))
        return MOT_FAIL(MOT_ERR_SHAPE, "%s has samples of %s, but %s of %s", train->name,
                        mot_shape_print(&train->sample, a), test->name,
                        mot_shape_print(&test->sample, b));
    if (train->dtype != test->dtype)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s has u8 samples and %s f32, or the other way round",
                        train->name, test->name);
    return MOT_OK;
}

static mot_status open_idx(const mot_set *set, const mot_config *config, const char *data_dir,
                           mot_data *data)
{
    int64_t n_classes;
    MOT_TRY(mot_config_get_int(config, "data.classes", &n_classes));
    if (n_classes == 0)
        n_classes = set->n_classes;
    MOT_TRY(read_images(set, config, data_dir, 0, n_classes, &data->train));
    MOT_TRY(read_images(set, config, data_dir, 2, data->train->n_classes, &data->test));
    return data->test ? check_same_samples(data->train, data->test) : MOT_OK;
}

static mot_status open_drawn(const mot_config *config, mot_data *data)
{
    int64_t n, n_test;
    MOT_TRY(mot_config_get_int(config, "data.samples", &n));
    MOT_TRY(mot_config_get_int(config, "data.test_samples", &n_test));
    MOT_TRY(mot_drawn_digits(0, n, mot_data_seed(config), &data->train));
    if (n_test > 0)
        MOT_TRY(mot_drawn_digits(FIRST_DRAWN_TEST, n_test, mot_data_seed(config), &data->test));
    return MOT_OK;
}

/* The files of CIFAR that are there; at least one to train on. */
static mot_status find_cifar(const mot_set *set, const mot_config *config, const char *data_dir,
                             char *path[MOT_CIFAR_MOST_FILES], int *n)
{
    *n = 0;
    for (int i = 0; i < MOT_CIFAR_MOST_FILES && set->file[i]; i++) {
        mot_status status = mot_set_path(set, config, data_dir, i, &path[*n]);
        if (status == MOT_OK)
            ++*n;
        else if (status != MOT_ERR_FILE)
            return status;
    }
    char *none;
    return *n > 0 ? MOT_OK : mot_set_path(set, config, data_dir, 0, &none);
}

/* A set of which files are missing is used, and it is said. */
static mot_status note_missing(const mot_set *set, int n, mot_data *data)
{
    int n_all = 0;
    mot_text note = {0};
    while (n_all < MOT_CIFAR_MOST_FILES && set->file[n_all])
        n_all++;
    if (n == n_all && data->test)
        return MOT_OK;
    MOT_TRY(mot_text_add(&note, "%s: ", set->name));
    mot_status status = MOT_OK;
    if (n < n_all)
        status = mot_text_add(&note, "%d of %d training files are there, with %" PRId64 " pictures",
                              n, n_all, data->train->n);
    if (status == MOT_OK && !data->test)
        status = mot_text_add(&note, "%sno %s: nothing to test on", n < n_all ? ", and " : "",
                              set->test_file);
    data->note = note.data;
    return status;
}

static mot_status open_cifar(const mot_set *set, const mot_config *config, const char *data_dir,
                             mot_data *data)
{
    char *path[MOT_CIFAR_MOST_FILES] = {0}, *test = NULL;
    int n, n_labels = set->n_classes == 10 ? 1 : 2;
    mot_status status;
    MOT_TRY_GOTO(find_cifar(set, config, data_dir, path, &n));
    MOT_TRY_GOTO(mot_cifar_read((const char *const *)path, n, n_labels, &data->train));
    status = mot_set_path(set, config, data_dir, MOT_SET_TEST, &test);
    if (status == MOT_OK)
        status = mot_cifar_read((const char *const *)&test, 1, n_labels, &data->test);
    else if (status == MOT_ERR_FILE)
        status = MOT_OK;
    if (status == MOT_OK)
        status = note_missing(set, n, data);
fail:
    for (int i = 0; i < MOT_CIFAR_MOST_FILES; i++)
        free(path[i]);
    free(test);
    return status;
}

static mot_status read_image_options(const mot_config *config, mot_image_options *out)
{
    const char *channels;
    double *size;
    int n;
    MOT_TRY(mot_config_get_text(config, "data.channels", &channels));
    MOT_TRY(mot_config_get_floats(config, "data.size", &size, &n));
    *out = (mot_image_options){.channels = channels[0] - '0'};
    if (n == 2) {
        out->height = (int64_t)size[0];
        out->width = (int64_t)size[1];
    }
    free(size);
    return n == 0 || n == 2 ? MOT_OK
                            : MOT_FAIL(MOT_ERR_ARGUMENT,
                                       "%s: data.size has %d numbers; expected [height, width]",
                                       mot_config_where(config, "data.size"), n);
}

static mot_status open_folder(const mot_set *set, const mot_config *config, const char *data_dir,
                              mot_data *data)
{
    char *train = NULL, *test = NULL;
    mot_image_options options;
    MOT_TRY(read_image_options(config, &options));
    mot_status status;
    MOT_TRY_GOTO(mot_set_path(set, config, data_dir, 0, &train));
    MOT_TRY_GOTO(mot_set_path(set, config, data_dir, 2, &test));
    MOT_TRY_GOTO(mot_image_folder_read(train, &options, NULL, &data->train));
    if (test) {
        MOT_TRY_GOTO(mot_image_folder_read(test, &options, data->train, &data->test));
        status = check_same_samples(data->train, data->test);
    }
fail:
    free(train);
    free(test);
    return status;
}

mot_status mot_pictures_open(const mot_set *set, const mot_config *config, const char *data_dir,
                             mot_data *data)
{
    if (set->kind == MOT_SET_DRAWN)
        return open_drawn(config, data);
    if (set->kind == MOT_SET_CIFAR)
        return open_cifar(set, config, data_dir, data);
    if (set->kind == MOT_SET_FOLDER)
        return open_folder(set, config, data_dir, data);
    return open_idx(set, config, data_dir, data);
}

/* [mean, deviation], or means of all channels and then their deviations, of pixels between 0 and 1;
 * `range` is the raw value of a full pixel. */
mot_status mot_pictures_normalize(const mot_config *config, double range, mot_data *data)
{
    const mot_shape *sample = &data->train->sample;
    int64_t elements = mot_shape_elements(sample, 1);
    int64_t channels = sample->n_dims == 3 ? sample->dim[0] : 1;
    double *values = NULL;
    float *scale = NULL, *shift = NULL;
    int n = 0;
    MOT_TRY(mot_config_get_floats(config, "data.normalize", &values, &n));
    mot_status status = MOT_OK;
    int64_t n_used = n > 2 ? channels : 1;
    if (n != 0 && n != 2 && n != 2 * channels)
        MOT_TRY_GOTO(MOT_FAIL(
            MOT_ERR_SHAPE,
            "%s: data.normalize has %d numbers; samples of %" PRId64 " channels need 2 or %" PRId64,
            mot_config_where(config, "data.normalize"), n, channels, 2 * channels));
    MOT_TRY_GOTO(mot_alloc((size_t)n_used, sizeof *scale, &scale));
    data->spec.scale = scale;
    MOT_TRY_GOTO(mot_alloc((size_t)n_used, sizeof *shift, &shift));
    data->spec.shift = shift;
    for (int64_t c = 0; c < n_used; c++) {
        double mean = n ? values[c] : 0, deviation = n ? values[n_used + c] : 1;
        scale[c] = (float)(1 / (range * deviation));
        shift[c] = (float)(0 - mean / deviation);
    }
    data->spec.n_channels = n_used;
    data->spec.group = elements / n_used;
fail:
    free(values);
    return status;
}

/* ---- augmentation ---- */

/* The byte of each channel that is nearest to 0 once it is normalized. */
static mot_status find_fill(const mot_sample_spec *spec, const mot_shape *sample, uint8_t **out)
{
    int64_t channels = sample->dim[0];
    uint8_t *fill;
    MOT_TRY(mot_alloc((size_t)channels, 1, &fill));
    for (int64_t c = 0; c < channels; c++) {
        int64_t which = spec->n_channels == channels ? c : 0;
        double byte = rint(-(double)spec->shift[which] / (double)spec->scale[which]);
        fill[c] = (uint8_t)fmin(255, fmax(0, byte));
    }
    *out = fill;
    return MOT_OK;
}

mot_status mot_pictures_augment(const mot_config *config, mot_data *data)
{
    mot_augment *augment = &data->augment;
    const mot_shape *sample = &data->train->sample;
    char text[MOT_SHAPE_TEXT];
    MOT_TRY(mot_config_get_int(config, "data.augment.crop", &augment->crop));
    MOT_TRY(mot_config_get_bool(config, "data.augment.flip", &augment->flip));
    MOT_TRY(mot_config_get_float(config, "data.augment.rotate", &augment->rotate));
    MOT_TRY(mot_config_get_int(config, "data.augment.cutout", &augment->cutout));
    if (!mot_augment_is_on(augment))
        return MOT_OK;
    if (data->train->dtype != MOT_U8 || sample->n_dims != 3)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s: data.augment is for pictures (C,H,W) of bytes, but %s has samples %s "
                        "of %s",
                        mot_config_where(config, "data.augment"), data->train->name,
                        mot_shape_print(sample, text), mot_dtype_name(data->train->dtype));
    return find_fill(&data->spec, sample, &augment->fill);
}
