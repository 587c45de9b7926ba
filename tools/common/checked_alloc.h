/* Memory for a program that cannot continue without it: running out of it ends the program. */
#ifndef SSCAM_TOOLS_COMMON_CHECKED_ALLOC_H
#define SSCAM_TOOLS_COMMON_CHECKED_ALLOC_H

#include <stddef.h>

/* Ends the program with a message; a file that is being written is removed. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void end_without_memory(void);

/* Zeroed memory for `count` items of `size` bytes. */
void *allocate(size_t count, size_t size);

/* As realloc(), checked for overflow of count x size. */
void *reallocate(void *memory, size_t count, size_t size);

/* Room for one more item after `count`, in an array that only grows by this function: its capacity
 * is the next power of two. */
void *grow(void *items, size_t count, size_t size);

/* A copy of the first `length` bytes of a text. */
char *copy_text(const char *text, size_t length);

/* As sprintf(), into new memory. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
char *
format_text(const char *format, ...);

#endif
