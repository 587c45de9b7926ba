/* FEM: the Feature Explanation Method (Fuad et al. 2020). */
#include <math.h>

#include "methods/methods.h"

/* Adds mu to the positions where a channel exceeds mu + 2 sigma, its mean and its standard
 * deviation over the positions. */
static void add_strong_positions(const float *map, int64_t positions, float *out)
{
    double mean = 0.0, square = 0.0;
    for (int64_t p = 0; p < positions; p++)
        mean += map[p] / (double)positions;
    for (int64_t p = 0; p < positions; p++)
        square += (map[p] - mean) * (map[p] - mean) / (double)positions;
    const double threshold = mean + 2.0 * sqrt(square);
    for (int64_t p = 0; p < positions; p++)
        if (map[p] > threshold)
            out[p] += (float)mean;
}

/* sum_k mu_k [A_k(p) > mu_k + 2 sigma_k]: Fuad et al. 2020, the k-sigma rule with k = 2. */
sscam_status sscam_weigh_fem(sscam_map_job *job)
{
    const sscam_capture *capture = job->capture;
    const int64_t positions = sscam_position_count(capture->sides);
    sscam_status status = sscam_begin_raw_map(job, capture->sides);
    for (int64_t k = 0; k < capture->channels && status == SSCAM_OK; k++)
        add_strong_positions(capture->activations + k * positions, positions, job->raw_map);
    return status;
}
