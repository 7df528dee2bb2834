#include "config.h"

#include "runtime/train/data.h"

#include <stdlib.h>

void mot_dataset_free(mot_dataset *dataset)
{
    if (!dataset)
        return;
    for (size_t i = 0; i < sizeof dataset->owned / sizeof dataset->owned[0]; i++)
        free(dataset->owned[i]);
    for (int64_t i = 0; dataset->class_name && i < dataset->n_classes; i++)
        free(dataset->class_name[i]);
    free(dataset->class_name);
    free(dataset->name);
    free(dataset);
}

size_t mot_dataset_sample_bytes(const mot_dataset *dataset)
{
    return (size_t)mot_shape_elements(&dataset->sample, 1) * mot_dtype_bytes(dataset->dtype);
}
