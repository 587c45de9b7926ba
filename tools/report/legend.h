/* A legend for one map: the colours from its lowest to its highest value, and what it shows. */
#ifndef SSCAM_TOOLS_REPORT_LEGEND_H
#define SSCAM_TOOLS_REPORT_LEGEND_H

#include <sscam/sscam.h>

struct legend {
    const char *title;    /* the class and its probability */
    const char *detail;   /* the method and the layer */
    const char *colormap; /* one of the library's */
};

/* A new image: the given one, unscaled, with a bar of the colours beside it and the texts below it.
 * EXIT_FAILED with a line that names `path`. */
int legend_add(const sscam_image *image, const struct legend *legend, const char *path,
               sscam_image **out);

#endif
