#include "commands/explainer_set.h"

#include <stdlib.h>
#include <string.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"

int ensemble_create(const struct selection *selection, sscam_model *model,
                    struct progress *progress, struct ensemble *ensemble)
{
    size_t most = selection->methods.count * selection->layers.count;

    ensemble->explainers = allocate(most, sizeof(sscam_explainer *));
    ensemble->methods = allocate(most, sizeof *ensemble->methods);
    ensemble->layers = allocate(most, sizeof *ensemble->layers);
    for (; ensemble->count < most; ensemble->count++) {
        size_t method = ensemble->count / selection->layers.count;
        size_t layer = ensemble->count % selection->layers.count;
        sscam_explainer **explainer = &ensemble->explainers[ensemble->count];

        int code = selection_explainer(selection, model, selection->methods.items[method],
                                       selection->layers.items[layer], explainer);
        if (code)
            return code;
        ensemble->methods[ensemble->count] = method;
        ensemble->layers[ensemble->count] = layer;
        sscam_explainer_set_progress(*explainer, progress_report, progress);
    }
    return EXIT_OK;
}

/* Only these methods ask something of the network's structure. */
static bool may_be_unsupported(const char *name)
{
    for (size_t i = 0; i < sscam_method_count(); i++)
        if (!strcmp(sscam_method_name(sscam_method_info(i)), name))
            return sscam_method_needs(sscam_method_info(i)) & SSCAM_NEEDS_POOLED_LINEAR;
    return false;
}

int ensemble_narrow(struct ensemble *ensemble, const struct selection *selection,
                    ensemble_trial *trial, void *user)
{
    size_t kept = 0;

    if (!selection->every_method)
        return EXIT_OK;
    for (size_t i = 0; i < ensemble->count; i++) {
        sscam_explainer *explainer = ensemble->explainers[i];
        const char *name = selection->methods.items[ensemble->methods[i]];

        /* Other failures are left to the call that follows. */
        if (may_be_unsupported(name) && trial(user, explainer) == SSCAM_E_UNSUPPORTED) {
            note(name, sscam_last_error());
            sscam_explainer_destroy(explainer);
            continue;
        }
        ensemble->explainers[kept] = explainer;
        ensemble->methods[kept] = ensemble->methods[i];
        ensemble->layers[kept++] = ensemble->layers[i];
    }
    ensemble->count = kept;
    return kept ? EXIT_OK : fail("methods", "none can explain this network");
}

int64_t *ensemble_classes(const struct selection *selection, int64_t input_count)
{
    size_t count = selection->class_count;
    int64_t *classes = allocate((size_t)input_count * count, sizeof *classes);

    for (size_t i = 0; i < (size_t)input_count * count; i++)
        classes[i] = selection->classes[i % count].index;
    return classes;
}

void ensemble_free(struct ensemble *ensemble)
{
    for (size_t i = 0; i < ensemble->count; i++)
        sscam_explainer_destroy(ensemble->explainers[i]);
    free(ensemble->explainers);
    free(ensemble->methods);
    free(ensemble->layers);
    *ensemble = (struct ensemble){0};
}
