/* piece.cl: included by kernels for GPUs that read W floats at a time: 4 where rows are whole vectors and
 * aligned, else 1. */
#ifndef PIECE_CL
#define PIECE_CL
#ifndef W
#define W 4
#endif
#if W == 4
#define PIECE float4
#else
#define PIECE float
#endif
#endif
