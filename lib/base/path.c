#include "base/path.h"

#include <string.h>

size_t sscam_folder_length(const char *path)
{
    return (size_t)(sscam_file_name(path) - path);
}

const char *sscam_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *sscam_extension(const char *path)
{
    const char *name = sscam_file_name(path);
    const char *dot = strrchr(name, '.');
    return dot && dot > name ? dot : name + strlen(name);
}
