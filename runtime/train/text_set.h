/* text_set.h: a text as a data set: windows of tokens, labelled with the token that follows each.
 *
 * The set holds the tokens once; a sample is a window of `context` of them.  In training window
 * number i of an epoch begins wherever (seed, epoch, i) says, in evaluation windows lie one behind
 * the other.  An epoch has as many windows as lie side by side.
 */
#ifndef MOT_TRAIN_TEXT_SET_H
#define MOT_TRAIN_TEXT_SET_H

#include "runtime/train/data.h"
#include "runtime/train/vocabulary.h"

/** A set of n tokens below `vocabulary->n`, taken over (also on failure): as u8 where 256 numbers are
 *  enough, else i32.  Errors: MOT_ERR_ARGUMENT when they are too few for one window and a token. */
mot_status mot_text_set_of(const char *name, const mot_vocabulary *vocabulary, int32_t *token,
                           int64_t n, int64_t context, mot_dataset **out);

/** Make a set's raw data a run of n tokens in windows of `context`.
 *  Errors: MOT_ERR_ARGUMENT when they are too few for one window and a token. */
mot_status mot_text_set_lay(mot_dataset *set, int64_t n_tokens, int64_t context);

/** Divide *train: the last part of its tokens becomes a set of its own.  `held` as in
 *  data.validation, in tokens.  Errors: MOT_ERR_ARGUMENT when a part is too short for a window. */
mot_status mot_text_set_divide(mot_dataset *train, double held, mot_dataset **validation);

/** Put into the configuration what the text decided, so that whoever has the written one can read
 *  tokens, other texts get the same ones, and it trains the same: the characters that were found as
 *  data.vocabulary, and the part that was held out of a text as data.validation. */
mot_status mot_text_set_resolve(const mot_data *data, mot_config *config);

#endif
