#include "config.h"

#include "runtime/train/summary.h"

#include "runtime/base/memory.h"

#include <math.h>
#include <stdlib.h>

void mot_summary_free(mot_summary *summary)
{
    for (int part = 0; part < MOT_SUMMARY_PARTS; part++)
        free(summary->count[part]);
    free(summary->mean);
    free(summary->deviation);
    *summary = (mot_summary){0};
}

static void count_labels(const mot_dataset *set, const int64_t *index, int64_t n, int64_t *count)
{
    for (int64_t i = 0; i < n; i++) {
        const int32_t label = set->label[index ? index[i] : i];
        if (label != MOT_NO_CLASS)
            count[label]++;
    }
}

static void count_tokens(const mot_dataset *set, int64_t *count)
{
    for (int64_t i = 0; i < set->n_tokens; i++)
        count[set->dtype == MOT_U8 ? ((const uint8_t *)set->raw)[i]
                                   : ((const int32_t *)set->raw)[i]]++;
}

static mot_status count_part(const mot_dataset *set, const int64_t *index, int64_t n, int part,
                             mot_summary *out)
{
    out->n[part] = n;
    if (n == 0 || set->regression)
        return MOT_OK;
    MOT_TRY(mot_alloc((size_t)set->n_classes, sizeof(int64_t), &out->count[part]));
    if (set->n_tokens > 0)
        count_tokens(set, out->count[part]);
    else
        count_labels(set, index, n, out->count[part]);
    return MOT_OK;
}

/* Sums about the first value of each channel, so that little is lost in the squares. */
static mot_status measure(const mot_data *data, mot_summary *out)
{
    const mot_dataset *set = data->train;
    int64_t elements = mot_shape_elements(&set->sample, 1);
    int64_t channels = set->sample.n_dims == 2 ? 1 : set->sample.dim[0], run = elements / channels;
    bool bytes = set->dtype == MOT_U8;
    MOT_TRY(mot_alloc((size_t)channels, sizeof *out->mean, &out->mean));
    MOT_TRY(mot_alloc((size_t)channels, sizeof *out->deviation, &out->deviation));
    out->n_channels = channels;
    double unit = bytes ? 255 : 1, n = (double)data->n_train * (double)run;
    for (int64_t c = 0; c < channels; c++) {
        double first = 0, sum = 0, squares = 0;
        for (int64_t i = 0; i < data->n_train; i++) {
            int64_t at = data->train_index[i] * elements + c * run;
            for (int64_t k = 0; k < run; k++) {
                double x = bytes ? ((const uint8_t *)set->raw)[at + k]
                                 : (double)((const float *)set->raw)[at + k];
                first = i == 0 && k == 0 ? x : first;
                sum += x - first;
                squares += (x - first) * (x - first);
            }
        }
        out->mean[c] = (first + sum / n) / unit;
        out->deviation[c] = sqrt(fmax(0, squares / n - sum / n * (sum / n))) / unit;
    }
    return MOT_OK;
}

mot_status mot_summary_of(const mot_data *data, mot_summary *out)
{
    mot_summary summary = {0};
    mot_status status =
        count_part(data->train, data->train_index, data->n_train, MOT_SUMMARY_TRAIN, &summary);
    if (status == MOT_OK && data->validation)
        status = count_part(data->validation, NULL, data->validation->n, MOT_SUMMARY_VALIDATION,
                            &summary);
    else if (status == MOT_OK)
        status = count_part(data->train, data->validation_index, data->n_validation,
                            MOT_SUMMARY_VALIDATION, &summary);
    if (status == MOT_OK && data->test)
        status = count_part(data->test, NULL, data->test->n, MOT_SUMMARY_TEST, &summary);
    if (status == MOT_OK && data->train->n_tokens == 0 && data->n_train > 0)
        status = measure(data, &summary);
    if (status != MOT_OK) {
        mot_summary_free(&summary);
        return status;
    }
    *out = summary;
    return MOT_OK;
}
