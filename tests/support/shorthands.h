/* Short forms of public calls that tests make often. */
#ifndef SSCAM_TESTS_SUPPORT_SHORTHANDS_H
#define SSCAM_TESTS_SUPPORT_SHORTHANDS_H

#include <stdio.h>

#include "sscam/sscam.h"

/* What to evaluate on an image, for sscam_evaluation_add(). */
#define CASES(class_list, number_of_classes, box_list, owners, number_of_boxes) \
    (&(sscam_evaluation_case){.struct_size = sizeof(sscam_evaluation_case),     \
                              .classes = (class_list),                          \
                              .class_count = (number_of_classes),               \
                              .boxes = (box_list),                              \
                              .box_classes = (owners),                          \
                              .box_count = (number_of_boxes)})

/* Value of an option as text, cut at 1023 bytes and valid for the next few calls; NULL where
 * sscam_explainer_get() fails. For one thread. */
static inline const char *option_text(const sscam_explainer *explainer, const char *name)
{
    static char kept[8][1024];
    static unsigned next;
    char *to = kept[next++ % (sizeof kept / sizeof *kept)], *text;
    if (sscam_explainer_get(explainer, name, &text) != SSCAM_OK)
        return NULL;
    snprintf(to, sizeof *kept, "%s", text);
    sscam_free(text);
    return to;
}

#endif
