#include "data/npy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/output_file.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_LENGTH 6
#define LONGEST_HEADER 65536
#define MOST_ELEMENTS (INT64_C(1) << 31)
/* The format requires the data to begin at a multiple of this. */
#define ALIGNMENT 64

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define NATIVE_ORDER '>'
#define NATIVE_FLOAT32 ">f4"
#else
#define NATIVE_ORDER '<'
#define NATIVE_FLOAT32 "<f4"
#endif

/* A type of elements, without its order of bytes, and what it becomes. */
struct element {
    const char *name;
    size_t size;
    int32_t element_type;
};

static const struct element elements[] = {
    {"f4", 4, SSCAM_ELEMENT_FLOAT32}, {"f8", 8, SSCAM_ELEMENT_FLOAT64},
    {"u1", 1, SSCAM_ELEMENT_UINT8},   {"b1", 1, SSCAM_ELEMENT_BOOL},
    {"i1", 1, SSCAM_ELEMENT_INT64},   {"i2", 2, SSCAM_ELEMENT_INT64},
    {"i4", 4, SSCAM_ELEMENT_INT64},   {"i8", 8, SSCAM_ELEMENT_INT64},
};

/* A position in the header, which is the text of a Python dictionary. */
struct cursor {
    const char *at, *end;
};

struct header {
    char type[16];
    bool fortran_order;
    int rank;
    int64_t shape[NPY_MAX_RANK];
    bool has_type, has_order, has_shape;
};

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\n'))
        cursor->at++;
}

static bool take(struct cursor *cursor, const char *token)
{
    size_t length = strlen(token);

    skip_blanks(cursor);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, token, length))
        return false;
    cursor->at += length;
    return true;
}

static bool take_quoted(struct cursor *cursor, char *text, size_t size)
{
    skip_blanks(cursor);
    if (cursor->at == cursor->end || (*cursor->at != '\'' && *cursor->at != '"'))
        return false;

    const char *begin = cursor->at + 1;
    const char *close = memchr(begin, *cursor->at, (size_t)(cursor->end - begin));
    if (!close || (size_t)(close - begin) >= size)
        return false;
    memcpy(text, begin, (size_t)(close - begin));
    text[close - begin] = '\0';
    cursor->at = close + 1;
    return true;
}

static bool take_dimension(struct cursor *cursor, int64_t *dimension)
{
    const char *begin;

    skip_blanks(cursor);
    begin = cursor->at;
    *dimension = 0;
    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9') {
        *dimension = *dimension * 10 + (*cursor->at - '0');
        if (*dimension > MOST_ELEMENTS)
            return false;
        cursor->at++;
    }
    return cursor->at > begin;
}

static bool take_shape(struct cursor *cursor, struct header *header)
{
    if (!take(cursor, "("))
        return false;
    for (header->rank = 0; !take(cursor, ")"); header->rank++) {
        if (header->rank == NPY_MAX_RANK || !take_dimension(cursor, &header->shape[header->rank]))
            return false;
        if (!take(cursor, ",")) {
            header->rank++;
            return header->rank > 1 && take(cursor, ")");
        }
    }
    return true;
}

static bool take_entry(struct cursor *cursor, struct header *header)
{
    char key[16];

    if (!take_quoted(cursor, key, sizeof key) || !take(cursor, ":"))
        return false;
    if (!strcmp(key, "descr") && !header->has_type)
        return header->has_type = take_quoted(cursor, header->type, sizeof header->type);
    if (!strcmp(key, "shape") && !header->has_shape)
        return header->has_shape = take_shape(cursor, header);
    if (!strcmp(key, "fortran_order") && !header->has_order) {
        header->fortran_order = take(cursor, "True");
        return header->has_order = header->fortran_order || take(cursor, "False");
    }
    return false;
}

static bool parse_header(const char *text, size_t length, struct header *header)
{
    struct cursor cursor = {text, text + length};

    *header = (struct header){0};
    if (!take(&cursor, "{"))
        return false;
    while (!take(&cursor, "}")) {
        if (!take_entry(&cursor, header))
            return false;
        if (!take(&cursor, ",")) {
            if (!take(&cursor, "}"))
                return false;
            break;
        }
    }
    skip_blanks(&cursor);
    return cursor.at == cursor.end && header->has_type && header->has_order && header->has_shape;
}

static int read_failure(const char *path, FILE *file)
{
    return ferror(file) ? fail_errno(path) : fail(path, "the file ends too early");
}

static int read_header_length(const char *path, FILE *file, size_t *length)
{
    unsigned char start[MAGIC_LENGTH + 2], size[4] = {0};

    if (fread(start, 1, sizeof start, file) != sizeof start)
        return ferror(file) ? fail_errno(path) : fail(path, "is not a .npy file");
    if (memcmp(start, MAGIC, MAGIC_LENGTH))
        return fail(path, "is not a .npy file");

    int major = start[MAGIC_LENGTH], minor = start[MAGIC_LENGTH + 1];
    if ((major != 1 && major != 2) || minor != 0)
        return fail(path, "is of .npy format %d.%d; 1.0 and 2.0 can be read", major, minor);
    size_t width = major == 1 ? 2 : 4;
    if (fread(size, 1, width, file) != width)
        return read_failure(path, file);
    *length = (size_t)size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 |
              (size_t)size[3] << 24;
    if (*length > LONGEST_HEADER)
        return fail(path, "its header is too long (%zu bytes)", *length);
    return EXIT_OK;
}

/* NULL where elements of that type cannot be read. */
static const struct element *element_of(const struct header *header)
{
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (!strcmp(header->type + 1, elements[i].name) &&
            (header->type[0] == NATIVE_ORDER || (header->type[0] == '|' && elements[i].size == 1)))
            return &elements[i];
    return NULL;
}

static int read_header(const char *path, FILE *file, struct header *header)
{
    size_t length = 0;

    if (read_header_length(path, file, &length))
        return EXIT_FAILED;

    char *text = allocate(length + 1, 1);
    int code = EXIT_OK;
    if (fread(text, 1, length, file) != length)
        code = read_failure(path, file);
    else if (!parse_header(text, length, header))
        code = fail(path, "its header is damaged, or its array has more than %d dimensions",
                    NPY_MAX_RANK);
    else if (!header->type[0] || !element_of(header))
        code = fail(path,
                    "holds '%s', not float32 ('" NATIVE_FLOAT32
                    "'), float64, uint8, bool or int8 to int64",
                    header->type);
    else if (header->fortran_order)
        code = fail(path, "is in Fortran order; C order is needed");
    free(text);
    return code;
}

static int count_elements(const char *path, const struct header *header, int64_t *count)
{
    *count = 1;
    for (int i = 0; i < header->rank; i++) {
        if (header->shape[i] == 0)
            return fail(path, "its array is empty");
        if (*count > MOST_ELEMENTS / header->shape[i])
            return fail(path, "its array is too large");
        *count *= header->shape[i];
    }
    return EXIT_OK;
}

/* Before memory is allocated, so that a small file cannot ask for gigabytes. */
static int check_size(const char *path, FILE *file, int64_t needed)
{
    long data = ftell(file);

    if (data < 0 || fseek(file, 0, SEEK_END))
        return fail_errno(path);
    long end = ftell(file);
    if (end < 0 || fseek(file, data, SEEK_SET))
        return fail_errno(path);
    if (end - data != needed)
        return fail(path, "has %ld bytes of data; its shape needs %" PRId64, end - data, needed);
    return EXIT_OK;
}

static int64_t whole_number(const char *from, size_t size)
{
    int8_t byte;
    int16_t two;
    int32_t four;

    switch (size) {
    case sizeof byte: memcpy(&byte, from, sizeof byte); return byte;
    case sizeof two: memcpy(&two, from, sizeof two); return two;
    default: memcpy(&four, from, sizeof four); return four;
    }
}

/* Whole numbers become longer. */
static void *widened(char *data, size_t size, int64_t count)
{
    int64_t *numbers = allocate((size_t)count, sizeof *numbers);

    for (int64_t i = 0; i < count; i++)
        numbers[i] = whole_number(data + (size_t)i * size, size);
    free(data);
    return numbers;
}

static int read_array(const char *path, FILE *file, struct npy_array *array)
{
    struct header header;
    int64_t count;

    if (read_header(path, file, &header) || count_elements(path, &header, &count))
        return EXIT_FAILED;
    const struct element *element = element_of(&header);
    if (check_size(path, file, count * (int64_t)element->size))
        return EXIT_FAILED;

    char *data = allocate((size_t)count, element->size);
    if (fread(data, element->size, (size_t)count, file) != (size_t)count) {
        free(data);
        return read_failure(path, file);
    }
    const bool is_short = element->element_type == SSCAM_ELEMENT_INT64 &&
                          element->size < sizeof(int64_t);
    array->data = is_short ? widened(data, element->size, count) : data;
    array->element_type = element->element_type;
    array->rank = header.rank;
    memcpy(array->shape, header.shape, sizeof array->shape);
    return EXIT_OK;
}

int npy_read(const char *path, struct npy_array *array)
{
    *array = (struct npy_array){0};

    FILE *file = fopen(path, "rb");
    if (!file)
        return fail_errno(path);
    int code = read_array(path, file, array);
    fclose(file);
    return code;
}

int npy_read_floats(const char *path, struct npy_array *array)
{
    int code = npy_read(path, array);

    if (!code && array->element_type != SSCAM_ELEMENT_FLOAT32) {
        npy_free(array);
        code = fail(path, "holds another type than float32 ('" NATIVE_FLOAT32 "')");
    }
    return code;
}

static void write_header(FILE *file, int rank, const int64_t *shape)
{
    char text[256];
    int length = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                          NATIVE_FLOAT32);

    for (int i = 0; i < rank; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, "%s%" PRId64 "%s",
                           i ? " " : "", shape[i], i + 1 < rank || rank == 1 ? "," : "");
    length += snprintf(text + length, sizeof text - (size_t)length, "), }");

    int start = MAGIC_LENGTH + 2 + 2;
    int padding = ALIGNMENT - (start + length + 1) % ALIGNMENT;
    int total = length + padding + 1;
    fputs(MAGIC, file);
    fputc(1, file);
    fputc(0, file);
    fputc(total & 0xff, file);
    fputc(total >> 8, file);
    fprintf(file, "%s%*s\n", text, padding, "");
}

int npy_write(const char *path, const float *data, int rank, const int64_t *shape)
{
    sscam_atomic_file file;
    size_t count = 1;

    if (output_file_open(&file, path))
        return EXIT_FAILED;
    for (int i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    write_header(file.stream, rank, shape);
    fwrite(data, sizeof *data, count, file.stream);
    return output_file_commit(&file);
}

sscam_array npy_view(const struct npy_array *array)
{
    sscam_array view = SSCAM_ARRAY_INIT;

    view.data = array->data;
    view.shape = array->shape;
    view.rank = array->rank;
    view.element_type = array->element_type;
    return view;
}

void npy_free(struct npy_array *array)
{
    free(array->data);
    *array = (struct npy_array){0};
}
