/* checkpoint.c: a run's state in DIR/checkpoint.safetensors.
 *
 * Tensors: every parameter and buffer under its name, every optimizer state as "state0.<parameter>" and so on, the
 * moving average of the parameters, if there is one, as "average.<parameter>".
 * Metadata: format, step, epoch, batch, sums of the running epoch (hexadecimal, so that they come back
 * to the bit), losses of the epochs that are done, and what must be the same for the run to go on as if
 * nothing had happened: seed, batch size, samples.  Random numbers need no state of their own: they
 * are counted from (seed, epoch, step).  Nothing depends on devices or ranks.
 *
 * The file is written aside, synced and renamed (mot_safetensors_write): it is whole or absent.
 */
#include "config.h"

#include "runtime/base/memory.h"
#include "runtime/base/text.h"
#include "runtime/train/safetensors.h"
#include "runtime/train/trainer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char FORMAT[] = "motley-checkpoint-1";

enum { N_META = 11 };

static mot_status checkpoint_path(const mot_trainer *t, mot_text *path)
{
    return mot_text_add(path, "%s/checkpoint.safetensors", t->out_dir);
}

/* ---- write ---- */

static mot_status tensor_name(const mot_trainer *t, const mot_kept *kept, char **out)
{
    mot_text name = {0};
    mot_status status = MOT_OK;
    if (kept->state >= 0 && kept->state == t->graph->average)
        status = mot_text_add(&name, "average.");
    else if (kept->state >= 0)
        status = mot_text_add(&name, "state%d.", kept->state);
    if (status == MOT_OK)
        status = mot_text_add(&name, "%s", kept->tensor->name);
    if (status != MOT_OK) {
        mot_text_free(&name);
        return status;
    }
    *out = name.data;
    return MOT_OK;
}

static mot_status add_tensors(mot_trainer *t, float *flat, mot_tensor_file *file)
{
    const int n = mot_n_kept(t->graph);
    MOT_TRY(mot_alloc((size_t)n, sizeof *file->tensor, &file->tensor));
    for (; file->n_tensors < n; file->n_tensors++) {
        const mot_kept kept = mot_kept_tensor(t->graph, file->n_tensors);
        mot_named_tensor *tensor = &file->tensor[file->n_tensors];
        MOT_TRY(tensor_name(t, &kept, &tensor->name));
        tensor->shape = kept.tensor->shape;
        tensor->data = flat + kept.at;
    }
    return MOT_OK;
}

/* Takes over `value`, which may be the result of a failed mot_text_add. */
static mot_status add_meta(mot_tensor_file *file, char *key, mot_text value, mot_status status)
{
    if (status != MOT_OK) {
        mot_text_free(&value);
        return status;
    }
    file->meta_key[file->n_meta] = key;
    file->meta_value[file->n_meta++] = value.data;
    return MOT_OK;
}

static mot_status add_text(mot_tensor_file *file, char *key, const char *value)
{
    mot_text text = {0};
    mot_status status = mot_text_add(&text, "%s", value);
    return add_meta(file, key, text, status);
}

static mot_status add_int(mot_tensor_file *file, char *key, int64_t value)
{
    mot_text text = {0};
    mot_status status = mot_text_add(&text, "%" PRId64, value);
    return add_meta(file, key, text, status);
}

static mot_status add_float(mot_tensor_file *file, char *key, double value)
{
    mot_text text = {0};
    mot_status status = mot_text_add(&text, "%a", value);
    return add_meta(file, key, text, status);
}

static mot_status add_losses(const mot_trainer *t, mot_tensor_file *file)
{
    mot_text text = {0};
    mot_status status = mot_text_add(&text, "%s", "");
    for (int64_t e = 0; status == MOT_OK && e < t->now.epoch; e++)
        status = mot_text_add(&text, "%a ", t->epoch_loss[e]);
    return add_meta(file, "epoch_losses", text, status);
}

static mot_status add_progress(const mot_trainer *t, mot_tensor_file *file)
{
    const mot_progress *now = &t->now;
    MOT_TRY(mot_alloc(N_META, sizeof *file->meta_key, &file->meta_key));
    MOT_TRY(mot_alloc(N_META, sizeof *file->meta_value, &file->meta_value));
    MOT_TRY(add_text(file, "format", FORMAT));
    MOT_TRY(add_int(file, "step", now->step));
    MOT_TRY(add_int(file, "epoch", now->epoch));
    MOT_TRY(add_int(file, "batch", now->batch));
    MOT_TRY(add_float(file, "epoch_loss", now->epoch_loss));
    MOT_TRY(add_float(file, "epoch_samples", now->epoch_samples));
    MOT_TRY(add_int(file, "seed", (int64_t)t->set.seed));
    MOT_TRY(add_int(file, "batch_size", t->set.batch));
    MOT_TRY(add_int(file, "samples", t->data->n_train));
    MOT_TRY(add_text(file, "optimizer", mot_op_name(t->set.optimizer.op)));
    return add_losses(t, file);
}

static mot_status write_file(mot_trainer *t, const char *path)
{
    float *flat;
    mot_tensor_file file = {0};
    MOT_TRY(mot_parameters_read(t, &flat));
    mot_status status = add_tensors(t, flat, &file);
    if (status == MOT_OK)
        status = add_progress(t, &file);
    if (status == MOT_OK)
        status = mot_safetensors_write(path, &file);
    for (int i = 0; i < file.n_tensors; i++)
        free(file.tensor[i].name);
    for (int i = 0; i < file.n_meta; i++)
        free(file.meta_value[i]);
    free(file.meta_key);
    free(file.meta_value);
    free(file.tensor);
    free(flat);
    return status;
}

mot_status mot_checkpoint_write(mot_trainer *t)
{
    mot_text path = {0};
    mot_status status = checkpoint_path(t, &path);
    if (status == MOT_OK && mot_comm_rank(t->comm) == 0)
        status = write_file(t, path.data);
    status = mot_trainer_agree(t, status);
    if (status == MOT_OK)
        mot_trainer_emit(t, MOT_EVENT_CHECKPOINT, path.data);
    mot_text_free(&path);
    return status;
}

/* ---- resume ---- */

static mot_status get_text(const mot_tensor_file *file, const char *path, const char *key,
                           const char **out)
{
    *out = mot_tensor_file_meta(file, key);
    return *out ? MOT_OK
                : MOT_FAIL(MOT_ERR_FORMAT, "%s is no checkpoint of motley: it has no '%s'", path,
                           key);
}

static mot_status get_int(const mot_tensor_file *file, const char *path, const char *key,
                          int64_t *out)
{
    const char *text;
    MOT_TRY(get_text(file, path, key, &text));
    MOT_TRY(mot_parse_int(key, text, out));
    return *out >= 0 ? MOT_OK : MOT_FAIL(MOT_ERR_FORMAT, "%s: %s is %s", path, key, text);
}

static mot_status get_float(const mot_tensor_file *file, const char *path, const char *key,
                            double *out)
{
    const char *text;
    MOT_TRY(get_text(file, path, key, &text));
    return mot_parse_float(key, text, out);
}

/* The run goes on as if nothing had happened only if these are what they were. */
static mot_status must_be(const mot_tensor_file *file, const char *path, const char *key,
                          const char *config_key, int64_t ours)
{
    int64_t theirs;
    MOT_TRY(get_int(file, path, key, &theirs));
    if (theirs != ours)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s was written with %s %" PRId64 ", now it is %" PRId64
                        "; set it back, or start anew with --init",
                        path, config_key, theirs, ours);
    return MOT_OK;
}

static mot_status get_losses(mot_trainer *t, const mot_tensor_file *file, const char *path)
{
    const char *text;
    MOT_TRY(get_text(file, path, "epoch_losses", &text));
    if ((uint64_t)t->now.epoch > strlen(text)) /* before so much room is made */
        return MOT_FAIL(MOT_ERR_FORMAT, "%s: losses of fewer than %" PRId64 " epochs", path,
                        t->now.epoch);
    MOT_TRY(mot_grow(&t->epoch_loss, &t->epoch_loss_capacity, (size_t)t->now.epoch + 1,
                     sizeof *t->epoch_loss));
    for (int64_t e = 0; e < t->now.epoch; e++) {
        char word[64];
        int used = 0;
        if (sscanf(text, "%63s %n", word, &used) != 1)
            return MOT_FAIL(MOT_ERR_FORMAT, "%s: losses of %" PRId64 " epochs, expected %" PRId64,
                            path, e, t->now.epoch);
        MOT_TRY(mot_parse_float("epoch_losses", word, &t->epoch_loss[e]));
        text += used;
    }
    return MOT_OK;
}

static mot_status get_progress(mot_trainer *t, const mot_tensor_file *file, const char *path)
{
    const char *format, *optimizer;
    mot_progress now = {0};
    MOT_TRY(get_text(file, path, "format", &format));
    if (strcmp(format, FORMAT) != 0)
        return MOT_FAIL(MOT_ERR_UNSUPPORTED, "%s has format '%s'; this version reads '%s'", path,
                        format, FORMAT);
    MOT_TRY(must_be(file, path, "seed", "train.seed", (int64_t)t->set.seed));
    MOT_TRY(must_be(file, path, "batch_size", "data.batch", t->set.batch));
    MOT_TRY(must_be(file, path, "samples", "the number of samples", t->data->n_train));
    MOT_TRY(get_text(file, path, "optimizer", &optimizer));
    if (strcmp(optimizer, mot_op_name(t->set.optimizer.op)) != 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s was written with the optimizer %s, now it is %s",
                        path, optimizer, mot_op_name(t->set.optimizer.op));
    MOT_TRY(get_int(file, path, "step", &now.step));
    MOT_TRY(get_int(file, path, "epoch", &now.epoch));
    MOT_TRY(get_int(file, path, "batch", &now.batch));
    MOT_TRY(get_float(file, path, "epoch_loss", &now.epoch_loss));
    MOT_TRY(get_float(file, path, "epoch_samples", &now.epoch_samples));
    int64_t batches = mot_trainer_batches(t);
    if (now.batch >= batches || now.epoch > now.step / batches ||
        now.step != now.epoch * batches + now.batch)
        return MOT_FAIL(MOT_ERR_FORMAT,
                        "%s: step %" PRId64 " is not batch %" PRId64 " of epoch %" PRId64, path,
                        now.step, now.batch, now.epoch);
    now.samples = now.epoch * t->data->n_train + now.batch * t->set.batch;
    t->now = now;
    return get_losses(t, file, path);
}

static mot_status get_tensors(mot_trainer *t, const mot_tensor_file *file, const char *path,
                              float *flat)
{
    for (int i = 0; i < mot_n_kept(t->graph); i++) {
        const mot_kept kept = mot_kept_tensor(t->graph, i);
        char *name;
        MOT_TRY(tensor_name(t, &kept, &name));
        const mot_named_tensor *named = mot_tensor_file_find(file, name);
        bool fits =
            named && named->dtype == MOT_F32 && mot_shape_equal(&named->shape, &kept.tensor->shape);
        if (!named && kept.tensor->training_only) {
            free(name);
            return MOT_FAIL(MOT_ERR_SHAPE,
                            "%s has no loss scale: it is of a run without "
                            "train.storage fp16; resume it as it was",
                            path);
        }
        if (fits)
            memcpy(flat + kept.at, named->data,
                   sizeof *flat * (size_t)mot_shape_elements(&kept.tensor->shape, 1));
        mot_status status = fits ? MOT_OK
                                 : MOT_FAIL(MOT_ERR_SHAPE, "%s is of another model: tensor '%s' %s",
                                            path, name, named ? "has another shape" : "is missing");
        free(name);
        MOT_TRY(status);
    }
    return MOT_OK;
}

mot_status mot_checkpoint_find(const mot_trainer *t)
{
    mot_text path = {0};
    mot_status status = checkpoint_path(t, &path);
    if (status == MOT_OK && access(path.data, F_OK) != 0)
        status = MOT_FAIL(MOT_ERR_FILE, "no checkpoint to resume from: %s: %s", path.data,
                          strerror(errno));
    mot_text_free(&path);
    return status;
}

static mot_status read_file(mot_trainer *t, float *flat)
{
    mot_text path = {0};
    mot_tensor_file file = {0};
    mot_status status = checkpoint_path(t, &path);
    if (status == MOT_OK)
        status = mot_safetensors_read(path.data, &file);
    if (status == MOT_OK)
        status = get_progress(t, &file, path.data);
    if (status == MOT_OK)
        status = get_tensors(t, &file, path.data, flat);
    mot_tensor_file_free(&file);
    mot_text_free(&path);
    return status;
}

/* Rank 0 has read the file; the others need its progress and losses. */
static mot_status share_progress(mot_trainer *t)
{
    MOT_TRY(mot_comm_broadcast(t->comm, &t->now, sizeof t->now, 0));
    mot_status status = mot_grow(&t->epoch_loss, &t->epoch_loss_capacity, (size_t)t->now.epoch + 1,
                                 sizeof *t->epoch_loss);
    MOT_TRY(mot_trainer_agree(t, status));
    return mot_comm_broadcast(t->comm, t->epoch_loss, sizeof *t->epoch_loss * (size_t)t->now.epoch,
                              0);
}

mot_status mot_checkpoint_resume(mot_trainer *t)
{
    float *flat = NULL;
    mot_status status = mot_alloc((size_t)mot_parameters_floats(t->graph), sizeof *flat, &flat);
    if (status == MOT_OK && mot_comm_rank(t->comm) == 0)
        status = read_file(t, flat);
    status = mot_trainer_agree(t, status);
    if (status == MOT_OK)
        status = share_progress(t);
    if (status == MOT_OK)
        status = mot_parameters_distribute(t, flat);
    free(flat);
    return status;
}

mot_status mot_checkpoint_remove(mot_trainer *t)
{
    mot_text path = {0};
    if (!t->out_dir || mot_comm_rank(t->comm) != 0)
        return MOT_OK;
    mot_status status = checkpoint_path(t, &path);
    if (status == MOT_OK && unlink(path.data) != 0 && errno != ENOENT)
        status = MOT_FAIL(MOT_ERR_FILE, "cannot remove %s, of an earlier run: %s", path.data,
                          strerror(errno));
    mot_text_free(&path);
    return status;
}
