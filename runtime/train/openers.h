/* openers.h: each kind of data set opened as the data block says; data.c chooses which. */
#ifndef MOT_TRAIN_OPENERS_H
#define MOT_TRAIN_OPENERS_H

#include "runtime/train/data.h"
#include "runtime/train/sets.h"

/** data.seed. */
uint64_t mot_data_seed(const mot_config *config);

/** data.ignore_label; false: there is none. */
bool mot_data_ignored(const mot_config *config, int32_t *label);

/** Fill the train and test parts and the note with a set of pictures.  Errors: of its reader. */
mot_status mot_pictures_open(const mot_set *set, const mot_config *config, const char *data_dir,
                             mot_data *data);
/** Scale and shift as data.normalize says; `range` is the raw value of a full pixel. */
mot_status mot_pictures_normalize(const mot_config *config, double range, mot_data *data);
/** What data.augment asks for, when the scale and shift are known.  Errors: MOT_ERR_SHAPE for samples
 *  that are not pictures of bytes. */
mot_status mot_pictures_augment(const mot_config *config, mot_data *data);

/** Fill all parts, the lists of rows too, and the vocabulary with a text. */
mot_status mot_text_set_open(const mot_set *set, const mot_config *config, const char *data_dir,
                             mot_data *data);
/** Fill everything from a packed file, where data.validation, data.limit and data.normalize may say
 *  more. */
mot_status mot_packed_open(const mot_set *set, const mot_config *config, const char *data_dir,
                           mot_data *data);

#endif
