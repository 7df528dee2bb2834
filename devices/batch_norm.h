/* batch_norm.h: for devices/batch_norm*.c only: the arguments that the variants' kernels share. */
#ifndef MOT_DEVICES_BATCH_NORM_H
#define MOT_DEVICES_BATCH_NORM_H

#include "devices/variant.h"

/** Of x (B,C,...). */
int64_t mot_batch_norm_channels(const mot_view *x);
/** x, mean, sizes. */
void mot_batch_norm_add_sums_inputs(mot_launch *launch, const mot_operands *o);
/** samples, channels, plane. */
void mot_batch_norm_add_sizes(mot_launch *launch, const mot_view *x);
/** All of forward. */
void mot_batch_norm_add_arguments(mot_launch *launch, const mot_operands *o);
/** dy, x, sums, mean, then weight, which is input `weight`, and bias; sizes; eps, flags. */
void mot_batch_norm_add_channel(mot_launch *launch, const mot_operands *o, int weight);
/** All of the gradient's sums, all of the gradient. */
void mot_batch_norm_add_grad_sums_arguments(mot_launch *launch, const mot_operands *o);
void mot_batch_norm_add_grad_arguments(mot_launch *launch, const mot_operands *o);

/* batch_norm_gpu.c */
bool mot_batch_norm_applies_parts(const mot_recording *r);
int64_t mot_batch_norm_workspace_parts(const mot_recording *r);
mot_status mot_batch_norm_sums_parts(const mot_recording *r);
mot_status mot_batch_norm_parts(const mot_recording *r);
mot_status mot_batch_norm_grad_sums_parts(const mot_recording *r);
mot_status mot_batch_norm_grad_parts(const mot_recording *r);

#endif
