/* How the program reports failures: one line on standard error, `sscam: what: why`. */
#ifndef SSCAM_TOOLS_COMMON_CLI_ERROR_H
#define SSCAM_TOOLS_COMMON_CLI_ERROR_H

#include <sscam/sscam.h>

/* The program's exit codes. A function that returns one has printed the line of its failure. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#if defined(__GNUC__)
#define FORMAT_LIKE_PRINTF(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))
#else
#define FORMAT_LIKE_PRINTF(format_index, first_index)
#endif

/* Prints `sscam: what: why` and returns EXIT_FAILED. */
int fail(const char *what, const char *format, ...) FORMAT_LIKE_PRINTF(2, 3);

/* Prints why errno says a file failed and returns EXIT_FAILED. */
int fail_errno(const char *path);

/* Prints `sscam: command: why` with a pointer to the help, and returns EXIT_USAGE. */
int fail_usage(const char *command, const char *format, ...) FORMAT_LIKE_PRINTF(2, 3);

/* Prints the library's message, after `what` unless the message begins with it; returns
 * EXIT_FAILED. */
int fail_library(const char *what, sscam_status status);

/* Prints the message of a failed function of lib/base, which begins with the path, and returns
 * EXIT_FAILED. Ends the program when memory ran out. */
int fail_base(sscam_status status);

/* Prints that the user stopped the program and returns EXIT_FAILED. */
int fail_cancelled(void);

/* Prints a remark that is not a failure. */
void note(const char *what, const char *why);

#endif
