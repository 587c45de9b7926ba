/* WebP files. */
#include "image_target.h"
#include "target.h"

#if defined SSCAM_FUZZER && !defined SSCAM_HAVE_WEBP
#error "the library would refuse every file"
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode_image("RIFF", 4, data, size);
    return 0;
}
