/* primitive.h: operators on device memory.
 *
 * Each operator of MOT_OPS has one primitive, `const mot_primitive mot_primitive_<name>` in
 * devices/<family>.c.  A primitive checks its operands, picks a variant (a row of its table:
 * kernel, parameters, applies-if, launch rule) and records the launches.  The plain variant runs
 * anywhere and is what the others are tested against.
 */
#ifndef MOT_DEVICES_PRIMITIVE_H
#define MOT_DEVICES_PRIMITIVE_H

#include "devices/device.h"
#include "runtime/base/op.h"

enum { MOT_MAX_INPUTS = 8, MOT_MAX_OUTPUTS = 4, MOT_MAX_PARAMETERS = 4 };
enum { MOT_BY_RULE = -1 };

typedef struct mot_operands {
    mot_op op;
    const char *name;  /* of the node, for messages and profiles; borrowed */
    int n_out, n_in;   /* absent optional operands at the end are not counted; others have buffer NULL */
    mot_view out[MOT_MAX_OUTPUTS];
    mot_view in[MOT_MAX_INPUTS];
    mot_attrs attrs;
    mot_view scalars;   /* MOT_N_SCALARS words; see op.h */
    mot_view workspace; /* at least mot_primitive_workspace bytes, contents lost; MOT_F32, offset in
                           elements, aligned to 64 bytes */
    const struct mot_matmul *product; /* of product.c only: computed instead of what `op` and the views
                                         say; NULL elsewhere */
} mot_operands;

/** Scratch memory that recording `operands` on `device` will need, bytes.  Buffers may be unset. */
mot_status mot_primitive_workspace(mot_device *device, const mot_operands *operands,
                                   size_t *size_bytes);

/** Append the launches that compute `operands` to `commands` (of the same device).
 *  Errors: MOT_ERR_SHAPE and MOT_ERR_ARGUMENT name the node; MOT_ERR_BUILD. */
mot_status mot_primitive_record(mot_device *device, const mot_operands *operands,
                                mot_commands *commands);

/** How an operator is computed: a variant, and the numbers that it was given. */
typedef struct mot_choice {
    int variant;                       /* MOT_BY_RULE: the variants' rules decide */
    int parameter[MOT_MAX_PARAMETERS]; /* in the variant's order; 0: by its rule */
} mot_choice;

/** Variants of an operator on this device, for tests and tuning: how many, and their names.
 *  `variant` forces one in mot_primitive_record_variant; it fails with MOT_ERR_UNSUPPORTED where
 *  the variant does not apply to the operands or the device. */
int mot_primitive_n_variants(mot_op op);
const char *mot_primitive_variant_name(mot_op op, int variant);
mot_status mot_primitive_record_variant(mot_device *device, const mot_operands *operands, int variant,
                                        mot_commands *commands);
mot_status mot_primitive_workspace_variant(mot_device *device, const mot_operands *operands,
                                           int variant, size_t *size_bytes);

/** The same for a choice; numbers that the variant cannot use become the nearest that it can, or
 *  those of its rule. */
mot_status mot_primitive_record_choice(mot_device *device, const mot_operands *operands,
                                       const mot_choice *choice, mot_commands *commands);
mot_status mot_primitive_workspace_choice(mot_device *device, const mot_operands *operands,
                                          const mot_choice *choice, size_t *size_bytes);
/** Choices of a variant that are worth a try for these operands, the most promising first, at most
 *  `most`; returns how many.  The first is the variant's own rule; none where it does not apply. */
int mot_primitive_candidates(mot_device *device, const mot_operands *operands, int variant,
                             mot_choice *out, int most);
/** The choice that the rules make, whatever is remembered; the operands are in order. */
mot_choice mot_primitive_rule(mot_device *device, const mot_operands *operands);
/** May the variant be the fastest on a device like this?  Of no use for tests. */
bool mot_primitive_suits(mot_device *device, const mot_operands *operands, int variant);
/** Is it meant for devices of another class only?  It may work here nevertheless. */
bool mot_primitive_is_foreign(mot_device *device, const mot_operands *operands, int variant);

#endif
