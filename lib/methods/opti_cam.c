/* Opti-CAM: channel weights by optimisation (Zhang et al. 2023). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/job_gradients.h"
#include "math/upsample.h"
#include "methods/methods.h"

/* U along one side: the shares of the source positions in each output position. */
typedef struct side_matrix {
    int64_t outputs, sources;
    float *shares; /* [outputs][sources] */
} side_matrix;

/* What an iteration computes with. */
typedef struct opti_state {
    int64_t channels, positions, pixels;
    side_matrix matrix[3];  /* along depth, height and width */
    double *logits;         /* u_k, [channels] */
    double *first, *second; /* Adam's moments, [channels] */
    double *weights;        /* softmax(u), [channels] */
    double *slopes;         /* dY/dU(S), [pixels]; then dY/dS, [positions] */
    double *partly;         /* transposed along some sides */
    float *sum;             /* S, [positions] */
    float *mask;            /* U(S), then n(U(S)), [pixels] */
    float *masked;          /* X0 * n(U(S)), of the input's size */
} opti_state;

/* --- state ------------------------------------------------------------------------------------ */

static void release(opti_state *state)
{
    for (int i = 0; i < 3; i++)
        free(state->matrix[i].shares);
    free(state->logits);
    free(state->first);
    free(state->second);
    free(state->weights);
    free(state->slopes);
    free(state->partly);
    free(state->sum);
    free(state->mask);
    free(state->masked);
}

static sscam_status make_matrix(side_matrix *matrix, int64_t outputs, int64_t sources)
{
    *matrix = (side_matrix){outputs, sources,
                            sscam_zeros(sscam_times(outputs, sources), sizeof *matrix->shares)};
    if (!matrix->shares)
        return sscam_fail_memory("an upsampling");
    for (int64_t i = 0; i < outputs; i++) {
        const sscam_sample_position at = sscam_source_position(i, sources, outputs, 0);
        matrix->shares[i * sources + at.lower] += 1.0f - at.share;
        if (at.lower + 1 < sources)
            matrix->shares[i * sources + at.lower + 1] += at.share;
    }
    return SSCAM_OK;
}

static sscam_status prepare(const sscam_map_job *job, opti_state *state)
{
    const sscam_sides small = job->capture->sides, large = job->shape.sides;
    state->channels = job->capture->channels;
    state->positions = sscam_position_count(small);
    state->pixels = sscam_position_count(large);
    /* Along a side, either size may be the larger one. */
    const int64_t room = sscam_times(
        sscam_times(large.depth > small.depth ? large.depth : small.depth,
                    large.height > small.height ? large.height : small.height),
        large.width > small.width ? large.width : small.width);
    state->logits = sscam_zeros(state->channels, sizeof *state->logits);
    state->first = sscam_zeros(state->channels, sizeof *state->first);
    state->second = sscam_zeros(state->channels, sizeof *state->second);
    state->weights = sscam_zeros(state->channels, sizeof *state->weights);
    state->slopes = sscam_zeros(room, sizeof *state->slopes);
    state->partly = sscam_zeros(room, sizeof *state->partly);
    state->sum = sscam_zeros(state->positions, sizeof *state->sum);
    state->mask = sscam_zeros(state->pixels, sizeof *state->mask);
    state->masked = sscam_zeros(sscam_input_size(&job->shape), sizeof *state->masked);
    if (!state->logits || !state->first || !state->second || !state->weights || !state->slopes ||
        !state->partly || !state->sum || !state->mask || !state->masked)
        return sscam_fail_memory("an optimisation of channel weights");
    sscam_status status = make_matrix(&state->matrix[0], large.depth, small.depth);
    if (status == SSCAM_OK)
        status = make_matrix(&state->matrix[1], large.height, small.height);
    if (status == SSCAM_OK)
        status = make_matrix(&state->matrix[2], large.width, small.width);
    return status;
}

/* --- forward ---------------------------------------------------------------------------------- */

/* softmax(u). */
static void find_weights(opti_state *state)
{
    double highest = -INFINITY, total = 0.0;
    for (int64_t k = 0; k < state->channels; k++)
        highest = fmax(highest, state->logits[k]);
    for (int64_t k = 0; k < state->channels; k++) {
        state->weights[k] = exp(state->logits[k] - highest);
        total += state->weights[k];
    }
    for (int64_t k = 0; k < state->channels; k++)
        state->weights[k] /= total;
}

/* S = sum_k softmax(u)_k A_k. */
static void find_sum(const sscam_capture *capture, opti_state *state)
{
    for (int64_t p = 0; p < state->positions; p++) {
        double sum = 0.0;
        for (int64_t k = 0; k < state->channels; k++)
            sum += state->weights[k] * capture->activations[k * state->positions + p];
        state->sum[p] = (float)sum;
    }
}

/* The positions of the least and the greatest value, the first of equal ones. */
static void find_extremes(const float *values, int64_t count, int64_t *lowest, int64_t *highest)
{
    *lowest = *highest = 0;
    for (int64_t p = 1; p < count; p++) {
        *lowest = values[p] < values[*lowest] ? p : *lowest;
        *highest = values[p] > values[*highest] ? p : *highest;
    }
}

/* --- backward --------------------------------------------------------------------------------- */

/* From dY/d(X0 n) in `gradient` to dY/dU(S), U(S) being in `mask`: n = (U - min) / (max - min),
 * whose minimum and maximum depend on the positions where they are. */
static void differentiate_mask(const sscam_map_job *job, const float *input, const float *gradient,
                               opti_state *state)
{
    int64_t lowest, highest;
    find_extremes(state->mask, state->pixels, &lowest, &highest);
    const double least = state->mask[lowest], range = state->mask[highest] - least;
    double sum = 0.0, scaled = 0.0;
    for (int64_t p = 0; p < state->pixels; p++) {
        double slope = 0.0;
        for (int64_t c = 0; c < job->shape.channels; c++)
            slope += (double)input[c * state->pixels + p] * gradient[c * state->pixels + p];
        state->slopes[p] = slope / range;
        sum += slope / range;
        scaled += slope / range * (state->mask[p] - least) / range;
    }
    state->slopes[lowest] += scaled - sum;
    state->slopes[highest] -= scaled;
}

/* Multiplies `values`, [outer][matrix->outputs][inner], with the transposed matrix. */
static void transpose_side(const side_matrix *matrix, int64_t outer, int64_t inner,
                           const double *values, double *out)
{
    memset(out, 0, (size_t)(outer * matrix->sources * inner) * sizeof *out);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < matrix->outputs; i++) {
            const double *row = values + (o * matrix->outputs + i) * inner;
            for (int64_t j = 0; j < matrix->sources; j++) {
                const double share = matrix->shares[i * matrix->sources + j];
                double *to = out + (o * matrix->sources + j) * inner;
                for (int64_t k = 0; k < inner && share != 0.0; k++)
                    to[k] += share * row[k];
            }
        }
}

/* From dY/dU(S) to dY/dS: U is the product of a matrix along each side. */
static void transpose_upsampling(opti_state *state)
{
    const side_matrix *depth = &state->matrix[0], *height = &state->matrix[1],
                      *width = &state->matrix[2];
    transpose_side(width, depth->outputs * height->outputs, 1, state->slopes, state->partly);
    transpose_side(height, depth->outputs, width->sources, state->partly, state->slopes);
    transpose_side(depth, 1, height->sources * width->sources, state->slopes, state->partly);
    memcpy(state->slopes, state->partly, (size_t)state->positions * sizeof *state->slopes);
}

/* dY/du_k = w_k (g_k - sum_j w_j g_j), g_k = sum_p A_k(p) dY/dS(p), into `gradient`. */
static void differentiate_weights(const sscam_capture *capture, const opti_state *state,
                                  double *gradient)
{
    double mean = 0.0;
    for (int64_t k = 0; k < state->channels; k++) {
        gradient[k] = 0.0;
        for (int64_t p = 0; p < state->positions; p++)
            gradient[k] += capture->activations[k * state->positions + p] * state->slopes[p];
        mean += state->weights[k] * gradient[k];
    }
    for (int64_t k = 0; k < state->channels; k++)
        gradient[k] = state->weights[k] * (gradient[k] - mean);
}

/* A step of Adam (Kingma & Ba 2015, algorithm 1) that increases Y. */
static void step(opti_state *state, const double *gradient, int64_t iteration, double rate)
{
    static const double first_decay = 0.9, second_decay = 0.999, epsilon = 1e-8;
    const double first_bias = 1.0 - pow(first_decay, (double)iteration + 1.0),
                 second_bias = 1.0 - pow(second_decay, (double)iteration + 1.0);
    for (int64_t k = 0; k < state->channels; k++) {
        state->first[k] = first_decay * state->first[k] + (1.0 - first_decay) * gradient[k];
        state->second[k] = second_decay * state->second[k] +
                           (1.0 - second_decay) * gradient[k] * gradient[k];
        state->logits[k] += rate * state->first[k] / first_bias /
                            (sqrt(state->second[k] / second_bias) + epsilon);
    }
}

/* --- iterations ------------------------------------------------------------------------------- */

/* Masks the input by n(U(S)) and leaves U(S) in `mask`. Gives whether S has structure. */
static int32_t mask_input(const sscam_map_job *job, const float *input, opti_state *state,
                          sscam_status *status)
{
    int64_t lowest, highest;
    *status = sscam_upsample(state->sum, job->capture->sides, job->shape.sides, 0, state->mask);
    if (*status != SSCAM_OK)
        return 0;
    find_extremes(state->mask, state->pixels, &lowest, &highest);
    const float least = state->mask[lowest], range = state->mask[highest] - least;
    for (int64_t i = 0; i < sscam_input_size(&job->shape) && range > 0.0f; i++)
        state->masked[i] = input[i] * ((state->mask[i % state->pixels] - least) / range);
    return range > 0.0f;
}

static sscam_status iterate(sscam_map_job *job, const float *input, opti_state *state,
                            double *gradient)
{
    const int64_t iterations = job->settings->value[SSCAM_OPTION_ITERATIONS].integer;
    const double rate = job->settings->value[SSCAM_OPTION_LEARNING_RATE].real;
    sscam_status status = SSCAM_OK;
    find_weights(state);
    find_sum(job->capture, state);
    for (int64_t i = 0; i < iterations && status == SSCAM_OK; i++) {
        sscam_gradients found;
        if (!mask_input(job, input, state, &status))
            break;
        status = sscam_find_gradients(job, state->masked, SSCAM_GRADIENTS_OF_INPUT, &found);
        if (status != SSCAM_OK)
            break;
        differentiate_mask(job, input, found.input, state);
        sscam_gradients_release(&found);
        transpose_upsampling(state);
        differentiate_weights(job->capture, state, gradient);
        step(state, gradient, i, rate);
        find_weights(state);
        find_sum(job->capture, state);
        status = sscam_progress_report(&job->progress, (double)(i + 1) / (double)iterations);
    }
    return status;
}

/* The map is n(U(S)): S from its least value on, since the ReLU would change negative ones. */
static sscam_status take_sum(sscam_map_job *job, const opti_state *state)
{
    int64_t lowest, highest;
    sscam_status status = sscam_begin_raw_map(job, job->capture->sides);
    find_extremes(state->sum, state->positions, &lowest, &highest);
    for (int64_t p = 0; p < state->positions && status == SSCAM_OK; p++)
        job->raw_map[p] = state->sum[p] - state->sum[lowest];
    return status;
}

/* S = sum_k softmax(u)_k A_k, u maximising Y(X0 * n(U(S))), the class's logit, by Adam from u = 0:
 * Zhang et al. 2023, eq. 9 to 13. */
sscam_status sscam_weigh_opti_cam(sscam_map_job *job)
{
    opti_state state = {0};
    const float *input = NULL;
    double *gradient = sscam_zeros(job->capture->channels, sizeof *gradient);
    sscam_status status = gradient ? sscam_host_values(job->device_input, job->input, &input)
                                   : sscam_fail_memory("gradients of channel weights");
    if (status == SSCAM_OK)
        status = prepare(job, &state);
    if (status == SSCAM_OK)
        status = iterate(job, input, &state, gradient);
    if (status == SSCAM_OK)
        status = take_sum(job, &state);
    release(&state);
    free(gradient);
    return status;
}
