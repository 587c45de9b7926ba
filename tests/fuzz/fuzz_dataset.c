/* Data sets that are a plain list: file,class,xmin,ymin,xmax,ymax. */
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
        PROMISE(cases.box_classes[i] < cases.class_count);
        for (int edge = 0; edge < 4; edge++)
            PROMISE(isfinite(cases.boxes[4 * i + (size_t)edge]));
    }
    for (size_t i = 0; i < cases.class_count; i++)
        PROMISE(cases.classes[i] >= 0);
    dataset_cases_free(&cases);
    free(why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dataset dataset;
    struct dataset_request request = {.path = memory_file(data, size), .layout = "csv"};

    stderr_check_begin();
    int failed = dataset_open(&request, &dataset);
    stderr_check_end(failed);
    for (size_t i = 0; !failed && i < dataset.count; i++)
        look_at(&dataset, &dataset.images[i]);
    dataset_free(&dataset);
    return 0;
}
