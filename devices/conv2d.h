/* conv2d.h: for devices/ only: convolution, shared by the files that record its variants. */
#ifndef MOT_DEVICES_CONV2D_H
#define MOT_DEVICES_CONV2D_H

#include "devices/matmul.h"

/** One convolution, whichever of its three operators it is. */
typedef struct mot_conv2d {
    int64_t samples, channels, outs; /* B, C, O */
    int64_t places[2];               /* OH, OW */
    const mot_window *window;
} mot_conv2d;

/** What `o` (conv2d, conv2d_dinput or conv2d_dweight) asks for. */
mot_conv2d mot_conv2d_of(const mot_operands *o);

/** One of the two axes of y or dx: a pixel at i looks, for tap t (of the turned kernel for dx), at
 *  (i * source + first + t * step) / phases, where that is whole: taps are `every` apart then. */
typedef struct mot_conv2d_axis {
    int64_t in, out; /* size of what is read and written */
    int64_t source, phases, first, step, every;
} mot_conv2d_axis;
/** i: 0 for rows, 1 for columns. */
mot_conv2d_axis mot_conv2d_axis_of(const mot_operands *o, const mot_conv2d *c, int i);
/** Where the first pixels begin to look, and how much n pixels of a phase see from there on. */
int64_t mot_conv2d_axis_low(const mot_conv2d_axis *axis);
int64_t mot_conv2d_axis_sees(const mot_conv2d_axis *axis, int64_t n, int64_t kernel);

/** The epilogue: MOT_MATMUL_BIAS, MOT_MATMUL_RELU and MOT_MATMUL_MASK. */
int mot_conv2d_flags(const mot_operands *o);
/** Add bias and mask, which may be absent, to a launch. */
void mot_conv2d_add_epilogue(mot_launch *launch, const mot_operands *o);

/** Longs: how far it is in the weight from a group to the next, from one channel of what is written,
 *  and of what is read; where the taps begin, and from one to the next. */
void mot_conv2d_add_weight_strides(mot_launch *launch, const mot_operands *o, const mot_conv2d *c);
/** Ints: groups; channels and size of what is read, and of what is written, of a group; kernel;
 *  source, phases, first, step and every of both axes. */
void mot_conv2d_add_axes(mot_launch *launch, const mot_operands *o, const mot_conv2d *c);

/* conv2d_cpu.c */
bool mot_conv2d_tile_applies(const mot_recording *r);
int mot_conv2d_tile_candidates(const mot_recording *r, mot_choice *out, int most);
int64_t mot_conv2d_tile_workspace(const mot_recording *r);
mot_status mot_conv2d_tile_record(const mot_recording *r);
int64_t mot_conv2d_parts_workspace(const mot_recording *r);
mot_status mot_conv2d_parts_record(const mot_recording *r);

/* conv2d_planes.c */
bool mot_conv2d_planes_applies(const mot_recording *r);
int mot_conv2d_planes_candidates(const mot_recording *r, mot_choice *out, int most);
bool mot_conv2d_planes_prefers(const mot_recording *r);
bool mot_conv2d_planes_suits(const mot_recording *r);
int64_t mot_conv2d_planes_workspace(const mot_recording *r);
mot_status mot_conv2d_planes_record(const mot_recording *r);
mot_status mot_conv2d_planes_record_weight(const mot_recording *r);

/* conv2d_winograd.c */
bool mot_conv2d_winograd_applies(const mot_recording *r);
bool mot_conv2d_winograd_prefers(const mot_recording *r);
int64_t mot_conv2d_winograd_workspace(const mot_recording *r);
mot_status mot_conv2d_winograd_record(const mot_recording *r);

/* conv2d_gpu.c */
bool mot_conv2d_gemm_applies(const mot_recording *r);
int mot_conv2d_gemm_candidates(const mot_recording *r, mot_choice *out, int most);
int64_t mot_conv2d_gemm_workspace(const mot_recording *r);
int64_t mot_conv2d_gemm_workspace_weight(const mot_recording *r);
mot_status mot_conv2d_gemm_record(const mot_recording *r);
mot_status mot_conv2d_gemm_record_weight(const mot_recording *r);
bool mot_conv2d_direct_applies(const mot_recording *r);
bool mot_conv2d_direct_applies_weight(const mot_recording *r);
bool mot_conv2d_direct_prefers(const mot_recording *r);
bool mot_conv2d_direct_prefers_weight(const mot_recording *r);
int64_t mot_conv2d_direct_workspace_weight(const mot_recording *r);
mot_status mot_conv2d_direct_record(const mot_recording *r);
mot_status mot_conv2d_direct_record_weight(const mot_recording *r);

#endif
