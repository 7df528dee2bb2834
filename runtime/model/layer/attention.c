/* attention.c: every position of a sequence gathers from the others what its heads look for. */
#include <config.h> /* the build's, not the one in runtime/model */

#include "runtime/model/layer/init.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A linear layer from `in` to `out`, with parameters called <layer>.<part>.weight and .bias. */
static mot_status append_linear(mot_builder *builder, const mot_layer *layer, const char *part,
                                const char *std, int64_t in, int64_t out)
{
    const mot_shape shape = {2, {out, in}};
    int operand[3] = {builder->x, -1, -1};
    char name[96];
    snprintf(name, sizeof name, "%s.%s", layer->name, part);
    MOT_TRY(mot_layer_weight(builder, layer, name, std, &shape, in, out, &operand[1]));
    MOT_TRY(mot_layer_bias(builder, layer, name, std, out, in, &operand[2]));
    return mot_graph_append(builder->graph, MOT_OP_linear, name, NULL, operand, 3, &builder->x);
}

static mot_status build_attention(mot_builder *builder, const mot_layer *layer)
{
    const mot_shape x = builder->graph->tensor[builder->x].shape;
    const char *where = mot_layer_where(builder, layer);
    const char *proj_std = mot_layer_text(layer, "proj_std") ? "proj_std" : "std";
    mot_attrs attrs = {.heads = strtoll(mot_layer_text(layer, "heads"), NULL, 10)};
    char text[MOT_SHAPE_TEXT];
    int out[2];
    if (x.n_dims != 3)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s takes sequences (B,T,C), but gets %s from %s", where,
                        mot_layer_input_print(builder, text), builder->from);
    if (x.dim[2] % attrs.heads != 0)
        return MOT_FAIL(MOT_ERR_SHAPE,
                        "%s has %" PRId64 " heads, which do not divide the %" PRId64
                        " numbers of a position of %s from %s",
                        where, attrs.heads, x.dim[2], mot_layer_input_print(builder, text),
                        builder->from);
    mot_text_is_bool(mot_layer_text(layer, "causal"), &attrs.causal);
    MOT_TRY(append_linear(builder, layer, "qkv", "std", x.dim[2], 3 * x.dim[2]));
    MOT_TRY(mot_graph_append(builder->graph, MOT_OP_attention, layer->name, &attrs, &builder->x, 1,
                             out));
    builder->x = out[0];
    return append_linear(builder, layer, "proj", proj_std, x.dim[2], x.dim[2]);
}

static const mot_key keys[] = {
    {"heads", MOT_KEY_INT, NULL, "[1,65536]", "number of heads, which must divide C"},
    {"causal", MOT_KEY_BOOL, "false", NULL, "a position sees only itself and those before it"},
    MOT_LAYER_PARAMETER_KEYS,
    {"proj_std", MOT_KEY_FLOAT, NULL, "[0,1000]", "`std` of `proj` only"},
    {"name", MOT_KEY_TEXT, NULL, NULL, "instead of `attn1`, `attn2`, ..."},
};

const mot_layer_type mot_layer_attention = {
    "attention",
    "attn",
    "heads",
    MOT_LAYER_KEYS(keys),
    build_attention,
    "Attention with several heads over sequences (B,T,C), softmax(q k^T / sqrt(C/heads)) v, and a "
    "linear layer on either side; parameters `attn1.qkv.weight` (3C, C), `attn1.qkv.bias`, "
    "`attn1.proj.weight` (C, C), `attn1.proj.bias`."};
