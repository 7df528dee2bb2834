/* schedule.h: the learning rate as a function of the step.  Pure: numbers in, numbers out. */
#ifndef MOT_TRAIN_SCHEDULE_H
#define MOT_TRAIN_SCHEDULE_H

#include "runtime/model/config.h"

typedef enum {
    MOT_SCHEDULE_CONSTANT,
    MOT_SCHEDULE_STEP,
    MOT_SCHEDULE_COSINE,
    MOT_SCHEDULE_LINEAR,
    MOT_SCHEDULE_ONE_CYCLE,
} mot_schedule_kind;

/** `warmup`, `every` and `length` are in steps, or in epochs if `by_epoch`. */
typedef struct mot_schedule {
    mot_schedule_kind kind;
    bool by_epoch;
    int64_t warmup; /* -1 (one-cycle): 0.3 of the length */
    int64_t every, length;
    double lr, start, final, gamma; /* start -1: by the warm-up */
} mot_schedule;

/** Read train.schedule for an optimizer with learning rate `lr`; length 0: not set.
 *  Errors: MOT_ERR_ARGUMENT for a warm-up as long as the schedule. */
mot_status mot_schedule_read(const mot_config *config, double lr, mot_schedule *out);

/** Learning rate at step (or epoch) t, from 0; `length` is set.  The warm-up is PyTorch's LinearLR from
 *  start to lr; StepLR, CosineAnnealingLR or LinearLR follow, their first step at its end (SequentialLR),
 *  or it is OneCycleLR with two phases and no cycle of the momentum. */
double mot_schedule_lr(const mot_schedule *schedule, int64_t t);

#endif
