#include "commands/output_name.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "common/checked_alloc.h"

static char *append_part(char *stem, const char *part)
{
    if (!part)
        return stem;

    size_t start = strlen(stem) + 1;
    char *longer = format_text("%s-%s", stem, part);
    for (char *c = longer + start; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("+-._", *c))
            *c = '_';
    free(stem);
    return longer;
}

char *output_name(const char *path, const struct name_parts *parts)
{
    size_t stem = (size_t)(sscam_extension(path) - path);
    char *name = copy_text(path, stem);

    name = append_part(name, parts->method);
    name = append_part(name, parts->layer);
    name = append_part(name, parts->class_name);
    name = append_part(name, parts->input);

    char *whole = format_text("%s%s", name, path + stem);
    free(name);
    return whole;
}
