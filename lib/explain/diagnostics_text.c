#include "explain/diagnostics_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/number.h"
#include "explain/option_values.h"

/* Text that grows, in a buffer, or that is only measured: size 0. */
typedef struct text_end {
    char *text;
    size_t size, length;
} text_end;

SSCAM_PRINTF(2, 3)
static void append(text_end *end, const char *format, ...)
{
    va_list values;
    const size_t left = end->length < end->size ? end->size - end->length : 0;
    va_start(values, format);
    end->length += (size_t)vsnprintf(left ? end->text + end->length : NULL, left, format, values);
    va_end(values);
}

/* What separates a member from the one before it. */
static const char *separator(const text_end *end)
{
    return end->length > 1 ? ", " : "";
}

static void append_real(text_end *end, const char *key, double value)
{
    char text[SSCAM_REAL_SIZE];
    sscam_format_real(value, 4, text);
    append(end, "%s\"%s\": %s", separator(end), key, text);
}

/* Names of forms and choices of options have no characters that JSON escapes. */
static void append_scoring(text_end *end, const sscam_map_job *job)
{
    const sscam_scoring_diagnostics *scored = &job->diagnostics;
    char precision[16];
    append(end,
           "\"form\": \"%s\", \"precision\": \"%s\", \"workers\": %" PRId64
           ", \"batch_size\": %" PRId64 ", \"calibration_passes\": %" PRId64,
           scored->form,
           sscam_settings_get(job->settings, "precision", precision, sizeof precision),
           scored->workers, scored->batch_size, scored->calibration_passes);
}

/* Returns the length. */
static size_t write_text(const sscam_map_job *job, char *text, size_t size)
{
    text_end end = {text, size, 0};
    append(&end, "{");
    if (job->diagnostics.form)
        append_scoring(&end, job);
    if (job->diagnostics.form && job->settings->value[SSCAM_OPTION_TOLERANCE].real > 0.0)
        append_real(&end, "estimated_error", job->estimated_error);
    if (job->energy_share > 0.0 && sscam_selects_channels(job->settings))
        append_real(&end, "energy_share", job->energy_share);
    append(&end, "}");
    return end.length;
}

sscam_status sscam_diagnostics_text(const sscam_map_job *job, char **out)
{
    const size_t size = write_text(job, NULL, 0) + 1;
    *out = malloc(size);
    if (!*out)
        return sscam_fail_memory("a map's diagnostics");
    write_text(job, *out, size);
    return SSCAM_OK;
}
