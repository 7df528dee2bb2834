#include "config.h"

#include "runtime/base/random.h"

#include <math.h>

static void philox_round(uint32_t c[4], const uint32_t k[2])
{
    uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
    uint32_t c1 = c[1], c3 = c[3];
    c[0] = (uint32_t)(b >> 32) ^ c1 ^ k[0];
    c[1] = (uint32_t)b;
    c[2] = (uint32_t)(a >> 32) ^ c3 ^ k[1];
    c[3] = (uint32_t)a;
}

void mot_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k[2] = {key[0], key[1]};
    for (int i = 0; i < 4; i++)
        out[i] = counter[i];
    for (int round = 0; round < 10; round++) {
        philox_round(out, k);
        k[0] += 0x9E3779B9u;
        k[1] += 0xBB67AE85u;
    }
}

void mot_random_init(mot_random *random, uint64_t seed, mot_stream stream, uint64_t index)
{
    *random = (mot_random){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, (uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream},
        .used = 4,
    };
}

uint32_t mot_random_u32(mot_random *random)
{
    if (random->used == 4) {
        mot_philox(random->key, random->counter, random->word);
        random->counter[0]++;
        random->used = 0;
    }
    return random->word[random->used++];
}

float mot_random_uniform(mot_random *random)
{
    return (float)(mot_random_u32(random) >> 8) * 0x1p-24f;
}

float mot_random_normal(mot_random *random)
{
    double u = ((double)mot_random_u32(random) + 1.0) * 0x1p-32;
    double v = (double)mot_random_u32(random) * 0x1p-32;
    return (float)(sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v));
}

uint64_t mot_random_below(mot_random *random, uint64_t n)
{
    /* Draws under `reject` would make the small values likelier. */
    uint64_t reject = (0 - n) % n, draw;
    do {
        draw = (uint64_t)mot_random_u32(random) << 32;
        draw |= mot_random_u32(random);
    } while (draw < reject);
    return draw % n;
}

void mot_random_permutation(uint64_t seed, mot_stream stream, uint64_t index, int64_t n,
                            int64_t *order)
{
    mot_random random;
    mot_random_init(&random, seed, stream, index);
    for (int64_t i = 0; i < n; i++) {
        int64_t j = (int64_t)mot_random_below(&random, (uint64_t)i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}
