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

const char *sscam_last_error(void)
{
    return last_message;
}

const char *sscam_status_name(sscam_status status)
{
    switch (status) {
    case SSCAM_OK: return "SSCAM_OK";
    case SSCAM_E_ARGUMENT: return "SSCAM_E_ARGUMENT";
    case SSCAM_E_MEMORY: return "SSCAM_E_MEMORY";
    case SSCAM_E_IO: return "SSCAM_E_IO";
    case SSCAM_E_FORMAT: return "SSCAM_E_FORMAT";
    case SSCAM_E_MODEL: return "SSCAM_E_MODEL";
    case SSCAM_E_LAYER: return "SSCAM_E_LAYER";
    case SSCAM_E_CLASS: return "SSCAM_E_CLASS";
    case SSCAM_E_DEVICE: return "SSCAM_E_DEVICE";
    case SSCAM_E_UNSUPPORTED: return "SSCAM_E_UNSUPPORTED";
    case SSCAM_E_CANCELLED: return "SSCAM_E_CANCELLED";
    default: return "SSCAM_E_UNKNOWN";
    }
}
