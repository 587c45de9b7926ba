#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif

#include "commands/machine.h"

#include <dirent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/checked_alloc.h"
#include "text/text_file.h"

#define LARGEST_FILE (16u << 20)

/* The value of the first line "NAME : VALUE" of a file, or NULL. */
static char *value_in(const char *path, const char *name)
{
    size_t length;
    char *why, *text = text_file_read(path, LARGEST_FILE, &length, &why), *value = NULL;

    free(why);
    for (char *line = text; line && !value; line = strchr(line, '\n')) {
        line += *line == '\n';
        size_t after = strlen(name) + strspn(line + strnlen(line, strlen(name)), " \t");
        if (strncmp(line, name, strlen(name)) != 0 || line[after] != ':')
            continue;
        const char *start = line + after + 1 + strspn(line + after + 1, " \t");
        value = copy_text(start, strcspn(start, "\n"));
    }
    free(text);
    return value;
}

/* Appends a word to a list, which may be NULL. */
static char *append(char *list, const char *separator, const char *word)
{
    char *longer = list ? format_text("%s%s%s", list, separator, word)
                        : copy_text(word, strlen(word));

    free(list);
    return longer;
}

char *machine_system(void)
{
    struct utsname system;

    return uname(&system) ? NULL
                          : format_text("%s %s %s", system.sysname, system.release, system.machine);
}

char *machine_processor(void)
{
    char *name = value_in("/proc/cpuinfo", "model name");

    return name ? name : value_in("/proc/cpuinfo", "CPU part");
}

char *machine_processor_features(void)
{
    static const char *const known[] = {
        "sse4_2",      "avx",         "avx2",     "fma",   "f16c",    "avx512f", "avx512_vnni",
        "avx512_bf16", "avx512_fp16", "amx_bf16", "asimd", "asimdhp", "sve",     "bf16",
    };
    char *all = value_in("/proc/cpuinfo", "flags"), *found = NULL;

    if (!all)
        all = value_in("/proc/cpuinfo", "Features");
    for (size_t i = 0; all && i < sizeof known / sizeof *known; i++) {
        size_t length = strlen(known[i]);
        bool has = false;

        for (const char *at = all; !has && (at = strstr(at, known[i])); at += length)
            has = (at == all || at[-1] == ' ') && (!at[length] || at[length] == ' ');
        if (has)
            found = append(found, " ", known[i]);
    }
    free(all);
    return found;
}

char *machine_threads(void)
{
    cpu_set_t allowed;
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    if (sched_getaffinity(0, sizeof allowed, &allowed))
        return online > 0 ? format_text("%ld", online) : NULL;
    return format_text("%d of %ld processors may be used", CPU_COUNT(&allowed), online);
}

char *machine_memory(void)
{
    char *total = value_in("/proc/meminfo", "MemTotal"),
         *available = value_in("/proc/meminfo", "MemAvailable"), *line = NULL;

    if (total && available)
        line = format_text("%.0f MiB, %.0f MiB available", strtod(total, NULL) / 1024,
                           strtod(available, NULL) / 1024);
    free(total);
    free(available);
    return line;
}

char *machine_gpus(void)
{
    static const char folder[] = "/proc/driver/nvidia/gpus";
    DIR *gpus = opendir(folder);
    char *list = NULL;

    for (const struct dirent *entry; gpus && (entry = readdir(gpus));) {
        if (*entry->d_name == '.')
            continue;
        char *path = format_text("%s/%s/information", folder, entry->d_name),
             *name = value_in(path, "Model");
        list = append(list, ", ", name ? name : "unknown");
        free(name);
        free(path);
    }
    if (gpus)
        closedir(gpus);
    return list ? list : format_text("none with a driver of NVIDIA");
}

char *machine_environment(void)
{
    static const char *const names[] = {
        "OMP_NUM_THREADS",      "OMP_THREAD_LIMIT", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
        "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH",  "LD_PRELOAD",
    };
    char *list = NULL;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);

        if (!value)
            continue;
        char *setting = format_text("%s=%s", names[i], value);
        list = append(list, " ", setting);
        free(setting);
    }
    return list;
}
