/* The metric table, and sets of its metrics. */
#ifndef SSCAM_LIB_OPTIONS_METRIC_TABLE_H
#define SSCAM_LIB_OPTIONS_METRIC_TABLE_H

#include <stdint.h>

#include "sscam/metric.h"
#include "sscam/status.h"

enum { SSCAM_METRIC_LIMIT = 18 }; /* one more than the highest identifier */

/* Those of the SS-CAM paper, and those that need no further network evaluations. */
#define SSCAM_METRICS_DEFAULT "average_drop,average_increase,energy_pointing,pointing"

/* A set of metrics has bit SSCAM_METRIC_BIT(id) for each. */
#define SSCAM_METRIC_BIT(id) (UINT32_C(1) << (id))

/* The set that a list of names separated by commas, or "all", describes. SSCAM_E_ARGUMENT, with a
 * message that lists the names, for any other text. */
sscam_status sscam_metrics_parse(const char *text, uint32_t *metrics);

/* Whether there is a metric of that identifier. */
int32_t sscam_metric_exists(int32_t id);

#endif
