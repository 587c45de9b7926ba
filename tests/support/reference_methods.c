#include "support/reference_methods.h"

#include <math.h>
#include <stdlib.h>

#include "support/reference.h"

static double *new_values(int64_t count)
{
    double *values = calloc((size_t)count, sizeof *values);
    if (!values)
        abort();
    return values;
}

/* --- the network ------------------------------------------------------------------------------ */

static int64_t halved(int64_t side)
{
    return side > 1 ? side / 2 : 1;
}

static int64_t position_count(const reference_input *of)
{
    return halved(of->depth) * halved(of->height) * halved(of->width);
}

static int64_t pixel_count(const reference_input *of)
{
    return of->depth * of->height * of->width;
}

/* Mean of the pixels, two along each side that there is, below a position. */
static double pixel_mean(const reference_input *of, const double *pixels, int64_t position)
{
    const int64_t sides[3] = {of->depth, of->height, of->width};
    const int64_t w = halved(of->width), h = halved(of->height);
    const int64_t corner[3] = {position / w / h * 2, position / w % h * 2, position % w * 2};
    double sum = 0.0;
    int count = 0;
    for (int i = 0; i < 8; i++) {
        int64_t at = 0;
        int inside = 1;
        for (int side = 0; side < 3; side++) {
            int64_t step = i >> side & 1;
            inside = inside && (step == 0 || sides[side] > 1);
            at = at * sides[side] + corner[side] + step;
        }
        sum += inside ? pixels[at] : 0.0;
        count += inside;
    }
    return sum / (double)count;
}

void reference_features(const reference_input *of, const double *input, double *features)
{
    const int64_t positions = position_count(of), plane = pixel_count(of);
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        for (int64_t p = 0; p < positions; p++) {
            double value = fake_bias[k];
            for (int color = 0; color < FAKE_COLORS; color++)
                value += fake_mix[k][color] * pixel_mean(of, input + color * plane, p);
            features[k * positions + p] = value > 0.0 ? value : 0.0;
        }
    }
}

static double position_value(int64_t position, int64_t positions)
{
    return 2.0 * (double)(position + 1) / ((double)positions * (double)(positions + 1));
}

static double mean_of(const double *values, int64_t count)
{
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

double reference_logit(const reference_input *of, const double *features, int64_t class_index)
{
    const int64_t positions = position_count(of);
    double logit = fake_head_bias[class_index];
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        const double *map = features + k * positions;
        double pooled = mean_of(map, positions);
        if (of->head == REFERENCE_QUADRATIC)
            pooled *= pooled;
        if (of->head == REFERENCE_POSITIONAL) {
            pooled = 0.0;
            for (int64_t p = 0; p < positions; p++)
                pooled += position_value(p, positions) * map[p];
        }
        logit += fake_weight[class_index][k] * pooled;
    }
    return logit;
}

double reference_probability(const reference_input *of, const double *features)
{
    double logit = reference_logit(of, features, of->class_index), sum = 0.0;
    if (of->classes == 1)
        return 1.0 / (1.0 + exp(-logit));
    for (int64_t c = 0; c < of->classes; c++)
        sum += exp(reference_logit(of, features, c) - logit);
    return 1.0 / sum;
}

/* The features of X0 itself. */
static double *own_features(const reference_input *of)
{
    const int64_t size = FAKE_COLORS * pixel_count(of);
    double *input = new_values(size), *features = new_values(FAKE_CHANNELS * position_count(of));
    for (int64_t i = 0; i < size; i++)
        input[i] = of->input[i];
    reference_features(of, input, features);
    free(input);
    return features;
}

/* --- gradient methods ------------------------------------------------------------------------- */

void reference_gradients(const reference_input *of, double *gradients)
{
    const int64_t positions = position_count(of);
    double *features = own_features(of);
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        double mean = mean_of(features + k * positions, positions),
               weight = fake_weight[of->class_index][k];
        for (int64_t p = 0; p < positions; p++) {
            double slope = 1.0 / (double)positions;
            if (of->head == REFERENCE_QUADRATIC)
                slope = 2.0 * mean / (double)positions;
            if (of->head == REFERENCE_POSITIONAL)
                slope = position_value(p, positions);
            gradients[k * positions + p] = weight * slope;
        }
    }
    free(features);
}

void reference_grad_cam(const reference_input *of, double weights[FAKE_CHANNELS])
{
    const int64_t positions = position_count(of);
    double *gradients = new_values(FAKE_CHANNELS * positions);
    reference_gradients(of, gradients);
    for (int k = 0; k < FAKE_CHANNELS; k++)
        weights[k] = mean_of(gradients + k * positions, positions);
    free(gradients);
}

void reference_grad_cam_pp(const reference_input *of, double weights[FAKE_CHANNELS])
{
    const int64_t positions = position_count(of);
    double *gradients = new_values(FAKE_CHANNELS * positions), *features = own_features(of);
    reference_gradients(of, gradients);
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        double sum = (double)positions * mean_of(features + k * positions, positions);
        weights[k] = 0.0;
        for (int64_t p = 0; p < positions; p++) {
            double g = gradients[k * positions + p],
                   denominator = 2.0 * pow(g, 2) + sum * pow(g, 3);
            double alpha = g == 0.0 || denominator == 0.0 ? 0.0 : pow(g, 2) / denominator;
            weights[k] += alpha * fmax(g, 0.0);
        }
    }
    free(gradients);
    free(features);
}

void reference_xgrad_cam(const reference_input *of, double weights[FAKE_CHANNELS])
{
    const int64_t positions = position_count(of);
    double *gradients = new_values(FAKE_CHANNELS * positions), *features = own_features(of);
    reference_gradients(of, gradients);
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        double sum = (double)positions * mean_of(features + k * positions, positions);
        weights[k] = 0.0;
        for (int64_t p = 0; p < positions && sum != 0.0; p++)
            weights[k] += features[k * positions + p] / sum * gradients[k * positions + p];
    }
    free(gradients);
    free(features);
}

/* Adds the gradients on one noisy input, and their powers, to [3][FAKE_CHANNELS, positions]. */
static void add_noisy_gradients(const reference_input *of, double stddev, int64_t seed, int sample,
                                int64_t image, double *sums)
{
    const int64_t size = FAKE_COLORS * pixel_count(of), count = FAKE_CHANNELS * position_count(of);
    float *noisy = calloc((size_t)size, sizeof *noisy);
    double *gradients = new_values(count);
    reference_input at = *of;
    if (!noisy)
        abort();
    for (int64_t q = 0; q < size; q++)
        noisy[q] = (float)(of->input[q] +
                           stddev * reference_noise(seed, 0, (uint32_t)sample, (uint32_t)image, q));
    at.input = noisy;
    reference_gradients(&at, gradients);
    for (int64_t i = 0; i < 3 * count; i++)
        sums[i] += pow(gradients[i % count], (double)(i / count + 1));
    free(noisy);
    free(gradients);
}

void reference_smooth_grad_cam_pp(const reference_input *of, int samples, double stddev,
                                  int64_t seed, int64_t image, double weights[FAKE_CHANNELS])
{
    const int64_t positions = position_count(of), count = FAKE_CHANNELS * positions;
    double *means = new_values(3 * count), *features = own_features(of);
    for (int sample = 0; sample < samples; sample++)
        add_noisy_gradients(of, stddev, seed, sample, image, means);
    for (int64_t i = 0; i < 3 * count; i++)
        means[i] /= samples;
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        double sum = (double)positions * mean_of(features + k * positions, positions);
        weights[k] = 0.0;
        for (int64_t i = k * positions; i < (k + 1) * positions; i++) {
            double second = means[count + i],
                   denominator = 2.0 * second + sum * means[2 * count + i];
            weights[k] += denominator == 0.0 ? 0.0 : second / denominator * fmax(means[i], 0.0);
        }
    }
    free(means);
    free(features);
}

void reference_ablation_cam(const reference_input *of, int by_probability,
                            double weights[FAKE_CHANNELS])
{
    const int64_t positions = position_count(of);
    double whole = 0.0;
    for (int k = -1; k < FAKE_CHANNELS; k++) {
        double *features = own_features(of);
        for (int64_t p = 0; p < positions && k >= 0; p++)
            features[k * positions + p] = 0.0;
        double score = by_probability ? reference_probability(of, features)
                                      : reference_logit(of, features, of->class_index);
        if (k < 0)
            whole = score;
        else
            weights[k] = (whole - score) / fabs(whole);
        free(features);
    }
}

void reference_raw_map(const reference_input *of, const double weights[FAKE_CHANNELS], double *raw)
{
    const int64_t positions = position_count(of);
    double *features = own_features(of);
    for (int64_t p = 0; p < positions; p++) {
        double sum = 0.0;
        for (int k = 0; k < FAKE_CHANNELS; k++)
            sum += weights[k] * features[k * positions + p];
        raw[p] = fmax(sum, 0.0);
    }
    free(features);
}

/* --- Score-CAM and SS-CAM --------------------------------------------------------------------- */

/* One channel's way to a score. */
typedef struct channel_mask {
    int k;
    double weight;  /* w_k */
    double *values; /* the mask before noise, at the input's size */
    double stddev;
} channel_mask;

static double f(const reference_input *of, const reference_options *options, const double *input)
{
    double *features = new_values(FAKE_CHANNELS * position_count(of));
    reference_features(of, input, features);
    double score = options->by_probability ? reference_probability(of, features)
                                           : reference_logit(of, features, of->class_index);
    free(features);
    return score;
}

static double score_constant(const reference_input *of, const reference_options *options,
                             const double value[3])
{
    const int64_t plane = pixel_count(of);
    double *input = new_values(FAKE_COLORS * plane);
    for (int64_t i = 0; i < FAKE_COLORS * plane; i++)
        input[i] = value[i / plane];
    double score = f(of, options, input);
    free(input);
    return score;
}

/* Score of one sample's masked input. `factor` is Algorithm 1's S_max in the second pass, without
 * noise. */
static double score_sample(const reference_input *of, const reference_options *options,
                           const channel_mask *mask, int sample, int with_noise, double factor)
{
    const int64_t plane = pixel_count(of);
    double *input = new_values(FAKE_COLORS * plane), stddev = with_noise ? mask->stddev : 0.0;
    for (int64_t i = 0; i < FAKE_COLORS * plane; i++) {
        int64_t q = options->target == TARGET_INPUT ? i : i % plane;
        double noise = stddev * reference_noise(options->seed, (uint32_t)mask->k, (uint32_t)sample,
                                                (uint32_t)options->image, q);
        double m = factor * mask->values[i % plane];
        input[i] = options->target == TARGET_INPUT ? of->input[i] * m + noise
                                                   : of->input[i] * (m + noise);
    }
    double score = f(of, options, input);
    free(input);
    return score;
}

static double spatial_deviation(const double *map, int64_t positions)
{
    double mean = mean_of(map, positions), sum = 0.0;
    for (int64_t p = 0; p < positions; p++)
        sum += (map[p] - mean) * (map[p] - mean);
    return sqrt(sum / (double)positions);
}

/* Whether fewer than max_channels channels come before this one. */
static int is_selected(const reference_options *options, const double *features, int64_t positions,
                       int k)
{
    int before = 0;
    double own = spatial_deviation(features + k * positions, positions);
    for (int other = 0; other < FAKE_CHANNELS; other++) {
        double deviation = spatial_deviation(features + other * positions, positions);
        before += deviation > own || (deviation == own && other < k);
    }
    return options->max_channels == 0 || before < options->max_channels;
}

static double range_of(const double *values, int64_t count)
{
    double lowest, highest;
    reference_range(values, count, &lowest, &highest);
    return highest - lowest;
}

/* max - min of what noise is added to. */
static double noised_range(const reference_input *of, const reference_options *options,
                           const double *mask)
{
    const int64_t plane = pixel_count(of);
    if (options->target != TARGET_INPUT)
        return range_of(mask, plane);
    double *masked = new_values(FAKE_COLORS * plane);
    for (int64_t i = 0; i < FAKE_COLORS * plane; i++)
        masked[i] = of->input[i] * mask[i % plane];
    double range = range_of(masked, FAKE_COLORS * plane);
    free(masked);
    return range;
}

/* The mask of channel k: s(U(w A)), or U(w A) where noise goes on the activation. */
static void fill_mask(const reference_input *of, const reference_options *options,
                      const double *map, channel_mask *mask)
{
    const int64_t plane = pixel_count(of);
    double lowest, highest;
    const int64_t map_sides[3] = {halved(of->depth), halved(of->height), halved(of->width)};
    const int64_t sides[3] = {of->depth, of->height, of->width};
    reference_upsample_volume(map, map_sides, sides, options->align_corners, mask->values);
    if (options->before_upsample)
        reference_range(map, position_count(of), &lowest, &highest);
    else
        reference_range(mask->values, plane, &lowest, &highest);
    for (int64_t p = 0; p < plane; p++) {
        double normalised = (mask->values[p] - lowest) / (highest - lowest);
        if (options->target == TARGET_ACTIVATION)
            mask->values[p] *= mask->weight;
        else
            mask->values[p] = mask->weight > 0.0 ? normalised : 1.0 - normalised;
    }
    double range = noised_range(of, options, mask->values);
    mask->stddev = options->sigma;
    if (options->scale == SCALE_RANGE)
        mask->stddev = options->sigma * range;
    if (options->scale == SCALE_AUTHORS_CODE)
        mask->stddev = pow(options->sigma / range, 2);
}

static double mask_weight(const reference_input *of, const reference_options *options, int k)
{
    double mean_gradient[FAKE_CHANNELS];
    if (options->mask_weights == WEIGHTS_NONE)
        return 1.0;
    if (options->mask_weights == WEIGHTS_FC)
        return fake_weight[of->class_index][k];
    reference_grad_cam(of, mean_gradient);
    return mean_gradient[k];
}

/* C_k without the baseline. */
static double score_channel(const reference_input *of, const reference_options *options,
                            const channel_mask *mask, int64_t *passes)
{
    int samples = options->samples == 0 || options->sigma == 0.0 ? 1 : options->samples;
    if (options->fades_in)
        samples = options->samples;
    if (options->one_sample_less && samples > 1)
        samples--;
    double sum = 0.0, highest = -INFINITY;
    for (int i = 0; i < samples; i++) {
        double factor = options->fades_in ? (double)(i + 1) / samples : 1.0;
        double score = score_sample(of, options, mask, i, options->samples > 0, factor);
        sum += score;
        highest = fmax(highest, score);
    }
    double score = options->takes_maximum ? highest : sum / samples;
    *passes += samples;
    if (options->rescores) {
        score = score_sample(of, options, mask, 0, 0, score);
        (*passes)++;
    }
    return score;
}

/* Whether the duplicate channel's masked input is that of its original, which is scored already.
 * Noise would make them differ, and so would mask weights of other signs, or of other values where
 * the mask is not normalised. */
static int is_scored_already(const reference_input *of, const reference_options *options,
                             const double *features, const channel_mask *mask)
{
    double original = mask_weight(of, options, FAKE_ORIGINAL_CHANNEL);
    if (mask->k != FAKE_DUPLICATE_CHANNEL || (options->samples > 0 && options->sigma != 0.0) ||
        !is_selected(options, features, position_count(of), FAKE_ORIGINAL_CHANNEL))
        return 0;
    if (options->samples > 0 && options->target == TARGET_ACTIVATION)
        return mask->weight == original;
    return mask->weight * original > 0.0;
}

/* Scores of the channels into weights; NaN for those without a mask. */
static void score_all(const reference_input *of, const reference_options *options,
                      const double *features, reference_result *result)
{
    const double zeros[FAKE_COLORS] = {0.0, 0.0, 0.0};
    const int64_t positions = position_count(of);
    int any_flat = 0;
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        const double *map = features + k * positions;
        channel_mask mask = {.k = k, .weight = mask_weight(of, options, k)};
        result->weights[k] = NAN;
        if (!is_selected(options, features, positions, k))
            continue;
        if (range_of(map, positions) == 0.0 || mask.weight == 0.0) {
            any_flat = 1;
            if (options->scores_flat)
                result->weights[k] = score_constant(of, options, zeros);
            continue;
        }
        mask.values = new_values(pixel_count(of));
        fill_mask(of, options, map, &mask);
        int64_t passes = 0;
        result->weights[k] = score_channel(of, options, &mask, &passes);
        result->passes += is_scored_already(of, options, features, &mask) ? 0 : passes;
        free(mask.values);
    }
    result->passes += options->scores_flat && any_flat;
}

static double baseline_score(const reference_input *of, const reference_options *options,
                             const double *features, int64_t *passes)
{
    const double zeros[FAKE_COLORS] = {0.0, 0.0, 0.0};
    if (options->baseline == BASELINE_NONE)
        return 0.0;
    if (options->baseline == BASELINE_INPUT)
        return options->by_probability ? reference_probability(of, features)
                                       : reference_logit(of, features, of->class_index);
    (*passes)++;
    return score_constant(of, options, options->baseline == BASELINE_ZEROS ? zeros : of->black);
}

reference_result reference_score_weights(const reference_input *of,
                                         const reference_options *options)
{
    reference_result result = {.passes = 1};
    double *features = own_features(of), sum = 0.0;
    if (options->mask_weights == WEIGHTS_FC)
        result.passes++; /* the second capture, by which the head is tested for linearity */
    score_all(of, options, features, &result);
    double baseline = options->no_softmax ? baseline_score(of, options, features, &result.passes)
                                          : 0.0;
    for (int k = 0; k < FAKE_CHANNELS; k++)
        sum += isnan(result.weights[k]) ? 0.0 : exp(result.weights[k]);
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        if (isnan(result.weights[k]))
            result.weights[k] = 0.0;
        else if (options->no_softmax)
            result.weights[k] -= baseline;
        else
            result.weights[k] = exp(result.weights[k]) / sum;
    }
    free(features);
    return result;
}
