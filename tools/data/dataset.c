#include "data/dataset.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/path.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/annotation_xml.h"
#include "data/annotation_yolo.h"
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
    {"coco", dataset_open_coco},
    {"yolo", dataset_open_yolo},
};

#define LAYOUT_COUNT (sizeof layouts / sizeof *layouts)

const char *const dataset_split_names[] = {"test",      "val",       "valid", "validation",
                                           "val2017",   "val2014",   "train", "training",
                                           "train2017", "train2014", NULL};

static bool has_folder(const char *path, const char *name)
{
    char *inner = join_path(path, name);
    bool has = is_folder(inner);

    free(inner);
    return has;
}

static const char *layout_of_file(const char *path)
{
    const char *extension = sscam_extension(path);

    if (!strcasecmp(extension, ".json"))
        return "coco";
    return !strcasecmp(extension, ".yaml") || !strcasecmp(extension, ".yml") ? "yolo" : "csv";
}

/* The layout of a data set, by a folder that no other layout has. */
static const char *recognised_layout(const char *path)
{
    struct text_list folders = {0}, images = {0};
    const char *name = "folders";

    if (is_file(path))
        return layout_of_file(path);
    if (dataset_is_coco(path))
        return "coco";
    if (dataset_is_yolo(path))
        return "yolo";
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

    *dataset = (struct dataset){.max_objects = request->max_objects,
                                .has_classes = request->has_classes,
                                .takes_any_box = request->takes_any_box};
    if (!is_file(request->path) && !is_folder(request->path))
        return fail(request->path, "there is no such data set");
    if (!name || !strcmp(name, "auto"))
        name = request->annotations && is_file(request->annotations)
                   ? layout_of_file(request->annotations)
                   : recognised_layout(request->path);
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
    return fail_usage("eval",
                      "there is no layout '%s': imagenet, voc, stanford40, folders, csv, coco, "
                      "yolo, auto",
                      name);
}

void dataset_skip(struct dataset *dataset, const char *what, const char *why)
{
    note(what, why);
    dataset->skipped++;
}

char *dataset_path(const char *folder, size_t length, const char *name)
{
    if (*name == '/')
        length = 0;
    char *path = format_text("%.*s%s", (int)length, folder, name);
    if (!strchr(name, '\\') || is_file(path))
        return path;
    for (char *c = path + length; *c; c++)
        if (*c == '\\')
            *c = '/';
    return path;
}

struct dataset_image *dataset_add(struct dataset *dataset, char *name, char *path)
{
    if (strpbrk(name, "\r\n")) {
        dataset_skip(dataset, path, "its name holds a line break; skipped");
        free(name);
        free(path);
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

        annotation_free(&image->listed);
        free(image->name);
        free(image->path);
        free(image->annotation);
        free(image->class_text);
    }
    free(dataset->images);
    text_list_free(&dataset->folders);
    labels_free(&dataset->class_names);
    *dataset = (struct dataset){0};
}

/* --- classes and boxes of an image ------------------------------------------------------------ */

#define LARGEST_INDEX 1e9

/* The number that a text writes, perhaps as 2.0; -1 for any other text. */
static int64_t whole_number(const char *text)
{
    double number;

    return sscam_parse_real(text, &number) && number >= 0 && number <= LARGEST_INDEX &&
                   number == floor(number)
               ? (int64_t)number
               : -1;
}

/* Index of a class by its text: a name of the labels, or the rank of a folder among its siblings,
 * or a number. -1 when it is none of these. */
static int64_t class_of(const struct dataset *dataset, const struct labels *labels,
                        const char *text)
{
    int64_t index = labels->path ? labels_look_up(labels, text) : -1;

    if (index >= 0)
        return index;
    for (size_t i = 0; !labels->path && i < dataset->folders.count; i++)
        if (!strcmp(dataset->folders.items[i], text))
            return (int64_t)i;
    return whole_number(text);
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

static void add_box(struct dataset_cases *cases, int64_t class_position, const double edges[4],
                    const double scale[2])
{
    size_t count = cases->box_count++;

    cases->boxes = grow(cases->boxes, count, 4 * sizeof *cases->boxes);
    cases->box_classes = grow(cases->box_classes, count, sizeof *cases->box_classes);
    cases->box_classes[count] = class_position;
    for (int i = 0; i < 4; i++)
        cases->boxes[4 * count + (size_t)i] = (float)(edges[i] * scale[i % 2]);
}

/* What the objects of an image are added to; where the whole image has a class (`only`), other
 * classes are left out. */
struct case_builder {
    const struct dataset *dataset;
    const struct labels *labels;
    int32_t size[2];
    int64_t only;
    struct dataset_cases *cases;
};

static void add_object(const struct case_builder *builder, const struct annotated_object *object,
                       const double scale[2])
{
    const char *text = builder->dataset->takes_actions ? object->action : object->name;
    struct dataset_cases *cases = builder->cases;
    int64_t index = text ? class_of(builder->dataset, builder->labels, text) : -1;
    int64_t position = BOX_OF_NO_CASE;

    if (text && index < 0)
        cases->unknown_count++;
    else if (index >= 0 && (builder->only < 0 || builder->only == index))
        position = (int64_t)case_of(cases, index);
    if (object->has_box && (position != BOX_OF_NO_CASE || builder->dataset->takes_any_box))
        add_box(cases, position, object->edges, scale);
}

static void add_objects(const struct case_builder *builder, const struct annotation *annotation)
{
    struct dataset_cases *cases = builder->cases;
    double scale[2] = {1, 1};

    if (annotation->width > 0 && annotation->height > 0) {
        scale[0] = builder->size[0] / annotation->width;
        scale[1] = builder->size[1] / annotation->height;
        if (!annotation->is_share && (scale[0] != 1 || scale[1] != 1))
            cases->was_scaled = true;
    }
    for (size_t i = 0; i < annotation->count; i++)
        add_object(builder, &annotation->objects[i], scale);
    if (annotation->unusable && !cases->unusable_why)
        cases->unusable_why = copy_text(annotation->unusable_why, strlen(annotation->unusable_why));
    cases->unusable_count += annotation->unusable;
}

/* Adds the objects of an image's own file. Returns NULL, or why it cannot be used. */
static char *add_file(const struct case_builder *builder, const char *path)
{
    const struct dataset *dataset = builder->dataset;
    struct annotation annotation;
    char *why = dataset->is_yolo
                    ? annotation_read_yolo(path, dataset->max_objects, &dataset->class_names,
                                           dataset->has_points, &annotation)
                    : annotation_read(path, dataset->max_objects, &annotation);

    if (why) {
        char *longer = format_text("%s: %s", path, why);
        free(why);
        return longer;
    }
    add_objects(builder, &annotation);
    annotation_free(&annotation);
    return NULL;
}

static const char *where_classes_are(const struct labels *labels)
{
    return labels->path ? labels->path : "the classes; --labels gives their names";
}

/* Why an image has no classes though it is annotated; NULL when it has some or needs none. */
static char *reason_for_no_class(const struct dataset *dataset, const struct labels *labels,
                                 const struct dataset_cases *cases)
{
    if (cases->class_count || dataset->has_classes)
        return NULL;
    if (cases->unknown_count)
        return format_text("none of its classes is among %s; -c top evaluates the predicted one",
                           where_classes_are(labels));
    return cases->unusable_count ? format_text("has no usable object: %s", cases->unusable_why)
                                 : NULL;
}

char *dataset_cases(const struct dataset *dataset, const struct dataset_image *image,
                    const struct labels *labels, int32_t width, int32_t height,
                    struct dataset_cases *cases)
{
    struct case_builder builder = {
        .dataset = dataset, .labels = labels, .size = {width, height}, .only = -1, .cases = cases};
    char *why = NULL;

    *cases = (struct dataset_cases){0};
    if (image->class_text) {
        builder.only = class_of(dataset, labels, image->class_text);
        if (builder.only >= 0)
            case_of(cases, builder.only);
        else if (!dataset->has_classes)
            return format_text("the class '%s' is not among %s; -c top evaluates the predicted one",
                               image->class_text, where_classes_are(labels));
        else
            cases->unknown_count++;
    }
    if (image->annotation)
        why = add_file(&builder, image->annotation);
    add_objects(&builder, &image->listed);
    if (!why)
        why = reason_for_no_class(dataset, labels, cases);
    if (why)
        dataset_cases_free(cases);
    return why;
}

void dataset_share_boxes(struct dataset_cases *cases)
{
    size_t count = cases->box_count * cases->class_count;
    float *boxes = allocate(count, 4 * sizeof *boxes);
    int64_t *box_classes = allocate(count, sizeof *box_classes);

    for (size_t i = 0; i < count; i++) {
        memcpy(boxes + 4 * i, cases->boxes + 4 * (i % cases->box_count), 4 * sizeof *boxes);
        box_classes[i] = (int64_t)(i / cases->box_count);
    }
    free(cases->boxes);
    free(cases->box_classes);
    cases->boxes = boxes;
    cases->box_classes = box_classes;
    cases->box_count = count;
}

void dataset_cases_free(struct dataset_cases *cases)
{
    free(cases->classes);
    free(cases->boxes);
    free(cases->box_classes);
    free(cases->unusable_why);
    *cases = (struct dataset_cases){0};
}
