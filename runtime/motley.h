/* motley.h: the public interface of libmotley.
 *
 * motley trains one neural network on all the OpenCL devices of one or many machines.  The way
 * through this header is: read a configuration, open a trainer on it, run it, look at the report.
 *
 *     mot_config *config;
 *     mot_trainer *trainer;
 *     if (mot_config_read("mnist_mlp.yaml", &config) != MOT_OK || ...)
 *         fprintf(stderr, "%s\n", mot_error_message());
 *     mot_trainer_open(config, &(mot_run_options){.devices = "auto"}, &trainer);
 *     mot_trainer_run(trainer);
 *     const mot_report *report = mot_trainer_report(trainer);
 *
 * Every function that can fail returns a mot_status, writes its outputs only on success, and leaves
 * one message for mot_error_message().  Nothing here prints, exits or aborts.  One trainer is used
 * from one thread at a time; mot_trainer_stop may be called from anywhere, a signal handler too.
 */
#ifndef MOTLEY_H
#define MOTLEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MOT_API __attribute__((visibility("default")))
#else
#define MOT_API
#endif

/* ---- errors ---- */

typedef enum {
    MOT_OK = 0,
    MOT_ERR_ARGUMENT,    /* the caller or the configuration asks for something wrong */
    MOT_ERR_SHAPE,       /* shapes do not fit together */
    MOT_ERR_MEMORY,      /* host or device memory is short */
    MOT_ERR_FILE,        /* a file cannot be opened, read or written */
    MOT_ERR_FORMAT,      /* a file's contents are not what they should be */
    MOT_ERR_DEVICE,      /* OpenCL: no device, or a device fails */
    MOT_ERR_BUILD,       /* a kernel does not build; the message holds the compiler's log */
    MOT_ERR_NUMERIC,     /* NaN or infinite loss, or a kernel gave wrong numbers */
    MOT_ERR_COMM,        /* another rank failed or cannot be reached */
    MOT_ERR_UNSUPPORTED, /* this build, file version or device cannot do it */
    MOT_ERR_INTERRUPTED, /* mot_trainer_stop was called; a checkpoint was written if asked for */
} mot_status;

/** The message of this thread's latest failure; never NULL.  Valid until the next failure. */
MOT_API const char *mot_error_message(void);
/** A few words for a status, e.g. "file error". */
MOT_API const char *mot_status_name(mot_status status);
/** The version of the library, e.g. "0.1.0". */
MOT_API const char *mot_version(void);

/* ---- log ---- */

typedef enum { MOT_LOG_WARNING = 1, MOT_LOG_INFO, MOT_LOG_DEBUG } mot_log_level;
typedef void mot_log_sink(mot_log_level level, const char *line, void *user);

/** Send log lines up to `level` to `sink` (NULL: nowhere, the default).  `line` has no newline.
 *  Calls are serialised, from any thread. */
MOT_API void mot_log_set(mot_log_sink *sink, mot_log_level level, void *user);

/* ---- devices ---- */

typedef enum { MOT_KIND_CPU, MOT_KIND_GPU, MOT_KIND_ACCELERATOR, MOT_KIND_CUSTOM } mot_device_kind;

/** What a device was measured to do; all 0 where it was not measured. */
typedef struct mot_device_speed {
    double matmul_flops_per_s;    /* float32 matrix product, large */
    double memory_bytes_per_s;    /* copy kernel, bytes read plus bytes written */
    double to_device_bytes_per_s; /* host to device */
    double from_device_bytes_per_s;
    double launch_latency_s; /* enqueue to finish of an empty kernel */
} mot_device_speed;

/** One OpenCL device as found.  Plain data. */
typedef struct mot_device_info {
    char id[48]; /* stable short name: "pocl:0", "nvidia:1", "pocl:0/2.1" (part 1 of 2) */
    char name[128], vendor[128], platform[128], driver[128];
    char opencl_version[64];
    mot_device_kind kind;
    int compute_units;
    int64_t memory_bytes, max_alloc_bytes, local_bytes;
    bool unified_memory;  /* shares the host's memory */
    bool compiler;        /* an OpenCL compiler is there */
    bool fp64, fp16;      /* built here and gave the right numbers; checked by probing */
    bool command_buffers; /* launches from them do the same in less time; checked by probing */
    bool joins;           /* a step as one launch does the same in less time; checked by probing */
    bool works;           /* a kernel built here and gave the right numbers; checked by probing */
    char trouble[256];    /* why it does not work, else "" */
    int twin_of;          /* index of the first device in the list on the same silicon, or -1 */
    mot_device_speed speed;
} mot_device_info;

/** Find every device of every platform, sorted by platform and position; broken and empty platforms
 *  are skipped with a log line.  With `probe` devices are measured (or the remembered measurements
 *  used; `probe` 2 measures anew).  The caller frees *out with free().
 *  Errors: MOT_ERR_DEVICE when there is no OpenCL platform at all; the message says what to do. */
MOT_API mot_status mot_devices_list(int probe, mot_device_info **out, int *n_devices);

/* ---- configuration ---- */

/** A configuration: the three blocks data, model, train.  Owned by the caller. */
typedef struct mot_config mot_config;

/** Read a YAML file.  Errors: MOT_ERR_FILE; MOT_ERR_FORMAT and MOT_ERR_ARGUMENT with file, line and
 *  what was expected; an unknown key names the nearest known one. */
MOT_API mot_status mot_config_read(const char *path, mot_config **out);
/** The same from text; `name` stands for the file in messages. */
MOT_API mot_status mot_config_parse(const char *text, const char *name, mot_config **out);
/** Set one key by its path, "train.epochs=3" or "train.optimizer.name=adam"; the value is YAML. */
MOT_API mot_status mot_config_set(mot_config *config, const char *assignment);
/** The resolved configuration, every default filled in, as YAML that reads back.  Freed by the
 *  caller with free(). */
MOT_API mot_status mot_config_print(const mot_config *config, char **out);
MOT_API void mot_config_free(mot_config *config);

/* ---- training ---- */

/** What happened, for progress bars and logs; see mot_event. */
typedef enum {
    MOT_EVENT_PLAN,       /* the shares were set or changed; `text` explains them in a few lines */
    MOT_EVENT_STEP,       /* a step was handed out; loss is that of the last step read back */
    MOT_EVENT_EPOCH,      /* an epoch ended, its loss and the validation are known */
    MOT_EVENT_CHECKPOINT, /* a checkpoint is on disk; `text` is its path */
    MOT_EVENT_NOTE,       /* something that a person should read once, in `text` */
} mot_event_kind;

typedef struct mot_event {
    mot_event_kind kind;
    int64_t step, n_steps;   /* steps done, and in all */
    int64_t epoch, n_epochs; /* epochs done (fractions dropped), and in all */
    double loss;             /* mean over samples since the epoch's start; NaN: not known yet */
    double validation_loss, validation_accuracy; /* NaN without a validation part */
    double samples_per_second;
    const char *text; /* borrowed until the callback returns; may be NULL */
} mot_event;

typedef void mot_event_handler(const mot_event *event, void *user);

typedef struct mot_run_options {
    const char *devices;  /* e.g. "auto", "all", "gpu,!rusticl:*"; NULL: $MOTLEY_DEVICES or auto */
    const char *data_dir; /* where the data set's files are; NULL: $MOTLEY_DATA/<set> */
    const char *out_dir;  /* metrics, config, model and checkpoints; NULL: nothing is written */
    const char *init; /* .safetensors file with the initial weights; NULL: by the configuration */
    const char *kernels; /* archive of offline-built kernels; NULL: the device's compiler */
    bool resume;         /* go on from the checkpoint in out_dir */
    bool profile;        /* for mot_trainer_profile; slows small steps */
    int64_t max_steps;   /* stop after this many steps in all; 0: as the configuration says */
    /* Called for each event, on rank 0 only, from the thread that opens and runs the trainer; may be
     * NULL. */
    mot_event_handler *on_event;
    void *event_user; /* handed to on_event */
} mot_run_options;

/** One device's part in a run. */
typedef struct mot_device_report {
    mot_device_info info;
    int rank;
    int64_t share;         /* samples of a full global batch, at the end */
    int64_t samples;       /* samples trained in all */
    double busy_s, idle_s; /* computing, and waiting for others */
    double launches_per_step;
    double peak_flops_per_s, peak_bytes_per_s; /* see mot_trainer_measure_peaks; 0: not measured */
    char reason[256]; /* why it was left out or got little, with the numbers; else "" */
} mot_device_report;

/** Result of a run.  Arrays are owned by the trainer and valid until it is closed. */
typedef struct mot_report {
    int64_t steps, epochs, samples;
    double samples_per_second, step_s; /* step_s: typical, without compilation and warm-up */
    /* NaN where there is none; accuracy is 0..1, for regression it is R2 */
    double train_loss, validation_loss, validation_accuracy, test_loss, test_accuracy;
    double test_mean_abs_error;        /* numbers, in the target's own unit */
    double test_perplexity, test_bits; /* texts; of a token, */
    const char *token;                 /* "character" or "byte"; NULL: not a text */
    bool regression;
    uint64_t seed;
    int n_ranks;
    double loss_scale;                 /* at the end, with train.storage fp16; else NaN */
    int64_t skipped_steps;             /* the same: steps that overflowed and changed no parameter */
    double step_flops;                 /* floating-point operations of a step of the full batch */
    uint64_t params_hash;              /* XXH64 of all parameters, equal on all replicas */
    double equal_share_gain_predicted; /* speed over equal shares, 1.0 = none; NaN for one device */
    double equal_share_gain_measured;
    const double *epoch_loss; /* [n_epoch_losses] mean training loss of each epoch */
    int n_epoch_losses;
    const mot_device_report *devices; /* [n_devices] over all ranks, in order of rank */
    int n_devices;
} mot_report;

typedef struct mot_trainer mot_trainer;

/** Open data, devices and (under mpiexec) the ranks, build the model and plan the shares.
 *  `config` and `options` are copied.  Every rank calls this and the other trainer functions alike.
 *  Errors: any; when one rank fails all return an error. */
MOT_API mot_status mot_trainer_open(const mot_config *config, const mot_run_options *options,
                                    mot_trainer **out);
/** Train to the end of the configuration (or max_steps), then evaluate on the test part and write
 *  what out_dir asks for.  Errors: MOT_ERR_NUMERIC when the loss is not finite (the step is named),
 *  MOT_ERR_INTERRUPTED after mot_trainer_stop, others as they come. */
MOT_API mot_status mot_trainer_run(mot_trainer *trainer);
/** Ask a running trainer to finish its step, write a checkpoint and return.  Async-signal-safe. */
MOT_API void mot_trainer_stop(mot_trainer *trainer);

typedef enum { MOT_PART_TRAIN, MOT_PART_VALIDATION, MOT_PART_TEST } mot_part;

/** How well a network does on a part of the data; NaN what does not apply.  Arrays are owned by the
 *  trainer and valid until its next full evaluation. */
typedef struct mot_evaluation {
    int64_t n_rows; /* samples, of texts positions; without those whose label does not count */
    double loss;
    double accuracy, top5_accuracy; /* classes: 0..1; top 5 where there are more */
    double r2, mean_abs_error;      /* numbers; the error in the target's own unit */
    double perplexity, bits;        /* texts; bits of a token, a character or a byte */
    int64_t n_classes;              /* 0: numbers */
    const char *const *class_name;  /* [n_classes]; NULL: a class is called by its number */
    const int64_t *labelled, *predicted, *correct; /* [n_classes] rows of a class, rows given to it,
                                                      and rows for which both hold */
    const int64_t *confusion; /* [n_classes * n_classes] rows by class, then by the one that they
                                 were given to; NULL for more than 256 classes */
} mot_evaluation;

/** Mean loss and accuracy (or R2) on a part of the data, by all devices. */
MOT_API mot_status mot_trainer_evaluate(mot_trainer *trainer, mot_part part, double *loss,
                                        double *accuracy);
/** All that is known of it, which for classes means reading back the network's outputs. */
MOT_API mot_status mot_trainer_evaluate_fully(mot_trainer *trainer, mot_part part,
                                              const mot_evaluation **out);
/** The network's outputs for samples [first, first+n) of a part: `outputs` is (n, n_outputs) with
 *  class probabilities (classification) or predictions (regression). */
MOT_API mot_status mot_trainer_predict(mot_trainer *trainer, mot_part part, int64_t first,
                                       int64_t n, float *outputs);
/** Sizes that predict needs: samples in a part, outputs of the network. */
MOT_API int64_t mot_trainer_n_samples(const mot_trainer *trainer, mot_part part);
MOT_API int64_t mot_trainer_n_outputs(const mot_trainer *trainer);
/** One sample as the network sees it before normalization: `pixels` takes the input's elements
 *  (mot_trainer_n_inputs of them), `label` its class (of a window of tokens: the token behind it), or `target` its value for
 *  regression (NULL: not wanted). */
MOT_API mot_status mot_trainer_sample(mot_trainer *trainer, mot_part part, int64_t index,
                                      float *pixels, int64_t *label, float *target);
MOT_API int64_t mot_trainer_n_inputs(const mot_trainer *trainer);
/** Shape of one input sample, up to 4 dimensions in `dims`; returns how many. */
MOT_API int mot_trainer_input_shape(const mot_trainer *trainer, int64_t dims[4]);

/** Valid until the trainer is closed; complete after mot_trainer_run. */
MOT_API const mot_report *mot_trainer_report(const mot_trainer *trainer);
/** Measure what the devices that take part can do at most, each alone, about half a second each:
 *  independent multiply-adds, and a copy kernel.  For the report's peaks; every rank calls it, after
 *  mot_trainer_run.  A device that cannot be measured keeps 0. */
MOT_API mot_status mot_trainer_measure_peaks(mot_trainer *trainer);

/** One operator on one device: what a step has of it, as a mean over the steps. */
typedef struct mot_profile_row {
    int device;                     /* in the report */
    const char *op, *layer, *phase; /* "linear_dweight", "fc1", "backward" */
    double time_s, launches;
    double flops, bytes; /* operations, and bytes that must move at least */
} mot_profile_row;

/** Where the time of a step goes.  Warm-up is left out. */
typedef struct mot_profile {
    int64_t n_steps;
    double step_s;              /* mean */
    double exchange_s;          /* summing gradients over devices and ranks, as rank 0 saw it, */
    double exposed_s;           /* and the part of it that backward did not hide */
    const mot_profile_row *row; /* [n_rows] by device, in the order in which they run */
    int n_rows;
} mot_profile;

/** After mot_trainer_run with `profile`; every rank calls it.  Measures the peaks as well.  *out is
 *  valid until the trainer is closed.  Errors: MOT_ERR_ARGUMENT without `profile`, or when only
 *  warm-up was run. */
MOT_API mot_status mot_trainer_profile(mot_trainer *trainer, const mot_profile **out);

/** Write all parameters, or their moving average if train.ema asks for one, as a .safetensors file, whole
 *  or not at all. */
MOT_API mot_status mot_trainer_save(mot_trainer *trainer, const char *path);
MOT_API void mot_trainer_close(mot_trainer *trainer);
/** Rank of this process and number of ranks: 0 and 1 without mpiexec. */
MOT_API int mot_trainer_rank(const mot_trainer *trainer);

/* ---- text from a network that was trained on text ---- */

typedef struct mot_generate_options {
    const char *devices; /* as in mot_run_options; the fastest of them generates */
    double temperature;  /* 1: as likely as the network says; 0: always the likeliest token */
    int64_t top_k;       /* only so many of the likeliest tokens; 0: all */
    uint64_t seed;
} mot_generate_options;

typedef struct mot_generator mot_generator;

/** Open what a training wrote to `folder`: config.yaml, which has the vocabulary, and
 *  model.safetensors.  Errors: MOT_ERR_ARGUMENT when it was not trained on text; those of the files;
 *  MOT_ERR_UNSUPPORTED for a network whose tokens see what follows them. */
MOT_API mot_status mot_generator_open(const char *folder, const mot_generate_options *options,
                                      mot_generator **out);
/** Append to the text that is gone on with.  A text without a beginning begins with a new line.
 *  Errors: MOT_ERR_ARGUMENT for a character that is not in the vocabulary, MOT_ERR_FORMAT for what is
 *  not UTF-8. */
MOT_API mot_status mot_generator_prompt(mot_generator *generator, const char *text);
/** Draw the next token by seed and place in the text; `text`, valid until the next call, is a
 *  character or a byte, and a NUL.  Errors: MOT_ERR_NUMERIC for weights that give no numbers. */
MOT_API mot_status mot_generator_next(mot_generator *generator, int32_t *token, const char **text);
/** The id of the device. */
MOT_API const char *mot_generator_device(const mot_generator *generator);
MOT_API void mot_generator_close(mot_generator *generator);

#ifdef __cplusplus
}
#endif
#endif
