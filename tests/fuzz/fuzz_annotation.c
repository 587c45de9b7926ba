/* Annotations in PASCAL VOC's XML. */
#include <math.h>
#include <string.h>

#include "data/annotation_xml.h"
#include "memory_file.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct annotation annotation;
    char *why = annotation_read(memory_file(data, size), ANNOTATION_MOST_OBJECTS, &annotation);

    PROMISE(!why || (*why && annotation.count == 0));
    PROMISE(annotation.width >= 0 && annotation.height >= 0);
    PROMISE(isfinite(annotation.width) && isfinite(annotation.height));
    for (size_t i = 0; i < annotation.count; i++) {
        const struct annotated_object *object = &annotation.objects[i];
        PROMISE(object->name || object->action);
        PROMISE(!object->name || strlen(object->name) > 0);
        PROMISE(object->edges[0] < object->edges[2] && object->edges[1] < object->edges[3]);
        for (int edge = 0; edge < 4; edge++)
            PROMISE(isfinite(object->edges[edge]));
    }
    annotation_free(&annotation);
    free(why);
    return 0;
}
