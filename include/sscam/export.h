/** @file
 * @brief Symbol visibility.
 */
#ifndef SSCAM_EXPORT_H
#define SSCAM_EXPORT_H

/**
 * Marks a function as part of the stable interface. Everything without it is hidden from programs
 * that link the shared library. Programs need not care about it: it is the same whether they link
 * the shared library or the static one.
 */
#if defined(__GNUC__) && __GNUC__ >= 4
#define SSCAM_API __attribute__((visibility("default")))
#else
#define SSCAM_API
#endif

#endif
