/* json.h: results as JSON, one object or array on one line; what is not a number becomes null. */
#ifndef MOT_TOOLS_JSON_H
#define MOT_TOOLS_JSON_H

#include "runtime/train/summary.h"

/** Print the object that `motley train --json` ends with; `profile` may be NULL. */
mot_status mot_json_print_report(const mot_report *report, const mot_profile *profile);

/** One measurement of `motley bench gemm`, `conv`, `attention` (arithmetic) or `ops`. */
typedef struct mot_bench_row {
    char device[48], what[24], variant[64];
    bool arithmetic;
    char form[3];           /* "NT"; products only */
    char shape[64];         /* of a convolution or attention, as it was asked for; else empty */
    int64_t batch, m, n, k; /* others: m rows of n */
    double time_s;
    double rate, peak; /* in 1e9 operations, or bytes, a second */
    double fraction;
} mot_bench_row;

/** Print the array of `motley bench gemm --json`, `conv`, `attention` and `ops`. */
mot_status mot_json_print_bench(const mot_bench_row *rows, int n_rows);

/** What `motley bench step` makes of a report with peaks. */
typedef struct mot_bench_steps {
    double step_s, samples_per_s, launches, flops_per_s, fraction; /* NaN: a peak is not known */
} mot_bench_steps;

/** Print the array, of one object, of `motley bench step --json`. */
mot_status mot_json_print_steps(const mot_report *report, const mot_bench_steps *steps);

/** Print the array of `motley devices --json`. */
mot_status mot_json_print_devices(const mot_device_info *devices, int n_devices);

/** Print the object of `motley data show --json`. */
mot_status mot_json_print_data(const mot_data *data, const mot_summary *summary);

/** What `motley generate --json` prints. */
typedef struct mot_generated {
    const char *device, *prompt;
    const char *text; /* [length] what followed */
    size_t length;
    const int32_t *token; /* [n] the same as tokens */
    int64_t n;
    uint64_t seed;
    double tokens_per_s;
} mot_generated;

/** Print the object; text that is not UTF-8 (of a network on bytes) becomes null. */
mot_status mot_json_print_generated(const mot_generated *generated);

/** Print the object of `motley eval --json`; `token`: see mot_report. */
mot_status mot_json_print_evaluation(const char *part, int64_t samples, const char *token,
                                     const mot_evaluation *evaluation);

#endif
