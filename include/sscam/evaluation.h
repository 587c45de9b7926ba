/** @file
 * @brief Metrics of methods on many images: values of each case, totals with confidence intervals.
 */
#ifndef SSCAM_EVALUATION_H
#define SSCAM_EVALUATION_H

#include <stddef.h>
#include <stdint.h>

#include "explainer.h"
#include "export.h"
#include "image.h"
#include "map.h"
#include "metric.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Values of metrics, one for each method and case; a case is a class on an image. Belongs to one
 * thread at a time. */
typedef struct sscam_evaluation sscam_evaluation;

/** @name State of a value
 * @{ */
/** Not computed: the metric was not requested, or there were no boxes. */
#define SSCAM_VALUE_ABSENT 0
/** A number. */
#define SSCAM_VALUE_DEFINED 1
/** Computed, but not a number, as the energy of a constant map. */
#define SSCAM_VALUE_UNDEFINED 2
/** @} */

/** Number of resamples of a confidence interval. */
#define SSCAM_EVALUATION_RESAMPLES 1000

/**
 * Creates an evaluation without cases.
 *
 * @param explainers   One explainer for each method to evaluate, all of one model, with the same
 * values of the options of preprocessing, of `probability` and of the metrics (`metrics`,
 * `metric_score`, `metric_mask`, `metric_steps`). The evaluation takes a reference to each.
 * NULL: only
 *                     sscam_evaluation_add_known() can be used.
 * @param method_count Number of methods, at least 1.
 * @param[out] out     The evaluation, or NULL on failure. Ownership: the caller's, to be given back
 * with sscam_evaluation_unref().
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (out is NULL, no methods, an explainer is NULL or of another
 * model); SSCAM_E_MEMORY. Thread: that of the explainers.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_evaluation_create(sscam_explainer *const *explainers,
                                               int64_t method_count, sscam_evaluation **out);

/**
 * Adds a reference to an evaluation.
 *
 * @param evaluation An evaluation, or NULL (then nothing happens).
 * @return evaluation. Ownership: the caller has one more reference to release.
 * Thread: any thread; the count is atomic.
 * @since 1.0
 */
SSCAM_API sscam_evaluation *sscam_evaluation_ref(sscam_evaluation *evaluation);

/**
 * Releases one reference; the last one frees the evaluation, which holds one of each of its
 * explainers.
 *
 * @param evaluation An evaluation, or NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API void sscam_evaluation_unref(sscam_evaluation *evaluation);

/** What is evaluated on one image: each class is a case. Set it to SSCAM_EVALUATION_CASE_INIT, then
 * its fields. Nothing of it is kept after the call that takes it but references of its maps. */
typedef struct sscam_evaluation_case {
    /** sizeof(sscam_evaluation_case). */
    size_t struct_size;
    /** `class_count` class indices, each possibly SSCAM_CLASS_TOP or SSCAM_CLASS_RANKED(). NULL:
     * the top class alone. */
    const int64_t *classes;
    /** Number of classes, at least 1; ignored when `classes` is NULL. */
    int64_t class_count;
    /** float32 [box_count,4]: left, top, right and bottom edge in pixels of the image, whose first
     * pixel reaches from 0 to 1. They go through the same resize and crop as the image; boxes of
     * one class are united. May be NULL when box_count is 0. */
    const float *boxes;
    /** `box_count` positions in `classes`, the class of each box. NULL: all are of the first. */
    const int64_t *box_classes;
    /** Number of boxes. A class without boxes has no values of the pointing games. */
    int64_t box_count;
    /** Maps to evaluate in place of those that the explainers would compute,
     * [method_count][class_count] (x 1 when `classes` is NULL): of rank 2 and of the size of the
     * network's input, from any source. A method whose maps are all NULL is explained. The classes
     * and methods that maps were made for are not compared. NULL: all methods are explained. */
    const sscam_map *const *maps;
} sscam_evaluation_case;

/** Initial value of an sscam_evaluation_case: the top class, no boxes, no maps from outside. */
#define SSCAM_EVALUATION_CASE_INIT                                  \
    {                                                               \
        sizeof(sscam_evaluation_case), NULL, 0, NULL, NULL, 0, NULL \
    }

/**
 * Explains classes of an image with all methods and adds a case for each class, with the values of
 * the metrics that the option `metrics` names (Naidu & Michael 2020, section 4; docs/methods.md).
 * What methods and classes have in common is done once, as by sscam_explain_image_all(). Of a
 * method whose maps are given, the explainer says the network, the preprocessing and the metrics
 * alone; it has values of class sensitivity only where the given classes include the top class and
 * the least likely one, and none of coherency and ADCC.
 *
 * @param evaluation An evaluation that was created with explainers.
 * @param image      An image.
 * @param cases      Classes, boxes and maps; NULL: the top class.
 * @return As sscam_explain_image_all(); SSCAM_E_ARGUMENT also for an evaluation without explainers,
 * explainers that differ in the options above or are in use, a struct_size that is not valid, a box
 * that is not finite or whose edges are in the wrong order, a position out of range, maps for only
 * some of a method's classes, a map of another rank or size, and metric_steps that changed since
 * the first image. On failure nothing is added, and the evaluation can be used again.
 * Thread: that of the explainers. The first explainer that has a progress callback reports for all.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_evaluation_add(sscam_evaluation *evaluation, const sscam_image *image,
                                            const sscam_evaluation_case *cases);

/**
 * Adds a case whose values are known already, from an earlier run or another machine: all are
 * absent until sscam_evaluation_set_value() sets them.
 *
 * @param evaluation  An evaluation.
 * @param class_index The case's class, 0 or more.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT; SSCAM_E_MEMORY.
 * Thread: the evaluation's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_evaluation_add_known(sscam_evaluation *evaluation,
                                                  int64_t class_index);

/**
 * Sets a value of a case.
 *
 * @param evaluation      An evaluation.
 * @param method_position 0 to the number of methods - 1.
 * @param case_position   0 to sscam_evaluation_case_count() - 1.
 * @param metric          An SSCAM_METRIC_ identifier.
 * @param value           The value; NaN stands for undefined.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, a position out of range, no such metric, infinity).
 * Thread: the evaluation's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_evaluation_set_value(sscam_evaluation *evaluation,
                                                  int64_t method_position, int64_t case_position,
                                                  int32_t metric, double value);

/** @param evaluation An evaluation. @return Number of its methods; 0 for NULL. Thread: its own.
 *                   @since 1.0 */
SSCAM_API int64_t sscam_evaluation_method_count(const sscam_evaluation *evaluation);

/** @param evaluation An evaluation. @return Number of its cases; 0 for NULL. Thread: its own.
 *                   @since 1.0 */
SSCAM_API int64_t sscam_evaluation_case_count(const sscam_evaluation *evaluation);

/**
 * Class of a case, with SSCAM_CLASS_TOP resolved.
 *
 * @param evaluation    An evaluation.
 * @param case_position 0 to sscam_evaluation_case_count() - 1, in the order in which cases were
 * added.
 * @return Index of the network's output; -1 for NULL or a position out of range.
 * Thread: the evaluation's.
 * @since 1.0
 */
SSCAM_API int64_t sscam_evaluation_class_index(const sscam_evaluation *evaluation,
                                               int64_t case_position);

/**
 * One value of one case.
 *
 * @param evaluation      An evaluation.
 * @param method_position 0 to the number of methods - 1.
 * @param case_position   0 to sscam_evaluation_case_count() - 1.
 * @param metric          An SSCAM_METRIC_ identifier.
 * @param[out] value      The value in the metric's unit; NaN unless it is defined. May be NULL.
 * @return SSCAM_VALUE_DEFINED, _UNDEFINED or _ABSENT; absent also for a method, case or metric that
 * does not exist. Thread: the evaluation's.
 * @since 1.0
 */
SSCAM_API int32_t sscam_evaluation_value(const sscam_evaluation *evaluation,
                                         int64_t method_position, int64_t case_position,
                                         int32_t metric, double *value);

/** The mean of a metric. Set its struct_size, by SSCAM_METRIC_TOTAL_INIT, before it is filled in.
 */
typedef struct sscam_metric_total {
    /** sizeof(sscam_metric_total). */
    size_t struct_size;
    /** Mean over the cases where the metric is defined, in its unit; NaN without any. */
    double mean;
    /** Lower end of the 95 % confidence interval; NaN likewise. */
    double lower;
    /** Upper end of the 95 % confidence interval; NaN likewise. */
    double upper;
    /** Cases that the mean is taken over. */
    int64_t defined_count;
    /** Cases whose value is undefined, which are left out. */
    int64_t undefined_count;
} sscam_metric_total;

/** Initial value of an sscam_metric_total. */
#define SSCAM_METRIC_TOTAL_INIT                         \
    {                                                   \
        sizeof(sscam_metric_total), 0.0, 0.0, 0.0, 0, 0 \
    }

/**
 * Mean of a metric over the cases where it is defined, with a 95 % confidence interval: the
 * percentiles 2.5 and 97.5 of the means of SSCAM_EVALUATION_RESAMPLES bootstrap resamples. Draws
 * come from Philox4x32-10 and values are sorted first, so the result depends on the values alone,
 * not on the order in which they were added (docs/methods.md).
 *
 * @param evaluation      An evaluation.
 * @param method_position 0 to the number of methods - 1.
 * @param metric          An SSCAM_METRIC_ identifier.
 * @param[out] total      Its struct_size is set; receives the mean. Unchanged on failure.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (evaluation or total is NULL, a struct_size that is not valid,
 *         a position out of range, no such metric); SSCAM_E_MEMORY.
 * Thread: the evaluation's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_evaluation_total(const sscam_evaluation *evaluation,
                                              int64_t method_position, int32_t metric,
                                              sscam_metric_total *total);

/**
 * The insertion or deletion curve of a method: the probability of the class after each step, as a
 * mean over the cases that sscam_evaluation_add() computed; cases added as known have no curves.
 *
 * @param evaluation       An evaluation.
 * @param method_position  0 to the number of methods - 1.
 * @param metric           SSCAM_METRIC_INSERTION or SSCAM_METRIC_DELETION.
 * @param[out] points      Room for capacity numbers; receives metric_steps + 1 of them, at equal
 * steps of the share of pixels from 0 to 1. May be NULL when capacity is 0: then only the count is
 * written.
 * @param capacity         Numbers at points: 0, or at least the count.
 * @param[out] point_count Number of points; 0 while there is no curve.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, a position out of range, another metric, capacity too
 * small). Thread: the evaluation's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_evaluation_curve(const sscam_evaluation *evaluation,
                                              int64_t method_position, int32_t metric,
                                              double *points, int64_t capacity,
                                              int64_t *point_count);

/**
 * A map of the image that sscam_evaluation_add() added last, for drawing.
 *
 * @param evaluation      An evaluation.
 * @param method_position 0 to the number of methods - 1.
 * @param class_position  Position among the classes that were given for that image.
 * @return The map. Ownership: the evaluation's; valid until its next sscam_evaluation_add(). NULL
 * where there is none. Thread: the evaluation's.
 * @since 1.0
 */
SSCAM_API const sscam_map *sscam_evaluation_map(const sscam_evaluation *evaluation,
                                                int64_t method_position, int64_t class_position);

#ifdef __cplusplus
}
#endif

#endif
