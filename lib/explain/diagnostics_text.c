#include "explain/diagnostics_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

/* Names of forms and choices of options have no characters that JSON escapes. */
static int write_text(const sscam_map_job *job, char *text, size_t size)
{
    const sscam_scoring_diagnostics *scored = &job->diagnostics;
    char precision[16];
    if (!scored->form)
        return snprintf(text, size, "{}");
    return snprintf(text, size,
                    "{\"form\": \"%s\", \"precision\": \"%s\", \"workers\": %" PRId64
                    ", \"batch_size\": %" PRId64 ", \"calibration_passes\": %" PRId64 "}",
                    scored->form,
                    sscam_settings_get(job->settings, "precision", precision, sizeof precision),
                    scored->workers, scored->batch_size, scored->calibration_passes);
}

sscam_status sscam_diagnostics_text(const sscam_map_job *job, char **out)
{
    const size_t size = (size_t)write_text(job, NULL, 0) + 1;
    *out = malloc(size);
    if (!*out)
        return sscam_fail_memory("a map's diagnostics");
    write_text(job, *out, size);
    return SSCAM_OK;
}
