/* ingest: x = raw * scale + shift, raw samples as the loader gives them.
 * The data are `runs` runs of `group` elements; run r belongs to channel r % channels, whose scale
 * and shift it takes (flags: 1 scale is there, 2 shift is there).
 * plain    one work-item an element; runs anywhere; what the others are tested against.
 * channel  long runs: vectors of VW along a run; `chunk` runs a group.
 * column   group == 1: vectors of VW along a sample of `channels` elements; `chunk` samples a
 * group. Parameters: RAW the type of raw, uchar, int or float; VW as in vector.cl. */
#include "vector.cl"
#ifndef RAW
#define RAW uchar
#endif
#define RAW_LOAD(p) VEC_JOIN(convert_float, VW)(VEC_JOIN(vload, VW)(0, (p)))
#define SCALE 1
#define SHIFT 2

__kernel void ingest_plain(__global float *x, long x_at, __global const RAW *raw, long raw_at,
                           __global const float *scale, long scale_at, __global const float *shift,
                           long shift_at, long runs, long group, long channels, int flags)
{
    const long i = get_global_id(0);
    if (i >= runs * group)
        return;
    const long c = i / group % channels; /* "channel" is a keyword to Intel's compiler */
    float value = (float)raw[raw_at + i];
    if (flags & SCALE)
        value *= scale[scale_at + c];
    if (flags & SHIFT)
        value += shift[shift_at + c];
    x[x_at + i] = value;
}

__kernel void ingest_channel(__global float *x, long x_at, __global const RAW *raw, long raw_at,
                             __global const float *scale, long scale_at,
                             __global const float *shift, long shift_at, long runs, long group,
                             long channels, int flags, long chunk UNITS)
{
    const long first = (long)get_group_id(0) * chunk, last = min(first + chunk, runs);
    for (long run = first; run < last; run++) {
        __global float *to = x + x_at + run * group;
        __global const RAW *from = raw + raw_at + run * group;
        const float a = flags & SCALE ? scale[scale_at + run % channels] : 1.0f;
        const float b = flags & SHIFT ? shift[shift_at + run % channels] : 0.0f;
        const long whole = group / VW * VW;
        for (long i = (long)get_local_id(0) * VW; i < whole; i += (long)get_local_size(0) * VW)
            VSTORE(RAW_LOAD(from + i) * a + b, to + i);
        for (long i = whole + (long)get_local_id(0); i < group; i += (long)get_local_size(0))
            to[i] = (float)from[i] * a + b;
    }
}

__kernel void ingest_column(__global float *x, long x_at, __global const RAW *raw, long raw_at,
                            __global const float *scale, long scale_at, __global const float *shift,
                            long shift_at, long runs, long group, long channels, int flags,
                            long chunk UNITS)
{
    const long first = (long)get_group_id(0) * chunk;
    const long last = min(first + chunk, runs * group / channels);
    const long whole = channels / VW * VW;
    scale += scale_at;
    shift += shift_at;
    for (long sample = first; sample < last; sample++) {
        __global float *to = x + x_at + sample * channels;
        __global const RAW *from = raw + raw_at + sample * channels;
        for (long i = (long)get_local_id(0) * VW; i < whole; i += (long)get_local_size(0) * VW) {
            const VEC a = flags & SCALE ? VLOAD(scale + i) : (VEC)1.0f;
            const VEC b = flags & SHIFT ? VLOAD(shift + i) : (VEC)0.0f;
            VSTORE(RAW_LOAD(from + i) * a + b, to + i);
        }
        for (long i = whole + (long)get_local_id(0); i < channels; i += (long)get_local_size(0))
            to[i] = (float)from[i] * (flags & SCALE ? scale[i] : 1.0f) +
                    (flags & SHIFT ? shift[i] : 0.0f);
    }
}
