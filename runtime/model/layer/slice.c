/* slice.c: a part of a sample. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layers.h"

#include <inttypes.h>
#include <stdlib.h>

/* In the dimension `dim`: elements from start to end, not included, in steps. */
static mot_status cut(const mot_builder *builder, const mot_layer *layer, int64_t dim,
                      mot_attrs *attrs)
{
    const mot_shape *x = &builder->graph->tensor[builder->x].shape;
    const char *given = mot_layer_text(layer, "end");
    const int64_t start = strtoll(mot_layer_text(layer, "start"), NULL, 10);
    const int64_t step = strtoll(mot_layer_text(layer, "step"), NULL, 10);
    char text[MOT_SHAPE_TEXT];
    if (dim >= x->n_dims)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s: there is no dimension %" PRId64 " in %s, from %s",
                        mot_layer_where(builder, layer), dim, mot_layer_input_print(builder, text),
                        builder->from);
    const int64_t end = given ? strtoll(given, NULL, 10) : x->dim[dim];
    if (start >= end || end > x->dim[dim])
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s takes elements %" PRId64 " to %" PRId64 " of dimension %" PRId64
                        ", but gets %s from %s",
                        mot_layer_where(builder, layer), start, end, dim,
                        mot_layer_input_print(builder, text), builder->from);
    attrs->start[dim] = start;
    attrs->step[dim] = step;
    attrs->size[dim] = (end - start - 1) / step + 1;
    return MOT_OK;
}

static mot_status build_slice(mot_builder *builder, const mot_layer *layer)
{
    const mot_shape *x = &builder->graph->tensor[builder->x].shape;
    int64_t dims[MOT_MAX_DIMS] = {0};
    const int n = mot_layer_ints(layer, "dim", dims, MOT_MAX_DIMS);
    mot_attrs attrs = {0};
    for (int i = 1; i < x->n_dims; i++) {
        attrs.step[i] = 1;
        attrs.size[i] = x->dim[i];
    }
    for (int i = 0; i < n && i < MOT_MAX_DIMS; i++)
        MOT_TRY(cut(builder, layer, dims[i], &attrs));
    return mot_graph_append(builder->graph, MOT_OP_slice, layer->name, &attrs, &builder->x, 1,
                            &builder->x);
}

static const mot_key keys[] = {
    {"dim", MOT_KEY_INTS, NULL, "[1,4]", "the dimension that is cut, or a list: all are cut alike"},
    {"start", MOT_KEY_INT, "0", "[0,1099511627776]", "the first element that is taken"},
    {"end", MOT_KEY_INT, NULL, "[1,1099511627776]",
     "the first behind them that is not; unset: all are taken"},
    {"step", MOT_KEY_INT, "1", "[1,1099511627776]", "2 takes every second"},
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `slice1`, ..."},
};

const mot_layer_type mot_layer_slice = {
    "slice",
    "slice",
    "dim",
    MOT_LAYER_KEYS(keys),
    build_slice,
    "A part of each sample: `slice: {dim: [2, 3], step: 2}` takes every second row "
    "and column."};
