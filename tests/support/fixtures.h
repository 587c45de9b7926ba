/* Inputs, images and test cases that several suites of the core use. */
#ifndef SSCAM_TESTS_SUPPORT_FIXTURES_H
#define SSCAM_TESTS_SUPPORT_FIXTURES_H

#include <stdlib.h>

#include "support/arrays.h"
#include "support/assertions.h"
#include "support/check_main.h"
#include "support/fake_backend.h"
#include "support/pixels.h"

/* A map that does not exist: a pointer that a failing call has to set to NULL. */
static sscam_map *const STALE = (sscam_map *)&fake_counted;

/* The next of a row of pseudo-random numbers. */
static inline uint32_t next_random(uint32_t *state)
{
    return *state = *state * 1664525u + 1013904223u;
}

/* Pseudo-random values from `lowest` to `lowest` + `range`. */
static inline void fill_random(float *values, int64_t count, uint32_t seed, double lowest,
                               double range)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)((double)(next_random(&seed) >> 8) / (double)(1 << 24) * range + lowest);
}

static inline sscam_image *make_image(int32_t width, int32_t height, int32_t channels)
{
    const int32_t size = width * height * channels;
    uint8_t *pixels = malloc((size_t)size);
    sscam_image *image = NULL;
    ck_assert_ptr_nonnull(pixels);
    for (int32_t i = 0; i < size; i++)
        pixels[i] = (uint8_t)(i * 37 % 251);
    ASSERT_OK(create_packed(width, height, channels, pixels, &image));
    free(pixels);
    return image;
}

/* Images reach the network as they are. */
static inline void skip_resizing(sscam_explainer *explainer)
{
    set_options(explainer, "resize=off crop=off");
}

static inline void assert_all_networks_freed(void)
{
    ck_assert_int_eq(atomic_load(&fake_counted.networks), 0);
}

#endif
