/* model.c: a configuration and what the data are like -> a sealed graph:
 * ingest, the layers, the loss, backward, update. */
#include <config.h> /* the build's, not the one in this folder */

#include "runtime/base/memory.h"
#include "runtime/model/layers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- input ---- */

static mot_status check_spec(const mot_sample_spec *spec)
{
    int64_t sample = mot_shape_elements(&spec->input, 1);
    if (spec->scale &&
        (spec->n_channels < 1 || spec->group < 1 || spec->n_channels > sample / spec->group ||
         spec->n_channels * spec->group != sample))
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "normalization of %" PRId64 " channels of %" PRId64
                        " elements does not fit samples of %" PRId64,
                        spec->n_channels, spec->group, sample);
    return MOT_OK;
}

static mot_status build_input(mot_builder *b, const mot_sample_spec *spec)
{
    static const float pixel_scale = 1.0f / 255, pixel_shift = 0;
    const float *scale = spec->scale, *shift = spec->shift;
    int64_t n = spec->n_channels;
    mot_attrs attrs = {.group = spec->group};
    int in[3] = {-1, -1, -1};
    MOT_TRY(check_spec(spec));
    MOT_TRY(
        mot_graph_source(b->graph, MOT_TENSOR_RAW, "raw", spec->input_dtype, &spec->input, &in[0]));
    if (!scale && spec->input_dtype == MOT_U8 && !spec->tokens) {
        scale = &pixel_scale;
        shift = &pixel_shift;
        n = 1;
        attrs.group = mot_shape_elements(&spec->input, 1);
    }
    if (scale) {
        MOT_TRY(mot_graph_constant(b->graph, "scale", scale, n, &in[1]));
        MOT_TRY(mot_graph_constant(b->graph, "shift", shift, n, &in[2]));
    } else {
        attrs.group = 1;
    }
    return mot_graph_append(b->graph, MOT_OP_ingest, "input", &attrs, in, 3, &b->x);
}

/* ---- loss ---- */

/* Which loss, and whether it can be: classes go with cross-entropy, numbers with mse. */
static mot_status choose_loss(const mot_config *config, const mot_sample_spec *spec, mot_op *loss)
{
    const char *name, *set;
    MOT_TRY(mot_config_get_text(config, "model.loss", &name));
    MOT_TRY(mot_config_get_text(config, "data.set", &set));
    *loss = spec->regression ? MOT_OP_mse : MOT_OP_softmax_xent;
    if (strcmp(name, "auto") == 0 || spec->regression == (strcmp(name, "mse") == 0))
        return MOT_OK;
    return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: model.loss is %s, but the targets of %s are %s",
                    mot_config_where(config, "model.loss"), name, set,
                    spec->regression ? "numbers: use mse" : "classes: use cross-entropy");
}

static mot_status check_output(const mot_config *config, const mot_sample_spec *spec,
                               const mot_builder *b, const mot_yaml *layers)
{
    const mot_shape *y = &b->graph->tensor[b->x].shape;
    mot_origin origin = {b->file, "model.layers"};
    const char *where = mot_origin_print(&origin, layers->item[layers->n - 1]), *set;
    char text[MOT_SHAPE_TEXT];
    MOT_TRY(mot_config_get_text(config, "data.set", &set));
    if (y->n_dims != 2)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s: the last layer, %s, gives %s; end with `flatten` and `linear: %" PRId64
                        "`",
                        where, b->from, mot_shape_print(y, text), spec->n_classes);
    if (y->dim[1] != spec->n_classes)
        return MOT_FAIL(
            MOT_ERR_SHAPE,
            "%s: the last layer, %s, gives %" PRId64 " outputs, but %s has %" PRId64 " %s", where,
            b->from, y->dim[1], set, spec->n_classes, spec->regression ? "targets" : "classes");
    return MOT_OK;
}

static mot_status build_loss(const mot_config *config, const mot_sample_spec *spec, mot_builder *b)
{
    mot_shape labels = {1, {MOT_BATCH}}, targets = {2, {MOT_BATCH, spec->n_classes}};
    mot_op loss;
    int in[2] = {b->x, -1}, out[2];
    MOT_TRY(choose_loss(config, spec, &loss));
    if (spec->regression)
        MOT_TRY(mot_graph_source(b->graph, MOT_TENSOR_LABEL, "target", MOT_F32, &targets, &in[1]));
    else
        MOT_TRY(mot_graph_source(b->graph, MOT_TENSOR_LABEL, "label", MOT_I32,
                                 spec->tokens ? &spec->input : &labels, &in[1]));
    return mot_graph_append(b->graph, loss, "loss", NULL, in, 2, out);
}

/* ---- optimizer ---- */

static mot_status seal(const mot_config *config, mot_graph *graph)
{
    static const mot_op optimizers[] = {MOT_OP_sgd, MOT_OP_adam};
    mot_attrs attrs = {0};
    mot_op optimizer = MOT_OP_sgd;
    const char *name;
    MOT_TRY(mot_config_get_text(config, "train.optimizer.name", &name));
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++)
        if (strcmp(mot_op_name(optimizers[i]), name) == 0)
            optimizer = optimizers[i];
    MOT_TRY(mot_config_get_float(config, "train.optimizer.momentum", &attrs.momentum));
    MOT_TRY(mot_config_get_float(config, "train.optimizer.weight_decay", &attrs.weight_decay));
    MOT_TRY(mot_config_get_float(config, "train.optimizer.beta1", &attrs.beta1));
    MOT_TRY(mot_config_get_float(config, "train.optimizer.beta2", &attrs.beta2));
    MOT_TRY(mot_config_get_float(config, "train.optimizer.eps", &attrs.eps));
    return mot_graph_seal(graph, optimizer, &attrs);
}

/* ---- all of it ---- */

static mot_status build(const mot_config *config, const mot_sample_spec *spec, mot_builder *b)
{
    const mot_yaml *layers = mot_config_get_yaml(config, "model.layers");
    if (!layers)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: model.layers is not set; expected a list of layers, e.g. [flatten, "
                        "{linear: 128}, relu, {linear: %" PRId64 "}]",
                        b->file, spec->n_classes);
    MOT_TRY(mot_config_get_text(config, "model.init", &b->init));
    MOT_TRY(build_input(b, spec));
    b->from = "the input";
    MOT_TRY(mot_layers_build(b, layers));
    MOT_TRY(check_output(config, spec, b, layers));
    if (b->graph->n_parameters == 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: no layer has parameters to train, e.g. linear",
                        mot_config_where(config, "model.layers"));
    MOT_TRY(build_loss(config, spec, b));
    return seal(config, b->graph);
}

mot_status mot_model_build(const mot_config *config, const mot_sample_spec *spec, mot_graph **out)
{
    mot_builder b = {.file = mot_config_name(config)};
    MOT_TRY(mot_graph_new(&b.graph));
    mot_status status = build(config, spec, &b);
    for (int i = 0; i < b.n_names; i++)
        free(b.name[i]);
    free(b.name);
    if (status != MOT_OK) {
        mot_graph_free(b.graph);
        return status;
    }
    *out = b.graph;
    return MOT_OK;
}
