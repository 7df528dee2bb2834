/* scalars.cl: included by kernels that read the step's scalars: their positions; twins of those in
 * runtime/base/op.h. */
#ifndef SCALARS_CL
#define SCALARS_CL
#define SCALAR_STEP 0
#define SCALAR_FIRST_SAMPLE 1
#define SCALAR_SEED_LO 2
#define SCALAR_SEED_HI 3
#define SCALAR_LR 4
#define SCALAR_BIAS1 5
#define SCALAR_BIAS2 6
#define SCALAR_SKIP 8
#define N_SCALARS 16
#endif
