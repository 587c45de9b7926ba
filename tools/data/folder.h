/* Folders, and paths of the program. */
#ifndef SSCAM_TOOLS_DATA_FOLDER_H
#define SSCAM_TOOLS_DATA_FOLDER_H

#include <stdbool.h>

#include "text/string_list.h"

/* Names of the images (by extension) or of the folders in a folder, sorted by their bytes, without
 * hidden ones. EXIT_FAILED with a line when the folder cannot be read. */
int folder_images(const char *path, struct text_list *names);
int folder_folders(const char *path, struct text_list *names);

/* The images, as far as the folder can be read; prints nothing. */
void folder_readable_images(const char *path, struct text_list *names);

/* The same as folder_images() of files with an extension, in any case. */
int folder_files(const char *path, const char *extension, struct text_list *names);

/* Whether a name has the extension of an image, in any case, of a kind that can be read or not. */
bool is_image_name(const char *name);

bool is_folder(const char *path);
bool is_file(const char *path);

/* "FOLDER/NAME". The caller frees it. */
char *join_path(const char *folder, const char *name);

/* A copy of a name without its extension. */
char *without_extension(const char *name);

#endif
