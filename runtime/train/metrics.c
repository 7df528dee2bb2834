/* metrics.c: metrics.jsonl, one JSON object a line, written by rank 0.
 *
 *   {"step": 1, "loss": 2.31}                                     every train.log_every steps
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

/* Keep the lines of the file up to the checkpoint's step. */
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
        if (json_is_integer(at) && json_integer_value(at) <= step)
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

/* ,"name": value  with null for what is no number. */
static void put_number(FILE *file, const char *name, double value)
{
    if (isfinite(value))
        fprintf(file, ", \"%s\": %.9g", name, value);
    else
        fprintf(file, ", \"%s\": null", name);
}

static mot_status end_line(mot_trainer *t)
{
    if (fputs("}\n", t->metrics) == EOF || fflush(t->metrics) != 0)
        return MOT_FAIL(MOT_ERR_FILE, "cannot write %s/metrics.jsonl: %s", t->out_dir,
                        strerror(errno));
    return MOT_OK;
}

mot_status mot_metrics_step(mot_trainer *t, const mot_step_result *result)
{
    int64_t step = result->step + 1;
    if (!t->metrics || t->set.log_every == 0 || step % t->set.log_every != 0)
        return MOT_OK;
    fprintf(t->metrics, "{\"step\": %" PRId64, step);
    put_number(t->metrics, "loss", result->loss / result->samples);
    return end_line(t);
}

mot_status mot_metrics_epoch(mot_trainer *t, double loss, double validation_loss,
                             double validation_accuracy, double samples_per_second)
{
    if (!t->metrics)
        return MOT_OK;
    fprintf(t->metrics, "{\"epoch\": %" PRId64 ", \"step\": %" PRId64, t->now.epoch, t->now.step);
    put_number(t->metrics, "loss", loss);
    if (t->data->n_validation > 0) {
        put_number(t->metrics, "validation_loss", validation_loss);
        put_number(t->metrics, t->data->spec.regression ? "validation_r2" : "validation_accuracy",
                   validation_accuracy);
    }
    put_number(t->metrics, "samples_per_second", samples_per_second);
    return end_line(t);
}

mot_status mot_metrics_end(mot_trainer *t)
{
    if (!t->metrics || mot_trainer_n_samples(t, MOT_PART_TEST) == 0)
        return MOT_OK;
    fprintf(t->metrics, "{\"step\": %" PRId64, t->now.step);
    put_number(t->metrics, "test_loss", t->report.test_loss);
    put_number(t->metrics, t->data->spec.regression ? "test_r2" : "test_accuracy",
               t->report.test_accuracy);
    return end_line(t);
}
