/* norm_flags.cl: included by norm's kernels: what there is; twins of those in devices/norm.h. */
#ifndef NORM_FLAGS_CL
#define NORM_FLAGS_CL
#define NORM_WEIGHT 1
#define NORM_BIAS 2
#define NORM_RMS 4
#endif
