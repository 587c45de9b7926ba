#include "explain/augmentation.h"

static const float factors[] = {1.0f, 0.9f, 1.1f};
enum { FACTORS = sizeof factors / sizeof factors[0] };

int32_t sscam_augmentation_mirrors(int64_t augmentation)
{
    return augmentation >= FACTORS;
}

void sscam_augment(const float *input, const sscam_shape *shape, int64_t augmentation, float *out)
{
    const float factor = factors[augmentation % FACTORS];
    const int64_t width = shape->sides.width;
    for (int64_t row = 0; row < sscam_input_size(shape) / width; row++)
        for (int64_t x = 0; x < width; x++) {
            int64_t from = sscam_augmentation_mirrors(augmentation) ? width - 1 - x : x;
            out[row * width + x] = factor * input[row * width + from];
        }
}
