/* trial.h: for tune.c and trial.c only: what a trial computes with, and how its numbers are checked.
 *
 * Operands are random.  Before a choice is checked, the outputs are filled with NaN, guard words before
 * and behind them too.  What a product is expected to give is worked out here with sums in double;
 * rows of it that there is no time for are looked through for NaN only.  Of other operators what the
 * plain kernel gives is expected, or, where that would take too long, what the rule's choice gives.
 */
#ifndef MOT_DEVICES_TRIAL_H
#define MOT_DEVICES_TRIAL_H

#include "devices/matmul.h"
#include "devices/tune.h"

enum { MOT_TRIAL_INPUTS = MOT_MAX_INPUTS, MOT_TRIAL_PARTS = MOT_MAX_INPUTS + MOT_MAX_OUTPUTS };

/** An operand: inputs first, outputs from MOT_TRIAL_INPUTS on. */
typedef struct mot_trial_part {
    mot_dtype dtype;
    int64_t elements; /* 0: absent; without the guards of an output */
    mot_buffer *buffer;
    float *host; /* outputs: to read into, with guards; inputs: what is in them */
    float *want; /* outputs: what the yardstick gave, where that is what is expected */
} mot_trial_part;

typedef struct mot_trial_data {
    mot_device *device;
    mot_problem problem;
    mot_trial_check check;
    mot_matmul product; /* operands.product */
    mot_operands operands;
    mot_buffer *scalars;
    mot_trial_part part[MOT_TRIAL_PARTS];
    int64_t n_rows;   /* of the expected product, evenly spread over batch * m */
    double *expected; /* [n_rows][n]; NULL: `want` is expected */
} mot_trial_data;

/** Make operands, and what is expected as far as it is worked out here; mot_trial_data_free also after
 *  a failure. */
mot_status mot_trial_data_make(mot_trial_data *data);
void mot_trial_data_free(mot_trial_data *data);
/** Is what the plain kernel gives to be taken, by mot_trial_data_want, for what is expected? */
bool mot_trial_data_wants_plain(const mot_trial_data *data);

/** NaN, or, where a product adds to it, zeros, into the outputs. */
mot_status mot_trial_data_clear(mot_trial_data *data);
/** Read the outputs. */
mot_status mot_trial_data_read(mot_trial_data *data);
/** What was read is expected from now on. */
void mot_trial_data_want(mot_trial_data *data);
/** Is what was read as expected?  Errors: MOT_ERR_NUMERIC. */
mot_status mot_trial_data_compare(const mot_trial_data *data);

#endif
