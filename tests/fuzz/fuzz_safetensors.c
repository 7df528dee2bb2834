/* fuzz_safetensors: the input is a whole file; one that is accepted must be readable to its last
 * byte. */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "runtime/train/safetensors.h"

#include <stdlib.h>
#include <string.h>

static unsigned touch(const mot_named_tensor *tensor)
{
    const unsigned char *data = tensor->data;
    int64_t n = mot_shape_elements(&tensor->shape, 1);
    unsigned sum = 0;
    if (n < 0 || (uintptr_t)data % 64 != 0)
        abort();
    for (size_t i = 0; i < (size_t)n * mot_dtype_bytes(tensor->dtype); i++)
        sum += data[i];
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    mot_tensor_file file;
    unsigned sum = 0;
    if (mot_safetensors_parse("file", bytes, size, &file) != MOT_OK) {
        if (!*mot_error_message())
            abort();
        return 0;
    }
    for (int i = 0; i < file.n_tensors; i++) {
        sum += touch(&file.tensor[i]);
        if (mot_tensor_file_find(&file, file.tensor[i].name) != &file.tensor[i])
            abort();
    }
    for (int i = 0; i < file.n_meta; i++)
        if (!mot_tensor_file_meta(&file, file.meta_key[i]))
            abort();
    mot_tensor_file_free(&file);
    return sum == 0xFFFFFFFFu;
}
