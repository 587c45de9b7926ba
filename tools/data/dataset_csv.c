/* Data sets as a plain list: file,class,xmin,ymin,xmax,ymax, with one line for each object. */
#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
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

/* The box of a record, if it has one; false when it is wrong. */
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

/* A place in the tree that finds images by name. */
struct place {
    const char *name;
    size_t index;
};

struct list {
    const struct dataset_request *request;
    struct dataset *dataset;
    void *columns;
};

static int compare_places(const void *left, const void *right)
{
    return strcmp(((const struct place *)left)->name, ((const struct place *)right)->name);
}

static char *path_beside(const char *list, const char *name)
{
    const char *slash = strrchr(list, '/');

    if (*name == '/' || !slash)
        return copy_text(name, strlen(name));
    return format_text("%.*s/%s", (int)(slash - list), list, name);
}

/* The image of a name, added when it is new; NULL when its name cannot be used. */
static struct dataset_image *image_named(struct list *list, const char *name)
{
    const struct place wanted = {.name = name};
    struct place *const *found = tfind(&wanted, &list->columns, compare_places);

    if (found)
        return &list->dataset->images[(*found)->index];
    struct dataset_image *image = dataset_add(list->dataset, copy_text(name, strlen(name)),
                                              path_beside(list->request->path, name));
    if (image) {
        struct place *place = allocate(1, sizeof *place);
        *place = (struct place){image->name, list->dataset->count - 1};
        tsearch(place, &list->columns, compare_places);
    }
    return image;
}

static void forget_places(struct list *list)
{
    while (list->columns) {
        struct place *place = *(struct place **)list->columns;
        tdelete(place, &list->columns, compare_places);
        free(place);
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
        code = fail(request->path, "line %zu: a quote without its partner", reader.line);
    forget_places(&list);
    csv_free(&reader);
    free(text);
    return code;
}
