/* The detections of an image in place of classes, where the network is a detector. */
#include <stdio.h>
#include <stdlib.h>

#include "commands/explain_request.h"
#include "common/checked_alloc.h"

/* Detections that are explained where no class is named, and that there may be (detection.h). */
enum { MOST_DETECTIONS = 5, MOST_FOUND = 1024 };

static void add_detection(struct selection *selection, int64_t rank)
{
    struct chosen_class *chosen = &selection->classes[selection->class_count++];

    chosen->index = SSCAM_CLASS_RANKED(rank + 1);
    snprintf(chosen->name, sizeof chosen->name, "detection%d", (int)rank); /* fewer than 1024 */
}

/* Those of a class; of the top class the most confident ones of all. */
static void add_detections(struct selection *selection, const struct chosen_class *wanted,
                           const sscam_detection *detections, int64_t count)
{
    const size_t before = selection->class_count;

    for (int64_t i = 0; i < count; i++)
        if (wanted->index == SSCAM_CLASS_TOP ? i < MOST_DETECTIONS
                                             : detections[i].class_index == wanted->index)
            add_detection(selection, i);
    if (selection->class_count == before) /* the library says why there is none */
        selection->classes[selection->class_count++] = *wanted;
}

static void replace_classes(struct explain_request *request, const sscam_detection *detections,
                            int64_t count)
{
    struct selection *selection = &request->selection;

    request->named_classes = selection->classes;
    request->named_class_count = selection->class_count;
    selection->classes = allocate(request->named_class_count * ((size_t)count + 1),
                                  sizeof *selection->classes);
    selection->class_count = 0;
    for (size_t i = 0; i < request->named_class_count; i++)
        add_detections(selection, &request->named_classes[i], detections, count);
}

void take_detections(struct explain_request *request)
{
    const struct settings *settings = &request->selection.settings;
    sscam_explainer *explainer = request->explainer_set.explainers[0];
    int64_t count = 0;

    if (!request->image || settings_have(settings, "box") || settings_have(settings, "detection"))
        return;
    sscam_detection *detections = allocate(MOST_FOUND, sizeof *detections);
    /* What fails here fails in the explanation, too, which tells. */
    if (!sscam_explainer_detect(explainer, request->image, detections, MOST_FOUND, &count))
        replace_classes(request, detections, count);
    free(detections);
}

void drop_detections(struct explain_request *request)
{
    struct selection *selection = &request->selection;

    if (!request->named_classes)
        return;
    free(selection->classes);
    selection->classes = request->named_classes;
    selection->class_count = request->named_class_count;
    request->named_classes = NULL;
}
