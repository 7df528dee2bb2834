/* matmul_mma_words.cl: included by matmul_mma.cl and matmul_mma_pack.cl: how operands lie packed, in 4-byte
 * words.
 *
 * A unit is 16 rows of op(A), or columns of op(B), times 8 words of one tf32 or two bf16; lane i of a warp
 * has 16 bytes of it, the i-th ones.  A panel is 64 rows, padded with zeros: 4 units for each step of k.
 *
 * Which matrix row is row i of a unit is free; here lanes 4g+t have rows PLACE(g) and PLACE(g)+2,
 * so that a lane's sums are four columns side by side.  Which k are a step's words is free as well,
 * as long as both operands agree: a lane takes four that lie together. */
#ifndef MATMUL_MMA_WORDS_CL
#define MATMUL_MMA_WORDS_CL
#define PANEL 64        /* rows */
#define UNIT 128        /* words */
#define STEP (4 * UNIT) /* words of a panel for a step of k */
#define PLACE(g) ((g) / 2 * 4 + (g) % 2)
#endif
