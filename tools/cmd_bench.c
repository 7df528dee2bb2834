/* cmd_bench.c: how fast is this machine, and how much of what it could do is reached? */
#include "config.h"

#include "tools/bench.h"
#include "tools/session.h"

#define OPTION_VARIANT                                                                             \
    {                                                                                              \
        "variant", 0, MOT_OPTION_TEXT, "NAME",                                                     \
            "use this variant, not the one that training would use", MOT_PLACE(variant), 0         \
    }
#define OPTION_VARIANTS                                                                            \
    {                                                                                              \
        "variants", 0, MOT_OPTION_FLAG, NULL, "measure every variant", MOT_PLACE(variants), 0      \
    }
#define OPTION_JSON MOT_OPTION_JSON("end with one JSON array; all else goes to standard error")

#define OPTION_PRECISION                                                                           \
    {                                                                                              \
        "precision", 0, MOT_OPTION_TEXT, "NAME",                                                   \
            "what products may round their operands to: float32 (default), tf32, bf16",            \
            MOT_PLACE(precision), 0                                                                \
    }

enum { MANY = 256 };

static int run(const mot_command *command, const mot_arguments *arguments, size_t copy_bytes,
               mot_status (*check)(const mot_arguments *arguments),
               mot_status (*one)(mot_bench *bench))
{
    mot_bench bench = {.command = command, .arguments = arguments};
    const char *precision = arguments->precision;
    mot_session_log(arguments);
    if (precision && !mot_precision_parse(precision, &bench.precision))
        return mot_command_misused(command, "'%s' is no precision; there are float32, tf32, bf16",
                                   precision);
    if (check(arguments) != MOT_OK)
        return mot_command_misused(command, "%s", mot_error_message());
    return mot_bench_run(&bench, copy_bytes, one);
}

static int run_gemm(const mot_command *command, const mot_arguments *arguments)
{
    return run(command, arguments, 0, mot_bench_gemm_check, mot_bench_gemm);
}

static int run_conv(const mot_command *command, const mot_arguments *arguments)
{
    return run(command, arguments, 0, mot_bench_conv_check, mot_bench_conv);
}

static int run_attention(const mot_command *command, const mot_arguments *arguments)
{
    return run(command, arguments, 0, mot_bench_attention_check, mot_bench_attention);
}

static int run_ops(const mot_command *command, const mot_arguments *arguments)
{
    return run(command, arguments, mot_bench_ops_bytes(arguments), mot_bench_ops_check,
               mot_bench_ops);
}

#define OPTION_TIME                                                                                \
    {                                                                                              \
        "time", 0, MOT_OPTION_INT, "MS",                                                           \
            "measure each row for about MS milliseconds (default: 400)", MOT_PLACE(time_ms), 1     \
    }

static const mot_option gemm_options[] = {
    MOT_OPTION_DEVICES, OPTION_VARIANT,     OPTION_VARIANTS, OPTION_PRECISION, OPTION_TIME,
    OPTION_JSON,        MOT_OPTION_VERBOSE, MOT_OPTION_HELP, MOT_OPTION_END,
};

static const mot_option shape_options[] = {
    MOT_OPTION_DEVICES, OPTION_VARIANT,     OPTION_VARIANTS, OPTION_TIME,
    OPTION_JSON,        MOT_OPTION_VERBOSE, MOT_OPTION_HELP, MOT_OPTION_END,
};

static const mot_option ops_options[] = {
    MOT_OPTION_DEVICES,
    {"size", 0, MOT_OPTION_INT, "MB", "size of the largest tensor in MiB (default: 64)",
     MOT_PLACE(n), 1},
    OPTION_VARIANT,
    OPTION_VARIANTS,
    OPTION_TIME,
    OPTION_JSON,
    MOT_OPTION_VERBOSE,
    MOT_OPTION_HELP,
    MOT_OPTION_END,
};

static const mot_option step_options[] = {
    MOT_OPTION_DEVICES,
    MOT_OPTION_DATA,
    MOT_OPTION_SET,
    {"steps", 0, MOT_OPTION_INT, "N",
     "take N steps, at least 20 (default: as many as fit in three seconds)", MOT_PLACE(steps), 20},
    MOT_OPTION_KERNELS,
    OPTION_JSON,
    MOT_OPTION_VERBOSE,
    MOT_OPTION_HELP,
    MOT_OPTION_END,
};

const mot_command mot_command_bench_gemm = {
    "bench gemm",
    "[SHAPE]...",
    0,
    MANY,
    "measure matrix products",
    "SHAPE is MxNxK, C (M,N) = op(A) (M,K) op(B) (K,N), with :NN (default), :NT, :TN or :TT\n"
    "behind it for what is transposed, and 'batch*' in front: 1024x1024x1024:NT 48*64x64x32.\n"
    "Times are medians; the fraction is of what independent multiply-adds in float32 reach,\n"
    "with --precision too: tensor cores may give more than 1.",
    gemm_options,
    run_gemm,
    false,
};

const mot_command mot_command_bench_conv = {
    "bench conv",
    "[SHAPE]...",
    0,
    MANY,
    "measure convolutions",
    "SHAPE is BxCxHxW:OxKHxKW, images and weights, with /STRIDE and gGROUPS behind it where\n"
    "wanted: 64x32x28x28:64x3x3/2.  Images are padded by half the kernel.  Measures forward\n"
    "and the gradients by images and by weights.  Times are medians; the fraction is of what\n"
    "independent multiply-adds reach.",
    shape_options,
    run_conv,
    false,
};

const mot_command mot_command_bench_attention = {
    "bench attention",
    "[SHAPE]...",
    0,
    MANY,
    "measure attention, forward and backward",
    "SHAPE is BxHxTxD, samples, heads, positions and numbers a head, causal unless :full is\n"
    "behind it: 12x4x64x32:full.  Times are medians; the fraction is of what independent\n"
    "multiply-adds reach.",
    shape_options,
    run_attention,
    false,
};

const mot_command mot_command_bench_ops = {
    "bench ops",
    "[OPERATOR]...",
    0,
    MANY,
    "measure operators that wait for memory",
    "Times are medians; the fraction is of the bandwidth that a copy kernel reaches.",
    ops_options,
    run_ops,
    false,
};

const mot_command mot_command_bench_step = {
    "bench step",
    "CONFIG",
    1,
    1,
    "measure training steps of a configuration",
    "Trains for a while as 'motley train' would, and writes nothing.  The time is the median\n"
    "of whole steps; the fraction is of what independent multiply-adds reach on the devices\n"
    "that take part, each measured alone.",
    step_options,
    mot_bench_step,
    true,
};
