/* Comma-separated values: records with quotes as RFC 4180 has them, lines ending in LF or CR LF. */
#ifndef SSCAM_TOOLS_DATA_CSV_H
#define SSCAM_TOOLS_DATA_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct csv_reader {
    char *next;  /* in a text that the reader changes and whose end is a zero byte */
    size_t line; /* of the record read last, from 1 */
    size_t next_line;
    char **fields; /* of that record; they point into the text */
    size_t count;
    bool is_broken; /* a quote without its partner */
};

/* A reader of a text, which must outlive it. */
struct csv_reader csv_start(char *text);

/* Reads the next record that is not an empty line; false at the end and where the text is broken.
 */
bool csv_next(struct csv_reader *reader);

void csv_free(struct csv_reader *reader);

/* Writes a field, in quotes where it needs them. */
void csv_put(FILE *out, const char *text);

#endif
