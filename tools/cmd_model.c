/* cmd_model.c: what a model is made of, without a device: its layers with their shapes, parameters
 * and operations, and the memory that training takes. */
#include "config.h"

#include "runtime/exec/exec.h"
#include "runtime/train/data.h"
#include "tools/format.h"
#include "tools/model.h"
#include "tools/session.h"
#include "tools/terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int64_t bytes_of(const mot_memory_plan *plan, mot_arena arena)
{
    return (int64_t)plan->size_bytes[arena];
}

/* What it gains, and costs, not to keep what checkpointed blocks compute: against `kept`, NULL where
 * there are none, which keeps all. */
static mot_status measure_checkpoints(const mot_model *model, const mot_graph *kept,
                                      mot_model_sizes *sizes)
{
    mot_memory_plan plan;
    if (!kept)
        return MOT_OK;
    MOT_TRY(mot_graph_plan_memory(kept, sizes->batch, false, &plan));
    sizes->n_checkpoints = model->n_checkpoints;
    sizes->saved_bytes = bytes_of(&plan, MOT_ARENA_ACTIVATION) - sizes->activation_bytes;
    sizes->again_flops =
        mot_graph_cost(model->graph, sizes->batch).flops - mot_graph_cost(kept, sizes->batch).flops;
    mot_memory_plan_free(&plan);
    return MOT_OK;
}

static mot_status measure(const mot_config *config, const mot_model *model, mot_model_sizes *sizes)
{
    mot_memory_plan training, evaluation;
    *sizes = (mot_model_sizes){0};
    MOT_TRY(mot_config_get_int(config, "data.batch", &sizes->batch));
    MOT_TRY(mot_graph_plan_memory(model->graph, sizes->batch, false, &training));
    mot_status status = mot_graph_plan_memory(model->graph, sizes->batch, true, &evaluation);
    if (status == MOT_OK) {
        sizes->parameter_bytes = bytes_of(&training, MOT_ARENA_PARAMETER);
        sizes->gradient_bytes = bytes_of(&training, MOT_ARENA_GRADIENT);
        sizes->state_bytes = bytes_of(&training, MOT_ARENA_STATE);
        sizes->activation_bytes = bytes_of(&training, MOT_ARENA_ACTIVATION);
        sizes->input_bytes =
            bytes_of(&training, MOT_ARENA_RING) * mot_exec_slots(model->graph, sizes->batch) +
            bytes_of(&training, MOT_ARENA_CONSTANT);
        sizes->evaluation_bytes = sizes->parameter_bytes + sizes->input_bytes +
                                  bytes_of(&evaluation, MOT_ARENA_ACTIVATION);
        sizes->training_bytes = sizes->parameter_bytes + sizes->gradient_bytes +
                                sizes->state_bytes + sizes->activation_bytes + sizes->input_bytes;
        mot_memory_plan_free(&evaluation);
    }
    mot_memory_plan_free(&training);
    for (int i = 0; i < model->n_layers; i++) {
        sizes->parameters += model->layer[i].parameters;
        sizes->flops += model->layer[i].flops;
        sizes->multiply_adds += model->layer[i].multiply_adds;
    }
    sizes->step_flops =
        mot_graph_cost(model->graph, sizes->batch).flops + mot_graph_cost(model->graph, 0).flops;
    return status;
}

/* ---- the table ---- */

typedef struct widths {
    int name, kind, shape;
} widths;

static int longer(int width, const char *text)
{
    return (int)strlen(text) > width ? (int)strlen(text) : width;
}

static widths widths_of(const mot_model *model)
{
    char shape[MOT_SHAPE_TEXT];
    widths w = {5, 5, 6};
    w.shape = longer(w.shape, mot_shape_print(&model->input, shape));
    for (int i = 0; i < model->n_layers; i++) {
        w.name = longer(w.name, model->layer[i].name);
        w.kind = longer(w.kind, model->layer[i].kind);
        w.shape = longer(w.shape, mot_shape_print(&model->layer[i].shape, shape));
    }
    return w;
}

static void print_row(const widths *w, const char *name, const char *kind, const char *shape,
                      const char *parameters, const char *flops)
{
    char line[512];
    int length = snprintf(line, sizeof line, "%-*s  %-*s  %-*s  %13s  %9s", w->name, name, w->kind,
                          kind, w->shape, shape, parameters, flops);
    while (length > 0 && length < (int)sizeof line && line[length - 1] == ' ')
        line[--length] = '\0';
    printf("%s\n", line);
}

static void print_layers(const mot_model *model, const mot_model_sizes *sizes)
{
    const mot_terminal terminal = mot_terminal_of(stdout);
    const widths w = widths_of(model);
    char shape[MOT_SHAPE_TEXT], count[MOT_FORMAT], flops[MOT_FORMAT];
    printf("%s", mot_terminal_style(&terminal, MOT_STYLE_DIM));
    print_row(&w, "name", "layer", "output", "parameters", "FLOPs");
    printf("%s", mot_terminal_style(&terminal, MOT_STYLE_PLAIN));
    print_row(&w, "input", "", mot_shape_print(&model->input, shape), "", "");
    for (int i = 0; i < model->n_layers; i++) {
        const mot_model_layer *layer = &model->layer[i];
        mot_format_count(layer->parameters, count);
        print_row(&w, layer->name, layer->kind, mot_shape_print(&layer->shape, shape),
                  layer->parameters ? count : "", mot_format_si(layer->flops, flops));
    }
    printf("%s", mot_terminal_style(&terminal, MOT_STYLE_BOLD));
    print_row(&w, "all", "", "", mot_format_count(sizes->parameters, count),
              mot_format_si(sizes->flops, flops));
    printf("%s", mot_terminal_style(&terminal, MOT_STYLE_PLAIN));
}

static void print_bytes(const char *before, const char *what, int64_t bytes)
{
    char text[MOT_FORMAT];
    printf("%s%s %s", before, what, mot_format_bytes(bytes, text));
}

static void print_sums(const mot_model_sizes *sizes)
{
    char text[MOT_FORMAT];
    printf("\nforward    %sFLOP a sample", mot_format_si(sizes->flops, text));
    printf(", %s multiply-adds in products\n",
           mot_format_count((int64_t)sizes->multiply_adds, text));
    printf("step       %sFLOP", mot_format_si(sizes->step_flops, text));
    printf(" with backward and update, %s samples\n", mot_format_count(sizes->batch, text));
    printf("training   %s on a device with the whole batch:\n",
           mot_format_bytes(sizes->training_bytes, text));
    print_bytes("          ", "parameters", sizes->parameter_bytes);
    print_bytes(", ", "gradients", sizes->gradient_bytes);
    print_bytes(", ", "optimizer", sizes->state_bytes);
    print_bytes(",\n          ", "activations", sizes->activation_bytes);
    print_bytes(", ", "input", sizes->input_bytes);
    printf("; scratch memory of kernels is the device's\n");
    if (sizes->n_checkpoints > 0) {
        printf("          ");
        print_bytes("", "checkpoints save", sizes->saved_bytes);
        printf(" of activations for %sFLOP a step\n", mot_format_si(sizes->again_flops, text));
    }
    printf("evaluation %s\n", mot_format_bytes(sizes->evaluation_bytes, text));
}

/* ---- the command ---- */

/* The model, and, if blocks of it are computed again, what it would be if all was kept. */
static mot_status open_models(const mot_config *config, const char *data_dir, mot_model **model,
                              mot_model **kept)
{
    mot_sample_spec spec;
    mot_data *data;
    MOT_TRY(mot_data_spec(config, data_dir, &spec, &data));
    mot_status status = mot_model_open(config, &spec, MOT_CHECKPOINTS_WRITTEN, model);
    if (status == MOT_OK && (*model)->n_checkpoints > 0)
        status = mot_model_open(config, &spec, MOT_CHECKPOINTS_NONE, kept);
    mot_data_close(data);
    return status;
}

static mot_status print_model(const mot_config *config, const mot_arguments *arguments)
{
    mot_model *model = NULL, *kept = NULL;
    mot_model_sizes sizes;
    mot_status status = open_models(config, arguments->data, &model, &kept);
    if (status == MOT_OK)
        status = measure(config, model, &sizes);
    if (status == MOT_OK)
        status = measure_checkpoints(model, kept ? kept->graph : NULL, &sizes);
    if (status == MOT_OK && arguments->dot) {
        mot_model_print_dot(model);
    } else if (status == MOT_OK && arguments->json) {
        status = mot_json_print_model(model, &sizes);
    } else if (status == MOT_OK) {
        print_layers(model, &sizes);
        print_sums(&sizes);
    }
    mot_model_free(model);
    mot_model_free(kept);
    return status;
}

static int run(const mot_command *command, const mot_arguments *arguments)
{
    mot_session session;
    if (mot_session_configure(command, arguments, &session) &&
        print_model(session.config, arguments) != MOT_OK)
        session.exit_status = mot_command_failed(command, false);
    return mot_session_close(&session);
}

static const mot_option options[] = {
    MOT_OPTION_SET,
    MOT_OPTION_DATA,
    MOT_OPTION_JSON("print layers, sums and memory as one JSON object"),
    {"dot", 0, MOT_OPTION_FLAG, NULL,
     "print a graph for Graphviz: motley model --dot CONFIG | dot -Tsvg -o model.svg",
     MOT_PLACE(dot), 0},
    MOT_OPTION_VERBOSE,
    MOT_OPTION_HELP,
    MOT_OPTION_END,
};

const mot_command mot_command_model = {
    "model",
    "CONFIG",
    1,
    1,
    "print a network's layers, shapes, parameters and memory",
    "It needs no device, and no data where the configuration alone says what samples are like.",
    options,
    run,
    false,
};
