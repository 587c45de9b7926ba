/* Files of class names. */
#include <string.h>

#include "data/labels.h"
#include "memory_file.h"
#include "target.h"

/* Every name is found at a class that has it, or reported as ambiguous. */
static void look_up_all(const struct labels *labels)
{
    for (size_t i = 0; i < labels->count && i < 32; i++) {
        const char *name = labels_name(labels, (int64_t)i);
        if (!name)
            continue;
        int64_t found = labels_look_up(labels, name), named;
        PROMISE(found == -2 || (found >= 0 && (size_t)found < labels->count));
        PROMISE((found == -2) == (labels_count_named(labels, name) > 1));
        stderr_check_begin();
        int failed = labels_find(labels, name, &named);
        stderr_check_end(failed);
        PROMISE(failed ? found == -2 : found == named);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct labels labels;
    const char *path = memory_file(data, size);

    stderr_check_begin();
    int failed = labels_read(path, &labels);
    stderr_check_end(failed);
    if (!failed) {
        PROMISE(!labels_name(&labels, -1));
        PROMISE(!labels_name(&labels, INT64_MAX));
        PROMISE(!labels_name(&labels, (int64_t)labels.count));
        look_up_all(&labels);
    }
    labels_free(&labels);
    return 0;
}
