/* Annotations of images in PASCAL VOC's XML, which ImageNet and Stanford40 use, too. */
#ifndef SSCAM_TOOLS_DATA_ANNOTATION_XML_H
#define SSCAM_TOOLS_DATA_ANNOTATION_XML_H

#include <stddef.h>
#include <stdint.h>

struct annotated_object {
    char *name, *action; /* NULL where the file has none */
    double edges[4];     /* left, top, right, bottom; the first pixel reaches from 0 to 1 */
};

struct annotation {
    double width, height; /* of the image that was annotated; 0 when the file does not say */
    struct annotated_object *objects;
    size_t count;
};

/* Objects that a file may have unless the caller says otherwise. */
#define ANNOTATION_MOST_OBJECTS 4096

/* Reads a file of at most max_objects objects, of 256 bytes each; NULL, or why it cannot be used,
 * to be freed. Then the annotation is empty. Nothing but the file itself is read, whatever it
 * refers to. */
char *annotation_read(const char *path, int64_t max_objects, struct annotation *annotation);

void annotation_free(struct annotation *annotation);

/* Edges of VOC's xmin, ymin, xmax, ymax: whole numbers count pixels from 1, the last one included;
 * where any is not whole, they are edges already. */
void voc_edges(const double box[4], double edges[4]);

#endif
