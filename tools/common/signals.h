/* Ctrl-C asks for a clean end; a second one ends the program at once. */
#ifndef SSCAM_TOOLS_COMMON_SIGNALS_H
#define SSCAM_TOOLS_COMMON_SIGNALS_H

#include <stdbool.h>

/* From here on SIGINT and SIGTERM are noted instead of ending the program. */
void interruption_catch(void);

bool interruption_requested(void);

#endif
