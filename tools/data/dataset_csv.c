/* Data sets as a plain list: file,class,xmin,ymin,xmax,ymax, with one line for each object. */
#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/path.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/annotation_xml.h"
#include "data/dataset.h"
#include "data/folder.h"
#include "text/text_file.h"

#define LARGEST_LIST (256u << 20)
#define LARGEST_COORDINATE 1e6

static bool read_coordinate(const char *text, double *number)
{
    return sscam_parse_real(text, number) && fabs(*number) <= LARGEST_COORDINATE;
}

/* Reads the box of a record, if it has one; false when it is invalid. */
static bool read_box(const struct csv_reader *reader, struct listed_object *object)
{
    double box[4];
    size_t given = 0;

    for (size_t i = 2; i < reader->count; i++)
        given += *reader->fields[i] != '\0';
    if (!given)
        return true;
    if (reader->count != 6)
        return false;
    for (size_t i = 0; i < 4; i++)
        if (!read_coordinate(reader->fields[2 + i], &box[i]))
            return false;
    voc_edges(box, object->edges);
    object->has_box = true;
    return object->edges[0] < object->edges[2] && object->edges[1] < object->edges[3];
}

/* A node of the tree that finds images by name. */
struct named_image {
    const char *name;
    size_t index;
};

struct list {
    const struct dataset_request *request;
    struct dataset *dataset;
    void *images_by_name;
};

static int compare_names_of_images(const void *left, const void *right)
{
    return strcmp(((const struct named_image *)left)->name,
                  ((const struct named_image *)right)->name);
}

static char *path_beside(const char *list, const char *name)
{
    size_t folder = *name == '/' ? 0 : sscam_folder_length(list);

    return format_text("%.*s%s", (int)folder, list, name);
}

/* The image of a name, which is added when it is new; NULL when the name cannot be used. */
static struct dataset_image *image_named(struct list *list, const char *name)
{
    const struct named_image wanted = {.name = name};
    struct named_image *const *found = tfind(&wanted, &list->images_by_name,
                                             compare_names_of_images);

    if (found)
        return &list->dataset->images[(*found)->index];
    struct dataset_image *image = dataset_add(list->dataset, copy_text(name, strlen(name)),
                                              path_beside(list->request->path, name));
    if (image) {
        struct named_image *node = allocate(1, sizeof *node);
        *node = (struct named_image){image->name, list->dataset->count - 1};
        tsearch(node, &list->images_by_name, compare_names_of_images);
    }
    return image;
}

static void free_tree(struct list *list)
{
    while (list->images_by_name) {
        struct named_image *node = *(struct named_image **)list->images_by_name;
        tdelete(node, &list->images_by_name, compare_names_of_images);
        free(node);
    }
}

static int add_record(struct list *list, const struct csv_reader *reader)
{
    struct listed_object object = {0};
    const char *path = list->request->path;

    if (reader->count < 2 || reader->count > 6 || !*reader->fields[0])
        return fail(path, "line %zu: want file,class,xmin,ymin,xmax,ymax", reader->line);
    if (!read_box(reader, &object))
        return fail(path, "line %zu: its box is not xmin,ymin,xmax,ymax", reader->line);
    struct dataset_image *image = image_named(list, reader->fields[0]);
    if (!image || !*reader->fields[1])
        return EXIT_OK;
    object.class_text = copy_text(reader->fields[1], strlen(reader->fields[1]));
    image->objects = grow(image->objects, image->object_count, sizeof *image->objects);
    image->objects[image->object_count++] = object;
    return EXIT_OK;
}

int dataset_open_csv(const struct dataset_request *request, struct dataset *dataset)
{
    size_t length;
    char *why, *text = text_file_read(request->path, LARGEST_LIST, &length, &why);
    int code = EXIT_OK;

    if (!text) {
        code = fail(request->path, "%s", why);
        free(why);
        return code;
    }
    struct list list = {.request = request, .dataset = dataset};
    struct csv_reader reader = csv_start(text);
    while (!code && csv_next(&reader)) {
        bool is_heading = reader.line == 1 && reader.count > 1 &&
                          !strcasecmp(reader.fields[0], "file");
        if (!is_heading)
            code = add_record(&list, &reader);
    }
    if (!code && reader.is_broken)
        code = fail(request->path, "line %zu: a quote is not closed", reader.line);
    free_tree(&list);
    csv_free(&reader);
    free(text);
    return code;
}
