/* sequence.h: a network of sequences forward, position by position, on one device.
 *
 * Every tensor keeps the rows of all positions, so that what comes later finds the keys, values and
 * states of what came before where a whole window would have put them: a further position costs one
 * position.  A network with a layer that mixes positions in another way is gone through as a whole.
 */
#ifndef MOT_EXEC_SEQUENCE_H
#define MOT_EXEC_SEQUENCE_H

#include "devices/device.h"
#include "runtime/graph/graph.h"

typedef struct mot_sequence mot_sequence;

/** Room for one sequence through `graph`, sealed, of tokens (B,T) to outputs (B,T,N), with the given
 *  parameters in the flat layout, which are copied.  Borrows graph and device.
 *  Errors: MOT_ERR_MEMORY; MOT_ERR_UNSUPPORTED for other shapes. */
mot_status mot_sequence_open(const mot_graph *graph, mot_device *device, const float *flat,
                             mot_sequence **out);
void mot_sequence_close(mot_sequence *sequence);

/** Go over positions [first, last) of the sequence token[0..last), those before `first` being as they
 *  were in the runs before; the N outputs at position last - 1 go to `output`. */
mot_status mot_sequence_run(mot_sequence *sequence, const int32_t *token, int64_t first,
                            int64_t last, float *output);

#endif
