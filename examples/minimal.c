/* Draws where a network looks when it decides: minimal MODEL.pt IMAGE EXPLAINED.png */
#include <stdio.h>

#include <sscam/sscam.h>

int main(int argc, char **argv)
{
    sscam_model *model = NULL;
    sscam_explainer *explainer = NULL;
    sscam_image *image = NULL, *overlay = NULL;
    sscam_map *map = NULL;

    if (argc != 4) {
        fprintf(stderr, "usage: minimal MODEL.pt IMAGE EXPLAINED.png\n");
        return 2;
    }
    int failed = sscam_model_load(argv[1], "cpu", &model) ||
                 sscam_image_read(argv[2], NULL, &image) ||
                 sscam_explainer_create(model, "score-cam", &explainer) ||
                 sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, &map) ||
                 sscam_map_overlay(map, image, NULL, &overlay) ||
                 sscam_image_write_png(overlay, argv[3]);
    if (failed)
        fprintf(stderr, "minimal: %s\n", sscam_last_error());
    else
        printf("class %lld\n", (long long)sscam_map_class_index(map));
    sscam_image_unref(overlay);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
    sscam_image_unref(image);
    sscam_model_unref(model);
    return failed;
}
