/* The option table, and the values that an explainer keeps. */
#ifndef SSCAM_LIB_OPTIONS_OPTIONS_H
#define SSCAM_LIB_OPTIONS_OPTIONS_H

#include <stdint.h>

#include "image/preprocess.h"
#include "sscam/option.h"
#include "sscam/status.h"

enum { SSCAM_OPTION_LIMIT = 44 }; /* one more than the highest identifier */

/* Positions in the choices of the table's rows. @{ */
enum { SSCAM_SCORE_CHOICE_LOGIT, SSCAM_SCORE_CHOICE_PROBABILITY };
enum {
    SSCAM_SWITCH_FIRST,
    SSCAM_SWITCH_SECOND
}; /* for on|off and other pairs: the default, the other */
enum { SSCAM_BASELINE_ZEROS, SSCAM_BASELINE_NONE, SSCAM_BASELINE_INPUT, SSCAM_BASELINE_BLACK };
enum { SSCAM_NOISE_SCALE_ABSOLUTE, SSCAM_NOISE_SCALE_RANGE, SSCAM_NOISE_SCALE_AUTHORS_CODE };
enum { SSCAM_MASK_WEIGHTS_NONE, SSCAM_MASK_WEIGHTS_GRADIENT, SSCAM_MASK_WEIGHTS_FC };
/* @} */

typedef union sscam_value {
    int64_t integer; /* whole numbers; position among the choices */
    double real;
    char *text; /* malloc'ed */
} sscam_value;

/* All options of one explainer, indexed by SSCAM_OPTION_ identifier. */
typedef struct sscam_settings {
    sscam_value value[SSCAM_OPTION_LIMIT];
} sscam_settings;

/* All options at their defaults, some of which depend on the method. */
sscam_status sscam_settings_init(sscam_settings *settings, const char *method);
void sscam_settings_release(sscam_settings *settings);

/* Setters as in explainer.h. `method` is the explainer's, on which presets depend. */
sscam_status sscam_settings_set(sscam_settings *settings, const char *method, const char *name,
                                const char *value);
sscam_status sscam_settings_set_int(sscam_settings *settings, int32_t option, int64_t value);
sscam_status sscam_settings_set_real(sscam_settings *settings, int32_t option, double value);
sscam_status sscam_settings_set_string(sscam_settings *settings, const char *method, int32_t option,
                                       const char *value);

/* The preprocessing that the settings describe. */
sscam_status sscam_settings_transform(const sscam_settings *settings, sscam_transform *transform);

/* Whether the preprocessing options of two have the same values. */
int32_t sscam_settings_same_transform(const sscam_settings *a, const sscam_settings *b);

/* Name of the first option that an evaluation needs to be the same and that differs; NULL: none. */
const char *sscam_settings_evaluation_difference(const sscam_settings *a, const sscam_settings *b);

/* Value as text in `buffer`, or a pointer to text that the settings or the table own; NULL: no such
 * option. */
const char *sscam_settings_get(const sscam_settings *settings, const char *name, char *buffer,
                               size_t size);

#endif
