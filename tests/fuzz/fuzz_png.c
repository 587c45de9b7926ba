/* PNG files. */
#include "image_target.h"
#include "target.h"

#ifdef SSCAM_FUZZER
#include "support/png_builder.h"

enum { SIGNATURE_SIZE = 8, CHUNK_OVERHEAD = 12 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Corrects the checksums of chunks: libpng would refuse nearly every mutation of one otherwise. */
static void correct_checksums(uint8_t *data, size_t size)
{
    for (size_t at = SIGNATURE_SIZE; size >= CHUNK_OVERHEAD && at <= size - CHUNK_OVERHEAD;) {
        size_t length = get_u32(data + at);
        if (length > size - at - CHUNK_OVERHEAD)
            return;
        png_put_u32(data + at + 8 + length, png_crc(data + at + 4, length + 4));
        at += length + CHUNK_OVERHEAD;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    size = LLVMFuzzerMutate(data, size, most);
    if (seed % 8) /* one of eight keeps the wrong one */
        correct_checksums(data, size);
    return size;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode_image("\x89PNG\r\n\x1a\n", 8, data, size);
    return 0;
}
