/* Data sets in COCO's JSON: one file of images, categories and annotations. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/dataset.h"
#include "data/folder.h"
#include "text/document.h"
#include "text/text_file.h"

#define LARGEST_FILE (1u << 30)
#define NAME_OF_FILE "_annotations.coco.json"
#define BEFORE_SPLIT "instances_"
#define EXTENSION ".json"

enum { TRIED_IMAGES = 8 };

/* --- the file --------------------------------------------------------------------------------- */

/* The file of a folder: Roboflow's own name, or annotations/instances_SPLIT.json. NULL where there
 * is none; `split` may be NULL. */
static char *file_of_split(const char *folder, const char *split)
{
    char *inner = split ? join_path(folder, split) : copy_text(folder, strlen(folder));
    char *path = join_path(inner, NAME_OF_FILE);

    free(inner);
    if (!is_file(path) && split) {
        free(path);
        path = format_text("%s/annotations/" BEFORE_SPLIT "%s" EXTENSION, folder, split);
    }
    if (is_file(path))
        return path;
    free(path);
    return NULL;
}

/* The file of a folder and a split; that of the first usual split where none is named. */
static char *find_file(const char *folder, const char *split)
{
    char *path = split ? file_of_split(folder, split) : file_of_split(folder, NULL);

    for (size_t i = 0; !split && !path && dataset_split_names[i]; i++)
        path = file_of_split(folder, dataset_split_names[i]);
    return path;
}

bool dataset_is_coco(const char *folder)
{
    char *path = find_file(folder, NULL);
    bool is_coco = path != NULL;

    free(path);
    return is_coco;
}

/* --- the folder of images --------------------------------------------------------------------- */

struct coco {
    const struct dataset_request *request;
    struct dataset *dataset;
    const char *path;
    const struct json_t *images, *categories, *annotations;
    char *folder;        /* of the images, with '/' at its end */
    struct keyed *by_id; /* images */
    struct keyed *by_category;
    size_t foreign; /* annotations of images that the file does not list */
};

/* Whether a folder holds one of the first images. */
static bool holds_images(const struct coco *coco, const char *folder)
{
    bool holds = false;

    for (size_t i = 0; i < TRIED_IMAGES && !holds; i++) {
        char *name = document_text(document_member(document_at(coco->images, i), "file_name"));
        char *path = name ? dataset_path(folder, strlen(folder), name) : NULL;

        holds = path && is_file(path);
        free(path);
        free(name);
    }
    return holds;
}

/* Finds the images near the file: beside it, and where COCO and its users put them. */
static char *find_images_near(const struct coco *coco)
{
    const char *name = sscam_file_name(coco->path);
    size_t length = strlen(name);
    bool has_split = !strncmp(name, BEFORE_SPLIT, strlen(BEFORE_SPLIT)) &&
                     length > strlen(BEFORE_SPLIT EXTENSION);
    char *split = has_split ? copy_text(name + strlen(BEFORE_SPLIT),
                                        length - strlen(BEFORE_SPLIT EXTENSION))
                            : copy_text(".", 1);
    static const char *const forms[] = {"",           "images/",       "../images/", "../%s/",
                                        "images/%s/", "../images/%s/", "%s/",        "../"};
    char *found = NULL;

    for (size_t i = 0; i < sizeof forms / sizeof *forms && !found; i++) {
        const char *place = strstr(forms[i], "%s");
        size_t before = place ? (size_t)(place - forms[i]) : strlen(forms[i]);
        char *folder = format_text("%.*s%.*s%s%s", (int)sscam_folder_length(coco->path), coco->path,
                                   (int)before, forms[i], place ? split : "",
                                   place ? place + strlen("%s") : "");

        if (holds_images(coco, folder))
            found = folder;
        else
            free(folder);
    }
    free(split);
    return found;
}

static int find_images(struct coco *coco)
{
    const char *given = coco->request->path;

    if (is_folder(given)) {
        coco->folder = join_path(given, "");
        if (coco->request->annotations || holds_images(coco, coco->folder))
            return EXIT_OK;
        free(coco->folder);
    }
    coco->folder = find_images_near(coco);
    return coco->folder ? EXIT_OK
                        : fail(coco->path, "its images are not near it: give their folder as the "
                                           "data set and this file by --annotations");
}

/* --- identifiers ------------------------------------------------------------------------------ */

/* A position by an identifier, which is a number or a text. */
struct keyed {
    char *key;
    size_t position;
};

static int compare_keys(const void *left, const void *right)
{
    return strcmp(((const struct keyed *)left)->key, ((const struct keyed *)right)->key);
}

/* The identifiers of a list's elements, sorted; NULL with a line where two are equal. */
static struct keyed *sort_keys(const struct coco *coco, const struct json_t *list)
{
    size_t count = document_count(list);
    struct keyed *keys = allocate(count, sizeof *keys);

    for (size_t i = 0; i < count; i++) {
        char *key = document_text(document_member(document_at(list, i), "id"));
        keys[i] = (struct keyed){key ? key : format_text(" %zu", i), i};
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++)
        if (!strcmp(keys[i - 1].key, keys[i].key)) {
            fail(coco->path, "two of its images or categories have the id %s", keys[i].key);
            for (size_t j = 0; j < count; j++)
                free(keys[j].key);
            free(keys);
            return NULL;
        }
    return keys;
}

static void free_keys(struct keyed *keys, const struct json_t *list)
{
    for (size_t i = 0; keys && i < document_count(list); i++)
        free(keys[i].key);
    free(keys);
}

/* Finds the element that a member of an annotation names; false where there is none. */
static bool find_key(const struct keyed *keys, const struct json_t *list,
                     const struct json_t *annotation, const char *member, size_t *position)
{
    struct keyed wanted = {.key = document_text(document_member(annotation, member))};
    const struct keyed *found = wanted.key ? bsearch(&wanted, keys, document_count(list),
                                                     sizeof *keys, compare_keys)
                                           : NULL;

    free(wanted.key);
    if (found)
        *position = found->position;
    return found != NULL;
}

/* --- images and objects ----------------------------------------------------------------------- */

/* Adds the images; one without a name is added without a path, so that positions stay those of the
 * file, and is removed at the end. */
static void add_images(struct coco *coco)
{
    for (size_t i = 0; i < document_count(coco->images); i++) {
        const struct json_t *image = document_at(coco->images, i);
        char *name = document_text(document_member(image, "file_name"));
        struct dataset_image *added;

        if (name && strpbrk(name, "\r\n")) {
            free(name);
            name = NULL;
        }
        if (!name) {
            added = dataset_add(coco->dataset, format_text("%zu", i), NULL);
        } else {
            char *path = dataset_path(coco->folder, strlen(coco->folder), name);
            added = dataset_add(coco->dataset, name, path);
        }
        if (!document_number(document_member(image, "width"), &added->listed.width) ||
            !document_number(document_member(image, "height"), &added->listed.height) ||
            added->listed.width <= 0 || added->listed.height <= 0)
            added->listed.width = added->listed.height = 0;
    }
}

/* Reads [left, top, width, height]. Returns NULL, or why it cannot be used. */
static char *read_box(const struct json_t *annotation, double edges[4])
{
    const struct json_t *box = document_member(annotation, "bbox");

    if (document_count(box) != 4)
        return format_text("an annotation has no bbox of four numbers");
    for (size_t i = 0; i < 4; i++)
        if (!document_number(document_at(box, i), &edges[i]) || !is_coordinate(edges[i]))
            return format_text("a bbox holds what is no number");
    edges[2] += edges[0];
    edges[3] += edges[1];
    return NULL;
}

static void add_object(struct coco *coco, const struct json_t *annotation,
                       struct annotation *objects)
{
    struct annotated_object object = {.has_box = true};
    size_t category;
    char *why = read_box(annotation, object.edges);

    if (!why && find_key(coco->by_category, coco->categories, annotation, "category_id", &category))
        object.name = document_text(
            document_member(document_at(coco->categories, category), "name"));
    if (!why && !object.name)
        why = format_text("the category of an annotation has no name");
    if (why)
        annotation_leave_out(objects, why);
    else
        annotation_add(objects, object);
}

static void add_objects(struct coco *coco)
{
    for (size_t i = 0; i < document_count(coco->annotations); i++) {
        const struct json_t *annotation = document_at(coco->annotations, i);
        size_t image;

        if (find_key(coco->by_id, coco->images, annotation, "image_id", &image))
            add_object(coco, annotation, &coco->dataset->images[image].listed);
        else
            coco->foreign++;
    }
}

/* Whether an image can be used; one that cannot is noted. */
static bool is_usable(struct coco *coco, const struct dataset_image *image)
{
    size_t objects = image->listed.count + image->listed.unusable;
    char *what = format_text("%s: image %s", coco->path, image->name);

    if (!image->path)
        dataset_skip(coco->dataset, what, "has no usable file_name; skipped");
    else if (objects > (uint64_t)coco->dataset->max_objects)
        dataset_skip(coco->dataset, what, "has more objects than --max-objects; skipped");
    else
        objects = 0;
    free(what);
    return !objects && image->path;
}

/* Makes all boxes edges and removes images that cannot be used. */
static void finish(struct coco *coco)
{
    struct dataset *dataset = coco->dataset;
    struct box_range range = {0};
    size_t kept = 0;

    for (size_t i = 0; i < dataset->count; i++)
        box_range_extend(&range, &dataset->images[i].listed);
    for (size_t i = 0; i < dataset->count; i++) {
        struct dataset_image *image = &dataset->images[i];

        if (is_usable(coco, image)) {
            annotation_finish(&image->listed, box_range_is_of_shares(&range));
            dataset->images[kept++] = *image;
        } else {
            annotation_free(&image->listed);
            free(image->name);
            free(image->path);
        }
    }
    dataset->count = kept;
    if (coco->foreign) {
        char *why = format_text("%zu of its annotations are of no image that it lists",
                                coco->foreign);
        note(coco->path, why);
        free(why);
    }
}

static int take_document(struct coco *coco, const struct json_t *document)
{
    coco->images = document_member(document, "images");
    coco->categories = document_member(document, "categories");
    coco->annotations = document_member(document, "annotations");
    if (!document_is_list(coco->images) || !document_is_list(coco->categories) ||
        !document_is_list(coco->annotations))
        return fail(coco->path, "is not COCO's JSON: it has no lists images, categories and "
                                "annotations");
    int code = find_images(coco);
    if (!code)
        coco->by_id = sort_keys(coco, coco->images);
    if (!code && coco->by_id)
        coco->by_category = sort_keys(coco, coco->categories);
    if (!code && !coco->by_category)
        code = EXIT_FAILED;
    if (!code) {
        add_images(coco);
        add_objects(coco);
        finish(coco);
    }
    free_keys(coco->by_id, coco->images);
    free_keys(coco->by_category, coco->categories);
    free(coco->folder);
    return code;
}

static int read_file(const struct dataset_request *request, const char *path,
                     struct dataset *dataset)
{
    struct coco coco = {.request = request, .dataset = dataset, .path = path};
    struct json_t *document = NULL;
    size_t length;
    char *why, *text = text_file_read(path, LARGEST_FILE, &length, &why);

    if (text)
        document = document_from_json(text, length, &why);
    free(text);
    int code = document ? take_document(&coco, document) : fail(path, "%s", why);
    free(why);
    document_free(document);
    return code;
}

int dataset_open_coco(const struct dataset_request *request, struct dataset *dataset)
{
    char *path = request->annotations
                     ? copy_text(request->annotations, strlen(request->annotations))
                 : is_file(request->path) ? copy_text(request->path, strlen(request->path))
                                          : find_file(request->path, request->split);

    if (!path)
        return fail(request->path,
                    "has no " NAME_OF_FILE " and no annotations/" BEFORE_SPLIT "%s" EXTENSION,
                    request->split ? request->split : "*");
    int code = read_file(request, path, dataset);
    free(path);
    return code;
}
