/** @file
 * @brief The table of metrics, by which explanations are evaluated.
 */
#ifndef SSCAM_METRIC_H
#define SSCAM_METRIC_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One row of the metric table. Static: never created or destroyed by callers. */
typedef struct sscam_metric sscam_metric;

/** @name Metric identifiers
 * For sscam_evaluation_value() and its siblings. Values are never reused. Y is the score of the
 * class on the input X0, O its score on X0 * L, L the map in [0,1] at input size;
 * sscam_metric_summary() has each formula.
 * @{ */
/** `average_drop`: 100 max(0, Y - O) / Y. */
#define SSCAM_METRIC_AVERAGE_DROP 1
/** `average_increase`: 100 where O is above Y, else 0. */
#define SSCAM_METRIC_AVERAGE_INCREASE 2
/** `energy_pointing`: share of the map's energy in the boxes. */
#define SSCAM_METRIC_ENERGY_POINTING 3
/** `pointing`: 100 where the map's maximum is in a box, else 0. */
#define SSCAM_METRIC_POINTING 4
/** `insertion`: area under the curve of appearing pixels. */
#define SSCAM_METRIC_INSERTION 5
/** `deletion`: area under the curve of vanishing pixels. */
#define SSCAM_METRIC_DELETION 6
/** `class_sensitivity`: correlation of the maps of two classes. */
#define SSCAM_METRIC_CLASS_SENSITIVITY 7
/** `complexity`: 100 times the mean of the map. */
#define SSCAM_METRIC_COMPLEXITY 8
/** `coherency`: correlation of the map and of the map of the input that it masks, 0 to 100. */
#define SSCAM_METRIC_COHERENCY 9
/** `adcc`: harmonic mean of coherency, 100 - complexity and 100 - average drop. */
#define SSCAM_METRIC_ADCC 10
/** `road`: remove and debias, least salient pixels against most salient ones. @since 1.0 */
#define SSCAM_METRIC_ROAD 11
/** `arcc`: harmonic mean of coherency, 100 - complexity and ROAD. @since 1.0 */
#define SSCAM_METRIC_ARCC 12
/** `infidelity`: how far the map predicts the effect of perturbations. @since 1.0 */
#define SSCAM_METRIC_INFIDELITY 13
/** `max_sensitivity`: largest change of the map under small noise on the input. @since 1.0 */
#define SSCAM_METRIC_MAX_SENSITIVITY 14
/** `passes`: network evaluations that the map took. @since 1.0 */
#define SSCAM_METRIC_PASSES 15
/** `seconds`: time that the map took, by the wall clock. @since 1.0 */
#define SSCAM_METRIC_SECONDS 16
/** `peak_memory`: memory of the process in use at most while the map was made, in MiB. @since 1.0
 */
#define SSCAM_METRIC_PEAK_MEMORY 17
/** @} */

/** @return Number of metrics. Thread: any thread. @since 1.0 */
SSCAM_API int64_t sscam_metric_count(void);

/**
 * One metric of the table.
 *
 * @param index 0 to sscam_metric_count() - 1.
 * @return The metric, or NULL for an index out of range. Ownership: the library's.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const sscam_metric *sscam_metric_info(int64_t index);

/**
 * The metric of a name.
 *
 * @param name Its name, such as "average_drop", or NULL.
 * @return The metric, or NULL where there is none of that name. Ownership: the library's.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const sscam_metric *sscam_metric_find(const char *name);

/** @param metric A metric. @return Its SSCAM_METRIC_ identifier; 0 for NULL. Thread: any.
 *               @since 1.0 */
SSCAM_API int32_t sscam_metric_id(const sscam_metric *metric);

/** @param metric A metric. @return Its name, such as "average_drop". Ownership: the library's. NULL
 *               for NULL.
 * Thread: any. @since 1.0 */
SSCAM_API const char *sscam_metric_name(const sscam_metric *metric);

/** @param metric A metric. @return Its name in print, such as "Average Drop". Ownership: the
 *               library's. NULL for NULL. Thread: any. @since 1.0 */
SSCAM_API const char *sscam_metric_title(const sscam_metric *metric);

/** @param metric A metric. @return "%" for values from 0 to 100; "MiB" for memory, 2^20 bytes; ""
 * for plain numbers. Ownership: the library's. NULL for NULL. Thread: any. @since 1.0 */
SSCAM_API const char *sscam_metric_unit(const sscam_metric *metric);

/** @param metric A metric. @return 1 where higher values are better, -1 where lower ones are; 0 for
 *               NULL.
 * Thread: any. @since 1.0 */
SSCAM_API int32_t sscam_metric_direction(const sscam_metric *metric);

/** @param metric A metric. @return 1 where equal calls give equal values; 0 for what is measured of
 *               the machine, as SSCAM_METRIC_SECONDS is, which the option `metrics=all` leaves out,
 *               and for NULL. Thread: any. @since 1.0 */
SSCAM_API int32_t sscam_metric_is_reproducible(const sscam_metric *metric);

/** @param metric A metric. @return Its formula and when it is undefined, one line. Ownership: the
 *               library's. NULL for NULL. Thread: any. @since 1.0 */
SSCAM_API const char *sscam_metric_summary(const sscam_metric *metric);

/** @param metric A metric. @return Authors, title, venue and year of the paper it comes from.
 *               Ownership: the library's. NULL for NULL. Thread: any. @since 1.0 */
SSCAM_API const char *sscam_metric_citation(const sscam_metric *metric);

#ifdef __cplusplus
}
#endif

#endif
