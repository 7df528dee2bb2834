/* matmul.h: the matrix product that linear layers (and what comes later) are made of.
 *
 *     C = epilogue(op(A) op(B) [+ C])      op(A) is (m,k), op(B) is (k,n), C is (m,n), row-major
 *
 * for each of `batch` matrices, with any leading dimensions and offsets.  In the same pass: bias
 * (n) added to every row, relu, zero where `mask` is not positive, and, of a batch of 1, the sums of
 * the rows of op(A) (the bias gradient, when A is dy transposed).  The variants are in matmul.c (the table),
 * matmul_cpu.c, matmul_clblast.c, matmul_tiled.c and matmul_mma.c.
 */
#ifndef MOT_DEVICES_MATMUL_H
#define MOT_DEVICES_MATMUL_H

#include "devices/variant.h"

/* What is asked for; twin of kernels_cl/matmul_flags.cl. */
enum {
    MOT_MATMUL_TRANS_A = 1,
    MOT_MATMUL_TRANS_B = 2,
    MOT_MATMUL_ACCUMULATE = 4,
    MOT_MATMUL_BIAS = 8,
    MOT_MATMUL_RELU = 16,
    MOT_MATMUL_MASK = 32,
    MOT_MATMUL_SUMS = 64,
    MOT_MATMUL_B_BF16 = 256, /* b is stored so; 128 is a kernel's own */
    MOT_MATMUL_B_F16 = 512,
    MOT_MATMUL_B_NARROW = MOT_MATMUL_B_BF16 | MOT_MATMUL_B_F16,
};

/* A batch as a dimension of a launch of groups: drivers take no more. */
enum { MOT_MATMUL_MOST_BATCH = 65536 };

typedef struct mot_matmul {
    mot_view c, a, b;
    mot_view bias, mask, sums; /* sums is an output */
    int64_t m, n, k, lda, ldb, ldc;
    int64_t batch, stride_a, stride_b, stride_c; /* elements between the matrices of a batch */
    int flags;
} mot_matmul;

/** The product that the operands of a linear operator stand for. */
mot_matmul mot_matmul_of(const mot_operands *o);

/** Pass all of it to a kernel: c, sums, a, b, bias, mask, m, n, k, lda, ldb, ldc, stride_a,
 *  stride_b, stride_c, flags. */
void mot_matmul_arguments(mot_launch *launch, const mot_matmul *p);

/** The build option of GPUs' kernels that says how b is stored. */
const char *mot_matmul_b_option(const mot_matmul *p);

/** Parameters of the CPU's variants, in this order: groups in both directions, steps of k at a
 *  time, rows of a tile. */
enum { MOT_MATMUL_ROWS, MOT_MATMUL_COLS, MOT_MATMUL_K_BLOCK, MOT_MATMUL_MR };

/** The variants' functions; see the table in matmul.c. */
int mot_matmul_candidates_direct(const mot_recording *r, mot_choice *out, int most);
int mot_matmul_candidates_mma(const mot_recording *r, mot_choice *out, int most);
int mot_matmul_candidates_packed(const mot_recording *r, mot_choice *out, int most);
int mot_matmul_candidates_tiled(const mot_recording *r, mot_choice *out, int most);
mot_status mot_matmul_record_direct(const mot_recording *r);
int64_t mot_matmul_packed_workspace(const mot_recording *r);
mot_status mot_matmul_record_packed(const mot_recording *r);
bool mot_matmul_applies_tiled(const mot_recording *r);
int64_t mot_matmul_tiled_workspace(const mot_recording *r);
mot_status mot_matmul_record_tiled(const mot_recording *r);
bool mot_matmul_applies_clblast(const mot_recording *r);
int64_t mot_matmul_clblast_workspace(const mot_recording *r);
mot_status mot_matmul_record_clblast(const mot_recording *r);
bool mot_matmul_applies_mma(const mot_recording *r);
bool mot_matmul_prefers_mma(const mot_recording *r);
int64_t mot_matmul_mma_workspace(const mot_recording *r);
mot_status mot_matmul_record_mma(const mot_recording *r);

enum { MOT_MATMUL_N_VARIANTS = 6 };
extern const mot_variant mot_matmul_variants[MOT_MATMUL_N_VARIANTS];

#endif
