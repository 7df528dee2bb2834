/* batch_norm_channel.cl: included by batch_norm.cl and batch_norm_grad.cl: what is known of a
 * channel. */
#ifndef BATCH_NORM_CHANNEL_CL
#define BATCH_NORM_CHANNEL_CL
#include "tree.cl"
#include "vector.cl"
#define BATCH_NORM_WEIGHT 1
#define BATCH_NORM_BIAS 2
#define BATCH_NORM_RELU 4
#define BATCH_NORM_RUNNING 8
#define BATCH_NORM_RESIDUAL 16

/* n = (x - mean) * factor. */
typedef struct {
    float mean, factor, weight, bias;
} bn_channel;

/* By the batch.  Of one element n is 0, whatever is left of x where that is stored in 16 bits. */
bn_channel bn_by_sums(__global const float *sums, float mean, long c, long channels, float eps)
{
    const float n = fmax(sums[2 * channels], 1.0f), d = sums[c] / n;
    const float variance = fmax(sums[channels + c] / n - d * d, 0.0f);
    bn_channel result = {mean + d, n > 1.0f ? 1.0f / sqrt(variance + eps) : 0.0f, 1.0f, 0.0f};
    return result;
}

void bn_set_parameters(bn_channel *ch, __global const float *weight, __global const float *bias,
                       long c, int flags)
{
    if (flags & BATCH_NORM_WEIGHT)
        ch->weight = weight[c];
    if (flags & BATCH_NORM_BIAS)
        ch->bias = bias[c];
}

/* The part of y's gradient that passes a relu, d = x - mean: by the very number that was forward
 * y. */
float bn_passed(float dy, float d, bn_channel ch, int flags)
{
    const float y = d * (ch.factor * ch.weight) + ch.bias;
    return flags & BATCH_NORM_RELU && !(y > 0.0f) ? 0.0f : dy;
}

/* A channel in parts, for many work-items: group (part, c) has neighbouring elements of channel c,
 * in vectors of W, and its work-items go side by side; a vector is found from the last one, without
 * a division.  WIDE: planes are whole vectors of four, aligned. */
#ifndef WIDE
#define WIDE 0
#endif
#define W (WIDE ? 4 : 1)
#include "piece.cl"
#define PIECE_AT(p) (*(__global const PIECE *)(p))
#define CHANNEL_PART                                                                               \
    const int c = (int)(get_group_id(0) % (size_t)channels);                                       \
    const int part = (int)(get_group_id(0) / (size_t)channels);                                    \
    const int pieces = (int)plane / W, local_size = (int)get_local_size(0)
/* `at` goes over the part's pieces. */
#define EACH_PIECE(at)                                                                             \
    const int piece_last = (int)part_begin(samples * pieces, part + 1, parts);                     \
    const int piece_over = local_size % pieces;                                                    \
    const long piece_step = local_size / pieces * channels * plane + piece_over * W;               \
    int piece = (int)part_begin(samples * pieces, part, parts) + (int)get_local_id(0);             \
    int piece_place = piece % pieces;                                                              \
    for (long at = (piece / pieces * channels + c) * plane + piece_place * W; piece < piece_last;  \
         piece += local_size, piece_place += piece_over, at += piece_step,                         \
              at += piece_place >= pieces ? (channels - 1) * plane : 0,                            \
              piece_place -= piece_place >= pieces ? pieces : 0)

/* Leave the sums of a part: parts (parts, 2, channels). */
void bn_leave_part(__global float *sums, PIECE first, PIECE second, int part, int c, long channels,
                   __local float *scratch)
{
    const float a = group_tree(piece_sum(first), 0, scratch);
    const float b = group_tree(piece_sum(second), 0, scratch);
    if (get_local_id(0) == 0) {
        sums[2 * part * channels + c] = a;
        sums[(2 * part + 1) * channels + c] = b;
    }
}

/* Add up what the parts have left, by a group. */
float bn_add_parts(__global const float *sums, int which, long c, long channels, int parts,
                   __local float *scratch)
{
    float sum = 0.0f;
    for (int i = (int)get_local_id(0); i < parts; i += (int)get_local_size(0))
        sum += sums[(2 * i + which) * channels + c];
    return group_tree(sum, 0, scratch);
}
#endif
