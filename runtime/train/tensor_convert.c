/* tensor_convert.c: one small function for each foreign element type; a type that is ours is
 * copied.
 *
 * Bytes are put together one by one, so neither alignment nor the host's byte order matter on the
 * way in.  F64 that is too large for F32 becomes infinite, as a cast in PyTorch does; whole numbers
 * that do not fit are refused, because a counter that wrapped is worse than none.
 */
#include "config.h"

#include "runtime/train/tensor_convert.h"

#include <string.h>

static uint64_t load(const unsigned char *in, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | in[i];
    return value;
}

static void store_f32_bits(void *out, size_t i, uint32_t bits)
{
    memcpy((char *)out + 4 * i, &bits, 4);
}

static bool store_i32(void *out, size_t i, int64_t value)
{
    ((int32_t *)out)[i] = (int32_t)value;
    return value >= INT32_MIN && value <= INT32_MAX;
}

static bool from_bits32(const unsigned char *in, void *out, size_t i)
{
    store_f32_bits(out, i, (uint32_t)load(in + 4 * i, 4));
    return true;
}

static bool from_u8(const unsigned char *in, void *out, size_t i)
{
    ((unsigned char *)out)[i] = in[i];
    return true;
}

static bool from_bool(const unsigned char *in, void *out, size_t i)
{
    return from_u8(in, out, i) && in[i] <= 1;
}

static bool from_f64(const unsigned char *in, void *out, size_t i)
{
    uint64_t bits = load(in + 8 * i, 8);
    double value;
    memcpy(&value, &bits, 8);
    ((float *)out)[i] = (float)value;
    return true;
}

static bool from_bf16(const unsigned char *in, void *out, size_t i)
{
    store_f32_bits(out, i, (uint32_t)load(in + 2 * i, 2) << 16);
    return true;
}

/* 1 sign, 5 exponent, 10 fraction bits; exponent 0 is subnormal (fraction * 2^-24), 31 inf or NaN.
 */
static bool from_f16(const unsigned char *in, void *out, size_t i)
{
    uint32_t half = (uint32_t)load(in + 2 * i, 2);
    uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31, fraction = half & 0x3FF;
    if (exponent == 0) {
        float value = (float)fraction * 0x1p-24f;
        uint32_t bits;
        memcpy(&bits, &value, 4);
        store_f32_bits(out, i, sign | bits);
    } else {
        uint32_t wide = exponent == 31 ? 255 : exponent + 112;
        store_f32_bits(out, i, sign | wide << 23 | fraction << 13);
    }
    return true;
}

static bool from_i8(const unsigned char *in, void *out, size_t i)
{
    return store_i32(out, i, (int8_t)in[i]);
}

static bool from_i16(const unsigned char *in, void *out, size_t i)
{
    return store_i32(out, i, (int16_t)load(in + 2 * i, 2));
}

static bool from_u16(const unsigned char *in, void *out, size_t i)
{
    return store_i32(out, i, (int64_t)load(in + 2 * i, 2));
}

static bool from_u32(const unsigned char *in, void *out, size_t i)
{
    return store_i32(out, i, (int64_t)load(in + 4 * i, 4));
}

static bool from_i64(const unsigned char *in, void *out, size_t i)
{
    return store_i32(out, i, (int64_t)load(in + 8 * i, 8));
}

static bool from_u64(const unsigned char *in, void *out, size_t i)
{
    uint64_t value = load(in + 8 * i, 8);
    return value <= INT32_MAX && store_i32(out, i, (int64_t)value);
}

static const mot_file_dtype TYPES[] = {
    {"F32", 4, MOT_F32, from_bits32}, {"F64", 8, MOT_F32, from_f64},
    {"F16", 2, MOT_F32, from_f16},    {"BF16", 2, MOT_F32, from_bf16},
    {"I32", 4, MOT_I32, from_bits32}, {"I64", 8, MOT_I32, from_i64},
    {"U64", 8, MOT_I32, from_u64},    {"U32", 4, MOT_I32, from_u32},
    {"I16", 2, MOT_I32, from_i16},    {"U16", 2, MOT_I32, from_u16},
    {"I8", 1, MOT_I32, from_i8},      {"U8", 1, MOT_U8, from_u8},
    {"BOOL", 1, MOT_U8, from_bool},
};

const mot_file_dtype *mot_file_dtype_find(const char *name)
{
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++)
        if (strcmp(TYPES[i].name, name) == 0)
            return &TYPES[i];
    return NULL;
}

bool mot_file_dtype_convert(const mot_file_dtype *type, const void *in, size_t n, void *out,
                            size_t *bad)
{
    for (size_t i = 0; i < n; i++)
        if (!type->convert(in, out, i)) {
            *bad = i;
            return false;
        }
    return true;
}
