/* generate.c: text from a network that was trained on text, one token after the other, on one device.
 *
 * What is needed lies in the folder of the training: config.yaml with the vocabulary, and
 * model.safetensors.  A window of at most data.context tokens, the last ones of the text, is what the
 * network sees; it keeps what it has computed of them, so that a token costs one position.  A full
 * window begins anew with its second half. */
#include "config.h"

#include "runtime/motley.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "runtime/exec/sequence.h"
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
    mot_device *device;
    mot_sequence *sequence;
    mot_sampling sampling;
    int64_t context;
    int32_t *token; /* [n] the text so far, the prompt included */
    int64_t n;
    size_t capacity;
    int64_t window,
        done;      /* where in `token` the window begins; positions of it that are computed */
    float *logit;  /* [vocabulary->n] */
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
    return mot_alloc((size_t)g->vocabulary->n, sizeof *g->logit, &g->logit);
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

static mot_status open_sequence(mot_generator *g, const char *path)
{
    float *flat;
    MOT_TRY(mot_alloc((size_t)mot_parameters_floats(g->graph), sizeof *flat, &flat));
    mot_status status = mot_parameters_load(g->graph, path, flat);
    if (status == MOT_OK)
        status = mot_sequence_open(g->graph, g->device, flat, &g->sequence);
    free(flat);
    return status;
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
    MOT_TRY_GOTO(open_sequence(g, model));
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
    mot_sequence_close(g->sequence);
    mot_device_close(g->device);
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

/* What the network says follows. */
static mot_status run(mot_generator *g)
{
    if (g->n - g->window > g->context) {
        g->window = g->n - (g->context + 1) / 2;
        g->done = 0;
    }
    const int64_t first = g->done;
    g->done = g->n - g->window;
    return mot_sequence_run(g->sequence, g->token + g->window, first, g->done, g->logit);
}

mot_status mot_generator_next(mot_generator *g, int32_t *token, const char **text)
{
    if (g->n == 0)
        MOT_TRY(begin(g));
    MOT_TRY(run(g));
    MOT_TRY(mot_grow(&g->token, &g->capacity, (size_t)g->n + 1, sizeof *g->token));
    MOT_TRY(mot_sampling_draw(&g->sampling, g->logit, g->vocabulary->n, (uint64_t)g->n,
                              &g->token[g->n]));
    g->text.length = 0;
    MOT_TRY(mot_vocabulary_decode(g->vocabulary, g->token[g->n], &g->text));
    *token = g->token[g->n++];
    *text = g->text.data;
    return MOT_OK;
}
