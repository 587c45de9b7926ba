/* Parts of paths. Nothing here asks the file system. */
#ifndef SSCAM_LIB_BASE_PATH_H
#define SSCAM_LIB_BASE_PATH_H

#include <stddef.h>

/* Length of a path's folder with the '/' at its end; 0 when the path is a name alone. */
size_t sscam_folder_length(const char *path);

/* A path's name without the folder; points into the path. */
const char *sscam_file_name(const char *path);

/* The extension of a path's name, from its last dot on; "" when there is none. A dot at the start
 * of a name begins no extension. Points into the path. */
const char *sscam_extension(const char *path);

#endif
