#include "commands/target_weights.h"

#include <string.h>

#include "common/cli_error.h"
#include "data/npy.h"

bool target_is_file(const char *value)
{
    static const char ending[] = ".npy";
    const size_t length = strlen(value), end = sizeof ending - 1;

    return length > end && !strcmp(value + length - end, ending);
}

static int set_weights(sscam_explainer *explainer, const char *path, const struct npy_array *array)
{
    const int64_t count = array->shape[array->rank - 1];

    if (array->rank > 2 || (array->rank == 2 && array->shape[0] != 1))
        return fail(path, "it has %d dimensions; target weights have one, of the network's outputs",
                    array->rank);
    sscam_status status = sscam_explainer_set_target_weights(explainer, array->data, count);
    return status ? fail_library(path, status) : EXIT_OK;
}

int target_set_file(sscam_explainer *explainer, const char *path)
{
    struct npy_array array;
    int code = npy_read_floats(path, &array);

    if (!code && array.rank < 1)
        code = fail(path,
                    "it has no dimensions; target weights have one, of the network's outputs");
    if (!code)
        code = set_weights(explainer, path, &array);
    npy_free(&array);
    return code;
}
