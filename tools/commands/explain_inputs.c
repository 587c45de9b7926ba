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

static int check_heatmap(const struct explain_request *request, int dimensions, const char *shapes)
{
    if (dimensions == 2 || !request->output_paths[HEATMAP])
        return EXIT_OK;
    return fail_usage("explain", "--heatmap is an image, which a map of an array %s is not",
                      shapes);
}

/* In the usual order of axes; N is added where it is missing. */
static int place_usual(struct explain_request *request)
{
    static const char *const shapes[] = {"[C,W] or [N,C,W]", "[C,H,W] or [N,C,H,W]",
                                         "[C,D,H,W] or [N,C,D,H,W]"};
    const struct npy_array *tensor = &request->tensor;
    int dimensions = tensor_dimensions(request), missing = dimensions + 2 - tensor->rank;

    if (missing < 0 || missing > 1)
        return fail(request->tensor_path, "it has %d dimensions; its shape is not %s", tensor->rank,
                    shapes[dimensions - 1]);
    request->rank = dimensions + 2;
    request->has_batch_axis = true;
    request->shape[0] = 1;
    for (int i = 0; i < tensor->rank; i++)
        request->shape[missing + i] = tensor->shape[i];
    request->input_count = request->shape[0];
    return check_heatmap(request, dimensions, shapes[dimensions - 1]);
}

/* Number of a layout's axes that are of space or time. */
static int sides_of(const char *layout)
{
    int sides = 0;

    for (; *layout; layout++)
        sides += *layout != 'n' && *layout != 'c';
    return sides;
}

int place_tensor(struct explain_request *request)
{
    const char *layout = sscam_model_input_layout(request->model);
    const struct npy_array *tensor = &request->tensor;
    const int own = (int)strlen(layout), usual = sides_of(layout) + 2;
    const bool has_batch = own > 0 && layout[0] == 'n';

    if (!own || request->dimensions)
        return place_usual(request);
    /* Whether its axes are the network's or the usual ones is the library's to say. */
    bool is_whole = tensor->rank == own || tensor->rank == usual;
    if (!is_whole && (tensor->rank != own - 1 || !has_batch) && tensor->rank != usual - 1)
        return fail(request->tensor_path,
                    "it has %d dimensions; the network takes the axes %s (option input_layout)",
                    tensor->rank, layout);
    request->rank = tensor->rank;
    memcpy(request->shape, tensor->shape, sizeof request->shape);
    request->has_batch_axis = is_whole && (has_batch || tensor->rank == usual);
    request->input_count = request->has_batch_axis ? request->shape[0] : 1;
    return check_heatmap(request, sides_of(layout), layout);
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
        return npy_read(input_path(request->tensor_path), &request->tensor);
    request->input_count = 1;
    request->unusable = allocate(count, sizeof *request->unusable);
    for (size_t i = 0; i < count && code; i++) {
        code = load_input_image(request, i);
        request->unusable[i] = code != EXIT_OK;
    }
    return code;
}
