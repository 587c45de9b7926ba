#include "data/dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/annotation_xml.h"
#include "data/folder.h"

struct layout {
    const char *name;
    int (*open)(const struct dataset_request *request, struct dataset *dataset);
};

static const struct layout layouts[] = {
    {"imagenet", dataset_open_imagenet},
    {"voc", dataset_open_voc},
    {"stanford40", dataset_open_stanford40},
    {"folders", dataset_open_folders},
    {"csv", dataset_open_csv},
};

#define LAYOUT_COUNT (sizeof layouts / sizeof *layouts)

static bool has_folder(const char *path, const char *name)
{
    char *inner = join_path(path, name);
    bool has = is_folder(inner);

    free(inner);
    return has;
}

/* The layout of a data set, by a folder that no other layout has. */
static const char *recognised_layout(const char *path)
{
    struct text_list folders = {0}, images = {0};
    const char *name = "folders";

    if (is_file(path))
        return "csv";
    if (has_folder(path, "JPEGImages"))
        return has_folder(path, "XMLAnnotations") || has_folder(path, "ImageSplits") ? "stanford40"
                                                                                     : "voc";
    if (has_folder(path, "Data/CLS-LOC"))
        return "imagenet";
    if (folder_folders(path, &folders) || folder_images(path, &images))
        name = NULL;
    else if (images.count)
        name = "imagenet";
    for (size_t i = 0; name && i < folders.count; i++) {
        char *inner = join_path(path, folders.items[i]);
        if (!strncasecmp(folders.items[i], "VOC", 3) && has_folder(inner, "JPEGImages"))
            name = "voc";
        free(inner);
    }
    text_list_free(&folders);
    text_list_free(&images);
    return name;
}

int dataset_open(const struct dataset_request *request, struct dataset *dataset)
{
    const char *name = request->layout;

    *dataset = (struct dataset){.max_objects = request->max_objects};
    if (!is_file(request->path) && !is_folder(request->path))
        return fail(request->path, "there is no such data set");
    if (!name || !strcmp(name, "auto"))
        name = recognised_layout(request->path);
    if (!name)
        return EXIT_FAILED;
    for (size_t i = 0; i < LAYOUT_COUNT; i++) {
        if (strcmp(layouts[i].name, name))
            continue;
        dataset->layout = layouts[i].name;
        int code = layouts[i].open(request, dataset);
        if (!code && !dataset->count)
            code = fail(request->path, "holds no images in the layout %s", name);
        return code;
    }
    return fail_usage(
        "eval", "there is no layout '%s': imagenet, voc, stanford40, folders, csv, auto", name);
}

struct dataset_image *dataset_add(struct dataset *dataset, char *name, char *path)
{
    if (strpbrk(name, "\r\n")) {
        note(path, "its name holds a line break; skipped");
        free(name);
        free(path);
        dataset->skipped++;
        return NULL;
    }
    dataset->images = grow(dataset->images, dataset->count, sizeof *dataset->images);
    struct dataset_image *image = &dataset->images[dataset->count++];
    *image = (struct dataset_image){.name = name, .path = path};
    return image;
}

void dataset_free(struct dataset *dataset)
{
    for (size_t i = 0; i < dataset->count; i++) {
        struct dataset_image *image = &dataset->images[i];

        for (size_t j = 0; j < image->object_count; j++)
            free(image->objects[j].class_text);
        free(image->objects);
        free(image->name);
        free(image->path);
        free(image->annotation);
        free(image->class_text);
    }
    free(dataset->images);
    text_list_free(&dataset->folders);
    *dataset = (struct dataset){0};
}

/* --- classes and boxes of an image ------------------------------------------------------------ */

/* Index of a class by its text: a name of the labels, or the rank of a folder among its siblings,
 * or a number. -1 when it is none of these. */
static int64_t class_of(const struct dataset *dataset, const struct labels *labels,
                        const char *text)
{
    int64_t index = labels->path ? labels_look_up(labels, text) : -1;
    size_t digits = strspn(text, "0123456789");

    if (index >= 0)
        return index;
    for (size_t i = 0; !labels->path && i < dataset->folders.count; i++)
        if (!strcmp(dataset->folders.items[i], text))
            return (int64_t)i;
    return digits && !text[digits] && sscam_parse_int(text, &index) ? index : -1;
}

/* Position of a class among the cases, added when it is new. */
static size_t case_of(struct dataset_cases *cases, int64_t class_index)
{
    for (size_t i = 0; i < cases->class_count; i++)
        if (cases->classes[i] == class_index)
            return i;
    cases->classes = grow(cases->classes, cases->class_count, sizeof *cases->classes);
    cases->classes[cases->class_count] = class_index;
    return cases->class_count++;
}

static void add_box(struct dataset_cases *cases, size_t class_position, const double edges[4],
                    double scale_x, double scale_y)
{
    size_t count = cases->box_count++;

    cases->boxes = grow(cases->boxes, count, 4 * sizeof *cases->boxes);
    cases->box_classes = grow(cases->box_classes, count, sizeof *cases->box_classes);
    cases->box_classes[count] = (int64_t)class_position;
    for (int i = 0; i < 4; i++)
        cases->boxes[4 * count + (size_t)i] = (float)(edges[i] * (i % 2 ? scale_y : scale_x));
}

/* Adds an object; where the whole image has a class (`only`), other classes are left out. */
static void add_object(const struct dataset *dataset, const struct labels *labels,
                       const char *class_text, const double *edges, const double scale[2],
                       int64_t only, struct dataset_cases *cases)
{
    int64_t index = class_of(dataset, labels, class_text);

    if (index < 0)
        cases->unknown_count++;
    else if (only < 0 || only == index) {
        size_t position = case_of(cases, index);
        if (edges)
            add_box(cases, position, edges, scale[0], scale[1]);
    }
}

static char *add_annotated(const struct dataset *dataset, const struct dataset_image *image,
                           const struct labels *labels, const int32_t size[2], int64_t only,
                           struct dataset_cases *cases)
{
    struct annotation annotation;
    double scale[2] = {1, 1};
    char *why = annotation_read(image->annotation, dataset->max_objects, &annotation);

    if (why) {
        char *longer = format_text("%s: %s", image->annotation, why);
        free(why);
        return longer;
    }
    if (annotation.width > 0 && annotation.height > 0) {
        scale[0] = size[0] / annotation.width;
        scale[1] = size[1] / annotation.height;
        cases->was_scaled = scale[0] != 1 || scale[1] != 1;
    }
    for (size_t i = 0; i < annotation.count; i++) {
        const struct annotated_object *object = &annotation.objects[i];
        const char *text = dataset->takes_actions ? object->action : object->name;

        if (text)
            add_object(dataset, labels, text, object->edges, scale, only, cases);
    }
    annotation_free(&annotation);
    return NULL;
}

char *dataset_cases(const struct dataset *dataset, const struct dataset_image *image,
                    const struct labels *labels, int32_t width, int32_t height,
                    struct dataset_cases *cases)
{
    static const double whole[2] = {1, 1};
    const int32_t size[2] = {width, height};
    char *why = NULL;
    int64_t only = -1;

    *cases = (struct dataset_cases){0};
    if (image->class_text) {
        only = class_of(dataset, labels, image->class_text);
        if (only < 0)
            return format_text("the class '%s' is not among %s", image->class_text,
                               labels->path ? labels->path
                                            : "the classes; --labels gives their names");
        case_of(cases, only);
    }
    if (image->annotation)
        why = add_annotated(dataset, image, labels, size, only, cases);
    for (size_t i = 0; i < image->object_count; i++) {
        const struct listed_object *object = &image->objects[i];

        add_object(dataset, labels, object->class_text, object->has_box ? object->edges : NULL,
                   whole, only, cases);
    }
    if (!why && cases->unknown_count && !cases->class_count)
        why = format_text("none of its classes is among %s",
                          labels->path ? labels->path : "the classes; --labels gives their names");
    if (why)
        dataset_cases_free(cases);
    return why;
}

void dataset_cases_free(struct dataset_cases *cases)
{
    free(cases->classes);
    free(cases->boxes);
    free(cases->box_classes);
    *cases = (struct dataset_cases){0};
}
