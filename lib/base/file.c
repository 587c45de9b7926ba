#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_CLOEXEC */
#endif

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/byte_source.h"
#include "base/error.h"
#include "base/utf16.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

enum { FIRST_READ = 1 << 16 };

/* A file's bytes while they are read. */
typedef struct file_content {
    uint8_t *data;
    size_t size, capacity;
} file_content;

static sscam_status fail_errno(const char *path, const char *what)
{
    int reason = errno;
    return sscam_fail(reason == ENOMEM ? SSCAM_E_MEMORY : SSCAM_E_IO, "%s: %s: %s", path, what,
                      strerror(reason));
}

static sscam_status fail_size(const char *path, size_t limit)
{
    return sscam_fail(SSCAM_E_FORMAT, "%s: larger than the %zu bytes allowed", path, limit);
}

/* Chooses the first capacity: that of a regular file and one byte more, in which its end is seen.
 */
static sscam_status expected_size(const char *path, int descriptor, size_t limit, size_t *size)
{
    struct stat about;
    if (fstat(descriptor, &about) != 0)
        return fail_errno(path, "cannot be read");
    if (S_ISDIR(about.st_mode))
        return sscam_fail(SSCAM_E_IO, "%s: cannot be read: it is a directory", path);
    bool has_size = S_ISREG(about.st_mode) && about.st_size > 0;
    if (has_size && (uintmax_t)about.st_size > limit)
        return fail_size(path, limit);
    *size = has_size ? (size_t)about.st_size + 1 : FIRST_READ;
    return SSCAM_OK;
}

/* Makes room for at least one more byte, and never for more than limit + 1. */
static bool make_room(file_content *content, size_t limit)
{
    if (content->size < content->capacity)
        return true;
    size_t larger = content->capacity <= limit / 2 ? content->capacity * 2 : limit + 1;
    uint8_t *moved = realloc(content->data, larger);
    if (!moved)
        return false;
    content->data = moved;
    content->capacity = larger;
    return true;
}

/* Reads until the end of the file or one byte more than the limit. */
static sscam_status read_descriptor(const char *path, int descriptor, size_t limit,
                                    file_content *content)
{
    sscam_status status = expected_size(path, descriptor, limit, &content->capacity);
    if (status != SSCAM_OK)
        return status;
    content->data = malloc(content->capacity);
    if (!content->data)
        return sscam_fail_memory(path);
    while (content->size <= limit) {
        if (!make_room(content, limit))
            return sscam_fail_memory(path);
        ssize_t count = read(descriptor, content->data + content->size,
                             content->capacity - content->size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail_errno(path, "cannot be read");
        if (count == 0)
            return SSCAM_OK;
        content->size += (size_t)count;
    }
    return fail_size(path, limit);
}

/* Opens a file to read; negative where it cannot be, with the failure in *status. */
static int open_to_read(const char *path, sscam_status *status)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    *status = descriptor < 0 ? fail_errno(path, "cannot be opened") : SSCAM_OK;
    return descriptor;
}

/* Reads an open file whole, which must not be empty. */
static sscam_status read_bytes(const char *path, int descriptor, size_t limit, uint8_t **data,
                               size_t *size)
{
    file_content content = {0};
    sscam_status status = read_descriptor(path, descriptor, limit, &content);
    if (status == SSCAM_OK && content.size == 0)
        status = sscam_fail(SSCAM_E_FORMAT, "%s: the file is empty", path);
    if (status != SSCAM_OK) {
        free(content.data);
        return status;
    }
    *data = content.data;
    *size = content.size;
    return SSCAM_OK;
}

sscam_status sscam_file_read(const char *path, size_t limit, uint8_t **data, size_t *size)
{
    sscam_status status;
    *data = NULL;
    *size = 0;
    int descriptor = open_to_read(path, &status);
    if (status != SSCAM_OK)
        return status;
    status = read_bytes(path, descriptor, limit, data, size);
    close(descriptor);
    return status;
}

/* Files of /proc have a size of 0 and are no files on a disk. */
static sscam_status open_source(int descriptor, size_t limit, sscam_byte_source *source)
{
    struct stat about;
    if (fstat(descriptor, &about) != 0)
        return fail_errno(source->name, "cannot be read");
    if (!S_ISREG(about.st_mode) || about.st_size <= 0) {
        sscam_status status = read_bytes(source->name, descriptor, limit, &source->owned,
                                         &source->size);
        source->data = source->owned;
        return status;
    }
    if ((uintmax_t)about.st_size > limit)
        return fail_size(source->name, limit);
    source->size = (size_t)about.st_size;
    return SSCAM_OK;
}

sscam_status sscam_byte_source_open(const char *path, size_t limit, sscam_byte_source *out)
{
    sscam_status status;
    *out = (sscam_byte_source){.name = path, .descriptor = open_to_read(path, &status)};
    if (status == SSCAM_OK)
        status = open_source(out->descriptor, limit, out);
    if (status != SSCAM_OK)
        sscam_byte_source_close(out);
    return status;
}

sscam_byte_source sscam_byte_source_in_memory(const char *name, const void *data, size_t size)
{
    return (sscam_byte_source){.name = name, .size = size, .data = data, .descriptor = -1};
}

sscam_status sscam_byte_source_read(const sscam_byte_source *source, size_t offset, void *buffer,
                                    size_t count)
{
    if (source->data) {
        memcpy(buffer, source->data + offset, count);
        return SSCAM_OK;
    }
    for (size_t done = 0; done < count;) {
        ssize_t got = pread(source->descriptor, (uint8_t *)buffer + done, count - done,
                            (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(source->name, "cannot be read");
        if (got == 0)
            return sscam_fail(SSCAM_E_IO,
                              "%s: cannot be read: it ends at byte %zu, and had %zu when opened",
                              source->name, offset + done, source->size);
        done += (size_t)got;
    }
    return SSCAM_OK;
}

void sscam_byte_source_close(sscam_byte_source *source)
{
    if (source->descriptor >= 0)
        close(source->descriptor);
    free(source->owned);
    *source = (sscam_byte_source){.descriptor = -1};
}

/* Makes UTF-16 text UTF-8, with room for one byte after it. */
static sscam_status decode_utf16(const char *path, file_content *content)
{
    size_t length = sscam_utf16_measure(content->data, content->size);
    if (length == SIZE_MAX)
        return sscam_fail(SSCAM_E_FORMAT, "%s: begins as UTF-16 text, which it is not", path);
    char *text = malloc(length + 1);
    if (!text)
        return sscam_fail_memory(path);
    sscam_utf16_convert(content->data, content->size, text);
    free(content->data);
    *content = (file_content){(uint8_t *)text, length, length + 1};
    return SSCAM_OK;
}

/* Hands the content over as text, for which it has room for a zero byte: in one byte after it the
 * end of the file was seen. */
static sscam_status take_text(const char *path, file_content *content, char **text, size_t *length)
{
    if (memchr(content->data, '\0', content->size))
        return sscam_fail(SSCAM_E_FORMAT, "%s: is not a text file: it holds a zero byte", path);
    content->data[content->size] = '\0';
    *text = (char *)content->data;
    *length = content->size;
    size_t mark = strlen(BYTE_ORDER_MARK);
    if (strncmp(*text, BYTE_ORDER_MARK, mark) == 0) {
        *length -= mark;
        memmove(*text, *text + mark, *length + 1);
    }
    return SSCAM_OK;
}

static sscam_status read_text(const char *path, int descriptor, size_t limit, bool takes_utf16,
                              char **text, size_t *length)
{
    file_content content = {0};
    *text = NULL;
    *length = 0;
    sscam_status status = read_descriptor(path, descriptor, limit, &content);
    if (status == SSCAM_OK && takes_utf16 && sscam_is_utf16(content.data, content.size))
        status = decode_utf16(path, &content);
    if (status == SSCAM_OK)
        status = take_text(path, &content, text, length);
    if (status != SSCAM_OK)
        free(content.data);
    return status;
}

sscam_status sscam_file_read_open_text(const char *path, int descriptor, size_t limit, char **text,
                                       size_t *length)
{
    return read_text(path, descriptor, limit, false, text, length);
}

sscam_status sscam_file_read_text(const char *path, size_t limit, char **text, size_t *length)
{
    sscam_status status;
    *text = NULL;
    *length = 0;
    int descriptor = open_to_read(path, &status);
    if (status != SSCAM_OK)
        return status;
    status = read_text(path, descriptor, limit, true, text, length);
    close(descriptor);
    return status;
}
