#include "config.h"

#include "runtime/base/shape.h"

#include <inttypes.h>
#include <stdio.h>

const char *mot_dtype_name(mot_dtype dtype)
{
    static const char *const names[] = {[MOT_F32] = "f32",
                                        [MOT_I32] = "i32",
                                        [MOT_U8] = "u8",
                                        [MOT_BF16] = "bf16",
                                        [MOT_F16] = "f16"};
    return names[dtype];
}

char *mot_shape_print(const mot_shape *shape, char *text)
{
    int n = snprintf(text, MOT_SHAPE_TEXT, "(");
    for (int i = 0; i < shape->n_dims; i++) {
        const char *comma = i ? "," : "";
        if (shape->dim[i] == MOT_BATCH)
            n += snprintf(text + n, (size_t)(MOT_SHAPE_TEXT - n), "%sB", comma);
        else
            n += snprintf(text + n, (size_t)(MOT_SHAPE_TEXT - n), "%s%" PRId64, comma,
                          shape->dim[i]);
    }
    snprintf(text + n, (size_t)(MOT_SHAPE_TEXT - n), ")");
    return text;
}
