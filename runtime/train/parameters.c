/* parameters.c: parameters by name and in the flat layout.
 *
 * `flat` below is what travels and is saved: the parameters' n_flat floats, then each optimizer
 * state's.  Rank 0 makes it (drawn, or read from a file) and all others get its bits, so replicas
 * agree even where two hosts' mathematical libraries differ.
 */
#include "config.h"

#include "runtime/base/memory.h"
#include "runtime/base/random.h"
#include "runtime/base/text.h"
#include "runtime/train/safetensors.h"
#include "runtime/train/trainer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int64_t mot_parameters_floats(const mot_trainer *t)
{
    return t->graph->n_flat * (1 + t->graph->n_states);
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
        case MOT_INIT_UNIFORM:
            data[i] = (2 * mot_random_uniform(random) - 1) * init.scale;
            break;
        case MOT_INIT_NORMAL:
            data[i] = mot_random_normal(random) * init.scale;
            break;
        }
}

static void draw_all(mot_trainer *t, float *flat)
{
    for (int i = 0; i < t->graph->n_parameters; i++) {
        const mot_tensor *tensor = mot_parameter(t, i);
        mot_random random;
        mot_random_init(&random, t->set.seed, MOT_STREAM_INIT, (uint64_t)i);
        draw(&random, tensor->init, flat + tensor->flat, mot_shape_elements(&tensor->shape, 1));
    }
}

static mot_status copy_named(const mot_tensor_file *file, const char *path,
                             const mot_tensor *tensor, float *flat)
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
    memcpy(flat + tensor->flat, named->data,
           sizeof(float) * (size_t)mot_shape_elements(&tensor->shape, 1));
    return MOT_OK;
}

mot_status mot_parameters_read(const mot_graph *graph, const char *path, float *flat)
{
    mot_tensor_file file;
    MOT_TRY(mot_safetensors_read(path, &file));
    mot_status status = MOT_OK;
    for (int i = 0; status == MOT_OK && i < graph->n_parameters; i++)
        status = copy_named(&file, path, &graph->tensor[graph->parameter[i]], flat);
    mot_tensor_file_free(&file);
    return status;
}

mot_status mot_parameters_distribute(mot_trainer *t, float *flat)
{
    MOT_TRY(mot_comm_broadcast(t->comm, flat, sizeof *flat * (size_t)mot_parameters_floats(t), 0));
    mot_status status = MOT_OK;
    for (int state = -1; status == MOT_OK && state < t->graph->n_states; state++)
        status = mot_exec_write_flat(t->exec, state, flat + (state + 1) * t->graph->n_flat);
    return mot_trainer_agree(t, status);
}

mot_status mot_parameters_init(mot_trainer *t)
{
    float *flat = NULL;
    mot_status status = mot_alloc((size_t)mot_parameters_floats(t), sizeof *flat, &flat);
    if (status == MOT_OK && mot_comm_rank(t->comm) == 0) {
        draw_all(t, flat);
        if (t->init)
            status = mot_parameters_read(t->graph, t->init, flat);
        if (t->graph->average >= 0) /* so that it can be evaluated before the first step, too */
            memcpy(flat + (t->graph->average + 1) * t->graph->n_flat, flat,
                   sizeof *flat * (size_t)t->graph->n_flat);
    }
    status = mot_trainer_agree(t, status);
    if (status == MOT_OK)
        status = mot_parameters_distribute(t, flat);
    free(flat);
    return status;
}

mot_status mot_trainer_save(mot_trainer *t, const char *path)
{
    float *flat;
    mot_tensor_file file = {.n_tensors = t->graph->n_parameters};
    MOT_TRY(mot_alloc((size_t)t->graph->n_flat, sizeof *flat, &flat));
    mot_status status = mot_alloc((size_t)file.n_tensors, sizeof *file.tensor, &file.tensor);
    if (status == MOT_OK)
        status = mot_exec_read_flat(t->exec, t->graph->average, flat); /* -1: no average */
    for (int i = 0; status == MOT_OK && i < file.n_tensors; i++) {
        const mot_tensor *tensor = mot_parameter(t, i);
        file.tensor[i] = (mot_named_tensor){
            .name = tensor->name, .shape = tensor->shape, .data = flat + tensor->flat};
    }
    if (status == MOT_OK)
        status = mot_safetensors_write(path, &file);
    free(file.tensor);
    free(flat);
    return status;
}
