/* command.h: what a subcommand is, and how its command line is read.
 *
 * A subcommand is one row: its name, what it takes, what it does, a function.  Its options are rows
 * too, each with the place in mot_arguments where the value goes, so that reading a command line,
 * its help and the shell's completion all come from the same table.
 */
#ifndef MOT_TOOLS_COMMAND_H
#define MOT_TOOLS_COMMAND_H

#include "runtime/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Exit statuses of the command. */
enum { MOT_EXIT_OK, MOT_EXIT_FAILED, MOT_EXIT_USAGE, MOT_EXIT_INTERRUPTED = 130 };

/** Values of an option that may be given several times; the texts are those of argv. */
typedef struct mot_texts {
    const char **item;
    int n;
} mot_texts;

/** A command line after reading; texts borrow from argv. */
typedef struct mot_arguments {
    const char *devices, *data, *out, *init, *kernels, *csv, *part, *variant, *file, *prompt,
        *precision;
    mot_texts set;
    int64_t epochs, steps, seed, n, top_k, time_ms; /* -1: not given */
    int verbose;
    double temperature;
    bool resume, json, quiet, draw, probe, ids, variants, profile, anew, dot, help;
    char **operand;
    int n_operands;
} mot_arguments;

typedef enum {
    MOT_OPTION_FLAG,  /* bool */
    MOT_OPTION_COUNT, /* int, one more each time */
    MOT_OPTION_INT,   /* int64_t, at least `least` */
    MOT_OPTION_FLOAT, /* double, at least `least` */
    MOT_OPTION_TEXT,  /* const char * */
    MOT_OPTION_TEXTS, /* mot_texts */
} mot_option_kind;

typedef struct mot_option {
    const char *name; /* long name, without the dashes; NULL behind the last row */
    char letter;      /* short name, or 0 */
    mot_option_kind kind;
    const char *argument; /* how the value is called in help; NULL for flags */
    const char *help;
    size_t place; /* offset in mot_arguments */
    int64_t least;
} mot_option;

#define MOT_PLACE(member) offsetof(mot_arguments, member)

/* Rows that several commands share. */
#define MOT_OPTION_DEVICES                                                                         \
    {                                                                                              \
        "devices", 'd', MOT_OPTION_TEXT, "LIST",                                                   \
            "which devices: ids, kinds, * and !, as in 'gpu,pocl:0' or 'all,!rusticl:*'"           \
            " (default: $MOTLEY_DEVICES, or auto)",                                                \
            MOT_PLACE(devices), 0                                                                  \
    }
#define MOT_OPTION_DATA                                                                            \
    {                                                                                              \
        "data", 0, MOT_OPTION_TEXT, "DIR",                                                         \
            "the folder with the data set (default: $MOTLEY_DATA/SET)", MOT_PLACE(data), 0         \
    }
#define MOT_OPTION_SET                                                                             \
    {                                                                                              \
        "set", 0, MOT_OPTION_TEXTS, "KEY=VALUE",                                                   \
            "change a key of the configuration, as in train.optimizer.lr=0.1; may be repeated",    \
            MOT_PLACE(set), 0                                                                      \
    }
#define MOT_OPTION_KERNELS                                                                         \
    {                                                                                              \
        "kernels", 0, MOT_OPTION_TEXT, "ARCHIVE",                                                  \
            "take kernels from this archive and never call a compiler", MOT_PLACE(kernels), 0      \
    }
#define MOT_OPTION_INIT                                                                            \
    {                                                                                              \
        "init", 0, MOT_OPTION_TEXT, "FILE", "the weights to begin with, a .safetensors file",      \
            MOT_PLACE(init), 0                                                                     \
    }
#define MOT_OPTION_SEED                                                                            \
    {                                                                                              \
        "seed", 0, MOT_OPTION_INT, "N", "the seed of all random numbers", MOT_PLACE(seed), 0       \
    }
#define MOT_OPTION_PART                                                                            \
    {                                                                                              \
        "part", 0, MOT_OPTION_TEXT, "PART", "train, validation or test (default: test)",           \
            MOT_PLACE(part), 0                                                                     \
    }
#define MOT_OPTION_JSON(what)                                                                      \
    {                                                                                              \
        "json", 0, MOT_OPTION_FLAG, NULL, what, MOT_PLACE(json), 0                                 \
    }
#define MOT_OPTION_VERBOSE                                                                         \
    {                                                                                              \
        "verbose", 'v', MOT_OPTION_COUNT, NULL, "print the log; twice for more of it",             \
            MOT_PLACE(verbose), 0                                                                  \
    }
#define MOT_OPTION_HELP                                                                            \
    {                                                                                              \
        "help", 'h', MOT_OPTION_FLAG, NULL, "print this", MOT_PLACE(help), 0                       \
    }
#define MOT_OPTION_END                                                                             \
    {                                                                                              \
        NULL, 0, MOT_OPTION_FLAG, NULL, NULL, 0, 0                                                 \
    }

typedef struct mot_command mot_command;
struct mot_command {
    const char *name;     /* "train", "kernels export" */
    const char *operands; /* as in help, "CONFIG"; "" for none */
    int n_least, n_most;  /* how many operands */
    const char *summary;  /* one line */
    const char *details;  /* further lines for its help; may be NULL */
    const mot_option *options;
    int (*run)(const mot_command *command, const mot_arguments *arguments);
    bool collective; /* ranks run it together: what fails on one must reach the others */
};

extern const mot_command mot_command_devices, mot_command_train, mot_command_eval,
    mot_command_predict, mot_command_generate, mot_command_model, mot_command_tune, mot_command_bench_gemm,
    mot_command_bench_conv, mot_command_bench_attention, mot_command_bench_ops,
    mot_command_bench_step, mot_command_data_show, mot_command_data_pack,
    mot_command_kernels_export, mot_command_kernels_build, mot_command_kernels_pack,
    mot_command_version, mot_command_help;

/** All commands, in the order of the help; ends with NULL. */
extern const mot_command *const mot_commands_all[];

/** The command whose name is `words` (one or two words), or NULL. */
const mot_command *mot_command_find(const char *first, const char *second);

/** Read the command line behind the command's name and run it.  Returns the exit status; what is
 *  wrong in the command line is printed. */
int mot_command_run(const mot_command *command, int argc, char **argv);

/** Print the help of one command to standard output. */
void mot_command_print_help(const mot_command *command);

/** Print "motley: ..." on standard error: how the command was used wrongly, and where its help is.
 *  Ranks of a collective command tell each other and rank 0 prints.  Returns MOT_EXIT_USAGE; with
 *  several ranks MOT_EXIT_FAILED, which the others return. */
int mot_command_misused(const mot_command *command, const char *format, ...) MOT_PRINTF(2, 3);

/** Print the library's message of the latest failure in the same form.  `agreed`: all ranks know it
 *  already.  Returns MOT_EXIT_FAILED. */
int mot_command_failed(const mot_command *command, bool agreed);

/** Rank of this process as the launcher (mpiexec, srun) says in the environment; 0 without one. */
int mot_command_rank(void);

#endif
