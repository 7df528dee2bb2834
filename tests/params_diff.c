/* params_diff: how far two sets of parameters are apart, for the shell tests.
 *
 *   params_diff A.safetensors B.safetensors [LIMIT]
 *
 * Prints |A - B| / |A| over all tensors together (Euclidean norms, in double).  Exit 1 when names
 * or shapes differ, when anything is not finite, or when the distance is greater than LIMIT.
 */
#include "config.h"

#include "runtime/train/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int complain(const char *what, const char *name)
{
    fprintf(stderr, "params_diff: %s %s\n", what, name);
    return 1;
}

/* Add the squares of one pair of tensors; false when they cannot be compared. */
static bool add_squares(const mot_named_tensor *a, const mot_named_tensor *b, double *difference,
                        double *size)
{
    if (!mot_shape_equal(&a->shape, &b->shape) || a->dtype != MOT_F32 || b->dtype != MOT_F32)
        return false;
    const float *x = a->data, *y = b->data;
    int64_t n = mot_shape_elements(&a->shape, 0);
    for (int64_t i = 0; i < n; i++) {
        double d = (double)x[i] - (double)y[i];
        *difference += d * d;
        *size += (double)x[i] * (double)x[i];
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: params_diff A.safetensors B.safetensors [LIMIT]\n");
        return 2;
    }
    mot_tensor_file a = {0}, b = {0};
    if (mot_safetensors_read(argv[1], &a) != MOT_OK || mot_safetensors_read(argv[2], &b) != MOT_OK)
        return complain("cannot read:", mot_error_message());
    if (a.n_tensors != b.n_tensors)
        return complain("not the same number of tensors:", argv[2]);
    double difference = 0, size = 0;
    for (int i = 0; i < a.n_tensors; i++) {
        const mot_named_tensor *other = mot_tensor_file_find(&b, a.tensor[i].name);
        if (!other)
            return complain("missing:", a.tensor[i].name);
        if (!add_squares(&a.tensor[i], other, &difference, &size))
            return complain("not the same shape and type:", a.tensor[i].name);
    }
    double distance = difference == 0 ? 0 : sqrt(difference / size);
    printf("%.3g\n", distance);
    mot_tensor_file_free(&a);
    mot_tensor_file_free(&b);
    if (!isfinite(distance) || !isfinite(size))
        return 1;
    return argc > 3 && distance > strtod(argv[3], NULL);
}
