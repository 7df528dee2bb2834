/* generate.c: text from a network that was trained on text, one token after the other, on one device.
 *
 * What is needed lies in the folder of the training: config.yaml with the vocabulary, and
 * model.safetensors.  For each token the network goes over a window of data.context tokens, the last
 * ones of the text; where there are fewer, others stand behind them, which none of them sees. */
#include "config.h"

#include "runtime/motley.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "runtime/train/sampling.h"
#include "runtime/train/sets.h"
#include "runtime/train/trainer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct mot_generator {
    mot_config *config;
    mot_vocabulary *vocabulary;
    mot_graph *graph;
    mot_comm *comm;
    mot_device *device;
    mot_exec *exec;
    mot_plan *plan;
    mot_sampling sampling;
    int64_t context;
    int32_t *token; /* [n] the text so far, the prompt included */
    int64_t n;
    size_t capacity;
    float *logit;  /* (context, vocabulary) */
    mot_text text; /* of the latest token */
};

/* ---- the network ---- */

static mot_status open_vocabulary(const mot_config *config, mot_vocabulary **out)
{
    const mot_set *set;
    const char *name, *tokens;
    double *code;
    int n;
    MOT_TRY(mot_config_get_text(config, "data.set", &name));
    MOT_TRY(mot_set_find(name, &set));
    MOT_TRY(mot_config_get_text(config, "data.tokens", &tokens));
    if (set->kind != MOT_SET_TEXT && set->kind != MOT_SET_PACKED)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: data.set %s is no text; only what was trained on text generates some",
                        mot_config_where(config, "data.set"), name);
    MOT_TRY(mot_config_get_floats(config, "data.vocabulary", &code, &n));
    mot_status status =
        n > 0 ? mot_vocabulary_list(code, n, out)
        : set->kind == MOT_SET_PACKED || strcmp(tokens, "bytes") == 0
            ? mot_vocabulary_bytes(out)
            : MOT_FAIL(MOT_ERR_ARGUMENT,
                       "%s has no data.vocabulary, the characters that the tokens stand for; "
                       "`motley train --out DIR` writes one that has it",
                       mot_config_name(config));
    free(code);
    return status;
}

/* A token that saw those behind it would see what stands in for them. */
static mot_status check_causal(const mot_graph *graph)
{
    for (int i = 0; i < graph->n_nodes; i++)
        if (graph->node[i].op == MOT_OP_attention && !graph->node[i].attrs.causal)
            return MOT_FAIL(MOT_ERR_UNSUPPORTED,
                            "layer %s sees what follows; generating needs attention that is causal",
                            graph->node[i].name);
    if (graph->tensor[graph->output].shape.n_dims != 3)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED, "the network does not say what follows each token");
    return MOT_OK;
}

static mot_status open_network(mot_generator *g)
{
    MOT_TRY(open_vocabulary(g->config, &g->vocabulary));
    MOT_TRY(mot_config_get_int(g->config, "data.context", &g->context));
    const mot_sample_spec spec = {
        .input = {2, {MOT_BATCH, g->context}},
        .input_dtype = mot_vocabulary_dtype(g->vocabulary),
        .n_classes = g->vocabulary->n,
        .tokens = true,
    };
    MOT_TRY(mot_model_build(g->config, &spec, &g->graph));
    MOT_TRY(check_causal(g->graph));
    return mot_alloc((size_t)(g->context * g->vocabulary->n), sizeof *g->logit, &g->logit);
}

/* The fastest device of the selection. */
static mot_status open_device(mot_generator *g, const char *selection)
{
    mot_device_info *info;
    char *note;
    int n, best = 0;
    MOT_TRY(mot_devices_select(selection, 1, 0, &info, &n, &note));
    for (int i = 1; i < n; i++)
        if (info[i].speed.matmul_flops_per_s > info[best].speed.matmul_flops_per_s)
            best = i;
    mot_status status = mot_device_open(&info[best], NULL, &g->device);
    free(info);
    free(note);
    return status;
}

static mot_status read_parameters(mot_generator *g, const char *path)
{
    float *flat;
    MOT_TRY(mot_alloc((size_t)g->graph->n_flat, sizeof *flat, &flat));
    mot_status status = mot_parameters_read(g->graph, path, flat);
    if (status == MOT_OK)
        status = mot_exec_write_flat(g->exec, -1, flat);
    if (status == MOT_OK && g->graph->average >= 0)
        status = mot_exec_write_flat(g->exec, g->graph->average, flat);
    free(flat);
    return status;
}

static mot_status open_exec(mot_generator *g)
{
    const bool active = true;
    const int64_t share = 1;
    MOT_TRY(mot_comm_open(&g->comm));
    MOT_TRY(mot_exec_open(g->graph, &g->device, 1, g->comm,
                          &(mot_exec_options){.max_batch = 1, .n_slots = 1}, &g->exec));
    mot_machine_device line = {.max_batch = 1};
    const mot_machine machine = {.device = &line, .n_devices = 1};
    MOT_TRY(mot_plan_build(g->graph, mot_exec_memory(g->exec), &machine, 1, &share, 1, &g->plan));
    return mot_exec_set_plan(g->exec, g->plan, 0, &active);
}

static mot_status path_in(const char *folder, const char *name, char **out)
{
    mot_text path = {0};
    mot_status status = mot_text_add(&path, "%s/%s", folder, name);
    *out = path.data;
    return status;
}

mot_status mot_generator_open(const char *folder, const mot_generate_options *options,
                              mot_generator **out)
{
    const char *selection = options->devices ? options->devices : getenv("MOTLEY_DEVICES");
    char *config = NULL, *model = NULL;
    mot_generator *g;
    mot_status status;
    MOT_TRY(mot_alloc(1, sizeof *g, &g));
    g->sampling = (mot_sampling){options->temperature, options->top_k, options->seed};
    MOT_TRY_GOTO(path_in(folder, "config.yaml", &config));
    MOT_TRY_GOTO(path_in(folder, "model.safetensors", &model));
    MOT_TRY_GOTO(mot_config_read(config, &g->config));
    MOT_TRY_GOTO(open_network(g));
    MOT_TRY_GOTO(open_device(g, selection && *selection ? selection : "auto"));
    MOT_TRY_GOTO(open_exec(g));
    MOT_TRY_GOTO(read_parameters(g, model));
    *out = g;
    g = NULL;
fail:
    free(config);
    free(model);
    mot_generator_close(g);
    return status;
}

void mot_generator_close(mot_generator *g)
{
    if (!g)
        return;
    mot_exec_close(g->exec);
    mot_plan_free(g->plan);
    mot_device_close(g->device);
    mot_comm_close(g->comm);
    mot_graph_free(g->graph);
    mot_vocabulary_free(g->vocabulary);
    mot_config_free(g->config);
    mot_text_free(&g->text);
    free(g->token);
    free(g->logit);
    free(g);
}

const char *mot_generator_device(const mot_generator *g)
{
    return mot_device_get_info(g->device)->id;
}

/* ---- the text ---- */

mot_status mot_generator_prompt(mot_generator *g, const char *text)
{
    int32_t *token;
    int64_t n;
    if (*text == '\0')
        return MOT_OK;
    MOT_TRY(mot_vocabulary_encode(g->vocabulary, "the prompt", text, strlen(text), &token, &n));
    mot_status status = mot_grow(&g->token, &g->capacity, (size_t)(g->n + n), sizeof *token);
    if (status == MOT_OK) {
        memcpy(g->token + g->n, token, (size_t)n * sizeof *token);
        g->n += n;
    }
    free(token);
    return status;
}

/* The window of the last tokens into the input ring; how many it has. */
static mot_status fill_window(mot_generator *g, int64_t *n)
{
    void *raw, *label;
    const int64_t first = g->n > g->context ? g->n - g->context : 0;
    MOT_TRY(mot_exec_input(g->exec, 0, &raw, &label));
    memset(label, 0, (size_t)g->context * sizeof(int32_t));
    *n = g->n - first;
    for (int64_t i = 0; i < g->context; i++) {
        const int32_t token = i < *n ? g->token[first + i] : 0;
        if (g->graph->tensor[g->graph->raw].dtype == MOT_U8)
            ((uint8_t *)raw)[i] = (uint8_t)token;
        else
            ((int32_t *)raw)[i] = token;
    }
    return MOT_OK;
}

/* A text has to begin with something: a new line, where there is one. */
static mot_status begin(mot_generator *g)
{
    mot_status status = mot_generator_prompt(g, "\n");
    if (status == MOT_OK)
        return MOT_OK;
    MOT_TRY(mot_grow(&g->token, &g->capacity, 1, sizeof *g->token));
    g->token[g->n++] = 0;
    return MOT_OK;
}

mot_status mot_generator_next(mot_generator *g, int32_t *token, const char **text)
{
    int64_t n;
    if (g->n == 0)
        MOT_TRY(begin(g));
    MOT_TRY(fill_window(g, &n));
    MOT_TRY(mot_exec_evaluate(g->exec, g->logit));
    for (mot_step_result ignored; mot_exec_next_result(g->exec, &ignored);)
        continue;
    MOT_TRY(mot_grow(&g->token, &g->capacity, (size_t)g->n + 1, sizeof *g->token));
    MOT_TRY(mot_sampling_draw(&g->sampling, g->logit + (n - 1) * g->vocabulary->n, g->vocabulary->n,
                              (uint64_t)g->n, &g->token[g->n]));
    g->text.length = 0;
    MOT_TRY(mot_vocabulary_decode(g->vocabulary, g->token[g->n], &g->text));
    *token = g->token[g->n++];
    *text = g->text.data;
    return MOT_OK;
}
