#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strtod_l */
#endif

#include "base/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

static bool consists_of(const char *text, const char *characters)
{
    return *text && text[strspn(text, characters)] == '\0';
}

bool sscam_parse_int(const char *text, int64_t *value)
{
    if (!consists_of(text, "+-0123456789"))
        return false;
    char *end = NULL;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (*end || errno)
        return false;
    *value = parsed;
    return true;
}

/* The C library keeps one such locale; asking for it again allocates nothing. */
static locale_t c_locale(void)
{
    return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

bool sscam_parse_real(const char *text, double *value)
{
    if (!consists_of(text, "+-.0123456789eE"))
        return false;
    locale_t locale = c_locale();
    if (!locale)
        return false;
    char *end = NULL;
    double parsed = strtod_l(text, &end, locale);
    freelocale(locale);
    if (*end || !isfinite(parsed))
        return false;
    *value = parsed;
    return true;
}

bool sscam_parse_reals(const char *text, double *values, size_t capacity, size_t *count)
{
    enum { LONGEST = 64, MOST = 8 };
    double parsed[MOST];
    size_t found = 0;
    for (const char *piece = text;; piece++) {
        char copy[LONGEST];
        size_t length = strcspn(piece, ",");
        if (found == capacity || found == MOST || length >= sizeof copy)
            return false;
        memcpy(copy, piece, length);
        copy[length] = '\0';
        if (!sscam_parse_real(copy, &parsed[found++]))
            return false;
        piece += length;
        if (!*piece)
            break;
    }
    memcpy(values, parsed, found * sizeof parsed[0]);
    *count = found;
    return true;
}

const char *sscam_format_real(double value, int digits, char text[SSCAM_REAL_SIZE])
{
    locale_t locale = c_locale(), before = locale ? uselocale(locale) : (locale_t)0;
    snprintf(text, SSCAM_REAL_SIZE, "%.*g", digits, value);
    if (locale) {
        uselocale(before);
        freelocale(locale);
    }
    return text;
}
