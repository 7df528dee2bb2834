/* fuzz_image: the first byte of the input says whether grey or colours are wanted, the rest is a PNG
 * or JPEG file.  What is accepted has all its pixels and can be resized. */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "runtime/train/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t out[3 * 5 * 7];
    mot_image image;
    if (size < 1)
        return 0;
    int channels = bytes[0] % 2 ? 1 : 3;
    if (mot_image_decode("image", bytes + 1, size - 1, channels, &image) != MOT_OK) {
        if (!*mot_error_message())
            abort();
        return 0;
    }
    if (image.channels != channels || image.height < 1 || image.width < 1)
        abort();
    /* a small file may stand for very many pixels, all alike */
    if (image.height * image.width < 1 << 16 && mot_image_resize(&image, 5, 7, out) != MOT_OK)
        abort();
    free(image.pixel);
    return 0;
}
