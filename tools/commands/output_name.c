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

/* A stem, which is freed, with the parts and a suffix. */
static char *complete_name(char *name, const struct name_parts *parts, const char *suffix)
{
    name = append_part(name, parts->image);
    name = append_part(name, parts->method);
    name = append_part(name, parts->layer);
    name = append_part(name, parts->class_name);
    name = append_part(name, parts->input);

    char *whole = format_text("%s%s", name, suffix);
    free(name);
    return whole;
}

char *output_name(const char *path, const struct name_parts *parts)
{
    const char *extension = sscam_extension(path);

    return complete_name(copy_text(path, (size_t)(extension - path)), parts, extension);
}

char *output_name_in_folder(const char *path, const struct name_parts *parts, const char *suffix)
{
    return complete_name(copy_text(path, strlen(path)), parts, suffix);
}
