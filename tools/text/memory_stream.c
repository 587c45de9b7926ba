#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* fopencookie */
#endif

#include "text/memory_stream.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/checked_alloc.h"

/* Returns 0 when memory runs out, which sets the stream's error flag. The program does not end
 * here: exit() would flush the stream and call this function again. */
static ssize_t append(void *cookie, const char *data, size_t size)
{
    struct text_stream *text = cookie;

    if (size >= SIZE_MAX / 2 - text->length)
        return 0;
    if (text->capacity <= text->length + size) {
        size_t capacity = 2 * (text->length + size) + 1;
        char *larger = realloc(text->text, capacity);
        if (!larger)
            return 0;
        text->text = larger;
        text->capacity = capacity;
    }
    memcpy(text->text + text->length, data, size);
    text->length += size;
    text->text[text->length] = '\0';
    return (ssize_t)size;
}

void text_stream_open(struct text_stream *text)
{
    *text = (struct text_stream){.text = allocate(1, 1), .capacity = 1};
    text->stream = fopencookie(text, "w", (cookie_io_functions_t){.write = append});
    if (!text->stream)
        end_without_memory();
}

void text_stream_finish(struct text_stream *text)
{
    if (fflush(text->stream) || ferror(text->stream))
        end_without_memory();
}

char *text_stream_take(struct text_stream *text, size_t *length)
{
    text_stream_finish(text);
    fclose(text->stream);
    char *taken = text->text;
    *length = text->length;
    *text = (struct text_stream){0};
    return taken;
}

void text_stream_free(struct text_stream *text)
{
    if (text->stream)
        fclose(text->stream);
    free(text->text);
    *text = (struct text_stream){0};
}
