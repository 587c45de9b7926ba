#include "base/error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

enum { MESSAGE_SIZE = 1024 };

static _Thread_local char last_message[MESSAGE_SIZE];

sscam_status sscam_fail(sscam_status status, const char *format, ...)
{
    /* Built apart first: an argument may be the old message itself. */
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (length < 0)
        message[0] = '\0';

    char *end = last_message;
    for (const char *c = message; *c; c++)
        *end++ = iscntrl((unsigned char)*c) ? ' ' : *c;
    *end = '\0';
    return status;
}

sscam_status sscam_fail_memory(const char *purpose)
{
    return sscam_fail(SSCAM_E_MEMORY, "out of memory for %s", purpose);
}

sscam_status sscam_succeed(void)
{
    last_message[0] = '\0';
    return SSCAM_OK;
}

const char *sscam_error_message(void)
{
    return last_message;
}
