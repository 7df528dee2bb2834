/* variant.h: for the primitives in devices/ only: an operator as a table of variants.
 *
 * A variant is one way to compute an operator: where it can be used, where it is the better choice,
 * what memory it needs, and which launches it records.  Tables begin with `plain`, which runs
 * anywhere; of those that apply and are preferred the last is used.  What a launch rule may look at
 * is in mot_traits; there is no test for a name of a device or vendor.  A variant may have
 * parameters, numbers that its rule sets unless the tuner found better ones.
 */
#ifndef MOT_DEVICES_VARIANT_H
#define MOT_DEVICES_VARIANT_H

#include "devices/kernel.h"
#include "devices/primitive.h"
#include "devices/tuned.h"

/** What launch rules know of a device. */
typedef struct mot_traits {
    bool cpu;    /* few strong threads, groups of one work-item and written-out vectors; else many
                  * work-items side by side */
    int vector;  /* floats in a native vector: 4, 8 or 16 */
    int threads; /* groups that run at the same time on a CPU; compute units elsewhere */
    int group;   /* work-items of a full group: a power of two, up to 256 */
    size_t local_bytes;
    int cl_version;          /* 120 for OpenCL 1.2 */
    mot_precision precision; /* that products may round their operands to */
} mot_traits;

mot_traits mot_device_traits(const mot_device *device);

enum { MOT_VARIANT_TEXT = 64 };

/** One operator being recorded, or asked about. */
typedef struct mot_recording {
    mot_device *device;
    mot_traits traits;
    const mot_operands *o;
    char variant[MOT_VARIANT_TEXT]; /* for launches' names, with parameters that are not the rule's */
    int parameter[MOT_MAX_PARAMETERS]; /* of the variant; 0: by its rule */
    mot_commands *commands;            /* NULL when only asked */
} mot_recording;

typedef struct mot_parameter {
    const char *name;
    bool builds; /* it changes how the kernel is built */
} mot_parameter;

typedef struct mot_variant {
    const char *name;
    bool (*applies)(const mot_recording *r);      /* gives right results; NULL: always */
    bool (*prefers)(const mot_recording *r);      /* and is a good choice; NULL: always */
    int64_t (*workspace)(const mot_recording *r); /* floats of scratch memory; NULL: none */
    mot_status (*record)(const mot_recording *r);
    bool (*suits)(const mot_recording *r); /* the tuner tries it; NULL: it does not */
    const mot_parameter *parameters;       /* up to MOT_MAX_PARAMETERS, then a name of NULL;
                                            * NULL: none */
    /* Choices beside the rule's that are worth a try, the most promising first; how many. */
    int (*candidates)(const mot_recording *r, mot_choice *out, int most);
} mot_variant;

typedef struct mot_primitive {
    mot_status (*check)(const mot_operands *o); /* shapes, types and counts of the operands */
    const mot_variant *variants;
    int n_variants;
    /* Under which choices are remembered (problem.h); NULL: none are. */
    mot_problem (*problem)(const mot_operands *o, mot_precision precision);
} mot_primitive;

#define MOT_PRIMITIVE_DECLARE(name) extern const mot_primitive mot_primitive_##name;
MOT_OPS(MOT_PRIMITIVE_DECLARE)
#undef MOT_PRIMITIVE_DECLARE
/** In primitive.c. */
const mot_primitive *mot_primitive_of(mot_op op);

/** For tables: what suits a CPU's few strong threads, or anything else. */
bool mot_on_cpu(const mot_recording *r);
bool mot_off_cpu(const mot_recording *r);
bool mot_on_any(const mot_recording *r);

/* ---- checking ---- */

/** Is operand i there? */
bool mot_has_in(const mot_operands *o, int i);
bool mot_has_out(const mot_operands *o, int i);
/** Counts within the limits, and the first `min_in` inputs and all inputs and outputs of type f32
 *  unless their bit is set in `not_f32` (bit i for input i). */
mot_status mot_check_operands(const mot_operands *o, int min_in, int max_in, int min_out,
                              int max_out, unsigned not_f32);
/** The view has exactly `elements`; `what` names it in the message. */
mot_status mot_check_elements(const mot_operands *o, const char *what, const mot_view *view,
                              int64_t elements);
/** attrs.first is one of `length` positions. */
mot_status mot_check_first(const mot_operands *o, int64_t length);
int64_t mot_view_elements(const mot_view *view);
/** Does it begin at a multiple of n elements, in every slot of a ring? */
bool mot_view_aligned(const mot_view *view, int n);
/** How kernels are told of an operand's type; twin of kernels_cl/half.cl. */
typedef enum { MOT_STORED_FLOAT, MOT_STORED_BF16, MOT_STORED_F16 } mot_stored;
mot_stored mot_stored_as(const mot_view *view);
/** Rows: dim 0; columns: the product of the others. */
int64_t mot_view_rows(const mot_view *view);
int64_t mot_view_columns(const mot_view *view);
/** Columns: the last dim; lines: the product of the others, (B,T,C) as (B*T,C). */
int64_t mot_view_lines(const mot_view *view);
int64_t mot_view_last(const mot_view *view);

/* ---- launching ---- */

/** How a flat array is cut: `groups` groups of `local` work-items, `chunk` elements a group. */
typedef struct mot_range {
    int64_t groups, local, chunk;
} mot_range;
/** Cut n elements into chunks of a multiple of 16 elements, at most `max_groups` of them. */
mot_range mot_range_flat(const mot_traits *traits, int64_t n, int64_t max_groups);

/** For variants whose first parameter is how many groups a launch has: that number where it is given, at
 *  most `most`, else the rule's. */
int64_t mot_groups_of(const mot_recording *r, int64_t rule, int64_t most);
/** Numbers of groups that are worth a try beside the rule's, up to `most_groups`. */
int mot_groups_candidates(int64_t rule, int64_t most_groups, mot_choice *out, int most);
extern const mot_parameter mot_groups_parameter[];
/** mot_range_flat, with that parameter, and its candidates. */
mot_range mot_range_tuned(const mot_recording *r, int64_t n);
int mot_range_candidates(const mot_recording *r, int64_t n, mot_choice *out, int most);

/** Begin a launch of `kernel` in `source` with vectors of the device's width. */
void mot_record_begin(const mot_recording *r, mot_launch *launch, const char *source,
                      const char *kernel);
/** End it, one-dimensional; the launch is called "op/variant node". */
mot_status mot_record_end(const mot_recording *r, mot_launch *launch, int64_t groups,
                          int64_t local);
/** The same for kernels that have UNITS behind their parameters (kernels_cl/joined.cl). */
mot_status mot_record_end_units(const mot_recording *r, mot_launch *launch, int64_t groups,
                                int64_t local);
/** End a plain launch: one work-item for each of n, and some behind the last, which the kernel must
 *  leave idle. */
mot_status mot_record_end_plain(const mot_recording *r, mot_launch *launch, int64_t n);
/** The same for up to three dimensions; local NULL: left to the driver. */
mot_status mot_record_end_3d(const mot_recording *r, mot_launch *launch, int n_dims,
                             const size_t *global, const size_t *local);
/** For GPUs: a work-item for each of `items` along a row and, over the rows, as many as there are, or
 *  fewer, each of which goes on to further rows. */
mot_status mot_record_end_rows(const mot_recording *r, mot_launch *launch, int64_t rows,
                               int64_t items);
/** Part of the workspace, from `offset` floats on. */
mot_view mot_workspace_at(const mot_operands *o, int64_t offset, int64_t elements);

/** For the losses: add the four sums of several groups, by `local` work-items, a power of two; see
 *  kernels_cl/sums.cl. */
mot_status mot_record_sums_finish(const mot_recording *r, const char *source, const mot_view *sums,
                                  const mot_view *parts, int64_t n_parts, int64_t local);

static inline int64_t mot_ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}
static inline int64_t mot_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static inline int64_t mot_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
