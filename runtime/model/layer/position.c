/* position.c: learnt numbers added at each position of a sequence. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static mot_status build_position(mot_builder *builder, const mot_layer *layer)
{
    const mot_shape x = builder->graph->tensor[builder->x].shape;
    const char *where = mot_layer_where(builder, layer), *length = mot_layer_text(layer, "length");
    char name[96], text[MOT_SHAPE_TEXT];
    int operand[2] = {builder->x, -1};
    double deviation;
    if (x.n_dims != 3)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s takes sequences (B,T,C), but gets %s from %s", where,
                        mot_layer_input_print(builder, text), builder->from);
    if (length && strtoll(length, NULL, 10) != x.dim[1])
        return MOT_FAIL(MOT_ERR_SHAPE, "%s is for %s positions, but gets %" PRId64 ", %s, from %s",
                        where, length, x.dim[1], mot_layer_input_print(builder, text),
                        builder->from);
    mot_shape shape = {2, {x.dim[1], x.dim[2]}};
    MOT_TRY(mot_parse_float("std", mot_layer_text(layer, "std"), &deviation));
    snprintf(name, sizeof name, "%s.weight", layer->name);
    MOT_TRY(mot_graph_parameter(builder->graph, name, &shape,
                                (mot_init){MOT_INIT_NORMAL, (float)deviation}, &operand[1]));
    return mot_graph_append(builder->graph, MOT_OP_position, layer->name, NULL, operand, 2,
                            &builder->x);
}

static const mot_key keys[] = {
    {"length", MOT_KEY_INT, NULL, "[1,16777216]", "number of positions, if it shall be checked"},
    {"std", MOT_KEY_FLOAT, "1", "[0,1000]", "deviation of the normal numbers that it starts with"},
    MOT_LAYER_NAME_KEY,
};

const mot_layer_type mot_layer_position = {
    "position",
    "position",
    NULL,
    MOT_LAYER_KEYS(keys),
    build_position,
    "Adds learnt numbers at each position of a sequence (B,T,C); parameter `position1.weight` "
    "(T, C)."};
