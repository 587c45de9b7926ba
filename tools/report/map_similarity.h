/* Similarity of the maps of all rows of an evaluation to those of a reference row. */
#ifndef SSCAM_TOOLS_REPORT_MAP_SIMILARITY_H
#define SSCAM_TOOLS_REPORT_MAP_SIMILARITY_H

#include <stddef.h>
#include <stdint.h>

#include <sscam/sscam.h>

#include "data/results.h"

/* Sets a measure of the cases from `first_result` on, which are those of the image that was
 * evaluated last: Pearson's correlation of each row's map and the reference row's. */
void map_similarity_add(struct results *results, size_t first_result,
                        const sscam_evaluation *evaluation, int32_t measure, size_t reference);

#endif
