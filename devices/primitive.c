#include "config.h"

#include "devices/primitive.h"

#include "devices/variant.h"

static const mot_primitive *primitive_of(mot_op op)
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

/* The last variant that applies and is preferred; plain does both everywhere. */
static int choose(const mot_primitive *primitive, const mot_recording *r)
{
    for (int i = primitive->n_variants - 1; i > 0; i--) {
        const mot_variant *variant = &primitive->variants[i];
        if (fits(variant, r) && (!variant->prefers || variant->prefers(r)))
            return i;
    }
    return 0;
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

static mot_status record(const mot_primitive *primitive, mot_recording *r, int variant)
{
    const mot_variant *v = &primitive->variants[variant];
    size_t needed = workspace_bytes(v, r);
    size_t given = r->o->workspace.buffer ? mot_buffer_size_bytes(r->o->workspace.buffer) -
                                                (size_t)r->o->workspace.offset * sizeof(float)
                                          : 0;
    if (needed > given)
        return MOT_FAIL(MOT_ERR_ARGUMENT, "%s %s: the workspace has %zu bytes of %zu",
                        mot_op_name(r->o->op), r->o->name, given, needed);
    r->variant = v->name;
    return v->record(r);
}

mot_status mot_primitive_workspace(mot_device *device, const mot_operands *operands,
                                   size_t *size_bytes)
{
    const mot_primitive *primitive = primitive_of(operands->op);
    mot_recording r = recording_of(device, operands, NULL);
    MOT_TRY(primitive->check(operands));
    *size_bytes = workspace_bytes(&primitive->variants[choose(primitive, &r)], &r);
    return MOT_OK;
}

mot_status mot_primitive_record(mot_device *device, const mot_operands *operands,
                                mot_commands *commands)
{
    const mot_primitive *primitive = primitive_of(operands->op);
    mot_recording r = recording_of(device, operands, commands);
    MOT_TRY(primitive->check(operands));
    return record(primitive, &r, choose(primitive, &r));
}

int mot_primitive_n_variants(mot_op op)
{
    return primitive_of(op)->n_variants;
}

const char *mot_primitive_variant_name(mot_op op, int variant)
{
    return primitive_of(op)->variants[variant].name;
}

mot_status mot_primitive_record_variant(mot_device *device, const mot_operands *operands,
                                        int variant, mot_commands *commands)
{
    const mot_primitive *primitive = primitive_of(operands->op);
    mot_recording r = recording_of(device, operands, commands);
    MOT_TRY(primitive->check(operands));
    MOT_TRY(require(primitive, &r, variant));
    return record(primitive, &r, variant);
}

mot_status mot_primitive_workspace_variant(mot_device *device, const mot_operands *operands,
                                           int variant, size_t *size_bytes)
{
    const mot_primitive *primitive = primitive_of(operands->op);
    mot_recording r = recording_of(device, operands, NULL);
    MOT_TRY(primitive->check(operands));
    MOT_TRY(require(primitive, &r, variant));
    *size_bytes = workspace_bytes(&primitive->variants[variant], &r);
    return MOT_OK;
}
