/* Data sets: images with the classes and boxes of their objects, in the layouts in which they are
 * published. */
#ifndef SSCAM_TOOLS_DATA_DATASET_H
#define SSCAM_TOOLS_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/csv.h"
#include "data/labels.h"
#include "text/string_list.h"

/* The data set of the command line; NULL for what it does not give. */
struct dataset_request {
    const char *path, *layout, *annotations, *split, *truth;
    int64_t max_objects; /* in an XML file */
};

/* One line of a plain list: a class, with or without a box. */
struct listed_object {
    char *class_text;
    bool has_box;
    double edges[4];
};

struct dataset_image {
    char *name; /* unique within the data set: its path from the data set's folder of images */
    char *path;
    char *annotation;              /* path of its XML file, or NULL */
    char *class_text;              /* the class of the whole image, or NULL */
    struct listed_object *objects; /* of a plain list */
    size_t object_count;
};

struct dataset {
    const char *layout;
    bool takes_actions; /* classes are the actions of objects, not their names */
    struct text_list
        folders; /* of a tree of classes: their order is that of the network's outputs */
    struct dataset_image *images;
    size_t count;
    size_t skipped; /* entries whose names cannot be used */
    int64_t max_objects;
};

/* The classes and boxes of one image. */
struct dataset_cases {
    int64_t *classes;
    size_t class_count;
    float *boxes;         /* [box_count, 4] */
    int64_t *box_classes; /* positions in classes */
    size_t box_count;
    size_t unknown_count; /* objects whose class the labels do not have */
    bool was_scaled;      /* the annotation was made for another image size */
};

/* Lists the images of a data set, sorted by name. EXIT_FAILED or EXIT_USAGE with a line. */
int dataset_open(const struct dataset_request *request, struct dataset *dataset);

/* Classes and boxes of an image of width x height pixels, in the order of their first object; none
 * when the data set names none. Returns NULL, or why the annotation cannot be used, which the
 * caller frees. */
char *dataset_cases(const struct dataset *dataset, const struct dataset_image *image,
                    const struct labels *labels, int32_t width, int32_t height,
                    struct dataset_cases *cases);

void dataset_cases_free(struct dataset_cases *cases);
void dataset_free(struct dataset *dataset);

/* --- for the layouts -------------------------------------------------------------------------- */

/* Adds an image, or skips it with a note (NULL). Takes ownership of both texts. */
struct dataset_image *dataset_add(struct dataset *dataset, char *name, char *path);

/* A plain list: file,class,xmin,ymin,xmax,ymax. */
int dataset_open_csv(const struct dataset_request *request, struct dataset *dataset);

/* The layouts of folders. */
int dataset_open_imagenet(const struct dataset_request *request, struct dataset *dataset);
int dataset_open_voc(const struct dataset_request *request, struct dataset *dataset);
int dataset_open_stanford40(const struct dataset_request *request, struct dataset *dataset);
int dataset_open_folders(const struct dataset_request *request, struct dataset *dataset);

#endif
