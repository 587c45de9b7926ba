/* A stream into memory that reports when memory runs out. Not open_memstream(): when its buffer
 * cannot grow, glibc 2.36 drops the bytes of that write, and later writes, fflush(), ferror() and
 * fclose() succeed all the same. */
#ifndef SSCAM_TOOLS_TEXT_MEMORY_STREAM_H
#define SSCAM_TOOLS_TEXT_MEMORY_STREAM_H

#include <stddef.h>
#include <stdio.h>

struct text_stream {
    FILE *stream; /* NULL when it is not open */
    char *text;   /* what was written up to the last finish, and a zero byte */
    size_t length, capacity;
};

/* Opens the stream. The stream refers to the struct, which must not move. */
void text_stream_open(struct text_stream *text);

/* Flushes the stream into the text; ends the program when memory ran out for any of it. */
void text_stream_finish(struct text_stream *text);

/* Flushes and closes the stream; the caller frees the text. */
char *text_stream_take(struct text_stream *text, size_t *length);

void text_stream_free(struct text_stream *text);

#endif
