/* The worst of all cases, for every method and measure of an evaluation. */
#ifndef SSCAM_TOOLS_REPORT_WORST_CASES_H
#define SSCAM_TOOLS_REPORT_WORST_CASES_H

#include <stdio.h>

#include "data/results.h"

#define WORST_CASES_LISTED 12

/* A table of HTML for each method m and measure k, all but the first hidden, with the identifier
 * "worst-m-k". */
void worst_cases_put(FILE *out, const struct results *results);

#endif
