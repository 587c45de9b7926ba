/* JPEG files. */
#include "image_target.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode_image("\xff\xd8\xff", 3, data, size);
    return 0;
}
