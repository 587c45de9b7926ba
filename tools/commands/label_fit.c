#include "commands/label_fit.h"

#include <stdlib.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"

/* Trials of one network; the first that fails for a reason that is not the class ends them. */
struct trials {
    sscam_explainer *explainer;
    class_trial *trial;
    void *user;
    bool have_failed;
};

static bool has_class(struct trials *trials, size_t class_index)
{
    sscam_status status = trials->have_failed ? SSCAM_OK
                                              : trials->trial(trials->user, trials->explainer,
                                                              (int64_t)class_index);

    trials->have_failed = trials->have_failed || (status && status != SSCAM_E_CLASS);
    return !status;
}

static enum class_count_order compare_counts(struct trials *trials, size_t count)
{
    enum class_count_order order = CLASSES_MORE;

    if (!has_class(trials, count - 1))
        order = count > 1 && has_class(trials, count - 2) ? CLASSES_ONE_FEWER : CLASSES_FEWER;
    else if (!has_class(trials, count))
        order = CLASSES_AS_MANY;
    else if (!has_class(trials, count + 1))
        order = CLASSES_ONE_MORE;
    return trials->have_failed ? CLASSES_UNKNOWN : order;
}

int label_fit(const struct selection *selection, sscam_model *model, size_t name_count,
              class_trial *trial, void *user, enum class_count_order *order)
{
    /* With these an existing class may fail, too, or costs more. */
    static const char *const plain[][2] = {
        {"target", "class"}, {"region", "all"}, {"aug_smooth", "off"}};
    struct trials trials = {.trial = trial, .user = user};

    *order = CLASSES_UNKNOWN;
    if (!name_count)
        return EXIT_OK;
    int code = selection_top_class_explainer(selection, model, &trials.explainer);
    if (code)
        return code;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (sscam_explainer_set(trials.explainer, plain[i][0], plain[i][1]))
            trials.have_failed = true;
    *order = compare_counts(&trials, name_count);
    sscam_explainer_unref(trials.explainer);
    return EXIT_OK;
}

static void note_labels(const struct labels *labels, char *why)
{
    note(labels->path, why);
    free(why);
}

static int fail_too_many(const struct labels *labels)
{
    return fail(labels->path, "names classes up to %zu, which the network does not have%s",
                labels->count - 1,
                labels->has_indices ? "; it counts them from 0"
                                    : ": is one of the lines a heading?");
}

int selection_check_labels(struct selection *selection, sscam_model *model, class_trial *trial,
                           void *user)
{
    struct labels *labels = &selection->labels;
    enum class_count_order order;
    int code = label_fit(selection, model, labels->count, trial, user, &order);

    if (code)
        return code;
    switch (order) {
    case CLASSES_ONE_FEWER:
        if (!labels_first_is_extra(labels))
            return fail_too_many(labels);
        note_labels(labels, format_text("'%s' is no class of the network: class 0 is '%s'",
                                        labels->names[0], labels->names[1]));
        labels_drop_first(labels);
        return selection_resolve_classes(selection);
    case CLASSES_FEWER: return fail_too_many(labels);
    case CLASSES_ONE_MORE:
        if (!labels->has_indices)
            return fail(
                labels->path,
                "names %zu classes, the network has %zu: is its class 0 a background, which "
                "the file does not name?",
                labels->count, labels->count + 1);
        break;
    case CLASSES_MORE:
        note_labels(labels, format_text("names %zu classes, the network has more: they must be its "
                                        "first ones",
                                        labels->count));
        break;
    default: break;
    }
    return EXIT_OK;
}
