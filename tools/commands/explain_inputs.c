#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "commands/explain_request.h"
#include "commands/load.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"

const char *input_name_at(const struct explain_request *request, size_t image)
{
    if (!request->tensor_path)
        return input_list_name(&request->images, image);
    return strcmp(request->tensor_path, STANDARD_STREAM) ? request->tensor_path : STANDARD_NAME;
}

const char *input_name(const struct explain_request *request)
{
    return input_name_at(request, request->image_index);
}

/* Number of spatial dimensions: what was given, or what the rank makes likely. */
static int tensor_dimensions(const struct explain_request *request)
{
    if (request->dimensions)
        return request->dimensions[0] - '0';
    return request->tensor.rank < 3 ? 1 : request->tensor.rank > 4 ? 3 : 2;
}

static int load_tensor(struct explain_request *request)
{
    static const char *const shapes[] = {"[C,W] or [N,C,W]", "[C,H,W] or [N,C,H,W]",
                                         "[C,D,H,W] or [N,C,D,H,W]"};
    struct npy_array *tensor = &request->tensor;

    if (npy_read(input_path(request->tensor_path), tensor))
        return EXIT_FAILED;
    int dimensions = tensor_dimensions(request), missing = dimensions + 2 - tensor->rank;
    if (missing < 0 || missing > 1)
        return fail(request->tensor_path, "it has %d dimensions; its shape is not %s", tensor->rank,
                    shapes[dimensions - 1]);
    if (dimensions != 2 && request->output_paths[HEATMAP])
        return fail_usage("explain", "--heatmap is an image, which a map of an array %s is not",
                          shapes[dimensions - 1]);
    request->rank = dimensions + 2;
    request->shape[0] = 1;
    for (int i = 0; i < tensor->rank; i++)
        request->shape[missing + i] = tensor->shape[i];
    request->input_count = request->shape[0];
    return EXIT_OK;
}

int load_input_image(struct explain_request *request, size_t index)
{
    request->image_index = index;
    sscam_image_unref(request->image);
    request->image = NULL;
    return input_list_load(&request->images, index, &request->selection.reading, &request->image);
}

int load_first_input(struct explain_request *request)
{
    size_t count = request->images.paths.count;
    int code = EXIT_FAILED;

    if (request->tensor_path)
        return load_tensor(request);
    request->input_count = 1;
    request->unusable = allocate(count, sizeof *request->unusable);
    for (size_t i = 0; i < count && code; i++) {
        code = load_input_image(request, i);
        request->unusable[i] = code != EXIT_OK;
    }
    return code;
}
