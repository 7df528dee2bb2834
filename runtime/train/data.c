/* data.c: from the data block to train, validation and test parts, and what the model has to know.
 *
 * Images come with their split; of a table without a test file a random part becomes one.  The
 * statistics of a table are taken last, when it is settled which rows are trained on.  What is
 * scaled by the device (scale and shift of the inputs) is only written into the spec here.
 */
#include "config.h"

#include "runtime/train/openers.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "runtime/train/split.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

uint64_t mot_data_seed(const mot_config *config)
{
    int64_t seed = 0;
    return mot_config_get_int(config, "data.seed", &seed) == MOT_OK ? (uint64_t)seed : 0;
}

/* ---- tables ---- */

static mot_status read_separator(const mot_config *config, char *out)
{
    const char *text;
    MOT_TRY(mot_config_get_text(config, "data.separator", &text));
    if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0)
        *out = '\t';
    else if (strcmp(text, "space") == 0)
        *out = ' ';
    else if (strlen(text) == 1 && !strchr("\"\r\n", text[0]))
        *out = text[0];
    else if (strcmp(text, "auto") != 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: data.separator '%s'; expected auto, tab, space, or one character",
                        mot_config_where(config, "data.separator"), text);
    return MOT_OK;
}

/* Number of the configuration's word in words[], after "auto" = -1, which leaves *out as it is. */
static mot_status read_choice(const mot_config *config, const char *key, const char *const *words,
                              int n, int *out)
{
    const char *text;
    MOT_TRY(mot_config_get_text(config, key, &text));
    for (int i = 0; i < n; i++)
        if (strcmp(words[i], text) == 0)
            *out = i;
    return MOT_OK;
}

static mot_status read_shape(const mot_config *config, mot_shape *out)
{
    double *dims;
    int n;
    MOT_TRY(mot_config_get_floats(config, "data.shape", &dims, &n));
    mot_status status = MOT_OK;
    if (n > MOT_MAX_DIMS - 1)
        status = MOT_FAIL(MOT_ERR_SHAPE, "%s: data.shape has %d dimensions; %d are the most",
                          mot_config_where(config, "data.shape"), n, MOT_MAX_DIMS - 1);
    for (int i = 0; status == MOT_OK && i < n; i++)
        out->dim[i] = (int64_t)dims[i];
    if (status == MOT_OK && n > 0)
        out->n_dims = n;
    free(dims);
    return status;
}

static bool loss_is_bce(const mot_config *config)
{
    const char *loss;
    return mot_config_get_text(config, "model.loss", &loss) == MOT_OK && strcmp(loss, "bce") == 0;
}

/* What the configuration says beyond what is known of the set. */
static mot_status read_table_options(const mot_config *config, mot_table_options *o)
{
    static const char *const headers[] = {"", "true", "false"};
    static const char *const tasks[] = {"", "classification", "regression"};
    static const char *const gaps[] = {"error", "median", "mean"};
    int header = o->header, task = o->task, missing = o->missing;
    const char *target;
    MOT_TRY(read_separator(config, &o->separator));
    MOT_TRY(read_choice(config, "data.header", headers, 3, &header));
    MOT_TRY(read_choice(config, "data.task", tasks, 3, &task));
    MOT_TRY(read_choice(config, "data.missing", gaps, 3, &missing));
    o->header = (mot_csv_header)header;
    o->missing = (mot_table_missing)missing;
    if (task != MOT_TASK_CLASSIFICATION)
        o->n_classes = 0;
    o->task = (mot_table_task)task;
    MOT_TRY(mot_config_get_text(config, "data.target", &target));
    if (target)
        o->target = target;
    if (mot_config_is_set(config, "data.classes")) {
        int64_t n_classes;
        MOT_TRY(mot_config_get_int(config, "data.classes", &n_classes));
        if (n_classes > 0)
            o->n_classes = n_classes;
    }
    MOT_TRY(read_shape(config, &o->shape));
    MOT_TRY(mot_config_get_bool(config, "data.standardize_target", &o->standardize_target));
    o->standardize_target = o->standardize_target && !loss_is_bce(config);
    return MOT_OK;
}

static mot_status read_table(const mot_set *set, const mot_config *config, const char *data_dir,
                             mot_table_options *options, mot_table **table, mot_data *data)
{
    char *path = NULL, *test_path = NULL;
    double fraction;
    MOT_TRY(mot_config_get_float(config, "data.test_fraction", &fraction));
    mot_status status;
    MOT_TRY_GOTO(mot_set_path(set, config, data_dir, 0, &path));
    MOT_TRY_GOTO(mot_set_path(set, config, data_dir, 1, &test_path));
    MOT_TRY_GOTO(mot_table_open(path, options, table));
    MOT_TRY_GOTO(mot_table_encode(*table, NULL, &data->train));
    if (test_path)
        MOT_TRY_GOTO(mot_table_encode(*table, test_path, &data->test));
    else
        MOT_TRY_GOTO(mot_split_test(&data->train, fraction, mot_data_seed(config), &data->test));
fail:
    free(path);
    free(test_path);
    return status;
}

/* ---- all ---- */

static mot_status split(const mot_config *config, mot_data *data)
{
    double validation;
    int64_t limit;
    MOT_TRY(mot_config_get_float(config, "data.validation", &validation));
    MOT_TRY(mot_config_get_int(config, "data.limit", &limit));
    return mot_split_validation(data, validation, limit, mot_data_seed(config));
}

static mot_status open_table(const mot_set *set, const mot_config *config, const char *data_dir,
                             mot_data *data)
{
    mot_table_options options = set->table;
    const char **categorical = NULL, **drop = NULL, **log = NULL;
    mot_table *table = NULL;
    bool standardize;
    MOT_TRY(mot_config_get_bool(config, "data.standardize", &standardize));
    MOT_TRY(read_table_options(config, &options));
    mot_status status;
    MOT_TRY_GOTO(
        mot_config_get_texts(config, "data.categorical", &categorical, &options.n_categorical));
    MOT_TRY_GOTO(mot_config_get_texts(config, "data.drop", &drop, &options.n_drop));
    MOT_TRY_GOTO(mot_config_get_texts(config, "data.log", &log, &options.n_log));
    options.log = log;
    options.categorical = categorical;
    options.drop = drop;
    MOT_TRY_GOTO(read_table(set, config, data_dir, &options, &table, data));
    MOT_TRY_GOTO(split(config, data));
    MOT_TRY_GOTO(mot_table_fit(table, data->train, data->train_index, data->n_train));
    mot_table_finish(table, data->train);
    if (data->test)
        mot_table_finish(table, data->test);
    data->target_scale = table->target_scale;
    data->target_shift = table->target_shift;
    if (set->range > 0) {
        MOT_TRY_GOTO(mot_pictures_normalize(config, set->range, data));
    } else if (standardize) {
        data->spec.scale = table->scale;
        data->spec.shift = table->shift;
        table->scale = table->shift = NULL; /* now the spec's */
        data->spec.n_channels = table->n_inputs;
        data->spec.group = 1;
    }
fail:
    mot_table_free(table);
    free(categorical);
    free(drop);
    free(log);
    return status;
}

static mot_status open_set(const mot_set *set, const mot_config *config, const char *data_dir,
                           mot_data *data)
{
    if (set->kind == MOT_SET_TABLE)
        return open_table(set, config, data_dir, data);
    if (set->kind == MOT_SET_TEXT)
        return mot_text_set_open(set, config, data_dir, data);
    if (set->kind == MOT_SET_PACKED)
        return mot_packed_open(set, config, data_dir, data);
    MOT_TRY(mot_pictures_open(set, config, data_dir, data));
    MOT_TRY(split(config, data));
    return mot_pictures_normalize(config, data->train->dtype == MOT_U8 ? 255 : 1, data);
}

static void fill_spec(mot_data *data)
{
    const mot_dataset *train = data->train;
    mot_sample_spec *spec = &data->spec;
    spec->input.n_dims = 1 + train->sample.n_dims;
    spec->input.dim[0] = MOT_BATCH;
    memcpy(spec->input.dim + 1, train->sample.dim,
           (size_t)train->sample.n_dims * sizeof train->sample.dim[0]);
    spec->input_dtype = train->dtype;
    spec->regression = train->regression;
    spec->n_classes = train->n_classes;
    spec->tokens = train->n_tokens > 0;
    if (!spec->scale) {
        spec->n_channels = 1;
        spec->group = mot_shape_elements(&train->sample, 1);
    }
}

/* ---- what the loss needs ---- */

bool mot_data_ignored(const mot_config *config, int32_t *label)
{
    int64_t value;
    if (!mot_config_is_set(config, "data.ignore_label") ||
        mot_config_get_int(config, "data.ignore_label", &value) != MOT_OK)
        return false;
    *label = (int32_t)value;
    return true;
}

/* Targets of bce are probabilities. */
static mot_status check_probabilities(const mot_data *data, const mot_dataset *set)
{
    for (int64_t i = 0; i < set->n * set->n_classes; i++)
        if (!(set->target[i] >= 0 && set->target[i] <= 1))
            return MOT_FAIL(MOT_ERR_ARGUMENT,
                            "%s: target %" PRId64 " is %g; model.loss bce needs numbers between 0 "
                            "and 1%s",
                            set->name, i + 1, (double)set->target[i],
                            data->target_scale == 1 ? "" : ": pack them with it, not standardized");
    return MOT_OK;
}

static mot_status fit_loss(const mot_config *config, mot_data *data)
{
    mot_dataset *set[] = {data->train, data->test, data->validation};
    for (int i = 0; i < 3; i++) {
        if (!set[i])
            continue;
        set[i]->ignores = mot_data_ignored(config, &set[i]->ignored);
        if (set[i]->regression && loss_is_bce(config))
            MOT_TRY(check_probabilities(data, set[i]));
    }
    return MOT_OK;
}

static mot_status open_mixup(const mot_config *config, mot_data *data)
{
    mot_augment *augment = &data->augment;
    MOT_TRY(mot_config_get_float(config, "data.augment.mixup", &augment->mixup));
    if (augment->mixup == 0)
        return MOT_OK;
    if (data->train->n_tokens > 0)
        return MOT_FAIL(
            MOT_ERR_ARGUMENT,
            "%s: data.augment.mixup is for pictures and tables; tokens, as %s has them, "
            "cannot be mixed",
            mot_config_where(config, "data.augment.mixup"), data->train->name);
    return mot_alloc(mot_dataset_sample_bytes(data->train), 1, &augment->partner);
}

mot_status mot_data_open(const mot_config *config, const char *data_dir, mot_data **out)
{
    const mot_set *set;
    const char *name;
    mot_data *data;
    MOT_TRY(mot_config_get_text(config, "data.set", &name));
    MOT_TRY(mot_set_find(name, &set));
    MOT_TRY(mot_alloc(1, sizeof *data, &data));
    data->target_scale = 1;
    mot_status status = open_set(set, config, data_dir, data);
    if (status == MOT_OK)
        status = mot_pictures_augment(config, data);
    if (status == MOT_OK)
        status = open_mixup(config, data);
    if (status == MOT_OK)
        status = fit_loss(config, data);
    if (status != MOT_OK) {
        mot_data_close(data);
        return status;
    }
    fill_spec(data);
    *out = data;
    return MOT_OK;
}

/* ---- without the data ---- */

/* What is known of a table without its file: *out, the sample of 0 dimensions where that is not
 * enough. */
static mot_status known_table(const mot_set *set, const mot_config *config, mot_shape *sample,
                              mot_sample_spec *out)
{
    mot_table_options options = set->table;
    MOT_TRY(read_table_options(config, &options));
    out->input_dtype = MOT_F32;
    out->regression = options.task == MOT_TASK_REGRESSION;
    out->n_classes = out->regression ? 1 : options.n_classes;
    if (options.task != MOT_TASK_AUTO && out->n_classes > 0)
        *sample = options.shape;
    return MOT_OK;
}

static mot_status known_images(const mot_set *set, const mot_config *config, mot_shape *sample,
                               mot_sample_spec *out)
{
    out->input_dtype = MOT_U8;
    MOT_TRY(mot_config_get_int(config, "data.classes", &out->n_classes));
    if (out->n_classes == 0 || set->kind == MOT_SET_DRAWN)
        out->n_classes = set->n_classes;
    if (out->n_classes > 0)
        *sample = set->sample;
    return MOT_OK;
}

mot_status mot_data_spec(const mot_config *config, const char *data_dir, mot_sample_spec *spec,
                         mot_data **data)
{
    const mot_set *set;
    const char *name;
    mot_shape sample = {0};
    mot_sample_spec known = {0};
    MOT_TRY(mot_config_get_text(config, "data.set", &name));
    MOT_TRY(mot_set_find(name, &set));
    if (set->kind == MOT_SET_TABLE)
        MOT_TRY(known_table(set, config, &sample, &known));
    else
        MOT_TRY(known_images(set, config, &sample, &known));
    *data = NULL;
    if (sample.n_dims == 0) {
        MOT_TRY(mot_data_open(config, data_dir, data));
        *spec = (*data)->spec;
        return MOT_OK;
    }
    known.input.n_dims = 1 + sample.n_dims;
    known.input.dim[0] = MOT_BATCH;
    memcpy(known.input.dim + 1, sample.dim, (size_t)sample.n_dims * sizeof sample.dim[0]);
    *spec = known;
    return MOT_OK;
}

void mot_data_close(mot_data *data)
{
    if (!data)
        return;
    mot_dataset_free(data->train);
    mot_dataset_free(data->test);
    mot_dataset_free(data->validation);
    mot_vocabulary_free(data->vocabulary);
    free(data->train_index);
    free(data->validation_index);
    free((void *)data->spec.scale);
    free((void *)data->spec.shift);
    if (data->mapped)
        munmap(data->mapped, data->mapped_bytes);
    free(data->note);
    free(data->augment.fill);
    free(data->augment.partner);
    free(data);
}
