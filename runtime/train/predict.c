/* predict.c: batches into the executor, single samples, and what the network says about them. */
#include "config.h"

#include "runtime/train/trainer.h"

#include "runtime/base/memory.h"
#include "runtime/train/mixup.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

mot_part_rows mot_trainer_rows(const mot_trainer *t, mot_part part)
{
    const mot_data *data = t->data;
    switch (part) {
    case MOT_PART_TRAIN:
        return (mot_part_rows){data->train, data->train_index, data->n_train};
    case MOT_PART_VALIDATION:
        if (data->validation)
            return (mot_part_rows){data->validation, NULL, data->validation->n};
        return (mot_part_rows){data->train, data->validation_index, data->n_validation};
    default:
        return (mot_part_rows){data->test, NULL, data->test ? data->test->n : 0};
    }
}

int64_t mot_trainer_n_samples(const mot_trainer *t, mot_part part)
{
    return mot_trainer_rows(t, part).n;
}

/* ---- batches into the ring ---- */

/* The sample's labels as the loss takes them: of tokens and numbers as they come, of classes one, or
 * the three numbers of a mixture, or for bce a float. */
static void take(const mot_trainer *t, const mot_dataset *set, const mot_draw *draw, int64_t row,
                 void *raw, void *label)
{
    const mot_tensor *wanted = &t->graph->tensor[t->graph->label];
    int32_t mixture[3] = {0, 0, MOT_MIXUP_WHOLE};
    if (set->regression || set->n_tokens > 0) {
        mot_dataset_take(set, draw, row, raw, label);
        return;
    }
    mot_dataset_take(set, draw, row, raw, mixture);
    float first = (float)mixture[0], second = (float)mixture[1];
    if (wanted->dtype == MOT_F32) {
        mot_mixup_floats(mixture[2], &second, 1, &first);
        memcpy(label, &first, sizeof first);
    } else {
        memcpy(label, mixture, sizeof *mixture * (size_t)mot_shape_elements(&wanted->shape, 1));
    }
}

/* The row that is sample `position` of the epoch. */
static int64_t row_at(const int64_t *index, const int64_t *order, int64_t position)
{
    const int64_t row = order ? order[position] : position;
    return index ? index[row] : row;
}

/* A shuffled set is read here and there: what is asked for this many samples ahead has come. */
enum { SAMPLES_AHEAD = 2 };

mot_status mot_trainer_load(mot_trainer *t, const mot_dataset *set, const int64_t *index,
                            const int64_t *order, int64_t first, const mot_draw *draw)
{
    const size_t bytes = mot_dataset_sample_bytes(set);
    const mot_shape *labels = &t->graph->tensor[t->graph->label].shape;
    const size_t label_bytes = 4 * (size_t)mot_shape_elements(labels, 1);
    for (int i = 0; i < t->n_devices; i++) {
        int d = t->first_device + i;
        int64_t share = t->active[i] ? t->current->share[d] : 0;
        void *raw, *label;
        if (!t->active[i])
            continue;
        MOT_TRY(mot_exec_input(t->exec, i, &raw, &label));
        for (int64_t s = -SAMPLES_AHEAD; s < share; s++) {
            const int64_t position = first + t->current->first[d] + s;
            if (s + SAMPLES_AHEAD < share)
                mot_dataset_expect(set, row_at(index, order, position + SAMPLES_AHEAD));
            if (s >= 0)
                take(t, set, draw, row_at(index, order, position), (char *)raw + (size_t)s * bytes,
                     (char *)label + (size_t)s * label_bytes);
        }
    }
    return MOT_OK;
}

/* ---- prediction ---- */

bool mot_trainer_is_pointwise(const mot_trainer *t)
{
    return t->graph->node[t->graph->loss_node].op == MOT_OP_pointwise_loss;
}

int64_t mot_trainer_n_own_outputs(const mot_trainer *t)
{
    return mot_shape_elements(&t->graph->tensor[t->graph->output].shape, 1);
}

int64_t mot_trainer_n_outputs(const mot_trainer *t)
{
    return mot_trainer_is_pointwise(t) && !t->data->spec.regression ? 2
                                                                    : mot_trainer_n_own_outputs(t);
}

static void softmax(float *x, int64_t n)
{
    double sum = 0;
    float most = x[0];
    for (int64_t i = 1; i < n; i++)
        most = fmaxf(most, x[i]);
    for (int64_t i = 0; i < n; i++)
        sum += x[i] = expf(x[i] - most);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(x[i] / sum);
}

static float sigmoid(float x)
{
    return (float)(1 / (1 + exp(-(double)x)));
}

static void to_own_unit(const mot_trainer *t, float *x, int64_t n)
{
    const bool bce = t->graph->node[t->graph->loss_node].attrs.loss == MOT_LOSS_BCE;
    for (int64_t i = 0; i < n; i++)
        x[i] = bce ? sigmoid(x[i]) : (float)(x[i] * t->data->target_scale + t->data->target_shift);
}

/* The last first: two probabilities come where one output was. */
static void to_user_units(const mot_trainer *t, float *outputs, int64_t n)
{
    const int64_t width = mot_trainer_n_own_outputs(t);
    for (int64_t i = n - 1; i >= 0; i--) {
        float *row = outputs + i * width, x = row[0];
        if (t->data->spec.regression) {
            to_own_unit(t, row, width);
        } else if (mot_trainer_is_pointwise(t)) {
            outputs[2 * i] = sigmoid(-x);
            outputs[2 * i + 1] = sigmoid(x);
        } else {
            softmax(row, width);
        }
    }
}

/* All samples on this rank's first active device, so that ranks need not wait for each other. */
static mot_status predict_batch(mot_trainer *t, const mot_part_rows *rows, int64_t first, int64_t n,
                                int device, float *outputs)
{
    int n_devices = t->machine.n_devices;
    mot_plan *plan;
    memset(t->share_scratch, 0, sizeof *t->share_scratch * (size_t)n_devices);
    t->share_scratch[t->first_device + device] = n;
    MOT_TRY(mot_plan_build(t->graph, mot_exec_memory(t->exec), &t->machine, n, t->share_scratch,
                           (size_t)t->set.bucket_bytes, &plan));
    mot_status status = mot_exec_set_plan(t->exec, plan, t->first_device, t->active);
    t->current = plan;
    if (status == MOT_OK)
        status = mot_trainer_load(t, rows->dataset, rows->index, NULL, first, NULL);
    if (status == MOT_OK)
        status = mot_exec_evaluate(t->exec, outputs);
    for (mot_step_result ignored; mot_exec_next_result(t->exec, &ignored);)
        continue;
    t->current = NULL;
    mot_plan_free(plan);
    return status;
}

static mot_status check_range(const mot_part_rows *rows, int64_t first, int64_t n)
{
    if (first < 0 || n < 0 || first > rows->n - n)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "samples %" PRId64 " to %" PRId64 " of a part that has %" PRId64, first,
                        first + n, rows->n);
    return MOT_OK;
}

mot_status mot_trainer_predict(mot_trainer *t, mot_part part, int64_t first, int64_t n,
                               float *outputs)
{
    mot_part_rows rows = mot_trainer_rows(t, part);
    int device = 0;
    MOT_TRY(check_range(&rows, first, n));
    while (!t->active[device])
        device++;
    int64_t most = mot_exec_capacity(t->exec, device), width = mot_trainer_n_own_outputs(t);
    most = most < t->set.part ? most : t->set.part;
    for (int64_t done = 0; done < n; done += most) {
        int64_t now = n - done < most ? n - done : most;
        MOT_TRY(predict_batch(t, &rows, first + done, now, device, outputs + done * width));
    }
    to_user_units(t, outputs, n);
    return mot_trainer_use_plan(t, t->set.part);
}

/* ---- samples ---- */

int64_t mot_trainer_n_inputs(const mot_trainer *t)
{
    return mot_shape_elements(&t->data->train->sample, 1);
}

int mot_trainer_input_shape(const mot_trainer *t, int64_t dims[4])
{
    const mot_shape *sample = &t->data->train->sample;
    for (int i = 0; i < sample->n_dims && i < 4; i++)
        dims[i] = sample->dim[i];
    return sample->n_dims;
}

static float element(const void *raw, mot_dtype dtype, int64_t i)
{
    return dtype == MOT_U8    ? (float)((const uint8_t *)raw)[i]
           : dtype == MOT_I32 ? (float)((const int32_t *)raw)[i]
                              : ((const float *)raw)[i];
}

mot_status mot_trainer_sample(mot_trainer *t, mot_part part, int64_t index, float *pixels,
                              int64_t *label, float *target)
{
    mot_part_rows rows = mot_trainer_rows(t, part);
    const mot_dataset *set = rows.dataset;
    void *raw, *given = NULL;
    MOT_TRY(check_range(&rows, index, 1));
    MOT_TRY(mot_alloc(mot_dataset_sample_bytes(set), 1, &raw));
    mot_status status;
    MOT_TRY_GOTO(mot_alloc(mot_dataset_label_bytes(set), 1, &given));
    mot_dataset_take(set, NULL, rows.index ? rows.index[index] : index, raw, given);
    for (int64_t i = 0; pixels && i < mot_trainer_n_inputs(t); i++)
        pixels[i] = element(raw, set->dtype, i);
    if (label && !set->regression)
        *label = ((const int32_t *)given)[mot_dataset_n_labels(set) - 1];
    if (target && set->regression)
        *target = (float)(*(const float *)given * t->data->target_scale + t->data->target_shift);
fail:
    free(raw);
    free(given);
    return status;
}
