#include "commands/input_list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "commands/image_notes.h"
#include "commands/load.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/folder.h"
#include "text/text_file.h"

#define STANDARD_INPUT "/dev/stdin"

/* A file of this many bytes a pixel is larger than any image of so many pixels. */
enum { MOST_BYTES_A_PIXEL = 8, MOST_BYTES_BESIDE = 16 << 20 };

const char *input_path(const char *given)
{
    return strcmp(given, STANDARD_STREAM) ? given : STANDARD_INPUT;
}

const char *input_list_name(const struct input_list *list, size_t index)
{
    const char *path = list->paths.items[index];

    return strcmp(path, STANDARD_STREAM) ? path : STANDARD_NAME;
}

static int add_folder(struct input_list *list, const char *folder)
{
    struct text_list names = {0};
    int code = folder_images(folder, &names);

    if (!code && !names.count)
        code = fail(folder, "holds no images");
    for (size_t i = 0; i < names.count && !code; i++) {
        char *path = join_path(folder, names.items[i]);
        text_list_add(&list->paths, path);
        free(path);
    }
    text_list_free(&names);
    return code;
}

static int add_path(struct input_list *list, const char *path)
{
    if (is_folder(path))
        return add_folder(list, path);
    text_list_add(&list->paths, path);
    return EXIT_OK;
}

/* Whether bytes are lines of text, as no image is. */
static bool are_lines(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((bytes[i] < ' ' && !strchr("\t\n\r", bytes[i])) || !bytes[i])
            return false;
    return true;
}

/* Adds the paths of a text of lines. */
static int add_lines(struct input_list *list, const uint8_t *bytes, size_t size)
{
    char *text = copy_text((const char *)bytes, size), *rest;
    size_t before = list->paths.count;
    int code = EXIT_OK;

    for (char *line = strtok_r(text, "\r\n", &rest); line && !code;
         line = strtok_r(NULL, "\r\n", &rest))
        code = add_path(list, line);
    free(text);
    return !code && list->paths.count == before ? fail(STANDARD_NAME, "lists no images") : code;
}

static size_t largest_image(int64_t max_pixels)
{
    return max_pixels < (INT64_MAX - MOST_BYTES_BESIDE) / MOST_BYTES_A_PIXEL
               ? (size_t)max_pixels * MOST_BYTES_A_PIXEL + MOST_BYTES_BESIDE
               : SIZE_MAX / 2;
}

static int add_standard_input(struct input_list *list, const sscam_read_options *reading)
{
    uint8_t *bytes;
    size_t size;
    sscam_status status = sscam_file_read(STANDARD_INPUT, largest_image(reading->max_pixels),
                                          &bytes, &size);

    if (status)
        return fail_base(status);
    if (are_lines(bytes, size)) {
        int code = add_lines(list, bytes, size);
        free(bytes);
        return code;
    }
    text_list_add(&list->paths, STANDARD_STREAM);
    list->standard = bytes;
    list->standard_size = size;
    return EXIT_OK;
}

int input_list_expand(char *const *operands, size_t count, const sscam_read_options *reading,
                      struct input_list *list)
{
    int code = EXIT_OK;

    for (size_t i = 0; i < count && !code; i++)
        code = strcmp(operands[i], STANDARD_STREAM) ? add_path(list, operands[i])
                                                    : add_standard_input(list, reading);
    return code;
}

sscam_status input_list_read(const struct input_list *list, size_t index,
                             const sscam_read_options *reading, sscam_image **out)
{
    const char *path = list->paths.items[index];

    return strcmp(path, STANDARD_STREAM)
               ? read_image_file(path, reading, out)
               : read_image_bytes(list->standard, list->standard_size, reading, out);
}

int input_list_load(const struct input_list *list, size_t index, const sscam_read_options *reading,
                    sscam_image **out)
{
    sscam_status status = input_list_read(list, index, reading, out);

    return status ? fail_library(input_list_name(list, index), status) : EXIT_OK;
}

void input_list_free(struct input_list *list)
{
    text_list_free(&list->paths);
    free(list->standard);
    *list = (struct input_list){0};
}
