/* dropout_draw.cl: included by dropout's kernels: random numbers, and where the scalars have what they
 * are counted by; see runtime/base/op.h. */
#ifndef DROPOUT_DRAW_CL
#define DROPOUT_DRAW_CL
#include "philox.cl"
#define STEP 0
#define FIRST_SAMPLE 1
#define SEED_LO 2
#define SEED_HI 3
#endif
