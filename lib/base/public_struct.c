#include "base/public_struct.h"

#include <string.h>

#include "base/error.h"

static size_t read_size(const void *from)
{
    size_t size;
    memcpy(&size, from, sizeof size);
    return size;
}

sscam_status sscam_public_struct_check(const void *to, size_t least_size, const char *what)
{
    if (!to)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s is NULL", what);
    const size_t size = read_size(to);
    /* A size that was never set is likely far away from any struct's. */
    if (size < least_size || size > least_size + 4096)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: struct_size is %zu, not its sizeof, which is at least %zu", what,
                          size, least_size);
    return SSCAM_OK;
}

sscam_status sscam_public_struct_read(const void *from, void *copy, size_t size, size_t least_size,
                                      const char *what)
{
    sscam_status status = sscam_public_struct_check(from, least_size, what);
    if (status != SSCAM_OK)
        return status;
    const size_t given = read_size(from);
    const size_t known = given < size ? given : size;
    memset(copy, 0, size);
    memcpy(copy, from, known);
    for (size_t i = size; i < given; i++)
        if (((const unsigned char *)from)[i] != 0)
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "%s: byte %zu is set, but this release has %zu bytes of it; a later "
                              "release is needed",
                              what, i, size);
    return SSCAM_OK;
}

void sscam_public_struct_write(void *to, const void *result, size_t size)
{
    const size_t given = read_size(to);
    const size_t known = given < size ? given : size;
    memcpy((char *)to + sizeof(size_t), (const char *)result + sizeof(size_t),
           known - sizeof(size_t));
    if (given > size)
        memset((char *)to + size, 0, given - size);
}
