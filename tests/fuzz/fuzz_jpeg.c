/* JPEG files. */
#include "picture.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode_picture("\xff\xd8\xff", 3, data, size);
    return 0;
}
