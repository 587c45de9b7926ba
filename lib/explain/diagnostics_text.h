/* What sscam_map_diagnostics() says. */
#ifndef SSCAM_LIB_EXPLAIN_DIAGNOSTICS_TEXT_H
#define SSCAM_LIB_EXPLAIN_DIAGNOSTICS_TEXT_H

#include "explain/method_private.h"

/* How a job was scored, as a JSON object; malloc'ed. */
sscam_status sscam_diagnostics_text(const sscam_map_job *job, char **out);

#endif
