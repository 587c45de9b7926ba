/* Data sets of YOLO: images, a text file for each of them, and the names of the classes in
 * data.yaml or in a list. */
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
#include "text/yaml_reader.h"

#define LARGEST_FILE (64u << 20)

static const char *const yaml_names[] = {"data.yaml", "dataset.yaml", "data.yml", "dataset.yml",
                                         NULL};
static const char *const list_names[] = {"classes.txt", "obj.names", "_darknet.labels", NULL};

struct yolo {
    const struct dataset_request *request;
    struct dataset *dataset;
    char *names;             /* path of data.yaml or of the list of classes */
    char *root;              /* folder of the data set */
    bool is_part;            /* the root is a part of the data set that data.yaml is of */
    struct json_t *document; /* data.yaml, or NULL */
};

/* --- where things are ------------------------------------------------------------------------- */

/* A file of a folder with one of some names, or NULL. */
static char *find_in(const char *folder, const char *const *names)
{
    for (; *names; names++) {
        char *path = join_path(folder, *names);
        if (is_file(path))
            return path;
        free(path);
    }
    return NULL;
}

static bool has_inner(const char *folder, const char *name)
{
    char *path = join_path(folder, name);
    bool has = is_folder(path);

    free(path);
    return has;
}

/* Whether a text file stands beside some image of a folder. */
static bool has_text_beside_image(const char *folder)
{
    struct text_list names = {0};
    bool has = false;

    folder_readable_images(folder, &names);
    for (size_t i = 0; i < names.count && !has; i++) {
        char *stem = without_extension(names.items[i]),
             *path = format_text("%s/%s.txt", folder, stem);

        has = is_file(path);
        free(stem);
        free(path);
    }
    text_list_free(&names);
    return has;
}

bool dataset_is_yolo(const char *folder)
{
    char *yaml = find_in(folder, yaml_names), *list = find_in(folder, list_names);
    bool is_yolo = yaml || (has_inner(folder, "labels") && has_inner(folder, "images")) ||
                   (list && has_text_beside_image(folder));

    free(yaml);
    free(list);
    return is_yolo;
}

/* Finds the names of the classes, and the root. */
static int find_names(struct yolo *yolo)
{
    const char *given = yolo->request->path;

    if (is_file(given)) {
        size_t length = sscam_folder_length(given);
        yolo->root = length ? copy_text(given, length) : copy_text(".", 1);
        yolo->names = copy_text(given, strlen(given));
        return EXIT_OK;
    }
    yolo->root = copy_text(given, strlen(given));
    yolo->names = find_in(given, yaml_names);
    if (!yolo->names)
        yolo->names = find_in(given, list_names);
    if (!yolo->names) {
        char *labels = join_path(given, "labels");
        yolo->names = find_in(labels, list_names);
        free(labels);
    }
    if (!yolo->names) { /* beside the folder of a split, as Roboflow has it */
        char *above = join_path(given, "..");
        yolo->names = find_in(above, yaml_names);
        yolo->is_part = yolo->names != NULL;
        free(above);
    }
    return yolo->names ? EXIT_OK
                       : fail(given, "has neither data.yaml nor classes.txt, which name YOLO's "
                                     "classes");
}

/* --- images ----------------------------------------------------------------------------------- */

/* The path of an image's text file as YOLO finds it, `labels` in place of the last `images`; or
 * beside it, or in the folder of --annotations. NULL where there is none. */
static char *find_annotation(const struct yolo *yolo, const char *image)
{
    static const char images[] = "/images/", labels[] = "/labels/";
    char *stem = without_extension(image), *last = NULL, *path;

    if (yolo->request->annotations) {
        path = format_text("%s/%s.txt", yolo->request->annotations, sscam_file_name(stem));
    } else {
        path = format_text("%s.txt", stem);
        for (char *at = stem; (at = strstr(at, images)); at++)
            last = at;
        if (last) {
            char *other = format_text("%.*s%s%s.txt", (int)(last - stem), stem, labels,
                                      last + strlen(images));
            char *unused = is_file(other) ? path : other;
            path = is_file(other) ? other : path;
            free(unused);
        }
    }
    free(stem);
    if (is_file(path))
        return path;
    free(path);
    return NULL;
}

static void add_image(struct yolo *yolo, const char *name, char *path)
{
    struct dataset_image *image = dataset_add(yolo->dataset, copy_text(name, strlen(name)), path);

    if (image)
        image->annotation = find_annotation(yolo, image->path);
}

static int add_folder(struct yolo *yolo, const char *folder)
{
    struct text_list names = {0};
    int code = folder_images(folder, &names);

    for (size_t i = 0; i < names.count && !code; i++)
        add_image(yolo, names.items[i], join_path(folder, names.items[i]));
    text_list_free(&names);
    return code;
}

/* Adds the images of a list of paths, which are relative to it, or to the root. */
static int add_list(struct yolo *yolo, const char *path)
{
    size_t length;
    char *why, *text = text_file_read(path, LARGEST_FILE, &length, &why);

    if (!text) {
        int code = fail(path, "%s", why);
        free(why);
        return code;
    }
    text_normalise_lines(text);
    char *rest;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        const char *name = strncmp(line, "./", 2) ? line : line + 2;
        char *image = dataset_path(path, sscam_folder_length(path), name);

        if (!is_file(image)) {
            char *folder = join_path(yolo->root, "");
            free(image);
            image = dataset_path(folder, strlen(folder), name);
            free(folder);
        }
        add_image(yolo, name, image);
    }
    free(text);
    return EXIT_OK;
}

/* The path that an entry of data.yaml names, or NULL where nothing is there. Ultralytics also finds
 * "../x" in the root itself. */
static char *find_entry(const struct yolo *yolo, const char *entry)
{
    char *folder = join_path(yolo->root, ""), *path = dataset_path(folder, strlen(folder), entry);

    if (!is_folder(path) && !is_file(path) && !strncmp(entry, "../", 3)) {
        free(path);
        path = dataset_path(folder, strlen(folder), entry + 3);
    }
    free(folder);
    if (is_folder(path) || is_file(path))
        return path;
    free(path);
    return NULL;
}

/* Adds what an entry of data.yaml names: a folder or a list. */
static int add_entry(struct yolo *yolo, const char *entry)
{
    char *path = find_entry(yolo, entry);
    int code;

    if (!path)
        code = fail(yolo->names, "names '%s', which is not there", entry);
    else
        code = is_folder(path) ? add_folder(yolo, path) : add_list(yolo, path);
    free(path);
    return code;
}

/* --- data.yaml -------------------------------------------------------------------------------- */

static int read_yaml(struct yolo *yolo)
{
    size_t length;
    char *why, *text = text_file_read(yolo->names, LARGEST_FILE, &length, &why);
    int code = EXIT_OK;

    if (text)
        yolo->document = document_from_yaml(text, length, &why);
    if (!yolo->document)
        code = fail(yolo->names, "%s", why);
    free(text);
    free(why);
    return code;
}

/* Moves the root to where `path` says, if that is there: it often names the machine of another
 * user. */
static void move_root(struct yolo *yolo)
{
    char *given = document_text(document_member(yolo->document, "path"));
    char *folder = join_path(yolo->root, ""),
         *root = given && *given ? dataset_path(folder, strlen(folder), given) : NULL;

    free(given);
    free(folder);
    if (root && is_folder(root)) {
        free(yolo->root);
        yolo->root = root;
    } else {
        free(root);
    }
}

/* Whether an entry of data.yaml names something that is there. */
static bool is_there(const struct yolo *yolo, const struct json_t *entry)
{
    char *text = document_text(document_is_list(entry) ? document_at(entry, 0) : entry),
         *path = text && *text ? find_entry(yolo, text) : NULL;
    bool is = path != NULL;

    free(path);
    free(text);
    return is;
}

/* The entry of a split: the one of --split, else the first usual one that is there. */
static const struct json_t *find_split(const struct yolo *yolo)
{
    const struct json_t *first = NULL;

    if (yolo->request->split)
        return document_member(yolo->document, yolo->request->split);
    for (size_t i = 0; dataset_split_names[i]; i++) {
        const struct json_t *entry = document_member(yolo->document, dataset_split_names[i]);
        if (entry && is_there(yolo, entry))
            return entry;
        first = first ? first : entry;
    }
    return first;
}

static int add_entries(struct yolo *yolo)
{
    const struct json_t *entry = find_split(yolo);
    size_t count = document_is_list(entry) ? document_count(entry) : 1;
    int code = EXIT_OK;

    for (size_t i = 0; i < count && !code; i++) {
        char *text = document_text(document_is_list(entry) ? document_at(entry, i) : entry);

        code = text && *text ? add_entry(yolo, text)
                             : fail(yolo->names, "has no images of the split '%s'",
                                    yolo->request->split ? yolo->request->split : "test");
        free(text);
    }
    return code;
}

/* --- folders without data.yaml ---------------------------------------------------------------- */

/* Adds images/SPLIT, else the images of images/ or of the root itself. */
static int add_plain(struct yolo *yolo)
{
    const char *split = yolo->request->split;
    char *images = join_path(yolo->root, "images"),
         *folder = is_folder(images) ? copy_text(images, strlen(images))
                                     : copy_text(yolo->root, strlen(yolo->root));
    bool is_found = false;

    for (size_t i = 0; (split ? i < 1 : dataset_split_names[i] != NULL) && !is_found; i++) {
        const char *name = split ? split : dataset_split_names[i];
        if (has_inner(folder, name)) {
            char *inner = join_path(folder, name);
            free(folder);
            folder = inner;
            is_found = true;
        }
    }
    int code = split && !is_found ? fail(folder, "there is no such folder: --split '%s'", split)
                                  : add_folder(yolo, folder);
    free(images);
    free(folder);
    return code;
}

static bool is_yaml(const char *path)
{
    const char *extension = sscam_extension(path);

    return !strcasecmp(extension, ".yaml") || !strcasecmp(extension, ".yml");
}

static int open(struct yolo *yolo)
{
    struct dataset *dataset = yolo->dataset;
    int code = find_names(yolo);

    if (!code)
        code = labels_read(yolo->names, &dataset->class_names);
    if (!code && is_yaml(yolo->names))
        code = read_yaml(yolo);
    if (code)
        return code;
    dataset->has_points = document_member(yolo->document, "kpt_shape") != NULL;
    if (!yolo->document || yolo->is_part)
        return add_plain(yolo);
    move_root(yolo);
    return add_entries(yolo);
}

int dataset_open_yolo(const struct dataset_request *request, struct dataset *dataset)
{
    struct yolo yolo = {.request = request, .dataset = dataset};

    dataset->is_yolo = true;
    int code = open(&yolo);
    /* The names of the classes outlive the path that they were read from. */
    dataset->class_names.path = "the data set's classes";
    document_free(yolo.document);
    free(yolo.names);
    free(yolo.root);
    return code;
}
