/* trainer.h: what the files of the trainer share.
 *
 * trainer.c    open and close: ranks, devices, data, model
 * machine.c    the devices in use on all ranks, as numbers
 * room.c       before anything runs: does it fit in the devices' memory?
 * fit.c        before training: what does each device carry?
 * shares.c     shares and plans, and their adaptation while training
 * loop.c       the training loop
 * evaluate.c   how well the network does on a part of the data
 * predict.c    batches into the executor, single samples, and what the network says about them
 * parameters.c parameters and optimizer states by name: initialization, files
 * checkpoint.c a run's state on disk
 * metrics.c    metrics.jsonl
 * report.c     what happened on which device
 * profile.c    where the time of a step goes, and what the devices could do
 *
 * Every rank runs the same code in the same order; what one rank knows alone (a failure, a signal, a
 * file) reaches the others through mot_comm before anyone acts on it.
 */
#ifndef MOT_TRAIN_TRAINER_H
#define MOT_TRAIN_TRAINER_H

#include "runtime/exec/exec.h"
#include "runtime/model/optimizer.h"
#include "runtime/train/class_counts.h"
#include "runtime/train/data.h"
#include "runtime/train/schedule.h"

#include <signal.h>
#include <stdio.h>

/* The train block and what of the data block the loop needs, read once. */
typedef struct mot_settings {
    int64_t batch; /* of a step */
    int64_t
        part; /* samples that are handed out at once: the batch, or less where it comes in parts */
    int64_t epochs, log_every, checkpoint_every, check_replicas, bucket_bytes;
    int64_t max_steps, config_steps; /* with --steps, and by the configuration alone */
    uint64_t seed;
    bool shuffle, adapt, leave_out, tune;
    mot_optimizer optimizer;
    mot_schedule schedule;
    mot_precision precision; /* of products */
    const char *shares; /* "auto", "equal", or a list of weights; borrowed from the configuration */
    double *share_weight; /* [n_share_weights] when it is a list */
    int n_share_weights;
    double *memory_mib; /* [n_memory] of a device, at most; one number is for each */
    int n_memory;
} mot_settings;

/* Where a run is: everything that a checkpoint must bring back beside parameters and states. */
typedef struct mot_progress {
    int64_t step, epoch, batch;       /* steps done; epochs done; batches done of this epoch */
    double epoch_loss, epoch_samples; /* sums since the epoch's start */
    int64_t samples;
} mot_progress;

enum { MOT_MAX_PLANS = 4, MOT_MAX_LOCAL_DEVICES = 64 };

struct mot_trainer {
    mot_config *config;
    char *data_dir, *out_dir, *init, *kernels, *selection; /* copies of the options; may be NULL */
    bool resume;
    mot_settings set;
    mot_comm *comm;
    mot_data *data;
    mot_graph *graph;
    mot_kernel_archive *archive;

    mot_device **device; /* [n_devices] of this rank, those in use */
    int n_devices, first_device;
    mot_exec *exec;
    bool *active;
    mot_machine machine;           /* devices in use, of all ranks */
    mot_plan *plan[MOT_MAX_PLANS]; /* by batch size: the full batch, the last one, ... */
    int n_plans;
    const mot_plan *current; /* the executor's */
    int64_t *share;          /* [machine.n_devices] of the full batch */
    int64_t *share_scratch;  /* [machine.n_devices] */
    int64_t adapt_at;        /* step at which times are looked at next */

    mot_progress now;
    double *epoch_loss; /* [now.epoch] */
    size_t epoch_loss_capacity;
    int64_t *order; /* permutation of the present epoch */
    int64_t order_epoch;
    FILE *metrics;
    int out_lock; /* of out_dir, on rank 0; -1: none */

    bool profile;
    struct mot_profiled *profiled; /* of profile.c; NULL without `profile` */

    double *interval_s; /* [n_intervals] times between steps */
    size_t n_intervals, interval_capacity;
    double train_s,
        last_step_at_s;   /* in steps; when the last one was done, 0: before a first one */
    double samples_timed; /* in train_s */
    double epoch_began_s, epoch_began_samples; /* train_s and samples_timed then */
    int64_t n_steps_run, n_steps_timed;        /* handed out, and counted in train_s */

    mot_event_handler *handler;
    void *handler_user;
    volatile sig_atomic_t stop;
    mot_status failed;    /* what happened to this rank alone; all stop for it at a step boundary */
    char *failed_message; /* owned */

    mot_device_report *left_out; /* [n_left_out] devices of all ranks that cannot hold the model */
    int n_left_out;
    mot_evaluation evaluation;      /* the last full one, */
    mot_class_counts *class_counts; /* and what it points to; NULL */
    mot_report report;
    mot_device_report *device_report; /* [report.n_devices], left-out ones too */
    int *report_of;                   /* [machine.n_devices] -> index in device_report */
    double *busy_s, *idle_s;          /* [n_devices] of this rank, in all */
    double *recent_s;                 /* [n_devices] computing since shares were last looked at, */
    int64_t *recent_steps;            /* in so many steps */
};

/* ---- trainer.c ---- */
/** All ranks learn whether any failed. */
mot_status mot_trainer_agree(mot_trainer *trainer, mot_status mine);
/** Send an event to the handler (rank 0 only). */
void mot_trainer_emit(mot_trainer *trainer, mot_event_kind kind, const char *text);
void mot_trainer_note(mot_trainer *trainer, const char *format, ...) MOT_PRINTF(2, 3);

/* ---- machine.c ---- */
/** (Re)open the executor on t->device and gather what all ranks have. */
mot_status mot_trainer_open_exec(mot_trainer *trainer);
/** Gather one number for each local device into `all`, one for each device of the machine. */
mot_status mot_trainer_gather(mot_trainer *trainer, const double *mine, double *all);

/* ---- room.c ---- */
/** See that the devices' memory holds a batch, and close the devices that do not hold one sample, where
 *  the others hold all.  Errors: MOT_ERR_MEMORY says what each device lacks, and what would fit. */
mot_status mot_trainer_make_room(mot_trainer *trainer);

/* ---- fit.c ---- */
/** Open the executor on the devices, measure, set the shares, and leave out what does not help.
 *  Parameters and states are garbage afterwards. */
mot_status mot_trainer_fit(mot_trainer *trainer);

/* ---- shares.c ---- */
/** New shares of the full batch.  Devices with samples are active; a rank without any follows with its
 *  first device, so that every rank has current parameters. */
mot_status mot_trainer_set_shares(mot_trainer *trainer, const int64_t *share);
/** Tell the program which device gets how many samples. */
mot_status mot_trainer_explain_shares(mot_trainer *trainer);
/** The plan for a batch of n samples with the present shares, kept. */
mot_status mot_trainer_plan(mot_trainer *trainer, int64_t n, const mot_plan **out);
void mot_trainer_drop_plans(mot_trainer *trainer);
/** Make the executor use the plan for n samples. */
mot_status mot_trainer_use_plan(mot_trainer *trainer, int64_t n);
/** Look at the measured times if it is time to, and move shares if that pays. */
mot_status mot_trainer_adapt(mot_trainer *trainer);
/** Take over busy and idle times from the executor into the trainer's totals. */
void mot_trainer_take_times(mot_trainer *trainer);

/* ---- loop.c ---- */
int64_t mot_trainer_batches(const mot_trainer *trainer);
int64_t mot_trainer_total_steps(const mot_trainer *trainer);
/** Learning rate of a step (from 0): a function of the configuration, the data and the step alone. */
double mot_trainer_lr(const mot_trainer *trainer, int64_t step);

/* ---- evaluate.c ---- */
/** What the loss's sums tell, with no more work than the forward passes. */
mot_status mot_trainer_evaluate_sums(mot_trainer *trainer, mot_part part, mot_evaluation *out);

/* ---- predict.c ---- */
/** A part of the data as rows of a set. */
typedef struct mot_part_rows {
    const mot_dataset *dataset;
    const int64_t *index; /* NULL: row i is i */
    int64_t n;
} mot_part_rows;
mot_part_rows mot_trainer_rows(const mot_trainer *trainer, mot_part part);
/** Does the loss compare each output with a target, rather than those of all classes with a label? */
bool mot_trainer_is_pointwise(const mot_trainer *trainer);
/** Outputs of the network for a sample; with bce two classes have one. */
int64_t mot_trainer_n_own_outputs(const mot_trainer *trainer);
/** Copy rows of a part into the executor's next slot, for all local devices by the current plan.
 *  order[first..] are positions in `index` (NULL: the identity), `index` rows of `dataset`.
 *  `draw` (NULL: as they are stored) says how samples are drawn. */
mot_status mot_trainer_load(mot_trainer *trainer, const mot_dataset *dataset, const int64_t *index,
                            const int64_t *order, int64_t first, const mot_draw *draw);

/* ---- parameters.c ---- */
/** Draw the initial parameters on rank 0 (or read them from --init), give them to all ranks and
 *  replicas; states are zero, but for the average of the parameters. */
mot_status mot_parameters_init(mot_trainer *trainer);
/** Read all parameters and buffers by name from a .safetensors file into their places in `flat`
 *  (mot_parameters_floats).  Errors: of the reader; MOT_ERR_SHAPE names a tensor that is missing or
 *  does not fit. */
mot_status mot_parameters_load(const mot_graph *graph, const char *path, float *flat);
/** Send rank 0's flat parameters, states and buffers (in `flat`, one behind the other) to all. */
mot_status mot_parameters_distribute(mot_trainer *trainer, float *flat);
/** The same of a current replica; the caller frees *out. */
mot_status mot_parameters_read(mot_trainer *trainer, float **out);
/** Floats of parameters, states and buffers together. */
int64_t mot_parameters_floats(const mot_graph *graph);
/** What is kept of a run, tensor by tensor: parameters, then each state's, then buffers. */
typedef struct mot_kept {
    int state;                /* as for mot_exec_read_flat */
    const mot_tensor *tensor; /* the parameter or buffer: name, shape, initialization */
    int64_t at;               /* in `flat` */
} mot_kept;
int mot_n_kept(const mot_graph *graph);
mot_kept mot_kept_tensor(const mot_graph *graph, int i);
/** Name and place of parameter i in the flat layout. */
const mot_tensor *mot_parameter(const mot_trainer *trainer, int i);

/* ---- checkpoint.c ---- */
mot_status mot_checkpoint_write(mot_trainer *trainer);
/** Fail where out_dir has no checkpoint. */
mot_status mot_checkpoint_find(const mot_trainer *trainer);
/** Read out_dir's checkpoint on rank 0 and give it to all. */
mot_status mot_checkpoint_resume(mot_trainer *trainer);
/** Rank 0 removes out_dir's checkpoint, if there is one. */
mot_status mot_checkpoint_remove(mot_trainer *trainer);

/* ---- metrics.c ---- */
/** Open metrics.jsonl (rank 0): anew, or cut back to the steps of the checkpoint. */
mot_status mot_metrics_open(mot_trainer *trainer);
mot_status mot_metrics_step(mot_trainer *trainer, const mot_step_result *result);
mot_status mot_metrics_epoch(mot_trainer *trainer, double loss, double validation_loss,
                             double validation_accuracy, double samples_per_second);
mot_status mot_metrics_end(mot_trainer *trainer);

/* ---- profile.c ---- */
/** Warm-up is over: what is run from now on counts.  Does nothing without `profile`, or again. */
mot_status mot_profile_begin(mot_trainer *trainer);
void mot_profile_free(mot_trainer *trainer);

/* ---- report.c ---- */
/** One entry for each device of all ranks, before any is left out. */
mot_status mot_report_open(mot_trainer *trainer);
/** Count busy and idle times from now on. */
void mot_report_forget_times(mot_trainer *trainer);
/** Bring its loss scale and number of skipped steps up to date, where there are any; all ranks. */
mot_status mot_report_loss_scale(mot_trainer *trainer);
/** Bring the report up to date; all ranks. */
mot_status mot_report_update(mot_trainer *trainer);

#endif
