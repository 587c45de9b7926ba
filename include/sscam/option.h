/** @file
 * @brief The options of an explainer: one table that feeds the setters, the program's flags, the
 * Python keywords and the documentation.
 */
#ifndef SSCAM_OPTION_H
#define SSCAM_OPTION_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "method.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One row of the option table. Static: never created or destroyed by callers. */
typedef struct sscam_option sscam_option;

/** @name Option identifiers
 * For sscam_explainer_set_int(), _set_real() and _set_string() and the getters beside them. Values
 * are never reused; later releases add options without adding functions. sscam_option_help()
 * describes each.
 * @{ */
/** `layer`: target layer. */
#define SSCAM_OPTION_LAYER 1
/** `score`: what a masked input is scored by. */
#define SSCAM_OPTION_SCORE 2
/** `channel_softmax`: softmax of the scores over the channels. */
#define SSCAM_OPTION_CHANNEL_SOFTMAX 3
/** `baseline`: input whose score is subtracted. */
#define SSCAM_OPTION_BASELINE 4
/** `normalise`: when an activation is scaled to [0,1]. */
#define SSCAM_OPTION_NORMALISE 5
/** `align_corners`: grid of the upsampling of masks. */
#define SSCAM_OPTION_ALIGN_CORNERS 6
/** `flat_channels`: how constant channels are treated. */
#define SSCAM_OPTION_FLAT_CHANNELS 7
/** `samples`: noisy samples a channel. */
#define SSCAM_OPTION_SAMPLES 8
/** `sigma`: standard deviation of the noise. */
#define SSCAM_OPTION_SIGMA 9
/** `noise_target`: what noise is added to. */
#define SSCAM_OPTION_NOISE_TARGET 10
/** `noise_scale`: unit of sigma. */
#define SSCAM_OPTION_NOISE_SCALE 11
/** `mask_weights`: weight of an activation in its mask. */
#define SSCAM_OPTION_MASK_WEIGHTS 12
/** `rescore`: second scoring pass. */
#define SSCAM_OPTION_RESCORE 13
/** `sample_count`: N samples or N - 1. */
#define SSCAM_OPTION_SAMPLE_COUNT 14
/** `combine`: size at which activations are added. */
#define SSCAM_OPTION_COMBINE 15
/** `max_channels`: most channels scored. */
#define SSCAM_OPTION_MAX_CHANNELS 16
/** `seed`: of the noise. */
#define SSCAM_OPTION_SEED 17
/** `batch_size`: masked inputs run at once. */
#define SSCAM_OPTION_BATCH_SIZE 18
/** `probability`: softmax or sigmoid. */
#define SSCAM_OPTION_PROBABILITY 19
/** `preset`: several options at once. */
#define SSCAM_OPTION_PRESET 20
/** `resize`: size of the image. */
#define SSCAM_OPTION_RESIZE 21
/** `crop`: size of the centre crop. */
#define SSCAM_OPTION_CROP 22
/** `interpolation`: filter of the resizing. */
#define SSCAM_OPTION_INTERPOLATION 23
/** `mean`: subtracted from pixels. */
#define SSCAM_OPTION_MEAN 24
/** `std`: divisor of pixels. */
#define SSCAM_OPTION_STD 25
/** `channel_order`: colours of the input. */
#define SSCAM_OPTION_CHANNEL_ORDER 26
/** `metrics`: what an evaluation computes. */
#define SSCAM_OPTION_METRICS 27
/** `metric_score`: score of average drop and increase. */
#define SSCAM_OPTION_METRIC_SCORE 28
/** `metric_mask`: part of the map that masks the input. */
#define SSCAM_OPTION_METRIC_MASK 29
/** `metric_steps`: steps of insertion and deletion. */
#define SSCAM_OPTION_METRIC_STEPS 30
/** `fusion`: how the maps of several layers become one. */
#define SSCAM_OPTION_FUSION 31
/** `aug_smooth`: mean over altered inputs. */
#define SSCAM_OPTION_AUG_SMOOTH 32
/** `eigen_smooth`: principal component in place of the sum. */
#define SSCAM_OPTION_EIGEN_SMOOTH 33
/** `target`: what of the outputs is explained. */
#define SSCAM_OPTION_TARGET 34
/** `contrast`: the other class of a difference. */
#define SSCAM_OPTION_CONTRAST 35
/** `output`: which of a network's outputs is explained. */
#define SSCAM_OPTION_OUTPUT 36
/** `calibrate`: whether the form of scoring is chosen by speed. */
#define SSCAM_OPTION_CALIBRATE 37
/** `workers`: batches evaluated in parallel. */
#define SSCAM_OPTION_WORKERS 38
/** `precision`: number format in which masked inputs are scored. */
#define SSCAM_OPTION_PRECISION 39
/** `grid`: rows and columns of a layer's tokens. */
#define SSCAM_OPTION_GRID 40
/** `channel_axis`: which axis of a layer's output is the channels. */
#define SSCAM_OPTION_CHANNEL_AXIS 41
/** `region`: pixels of dense outputs that are explained. */
#define SSCAM_OPTION_REGION 42
/** `reduction`: how the scores of these pixels become one. */
#define SSCAM_OPTION_REDUCTION 43
/** `deadline`: milliseconds after which a call ends. */
#define SSCAM_OPTION_DEADLINE 44
/** `input_layout`: order of the axes of the network's input. */
#define SSCAM_OPTION_INPUT_LAYOUT 45
/** `input_type`: type of its elements. */
#define SSCAM_OPTION_INPUT_TYPE 46
/** `image_input`: which of several inputs is explained. */
#define SSCAM_OPTION_IMAGE_INPUT 47
/** `tolerance`: largest error of the map by which sampling may end early. */
#define SSCAM_OPTION_TOLERANCE 48
/** `noise`: whether the channels share the noise of a sample. */
#define SSCAM_OPTION_NOISE 49
/** `channel_ranking`: by what max_channels selects. */
#define SSCAM_OPTION_CHANNEL_RANKING 50
/** `contrast_weight`: factor of the classes that a difference subtracts. */
#define SSCAM_OPTION_CONTRAST_WEIGHT 51
/** `contrast_count`: number of the classes that a difference subtracts. */
#define SSCAM_OPTION_CONTRAST_COUNT 52
/** `channel_share`: share of the channels that are scored. */
#define SSCAM_OPTION_CHANNEL_SHARE 53
/** `mask_cells`: cells along a side of a random mask (RISE). */
#define SSCAM_OPTION_MASK_CELLS 54
/** `mask_probability`: probability that a cell of a random mask is kept (RISE). */
#define SSCAM_OPTION_MASK_PROBABILITY 55
/** `groups`: groups of channels (Group-CAM). */
#define SSCAM_OPTION_GROUPS 56
/** `group_percentile`: below it a group's mask is set to zero (Group-CAM). */
#define SSCAM_OPTION_GROUP_PERCENTILE 57
/** `metric_insertion`: what insertion starts from. */
#define SSCAM_OPTION_METRIC_INSERTION 58
/** `metric_threshold`: share of a map's maximum below which metrics take it as 0. */
#define SSCAM_OPTION_METRIC_THRESHOLD 59
/** `rescale`: what FullGrad scales to [0,1]. @since 1.0 */
#define SSCAM_OPTION_RESCALE 60
/** `iterations`: steps of Opti-CAM. @since 1.0 */
#define SSCAM_OPTION_ITERATIONS 61
/** `learning_rate`: of Opti-CAM. @since 1.0 */
#define SSCAM_OPTION_LEARNING_RATE 62
/** `detector`: layout of a detector's outputs. */
#define SSCAM_OPTION_DETECTOR 63
/** `box`: of the detection that is explained. */
#define SSCAM_OPTION_BOX 64
/** `detection`: which of the detections is explained. */
#define SSCAM_OPTION_DETECTION 65
/** `detection_score`: what a masked input is scored by on a detector. */
#define SSCAM_OPTION_DETECTION_SCORE 66
/** `detection_threshold`: confidence above which a box is a detection. */
#define SSCAM_OPTION_DETECTION_THRESHOLD 67
/** `detection_overlap`: above which a less confident detection is left out. */
#define SSCAM_OPTION_DETECTION_OVERLAP 68
/** `padding`: colour where the crop is larger than the resized image. */
#define SSCAM_OPTION_PADDING 69
/** `kernel_widths`: standard deviations of the Gaussian masks (AISE). @since 1.0 */
#define SSCAM_OPTION_KERNEL_WIDTHS 70
/** `attention_blocks`: last blocks of a transformer that LeGrad explains. @since 1.0 */
#define SSCAM_OPTION_ATTENTION_BLOCKS 71
/** @} */

/** @name Types of an option's value
 * @{ */
/** Free text, such as a layer's name or a list of numbers. */
#define SSCAM_OPTION_TYPE_STRING 1
/** A whole number within sscam_option_minimum() and _maximum(). */
#define SSCAM_OPTION_TYPE_INT 2
/** A finite number within sscam_option_minimum() and _maximum(). */
#define SSCAM_OPTION_TYPE_REAL 3
/** One of sscam_option_choice(). */
#define SSCAM_OPTION_TYPE_CHOICE 4
/** @} */

/** @return Number of options. Thread: any thread. @since 1.0 */
SSCAM_API int64_t sscam_option_count(void);

/**
 * One option of the table.
 *
 * @param index 0 to sscam_option_count() - 1.
 * @return The option, or NULL for an index out of range. Ownership: the library's.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const sscam_option *sscam_option_info(int64_t index);

/**
 * The option of a name.
 *
 * @param name Its name, such as "samples", or NULL.
 * @return The option, or NULL where there is none of that name. Ownership: the library's.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const sscam_option *sscam_option_find(const char *name);

/** @param option An option. @return Its SSCAM_OPTION_ identifier; 0 for NULL. Thread: any.
 *               @since 1.0 */
SSCAM_API int32_t sscam_option_id(const sscam_option *option);

/** @param option An option. @return Its name, such as "samples". Ownership: the library's. NULL for
 *               NULL.
 * Thread: any. @since 1.0 */
SSCAM_API const char *sscam_option_name(const sscam_option *option);

/** @param option An option. @return Its SSCAM_OPTION_TYPE_ value; 0 for NULL. Thread: any.
 *               @since 1.0 */
SSCAM_API int32_t sscam_option_type(const sscam_option *option);

/**
 * The value of an option that nobody has set.
 *
 * @param option An option.
 * @param method The method whose explainer has it; some methods have defaults of their own, as
 *               smooth-grad-cam++ of `sigma`. NULL: that of most methods.
 * @return The default as text. Ownership: the library's. NULL for no option. Thread: any thread.
 * @since 1.0
 */
SSCAM_API const char *sscam_option_default(const sscam_option *option, const sscam_method *method);

/** @param option An option. @return Number of values that a choice has; 0 for other types and for
 *               NULL. Thread: any. @since 1.0 */
SSCAM_API int64_t sscam_option_choice_count(const sscam_option *option);

/**
 * One of the values that a choice has.
 *
 * @param option An option.
 * @param index  0 to sscam_option_choice_count() - 1; 0 is the default of most methods.
 * @return The value as text, or NULL for NULL or an index out of range. Ownership: the library's.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const char *sscam_option_choice(const sscam_option *option, int64_t index);

/** @param option An option. @return Smallest value of a number; 0 for other types. Thread: any.
 * @since 1.0 */
SSCAM_API double sscam_option_minimum(const sscam_option *option);

/** @param option An option. @return Largest value of a number; 0 for other types. Thread: any.
 * @since 1.0 */
SSCAM_API double sscam_option_maximum(const sscam_option *option);

/** @param option An option. @return What it does, in a sentence or two. Ownership: the library's.
 *               NULL for NULL. Thread: any. @since 1.0 */
SSCAM_API const char *sscam_option_help(const sscam_option *option);

#ifdef __cplusplus
}
#endif

#endif
