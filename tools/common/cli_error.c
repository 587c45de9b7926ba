#include "common/cli_error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/printable.h"
#include "common/checked_alloc.h"
#include "common/signals.h"

enum { LONGEST_REASON = 2048, LONGEST_CHARACTER = 4 };

/* Prints a text without control characters: names of files and layers come from outside, and a
 * newline or an escape sequence in one must not forge output. */
static void put_printable(const char *text)
{
    char piece[256];

    while (*text) {
        text += sscam_copy_printable(piece, sizeof piece, text);
        fputs(piece, stderr);
    }
}

static void put_what(const char *what)
{
    fputs("sscam: ", stderr);
    put_printable(what);
    fputs(": ", stderr);
}

static void put_line(const char *what, const char *format, va_list arguments)
{
    char why[LONGEST_REASON + LONGEST_CHARACTER], printable[LONGEST_REASON];

    vsnprintf(why, sizeof why, format, arguments);
    sscam_copy_printable(printable, sizeof printable, why);
    put_what(what);
    fputs(printable, stderr);
}

int fail(const char *what, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    put_line(what, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return EXIT_FAILED;
}

int fail_errno(const char *path)
{
    return fail(path, "%s", strerror(errno));
}

int fail_usage(const char *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    put_line(command, format, arguments);
    va_end(arguments);
    fprintf(stderr, " (see 'sscam help%s%s')\n", strcmp(command, "usage") ? " " : "",
            strcmp(command, "usage") ? command : "");
    return EXIT_USAGE;
}

int fail_cancelled(void)
{
    fputs("sscam: cancelled\n", stderr);
    return EXIT_FAILED;
}

static int fail_with_message(const char *message)
{
    fputs("sscam: ", stderr);
    put_printable(message);
    fputc('\n', stderr);
    return EXIT_FAILED;
}

int fail_library(const char *what, sscam_status status)
{
    const char *why = sscam_last_error();

    if (status == SSCAM_E_CANCELLED && interruption_requested())
        return fail_cancelled();
    if (!*why)
        why = sscam_status_name(status);
    return strncmp(why, what, strlen(what)) ? fail(what, "%s", why) : fail_with_message(why);
}

int fail_base(sscam_status status)
{
    if (status == SSCAM_E_MEMORY)
        end_without_memory();
    return fail_with_message(sscam_error_message());
}

void note(const char *what, const char *why)
{
    fputs("sscam: note: ", stderr);
    put_printable(what);
    fputs(": ", stderr);
    put_printable(why);
    fputc('\n', stderr);
}
