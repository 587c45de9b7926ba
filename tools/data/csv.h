/* Comma-separated values as of RFC 4180, also with other delimiters; lines end in LF or CR LF. */
#ifndef SSCAM_TOOLS_DATA_CSV_H
#define SSCAM_TOOLS_DATA_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct csv_reader {
    char *next;  /* where the next record begins; the reader changes the text */
    size_t line; /* where the last record read began, from 1 */
    size_t next_line;
    char delimiter;
    char **fields; /* of the last record read; they point into the text */
    size_t count;
    bool is_broken; /* a quote is not closed, or text follows a closing one */
};

/* A reader of a text that ends in a zero byte and outlives the reader. */
struct csv_reader csv_start(char *text);
struct csv_reader csv_start_with(char *text, char delimiter);

/* Reads the next record, skipping empty lines; false at the end of the text and where it is broken.
 */
bool csv_next(struct csv_reader *reader);

void csv_free(struct csv_reader *reader);

/* Writes a field, in quotes where they are needed. */
void csv_put(FILE *out, const char *text);

#endif
