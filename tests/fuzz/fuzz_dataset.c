/* Data sets that are one file: a plain list, or COCO's JSON where a brace begins the input. */
#include <math.h>

#include "data/dataset.h"
#include "memory_file.h"
#include "target.h"

static void look_at(const struct dataset *dataset, const struct dataset_image *image)
{
    const struct labels none = {0};
    struct dataset_cases cases;
    char *why = dataset_cases(dataset, image, &none, 640, 480, &cases);

    for (size_t i = 0; i < cases.box_count; i++) {
        PROMISE(cases.box_classes[i] == BOX_OF_NO_CASE
                    ? dataset->takes_any_box
                    : (uint64_t)cases.box_classes[i] < cases.class_count);
        for (int edge = 0; edge < 4; edge++)
            PROMISE(isfinite(cases.boxes[4 * i + (size_t)edge]));
    }
    for (size_t i = 0; i < cases.class_count; i++)
        PROMISE(cases.classes[i] >= 0);
    size_t boxes = cases.box_count;
    dataset_share_boxes(&cases);
    PROMISE(cases.box_count == boxes * cases.class_count);
    dataset_cases_free(&cases);
    free(why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dataset dataset;
    int is_json = size && *data == '{';
    struct dataset_request request = {.path = is_json ? "." : memory_file(data, size),
                                      .annotations = is_json ? memory_file(data, size) : NULL,
                                      .layout = is_json ? "coco" : "csv",
                                      .takes_any_box = size % 2,
                                      .max_objects = 64};

    stderr_check_begin();
    int failed = dataset_open(&request, &dataset);
    stderr_check_end(failed);
    for (size_t i = 0; !failed && i < dataset.count; i++)
        look_at(&dataset, &dataset.images[i]);
    dataset_free(&dataset);
    return 0;
}
