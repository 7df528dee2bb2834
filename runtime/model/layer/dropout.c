/* dropout.c: zeros by chance while training. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

static mot_status build_dropout(mot_builder *builder, const mot_layer *layer)
{
    double p;
    MOT_TRY(mot_parse_float("p", mot_layer_text(layer, "p"), &p));
    if (p == 0)
        return MOT_OK;
    mot_attrs attrs = {.p = (float)p, .layer = ++builder->n_dropouts};
    return mot_graph_append(builder->graph, MOT_OP_dropout, layer->name, &attrs, &builder->x, 1,
                            &builder->x);
}

static const mot_key keys[] = {
    {"p", MOT_KEY_FLOAT, NULL, "[0,0.999]", "probability of zero"},
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `dropout1`, ..."},
};

const mot_layer_type mot_layer_dropout = {
    "dropout",     "dropout",
    "p",           MOT_LAYER_KEYS(keys),
    build_dropout, "While training, zero with probability p, else x/(1-p)."};
