/* Data sets as a plain list with one line for each object: file,class,xmin,ymin,xmax,ymax, or as a
 * heading says. The files lie beside the list, or in the folder that is the data set where the list
 * is that of --annotations. */
#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/path.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/csv_columns.h"
#include "data/dataset.h"
#include "data/folder.h"
#include "text/text_file.h"

#define LARGEST_LIST (256u << 20)

/* A node of the tree that finds images by name. */
struct named_image {
    const char *name;
    size_t index;
};

struct list {
    const char *path;
    char *folder; /* of the images, with '/' at its end, or empty */
    struct dataset *dataset;
    struct csv_columns columns;
    char delimiter;
    void *images_by_name;
    size_t used;     /* lines */
    char *first_why; /* of a line that cannot be used */
};

/* --- images ----------------------------------------------------------------------------------- */

static int compare_names_of_images(const void *left, const void *right)
{
    return strcmp(((const struct named_image *)left)->name,
                  ((const struct named_image *)right)->name);
}

/* The path of an image of the list; some lists leave its extension out. */
static char *path_of(const struct list *list, const char *name)
{
    static const char *const extensions[] = {".jpg", ".jpeg", ".png", ".JPG", ".JPEG"};
    char *path = dataset_path(list->folder, strlen(list->folder), name);

    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        if (is_image_name(name) || is_file(path))
            break;
        char *longer = format_text("%s%s", path, extensions[i]);
        char *unused = is_file(longer) ? path : longer;
        path = is_file(longer) ? longer : path;
        free(unused);
    }
    return path;
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
                                              path_of(list, name));
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

/* --- boxes ------------------------------------------------------------------------------------ */

/* A number; with semicolons between fields, its decimal sign may be a comma. */
static bool read_number(const struct list *list, char *field, double *number)
{
    char *comma = list->delimiter == ';' ? strchr(field, ',') : NULL;

    if (comma)
        *comma = '.';
    return sscam_parse_real(field, number) && is_coordinate(*number);
}

/* Reads four numbers from columns; 0 where none is given, 1 for a box, -1 where one is missing or
 * is no number. */
static int read_four(const struct list *list, const struct csv_reader *record,
                     const enum csv_column columns[4], double numbers[4])
{
    int given = 0, read = 0;

    for (int i = 0; i < 4; i++) {
        char *field = csv_field(&list->columns, record, columns[i]);
        given += *field != '\0';
        read += *field && read_number(list, field, &numbers[i]);
    }
    return !given ? 0 : read == 4 ? 1 : -1;
}

/* Reads the box of a record, if it has one; false when it is none. */
static bool read_box(const struct list *list, const struct csv_reader *record,
                     struct annotated_object *object)
{
    static const enum csv_column corners[] = {COLUMN_LEFT, COLUMN_TOP, COLUMN_RIGHT, COLUMN_BOTTOM};
    static const enum csv_column sizes[] = {COLUMN_LEFT, COLUMN_TOP, COLUMN_WIDTH, COLUMN_HEIGHT};
    static const enum csv_column centres[] = {COLUMN_CENTRE_X, COLUMN_CENTRE_Y, COLUMN_WIDTH,
                                              COLUMN_HEIGHT};
    const int *position = list->columns.position;
    const enum csv_column *columns = position[COLUMN_CENTRE_X] >= 0 ? centres
                                     : position[COLUMN_RIGHT] >= 0  ? corners
                                                                    : sizes;
    double *edges = object->edges, numbers[4];
    int found = read_four(list, record, columns, numbers);

    if (found < 1)
        return found == 0;
    for (int i = 0; i < 2; i++) {
        double size = columns == corners ? 0 : numbers[2 + i];

        edges[i] = columns == centres ? numbers[i] - size / 2 : numbers[i];
        edges[2 + i] = columns == corners ? numbers[2 + i] : edges[i] + size;
    }
    object->has_box = true;
    object->is_voc = columns == corners;
    return true;
}

/* Takes the size of the image that a record gives; false where it contradicts another one. */
static bool take_size(const struct list *list, const struct csv_reader *record,
                      struct annotation *annotation)
{
    double width, height;

    if (!read_number(list, csv_field(&list->columns, record, COLUMN_IMAGE_WIDTH), &width) ||
        !read_number(list, csv_field(&list->columns, record, COLUMN_IMAGE_HEIGHT), &height) ||
        width <= 0 || height <= 0)
        return true;
    if (annotation->width > 0 && (annotation->width != width || annotation->height != height))
        return false;
    annotation->width = width;
    annotation->height = height;
    return true;
}

/* --- records ---------------------------------------------------------------------------------- */

static void leave_out(struct list *list, struct annotation *annotation,
                      const struct csv_reader *record, const char *why)
{
    if (!list->first_why)
        list->first_why = format_text("line %zu: %s", record->line, why);
    annotation_leave_out(annotation, format_text("line %zu: %s", record->line, why));
}

static void add_object(struct list *list, const struct csv_reader *record,
                       struct annotation *annotation)
{
    const char *class_text = csv_field(&list->columns, record, COLUMN_CLASS);
    struct annotated_object object = {.line = record->line};

    if (!take_size(list, record, annotation)) {
        leave_out(list, annotation, record, "the size of its image is not that of an earlier line");
    } else if (!read_box(list, record, &object)) {
        leave_out(list, annotation, record, "its box is not xmin,ymin,xmax,ymax");
    } else {
        list->used++;
        if (!*class_text && !object.has_box) /* an image without objects */
            return;
        object.name = *class_text ? copy_text(class_text, strlen(class_text)) : NULL;
        annotation_add(annotation, object);
    }
}

static int add_record(struct list *list, const struct csv_reader *record)
{
    const char *path = list->path, *name = csv_field(&list->columns, record, COLUMN_FILE);
    bool has_shape = list->columns.has_heading || (record->count >= 2 && record->count <= 6);

    if (!has_shape || (!*name && !list->used))
        return fail(path, "line %zu: want file,class,xmin,ymin,xmax,ymax", record->line);
    if (!*name) {
        char *what = format_text("%s: line %zu", path, record->line);
        dataset_skip(list->dataset, what, "names no image; skipped");
        free(what);
        return EXIT_OK;
    }
    struct dataset_image *image = image_named(list, name);
    if (image)
        add_object(list, record, &image->listed);
    return EXIT_OK;
}

/* Makes all boxes edges, once it is known what they are. */
static void finish_boxes(struct list *list)
{
    struct dataset *dataset = list->dataset;
    struct box_range range = {0};

    for (size_t i = 0; i < dataset->count; i++)
        box_range_extend(&range, &dataset->images[i].listed);
    for (size_t i = 0; i < dataset->count; i++)
        annotation_finish(&dataset->images[i].listed, box_range_is_of_shares(&range));
}

static bool has_object(const struct dataset *dataset)
{
    for (size_t i = 0; i < dataset->count; i++)
        if (dataset->images[i].listed.count || !dataset->images[i].listed.unusable)
            return true;
    return false;
}

/* A list of which nothing can be used is no list of this layout. */
static int check_use(struct list *list)
{
    const struct dataset *dataset = list->dataset;

    if (!dataset->count || has_object(dataset))
        return EXIT_OK;
    return fail(list->path, "%s",
                list->first_why ? list->first_why : dataset->images[0].listed.unusable_why);
}

/* Makes runs of blanks one blank, outside of quotes. */
static void squeeze_blanks(char *text)
{
    bool is_quoted = false;
    char *to = text;

    for (const char *from = text; *from; from++) {
        bool is_blank = !is_quoted && (*from == ' ' || *from == '\t');

        is_quoted ^= *from == '"';
        if (is_blank && (to == text || to[-1] == ' ' || to[-1] == '\n'))
            continue;
        *to++ = is_blank ? ' ' : *from;
    }
    *to = '\0';
}

static int read_list(struct list *list, char *text)
{
    int code = EXIT_OK;

    list->delimiter = csv_find_delimiter(text + strspn(text, "\n"));
    if (list->delimiter == ' ')
        squeeze_blanks(text);
    struct csv_reader reader = csv_start_with(text, list->delimiter);
    for (bool is_first = true; !code && csv_next(&reader); is_first = false) {
        if (is_first)
            list->columns = csv_find_columns(&reader);
        if (!is_first || !list->columns.has_heading)
            code = add_record(list, &reader);
    }
    if (!code && reader.is_broken)
        code = fail(list->path, "line %zu: a quote is not closed", reader.line);
    csv_free(&reader);
    return code;
}

int dataset_open_csv(const struct dataset_request *request, struct dataset *dataset)
{
    const char *path = request->annotations ? request->annotations : request->path;
    size_t length;
    char *why, *text = text_file_read(path, LARGEST_LIST, &length, &why);

    if (!text) {
        int code = fail(path, "%s", why);
        free(why);
        return code;
    }
    struct list list = {.path = path,
                        .dataset = dataset,
                        .folder = is_folder(request->path)
                                      ? join_path(request->path, "")
                                      : copy_text(path, sscam_folder_length(path))};
    text_normalise_lines(text);
    int code = read_list(&list, text);
    if (!code) {
        finish_boxes(&list);
        code = check_use(&list);
    }
    free_tree(&list);
    free(list.first_why);
    free(list.folder);
    free(text);
    return code;
}
