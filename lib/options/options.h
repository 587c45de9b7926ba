/* The option table, and the values that an explainer keeps. */
#ifndef SSCAM_LIB_OPTIONS_OPTIONS_H
#define SSCAM_LIB_OPTIONS_OPTIONS_H

#include <stdint.h>

#include "image/preprocess.h"
#include "sscam/option.h"
#include "sscam/status.h"

enum { SSCAM_OPTION_LIMIT = 72 }; /* one more than the highest identifier */

/* The values of the options of type choice, in the order of the table's choices, in which a test
 * holds them. Those of `target`, `channel_axis`, `noise_target`, `precision`, `input_type`,
 * `detector` and `detection_score` are the enumerations sscam_target_kind, sscam_channel_axis,
 * sscam_noise_target, sscam_precision, sscam_input_type, sscam_detector_kind and
 * sscam_detection_score. @{ */
enum { SSCAM_FUSION_MAXIMUM, SSCAM_FUSION_MEAN, SSCAM_FUSION_PRODUCT };
enum { SSCAM_AUG_SMOOTH_OFF, SSCAM_AUG_SMOOTH_ON };
enum { SSCAM_EIGEN_SMOOTH_OFF, SSCAM_EIGEN_SMOOTH_ON };
enum { SSCAM_REDUCTION_MEAN, SSCAM_REDUCTION_SUM };
enum { SSCAM_SCORE_CHOICE_LOGIT, SSCAM_SCORE_CHOICE_PROBABILITY };
enum { SSCAM_CHANNEL_SOFTMAX_ON, SSCAM_CHANNEL_SOFTMAX_OFF };
enum { SSCAM_BASELINE_ZEROS, SSCAM_BASELINE_NONE, SSCAM_BASELINE_INPUT, SSCAM_BASELINE_BLACK };
enum { SSCAM_NORMALISE_AFTER_UPSAMPLE, SSCAM_NORMALISE_BEFORE_UPSAMPLE };
enum { SSCAM_ALIGN_CORNERS_OFF, SSCAM_ALIGN_CORNERS_ON };
enum { SSCAM_FLAT_CHANNELS_SKIP, SSCAM_FLAT_CHANNELS_SCORE };
enum { SSCAM_NOISE_SCALE_ABSOLUTE, SSCAM_NOISE_SCALE_RANGE, SSCAM_NOISE_SCALE_AUTHORS_CODE };
enum { SSCAM_MASK_WEIGHTS_NONE, SSCAM_MASK_WEIGHTS_GRADIENT, SSCAM_MASK_WEIGHTS_FC };
enum { SSCAM_RESCORE_OFF, SSCAM_RESCORE_ON };
enum { SSCAM_SAMPLE_COUNT_N, SSCAM_SAMPLE_COUNT_N_MINUS_1 };
enum { SSCAM_COMBINE_LOW_RESOLUTION, SSCAM_COMBINE_UPSAMPLED };
enum { SSCAM_PROBABILITY_SOFTMAX, SSCAM_PROBABILITY_SIGMOID, SSCAM_PROBABILITY_NONE };
enum { SSCAM_METRIC_SCORE_PROBABILITY, SSCAM_METRIC_SCORE_LOGIT };
enum { SSCAM_METRIC_MASK_FULL, SSCAM_METRIC_MASK_TOP50 };
enum { SSCAM_METRIC_INSERTION_BLUR, SSCAM_METRIC_INSERTION_ZEROS };
enum { SSCAM_CALIBRATE_ON, SSCAM_CALIBRATE_OFF };
enum { SSCAM_RESCALE_CHANNEL, SSCAM_RESCALE_LAYER, SSCAM_RESCALE_CHANNEL_EPSILON };
enum { SSCAM_NOISE_INDEPENDENT, SSCAM_NOISE_COMMON };
enum {
    SSCAM_CHANNEL_RANKING_DEVIATION,
    SSCAM_CHANNEL_RANKING_ENERGY,
    SSCAM_CHANNEL_RANKING_CONTRIBUTION
};
/* @} */

typedef union sscam_value {
    int64_t integer; /* whole numbers; choices, by their position */
    double real;
    char *text; /* malloc'ed */
} sscam_value;

/* All options of one explainer, indexed by SSCAM_OPTION_ identifier. */
typedef struct sscam_settings {
    sscam_value value[SSCAM_OPTION_LIMIT];
    int32_t final_activation; /* the model's, an sscam_score_kind */
    int32_t takes_pixels;     /* the model's: whole numbers, so that images are not normalised */
} sscam_settings;

/* All options at their defaults, some of which depend on the method. The caller releases them. */
sscam_status sscam_settings_init(sscam_settings *settings, const char *method);
void sscam_settings_release(sscam_settings *settings);

/* Setters as in explainer.h. `method` is the explainer's, on which presets depend. */
sscam_status sscam_settings_set(sscam_settings *settings, const char *method, const char *name,
                                const char *value);
sscam_status sscam_settings_set_int(sscam_settings *settings, int32_t option, int64_t value);
sscam_status sscam_settings_set_real(sscam_settings *settings, int32_t option, double value);
sscam_status sscam_settings_set_string(sscam_settings *settings, const char *method, int32_t option,
                                       const char *value);

/* The preprocessing that the settings describe. */
sscam_status sscam_settings_transform(const sscam_settings *settings, sscam_transform *transform);

/* Whether the preprocessing options have the same values in both. */
int32_t sscam_settings_same_transform(const sscam_settings *a, const sscam_settings *b);

/* Name of the first option that differs, of those that all explainers of an evaluation must have in
 * common; NULL: none. */
const char *sscam_settings_evaluation_difference(const sscam_settings *a, const sscam_settings *b);

/* The value as text: in `buffer`, or the settings' own, or static; NULL, with a message, where
 * there is no such option. */
const char *sscam_settings_get(const sscam_settings *settings, const char *name, char *buffer,
                               size_t size);

/* Getters as in explainer.h. The text is the settings' own or static; NULL, with a message, where
 * the option is none of that type. */
sscam_status sscam_settings_get_int(const sscam_settings *settings, int32_t option, int64_t *value);
sscam_status sscam_settings_get_real(const sscam_settings *settings, int32_t option, double *value);
const char *sscam_settings_get_string(const sscam_settings *settings, int32_t option);

#endif
