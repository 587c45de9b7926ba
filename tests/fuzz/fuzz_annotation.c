/* Annotations of one image: PASCAL VOC's XML, or YOLO's lines where no '<' begins the input. */
#include <math.h>
#include <string.h>

#include "data/annotation_xml.h"
#include "data/annotation_yolo.h"
#include "memory_file.h"
#include "target.h"

static char *read_any(const char *path, int is_xml, struct annotation *annotation)
{
    char name[] = "cat", *names[] = {name, name, name};
    const struct labels labels = {.names = names, .count = 3, .path = "names"};

    return is_xml ? annotation_read(path, ANNOTATION_MOST_OBJECTS, annotation)
                  : annotation_read_yolo(path, ANNOTATION_MOST_OBJECTS, &labels, false, annotation);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct annotation annotation;
    int is_xml = size && memchr(data, '<', size < 8 ? size : 8);
    char *why = read_any(memory_file(data, size), is_xml, &annotation);

    PROMISE(!why || (*why && annotation.count == 0 && !annotation.unusable));
    PROMISE(annotation.width >= 0 && annotation.height >= 0);
    PROMISE(isfinite(annotation.width) && isfinite(annotation.height));
    PROMISE(!annotation.unusable == !annotation.unusable_why);
    for (size_t i = 0; i < annotation.count; i++) {
        const struct annotated_object *object = &annotation.objects[i];
        PROMISE(object->name || object->action);
        PROMISE(!object->name || strlen(object->name) > 0);
        PROMISE(object->has_box);
        PROMISE(object->edges[0] < object->edges[2] && object->edges[1] < object->edges[3]);
        for (int edge = 0; edge < 4; edge++)
            PROMISE(isfinite(object->edges[edge]) &&
                    (!annotation.is_share || fabs(object->edges[edge] - 0.5) <= 0.5));
    }
    annotation_free(&annotation);
    free(why);
    return 0;
}
