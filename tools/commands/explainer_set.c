#include "commands/explainer_set.h"

#include <stdlib.h>
#include <string.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/large_buffers.h"

static bool scores_inputs(const struct selection *selection)
{
    for (size_t i = 0; i < selection->methods.count; i++)
        if (sscam_method_needs(sscam_method_find(selection->methods.items[i])) &
            (SSCAM_NEEDS_SCORING | SSCAM_NEEDS_ABLATION))
            return true;
    return false;
}

int explainer_set_create(const struct selection *selection, sscam_model *model,
                         struct progress *progress, struct explainer_set *set)
{
    size_t count = selection->methods.count * selection->layers.count;

    if (scores_inputs(selection))
        keep_large_buffers();

    set->explainers = allocate(count, sizeof(sscam_explainer *));
    set->methods = allocate(count, sizeof *set->methods);
    set->layers = allocate(count, sizeof *set->layers);
    for (; set->count < count; set->count++) {
        size_t method = set->count / selection->layers.count;
        size_t layer = set->count % selection->layers.count;
        sscam_explainer **explainer = &set->explainers[set->count];

        int code = selection_explainer(selection, model, selection->methods.items[method],
                                       selection->layers.items[layer], explainer);
        if (code)
            return code;
        set->methods[set->count] = method;
        set->layers[set->count] = layer;
        sscam_explainer_set_progress(*explainer, progress_report, progress);
    }
    return EXIT_OK;
}

/* Only these methods need a certain structure of the network. */
static bool may_be_unsupported(const char *name)
{
    return sscam_method_needs(sscam_method_find(name)) &
           (SSCAM_NEEDS_POOLED_LINEAR | SSCAM_NEEDS_ATTENTION);
}

int explainer_set_drop_unsupported(struct explainer_set *set, const struct selection *selection,
                                   explainer_trial *trial, void *user)
{
    size_t kept = 0;

    if (!selection->every_method)
        return EXIT_OK;
    for (size_t i = 0; i < set->count; i++) {
        sscam_explainer *explainer = set->explainers[i];
        const char *name = selection->methods.items[set->methods[i]];

        /* Other failures are left to the call that follows. */
        if (may_be_unsupported(name) && trial(user, explainer) == SSCAM_E_UNSUPPORTED) {
            note(name, sscam_last_error());
            sscam_explainer_unref(explainer);
            continue;
        }
        set->explainers[kept] = explainer;
        set->methods[kept] = set->methods[i];
        set->layers[kept++] = set->layers[i];
    }
    set->count = kept;
    return kept ? EXIT_OK : fail("methods", "none can explain this network");
}

int64_t *selection_classes(const struct selection *selection, int64_t input_count)
{
    size_t count = selection->class_count;
    int64_t *classes = allocate((size_t)input_count * count, sizeof *classes);

    for (size_t i = 0; i < (size_t)input_count * count; i++)
        classes[i] = selection->classes[i % count].index;
    return classes;
}

void explainer_set_free(struct explainer_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        sscam_explainer_unref(set->explainers[i]);
    free(set->explainers);
    free(set->methods);
    free(set->layers);
    *set = (struct explainer_set){0};
}
