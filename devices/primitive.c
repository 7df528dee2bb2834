#include "config.h"

#include "devices/primitive.h"

#include "devices/state.h"
#include "devices/variant.h"

#include <stdio.h>
#include <string.h>

const mot_primitive *mot_primitive_of(mot_op op)
{
    static const mot_primitive *const table[] = {
#define MOT_PRIMITIVE_ENTRY(name) &mot_primitive_##name,
        MOT_OPS(MOT_PRIMITIVE_ENTRY)
#undef MOT_PRIMITIVE_ENTRY
    };
    return table[op];
}

static mot_recording recording_of(mot_device *device, const mot_operands *operands,
                                  mot_commands *commands)
{
    return (mot_recording){
        .device = device, .traits = mot_device_traits(device), .o = operands, .commands = commands};
}

static bool fits(const mot_variant *variant, const mot_recording *r)
{
    return !variant->applies || variant->applies(r);
}

/* The last variant that applies and is preferred, and is not struck off; plain is the last resort.
 * */
static mot_choice by_rule(const mot_primitive *primitive, const mot_recording *r)
{
    const mot_problem problem =
        primitive->problem ? primitive->problem(r->o, r->traits.precision) : (mot_problem){0};
    for (int i = primitive->n_variants - 1; i > 0; i--) {
        const mot_variant *variant = &primitive->variants[i];
        const mot_choice choice = {.variant = i};
        if (fits(variant, r) && (!variant->prefers || variant->prefers(r)) &&
            !(primitive->problem && mot_tuned_is_struck(&r->device->tuned, &problem, &choice)))
            return choice;
    }
    return (mot_choice){0};
}

/* What the tuner has found to be faster, where it applies; else what the rules say. */
static mot_choice choose(const mot_primitive *primitive, const mot_recording *r)
{
    const mot_tuned *tuned = &r->device->tuned;
    if (primitive->problem && tuned->n_entries > 0) {
        const mot_problem problem = primitive->problem(r->o, r->traits.precision);
        const mot_tuned_entry *entry = mot_tuned_find(tuned, &problem);
        if (entry && entry->choice.variant >= 0 &&
            entry->choice.variant < primitive->n_variants &&
            fits(&primitive->variants[entry->choice.variant], r) &&
            !mot_tuned_is_struck(tuned, &problem, &entry->choice))
            return entry->choice;
    }
    return by_rule(primitive, r);
}

static mot_status require(const mot_primitive *primitive, const mot_recording *r, int variant)
{
    if (variant < 0 || variant >= primitive->n_variants || !fits(&primitive->variants[variant], r))
        return MOT_FAIL(MOT_ERR_UNSUPPORTED, "%s %s: variant %d does not apply on %s",
                        mot_op_name(r->o->op), r->o->name, variant,
                        mot_device_get_info(r->device)->id);
    return MOT_OK;
}

static size_t workspace_bytes(const mot_variant *variant, const mot_recording *r)
{
    return variant->workspace ? (size_t)variant->workspace(r) * sizeof(float) : 0;
}

static size_t workspace_of(const mot_primitive *primitive, mot_recording *r,
                           const mot_choice *choice)
{
    memcpy(r->parameter, choice->parameter, sizeof r->parameter);
    return workspace_bytes(&primitive->variants[choice->variant], r);
}

/* "packed", or "packed[rows=4,cols=2]" where parameters are not the rule's. */
static void name_choice(const mot_variant *v, const mot_choice *choice, char out[MOT_VARIANT_TEXT])
{
    int n = snprintf(out, MOT_VARIANT_TEXT, "%s", v->name), given = 0;
    for (int i = 0; v->parameters && v->parameters[i].name && n < MOT_VARIANT_TEXT; i++)
        if (choice->parameter[i] != 0)
            n += snprintf(out + n, (size_t)(MOT_VARIANT_TEXT - n), "%c%s=%d", given++ ? ',' : '[',
                          v->parameters[i].name, choice->parameter[i]);
    if (given && n < MOT_VARIANT_TEXT)
        snprintf(out + n, (size_t)(MOT_VARIANT_TEXT - n), "]");
}

static mot_status record(const mot_primitive *primitive, mot_recording *r, const mot_choice *choice)
{
    const mot_variant *v = &primitive->variants[choice->variant];
    memcpy(r->parameter, choice->parameter, sizeof r->parameter);
    size_t needed = workspace_bytes(v, r);
    size_t given = r->o->workspace.buffer ? mot_buffer_size_bytes(r->o->workspace.buffer) -
                                                (size_t)r->o->workspace.offset * sizeof(float)
                                          : 0;
    if (needed > given)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s: the workspace has %zu bytes of %zu",
                        mot_op_name(r->o->op), r->o->name, given, needed);
    name_choice(v, choice, r->variant);
    return v->record(r);
}

mot_status mot_primitive_workspace(mot_device *device, const mot_operands *operands,
                                   size_t *size_bytes)
{
    const mot_primitive *primitive = mot_primitive_of(operands->op);
    mot_recording r = recording_of(device, operands, NULL);
    MOT_TRY(primitive->check(operands));
    const mot_choice choice = choose(primitive, &r);
    *size_bytes = workspace_of(primitive, &r, &choice);
    return MOT_OK;
}

mot_status mot_primitive_record(mot_device *device, const mot_operands *operands,
                                mot_commands *commands)
{
    const mot_primitive *primitive = mot_primitive_of(operands->op);
    mot_recording r = recording_of(device, operands, commands);
    MOT_TRY(primitive->check(operands));
    const mot_choice choice = choose(primitive, &r);
    return record(primitive, &r, &choice);
}

int mot_primitive_n_variants(mot_op op)
{
    return mot_primitive_of(op)->n_variants;
}

const char *mot_primitive_variant_name(mot_op op, int variant)
{
    return mot_primitive_of(op)->variants[variant].name;
}

mot_status mot_primitive_record_choice(mot_device *device, const mot_operands *operands,
                                       const mot_choice *choice, mot_commands *commands)
{
    const mot_primitive *primitive = mot_primitive_of(operands->op);
    mot_recording r = recording_of(device, operands, commands);
    if (choice->variant == MOT_BY_RULE)
        return mot_primitive_record(device, operands, commands);
    MOT_TRY(primitive->check(operands));
    MOT_TRY(require(primitive, &r, choice->variant));
    return record(primitive, &r, choice);
}

mot_status mot_primitive_workspace_choice(mot_device *device, const mot_operands *operands,
                                          const mot_choice *choice, size_t *size_bytes)
{
    const mot_primitive *primitive = mot_primitive_of(operands->op);
    mot_recording r = recording_of(device, operands, NULL);
    if (choice->variant == MOT_BY_RULE)
        return mot_primitive_workspace(device, operands, size_bytes);
    MOT_TRY(primitive->check(operands));
    MOT_TRY(require(primitive, &r, choice->variant));
    *size_bytes = workspace_of(primitive, &r, choice);
    return MOT_OK;
}

mot_status mot_primitive_record_variant(mot_device *device, const mot_operands *operands,
                                        int variant, mot_commands *commands)
{
    if (variant < 0)
        variant = mot_primitive_n_variants(operands->op); /* none, not the rule's */
    const mot_choice choice = {.variant = variant};
    return mot_primitive_record_choice(device, operands, &choice, commands);
}

mot_status mot_primitive_workspace_variant(mot_device *device, const mot_operands *operands,
                                           int variant, size_t *size_bytes)
{
    if (variant < 0)
        variant = mot_primitive_n_variants(operands->op);
    const mot_choice choice = {.variant = variant};
    return mot_primitive_workspace_choice(device, operands, &choice, size_bytes);
}

int mot_primitive_candidates(mot_device *device, const mot_operands *operands, int variant,
                             mot_choice *out, int most)
{
    const mot_primitive *primitive = mot_primitive_of(operands->op);
    const mot_variant *v = &primitive->variants[variant];
    mot_recording r = recording_of(device, operands, NULL);
    if (most < 1 || primitive->check(operands) != MOT_OK || !fits(v, &r))
        return 0;
    out[0] = (mot_choice){.variant = variant};
    int n = v->candidates && most > 1 ? v->candidates(&r, out + 1, most - 1) : 0;
    for (int i = 1; i <= n; i++)
        out[i].variant = variant;
    return n + 1;
}

mot_choice mot_primitive_rule(mot_device *device, const mot_operands *operands)
{
    mot_recording r = recording_of(device, operands, NULL);
    return by_rule(mot_primitive_of(operands->op), &r);
}

bool mot_operands_problem(const mot_operands *operands, mot_precision precision, mot_problem *out)
{
    const mot_primitive *primitive = mot_primitive_of(operands->op);
    if (!primitive->problem || primitive->check(operands) != MOT_OK)
        return false;
    *out = primitive->problem(operands, precision);
    return true;
}

bool mot_primitive_suits(mot_device *device, const mot_operands *operands, int variant)
{
    const mot_variant *v = &mot_primitive_of(operands->op)->variants[variant];
    mot_recording r = recording_of(device, operands, NULL);
    return v->suits && v->suits(&r) && fits(v, &r);
}

bool mot_primitive_is_foreign(mot_device *device, const mot_operands *operands, int variant)
{
    const mot_variant *v = &mot_primitive_of(operands->op)->variants[variant];
    mot_recording r = recording_of(device, operands, NULL);
    return v->suits && !v->suits(&r);
}
