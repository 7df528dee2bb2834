/* attention.h: for devices/attention*.c only: what the variants of attention share. */
#ifndef MOT_DEVICES_ATTENTION_H
#define MOT_DEVICES_ATTENTION_H

#include "devices/variant.h"

typedef struct mot_attention_size {
    int64_t samples, length, heads, depth;
} mot_attention_size;

mot_attention_size mot_attention_sizes(const mot_operands *o);
/** The arguments that all kernels end with. */
void mot_attention_add_sizes(const mot_recording *r, mot_launch *launch);
/** Floats for the deltas, which the fast gradients keep between their launches. */
int64_t mot_attention_grad_workspace(const mot_recording *r);

/* attention_gpu.c */
bool mot_attention_applies_blocks(const mot_recording *r);
mot_status mot_attention_record_blocks(const mot_recording *r);
int mot_attention_candidates_blocks(const mot_recording *r, mot_choice *out, int most);

#endif
