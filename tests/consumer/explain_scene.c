/* A program that knows the library by its public header alone: explains one class on an image and
 * checks that the heat is highest inside a box.
 *
 * explain_scene MODEL.pt IMAGE CLASS XMIN YMIN XMAX YMAX      the box in pixels of the network's
 *   input */
#include <stdio.h>
#include <stdlib.h>

#include <sscam/sscam.h>

static int fail(const char *what)
{
    fprintf(stderr, "explain_scene: %s\n", what);
    return 1;
}

static sscam_status explain(const char *model_path, const char *image_path, int64_t class_index,
                            sscam_map **map)
{
    sscam_model *model = NULL;
    sscam_explainer *explainer = NULL;
    sscam_image *image = NULL;
    sscam_status status = sscam_model_load(model_path, "cpu", &model);

    if (status == SSCAM_OK)
        status = sscam_image_read(image_path, NULL, &image);
    if (status == SSCAM_OK)
        status = sscam_explainer_create(model, "grad-cam", &explainer);
    if (status == SSCAM_OK)
        status = sscam_explain_image(explainer, image, class_index, map);
    if (status != SSCAM_OK)
        fprintf(stderr, "explain_scene: %s: %s\n", sscam_status_name(status), sscam_last_error());
    sscam_explainer_unref(explainer);
    sscam_image_unref(image);
    sscam_model_unref(model);
    return status;
}

static int check_highest_inside(const sscam_map *map, char **box)
{
    const float *data = sscam_map_data(map);
    int32_t width = sscam_map_width(map), height = sscam_map_height(map), highest = 0;

    for (int32_t i = 0; i < width * height; i++) {
        if (!(data[i] >= 0 && data[i] <= 1))
            return fail("a value of the map is outside [0,1]");
        if (data[i] > data[highest])
            highest = i;
    }
    int32_t x = highest % width, y = highest / width;
    printf("class %lld, %lld passes, highest at %d,%d\n", (long long)sscam_map_class_index(map),
           (long long)sscam_map_passes(map), (int)x, (int)y);
    if (data[highest] != 1)
        return fail("the highest value of the map is not 1");
    if (x < atoi(box[0]) || y < atoi(box[1]) || x > atoi(box[2]) || y > atoi(box[3]))
        return fail("the map is highest outside the box");
    return 0;
}

int main(int argc, char **argv)
{
    sscam_map *map = NULL;

    if (argc != 8)
        return fail("usage: explain_scene MODEL.pt IMAGE CLASS XMIN YMIN XMAX YMAX");
    if (sscam_abi_version() != SSCAM_ABI_VERSION)
        return fail("the library has another binary interface than the header");
    int64_t class_index = atoi(argv[3]);
    if (explain(argv[1], argv[2], class_index, &map) != SSCAM_OK)
        return 1;
    int code = sscam_map_class_index(map) == class_index ? check_highest_inside(map, argv + 4)
                                                         : fail("the map is of another class");
    sscam_map_unref(map);
    return code;
}
