#include "config.h"

#include "runtime/train/text_set.h"

#include "runtime/base/memory.h"
#include "runtime/train/gzip_file.h"
#include "runtime/train/openers.h"
#include "runtime/train/split.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t LIMIT_BYTES = (size_t)1 << 36;

/* ---- sets of tokens ---- */

static mot_status check_length(const char *name, const char *part, int64_t n, int64_t context)
{
    if (n > context)
        return MOT_OK;
    return MOT_FAIL(MOT_ERR_ARGUMENT,
                    "%s: %" PRId64 " tokens%s; a window of data.context %" PRId64
                    " and the token behind it need %" PRId64,
                    name, n, part, context, context + 1);
}

static void set_length(mot_dataset *set, int64_t n_tokens)
{
    set->n_tokens = n_tokens;
    set->n = (n_tokens - 1) / set->sample.dim[0];
}

mot_status mot_text_set_lay(mot_dataset *set, int64_t n_tokens, int64_t context)
{
    MOT_TRY(check_length(set->name, "", n_tokens, context));
    set->sample = (mot_shape){1, {context}};
    set_length(set, n_tokens);
    return MOT_OK;
}

mot_status mot_text_set_of(const char *name, const mot_vocabulary *vocabulary, int32_t *token,
                           int64_t n, int64_t context, mot_dataset **out)
{
    mot_dataset *set = NULL;
    mot_status status;
    MOT_TRY_GOTO(mot_alloc(1, sizeof *set, &set));
    MOT_TRY_GOTO(mot_strdup(name, &set->name));
    MOT_TRY_GOTO(mot_text_set_lay(set, n, context));
    set->dtype = mot_vocabulary_dtype(vocabulary);
    set->n_classes = vocabulary->n;
    if (set->dtype == MOT_U8) {
        uint8_t *bytes = (uint8_t *)token, *narrow; /* to the front, then the rest is given back */
        for (int64_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)token[i];
        narrow = realloc(bytes, (size_t)n);
        set->owned[0] = narrow ? narrow : bytes;
    } else {
        set->owned[0] = token;
    }
    set->raw = set->owned[0];
    *out = set;
    return MOT_OK;
fail:
    mot_dataset_free(set);
    free(token);
    return status;
}

mot_status mot_text_set_divide(mot_dataset *train, double held, mot_dataset **validation)
{
    int64_t n = train->n_tokens, context = train->sample.dim[0];
    int64_t kept =
        held < 1 ? (int64_t)((1 - held) * (double)n) : n - (int64_t)fmin(held, (double)n);
    mot_dataset *set;
    *validation = NULL;
    if (held != rint(held) && held >= 1)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "data.validation %g is neither a whole number of tokens nor a part below 1",
                        held);
    if (held == 0)
        return MOT_OK;
    MOT_TRY(check_length(train->name, " are left to train on", kept, context));
    MOT_TRY(check_length(train->name, " are held out for validation", n - kept, context));
    MOT_TRY(mot_alloc(1, sizeof *set, &set));
    mot_status status = mot_strdup(train->name, &set->name);
    if (status != MOT_OK) {
        mot_dataset_free(set);
        return status;
    }
    set->dtype = train->dtype;
    set->n_classes = train->n_classes;
    set->sample = train->sample;
    /* borrowed: the two parts of mot_data go together */
    set->raw = (const char *)train->raw + (size_t)kept * mot_dtype_bytes(train->dtype);
    set_length(set, n - kept);
    set_length(train, kept);
    *validation = set;
    return MOT_OK;
}

/* ---- the data block ---- */

static mot_status open_file(const char *path, const mot_config *config, mot_vocabulary **vocabulary,
                            mot_dataset **out)
{
    char *text;
    const char *tokens;
    size_t size_bytes;
    double *code = NULL;
    int n_codes = 0;
    int32_t *token;
    int64_t context, n;
    MOT_TRY(mot_config_get_int(config, "data.context", &context));
    MOT_TRY(mot_config_get_text(config, "data.tokens", &tokens));
    MOT_TRY(mot_gzip_read(path, LIMIT_BYTES, &text, &size_bytes));
    mot_status status;
    MOT_TRY_GOTO(mot_config_get_floats(config, "data.vocabulary", &code, &n_codes));
    if (!*vocabulary && strcmp(tokens, "bytes") == 0)
        MOT_TRY_GOTO(mot_vocabulary_bytes(vocabulary));
    else if (!*vocabulary && n_codes > 0)
        MOT_TRY_GOTO(mot_vocabulary_list(code, n_codes, vocabulary));
    else if (!*vocabulary)
        MOT_TRY_GOTO(mot_vocabulary_of(path, text, size_bytes, vocabulary));
    MOT_TRY_GOTO(mot_vocabulary_encode(*vocabulary, path, text, size_bytes, &token, &n));
    status = mot_text_set_of(path, *vocabulary, token, n, context, out);
fail:
    free(code);
    free(text);
    return status;
}

/* data.validation of a text, where it is not set. */
static const double HELD = 0.1;

mot_status mot_text_set_open(const mot_set *set, const mot_config *config, const char *data_dir,
                             mot_data *data)
{
    char *path = NULL, *test = NULL;
    double held = HELD;
    int64_t limit;
    if (mot_config_is_set(config, "data.validation"))
        MOT_TRY(mot_config_get_float(config, "data.validation", &held));
    MOT_TRY(mot_config_get_int(config, "data.limit", &limit));
    mot_status status;
    MOT_TRY_GOTO(mot_set_path(set, config, data_dir, 0, &path));
    MOT_TRY_GOTO(mot_set_path(set, config, data_dir, 1, &test));
    MOT_TRY_GOTO(open_file(path, config, &data->vocabulary, &data->train));
    if (test)
        MOT_TRY_GOTO(open_file(test, config, &data->vocabulary, &data->test));
    MOT_TRY_GOTO(mot_text_set_divide(data->train, held, &data->validation));
    status = mot_split_validation(data, 0, limit, mot_data_seed(config));
    if (status == MOT_OK && data->validation)
        data->n_validation = data->validation->n;
fail:
    free(path);
    free(test);
    return status;
}

static mot_status set_held(mot_config *config)
{
    mot_text text = {0};
    mot_status status = mot_text_add(&text, "data.validation=%g", HELD);
    if (status == MOT_OK)
        status = mot_config_set(config, text.data);
    mot_text_free(&text);
    return status;
}

mot_status mot_text_set_resolve(const mot_data *data, mot_config *config)
{
    const mot_vocabulary *vocabulary = data->vocabulary;
    mot_text text = {0};
    if (vocabulary && !data->mapped && !mot_config_is_set(config, "data.validation"))
        MOT_TRY(set_held(config));
    if (!vocabulary || !vocabulary->code || mot_config_is_set(config, "data.vocabulary"))
        return MOT_OK;
    mot_status status = mot_text_add(&text, "data.vocabulary=");
    for (int64_t i = 0; status == MOT_OK && i < vocabulary->n; i++)
        status = mot_text_add(&text, "%s%" PRIu32, i ? ", " : "[", vocabulary->code[i]);
    if (status == MOT_OK)
        status = mot_text_add(&text, "]");
    if (status == MOT_OK)
        status = mot_config_set(config, text.data);
    mot_text_free(&text);
    return status;
}
