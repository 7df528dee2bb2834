#include "config.h"

#include "runtime/train/sampling.h"

#include "runtime/base/memory.h"
#include "runtime/base/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

typedef struct candidate {
    float logit;
    int32_t token;
} candidate;

/* The most likely first. */
static int compare(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->logit != y->logit)
        return x->logit < y->logit ? 1 : -1;
    return x->token < y->token ? -1 : x->token > y->token;
}

/* Go through the candidates until their probabilities add up to the number that was drawn. */
static int32_t draw(const mot_sampling *sampling, const candidate *c, int64_t n, uint64_t position)
{
    mot_random random;
    double sum = 0, passed = 0;
    mot_random_init(&random, sampling->seed, MOT_STREAM_GENERATE, position);
    for (int64_t i = 0; i < n; i++)
        sum += exp(((double)c[i].logit - (double)c[0].logit) / sampling->temperature);
    const double drawn = sum * mot_random_u32(&random) / 4294967296.0;
    for (int64_t i = 0; i < n - 1; i++) {
        passed += exp(((double)c[i].logit - (double)c[0].logit) / sampling->temperature);
        if (passed > drawn)
            return c[i].token;
    }
    return c[n - 1].token;
}

mot_status mot_sampling_draw(const mot_sampling *sampling, const float *logit, int64_t n,
                             uint64_t position, int32_t *token)
{
    candidate *c;
    MOT_TRY(mot_alloc((size_t)n, sizeof *c, &c));
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(logit[i])) {
            free(c);
            return MOT_FAIL(MOT_ERR_NUMERIC,
                            "the network's output for token %" PRId64 " is %g, not a number: the "
                            "weights are of no use",
                            i, (double)logit[i]);
        }
        c[i] = (candidate){logit[i], (int32_t)i};
    }
    qsort(c, (size_t)n, sizeof *c, compare);
    if (sampling->top_k > 0 && sampling->top_k < n)
        n = sampling->top_k;
    *token = sampling->temperature > 0 ? draw(sampling, c, n, position) : c[0].token;
    free(c);
    return MOT_OK;
}
