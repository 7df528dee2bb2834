/* recurrent.c: LSTM and GRU: a state that goes along the sequence. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layer/init.h"

#include <stdio.h>
#include <stdlib.h>

/* `<layer>.weight_<part>_l0` and the bias of it, called as in PyTorch's module of one layer. */
static mot_status append_parameters(mot_builder *builder, const mot_layer *layer, const char *part,
                                    int64_t rows, int64_t columns, int64_t fan_in, int operand[3])
{
    const mot_shape weight = {2, {rows, columns}}, row = {1, {rows}};
    mot_init init;
    bool bias;
    char name[112];
    MOT_TRY(mot_layer_weight_init(builder, layer, "std", fan_in, rows, &init));
    snprintf(name, sizeof name, "%s.weight_%s_l0", layer->name, part);
    MOT_TRY(mot_graph_parameter(builder->graph, name, &weight, init, &operand[1]));
    operand[2] = -1;
    mot_layer_bias_init(builder, layer, "std", fan_in, &bias, &init);
    snprintf(name, sizeof name, "%s.bias_%s_l0", layer->name, part);
    return bias ? mot_graph_parameter(builder->graph, name, &row, init, &operand[2]) : MOT_OK;
}

/* (B,T,H) to the state behind the last position, (B,H). */
static mot_status take_last(mot_builder *builder, const mot_layer *layer)
{
    const mot_shape x = builder->graph->tensor[builder->x].shape;
    const mot_shape state = {2, {MOT_BATCH, x.dim[2]}};
    const mot_attrs attrs = {
        .start = {0, x.dim[1] - 1}, .step = {0, 1, 1}, .size = {0, 1, x.dim[2]}};
    MOT_TRY(mot_graph_append(builder->graph, MOT_OP_slice, layer->name, &attrs, &builder->x, 1,
                             &builder->x));
    return mot_graph_reshape(builder->graph, builder->x, layer->name, &state, &builder->x);
}

/* What the input gives to the gates is one product for all positions. */
static mot_status build(mot_builder *builder, const mot_layer *layer, mot_op op, int64_t n_gates)
{
    const mot_shape x = builder->graph->tensor[builder->x].shape;
    const int64_t width = strtoll(mot_layer_text(layer, "out"), NULL, 10);
    int operand[3] = {builder->x, -1, -1}, out[3];
    char text[MOT_SHAPE_TEXT];
    bool last = false;
    if (x.n_dims != 3)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s takes sequences (B,T,C), but gets %s from %s",
                        mot_layer_where(builder, layer), mot_layer_input_print(builder, text),
                        builder->from);
    MOT_TRY(append_parameters(builder, layer, "ih", n_gates * width, x.dim[2], width, operand));
    MOT_TRY(mot_graph_append(builder->graph, MOT_OP_linear, layer->name, NULL, operand, 3,
                             &operand[0]));
    MOT_TRY(append_parameters(builder, layer, "hh", n_gates * width, width, width, operand));
    MOT_TRY(mot_graph_append(builder->graph, op, layer->name, NULL, operand, 3, out));
    builder->x = out[0];
    mot_text_is_bool(mot_layer_text(layer, "last"), &last);
    return last ? take_last(builder, layer) : MOT_OK;
}

static mot_status build_lstm(mot_builder *builder, const mot_layer *layer)
{
    return build(builder, layer, MOT_OP_lstm, 4);
}

static mot_status build_gru(mot_builder *builder, const mot_layer *layer)
{
    return build(builder, layer, MOT_OP_gru, 3);
}

static const mot_key keys[] = {
    {"out", MOT_KEY_INT, NULL, "[1,1048576]", "numbers in the state, H"},
    {"last", MOT_KEY_BOOL, "false", NULL, "only the state behind the last position, (B,H)"},
    MOT_LAYER_PARAMETER_KEYS,
    MOT_LAYER_NAME_KEY,
};

const mot_layer_type mot_layer_lstm = {
    "lstm",
    "lstm",
    "out",
    MOT_LAYER_KEYS(keys),
    build_lstm,
    "A long short-term memory over sequences, (B,T,C) to (B,T,H), from a state of zeros; several "
    "layers by naming several.  Names, gates and formulas are those of PyTorch's `nn.LSTM` of one "
    "layer: `lstm1.weight_ih_l0` (4H, C), `lstm1.weight_hh_l0` (4H, H), `lstm1.bias_ih_l0`, "
    "`lstm1.bias_hh_l0` (4H)."};

const mot_layer_type mot_layer_gru = {"gru",
                                      "gru",
                                      "out",
                                      MOT_LAYER_KEYS(keys),
                                      build_gru,
                                      "Gated recurrent units, as PyTorch's `nn.GRU`: "
                                      "`gru1.weight_ih_l0` (3H, C), and so on, as `lstm` "
                                      "has them."};
