/* tune_problems.c: which problems a training of the configuration really has.
 *
 * The model is laid out on paper, for the batch sizes that matter: the whole batch (one device, and
 * evaluation), equal shares of it, and what is left at the end of an epoch, unless another size within a
 * quarter stands for it (mot_tuned_find).
 */
#include "config.h"

#include "tools/tune.h"

#include "runtime/base/memory.h"
#include "runtime/graph/graph.h"
#include "runtime/model/config.h"
#include "runtime/train/data.h"
#include "tools/bench.h"
#include "tools/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static mot_status add(mot_tuning *t, const mot_problem *problem, bool near)
{
    for (size_t i = 0; i < t->n_problems; i++) {
        mot_tuned_entry known = {.problem = t->problem[i]};
        mot_tuned table = {.entry = &known, .n_entries = 1};
        if (mot_problem_equal(&t->problem[i], problem) || (near && mot_tuned_find(&table, problem)))
            return MOT_OK;
    }
    MOT_TRY(mot_grow(&t->problem, &t->capacity, t->n_problems + 1, sizeof *t->problem));
    t->problem[t->n_problems++] = *problem;
    return MOT_OK;
}

/* ---- a usual set ---- */

static mot_status add_usual(mot_tuning *t)
{
    mot_bench_row row;
    for (int i = 0; mot_bench_gemm_usual(i, &row); i++) {
        char text[MOT_PROBLEM_TEXT];
        mot_problem problem;
        snprintf(text, sizeof text, "product %s %" PRId64 "*%" PRId64 "x%" PRId64 "x%" PRId64,
                 row.form, row.batch, row.m, row.n, row.k);
        if (mot_problem_parse(text, &problem))
            MOT_TRY(add(t, &problem, false));
    }
    return MOT_OK;
}

/* ---- a model ---- */

static mot_view view_of(const mot_graph *graph, int tensor, int64_t batch)
{
    if (tensor < 0)
        return (mot_view){0};
    const mot_tensor *x = &graph->tensor[tensor];
    return (mot_view){.dtype = x->dtype, .shape = mot_shape_with_batch(x->shape, batch)};
}

static mot_status add_nodes(mot_tuning *t, const mot_graph *graph, int64_t batch, bool inference,
                            bool near)
{
    for (int i = 0; i < graph->n_nodes; i++) {
        const mot_node *node = &graph->node[i];
        mot_operands o = {.op = node->op,
                          .name = node->name,
                          .n_out = node->n_out,
                          .n_in = node->n_in,
                          .attrs = node->attrs};
        mot_problem problem;
        if (!mot_node_runs(graph, i, inference))
            continue;
        for (int j = 0; j < node->n_in; j++)
            o.in[j] = view_of(graph, node->in[j], batch);
        for (int j = 0; j < node->n_out; j++)
            o.out[j] = view_of(graph, node->out[j], batch);
        if (mot_operands_problem(&o, t->precision, &problem))
            MOT_TRY(add(t, &problem, near));
    }
    return MOT_OK;
}

static mot_status add_batches(mot_tuning *t, const mot_graph *graph, const mot_data *data,
                              int64_t batch, int n_devices)
{
    const int64_t n_test = data->test ? data->test->n : 0;
    const int64_t rest[] = {data->n_validation % batch, n_test % batch};
    MOT_TRY(add_nodes(t, graph, batch, false, false));
    if (n_devices > 1 && batch >= n_devices)
        MOT_TRY(add_nodes(t, graph, batch / n_devices, false, true));
    if (data->n_train % batch > 0)
        MOT_TRY(add_nodes(t, graph, data->n_train % batch, false, true));
    MOT_TRY(add_nodes(t, graph, batch, true, true));
    for (int i = 0; i < 2; i++)
        if (rest[i] > 0)
            MOT_TRY(add_nodes(t, graph, rest[i], true, true));
    return MOT_OK;
}

static mot_status add_model(mot_tuning *t, const mot_config *config, int n_devices)
{
    mot_data *data = NULL;
    mot_graph *graph = NULL;
    mot_status status;
    int64_t batch;
    const char *precision;
    MOT_TRY(mot_config_get_int(config, "data.batch", &batch));
    MOT_TRY(mot_config_get_text(config, "train.precision", &precision));
    mot_precision_parse(precision, &t->precision);
    MOT_TRY_GOTO(mot_data_open(config, t->arguments->data, &data));
    MOT_TRY_GOTO(mot_model_build(config, &data->spec, &graph));
    MOT_TRY_GOTO(add_batches(t, graph, data, batch, n_devices));
fail:
    mot_graph_free(graph);
    mot_data_close(data);
    return status;
}

mot_status mot_tune_problems(mot_tuning *t, const mot_config *config, int n_devices)
{
    return config ? add_model(t, config, n_devices) : add_usual(t);
}
