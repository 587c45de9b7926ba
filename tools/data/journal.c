#include "data/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/csv.h"
#include "text/memory_stream.h"
#include "text/text_file.h"

#define LARGEST_JOURNAL (1u << 30)
#define LONGEST_HOST_NAME 256
#define FIRST_WORDS "sscam-eval-journal,3,"
/* Then the tally of the image: done,SCALED,UNKNOWN_OBJECTS, and, unless both are 0,
 * UNUSABLE_OBJECTS,UNANNOTATED. */
#define END_OF_IMAGE "done"

/* --- heading ---------------------------------------------------------------------------------- */

/* Writes ",NAME VALUE" for a line "NAME: VALUE" of sscam_build_info(), if there is one. */
static void put_version(FILE *out, const char *name)
{
    const char *line = sscam_build_info();
    size_t length = strlen(name);

    while (strncmp(line, name, length) != 0 || strncmp(line + length, ": ", 2) != 0) {
        line = strchr(line, '\n');
        if (!line)
            return;
        line++;
    }
    line += length + 2;
    fprintf(out, ",%s %.*s", name, (int)strcspn(line, ",\r\n"), line);
}

/* The device without its number: the next run may get another one of the same machine. */
static int device_length(const char *device)
{
    return (int)strcspn(device, ":");
}

void journal_put_heading(FILE *out, const struct journal_origin *origin,
                         const struct results *results)
{
    fprintf(out, FIRST_WORDS "%016" PRIx64, origin->signature);
    put_version(out, "sscam");
    put_version(out, "libtorch");
    fprintf(out, ",%.*s", device_length(origin->device), origin->device);
    if (!strncmp(origin->device, "cuda", strlen("cuda")))
        put_version(out, "CUDA");
    fputc('\n', out);
    results_put_heading(out, results);
}

/* Fails for a text that does not begin with the heading that is wanted. */
static int fail_other_heading(const char *path, const char *text, const char *wanted)
{
    size_t signed_length = strlen(FIRST_WORDS) + 16;
    size_t length = strcspn(text, "\n"), wanted_length = strcspn(wanted, "\n");
    bool is_same_signature = length > signed_length && !strncmp(text, wanted, signed_length);

    if (strncmp(text, FIRST_WORDS, strlen(FIRST_WORDS)) != 0)
        return fail(path, "is no journal of this release's sscam eval");
    if (is_same_signature && (length != wanted_length || strncmp(text, wanted, length) != 0))
        return fail(path, "is the journal of %.*s; this is %.*s", (int)(length - signed_length - 1),
                    text + signed_length + 1, (int)(wanted_length - signed_length - 1),
                    wanted + signed_length + 1);
    return fail(
        path,
        "is the journal of another evaluation: its network, methods, options or metrics differ");
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Length of the text up to the end of its last complete image. No other line begins like the one
 * that ends an image: the others begin with a number, and names of images hold no line breaks. */
static size_t whole_images(const char *text, size_t start)
{
    size_t end = start;

    for (const char *line = text + start, *after; (after = strchr(line, '\n')); line = after + 1)
        if (!strncmp(line, END_OF_IMAGE ",", strlen(END_OF_IMAGE ",")))
            end = (size_t)(after + 1 - text);
    return end;
}

static bool read_count(const char *text, size_t *count)
{
    int64_t number = 0;
    bool is_count = sscam_parse_int(text, &number) && number >= 0;

    *count = (size_t)number;
    return is_count;
}

/* The images that a journal holds, in its order. */
struct image_list {
    size_t *indices;
    size_t count;
};

/* Reads the line that ends an image; `*first` is its first case, and then that of the next. */
static char *take_end(const struct csv_reader *reader, struct results *results, size_t *first,
                      struct image_list *images)
{
    struct image_tally tally = {0};
    size_t *const counts[] = {&tally.scaled, &tally.unknown_objects, &tally.unusable_objects,
                              &tally.unannotated};
    bool is_end = (reader->count == 3 || reader->count == 5) && *first < results->count;

    for (size_t i = 1; i < reader->count && is_end; i++)
        is_end = read_count(reader->fields[i], counts[i - 1]);
    if (!is_end)
        return format_text("line %zu: is no end of an image", reader->line);
    for (size_t i = *first + 1; i < results->count; i++)
        if (results->cases[i].image_index != results->cases[*first].image_index)
            return format_text("line %zu: ends two images", reader->line);
    images->indices = grow(images->indices, images->count, sizeof *images->indices);
    images->indices[images->count++] = results->cases[*first].image_index;
    results->cases[*first].of_image = tally;
    *first = results->count;
    return NULL;
}

static int compare_indices(const void *left, const void *right)
{
    size_t a = *(const size_t *)left, b = *(const size_t *)right;

    return a < b ? -1 : a > b;
}

/* Two processes that write one journal without its lock write images twice. */
static char *find_repeated(struct image_list *images)
{
    if (images->count)
        qsort(images->indices, images->count, sizeof *images->indices, compare_indices);
    for (size_t i = 1; i < images->count; i++)
        if (images->indices[i] == images->indices[i - 1])
            return format_text("holds the results of image %zu twice", images->indices[i]);
    return NULL;
}

/* Reads the images of a journal's text, which is changed. */
static int take_images(const char *path, char *text, struct results *results)
{
    struct csv_reader reader = csv_start(text);
    size_t methods_seen = results->methods.count, first = results->count;
    struct image_list images = {0};
    char *why = NULL;

    while (!why && csv_next(&reader))
        why = strcmp(reader.fields[0], END_OF_IMAGE) != 0
                  ? results_take_line(results, &reader, &methods_seen)
                  : take_end(&reader, results, &first, &images);
    csv_free(&reader);
    if (!why && (reader.is_broken || methods_seen != results->methods.count))
        why = format_text("is damaged");
    if (!why)
        why = find_repeated(&images);
    free(images.indices);
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
        !strncmp(text, wanted, length)) /* the first run ended while it wrote the heading */
        return EXIT_OK;
    if (strncmp(text, wanted, start) != 0)
        return fail_other_heading(path, text, wanted);
    *kept = whole_images(text, start);
    text[*kept] = '\0';
    return take_images(path, text + start, results);
}

static int read_journal(const char *path, int descriptor, const char *wanted,
                        struct results *results, size_t *kept)
{
    size_t length;
    char *text;
    sscam_status status = sscam_file_read_open_text(path, descriptor, LARGEST_JOURNAL, &text,
                                                    &length);

    if (status)
        return fail_base(status);
    int code = take_text(path, text, wanted, results, kept);
    free(text);
    return code;
}

/* --- opening ---------------------------------------------------------------------------------- */

/* Names the process that has a journal open, as far as the lock tells: one of another host or
 * container has no number here. */
static int fail_locked(const char *path, int descriptor)
{
    struct flock held = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char host[LONGEST_HOST_NAME] = "";

    bool is_known = !fcntl(descriptor, F_GETLK, &held) && held.l_type != F_UNLCK &&
                    held.l_pid > 0 && (!kill(held.l_pid, 0) || errno == EPERM) &&
                    !gethostname(host, sizeof host - 1);
    if (!is_known)
        return fail(path, "is being written by another process, perhaps on another host");
    return fail(path, "is being written by process %ld on %s", (long)held.l_pid, host);
}

/* Locks a journal until it is closed. A lock of this kind is lost when the process closes any
 * descriptor of the file, which is why the journal is read by the one that stays open. */
static int lock_journal(const char *path, int descriptor)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (!fcntl(descriptor, F_SETLK, &lock))
        return EXIT_OK;
    if (errno == EACCES || errno == EAGAIN)
        return fail_locked(path, descriptor);
    note(path, "cannot be locked on this file system: no other process may write it");
    return EXIT_OK;
}

/* Opens and locks a file; negative, with a line, where it cannot be. */
static int open_locked(const char *path)
{
    struct stat about;

    if (!stat(path, &about) && !S_ISREG(about.st_mode)) {
        fail(path, "is not a regular file");
        return -1;
    }
    int descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        fail_errno(path);
        return -1;
    }
    if (!lock_journal(path, descriptor))
        return descriptor;
    close(descriptor);
    return -1;
}

static int flush(const struct journal *journal)
{
    errno = 0;
    if (!fflush(journal->file) && !ferror(journal->file))
        return EXIT_OK;
    errno = errno ? errno : EIO; /* an earlier write failed, for a reason that is gone */
    return fail_errno(journal->path);
}

/* Reads what an open journal holds, cuts off an image that is not complete, and begins a new one.
 */
static int resume(struct journal *journal, int descriptor, const struct journal_origin *origin,
                  struct results *results)
{
    struct text_stream heading;
    size_t kept;

    text_stream_open(&heading);
    journal_put_heading(heading.stream, origin, results);
    text_stream_finish(&heading);
    int code = read_journal(journal->path, descriptor, heading.text, results, &kept);
    if (!code && ftruncate(descriptor, (off_t)kept))
        code = fail_errno(journal->path);
    if (!code && kept == 0) {
        fputs(heading.text, journal->file);
        code = flush(journal);
    }
    text_stream_free(&heading);
    return code;
}

int journal_open(struct journal *journal, const char *path, const struct journal_origin *origin,
                 struct results *results)
{
    *journal = (struct journal){.path = path};
    int descriptor = open_locked(path);
    if (descriptor < 0)
        return EXIT_FAILED;
    journal->file = fdopen(descriptor, "ab");
    if (!journal->file) {
        int code = fail_errno(path);
        close(descriptor);
        return code;
    }
    int code = resume(journal, descriptor, origin, results);
    if (code)
        journal_close(journal);
    return code;
}

int journal_add(struct journal *journal, const struct results *results, size_t count)
{
    const struct image_tally *tally = &results->cases[results->count - count].of_image;

    results_put_cases(journal->file, results, results->count - count, count);
    fprintf(journal->file, END_OF_IMAGE ",%zu,%zu", tally->scaled, tally->unknown_objects);
    if (tally->unusable_objects || tally->unannotated)
        fprintf(journal->file, ",%zu,%zu", tally->unusable_objects, tally->unannotated);
    fputc('\n', journal->file);
    return flush(journal);
}

void journal_close(struct journal *journal)
{
    if (journal->file)
        fclose(journal->file);
    journal->file = NULL;
}
