#include "data/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/csv.h"
#include "data/folder.h"
#include "text/memory_stream.h"
#include "text/text_file.h"

#define LARGEST_JOURNAL (1u << 30)
#define FIRST_WORDS "sscam-eval-journal,2,"
#define END_OF_IMAGE "done" /* then what was remarkable about it: done,SCALED,UNKNOWN_OBJECTS */

/* The lines that a journal begins with. */
static void make_heading(uint64_t signature, const struct results *results,
                         struct text_stream *heading)
{
    text_stream_open(heading);
    fprintf(heading->stream, FIRST_WORDS "%016" PRIx64 "\n", signature);
    results_put_heading(heading->stream, results);
    text_stream_finish(heading);
}

/* Length of the part of the text that ends with a whole image. A line that begins so stands only
 * there: the others begin with a number, and names of images hold no line breaks. */
static size_t whole_images(const char *text, size_t start)
{
    size_t end = start;

    for (const char *line = text + start, *after; (after = strchr(line, '\n')); line = after + 1)
        if (!strncmp(line, END_OF_IMAGE ",", strlen(END_OF_IMAGE ",")))
            end = (size_t)(after + 1 - text);
    return end;
}

static bool read_size(const char *text, size_t *number)
{
    char *end;

    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *number = (size_t)value;
    return *text >= '0' && *text <= '9' && !*end && !errno;
}

/* Reads the line that ends an image; `*first` is its first case, and then that of the next. */
static char *take_end(const struct csv_reader *reader, struct results *results, size_t *first)
{
    struct image_tally tally;

    if (reader->count != 3 || *first == results->count ||
        !read_size(reader->fields[1], &tally.scaled) ||
        !read_size(reader->fields[2], &tally.unknown_objects))
        return format_text("line %zu: is no end of an image", reader->line);
    results->cases[*first].of_image = tally;
    *first = results->count;
    return NULL;
}

/* Reads the images of a journal's text, which is changed. */
static int take_images(const char *path, char *text, struct results *results)
{
    struct csv_reader reader = csv_start(text);
    size_t methods_seen = results->methods.count, first = results->count;
    char *why = NULL;

    while (!why && csv_next(&reader))
        why = strcmp(reader.fields[0], END_OF_IMAGE) != 0
                  ? results_take_line(results, &reader, &methods_seen)
                  : take_end(&reader, results, &first);
    csv_free(&reader);
    if (!why && (reader.is_broken || methods_seen != results->methods.count))
        why = format_text("is damaged");
    if (!why)
        return EXIT_OK;
    fail(path, "%s", why);
    free(why);
    return EXIT_FAILED;
}

/* Adds what a journal's text holds; `*kept` is the length of the part that stays. */
static int take_text(const char *path, char *text, const char *wanted, struct results *results,
                     size_t *kept)
{
    size_t length = strlen(text), start = strlen(wanted);

    *kept = 0;
    if (length < start &&
        !strncmp(text, wanted, length)) /* the first run ended before it had begun */
        return EXIT_OK;
    if (strncmp(text, FIRST_WORDS, strlen(FIRST_WORDS)) != 0)
        return fail(path, "is no journal of this release's sscam eval");
    if (strncmp(text, wanted, start) != 0)
        return fail(path, "is the journal of another evaluation: its network, methods, options or "
                          "metrics differ");
    *kept = whole_images(text, start);
    text[*kept] = '\0';
    return take_images(path, text + start, results);
}

static int read_journal(const char *path, const char *wanted, struct results *results, size_t *kept)
{
    size_t length;
    char *why, *text;

    *kept = 0;
    if (access(path, F_OK) && errno == ENOENT)
        return EXIT_OK;
    if (!is_file(path))
        return fail(path, "is not a regular file");
    text = text_file_read(path, LARGEST_JOURNAL, &length, &why);
    if (!text) {
        fail(path, "%s", why);
        free(why);
        return EXIT_FAILED;
    }
    int code = take_text(path, text, wanted, results, kept);
    free(text);
    return code;
}

static int flush(const struct journal *journal)
{
    errno = 0;
    if (!fflush(journal->file) && !ferror(journal->file))
        return EXIT_OK;
    errno = errno ? errno : EIO; /* an earlier write failed, for a reason that is gone */
    return fail_errno(journal->path);
}

int journal_open(struct journal *journal, const char *path, uint64_t signature,
                 struct results *results)
{
    struct text_stream wanted;
    size_t kept;

    *journal = (struct journal){.path = path};
    make_heading(signature, results, &wanted);
    int code = read_journal(path, wanted.text, results, &kept);
    if (!code) {
        journal->file = fopen(path, "ab");
        if (!journal->file || ftruncate(fileno(journal->file), (off_t)kept))
            code = fail_errno(path);
    }
    if (!code && kept == 0) {
        fputs(wanted.text, journal->file);
        code = flush(journal);
    }
    text_stream_free(&wanted);
    if (code)
        journal_close(journal);
    return code;
}

int journal_add(struct journal *journal, const struct results *results, size_t count)
{
    const struct image_tally *tally = &results->cases[results->count - count].of_image;

    results_put_cases(journal->file, results, results->count - count, count);
    fprintf(journal->file, END_OF_IMAGE ",%zu,%zu\n", tally->scaled, tally->unknown_objects);
    return flush(journal);
}

void journal_close(struct journal *journal)
{
    if (journal->file)
        fclose(journal->file);
    journal->file = NULL;
}
