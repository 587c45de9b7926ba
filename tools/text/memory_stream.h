/* A stream into memory. open_memstream() is not used: glibc's drops what it has no memory for
 * without a word. */
#ifndef SSCAM_TOOLS_TEXT_MEMORY_STREAM_H
#define SSCAM_TOOLS_TEXT_MEMORY_STREAM_H

#include <stddef.h>
#include <stdio.h>

struct text_stream {
    FILE *stream; /* NULL before it is opened and after it is freed */
    char *text;   /* what has been finished, ended by a zero byte */
    size_t length, capacity;
};

/* Opens the stream; its struct must stay where it is. */
void text_stream_open(struct text_stream *text);

/* Brings the text up to date; ends the program when there was no memory for all of it. */
void text_stream_finish(struct text_stream *text);

/* Finishes and closes the stream; the text is the caller's. */
char *text_stream_take(struct text_stream *text, size_t *length);

void text_stream_free(struct text_stream *text);

#endif
