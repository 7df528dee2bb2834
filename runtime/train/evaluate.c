/* evaluate.c: how well the network does on a part of the data.
 *
 * The loss's four sums tell loss, accuracy, R2, mean absolute error and perplexity; they cost nothing
 * beside the forward passes.  What they do not tell, which class was taken for which, is counted here
 * from the network's outputs.  All is summed in double or in whole numbers, over devices and ranks in
 * their order. */
#include "config.h"

#include "runtime/train/trainer.h"

#include "runtime/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In the order that op.h has for them. */
enum { SUMS = 4 };

/* ---- forward passes ---- */

static void sum_results(mot_trainer *t, double sums[SUMS])
{
    for (mot_step_result result; mot_exec_next_result(t->exec, &result);) {
        sums[0] += result.samples;
        sums[1] += result.loss;
        sums[2] += result.more[0];
        sums[3] += result.more[1];
    }
}

static mot_status sum_over_ranks(mot_trainer *t, double sums[SUMS])
{
    double *all, mine[SUMS];
    int size = mot_comm_size(t->comm);
    memcpy(mine, sums, sizeof mine);
    MOT_TRY(mot_alloc(SUMS * (size_t)size, sizeof *all, &all));
    mot_status status = mot_comm_all_gather(t->comm, mine, sizeof mine, all);
    memset(sums, 0, SUMS * sizeof *sums);
    for (int r = 0; r < size; r++)
        for (int k = 0; k < SUMS; k++)
            sums[k] += all[SUMS * r + k];
    free(all);
    return status;
}

/* Count what the local devices, one after the other, gave for their shares of the batch that begins
 * at row `first`. */
static void count_batch(const mot_trainer *t, const mot_part_rows *rows, int64_t first,
                        const float *outputs, int32_t *label, mot_class_counts *counts)
{
    const int64_t n_labels = mot_dataset_n_labels(rows->dataset);
    const int64_t width = mot_trainer_n_own_outputs(t) / n_labels;
    const bool single = mot_trainer_is_pointwise(t);
    for (int i = 0; i < t->n_devices; i++) {
        const int d = t->first_device + i;
        const int64_t share = t->active[i] ? t->current->share[d] : 0;
        for (int64_t s = 0; s < share; s++) {
            const int64_t row = first + t->current->first[d] + s;
            mot_dataset_labels(rows->dataset, rows->index ? rows->index[row] : row, label);
            for (int64_t k = 0; k < n_labels; k++, outputs += width)
                mot_class_counts_add(counts, outputs, single, label[k]);
        }
    }
}

/* `counts` may be NULL. */
static mot_status forward_all(mot_trainer *t, const mot_part_rows *rows, double sums[SUMS],
                              mot_class_counts *counts)
{
    const size_t most = (size_t)(rows->n < t->set.part ? rows->n : t->set.part);
    float *outputs = NULL;
    int32_t *label = NULL;
    mot_status status = MOT_OK;
    if (counts) {
        MOT_TRY_GOTO(
            mot_alloc(most * (size_t)mot_trainer_n_own_outputs(t), sizeof *outputs, &outputs));
        MOT_TRY_GOTO(mot_alloc((size_t)mot_dataset_n_labels(rows->dataset), sizeof *label, &label));
    }
    for (int64_t first = 0; first < rows->n; first += t->set.part) {
        int64_t n = rows->n - first < t->set.part ? rows->n - first : t->set.part;
        MOT_TRY_GOTO(mot_trainer_use_plan(t, n));
        MOT_TRY_GOTO(mot_trainer_load(t, rows->dataset, rows->index, NULL, first, NULL));
        MOT_TRY_GOTO(mot_exec_evaluate(t->exec, outputs));
        if (counts)
            count_batch(t, rows, first, outputs, label, counts);
        sum_results(t, sums);
    }
fail:
    free(outputs);
    free(label);
    return status;
}

/* ---- what they tell ---- */

/* Sum of squared deviations of the targets from their mean: what R2 compares with. */
static double target_deviation(const mot_part_rows *rows)
{
    int64_t n_targets = rows->dataset->n_classes;
    double total = 0;
    for (int64_t c = 0; c < n_targets; c++) {
        double mean = 0, squares = 0;
        for (int64_t i = 0; i < rows->n; i++) {
            int64_t row = rows->index ? rows->index[i] : i;
            double y = rows->dataset->target[row * n_targets + c], d = y - mean;
            mean += d / (double)(i + 1);
            squares += d * (y - mean);
        }
        total += squares;
    }
    return total;
}

static mot_evaluation nothing_known(void)
{
    return (mot_evaluation){.loss = NAN,
                            .accuracy = NAN,
                            .r2 = NAN,
                            .mean_abs_error = NAN,
                            .perplexity = NAN,
                            .bits = NAN,
                            .top5_accuracy = NAN};
}

static void tell_sums(const mot_trainer *t, const mot_part_rows *rows, const double sums[SUMS],
                      mot_evaluation *out)
{
    const mot_dataset *set = rows->dataset;
    *out = nothing_known();
    out->n_rows = (int64_t)sums[0];
    out->loss = sums[1] / sums[0];
    if (set->regression) {
        const double deviation = target_deviation(rows);
        if (deviation > 0)
            out->r2 = 1 - sums[2] * (double)set->n_classes / deviation;
        if (t->graph->node[t->graph->loss_node].attrs.loss != MOT_LOSS_BCE)
            out->mean_abs_error = sums[3] / sums[0] * t->data->target_scale;
        return;
    }
    out->accuracy = (mot_trainer_is_pointwise(t) ? sums[3] : sums[2]) / sums[0];
    if (set->n_tokens > 0) {
        out->perplexity = exp(sums[3] / sums[0]);
        out->bits = sums[3] / sums[0] / log(2);
    }
}

static void tell_counts(const mot_trainer *t, const mot_part_rows *rows, mot_evaluation *out)
{
    const mot_class_counts *c = t->class_counts;
    int64_t n_rows = 0;
    for (int64_t i = 0; i < c->n_classes; i++)
        n_rows += c->labelled[i];
    if (c->n_classes > MOT_TOP)
        out->top5_accuracy = (double)*c->in_top / (double)n_rows;
    out->n_classes = c->n_classes;
    out->class_name = (const char *const *)rows->dataset->class_name;
    out->labelled = c->labelled;
    out->predicted = c->predicted;
    out->correct = c->correct;
    out->confusion = c->confusion;
}

/* ---- together ---- */

static mot_status check_part(const mot_trainer *t, mot_part part, const mot_part_rows *rows)
{
    if (rows->n > 0)
        return MOT_OK;
    return MOT_FAIL(MOT_ERR_ARGUMENT, "the data has no %s part%s",
                    part == MOT_PART_VALIDATION ? "validation" : "test",
                    part == MOT_PART_TEST && t->data->n_validation > 0
                        ? "; --part validation measures on what is held out of training"
                        : "");
}

/* `counts` may be NULL. */
static mot_status evaluate(mot_trainer *t, const mot_part_rows *rows, mot_class_counts *counts,
                           mot_evaluation *out)
{
    double sums[SUMS] = {0};
    MOT_TRY(mot_exec_finish(t->exec));
    MOT_TRY(mot_trainer_agree(t, forward_all(t, rows, sums, counts)));
    MOT_TRY(sum_over_ranks(t, sums));
    if (counts)
        MOT_TRY(mot_class_counts_sum(counts, t->comm));
    tell_sums(t, rows, sums, out);
    return MOT_OK;
}

mot_status mot_trainer_evaluate_sums(mot_trainer *t, mot_part part, mot_evaluation *out)
{
    const mot_part_rows rows = mot_trainer_rows(t, part);
    MOT_TRY(check_part(t, part, &rows));
    return evaluate(t, &rows, NULL, out);
}

mot_status mot_trainer_evaluate(mot_trainer *t, mot_part part, double *loss, double *accuracy)
{
    mot_evaluation e;
    MOT_TRY(mot_trainer_evaluate_sums(t, part, &e));
    *loss = e.loss;
    *accuracy = t->data->spec.regression ? e.r2 : e.accuracy;
    return MOT_OK;
}

mot_status mot_trainer_evaluate_fully(mot_trainer *t, mot_part part, const mot_evaluation **out)
{
    const mot_part_rows rows = mot_trainer_rows(t, part);
    mot_status status = MOT_OK;
    MOT_TRY(check_part(t, part, &rows));
    mot_class_counts_free(t->class_counts);
    t->class_counts = NULL;
    if (!rows.dataset->regression)
        status = mot_class_counts_new(rows.dataset->n_classes, &t->class_counts);
    MOT_TRY(mot_trainer_agree(t, status));
    MOT_TRY(evaluate(t, &rows, t->class_counts, &t->evaluation));
    if (t->class_counts)
        tell_counts(t, &rows, &t->evaluation);
    *out = &t->evaluation;
    return MOT_OK;
}
