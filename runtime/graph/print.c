/* print.c: a graph as text, one line a node:
 *
 *     forward   fc1      linear(relu)   flatten (B,784), fc1.weight (128,784) -> relu1 (B,128)
 */
#include "config.h"

#include "runtime/graph/internal.h"

#include "runtime/base/text.h"

#include <inttypes.h>
#include <stdio.h>

static const char *phase_name(mot_phase phase)
{
    return phase == MOT_PHASE_FORWARD    ? "forward"
           : phase == MOT_PHASE_BACKWARD ? "backward"
                                         : "update";
}

/* The operator with the attributes that it uses. */
static void print_op(const mot_node *node, char *text, size_t size)
{
    const char *name = mot_op_name(node->op);
    const mot_attrs *a = &node->attrs;
    if (node->op == MOT_OP_ingest)
        snprintf(text, size, "%s(%" PRId64 ")", name, a->group);
    else if (node->op == MOT_OP_dropout)
        snprintf(text, size, "%s(%g,#%u)", name, (double)a->p, (unsigned)a->layer);
    else if (node->op == MOT_OP_norm || node->op == MOT_OP_norm_grad)
        snprintf(text, size, "%s(%s,%" PRId64 ")", name, mot_norm_name(a->norm), a->group);
    else if (node->op == MOT_OP_pointwise_loss)
        snprintf(text, size, "%s(%s,%g)", name, mot_loss_name(a->loss), (double)a->delta);
    else if (node->op == MOT_OP_softmax_xent && a->smoothing > 0)
        snprintf(text, size, "%s(%g)", name, (double)a->smoothing);
    else if (node->op == MOT_OP_unscale)
        snprintf(text, size, "%s(%g,%" PRId64 ")", name, a->loss_scale, a->loss_scale_every);
    else if (a->activation != MOT_ACT_NONE)
        snprintf(text, size, "%s(%s)", name, mot_activation_name(a->activation));
    else
        snprintf(text, size, "%s", name);
}

static mot_status print_tensors(const mot_graph *graph, const int *tensor, int n, mot_text *text)
{
    for (int i = 0; i < n; i++) {
        const char *comma = i ? ", " : "";
        if (tensor[i] < 0) {
            MOT_TRY(mot_text_add(text, "%s-", comma));
            continue;
        }
        const mot_tensor *t = &graph->tensor[tensor[i]];
        char shape[MOT_SHAPE_TEXT];
        MOT_TRY(mot_text_add(text, "%s%s %s", comma, t->name, mot_shape_print(&t->shape, shape)));
        if (t->dtype != MOT_F32)
            MOT_TRY(mot_text_add(text, " %s", mot_dtype_name(t->dtype)));
    }
    return MOT_OK;
}

static mot_status print_node(const mot_graph *graph, const mot_node *node, mot_text *text)
{
    char op[64];
    print_op(node, op, sizeof op);
    MOT_TRY(mot_text_add(text, "%-8s  %-8s  %-16s  ", phase_name(node->phase), node->name, op));
    MOT_TRY(print_tensors(graph, node->in, node->n_in, text));
    MOT_TRY(mot_text_add(text, " -> "));
    MOT_TRY(print_tensors(graph, node->out, node->n_out, text));
    return mot_text_add(text, "\n");
}

mot_status mot_graph_print(const mot_graph *graph, char **out)
{
    mot_text text = {0};
    mot_status status = mot_text_add(&text, "%s", "");
    for (int i = 0; i < graph->n_nodes && status == MOT_OK; i++)
        status = print_node(graph, &graph->node[i], &text);
    if (status != MOT_OK) {
        mot_text_free(&text);
        return status;
    }
    *out = text.data;
    return MOT_OK;
}
