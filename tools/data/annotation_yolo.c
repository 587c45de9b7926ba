#include "data/annotation_yolo.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "common/checked_alloc.h"
#include "text/text_file.h"

#define LARGEST_FILE (64u << 20)
#define BLANKS " \t"

enum { MOST_NUMBERS = 2048, BOX_NUMBERS = 4 };

/* How a line is read. */
struct yolo_form {
    const struct labels *names;
    bool has_points;
};

/* The numbers of a line, which is changed; false where one is none or there are too many. */
static bool read_numbers(char *line, double *numbers, size_t *count)
{
    *count = 0;
    for (char *rest, *word = strtok_r(line, BLANKS, &rest); word;
         word = strtok_r(NULL, BLANKS, &rest))
        if (*count == MOST_NUMBERS || !sscam_parse_real(word, &numbers[(*count)++]))
            return false;
    return true;
}

/* The box of a line: of its centre and size, with a confidence or points after it, or around a
 * polygon. */
static bool take_box(const double *numbers, size_t count, bool has_points, double edges[4])
{
    if (count < BOX_NUMBERS)
        return false;
    if (has_points || count <= BOX_NUMBERS + 1) {
        for (int i = 0; i < 2; i++) {
            edges[i] = numbers[i] - numbers[2 + i] / 2;
            edges[2 + i] = numbers[i] + numbers[2 + i] / 2;
        }
        return true;
    }
    if (count % 2)
        return false;
    for (int i = 0; i < 2; i++)
        edges[i] = edges[2 + i] = numbers[i];
    for (size_t i = 2; i < count; i++) {
        edges[i % 2] = fmin(edges[i % 2], numbers[i]);
        edges[2 + i % 2] = fmax(edges[2 + i % 2], numbers[i]);
    }
    return true;
}

static bool are_shares(const double edges[4])
{
    struct annotated_object object = {.has_box = true};
    const struct annotation one = {.objects = &object, .count = 1};
    struct box_range range = {.has_fraction = true};

    memcpy(object.edges, edges, sizeof object.edges);
    box_range_extend(&range, &one);
    return box_range_is_of_shares(&range);
}

/* Reads a line, which is changed. Returns NULL, or why its object cannot be used. */
static char *read_line(const struct yolo_form *form, char *line, size_t number,
                       struct annotation *annotation)
{
    struct annotated_object object = {.line = number, .has_box = true};
    double numbers[MOST_NUMBERS];
    size_t count;

    if (!read_numbers(line, numbers, &count) || !count ||
        !take_box(numbers + 1, count - 1, form->has_points, object.edges))
        return format_text("is not CLASS CX CY WIDTH HEIGHT");
    if (!are_shares(object.edges))
        return format_text("its box is not in shares of the image, 0 to 1");
    const char *name = numbers[0] == floor(numbers[0]) && is_coordinate(numbers[0])
                           ? labels_name(form->names, (int64_t)numbers[0])
                           : NULL;
    if (!name)
        return format_text("class %g is not among the %zu of %s", numbers[0], form->names->count,
                           form->names->path);
    object.name = copy_text(name, strlen(name));
    annotation_add(annotation, object);
    return NULL;
}

/* Reads all lines of a text, which is changed. Returns NULL, or why there are too many. */
static char *read_lines(const struct yolo_form *form, char *text, int64_t max_objects,
                        struct annotation *annotation)
{
    size_t number = 1;

    for (char *line = text, *next; *line; line = next, number++) {
        next = line + strcspn(line, "\n");
        if (*next)
            *next++ = '\0';
        if (!*line)
            continue;
        if (annotation->count + annotation->unusable == (uint64_t)max_objects)
            return format_text("has more than %" PRId64 " objects", max_objects);
        char *why = read_line(form, line, number, annotation);
        if (why)
            annotation_leave_out(annotation, format_text("line %zu: %s", number, why));
        free(why);
    }
    return NULL;
}

char *annotation_read_yolo(const char *path, int64_t max_objects, const struct labels *names,
                           bool has_points, struct annotation *annotation)
{
    const struct yolo_form form = {names, has_points};
    size_t length;
    char *why, *text = text_file_read(path, LARGEST_FILE, &length, &why);

    *annotation = (struct annotation){0};
    if (!text)
        return why;
    text_normalise_lines(text);
    why = read_lines(&form, text, max_objects, annotation);
    if (why)
        annotation_free(annotation);
    else
        annotation_finish(annotation, true);
    free(text);
    return why;
}
