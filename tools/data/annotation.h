/* The objects of an image, whatever file annotates them. */
#ifndef SSCAM_TOOLS_DATA_ANNOTATION_H
#define SSCAM_TOOLS_DATA_ANNOTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct annotated_object {
    char *name, *action; /* NULL where the file has none */
    size_t line;         /* of a file with a line for each object, from 1; else 0 */
    bool has_box;
    bool is_voc;     /* whole coordinates count pixels from 1, the last one included */
    double edges[4]; /* left, top, right, bottom; the first pixel spans 0 to 1. Until
                        annotation_finish() as the file has them */
};

struct annotation {
    double width, height; /* of the annotated image, 1 for shares; 0 when the file gives no size */
    bool is_share;        /* edges are shares of the image, 0 to 1 */
    struct annotated_object *objects;
    size_t count;
    size_t unusable;    /* objects that are left out */
    char *unusable_why; /* of the first of them, or NULL */
};

/* The default limit of objects of an image. */
#define ANNOTATION_MOST_OBJECTS 4096

/* The range of the coordinates of boxes that one file gives. */
struct box_range {
    double least, most;
    bool has_fraction; /* some coordinate is not whole */
    bool is_known;
};

/* Adds an object, whose texts the annotation then owns. */
struct annotated_object *annotation_add(struct annotation *annotation,
                                        struct annotated_object object);

/* Counts an object that cannot be used; takes ownership of the reason. */
void annotation_leave_out(struct annotation *annotation, char *why);

/* Extends a range by the boxes of an annotation. */
void box_range_extend(struct box_range *range, const struct annotation *annotation);

/* Whether boxes of that range are shares of their images: none leaves [0,1], and some coordinate
 * lies between. */
bool box_range_is_of_shares(const struct box_range *range);

/* Makes all boxes edges, as shares or in pixels, and leaves out those that are empty, or lie within
 * one pixel as shares would. */
void annotation_finish(struct annotation *annotation, bool is_share);

void annotation_free(struct annotation *annotation);

/* Whether a coordinate has a reasonable size. */
bool is_coordinate(double number);

#endif
