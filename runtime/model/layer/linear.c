/* linear.c: every output is a weighted sum of all inputs. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layer/init.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mot_status check_linear(const mot_builder *builder, const mot_layer *layer)
{
    const mot_shape *x = &builder->graph->tensor[builder->x].shape;
    const char *where = mot_layer_where(builder, layer), *in = mot_layer_text(layer, "in");
    char text[MOT_SHAPE_TEXT];
    if (x->n_dims != 2 && x->n_dims != 3)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s takes (B,K) or (B,T,K), but gets %s from %s; put `flatten` in between",
                        where, mot_layer_input_print(builder, text), builder->from);
    int64_t wanted = in ? strtoll(in, NULL, 10) : mot_shape_last(x);
    if (wanted != mot_shape_last(x))
        return MOT_FAIL(
            MOT_ERR_SHAPE, "%s takes %" PRId64 " inputs, but gets %" PRId64 ", %s, from %s", where,
            wanted, mot_shape_last(x), mot_layer_input_print(builder, text), builder->from);
    return MOT_OK;
}

/* The weight of another layer, to be used here as well: its gradient is the sum of both. */
static mot_status find_tied(const mot_builder *builder, const mot_layer *layer,
                            const mot_shape *wanted, int *out)
{
    const char *where = mot_layer_where(builder, layer), *tied = mot_layer_text(layer, "tied");
    char name[96], shape[2][MOT_SHAPE_TEXT];
    snprintf(name, sizeof name, "%.80s.weight", tied);
    for (int i = 0; i < builder->graph->n_parameters; i++) {
        const mot_tensor *tensor = &builder->graph->tensor[builder->graph->parameter[i]];
        if (strcmp(tensor->name, name) != 0)
            continue;
        if (!mot_shape_equal(&tensor->shape, wanted))
            return MOT_FAIL(MOT_ERR_SHAPE, "%s needs a weight %s, but %s is %s", where,
                            mot_shape_print(wanted, shape[0]), name,
                            mot_shape_print(&tensor->shape, shape[1]));
        *out = builder->graph->parameter[i];
        return MOT_OK;
    }
    return MOT_FAIL(MOT_ERR_ARGUMENT,
                    "%s is tied to %s, but no layer before it has this name and a "
                    "weight",
                    where, tied);
}

static mot_status build_linear(mot_builder *builder, const mot_layer *layer)
{
    MOT_TRY(check_linear(builder, layer));
    int64_t out = strtoll(mot_layer_text(layer, "out"), NULL, 10);
    int64_t in = mot_shape_last(&builder->graph->tensor[builder->x].shape);
    mot_shape w = {2, {out, in}};
    int operand[3] = {builder->x, -1, -1};
    if (mot_layer_text(layer, "tied")) {
        MOT_TRY(find_tied(builder, layer, &w, &operand[1]));
        MOT_TRY(mot_layer_bias(builder, layer, layer->name, "std", out, in, &operand[2]));
    } else {
        MOT_TRY(mot_layer_parameters(builder, layer, &w, in, out, operand));
    }
    return mot_graph_append(builder->graph, MOT_OP_linear, layer->name, NULL, operand, 3,
                            &builder->x);
}

static const mot_key keys[] = {
    {"out", MOT_KEY_INT, NULL, "[1,16777216]", "number of outputs"},
    {"in", MOT_KEY_INT, NULL, "[1,1099511627776]", "number of inputs, if it shall be checked"},
    MOT_LAYER_PARAMETER_KEYS,
    {"tied", MOT_KEY_TEXT, NULL, NULL,
     "name of a layer before, e.g. an embedding, whose weight (out, in) is used here as well"},
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `fc1`, `fc2`, ..."},
};

const mot_layer_type mot_layer_linear = {
    "linear",
    "fc",
    "out",
    MOT_LAYER_KEYS(keys),
    build_linear,
    "Every output is a weighted sum of all inputs, y = x W^T "
    "+ b; of a sequence (B,T,K) at each position; parameters `fc1.weight` (out, in) "
    "and `fc1.bias` (out)."};
