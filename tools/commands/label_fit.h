/* Whether names are those of a network's classes: by their number. */
#ifndef SSCAM_TOOLS_COMMANDS_LABEL_FIT_H
#define SSCAM_TOOLS_COMMANDS_LABEL_FIT_H

#include <sscam/sscam.h>

#include "commands/selection.h"

/* Explains a class of some input with an explainer, throws the map away and returns the status. */
typedef sscam_status class_trial(void *user, sscam_explainer *explainer, int64_t class_index);

/* How many classes a network has, beside a number of names. */
enum class_count_order {
    CLASSES_AS_MANY,
    CLASSES_ONE_FEWER,
    CLASSES_FEWER,
    CLASSES_ONE_MORE,
    CLASSES_MORE,
    CLASSES_UNKNOWN
};

/* Compares by trials; unknown where they fail for another reason. EXIT_FAILED with a line where no
 * trial can be made. */
int label_fit(const struct selection *selection, sscam_model *model, size_t name_count,
              class_trial *trial, void *user, enum class_count_order *order);

/* Checks the labels of a selection, if it has any. Drops a heading or a background that the network
 * does not have, with a note, and notes names that are fewer than its classes; EXIT_FAILED with a
 * line where the names cannot be those of its classes. */
int selection_check_labels(struct selection *selection, sscam_model *model, class_trial *trial,
                           void *user);

#endif
