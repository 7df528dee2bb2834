/* parameters.c: parameters and buffers by name and in the flat layout.
 *
 * `flat` below is what travels and is saved: the parameters' n_flat floats, then each optimizer
 * state's, then the buffers.  Rank 0 makes it (drawn, or read from a file) and all others get its bits, so replicas
 * agree even where two hosts' mathematical libraries differ.
 */
#include "config.h"

#include "runtime/base/memory.h"
#include "runtime/base/random.h"
#include "runtime/base/text.h"
#include "runtime/train/safetensors.h"
#include "runtime/train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where those of exec.h's `state` begin in `flat`. */
static int64_t flat_offset(const mot_graph *graph, int state)
{
    const int64_t before = state == MOT_FLAT_BUFFERS ? 1 + graph->n_states : state + 1;
    return before * graph->n_flat;
}

int64_t mot_parameters_floats(const mot_graph *graph)
{
    return flat_offset(graph, MOT_FLAT_BUFFERS) + graph->n_flat_buffers;
}

int mot_n_kept(const mot_graph *graph)
{
    return graph->n_parameters * (1 + graph->n_states) + graph->n_buffers;
}

mot_kept mot_kept_tensor(const mot_graph *graph, int i)
{
    const int first_buffer = graph->n_parameters * (1 + graph->n_states);
    const int state = i < first_buffer ? i / graph->n_parameters - 1 : MOT_FLAT_BUFFERS;
    const int tensor = i < first_buffer ? graph->parameter[i % graph->n_parameters]
                                        : graph->buffer[i - first_buffer];
    return (mot_kept){.state = state,
                      .tensor = &graph->tensor[tensor],
                      .at = flat_offset(graph, state) + graph->tensor[tensor].flat};
}

const mot_tensor *mot_parameter(const mot_trainer *t, int i)
{
    return &t->graph->tensor[t->graph->parameter[i]];
}

static void draw(mot_random *random, mot_init init, float *data, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        switch (init.kind) {
        case MOT_INIT_ZERO:
            data[i] = 0;
            break;
        case MOT_INIT_ONE:
            data[i] = 1;
            break;
        case MOT_INIT_CONSTANT:
            data[i] = init.scale;
            break;
        case MOT_INIT_UNIFORM:
            data[i] = (2 * mot_random_uniform(random) - 1) * init.scale;
            break;
        case MOT_INIT_NORMAL:
            data[i] = mot_random_normal(random) * init.scale;
            break;
        }
}

/* States start as zero, which they are. */
static void draw_all(mot_trainer *t, float *flat)
{
    for (int i = 0; i < mot_n_kept(t->graph); i++) {
        const mot_kept kept = mot_kept_tensor(t->graph, i);
        mot_random random;
        if (kept.state >= 0)
            continue;
        mot_random_init(&random, t->set.seed, MOT_STREAM_INIT, (uint64_t)i);
        draw(&random, kept.tensor->init, flat + kept.at,
             mot_shape_elements(&kept.tensor->shape, 1));
    }
}

static bool all_finite(const float *x, int64_t n)
{
    int64_t i = 0;
    while (i < n && isfinite(x[i]))
        i++;
    return i == n;
}

static mot_status copy_named(const mot_tensor_file *file, const char *path,
                             const mot_tensor *tensor, float *to)
{
    char ours[MOT_SHAPE_TEXT], theirs[MOT_SHAPE_TEXT];
    const mot_named_tensor *named = mot_tensor_file_find(file, tensor->name);
    if (!named)
        return MOT_FAIL(MOT_ERR_SHAPE, "%s has no tensor '%s', which the model needs", path,
                        tensor->name);
    if (named->dtype != MOT_F32 || !mot_shape_equal(&named->shape, &tensor->shape))
        return MOT_FAIL(MOT_ERR_SHAPE, "%s: tensor '%s' is %s%s, the model needs %s", path,
                        tensor->name, mot_shape_print(&named->shape, theirs),
                        named->dtype == MOT_F32 ? "" : " of whole numbers",
                        mot_shape_print(&tensor->shape, ours));
    const int64_t n = mot_shape_elements(&tensor->shape, 1);
    memcpy(to, named->data, sizeof *to * (size_t)n);
    if (!all_finite(to, n))
        return MOT_FAIL(MOT_ERR_FILE, "%s: tensor '%s' has values that are infinite or no numbers",
                        path, tensor->name);
    return MOT_OK;
}

mot_status mot_parameters_load(const mot_graph *graph, const char *path, float *flat)
{
    mot_tensor_file file;
    MOT_TRY(mot_safetensors_read(path, &file));
    mot_status status = MOT_OK;
    for (int i = 0; status == MOT_OK && i < mot_n_kept(graph); i++) {
        const mot_kept kept = mot_kept_tensor(graph, i);
        if (kept.state < 0 && !kept.tensor->training_only)
            status = copy_named(&file, path, kept.tensor, flat + kept.at);
    }
    mot_tensor_file_free(&file);
    return status;
}

mot_status mot_parameters_distribute(mot_trainer *t, float *flat)
{
    MOT_TRY(mot_comm_broadcast(t->comm, flat,
                               sizeof *flat * (size_t)mot_parameters_floats(t->graph), 0));
    mot_status status = MOT_OK;
    for (int state = MOT_FLAT_BUFFERS; status == MOT_OK && state < t->graph->n_states; state++)
        status = mot_exec_write_flat(t->exec, state, flat + flat_offset(t->graph, state));
    return mot_trainer_agree(t, status);
}

mot_status mot_parameters_init(mot_trainer *t)
{
    float *flat = NULL;
    mot_status status = mot_alloc((size_t)mot_parameters_floats(t->graph), sizeof *flat, &flat);
    if (status == MOT_OK && mot_comm_rank(t->comm) == 0) {
        draw_all(t, flat);
        if (t->init)
            status = mot_parameters_load(t->graph, t->init, flat);
        if (t->graph->average >= 0) /* so that it can be evaluated before the first step, too */
            memcpy(flat + flat_offset(t->graph, t->graph->average), flat,
                   sizeof *flat * (size_t)t->graph->n_flat);
    }
    status = mot_trainer_agree(t, status);
    if (status == MOT_OK)
        status = mot_parameters_distribute(t, flat);
    free(flat);
    return status;
}

mot_status mot_parameters_read(mot_trainer *t, float **out)
{
    float *flat;
    MOT_TRY(mot_alloc((size_t)mot_parameters_floats(t->graph), sizeof *flat, &flat));
    mot_status status = MOT_OK;
    for (int state = MOT_FLAT_BUFFERS; status == MOT_OK && state < t->graph->n_states; state++)
        status = mot_exec_read_flat(t->exec, state, flat + flat_offset(t->graph, state));
    if (status != MOT_OK) {
        free(flat);
        return status;
    }
    *out = flat;
    return MOT_OK;
}

mot_status mot_trainer_save(mot_trainer *t, const char *path)
{
    const int saved[] = {MOT_FLAT_BUFFERS, t->graph->average}; /* -1: the parameters themselves */
    float *flat;
    mot_tensor_file file = {0};
    MOT_TRY(mot_alloc((size_t)mot_parameters_floats(t->graph), sizeof *flat, &flat));
    mot_status status = mot_alloc((size_t)mot_n_kept(t->graph), sizeof *file.tensor, &file.tensor);
    for (int i = 0; status == MOT_OK && i < 2; i++)
        status = mot_exec_read_flat(t->exec, saved[i], flat + flat_offset(t->graph, saved[i]));
    for (int i = 0; status == MOT_OK && i < mot_n_kept(t->graph); i++) {
        const mot_kept kept = mot_kept_tensor(t->graph, i);
        if ((kept.state != saved[0] && kept.state != saved[1]) || kept.tensor->training_only)
            continue;
        file.tensor[file.n_tensors++] = (mot_named_tensor){
            .name = kept.tensor->name, .shape = kept.tensor->shape, .data = flat + kept.at};
    }
    if (status == MOT_OK)
        status = mot_safetensors_write(path, &file);
    free(file.tensor);
    free(flat);
    return status;
}
