/* BMP files. */
#include "image_target.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode_image("BM", 2, data, size);
    return 0;
}
