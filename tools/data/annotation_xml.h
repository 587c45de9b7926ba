/* Annotations of images in the XML of PASCAL VOC, which ImageNet and Stanford40 use, too. */
#ifndef SSCAM_TOOLS_DATA_ANNOTATION_XML_H
#define SSCAM_TOOLS_DATA_ANNOTATION_XML_H

#include <stdint.h>

#include "data/annotation.h"

/* Reads a file of at most max_objects objects and 256 bytes for each. Returns NULL, or why the file
 * cannot be used, which the caller frees; the annotation is then empty. An object without a name or
 * a box is left out. Entities and other files that it refers to are not loaded. */
char *annotation_read(const char *path, int64_t max_objects, struct annotation *annotation);

#endif
