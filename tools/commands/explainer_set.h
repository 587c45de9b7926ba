/* The explainers of a selection, one for each of its methods and layers, which share their work. */
#ifndef SSCAM_TOOLS_COMMANDS_EXPLAINER_SET_H
#define SSCAM_TOOLS_COMMANDS_EXPLAINER_SET_H

#include <stddef.h>

#include <sscam/sscam.h>

#include "commands/selection.h"
#include "common/progress_bar.h"

struct explainer_set {
    sscam_explainer **explainers;
    size_t *methods, *layers; /* index of each explainer's method and layer in the selection */
    size_t count;
};

/* Explains one input with one explainer, throws the map away and returns the status. */
typedef sscam_status explainer_trial(void *user, sscam_explainer *explainer);

/* Makes the explainers, method by method, with their options set; they report to `progress`. */
int explainer_set_create(const struct selection *selection, sscam_model *model,
                         struct progress *progress, struct explainer_set *set);

/* When the selection asks for `all` methods: leaves out those that cannot explain the network, with
 * a note each. EXIT_FAILED when none is left. */
int explainer_set_drop_unsupported(struct explainer_set *set, const struct selection *selection,
                                   explainer_trial *trial, void *user);

/* The classes of a selection as the library takes them, all for each input. The caller frees
 * them. */
int64_t *selection_classes(const struct selection *selection, int64_t input_count);

void explainer_set_free(struct explainer_set *set);

#endif
