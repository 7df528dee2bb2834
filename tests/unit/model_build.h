/* model_build.h: from a model text to a graph, for tests. */
#ifndef MOT_TESTS_MODEL_BUILD_H
#define MOT_TESTS_MODEL_BUILD_H

#include "runtime/base/status.h"
#include "runtime/model/config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) ck_assert_msg((call) == MOT_OK, "%s: %s", #call, mot_error_message())

static inline mot_status build(const char *text, const mot_sample_spec *spec, mot_graph **out)
{
    mot_config *config;
    MOT_TRY(mot_config_parse(text, "m.yaml", &config));
    mot_status status = mot_model_build(config, spec, out);
    mot_config_free(config);
    return status;
}

static inline mot_graph *built(const char *text, const mot_sample_spec *spec)
{
    mot_graph *graph;
    OK(build(text, spec, &graph));
    ck_assert(graph->sealed);
    return graph;
}

static inline const mot_tensor *parameter(const mot_graph *graph, const char *name)
{
    for (int i = 0; i < graph->n_parameters; i++)
        if (strcmp(graph->tensor[graph->parameter[i]].name, name) == 0)
            return &graph->tensor[graph->parameter[i]];
    ck_abort_msg("no parameter %s", name);
    return NULL;
}

static inline const mot_node *node(const mot_graph *graph, const char *name, mot_op op)
{
    for (int i = 0; i < graph->n_nodes; i++)
        if (strcmp(graph->node[i].name, name) == 0 && graph->node[i].op == op)
            return &graph->node[i];
    ck_abort_msg("no %s %s", mot_op_name(op), name);
    return NULL;
}

#endif
