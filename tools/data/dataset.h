/* Data sets: images with the classes and boxes of their objects, in the layouts in which they are
 * published. */
#ifndef SSCAM_TOOLS_DATA_DATASET_H
#define SSCAM_TOOLS_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/annotation.h"
#include "data/labels.h"
#include "text/string_list.h"

/* The data set of the command line; NULL for what it does not give. */
struct dataset_request {
    const char *path, *layout, *annotations, *split, *truth;
    int64_t max_objects; /* of an image */
    bool has_classes;    /* those of the command line: annotated ones need not be known */
    bool takes_any_box;  /* boxes count for every class of an image */
};

struct dataset_image {
    char *name; /* unique within the data set: its path from the data set's folder of images */
    char *path;
    char *annotation;         /* path of its XML or YOLO file, or NULL */
    char *class_text;         /* the class of the whole image, or NULL */
    struct annotation listed; /* its objects in a file of the whole data set */
};

struct dataset {
    const char *layout;
    bool takes_actions; /* classes are the actions of objects, not their names */
    struct text_list
        folders; /* of a tree of classes: their order is that of the network's outputs */
    struct labels class_names; /* of YOLO's numbers */
    bool is_yolo, has_points;  /* annotations are YOLO's, with keypoints after each box */
    struct dataset_image *images;
    size_t count;
    size_t skipped; /* entries that cannot be used, each noted */
    int64_t max_objects;
    bool has_classes, takes_any_box;
};

/* The box of an object whose class is not among the cases. */
#define BOX_OF_NO_CASE (-1)

/* The classes and boxes of one image. */
struct dataset_cases {
    int64_t *classes;
    size_t class_count;
    float *boxes;         /* [box_count, 4] */
    int64_t *box_classes; /* positions in classes, or BOX_OF_NO_CASE where boxes count for all */
    size_t box_count;
    size_t unknown_count; /* objects whose class the labels do not have */
    size_t unusable_count;
    char *unusable_why; /* of the first of them */
    bool was_scaled;    /* the annotation was made for another image size */
};

/* Lists the images of a data set. EXIT_FAILED or EXIT_USAGE with a line. */
int dataset_open(const struct dataset_request *request, struct dataset *dataset);

/* Classes and boxes of an image of width x height pixels, in the order of their first object; none
 * when the data set names none. Returns NULL, or why the annotation cannot be used, which the
 * caller frees. */
char *dataset_cases(const struct dataset *dataset, const struct dataset_image *image,
                    const struct labels *labels, int32_t width, int32_t height,
                    struct dataset_cases *cases);

/* Gives every class all boxes. */
void dataset_share_boxes(struct dataset_cases *cases);

void dataset_cases_free(struct dataset_cases *cases);
void dataset_free(struct dataset *dataset);

/* --- for the layouts -------------------------------------------------------------------------- */

/* Adds an image, or skips it with a note (NULL). Takes ownership of both texts. */
struct dataset_image *dataset_add(struct dataset *dataset, char *name, char *path);

/* Counts an entry that cannot be used, with a note. */
void dataset_skip(struct dataset *dataset, const char *what, const char *why);

/* The path of a name in a file, from a folder (of the first `length` bytes): with slashes where
 * only that exists. The caller frees it. */
char *dataset_path(const char *folder, size_t length, const char *name);

/* A plain list with one line for each object. */
int dataset_open_csv(const struct dataset_request *request, struct dataset *dataset);

/* COCO's JSON, and whether a folder holds such a file in a usual place. */
int dataset_open_coco(const struct dataset_request *request, struct dataset *dataset);
bool dataset_is_coco(const char *folder);

/* YOLO's text files beside images, and whether a folder is laid out so. */
int dataset_open_yolo(const struct dataset_request *request, struct dataset *dataset);
bool dataset_is_yolo(const char *folder);

/* The layouts of folders. */
int dataset_open_imagenet(const struct dataset_request *request, struct dataset *dataset);
int dataset_open_voc(const struct dataset_request *request, struct dataset *dataset);
int dataset_open_stanford40(const struct dataset_request *request, struct dataset *dataset);
int dataset_open_folders(const struct dataset_request *request, struct dataset *dataset);

/* Names of parts of a data set, the one that `eval` takes by default first; NULL ends. */
extern const char *const dataset_split_names[];

#endif
