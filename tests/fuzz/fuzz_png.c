/* PNG files. */
#include "picture.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode_picture("\x89PNG\r\n\x1a\n", 8, data, size);
    return 0;
}
