/* Memory for a program that cannot go on without it: these end the program when it runs out. */
#ifndef SSCAM_TOOLS_COMMON_CHECKED_ALLOC_H
#define SSCAM_TOOLS_COMMON_CHECKED_ALLOC_H

#include <stddef.h>

/* Says so and ends the program; files that are being written do not stay behind. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void end_without_memory(void);

/* Zeroed memory for `count` items of `size` bytes. */
void *allocate(size_t count, size_t size);

/* As realloc(), checked for overflow of count x size. */
void *reallocate(void *memory, size_t count, size_t size);

/* A copy of the first `length` bytes of a text. */
char *copy_text(const char *text, size_t length);

#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
char *
format_text(const char *format, ...);

#endif
