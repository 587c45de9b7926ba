/* TIFF files. */
#include "image_target.h"
#include "target.h"

#if defined SSCAM_FUZZER && !defined SSCAM_HAVE_TIFF
#error "the library would refuse every file"
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode_image("II", 2, data, size);
    decode_image("MM", 2, data, size);
    return 0;
}
