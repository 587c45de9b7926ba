/* An explainer's inside. */
#ifndef SSCAM_LIB_EXPLAINER_PRIVATE_H
#define SSCAM_LIB_EXPLAINER_PRIVATE_H

#include "options.h"
#include "progress.h"
#include "strategy.h"

struct sscam_explainer {
    sscam_model *model;
    const sscam_method *method;
    sscam_settings settings;
    sscam_progress progress;
    char value_text[64]; /* what sscam_explainer_get() hands out */
};

#endif
