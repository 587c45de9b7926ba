#include "common/cli_error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Names of files and layers come from outside: a newline or an escape in one must not forge output.
 */
static void put_printable(const char *text)
{
    for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++)
        fputc(*byte < 0x20 || *byte == 0x7f ? ' ' : *byte, stderr);
}

static void put_line(const char *what, const char *format, va_list arguments)
{
    char why[2048];

    vsnprintf(why, sizeof why, format, arguments);
    fputs("sscam: ", stderr);
    put_printable(what);
    fputs(": ", stderr);
    put_printable(why);
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

int fail_library(const char *what, sscam_status status)
{
    const char *why = sscam_last_error();

    if (status == SSCAM_E_CANCELLED)
        return fail_cancelled();
    if (!*why)
        why = sscam_status_name(status);
    fputs("sscam: ", stderr);
    if (strncmp(why, what, strlen(what))) {
        put_printable(what);
        fputs(": ", stderr);
    }
    put_printable(why);
    fputc('\n', stderr);
    return EXIT_FAILED;
}

void note(const char *what, const char *why)
{
    fputs("sscam: note: ", stderr);
    put_printable(what);
    fputs(": ", stderr);
    put_printable(why);
    fputc('\n', stderr);
}
