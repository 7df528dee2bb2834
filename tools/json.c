#include "config.h"

#include "tools/json.h"

#include "runtime/base/status.h"
#include "tools/evaluation.h"
#include "tools/model.h"
#include "tools/profile.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* jansson refuses NaN and infinity; JSON has neither. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* What is NaN is left out. */
static void put_known(json_t *object, const char *key, double value)
{
    if (!isnan(value))
        json_object_set_new(object, key, number(value));
}

/* Of texts. */
static void put_bits(json_t *object, const char *prefix, const char *token, double perplexity,
                     double bits)
{
    char key[64];
    if (!token)
        return;
    snprintf(key, sizeof key, "%sperplexity", prefix);
    json_object_set_new(object, key, number(perplexity));
    snprintf(key, sizeof key, "%sbits_per_%s", prefix, token);
    json_object_set_new(object, key, number(bits));
}

static const char *kind_name(mot_device_kind kind)
{
    static const char *const names[] = {"cpu", "gpu", "accelerator", "custom"};
    return names[kind];
}

/* Takes `value`. */
static mot_status print(json_t *value)
{
    int failed = !value || json_dumpf(value, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(value);
    if (failed || putchar('\n') == EOF || fflush(stdout))
        return MOT_FAIL(MOT_ERR_FILE, "the result cannot be written to standard output");
    return MOT_OK;
}

static json_t *device_report(const mot_device_report *device)
{
    json_t *object =
        json_pack("{s:s, s:i, s:I, s:I, s:o, s:o, s:o}", "id", device->info.id, "rank",
                  device->rank, "share", (json_int_t)device->share, "samples",
                  (json_int_t)device->samples, "busy_s", number(device->busy_s), "idle_s",
                  number(device->idle_s), "launches_per_step", number(device->launches_per_step));
    if (object && *device->reason)
        json_object_set_new(object, "reason", json_string(device->reason));
    return object;
}

static json_t *profile_row(const mot_report *report, const mot_profile_row *row)
{
    mot_roofline r = mot_profile_roofline(report, row);
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s}", "device",
                     report->devices[row->device].info.id, "op", row->op, "layer", row->layer,
                     "phase", row->phase, "time_s", number(row->time_s), "launches",
                     number(row->launches), "flops", number(row->flops), "bytes",
                     number(row->bytes), "fraction", number(r.fraction), "bound",
                     r.arithmetic ? "arithmetic" : "memory");
}

static json_t *profile_object(const mot_report *report, const mot_profile *profile)
{
    json_t *rows = json_array();
    for (int i = 0; i < profile->n_rows; i++)
        json_array_append_new(rows, profile_row(report, &profile->row[i]));
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "steps", (json_int_t)profile->n_steps, "step_s",
                     number(profile->step_s), "exchange_s", number(profile->exchange_s),
                     "exposed_s", number(profile->exposed_s), "rows", rows);
}

mot_status mot_json_print_report(const mot_report *report, const mot_profile *profile)
{
    char hash[17];
    json_t *losses = json_array(), *devices = json_array();
    for (int i = 0; i < report->n_epoch_losses; i++)
        json_array_append_new(losses, number(report->epoch_loss[i]));
    for (int i = 0; i < report->n_devices; i++)
        json_array_append_new(devices, device_report(&report->devices[i]));
    snprintf(hash, sizeof hash, "%016" PRIx64, report->params_hash);
    json_t *object = json_pack(
        "{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:i, s:s, s:o, s:o, s:o, s:o}", "steps",
        (json_int_t)report->steps, "epochs", (json_int_t)report->epochs, "samples_per_second",
        number(report->samples_per_second), "step_ms", number(1e3 * report->step_s), "train_loss",
        number(report->train_loss), "validation_loss", number(report->validation_loss),
        "validation_accuracy", number(report->validation_accuracy), "test_loss",
        number(report->test_loss), "test_accuracy", number(report->test_accuracy), "seed",
        (json_int_t)report->seed, "ranks", report->n_ranks, "params_hash", hash, "gain_predicted",
        number(report->equal_share_gain_predicted), "gain_measured",
        number(report->equal_share_gain_measured), "epoch_losses", losses, "devices", devices);
    if (!object)
        return print(NULL);
    put_known(object, "test_mean_abs_error", report->test_mean_abs_error);
    put_bits(object, "test_", report->token, report->test_perplexity, report->test_bits);
    if (!isnan(report->loss_scale)) {
        json_object_set_new(object, "loss_scale", number(report->loss_scale));
        json_object_set_new(object, "skipped_steps", json_integer(report->skipped_steps));
    }
    if (profile)
        json_object_set_new(object, "profile", profile_object(report, profile));
    return print(object);
}

static json_t *device_info(const mot_device_info *devices, const mot_device_info *device)
{
    const mot_device_speed *speed = &device->speed;
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:b, s:b, s:b, s:b, s:b, s:b, "
        "s:b}",
        "id", device->id, "name", device->name, "vendor", device->vendor, "kind",
        kind_name(device->kind), "platform", device->platform, "driver", device->driver, "opencl",
        device->opencl_version, "compute_units", device->compute_units, "memory_bytes",
        (json_int_t)device->memory_bytes, "max_alloc_bytes", (json_int_t)device->max_alloc_bytes,
        "local_bytes", (json_int_t)device->local_bytes, "unified_memory", device->unified_memory,
        "compiler", device->compiler, "fp64", device->fp64, "fp16", device->fp16, "command_buffers",
        device->command_buffers, "joins", device->joins, "works", device->works);
    if (!object)
        return NULL;
    json_object_set_new(object, "trouble",
                        *device->trouble ? json_string(device->trouble) : json_null());
    json_object_set_new(object, "twin_of",
                        device->twin_of >= 0 ? json_string(devices[device->twin_of].id)
                                             : json_null());
    /* 0 stands for not measured. */
    json_object_set_new(object, "matmul_gflops", number(speed->matmul_flops_per_s / 1e9));
    json_object_set_new(object, "memory_gbytes_per_s", number(speed->memory_bytes_per_s / 1e9));
    json_object_set_new(object, "to_device_gbytes_per_s",
                        number(speed->to_device_bytes_per_s / 1e9));
    json_object_set_new(object, "from_device_gbytes_per_s",
                        number(speed->from_device_bytes_per_s / 1e9));
    json_object_set_new(object, "launch_us", number(1e6 * speed->launch_latency_s));
    return object;
}

mot_status mot_json_print_devices(const mot_device_info *devices, int n_devices)
{
    json_t *array = json_array();
    for (int i = 0; i < n_devices; i++)
        json_array_append_new(array, device_info(devices, &devices[i]));
    return print(array);
}

static json_t *bench_row(const mot_bench_row *row)
{
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:I, s:I}", "device", row->device, "what", row->what, "variant",
                  row->variant, "m", (json_int_t)row->m, "n", (json_int_t)row->n);
    if (!object)
        return NULL;
    json_object_set_new(object, "k", row->arithmetic ? json_integer(row->k) : json_null());
    json_object_set_new(object, "form", *row->form ? json_string(row->form) : json_null());
    json_object_set_new(object, "shape", *row->shape ? json_string(row->shape) : json_null());
    json_object_set_new(object, "batch", json_integer(row->batch));
    json_object_set_new(object, "time_s", number(row->time_s));
    json_object_set_new(object, row->arithmetic ? "gflops" : "gbytes_per_s", number(row->rate));
    json_object_set_new(object, "peak", number(row->peak));
    json_object_set_new(object, "fraction", number(row->fraction));
    return object;
}

mot_status mot_json_print_bench(const mot_bench_row *rows, int n_rows)
{
    json_t *array = json_array();
    for (int i = 0; i < n_rows; i++)
        json_array_append_new(array, bench_row(&rows[i]));
    return print(array);
}

mot_status mot_json_print_steps(const mot_report *report, const mot_bench_steps *steps)
{
    json_t *devices = json_array();
    char ids[512] = "";
    for (int i = 0; i < report->n_devices; i++) {
        const char *id = report->devices[i].info.id;
        if (report->devices[i].share == 0)
            continue;
        json_array_append_new(devices, json_string(id));
        snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%s%s", *ids ? "," : "", id);
    }
    return print(json_pack("[{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:i}]", "device", ids, "devices",
                           devices, "step_ms", number(1e3 * steps->step_s), "samples_per_second",
                           number(steps->samples_per_s), "launches", number(steps->launches),
                           "gflops", number(steps->flops_per_s / 1e9), "fraction",
                           number(steps->fraction), "ranks", report->n_ranks));
}

/* {name, kind, shape without the samples, parameters, flops, multiply_adds, from} */
static json_t *model_layer(const mot_model *model, const mot_model_layer *layer)
{
    json_t *shape = json_array(), *from = json_array();
    for (int i = 1; i < layer->shape.n_dims; i++)
        json_array_append_new(shape, json_integer(layer->shape.dim[i]));
    for (int i = 0; i < layer->n_from; i++)
        json_array_append_new(
            from, json_string(layer->from[i] < 0 ? "input" : model->layer[layer->from[i]].name));
    return json_pack("{s:s, s:s, s:o, s:I, s:o, s:o, s:o}", "name", layer->name, "kind",
                     layer->kind, "shape", shape, "parameters", (json_int_t)layer->parameters,
                     "flops", number(layer->flops), "multiply_adds", number(layer->multiply_adds),
                     "from", from);
}

mot_status mot_json_print_model(const mot_model *model, const mot_model_sizes *sizes)
{
    json_t *layers = json_array();
    for (int i = 0; i < model->n_layers; i++)
        json_array_append_new(layers, model_layer(model, &model->layer[i]));
    json_t *memory = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "parameters", (json_int_t)sizes->parameter_bytes,
        "gradients", (json_int_t)sizes->gradient_bytes, "optimizer", (json_int_t)sizes->state_bytes,
        "activations", (json_int_t)sizes->activation_bytes, "input", (json_int_t)sizes->input_bytes,
        "training", (json_int_t)sizes->training_bytes, "evaluation",
        (json_int_t)sizes->evaluation_bytes);
    json_t *checkpoints =
        json_pack("{s:I, s:I, s:o}", "blocks", (json_int_t)sizes->n_checkpoints, "saved_bytes",
                  (json_int_t)sizes->saved_bytes, "flops", number(sizes->again_flops));
    return print(
        json_pack("{s:o, s:I, s:o, s:o, s:o, s:I, s:o, s:o}", "layers", layers, "parameters",
                  (json_int_t)sizes->parameters, "flops", number(sizes->flops), "multiply_adds",
                  number(sizes->multiply_adds), "step_flops", number(sizes->step_flops), "batch",
                  (json_int_t)sizes->batch, "memory_bytes", memory, "checkpoints", checkpoints));
}

static json_t *counts(const int64_t *count, int64_t n)
{
    json_t *list = json_array();
    for (int64_t i = 0; count && i < n; i++)
        json_array_append_new(list, json_integer(count[i]));
    return list;
}

static json_t *reals(const double *value, int64_t n)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++)
        json_array_append_new(list, number(value[i]));
    return list;
}

static json_t *class_object(const mot_evaluation *e, int64_t i)
{
    const mot_class_scores s = mot_class_scores_of(e, i);
    json_t *object =
        json_pack("{s:I, s:I, s:I, s:o, s:o, s:o}", "labelled", (json_int_t)e->labelled[i],
                  "predicted", (json_int_t)e->predicted[i], "correct", (json_int_t)e->correct[i],
                  "precision", number(s.precision), "recall", number(s.recall), "f1", number(s.f1));
    if (object && e->class_name)
        json_object_set_new(object, "name", json_string(e->class_name[i]));
    return object;
}

static void put_classes(json_t *object, const mot_evaluation *e)
{
    const mot_class_scores mean = mot_class_scores_mean(e);
    json_t *classes = json_array(), *confusion = json_array();
    for (int64_t i = 0; i < e->n_classes; i++)
        json_array_append_new(classes, class_object(e, i));
    for (int64_t i = 0; e->confusion && i < e->n_classes; i++)
        json_array_append_new(confusion, counts(e->confusion + i * e->n_classes, e->n_classes));
    json_object_set_new(object, "precision", number(mean.precision));
    json_object_set_new(object, "recall", number(mean.recall));
    json_object_set_new(object, "f1", number(mean.f1));
    json_object_set_new(object, "classes", classes);
    json_object_set_new(object, "confusion", confusion);
}

mot_status mot_json_print_evaluation(const char *part, int64_t samples, const char *token,
                                     const mot_evaluation *e)
{
    const bool regression = e->n_classes == 0;
    json_t *object =
        json_pack("{s:s, s:I, s:I, s:o, s:o}", "part", part, "samples", (json_int_t)samples, "rows",
                  (json_int_t)e->n_rows, "loss", number(e->loss), regression ? "r2" : "accuracy",
                  number(regression ? e->r2 : e->accuracy));
    if (!object)
        return print(NULL);
    put_known(object, "mean_abs_error", e->mean_abs_error);
    put_known(object, "top5_accuracy", e->top5_accuracy);
    put_bits(object, "", token, e->perplexity, e->bits);
    if (!regression)
        put_classes(object, e);
    return print(object);
}

mot_status mot_json_print_data(const mot_data *data, const mot_summary *summary)
{
    static const char *const parts[] = {"train", "validation", "test"};
    const mot_dataset *train = data->train;
    json_t *sample = json_array(), *part = json_object();
    for (int i = 0; i < train->sample.n_dims; i++)
        json_array_append_new(sample, json_integer(train->sample.dim[i]));
    for (int i = 0; part && i < MOT_SUMMARY_PARTS; i++)
        if (summary->n[i] > 0)
            json_object_set_new(part, parts[i],
                                json_pack("{s:I, s:o}", "samples", (json_int_t)summary->n[i],
                                          "counts", counts(summary->count[i], train->n_classes)));
    return print(json_pack("{s:o, s:s, s:I, s:b, s:o, s:o, s:o}", "sample", sample, "type",
                           mot_dtype_name(train->dtype), "classes", (json_int_t)train->n_classes,
                           "regression", train->regression, "parts", part, "mean",
                           reals(summary->mean, summary->n_channels), "deviation",
                           reals(summary->deviation, summary->n_channels)));
}

mot_status mot_json_print_generated(const mot_generated *g)
{
    json_t *tokens = json_array(), *text = json_stringn(g->text, g->length);
    json_t *prompt = json_string(g->prompt);
    for (int64_t i = 0; i < g->n; i++)
        json_array_append_new(tokens, json_integer(g->token[i]));
    return print(json_pack("{s:s, s:I, s:o, s:o, s:o, s:o}", "device", g->device, "seed",
                           (json_int_t)g->seed, "prompt", prompt ? prompt : json_null(), "text",
                           text ? text : json_null(), "tokens", tokens, "tokens_per_s",
                           number(g->tokens_per_s)));
}
