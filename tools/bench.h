/* bench.h: what the files of `motley bench` share.
 *
 * bench.c        the devices, timing, rows and how they are printed
 * bench_gemm.c   matrix products
 * bench_attention.c  attention
 * bench_conv.c   convolutions
 * bench_ops.c    operators that wait for memory
 * bench_step.c   training steps of a configuration
 * cmd_bench.c    the commands
 *
 * A time is the median over batches of runs that are queued back to back, as training queues them;
 * warm-up, in which drivers compile, comes first.  A fraction is of what the same device was
 * measured to do in the same run: independent multiply-adds for products, convolutions and
 * attention; for the rest the median of a copy kernel that is run by turns with each row.
 */
#ifndef MOT_TOOLS_BENCH_H
#define MOT_TOOLS_BENCH_H

#include "devices/peak.h"
#include "devices/primitive.h"
#include "tools/command.h"
#include "tools/json.h"
#include "tools/terminal.h"

/** A bench under way. */
typedef struct mot_bench {
    const mot_command *command;
    const mot_arguments *arguments;
    mot_terminal terminal;
    mot_precision precision; /* of products */
    mot_device *device;      /* the present one */
    mot_peak peak;           /* its */
    mot_ruler *ruler;        /* its copy, where the rows are compared with that; else NULL */
    mot_bench_row *row;      /* [n_rows] all so far */
    size_t n_rows, capacity;
} mot_bench;

/** Run `one` on each device asked for, opened and with its peak (and, where `copy_bytes` is not 0, the
 *  ruler of that many), and print the rows as one JSON array if asked for.  Returns the exit status. */
int mot_bench_run(mot_bench *bench, size_t copy_bytes, mot_status (*one)(mot_bench *bench));

/** Median seconds of all that is recorded, on the present device; with a ruler, its median by turns
 *  becomes the peak. */
mot_status mot_bench_time(mot_bench *bench, mot_commands *commands, double *time_s);
/** The variant in a launch's name: "packed" of "linear/packed fc1"; where a remembered choice was taken,
 *  with its parameters, "packed[rows=4]". */
void mot_bench_variant(const mot_commands *commands, char out[64]);
/** Add a row (rate, peak and fraction are worked out here) and print it.  `work`: operations or
 *  bytes. */
mot_status mot_bench_add(mot_bench *bench, mot_bench_row *row, double work);
/** Say in one dim line why something was left out. */
void mot_bench_note(mot_bench *bench, const char *what, const char *why);

/** Call `one` with each shape that was asked for, or with the usual ones. */
mot_status mot_bench_shapes(mot_bench *bench, const char *const *usual, size_t n_usual,
                            mot_status (*one)(mot_bench *bench, const char *shape));
/** Measure an operator: the variant that training takes, the one that was asked for, or all; what
 *  of these fails is noted. */
mot_status
mot_bench_variants(mot_bench *bench, mot_bench_row *row, mot_operands *operands, double flops,
                   mot_status (*measure)(mot_bench *bench, mot_bench_row *row,
                                         mot_operands *operands, int variant, double flops));

/** New device memory with floats uniform in [-1, 1); *host (may be NULL) gets them, freed by the
 *  caller. */
mot_status mot_bench_floats(mot_device *device, int64_t n, uint64_t seed, mot_view *out,
                            float **host);

mot_status mot_bench_gemm(mot_bench *bench);
mot_status mot_bench_attention(mot_bench *bench);
mot_status mot_bench_conv(mot_bench *bench);
mot_status mot_bench_ops(mot_bench *bench);
/** Shape i of those that are measured where nothing is asked for; false behind the last. */
bool mot_bench_gemm_usual(int i, mot_bench_row *out);
/** Are the operands shapes, or names of operators?  Else the message says what is wrong. */
mot_status mot_bench_gemm_check(const mot_arguments *arguments);
mot_status mot_bench_attention_check(const mot_arguments *arguments);
mot_status mot_bench_conv_check(const mot_arguments *arguments);
mot_status mot_bench_ops_check(const mot_arguments *arguments);
/** Bytes of the largest tensor of `motley bench ops`. */
size_t mot_bench_ops_bytes(const mot_arguments *arguments);
int mot_bench_step(const mot_command *command, const mot_arguments *arguments);

#endif
