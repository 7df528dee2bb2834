/* metrics.c: metrics.jsonl, one JSON object a line, written by rank 0.
 *
 *   {"step": 1, "loss": 2.31, "lr": 0.01}                         every train.log_every steps
 *   {"epoch": 1, "step": 938, "loss": ..., "validation_loss": ...} each epoch
 *   {"test_loss": ..., "test_accuracy": ...}                      at the end
 *
 * A resumed run first cuts off what was written after its checkpoint, so that the file reads as if
 * nothing had happened.
 */
#include "config.h"

#include "runtime/train/trainer.h"

#include "runtime/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static mot_status metrics_path(const mot_trainer *t, mot_text *path)
{
    return mot_text_add(path, "%s/metrics.jsonl", t->out_dir);
}

/* Keep the lines of the file up to the checkpoint's step, without the end's. */
static mot_status keep_until(const char *path, int64_t step)
{
    char *text;
    size_t bytes;
    mot_text kept = {0};
    mot_status status = MOT_OK;
    if (mot_file_read(path, (size_t)1 << 31, &text, &bytes) != MOT_OK)
        return MOT_OK; /* none: begin a new one */
    for (char *line = text, *end; status == MOT_OK && (end = strchr(line, '\n')); line = end + 1) {
        json_t *object = json_loadb(line, (size_t)(end - line), 0, NULL);
        json_t *at = json_object_get(object, "step");
        if (json_is_integer(at) && json_integer_value(at) <= step &&
            !json_object_get(object, "test_loss"))
            status = mot_text_add_bytes(&kept, line, (size_t)(end - line) + 1);
        json_decref(object);
    }
    if (status == MOT_OK)
        status = mot_file_write(path, kept.data ? kept.data : "", kept.length);
    mot_text_free(&kept);
    free(text);
    return status;
}

mot_status mot_metrics_open(mot_trainer *t)
{
    if (!t->out_dir || mot_comm_rank(t->comm) != 0)
        return MOT_OK;
    mot_text path = {0};
    mot_status status = metrics_path(t, &path);
    if (status == MOT_OK && t->resume)
        status = keep_until(path.data, t->now.step);
    if (status == MOT_OK) {
        t->metrics = fopen(path.data, t->resume ? "ae" : "we");
        if (!t->metrics)
            status = MOT_FAIL(MOT_ERR_FILE, "cannot write %s: %s", path.data, strerror(errno));
    }
    mot_text_free(&path);
    return status;
}

/* , "name": value  with null for what is no number. */
static mot_status put_number(mot_text *line, const char *name, double value)
{
    return isfinite(value) ? mot_text_add(line, ", \"%s\": %.9g", name, value)
                           : mot_text_add(line, ", \"%s\": null", name);
}

static mot_status put_line(mot_trainer *t, mot_text *line, mot_status status)
{
    if (status == MOT_OK)
        status = mot_text_add(line, "}\n");
    if (status == MOT_OK && (fputs(line->data, t->metrics) == EOF || fflush(t->metrics) != 0))
        status = MOT_FAIL(MOT_ERR_FILE, "cannot write %s/metrics.jsonl: %s", t->out_dir,
                          strerror(errno));
    mot_text_free(line);
    return status;
}

mot_status mot_metrics_step(mot_trainer *t, const mot_step_result *result)
{
    mot_text line = {0};
    int64_t step = result->step + 1;
    if (!t->metrics || t->set.log_every == 0 || step % t->set.log_every != 0)
        return MOT_OK;
    mot_status status = mot_text_add(&line, "{\"step\": %" PRId64, step);
    if (status == MOT_OK)
        status = put_number(&line, "loss", result->loss / result->samples);
    if (status == MOT_OK)
        status = put_number(&line, "lr", mot_trainer_lr(t, result->step));
    return put_line(t, &line, status);
}

mot_status mot_metrics_epoch(mot_trainer *t, double loss, double validation_loss,
                             double validation_accuracy, double samples_per_second)
{
    mot_text line = {0};
    if (!t->metrics)
        return MOT_OK;
    mot_status status = mot_text_add(&line, "{\"epoch\": %" PRId64 ", \"step\": %" PRId64,
                                     t->now.epoch, t->now.step);
    if (status == MOT_OK)
        status = put_number(&line, "loss", loss);
    if (status == MOT_OK && t->data->n_validation > 0)
        status = put_number(&line, "validation_loss", validation_loss);
    if (status == MOT_OK && t->data->n_validation > 0)
        status =
            put_number(&line, t->data->spec.regression ? "validation_r2" : "validation_accuracy",
                       validation_accuracy);
    if (status == MOT_OK)
        status = put_number(&line, "samples_per_second", samples_per_second);
    if (status == MOT_OK && t->graph->loss_scale >= 0)
        status = put_number(&line, "loss_scale", t->report.loss_scale);
    if (status == MOT_OK && t->graph->loss_scale >= 0)
        status = put_number(&line, "skipped_steps", (double)t->report.skipped_steps);
    return put_line(t, &line, status);
}

mot_status mot_metrics_end(mot_trainer *t)
{
    mot_text line = {0};
    if (!t->metrics || mot_trainer_n_samples(t, MOT_PART_TEST) == 0)
        return MOT_OK;
    mot_status status = mot_text_add(&line, "{\"step\": %" PRId64, t->now.step);
    if (status == MOT_OK)
        status = put_number(&line, "test_loss", t->report.test_loss);
    if (status == MOT_OK)
        status = put_number(&line, t->data->spec.regression ? "test_r2" : "test_accuracy",
                            t->report.test_accuracy);
    if (status == MOT_OK && t->data->spec.regression)
        status = put_number(&line, "test_mean_abs_error", t->report.test_mean_abs_error);
    if (status == MOT_OK && t->report.token)
        status = put_number(&line, "test_perplexity", t->report.test_perplexity);
    return put_line(t, &line, status);
}
