#include "common/checked_alloc.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli_error.h"

void end_without_memory(void)
{
    exit(fail("memory", "none left"));
}

static void *or_end(void *memory)
{
    if (!memory)
        end_without_memory();
    return memory;
}

void *allocate(size_t count, size_t size)
{
    return or_end(calloc(count ? count : 1, size ? size : 1));
}

void *reallocate(void *memory, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        end_without_memory();
    return or_end(realloc(memory, count && size ? count * size : 1));
}

void *grow(void *items, size_t count, size_t size)
{
    bool is_full = (count & (count - 1)) == 0; /* 0, or a power of two */

    return is_full ? reallocate(items, count ? 2 * count : 1, size) : items;
}

char *copy_text(const char *text, size_t length)
{
    char *copy = allocate(length + 1, 1);

    memcpy(copy, text, length);
    return copy;
}

char *format_text(const char *format, ...)
{
    va_list arguments, again;

    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);

    char *text = allocate(length < 0 ? 1 : (size_t)length + 1, 1);
    if (length > 0)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
