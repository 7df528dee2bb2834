/* optimizer.c: which optimizer, with which numbers, and which parameters have numbers of their own.
 *
 * Defaults are those of PyTorch, of the papers for lion and lamb.  An entry of train.optimizer.groups
 * is {match: PATTERN or list of them, lr_scale: ..., weight_decay: ...}, patterns as in a shell; the
 * first entry that matches a parameter's name is the parameter's. */
#include <config.h> /* the build's, not the one in this folder */

#include "runtime/model/optimizer.h"

#include "runtime/base/memory.h"
#include "runtime/model/keys.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct defaults {
    mot_op op;
    double lr, weight_decay, beta2, eps;
} defaults;

static const defaults table[] = {
    {MOT_OP_sgd, 1e-2, 0, 0.999, 1e-8},      {MOT_OP_adam, 1e-3, 0, 0.999, 1e-8},
    {MOT_OP_adamw, 1e-3, 1e-2, 0.999, 1e-8}, {MOT_OP_rmsprop, 1e-2, 0, 0.999, 1e-8},
    {MOT_OP_adagrad, 1e-2, 0, 0.999, 1e-10}, {MOT_OP_lion, 1e-4, 0, 0.99, 1e-8},
    {MOT_OP_lamb, 1e-3, 0, 0.999, 1e-6},
};

static const defaults *defaults_of(const char *name)
{
    const defaults *row = table;
    while (strcmp(mot_op_name(row->op), name) != 0)
        row++; /* the key's words are the table's */
    return row;
}

static mot_status read_storage(const mot_config *config, mot_attrs *a)
{
    const char *storage, *scale;
    MOT_TRY(mot_config_get_text(config, "train.storage", &storage));
    MOT_TRY(mot_config_get_text(config, "train.loss_scale", &scale));
    a->storage = strcmp(storage, "bf16") == 0   ? MOT_BF16
                 : strcmp(storage, "fp16") == 0 ? MOT_F16
                                                : MOT_F32;
    if (a->storage != MOT_F16 && strcmp(scale, "auto") != 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: train.loss_scale goes with train.storage fp16, not %s",
                        mot_config_where(config, "train.loss_scale"), storage);
    MOT_TRY(mot_config_get_auto(config, "train.loss_scale", 65536, &a->loss_scale));
    return mot_config_get_int(config, "train.loss_scale_every", &a->loss_scale_every);
}

static mot_status read_numbers(const mot_config *config, const defaults *row, mot_optimizer *o)
{
    mot_attrs *a = &o->attrs;
    int64_t n_parts;
    MOT_TRY(mot_config_get_auto(config, "train.optimizer.lr", row->lr, &o->lr));
    MOT_TRY(mot_config_get_float(config, "train.optimizer.momentum", &a->momentum));
    MOT_TRY(mot_config_get_bool(config, "train.optimizer.nesterov", &a->nesterov));
    MOT_TRY(mot_config_get_auto(config, "train.optimizer.weight_decay", row->weight_decay,
                                &a->weight_decay));
    MOT_TRY(mot_config_get_float(config, "train.optimizer.beta1", &a->beta1));
    MOT_TRY(mot_config_get_auto(config, "train.optimizer.beta2", row->beta2, &a->beta2));
    MOT_TRY(mot_config_get_auto(config, "train.optimizer.eps", row->eps, &a->eps));
    MOT_TRY(mot_config_get_bool(config, "train.optimizer.centered", &a->centered));
    if (o->op == MOT_OP_rmsprop)
        MOT_TRY(mot_config_get_float(config, "train.optimizer.alpha", &a->beta2));
    MOT_TRY(mot_config_get_int(config, "train.accumulate", &n_parts));
    a->accumulate = n_parts > 1;
    MOT_TRY(read_storage(config, a));
    MOT_TRY(mot_config_get_float(config, "train.clip_norm", &a->clip_norm));
    MOT_TRY(mot_config_get_float(config, "train.clip_value", &a->clip_value));
    return mot_config_get_float(config, "train.ema", &a->average);
}

mot_status mot_optimizer_part(const mot_config *config, int64_t *out)
{
    int64_t batch, n;
    MOT_TRY(mot_config_get_int(config, "data.batch", &batch));
    MOT_TRY(mot_config_get_int(config, "train.accumulate", &n));
    if (n > batch)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: train.accumulate is %" PRId64 ", but data.batch has %" PRId64
                        " samples",
                        mot_config_where(config, "train.accumulate"), n, batch);
    *out = (batch + n - 1) / n;
    return MOT_OK;
}

static mot_status only_for(const mot_config *config, const char *path, const char *which,
                           const mot_optimizer *o)
{
    if (strcmp(mot_op_name(o->op), which) == 0)
        return MOT_OK;
    return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s is for the optimizer %s, not %s",
                    mot_config_where(config, path), path, which, mot_op_name(o->op));
}

static mot_status check(const mot_config *config, const mot_optimizer *o)
{
    if (o->attrs.centered)
        MOT_TRY(only_for(config, "train.optimizer.centered", "rmsprop", o));
    if (o->attrs.nesterov)
        MOT_TRY(only_for(config, "train.optimizer.nesterov", "sgd", o));
    if (o->attrs.nesterov && o->attrs.momentum == 0)
        return MOT_FAIL(MOT_ERR_ARGUMENT,
                        "%s: train.optimizer.nesterov is true, but train.optimizer.momentum is 0",
                        mot_config_where(config, "train.optimizer.nesterov"));
    return MOT_OK;
}

mot_status mot_optimizer_read(const mot_config *config, mot_optimizer *out)
{
    const char *name;
    MOT_TRY(mot_config_get_text(config, "train.optimizer.name", &name));
    const defaults *row = defaults_of(name);
    mot_optimizer o = {.op = row->op};
    MOT_TRY(read_numbers(config, row, &o));
    MOT_TRY(check(config, &o));
    *out = o;
    return MOT_OK;
}

/* ---- groups ---- */

static const mot_key group_keys[] = {
    {"match", MOT_KEY_TEXTS, NULL, NULL, NULL},
    {"lr_scale", MOT_KEY_FLOAT, NULL, "[0,1000000]", NULL},
    {"weight_decay", MOT_KEY_FLOAT, NULL, "[0,1000000]", NULL},
};
enum { N_GROUP_KEYS = sizeof group_keys / sizeof *group_keys };

static mot_status check_value(const mot_origin *origin, const char *name, const mot_yaml *value)
{
    const char *names[N_GROUP_KEYS], *nearest;
    for (int i = 0; i < N_GROUP_KEYS; i++) {
        names[i] = group_keys[i].path;
        if (strcmp(name, names[i]) == 0)
            return mot_key_check(&group_keys[i], name, origin, value);
    }
    nearest = mot_nearest_name(name, names, N_GROUP_KEYS);
    return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: a group has no value %s; %s%s%s",
                    mot_origin_print(origin, value), name,
                    nearest ? "did you mean " : "there are match, lr_scale and weight_decay",
                    nearest ? nearest : "", nearest ? "?" : "");
}

mot_status mot_groups_check(const mot_origin *origin, const mot_yaml *list)
{
    static const char help[] = "a list of groups, e.g. [{match: \"*.bias\", weight_decay: 0}]";
    if (list->kind != MOT_YAML_LIST)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: %s: expected %s", mot_origin_print(origin, list),
                        origin->path, help);
    for (int i = 0; i < list->n; i++) {
        const mot_yaml *group = list->item[i];
        if (group->kind != MOT_YAML_MAP || !mot_yaml_find(group, "match"))
            return MOT_FAIL(MOT_ERR_ARGUMENT, "%s: a group without `match`; expected %s",
                            mot_origin_print(origin, group), help);
        for (int k = 0; k < group->n; k++)
            MOT_TRY(check_value(origin, group->key[k], group->item[k]));
    }
    return MOT_OK;
}

static bool matches(const mot_yaml *pattern, const char *name)
{
    if (pattern->kind == MOT_YAML_SCALAR)
        return fnmatch(pattern->text, name, 0) == 0;
    for (int i = 0; i < pattern->n; i++)
        if (matches(pattern->item[i], name))
            return true;
    return false;
}

/* A pattern that matches nothing is a slip of the pen. */
static mot_status check_pattern(const mot_config *config, const mot_graph *graph,
                                const mot_yaml *pattern)
{
    static const char path[] = "train.optimizer.groups";
    mot_origin origin = {.name = mot_config_name(config), .path = path};
    for (int i = 0; i < pattern->n; i++)
        MOT_TRY(check_pattern(config, graph, pattern->item[i]));
    for (int i = 0; i < graph->n_parameters && pattern->kind == MOT_YAML_SCALAR; i++)
        if (matches(pattern, graph->tensor[graph->parameter[i]].name))
            return MOT_OK;
    if (pattern->kind == MOT_YAML_LIST)
        return MOT_OK;
    return MOT_FAIL(MOT_ERR_ARGUMENT,
                    "%s: %s: no parameter matches '%s'; the first is %s, the last %s",
                    mot_origin_print(&origin, pattern), path, pattern->text,
                    graph->tensor[graph->parameter[0]].name,
                    graph->tensor[graph->parameter[graph->n_parameters - 1]].name);
}

static void set_rule(const mot_yaml *groups, mot_tensor *parameter)
{
    for (int i = 0; i < groups->n; i++) {
        const mot_yaml *group = groups->item[i];
        const mot_yaml *lr_scale = mot_yaml_find(group, "lr_scale");
        const mot_yaml *decay = mot_yaml_find(group, "weight_decay");
        if (!matches(mot_yaml_find(group, "match"), parameter->name))
            continue;
        if (lr_scale)
            parameter->rule.lr_scale = mot_yaml_float(lr_scale);
        if (decay)
            parameter->rule.weight_decay = mot_yaml_float(decay);
        return;
    }
}

mot_status mot_optimizer_group(const mot_config *config, mot_graph *graph)
{
    const mot_yaml *groups = mot_config_get_yaml(config, "train.optimizer.groups");
    for (int i = 0; groups && i < groups->n; i++)
        MOT_TRY(check_pattern(config, graph, mot_yaml_find(groups->item[i], "match")));
    for (int i = 0; groups && i < graph->n_parameters; i++)
        set_rule(groups, &graph->tensor[graph->parameter[i]]);
    return MOT_OK;
}
