/* Decoding of images, for the targets that each stand for one format. */
#ifndef SSCAM_TESTS_FUZZ_IMAGE_TARGET_H
#define SSCAM_TESTS_FUZZ_IMAGE_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* Decodes data unless it begins otherwise than `start` says, which would be another target's. */
void decode_image(const char *start, size_t start_size, const uint8_t *data, size_t size);

#endif
