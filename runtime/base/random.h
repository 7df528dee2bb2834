/* random.h: counter-based random numbers, the same on the host and on every device.
 *
 * Philox4x32-10: a pure function of (key, counter), so that any worker can draw the numbers of any
 * sample without a shared state.  kernels_cl/philox.cl is its twin.
 * Source: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
#ifndef MOT_BASE_RANDOM_H
#define MOT_BASE_RANDOM_H

#include "runtime/base/status.h"

#include <stdint.h>

/** What a stream of random numbers is for; the counter's last word, so that streams never meet. */
typedef enum {
    MOT_STREAM_INIT = 1,
    MOT_STREAM_SHUFFLE,
    MOT_STREAM_SPLIT,
    MOT_STREAM_DROPOUT,
    MOT_STREAM_AUGMENT,
    MOT_STREAM_DRAW,
    MOT_STREAM_TEST,
    MOT_STREAM_GENERATE,
    MOT_STREAM_MIXUP,
} mot_stream;

/** Four random words for (key, counter). */
void mot_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);

/** A sequence of draws from one stream, for host code that wants the next number. */
typedef struct mot_random {
    uint32_t key[2], counter[4], word[4];
    int used;
} mot_random;

/** Start the sequence that belongs to (seed, stream, index); index is for instance the epoch, the
 *  sample, or the number of a parameter. */
void mot_random_init(mot_random *random, uint64_t seed, mot_stream stream, uint64_t index);

uint32_t mot_random_u32(mot_random *random);
/** Uniform in [0, 1) with 24 bits, exactly (word >> 8) * 2^-24. */
float mot_random_uniform(mot_random *random);
/** Standard normal (Box-Muller). */
float mot_random_normal(mot_random *random);
/** Uniform whole number in [0, n), n >= 1, without bias. */
uint64_t mot_random_below(mot_random *random, uint64_t n);

/** Fill order[0..n) with the permutation of 0..n-1 that belongs to (seed, stream, index). */
void mot_random_permutation(uint64_t seed, mot_stream stream, uint64_t index, int64_t n,
                            int64_t *order);

#endif
