/* optimizer.h: what the optimizers' primitives share: the operands grad, sums, ranges of an update
 * over flat arrays; see kernels_cl/update.cl. */
#ifndef MOT_DEVICES_OPTIMIZER_H
#define MOT_DEVICES_OPTIMIZER_H

#include "devices/variant.h"

/** Three inputs, up to `max_out` outputs as long as the gradient, which is a multiple of 16. */
mot_status mot_check_update(const mot_operands *o, int min_out, int max_out);
/** Rows of the table of ranges. */
int64_t mot_update_ranges(const mot_operands *o);
/** Begin a launch of a kernel on update.cl, built with clipping where it is asked for. */
void mot_record_begin_update(const mot_recording *r, mot_launch *launch, const char *source,
                             const char *kernel);
/** Set the arguments UPDATE_INPUTS. */
void mot_launch_update(mot_launch *launch, const mot_operands *o);
/** Set beta1, 1 - beta1, beta2, 1 - beta2. */
void mot_launch_betas(mot_launch *launch, const mot_operands *o);
/** How blocks of one work-item's work each are handed out: `chunk` of them a group. */
mot_range mot_range_blocks(const mot_traits *traits, int64_t n_blocks);

#endif
