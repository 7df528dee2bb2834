/* digits.h: small pictures in the terminal, each with what the network says about it. */
#ifndef MOT_TOOLS_DIGITS_H
#define MOT_TOOLS_DIGITS_H

#include "runtime/motley.h"
#include "tools/terminal.h"

/** Can samples of this trainer be drawn: (H,W), (1,H,W) or (3,H,W), and classes to name? */
bool mot_digits_possible(const mot_trainer *trainer);

/** Draw `n` samples of a part, by index, with label, prediction and probability; as many side by
 *  side as the terminal takes.  Every rank calls this; `silent` ranks only compute. */
mot_status mot_digits_draw(const mot_terminal *terminal, mot_trainer *trainer, mot_part part,
                           const int64_t *index, int n, bool silent);

/** Draw the first samples of a part, and some that the network gets wrong if there are any among
 *  the first thousand: one row of each. */
mot_status mot_digits_show(const mot_terminal *terminal, mot_trainer *trainer, mot_part part,
                           bool silent);

#endif
