/* cifar.h: the binary version of CIFAR-10 and CIFAR-100.
 *
 * A file is records without a header: one label byte (CIFAR-100: the coarse class, then the fine
 * one), then 1,024 red, 1,024 green and 1,024 blue bytes, each plane 32x32, row by row.
 * Source: A. Krizhevsky, "The CIFAR-10 dataset", section Binary version.
 */
#ifndef MOT_TRAIN_CIFAR_H
#define MOT_TRAIN_CIFAR_H

#include "runtime/train/data.h"

enum { MOT_CIFAR_SIDE = 32, MOT_CIFAR_PIXELS = 3 * 32 * 32, MOT_CIFAR_MOST_FILES = 5 };

/** Read the records of n files, one behind the other, as (3,32,32) u8; `n_labels` of a record: 1 for
 *  CIFAR-10, 2 for CIFAR-100, whose fine class is taken.  Errors: MOT_ERR_FILE, MOT_ERR_FORMAT. */
mot_status mot_cifar_read(const char *const *path, int n, int n_labels, mot_dataset **out);

/** Append the records of a file called `name` to a set that was made by mot_cifar_new; pure but for
 *  that.  Errors: MOT_ERR_FORMAT, and the set is as it was. */
mot_status mot_cifar_append(const char *name, const void *bytes, size_t size_bytes, int n_labels,
                            mot_dataset *set);
/** A set without samples. */
mot_status mot_cifar_new(const char *name, int n_labels, mot_dataset **out);

#endif
