#include "data/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/path.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"

bool is_folder(const char *path)
{
    struct stat about;

    return !stat(path, &about) && S_ISDIR(about.st_mode);
}

bool is_file(const char *path)
{
    struct stat about;

    return !stat(path, &about) && S_ISREG(about.st_mode);
}

char *join_path(const char *folder, const char *name)
{
    size_t length = strlen(folder);

    return format_text("%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
}

char *without_extension(const char *name)
{
    return copy_text(name, (size_t)(sscam_extension(name) - name));
}

bool is_image_name(const char *name)
{
    /* Also of kinds that cannot be read: such an image is then told, not passed over. */
    static const char *const extensions[] = {".jpg",  ".jpeg", ".jpe",  ".jfif", ".png",  ".bmp",
                                             ".dib",  ".gif",  ".tif",  ".tiff", ".webp", ".jp2",
                                             ".avif", ".heic", ".heif", ".ppm",  ".pgm",  ".pnm"};

    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (!strcasecmp(sscam_extension(name), extensions[i]))
            return true;
    return false;
}

/* What of a folder is listed. */
enum { IMAGES, FOLDERS, FILES };

static bool is_wanted(const char *folder, const char *name, int kind, const char *extension)
{
    if (*name == '.' || (kind == IMAGES && !is_image_name(name)) ||
        (kind == FILES && strcasecmp(sscam_extension(name), extension)))
        return false;
    char *path = join_path(folder, name);
    bool wanted = kind == FOLDERS ? is_folder(path) : is_file(path);
    free(path);
    return wanted;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Adds the entries that are wanted; returns 0, or why the folder cannot be read, as errno. */
static int read_entries(const char *path, int kind, const char *extension, struct text_list *names)
{
    DIR *folder = opendir(path);

    if (!folder)
        return errno;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry)
            break;
        if (is_wanted(path, entry->d_name, kind, extension))
            text_list_add(names, entry->d_name);
    }
    int reason = errno;
    closedir(folder);
    if (names->count)
        qsort(names->items, names->count, sizeof *names->items, compare_names);
    return reason;
}

static int list(const char *path, int kind, const char *extension, struct text_list *names)
{
    errno = read_entries(path, kind, extension, names);
    return errno ? fail_errno(path) : EXIT_OK;
}

void folder_readable_images(const char *path, struct text_list *names)
{
    read_entries(path, IMAGES, NULL, names);
}

int folder_images(const char *path, struct text_list *names)
{
    return list(path, IMAGES, NULL, names);
}

int folder_folders(const char *path, struct text_list *names)
{
    return list(path, FOLDERS, NULL, names);
}

int folder_files(const char *path, const char *extension, struct text_list *names)
{
    return list(path, FILES, extension, names);
}
