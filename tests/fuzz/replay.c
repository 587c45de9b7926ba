/* Runs a fuzz target on the files and folders that are named, without libFuzzer: `replay_TARGET
 * CORPUS...`. */
#include <dirent.h>
#include <string.h>

#include "target.h"

enum { LONGEST_PATH = 4096 };

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0, capacity = 0, count;

    if (!file) {
        perror(path);
        return -1;
    }
    do {
        capacity = 2 * capacity + 4096;
        data = realloc(data, capacity);
        PROMISE(data != NULL);
        count = fread(data + size, 1, capacity - size, file);
        size += count;
    } while (count > 0);
    fclose(file);
    /* Exactly as large as the content, so that reading beyond it is seen. */
    uint8_t *exact = malloc(size ? size : 1);
    PROMISE(exact != NULL);
    memcpy(exact, data, size);
    free(data);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 1;
}

/* Number of inputs below the path, or -1. */
static int replay(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    int sum = 0;

    if (!folder)
        return replay_file(path);
    while (sum >= 0 && (entry = readdir(folder))) {
        char inner[LONGEST_PATH];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        int count = replay(inner);
        sum = count < 0 ? -1 : sum + count;
    }
    closedir(folder);
    return sum;
}

int main(int argc, char **argv)
{
    int sum = 0;

    for (int i = 1; i < argc; i++) {
        int count = replay(argv[i]);
        if (count < 1) {
            fprintf(stderr, "%s: no inputs\n", argv[i]);
            return 1;
        }
        sum += count;
    }
    printf("%d inputs\n", sum);
    return sum == 0;
}
