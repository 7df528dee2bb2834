/* add.c: the sum of values of one shape, as a residual connection has it. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

static mot_status check_shapes(const mot_builder *builder, const mot_layer *layer)
{
    const mot_tensor *tensor = builder->graph->tensor;
    char a[MOT_SHAPE_TEXT], b[MOT_SHAPE_TEXT];
    for (int i = 1; i < builder->n_in; i++)
        if (!mot_shape_equal(&tensor[builder->in[0]].shape, &tensor[builder->in[i]].shape))
            return MOT_FAIL(MOT_ERR_SHAPE, "%s takes values of one shape, but gets %s and %s",
                            mot_layer_where(builder, layer),
                            mot_shape_print(&tensor[builder->in[0]].shape, a),
                            mot_shape_print(&tensor[builder->in[i]].shape, b));
    return MOT_OK;
}

static mot_status build_add(mot_builder *builder, const mot_layer *layer)
{
    MOT_TRY(check_shapes(builder, layer));
    for (int i = 1; i < builder->n_in; i++)
        MOT_TRY(mot_graph_append(builder->graph, MOT_OP_add, layer->name, NULL,
                                 (int[]){builder->x, builder->in[i]}, 2, &builder->x));
    return MOT_OK;
}

static const mot_key keys[] = {
    {"from", MOT_KEY_TEXTS, NULL, NULL,
     "what is added: names of values, `[a, b]`, or one name for the output before and that"},
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `add1`, ..."},
};

const mot_layer_type mot_layer_add = {
    "add",     "add",
    "from",    MOT_LAYER_KEYS(keys),
    build_add, "The sum of values of one shape: `add: input` closes a residual connection."};
