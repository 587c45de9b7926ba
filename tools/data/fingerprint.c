#include "data/fingerprint.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/cli_error.h"

static void add_bytes(uint64_t *fingerprint, const void *data, size_t size)
{
    const unsigned char *byte = data;

    for (size_t i = 0; i < size; i++)
        *fingerprint = (*fingerprint ^ byte[i]) * UINT64_C(0x100000001b3);
}

void fingerprint_text(uint64_t *fingerprint, const char *text)
{
    add_bytes(fingerprint, text ? text : "\xff", text ? strlen(text) + 1 : 1);
}

int fingerprint_file(uint64_t *fingerprint, const char *path)
{
    FILE *file = fopen(path, "rb");
    unsigned char buffer[1 << 16];
    int code = EXIT_OK;

    if (!file)
        return fail_errno(path);
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, file)) > 0;)
        add_bytes(fingerprint, buffer, got);
    if (ferror(file))
        code = fail_errno(path);
    fclose(file);
    return code;
}
