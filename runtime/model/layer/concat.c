/* concat.c: values one behind the other in one dimension. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

#include <stdlib.h>
#include <string.h>

static mot_status check_shapes(const mot_builder *builder, const mot_layer *layer, int axis)
{
    const mot_tensor *tensor = builder->graph->tensor;
    const mot_shape *first = &tensor[builder->in[0]].shape;
    char a[MOT_SHAPE_TEXT], b[MOT_SHAPE_TEXT];
    for (int i = 0; i < builder->n_in; i++) {
        mot_shape other = tensor[builder->in[i]].shape;
        if (axis < other.n_dims && axis < first->n_dims)
            other.dim[axis] = first->dim[axis];
        if (axis >= first->n_dims || !mot_shape_equal(first, &other))
            return MOT_FAIL(MOT_ERR_SHAPE,
                            "%s takes values that differ in dimension %d only, but gets %s and %s",
                            mot_layer_where(builder, layer), axis, mot_shape_print(first, a),
                            mot_shape_print(&tensor[builder->in[i]].shape, b));
    }
    return MOT_OK;
}

/* An operator takes up to MOT_NODE_INPUTS values: more of them are joined by several. */
static mot_status build_concat(mot_builder *builder, const mot_layer *layer)
{
    mot_attrs attrs = {.axis = atoi(mot_layer_text(layer, "dim"))};
    int in[MOT_NODE_INPUTS], next = 0;
    MOT_TRY(check_shapes(builder, layer, attrs.axis));
    for (int n = 0; next < builder->n_in; n = 0) {
        if (next > 0)
            in[n++] = builder->x;
        while (n < MOT_NODE_INPUTS && next < builder->n_in)
            in[n++] = builder->in[next++];
        MOT_TRY(mot_graph_append(builder->graph, MOT_OP_concat, layer->name, &attrs, in, n,
                                 &builder->x));
    }
    return MOT_OK;
}

static const mot_key keys[] = {
    {"from", MOT_KEY_TEXTS, NULL, NULL,
     "what is joined: names of values, `[a, b]`, or one name for the output before and that"},
    {"dim", MOT_KEY_INT, "1", "[1,4]", "the dimension in which they follow each other"},
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `concat1`, ..."},
};

const mot_layer_type mot_layer_concat = {
    "concat",     "concat",
    "from",       MOT_LAYER_KEYS(keys),
    build_concat, "Values one behind the other, in the channels unless `dim` says otherwise."};
