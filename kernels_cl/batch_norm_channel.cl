/* batch_norm_channel.cl: included by batch_norm.cl and batch_norm_grad.cl: what is known of a channel. */
#ifndef BATCH_NORM_CHANNEL_CL
#define BATCH_NORM_CHANNEL_CL
#define BATCH_NORM_WEIGHT 1
#define BATCH_NORM_BIAS 2
#define BATCH_NORM_RELU 4
#define BATCH_NORM_RUNNING 8

/* n = (x - mean) * factor. */
typedef struct {
    float mean, factor, weight, bias;
} bn_channel;

/* By the batch. */
bn_channel bn_by_sums(__global const float *sums, float mean, long c, long channels, float eps)
{
    const float n = fmax(sums[2 * channels], 1.0f), d = sums[c] / n;
    const float variance = fmax(sums[channels + c] / n - d * d, 0.0f);
    bn_channel result = {mean + d, 1.0f / sqrt(variance + eps), 1.0f, 0.0f};
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

/* The part of y's gradient that passes a relu, d = x - mean: by the very number that was forward y. */
float bn_passed(float dy, float d, bn_channel ch, int flags)
{
    const float y = d * (ch.factor * ch.weight) + ch.bias;
    return flags & BATCH_NORM_RELU && !(y > 0.0f) ? 0.0f : dy;
}
#endif
