/* norm.h: for norm's files in devices/: how layer norm, RMS norm and group norm are one; see
 * kernels_cl/norm.cl. */
#ifndef MOT_DEVICES_NORM_H
#define MOT_DEVICES_NORM_H

#include "devices/variant.h"

/* As kernels_cl/norm_flags.cl has them. */
enum { MOT_NORM_HAS_WEIGHT = 1, MOT_NORM_HAS_BIAS = 2, MOT_NORM_HAS_NO_MEAN = 4 };

typedef struct mot_norm_layout {
    int64_t rows, columns; /* what is normalized together, and how much of it */
    int64_t groups,
        run;   /* rows of a sample that have weights of their own; elements of one weight */
    int64_t n; /* weights */
    int flags;
} mot_norm_layout;

mot_norm_layout mot_norm_layout_forward(const mot_operands *o);
mot_norm_layout mot_norm_layout_grad(const mot_operands *o);

/** The arguments of a forward kernel, and of one that gives dx, before those of its launch: all but
 *  dx itself. */
void mot_norm_add_arguments(mot_launch *launch, const mot_operands *o, const mot_norm_layout *l);
void mot_norm_add_grad_arguments(mot_launch *launch, const mot_operands *o,
                                 const mot_norm_layout *l);
/** dweight and dbias, or nothing in their places. */
void mot_norm_add_parameters(mot_launch *launch, const mot_operands *o, const mot_norm_layout *l);

/* The variant `lanes`: norm_gpu.c. */
bool mot_norm_applies_lanes(const mot_recording *r);
bool mot_norm_grad_applies_lanes(const mot_recording *r);
mot_status mot_norm_lanes(const mot_recording *r);
int64_t mot_norm_grad_workspace_lanes(const mot_recording *r);
mot_status mot_norm_grad_lanes(const mot_recording *r);
/** Add up the sums of the parameters that `n_parts` groups left in the workspace. */
mot_status mot_norm_finish_lanes(const mot_recording *r, const mot_norm_layout *l, int64_t n_parts);

#endif
