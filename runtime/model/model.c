/* model.c: a configuration and what the data are like -> a sealed graph:
 * ingest, the layers, the loss, backward, update. */
#include <config.h> /* the build's, not the one in this folder */

#include "runtime/base/memory.h"
#include "runtime/graph/op/rules.h"
#include "runtime/model/expand.h"
#include "runtime/model/optimizer.h"

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
    if (spec->tokens) { /* no quantities, to be scaled or added */
        b->x = in[0];
        return MOT_OK;
    }
    if (!scale && spec->input_dtype == MOT_U8) {
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

/* Which loss, and whether it can be.  Classes go with cross-entropy, and two of them with bce, where
 * the network has one output, above 0 for the second; numbers go with all the others. */
typedef struct loss_choice {
    mot_op op;
    mot_attrs attrs;
    int64_t n_outputs;
} loss_choice;

static mot_status check_loss(const mot_config *config, const mot_sample_spec *spec,
                             const char *name)
{
    const bool entropy = strcmp(name, "cross-entropy") == 0, bce = strcmp(name, "bce") == 0;
    const char *set;
    MOT_TRY(mot_config_get_text(config, "data.set", &set));
    if (bce && !spec->regression && spec->n_classes != 2)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: model.loss is bce, for two classes or numbers between 0 and 1, but %s "
                        "has %" PRId64 " classes: use cross-entropy",
                        mot_config_where(config, "model.loss"), set, spec->n_classes);
    if (bce || spec->regression == !entropy)
        return MOT_OK;
    return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: model.loss is %s, but the targets of %s are %s",
                    mot_config_where(config, "model.loss"), name, set,
                    spec->regression ? "numbers: use mse, l1, huber or bce"
                                     : "classes: use cross-entropy, or for two of them bce");
}

static mot_status choose_loss(const mot_config *config, const mot_sample_spec *spec,
                              loss_choice *out)
{
    const char *name;
    double delta, smoothing;
    MOT_TRY(mot_config_get_text(config, "model.loss", &name));
    MOT_TRY(mot_config_get_float(config, "model.huber_delta", &delta));
    MOT_TRY(mot_config_get_float(config, "model.label_smoothing", &smoothing));
    if (strcmp(name, "auto") == 0)
        name = spec->regression ? "mse" : "cross-entropy";
    MOT_TRY(check_loss(config, spec, name));
    *out = (loss_choice){.op = MOT_OP_softmax_xent,
                         .attrs.smoothing = (float)smoothing,
                         .n_outputs = spec->n_classes};
    if (strcmp(name, "cross-entropy") == 0)
        return MOT_OK;
    if (mot_config_is_set(config, "data.ignore_label"))
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: data.ignore_label goes with cross-entropy, not %s",
                        mot_config_where(config, "data.ignore_label"), name);
    if (smoothing > 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: model.label_smoothing goes with cross-entropy, not %s",
                        mot_config_where(config, "model.label_smoothing"), name);
    mot_loss loss = 0;
    while (strcmp(mot_loss_name(loss), name) != 0)
        loss++;
    *out = (loss_choice){.op = MOT_OP_pointwise_loss,
                         .attrs = {.loss = loss},
                         .n_outputs = spec->regression ? spec->n_classes : 1};
    if (loss == MOT_LOSS_HUBER)
        out->attrs.delta = (float)delta;
    return MOT_OK;
}

static mot_status check_output(const mot_config *config, const mot_sample_spec *spec,
                               const mot_builder *b, const mot_layer *last)
{
    loss_choice loss;
    const mot_shape *y = &b->graph->tensor[b->x].shape;
    mot_origin origin = {.name = b->file, .path = b->path, .within = last->within};
    const char *where = mot_origin_print(&origin, last->yaml), *set;
    char text[MOT_SHAPE_TEXT];
    MOT_TRY(choose_loss(config, spec, &loss));
    MOT_TRY(mot_config_get_text(config, "data.set", &set));
    if (y->n_dims != 2 && !(y->n_dims == 3 && spec->tokens))
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s: the last layer, %s, gives %s; end with `flatten` and `linear: %" PRId64
                        "`",
                        where, b->from, mot_shape_print(y, text), loss.n_outputs);
    if (mot_shape_last(y) != loss.n_outputs && loss.n_outputs != spec->n_classes)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s: the last layer, %s, gives %" PRId64
                        " outputs; two classes need one with model.loss bce",
                        where, b->from, mot_shape_last(y));
    if (mot_shape_last(y) != loss.n_outputs)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s: the last layer, %s, gives %" PRId64 " outputs, but %s has %" PRId64
                        " %s",
                        where, b->from, mot_shape_last(y), set, spec->n_classes,
                        spec->regression ? "targets" : "classes");
    return MOT_OK;
}

static mot_status build_loss(const mot_config *config, const mot_sample_spec *spec, mot_builder *b)
{
    loss_choice loss;
    double mixup;
    MOT_TRY(choose_loss(config, spec, &loss));
    MOT_TRY(mot_config_get_float(config, "data.augment.mixup", &mixup));
    mot_shape labels = {mixup > 0 ? 2 : 1, {MOT_BATCH, 3}},
              targets = {2, {MOT_BATCH, loss.n_outputs}};
    int in[2] = {b->x, -1}, out[2];
    if (loss.op == MOT_OP_softmax_xent)
        MOT_TRY(mot_graph_source(b->graph, MOT_TENSOR_LABEL, "label", MOT_I32,
                                 spec->tokens ? &spec->input : &labels, &in[1]));
    else
        MOT_TRY(mot_graph_source(b->graph, MOT_TENSOR_LABEL, "target", MOT_F32, &targets, &in[1]));
    return mot_graph_append(b->graph, loss.op, "loss", &loss.attrs, in, 2, out);
}

/* ---- optimizer ---- */

static mot_status seal(const mot_config *config, mot_graph *graph)
{
    mot_optimizer optimizer;
    MOT_TRY(mot_optimizer_read(config, &optimizer));
    MOT_TRY(mot_optimizer_group(config, graph));
    return mot_graph_seal(graph, optimizer.op, &optimizer.attrs);
}

/* ---- all of it ---- */

static mot_status read_layers(const mot_config *config, const mot_sample_spec *spec,
                              mot_checkpoints checkpoints, mot_layers *layers)
{
    const mot_yaml *list = mot_config_get_yaml(config, "model.layers");
    const char *file = mot_config_name(config);
    if (!list)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: model.layers is not set; expected a list of layers, e.g. [flatten, "
                        "{linear: 128}, relu, {linear: %" PRId64 "}]",
                        file, spec->n_classes);
    return mot_layers_read(file, list, mot_config_get_yaml(config, "model.define"), checkpoints,
                           layers);
}

static mot_status build(const mot_config *config, const mot_sample_spec *spec, mot_layers *layers,
                        mot_builder *b)
{
    MOT_TRY(mot_config_get_text(config, "model.init", &b->init));
    MOT_TRY(build_input(b, spec));
    MOT_TRY(mot_layers_build(b, layers));
    MOT_TRY(check_output(config, spec, b, &layers->layer[layers->n - 1]));
    if (b->graph->n_parameters == 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: no layer has parameters to train, e.g. linear",
                        mot_config_where(config, "model.layers"));
    return MOT_OK;
}

/* What each layer is, while the graph still has its nodes one by one. */
static mot_status describe(const mot_layers *layers, const mot_graph *graph, mot_model *model)
{
    MOT_TRY(mot_alloc((size_t)layers->n, sizeof *model->layer, &model->layer));
    for (int i = 0; i < layers->n; i++) {
        const mot_layer *from = &layers->layer[i];
        const bool last = i == layers->n - 1;
        const int end_node = last ? graph->n_nodes : from[1].first_node;
        const int end_parameter = last ? graph->n_parameters : from[1].first_parameter;
        mot_model_layer *to = &model->layer[model->n_layers++];
        *to = (mot_model_layer){.kind = from->type->name, .n_from = from->n_from};
        to->shape = graph->tensor[from->tensor].shape;
        MOT_TRY(mot_strdup(from->name, &to->name));
        MOT_TRY(mot_alloc((size_t)from->n_from, sizeof *to->from, &to->from));
        memcpy(to->from, from->from, (size_t)from->n_from * sizeof *to->from);
        for (int p = from->first_parameter; p < end_parameter; p++)
            to->parameters += mot_shape_elements(&graph->tensor[graph->parameter[p]].shape, 1);
        for (int n = from->first_node; n < end_node; n++) {
            const double flops = mot_node_cost(graph, n, 1).flops;
            to->flops += flops;
            to->multiply_adds += mot_op_get_rules(graph->node[n].op)->product ? flops / 2 : 0;
        }
    }
    return MOT_OK;
}

static mot_status build_model(const mot_config *config, const mot_sample_spec *spec,
                              mot_checkpoints checkpoints, mot_model *model)
{
    mot_layers layers = {0};
    mot_builder b = {.file = mot_config_name(config)};
    mot_status status;
    MOT_TRY_GOTO(mot_graph_new(&model->graph));
    b.graph = model->graph;
    MOT_TRY_GOTO(read_layers(config, spec, checkpoints, &layers));
    model->n_checkpoints = layers.n_checkpoints;
    MOT_TRY_GOTO(build(config, spec, &layers, &b));
    MOT_TRY_GOTO(describe(&layers, b.graph, model));
    MOT_TRY_GOTO(build_loss(config, spec, &b));
    MOT_TRY_GOTO(seal(config, b.graph));
fail:
    mot_layers_free(&layers);
    return status;
}

mot_status mot_model_open(const mot_config *config, const mot_sample_spec *spec,
                          mot_checkpoints checkpoints, mot_model **out)
{
    mot_model *model;
    MOT_TRY(mot_alloc(1, sizeof *model, &model));
    model->input = spec->input;
    mot_status status = build_model(config, spec, checkpoints, model);
    if (status != MOT_OK) {
        mot_model_free(model);
        return status;
    }
    *out = model;
    return MOT_OK;
}

void mot_model_free(mot_model *model)
{
    if (!model)
        return;
    for (int i = 0; i < model->n_layers; i++) {
        free(model->layer[i].name);
        free(model->layer[i].from);
    }
    free(model->layer);
    mot_graph_free(model->graph);
    free(model);
}

mot_status mot_model_build(const mot_config *config, const mot_sample_spec *spec, mot_graph **out)
{
    mot_model *model;
    MOT_TRY(mot_model_open(config, spec, MOT_CHECKPOINTS_WRITTEN, &model));
    *out = model->graph;
    model->graph = NULL;
    mot_model_free(model);
    return MOT_OK;
}
