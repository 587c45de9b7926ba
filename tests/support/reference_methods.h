/* What docs/methods.md says of the methods, in float64, on the networks that fake_backend.h
 * describes: written from those two pages, for tests to hold the library against. */
#ifndef SSCAM_TESTS_SUPPORT_REFERENCE_METHODS_H
#define SSCAM_TESTS_SUPPORT_REFERENCE_METHODS_H

#include <stdint.h>

#include "support/fake_backend.h"

typedef enum reference_head {
    REFERENCE_LINEAR,
    REFERENCE_QUADRATIC,
    REFERENCE_POSITIONAL
} reference_head;
typedef enum reference_baseline {
    BASELINE_ZEROS,
    BASELINE_NONE,
    BASELINE_INPUT,
    BASELINE_BLACK
} reference_baseline;
typedef enum reference_target { TARGET_MASK, TARGET_INPUT, TARGET_ACTIVATION } reference_target;
typedef enum reference_scale { SCALE_ABSOLUTE, SCALE_RANGE, SCALE_AUTHORS_CODE } reference_scale;
typedef enum reference_weights { WEIGHTS_NONE, WEIGHTS_GRADIENT, WEIGHTS_FC } reference_weights;

/* One input in one network. */
typedef struct reference_input {
    reference_head head;
    int64_t classes, class_index;
    int64_t depth, height, width; /* of the input; 1 where it has no such side */
    const float *input;           /* [FAKE_COLORS, depth, height, width] */
    double black[FAKE_COLORS];
} reference_input;

/* How Score-CAM and SS-CAM go about it; all zeros: Score-CAM with the defaults. */
typedef struct reference_options {
    int samples; /* 0: Score-CAM */
    double sigma;
    int takes_maximum; /* ss-cam-max */
    int fades_in;      /* is-cam */
    int by_probability, no_softmax, before_upsample, align_corners, scores_flat, rescores,
        one_sample_less;
    reference_baseline baseline;
    reference_target target;
    reference_scale scale;
    reference_weights mask_weights;
    int max_channels;
    int64_t seed, image;
} reference_options;

/* What should come out. */
typedef struct reference_result {
    double weights[FAKE_CHANNELS];
    int64_t passes; /* with the capture's */
} reference_result;

/* A, [FAKE_CHANNELS, height / 2, width / 2], and depth / 2 where there is one. */
void reference_features(const reference_input *of, const double *input, double *features);

/* Y of a class, from the features. */
double reference_logit(const reference_input *of, const double *features, int64_t class_index);

/* dY/dA of the class, shaped as the features. */
void reference_gradients(const reference_input *of, double *gradients);

/* Probability of the class: softmax, or the sigmoid where there is one output. */
double reference_probability(const reference_input *of, const double *features);

void reference_grad_cam(const reference_input *of, double weights[FAKE_CHANNELS]);
void reference_grad_cam_pp(const reference_input *of, double weights[FAKE_CHANNELS]);
void reference_xgrad_cam(const reference_input *of, double weights[FAKE_CHANNELS]);

/* Smooth Grad-CAM++ over inputs with noise of a standard deviation. */
void reference_smooth_grad_cam_pp(const reference_input *of, int samples, double stddev,
                                  int64_t seed, int64_t image, double weights[FAKE_CHANNELS]);

/* Ablation-CAM at `features`, by logits or probabilities. */
void reference_ablation_cam(const reference_input *of, int by_probability,
                            double weights[FAKE_CHANNELS]);

reference_result reference_score_weights(const reference_input *of,
                                         const reference_options *options);

/* ReLU(sum_k a_k A_k), shaped as a channel of the features. */
void reference_raw_map(const reference_input *of, const double weights[FAKE_CHANNELS], double *raw);

#endif
