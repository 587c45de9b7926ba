/* The file that --csv names. */
#ifndef SSCAM_TOOLS_COMMANDS_RESULTS_FILE_H
#define SSCAM_TOOLS_COMMANDS_RESULTS_FILE_H

#include "data/results.h"

/* Writes all cases. An exit code. */
int write_results(const char *path, const struct results *results);

#endif
