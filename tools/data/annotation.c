#include "data/annotation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/checked_alloc.h"

#define LARGEST_COORDINATE 1e6
/* Shares that were rounded or augmented leave [0,1] by a little. */
#define SHARE_TOLERANCE 0.01

bool is_coordinate(double number)
{
    return fabs(number) <= LARGEST_COORDINATE;
}

struct annotated_object *annotation_add(struct annotation *annotation,
                                        struct annotated_object object)
{
    annotation->objects = grow(annotation->objects, annotation->count, sizeof *annotation->objects);
    annotation->objects[annotation->count] = object;
    return &annotation->objects[annotation->count++];
}

void annotation_leave_out(struct annotation *annotation, char *why)
{
    if (!annotation->unusable++)
        annotation->unusable_why = why;
    else
        free(why);
}

void box_range_extend(struct box_range *range, const struct annotation *annotation)
{
    for (size_t i = 0; i < annotation->count; i++)
        for (int edge = 0; edge < 4 && annotation->objects[i].has_box; edge++) {
            double value = annotation->objects[i].edges[edge];

            range->least = range->is_known ? fmin(range->least, value) : value;
            range->most = range->is_known ? fmax(range->most, value) : value;
            range->has_fraction = range->has_fraction || value != floor(value);
            range->is_known = true;
        }
}

bool box_range_is_of_shares(const struct box_range *range)
{
    return range->is_known && range->has_fraction && range->least >= -SHARE_TOLERANCE &&
           range->most <= 1 + SHARE_TOLERANCE;
}

/* VOC's boxes are whole numbers: pixels counted from 1, the last one included. Where any number is
 * not whole, all are edges already. */
static void make_edges(const struct annotated_object *object, bool is_share, double edges[4])
{
    bool is_whole = object->is_voc && !is_share;

    for (int i = 0; i < 4; i++)
        is_whole = is_whole && object->edges[i] == floor(object->edges[i]);
    for (int i = 0; i < 4; i++)
        edges[i] = is_share ? fmin(fmax(object->edges[i], 0), 1)
                            : object->edges[i] - (is_whole && i < 2);
}

/* Makes the box of an object edges. Returns NULL, or why it cannot be used. */
static char *finish_box(struct annotated_object *object, bool is_share)
{
    const double *box = object->edges;
    double edges[4];

    make_edges(object, is_share, edges);
    if (!(edges[0] < edges[2] && edges[1] < edges[3]))
        return format_text("the box %g,%g,%g,%g is empty", box[0], box[1], box[2], box[3]);
    if (!is_share && box[0] >= 0 && box[1] >= 0 && box[2] <= 1 && box[3] <= 1)
        return format_text("the box %g,%g,%g,%g lies within one pixel", box[0], box[1], box[2],
                           box[3]);
    for (int i = 0; i < 4; i++)
        object->edges[i] = edges[i];
    return NULL;
}

static void free_object(struct annotated_object *object)
{
    free(object->name);
    free(object->action);
}

void annotation_finish(struct annotation *annotation, bool is_share)
{
    size_t kept = 0;

    annotation->is_share = is_share;
    if (is_share)
        annotation->width = annotation->height = 1;
    for (size_t i = 0; i < annotation->count; i++) {
        struct annotated_object *object = &annotation->objects[i];
        char *why = object->has_box ? finish_box(object, is_share) : NULL;

        if (why) {
            char *longer = object->line ? format_text("line %zu: %s", object->line, why)
                                        : copy_text(why, strlen(why));
            annotation_leave_out(annotation, longer);
            free(why);
            free_object(object);
        } else {
            annotation->objects[kept++] = *object;
        }
    }
    annotation->count = kept;
}

void annotation_free(struct annotation *annotation)
{
    for (size_t i = 0; i < annotation->count; i++)
        free_object(&annotation->objects[i]);
    free(annotation->objects);
    free(annotation->unusable_why);
    *annotation = (struct annotation){0};
}
