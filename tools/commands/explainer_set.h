/* The explainers of a selection, one for each of its methods and layers, which share their work. */
#ifndef SSCAM_TOOLS_COMMANDS_EXPLAINER_SET_H
#define SSCAM_TOOLS_COMMANDS_EXPLAINER_SET_H

#include <stddef.h>

#include <sscam/sscam.h>

#include "commands/selection.h"
#include "common/progress_bar.h"

struct ensemble {
    sscam_explainer **explainers;
    size_t *methods, *layers; /* the place of each explainer's method and layer in the selection */
    size_t count;
};

/* Explains one input with one explainer, throws the map away and returns the status. */
typedef sscam_status ensemble_trial(void *user, sscam_explainer *explainer);

/* Makes the explainers, method by method, with their options set; they report to `progress`. */
int ensemble_create(const struct selection *selection, sscam_model *model,
                    struct progress *progress, struct ensemble *ensemble);

/* When the selection asks for `all` methods: leaves out those that cannot explain the network, with
 * a note each. EXIT_FAILED when none is left. */
int ensemble_narrow(struct ensemble *ensemble, const struct selection *selection,
                    ensemble_trial *trial, void *user);

/* The classes of a selection as the library takes them, all for each input. The caller frees them.
 */
int64_t *ensemble_classes(const struct selection *selection, int64_t input_count);

void ensemble_free(struct ensemble *ensemble);

#endif
