/* Draws a heat map that the program has computed itself: no network is needed. */
#include <stdio.h>

#include <sscam/sscam.h>

enum { WIDTH = 64, HEIGHT = 48 };

int main(void)
{
    static float values[HEIGHT][WIDTH];
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            values[y][x] = (float)(x * y);
    const int64_t shape[] = {HEIGHT, WIDTH};
    sscam_array array = SSCAM_ARRAY_INIT;
    array.data = values;
    array.shape = shape;
    array.rank = 2;

    sscam_map *map = NULL;
    sscam_image *heatmap = NULL;
    sscam_status status = sscam_map_create(&array, &map);
    if (status == SSCAM_OK)
        status = sscam_map_heatmap(map, NULL, &heatmap);
    if (status == SSCAM_OK)
        status = sscam_image_write_png(heatmap, "heatmap.png");
    if (status != SSCAM_OK)
        fprintf(stderr, "%s\n", sscam_last_error());
    else
        printf("libsscam %s wrote heatmap.png\n", sscam_version());
    sscam_image_unref(heatmap);
    sscam_map_unref(map);
    return status != SSCAM_OK;
}
