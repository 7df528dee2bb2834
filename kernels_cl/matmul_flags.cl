/* matmul_flags.cl: included by the matrix products: what is asked for, twin of devices/matmul.h.
 * The epilogue, in this order: add the old C, add bias (n) to each row, relu, and zero where
 * mask (m,n; laid out as C) is not positive.  SUMS: sums (m) = sums of the rows of op(A). */
#ifndef MATMUL_FLAGS_CL
#define MATMUL_FLAGS_CL
#define TRANS_A 1
#define TRANS_B 2
#define ACCUMULATE 4
#define BIAS 8
#define RELU 16
#define MASK 32
#define SUMS 64
/* B is stored in 16 bits; only where B is not transposed. */
#define B_BF16 256
#define B_F16 512
#endif
