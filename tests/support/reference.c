#include "support/reference.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

void reference_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t a = counter[0], b = counter[1], c = counter[2], d = counter[3], k0 = key[0],
             k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t of_a = UINT64_C(0xD2511F53) * a, of_c = UINT64_C(0xCD9E8D57) * c;
        uint32_t next_a = (uint32_t)(of_c >> 32) ^ b ^ k0, next_c = (uint32_t)(of_a >> 32) ^ d ^ k1;
        b = (uint32_t)(of_c & 0xFFFFFFFFu);
        d = (uint32_t)(of_a & 0xFFFFFFFFu);
        a = next_a;
        c = next_c;
        k0 += UINT32_C(0x9E3779B9);
        k1 += UINT32_C(0xBB67AE85);
    }
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

void reference_box_muller(const uint32_t word[4], double normal[4])
{
    for (int pair = 0; pair < 2; pair++) {
        double u = (word[2 * pair] + 0.5) / 4294967296.0,
               turn = (word[2 * pair + 1] + 0.5) / 4294967296.0;
        double length = sqrt(-2.0 * log(u));
        normal[2 * pair] = length * cos(2.0 * PI * turn);
        normal[2 * pair + 1] = length * sin(2.0 * PI * turn);
    }
}

double reference_noise(int64_t seed, uint32_t k, uint32_t i, uint32_t v, int64_t q)
{
    const uint32_t counter[4] = {(uint32_t)(q / 4), k, i, v};
    const uint32_t key[2] = {(uint32_t)((uint64_t)seed & 0xFFFFFFFFu),
                             (uint32_t)((uint64_t)seed >> 32)};
    uint32_t word[4];
    double normal[4];
    reference_philox(counter, key, word);
    reference_box_muller(word, normal);
    return normal[q % 4];
}

/* Where output position `at` lies among `count` source positions. */
static double source_of(int64_t at, int64_t count, int64_t output_count, int align_corners)
{
    double source;
    if (align_corners)
        source = output_count > 1 ? (double)at * (double)(count - 1) / (double)(output_count - 1)
                                  : 0.0;
    else
        source = ((double)at + 0.5) * (double)count / (double)output_count - 0.5;
    return fmin(fmax(source, 0.0), (double)(count - 1));
}

void reference_upsample(const double *map, int64_t map_height, int64_t map_width, int64_t height,
                        int64_t width, int align_corners, double *out)
{
    for (int64_t y = 0; y < height; y++) {
        for (int64_t x = 0; x < width; x++) {
            double v = source_of(y, map_height, height, align_corners);
            double u = source_of(x, map_width, width, align_corners);
            int64_t top = (int64_t)floor(v), left = (int64_t)floor(u);
            int64_t bottom = top + 1 < map_height ? top + 1 : top;
            int64_t right = left + 1 < map_width ? left + 1 : left;
            double down = v - (double)top, across = u - (double)left;
            out[y * width + x] = (1.0 - down) * (1.0 - across) * map[top * map_width + left] +
                                 (1.0 - down) * across * map[top * map_width + right] +
                                 down * (1.0 - across) * map[bottom * map_width + left] +
                                 down * across * map[bottom * map_width + right];
        }
    }
}

/* Weighs the eight neighbours one by one. */
void reference_upsample_volume(const double *map, const int64_t map_sides[3],
                               const int64_t sides[3], int align_corners, double *out)
{
    for (int64_t p = 0; p < sides[0] * sides[1] * sides[2]; p++) {
        const int64_t at[3] = {p / sides[2] / sides[1], p / sides[2] % sides[1], p % sides[2]};
        out[p] = 0.0;
        for (int corner = 0; corner < 8; corner++) {
            double weight = 1.0;
            int64_t index = 0;
            for (int side = 0; side < 3; side++) {
                double source = source_of(at[side], map_sides[side], sides[side], align_corners);
                double share = source - floor(source);
                int64_t next = corner >> side & 1, position = (int64_t)floor(source) + next;
                weight *= next ? share : 1.0 - share;
                index = index * map_sides[side] +
                        (position < map_sides[side] ? position : map_sides[side] - 1);
            }
            out[p] += weight * map[index];
        }
    }
}

void reference_range(const double *values, int64_t count, double *lowest, double *highest)
{
    *lowest = INFINITY;
    *highest = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        *lowest = fmin(*lowest, values[i]);
        *highest = fmax(*highest, values[i]);
    }
}
