/* The columns of results: the metrics of the library, and what only `sscam study` measures. */
#ifndef SSCAM_TOOLS_DATA_RESULT_COLUMN_H
#define SSCAM_TOOLS_DATA_RESULT_COLUMN_H

#include <stdint.h>

#include <sscam/sscam.h>

/* Identifiers; those of the library are above 0. */
#define MEASURE_NEAR_SCORE_CAM (-1)
#define MEASURE_NEAR_GRAD_CAM (-2)

struct measure {
    int32_t id;
    const char *name, *title, *unit, *summary;
    int32_t direction; /* 1 where higher is better, -1 where lower is, 0 where neither */
};

/* A number that is higher for a worse value. Of a measure without a direction, lower values are
 * worse. */
double measure_badness(const struct measure *measure, double value);

/* The measure of an identifier, which must exist. */
struct measure measure_of(int32_t id);

/* The identifier of a name; 0 when there is none. */
int32_t measure_named(const char *name);

#endif
