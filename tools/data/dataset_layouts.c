/* Data sets in folders: ILSVRC's validation set, PASCAL VOC, Stanford40, a folder for each
 * class. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/dataset.h"
#include "data/folder.h"
#include "data/labels.h"
#include "text/text_file.h"

#define LARGEST_LIST (64u << 20)

/* The XML file of an image in a folder of annotations, or NULL when there is none. */
static char *annotation_in(const char *folder, const char *name)
{
    char *stem = without_extension(name), *file = format_text("%s.xml", stem),
         *path = join_path(folder, file);

    free(stem);
    free(file);
    if (is_file(path))
        return path;
    free(path);
    return NULL;
}

/* Notes XML files beside the images of a data set that are of none of them. `dataset` has the
 * images of the folder alone, sorted. */
static int note_foreign_annotations(const struct dataset *dataset, const char *folder)
{
    struct text_list names = {0};
    const char *first = NULL;
    size_t count = 0;

    int code = folder_files(folder, ".xml", &names);
    for (size_t i = 0, image = 0; i < names.count; i++) {
        char *stem = without_extension(names.items[i]);
        size_t length = strlen(stem) + 1; /* with the dot */

        while (image < dataset->count &&
               strncmp(dataset->images[image].name, names.items[i], length) < 0)
            image++;
        if (image == dataset->count ||
            strncmp(dataset->images[image].name, names.items[i], length) != 0) {
            first = first ? first : names.items[i];
            count++;
        }
        free(stem);
    }
    if (count && !code) {
        char *why = format_text("%zu of its annotations are of no image, such as %s", count, first);
        note(folder, why);
        free(why);
    }
    text_list_free(&names);
    return code;
}

/* Adds the images of a folder; `prefix` comes before their names. */
static int add_images(struct dataset *dataset, const char *folder, const char *prefix,
                      const char *annotations, const char *class_text)
{
    struct text_list names = {0};
    int code = folder_images(folder, &names);

    for (size_t i = 0; i < names.count && !code; i++) {
        char *name = format_text("%s%s", prefix, names.items[i]);
        struct dataset_image *image = dataset_add(dataset, name, join_path(folder, names.items[i]));

        if (!image)
            continue;
        if (annotations)
            image->annotation = annotation_in(annotations, image->name);
        if (annotations && !image->annotation)
            image->annotation = annotation_in(annotations, names.items[i]);
        if (class_text)
            image->class_text = copy_text(class_text, strlen(class_text));
    }
    text_list_free(&names);
    return code;
}

/* --- lists ------------------------------------------------------------------------------------ */

typedef int take_line(struct dataset *dataset, void *user, char *line, size_t number);

/* Calls a function for each line of a file that is not empty. */
static int each_line(struct dataset *dataset, const char *path, take_line *take, void *user)
{
    size_t length, number = 0;
    char *why, *text = text_file_read(path, LARGEST_LIST, &length, &why);
    int code = EXIT_OK;

    if (!text) {
        code = fail(path, "%s", why);
        free(why);
        return code;
    }
    text_normalise_lines(text);
    for (char *line = text, *next; *line && !code; line = next) {
        next = line + strcspn(line, "\n");
        if (*next)
            *next++ = '\0';
        if (*line)
            code = take(dataset, user, line, number++);
    }
    free(text);
    return code;
}

/* --- imagenet --------------------------------------------------------------------------------- */

struct truth {
    const char *path;
    bool has_names, has_heading;
};

/* The first image whose name is not before the given one, or NULL. */
static struct dataset_image *first_from(struct dataset *dataset, const char *name)
{
    size_t low = 0, high = dataset->count;

    while (low < high) { /* the images are sorted by name */
        size_t middle = (low + high) / 2;

        if (strcmp(dataset->images[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < dataset->count ? &dataset->images[low] : NULL;
}

static struct dataset_image *find_named(struct dataset *dataset, const char *name)
{
    struct dataset_image *image = first_from(dataset, name);

    return image && !strcmp(image->name, name) ? image : NULL;
}

/* By a name without its extension. */
static struct dataset_image *find_stem(struct dataset *dataset, const char *stem)
{
    char *start = format_text("%s.", stem);
    struct dataset_image *image = first_from(dataset, start);
    bool is_it = image && !strncmp(image->name, start, strlen(start));

    free(start);
    return is_it ? image : NULL;
}

/* Splits "NAME CLASS" in place; returns the class, or NULL when there is only one word. */
static char *split_line(char *line)
{
    size_t length = strcspn(line, " \t,");

    if (!line[length])
        return NULL;
    line[length] = '\0';
    return line + length + 1 + strspn(line + length + 1, " \t");
}

/* Whether a line begins with the name of an image. Names of classes may hold blanks, too. */
static bool names_image(struct dataset *dataset, const char *line)
{
    char *word = copy_text(line, strcspn(line, " \t,"));
    bool names = strlen(word) < strlen(line) && (is_image_name(word) || find_named(dataset, word));

    free(word);
    return names;
}

/* Cuts the boxes off that follow a class in Kaggle's lists of ILSVRC: "n03995372 85 1 499 272". */
static void cut_boxes(char *class_text)
{
    size_t length = strcspn(class_text, " ");

    if (is_wordnet_identifier(class_text, length) &&
        !class_text[length + strspn(class_text + length, " -.0123456789n")])
        class_text[length] = '\0';
}

/* Reads the class of an image: of the one that the line names, or of the next one. The first line
 * decides which for the whole file. */
static int take_truth(struct dataset *dataset, void *user, char *line, size_t number)
{
    struct truth *truth = user;
    struct dataset_image *image = NULL;
    char *class_text = line;

    if (number == 0 && !strncasecmp(line, "ImageId,", strlen("ImageId,"))) {
        truth->has_names = truth->has_heading = true;
        return EXIT_OK;
    }
    if (number == 0)
        truth->has_names = names_image(dataset, line);
    if (truth->has_names) {
        class_text = split_line(line);
        if (!class_text || !*class_text)
            return fail(truth->path, "line %zu: want NAME CLASS, as in the first line", number + 1);
        if (truth->has_heading)
            cut_boxes(class_text);
        image = find_named(dataset, line);
        if (!image && truth->has_heading)
            image = find_stem(dataset, line);
        if (!image) /* the list may have more images than the folder */
            return EXIT_OK;
    } else if (number < dataset->count) {
        image = &dataset->images[number];
    }
    if (!image)
        return fail(truth->path, "line %zu: there are only %zu images", number + 1, dataset->count);
    free(image->class_text);
    image->class_text = copy_text(class_text, strlen(class_text));
    return EXIT_OK;
}

static int read_truth(const char *path, struct dataset *dataset)
{
    struct truth truth = {.path = path};
    int code = each_line(dataset, path, take_truth, &truth);

    for (size_t i = 0; i < dataset->count && !code; i++)
        if (!dataset->images[i].class_text)
            code = fail(path, "has no line for image %zu, %s", i + 1, dataset->images[i].name);
    return code;
}

int dataset_open_imagenet(const struct dataset_request *request, struct dataset *dataset)
{
    char *images = join_path(request->path, "Data/CLS-LOC/val");
    char *annotations = join_path(request->path, "Annotations/CLS-LOC/val");

    if (!is_folder(images)) { /* a folder of images, with or without XML files, not all of ILSVRC */
        free(images);
        free(annotations);
        images = copy_text(request->path, strlen(request->path));
        annotations = copy_text(request->path, strlen(request->path));
    }
    int code = add_images(dataset, images, "",
                          request->annotations ? request->annotations : annotations, NULL);
    if (!code && request->truth)
        code = read_truth(request->truth, dataset);
    if (!code && !request->annotations && !strcmp(images, annotations))
        code = note_foreign_annotations(dataset, images);
    free(images);
    free(annotations);
    return code;
}

/* --- pascal voc and stanford40 ---------------------------------------------------------------- */

struct image_list {
    const char *images, *annotations; /* folders */
    const char *path;                 /* of the list itself */
    bool names_classes;
};

/* The part of a name before its number: "riding_a_horse_012.jpg" is of the class
 * "riding_a_horse". */
static char *class_in_name(const char *name)
{
    char *class_text = without_extension(name);
    char *underscore = strrchr(class_text, '_');

    if (underscore)
        *underscore = '\0';
    return class_text;
}

/* The name of an image's file in a folder; lists leave its extension out. */
static char *listed_name(const char *folder, const char *word)
{
    static const char *const extensions[] = {".jpg", ".jpeg", ".png", ".JPEG", ".JPG"};

    for (size_t i = 0; i < sizeof extensions / sizeof *extensions && !is_image_name(word); i++) {
        char *name = format_text("%s%s", word, extensions[i]), *path = join_path(folder, name);
        bool is_there = is_file(path);

        free(path);
        if (is_there)
            return name;
        free(name);
    }
    return is_image_name(word) ? copy_text(word, strlen(word)) : format_text("%s.jpg", word);
}

/* Reads "000012", "000012 1" or "applauding_001.jpg". In the list of a class, -1 marks images
 * without it. */
static int take_listed(struct dataset *dataset, void *user, char *line, size_t number)
{
    const struct image_list *list = user;
    char *mark = strpbrk(line, " \t");

    (void)number;
    if (mark) {
        *mark++ = '\0';
        if (!strcmp(mark + strspn(mark, " \t"), "-1"))
            return EXIT_OK;
    }
    if (strstr(line, ".."))
        return fail(list->path, "'%s' is not the name of an image", line);
    char *name = listed_name(list->images, line);
    struct dataset_image *image = dataset_add(dataset, name, join_path(list->images, name));
    if (image) {
        image->annotation = annotation_in(list->annotations, image->name);
        if (list->names_classes)
            image->class_text = class_in_name(image->name);
    }
    return EXIT_OK;
}

/* Finds the list of a split: the one of --split, else the first default one that exists. `*path`
 * stays NULL when no default one does; EXIT_FAILED with a line when that of --split does not. */
static int find_split(const char *folder, const char *split, char **path)
{
    static const char *const defaults[] = {"test", "val", "trainval"};

    *path = NULL;
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        char *name = format_text("%s.txt", split ? split : defaults[i]);
        *path = join_path(folder, name);
        free(name);
        if (is_file(*path))
            return EXIT_OK;
        if (split)
            fail(*path, "there is no such list: --split '%s'", split);
        free(*path);
        *path = NULL;
        if (split)
            return EXIT_FAILED;
    }
    return EXIT_OK;
}

static int add_all_listed(struct dataset *dataset, struct image_list *list)
{
    struct text_list names = {0};
    int code = folder_images(list->images, &names);

    for (size_t i = 0; i < names.count && !code; i++)
        code = take_listed(dataset, list, names.items[i], i);
    text_list_free(&names);
    return code;
}

/* Opens the layout that VOC and Stanford40 share but for the names of its folders. */
static int open_listed(const struct dataset_request *request, const char *root,
                       const char *annotations, const char *lists, bool names_classes,
                       struct dataset *dataset)
{
    char *images = join_path(root, "JPEGImages"), *own = join_path(root, annotations);
    char *folder = join_path(root, lists), *path;
    struct image_list list = {.images = images,
                              .names_classes = names_classes,
                              .annotations = request->annotations ? request->annotations : own};

    int code = find_split(folder, request->split, &path);
    list.path = path;
    if (!code)
        code = path ? each_line(dataset, path, take_listed, &list) : add_all_listed(dataset, &list);
    free(path);
    free(images);
    free(own);
    free(folder);
    return code;
}

/* VOCdevkit holds a folder for each year. */
static int find_year(const char *path, char **root)
{
    struct text_list folders = {0};
    char *inside = join_path(path, "JPEGImages");
    bool is_year = is_folder(inside);
    int code = EXIT_OK;

    free(inside);
    *root = is_year ? copy_text(path, strlen(path)) : NULL;
    if (is_year)
        return EXIT_OK;
    code = folder_folders(path, &folders);
    for (size_t i = 0; i < folders.count && !code; i++) {
        if (strncasecmp(folders.items[i], "VOC", 3))
            continue;
        if (*root)
            code = fail(path, "holds several years; give the folder of one, such as %s/%s", path,
                        folders.items[i]);
        else
            *root = join_path(path, folders.items[i]);
    }
    text_list_free(&folders);
    if (!code && !*root)
        code = fail(path, "has no folder JPEGImages");
    return code;
}

int dataset_open_voc(const struct dataset_request *request, struct dataset *dataset)
{
    char *root = NULL;
    int code = find_year(request->path, &root);

    if (!code)
        code = open_listed(request, root, "Annotations", "ImageSets/Main", false, dataset);
    free(root);
    return code;
}

int dataset_open_stanford40(const struct dataset_request *request, struct dataset *dataset)
{
    dataset->takes_actions = true;
    return open_listed(request, request->path, "XMLAnnotations", "ImageSplits", true, dataset);
}

/* --- folders ---------------------------------------------------------------------------------- */

enum { MOST_LEVELS = 8 };

/* Adds the images of a class: those of its folder and of the folders in it. */
static int add_class(const struct dataset_request *request, struct dataset *dataset,
                     const char *folder, const char *prefix, const char *class_text, int level)
{
    struct text_list inner = {0};
    int code = add_images(dataset, folder, prefix, request->annotations, class_text);

    if (!code)
        code = folder_folders(folder, &inner);
    if (inner.count && level == MOST_LEVELS)
        code = fail(folder, "has more than %d levels of folders", MOST_LEVELS);
    for (size_t i = 0; i < inner.count && !code; i++) {
        char *path = join_path(folder, inner.items[i]),
             *longer = format_text("%s%s/", prefix, inner.items[i]);

        code = add_class(request, dataset, path, longer, class_text, level + 1);
        free(path);
        free(longer);
    }
    text_list_free(&inner);
    return code;
}

/* Position of a folder's name among the usual splits, or -1. */
static int split_position(const char *name)
{
    for (int i = 0; dataset_split_names[i]; i++)
        if (!strcmp(name, dataset_split_names[i]))
            return i;
    return -1;
}

/* Where all folders are splits such as train and val, the classes lie in them: gives the one of
 * --split, else the first usual one. NULL, with a line, where --split names none of them. */
static char *find_class_folders(const struct dataset_request *request)
{
    struct text_list folders = {0};
    const char *best = NULL;
    bool are_splits = !folder_folders(request->path, &folders) && folders.count;
    char *path = NULL;

    for (size_t i = 0; i < folders.count && are_splits; i++) {
        int position = split_position(folders.items[i]);

        are_splits = position >= 0 || (request->split && !strcmp(folders.items[i], request->split));
        if (request->split ? !strcmp(folders.items[i], request->split)
                           : !best || position < split_position(best))
            best = folders.items[i];
    }
    if (request->split && !(are_splits && best))
        fail(request->path, "there is no such folder: --split '%s'", request->split);
    else
        path = are_splits ? join_path(request->path, best)
                          : copy_text(request->path, strlen(request->path));
    text_list_free(&folders);
    return path;
}

/* Counts images beside the folders of classes, which are of no class. */
static int skip_loose_images(struct dataset *dataset, const char *path)
{
    struct text_list loose = {0};
    int code = folder_images(path, &loose);

    for (size_t i = 0; i < loose.count; i++) {
        char *image = join_path(path, loose.items[i]);
        dataset_skip(dataset, image, "lies in no folder of a class; skipped");
        free(image);
    }
    text_list_free(&loose);
    return code;
}

int dataset_open_folders(const struct dataset_request *request, struct dataset *dataset)
{
    char *root = find_class_folders(request);
    int code = root ? folder_folders(root, &dataset->folders) : EXIT_FAILED;

    for (size_t i = 0; i < dataset->folders.count && !code; i++) {
        const char *name = dataset->folders.items[i];
        char *folder = join_path(root, name), *prefix = format_text("%s/", name);

        code = add_class(request, dataset, folder, prefix, name, 1);
        free(folder);
        free(prefix);
    }
    if (!code && dataset->count)
        code = skip_loose_images(dataset, root);
    free(root);
    return code;
}
