/* embedding.c: a row of a table for every id of a sequence. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

#include <stdio.h>
#include <stdlib.h>

static mot_status build_embedding(mot_builder *builder, const mot_layer *layer)
{
    const mot_tensor *x = &builder->graph->tensor[builder->x];
    const char *where = mot_layer_where(builder, layer), *out = mot_layer_text(layer, "out");
    char name[96], text[MOT_SHAPE_TEXT];
    int operand[2] = {builder->x, -1};
    double deviation;
    if (x->dtype == MOT_F32 || x->shape.n_dims != 2)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s takes ids, whole numbers (B,T), but gets %s of other numbers from %s",
                        where, mot_layer_input_print(builder, text), builder->from);
    if (!out)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s needs `out`, the length of a row", where);
    mot_shape shape = {
        2, {strtoll(mot_layer_text(layer, "vocabulary"), NULL, 10), strtoll(out, NULL, 10)}};
    MOT_TRY(mot_parse_float("std", mot_layer_text(layer, "std"), &deviation));
    snprintf(name, sizeof name, "%s.weight", layer->name);
    MOT_TRY(mot_graph_parameter(builder->graph, name, &shape,
                                (mot_init){MOT_INIT_NORMAL, (float)deviation}, &operand[1]));
    return mot_graph_append(builder->graph, MOT_OP_embedding, layer->name, NULL, operand, 2,
                            &builder->x);
}

static const mot_key keys[] = {
    {"vocabulary", MOT_KEY_INT, NULL, "[1,16777216]", "number of different ids, from 0"},
    {"out", MOT_KEY_INT, NULL, "[1,1048576]", "numbers for each id"},
    {"std", MOT_KEY_FLOAT, "1", "[0,1000]", "deviation of the normal numbers that it starts with"},
    MOT_LAYER_NAME_KEY,
};

const mot_layer_type mot_layer_embedding = {
    "embedding",
    "embedding",
    "vocabulary",
    MOT_LAYER_KEYS(keys),
    build_embedding,
    "A row of a table for every id, `(B,T)` to `(B,T,out)`; parameter `embedding1.weight` "
    "(vocabulary, out)."};
