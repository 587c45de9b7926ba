/* Annotations of images in the XML of PASCAL VOC, which ImageNet and Stanford40 use, too. */
#ifndef SSCAM_TOOLS_DATA_ANNOTATION_XML_H
#define SSCAM_TOOLS_DATA_ANNOTATION_XML_H

#include <stddef.h>
#include <stdint.h>

struct annotated_object {
    char *name, *action; /* NULL where the file has none */
    double edges[4];     /* left, top, right, bottom; the first pixel spans 0 to 1 */
};

struct annotation {
    double width, height; /* of the annotated image; 0 when the file does not give them */
    struct annotated_object *objects;
    size_t count;
};

/* The default limit of objects in a file. */
#define ANNOTATION_MOST_OBJECTS 4096

/* Reads a file of at most max_objects objects and 256 bytes for each. Returns NULL, or why the file
 * cannot be used, which the caller frees; the annotation is then empty. Entities and other files
 * that it refers to are not loaded. */
char *annotation_read(const char *path, int64_t max_objects, struct annotation *annotation);

void annotation_free(struct annotation *annotation);

/* Edges of a box xmin, ymin, xmax, ymax. VOC's are whole numbers: pixels counted from 1, the last
 * one included. Where any number is not whole, all are edges already. */
void voc_edges(const double box[4], double edges[4]);

#endif
