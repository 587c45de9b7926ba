/* Explains within a time budget: shows the progress, cancels when the time is over or the user
 * presses Ctrl-C, and then falls back on a method that takes a single pass.
 *
 * progress MODEL.pt IMAGE EXPLAINED.png SECONDS */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <sscam/sscam.h>

static _Atomic(sscam_explainer *) running;

static void cancel(int signal_number)
{
    (void)signal_number;
    sscam_explainer_cancel(atomic_load(&running));
}

/* Non-zero would stop the explanation, too. */
static int32_t show_progress(void *user, double fraction)
{
    enum { WIDTH = 40 };
    char bar[WIDTH + 1];

    (void)user;
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < (int)(fraction * WIDTH) ? '#' : '.';
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %3.0f %%", bar, 100 * fraction);
    return 0;
}

/* `milliseconds` 0: as long as it takes. */
static sscam_status explain(sscam_model *model, const char *method, const sscam_image *image,
                            int64_t milliseconds, sscam_map **map)
{
    sscam_explainer *explainer = NULL;
    sscam_status status = sscam_explainer_create(model, method, &explainer);

    if (status == SSCAM_OK)
        status = sscam_explainer_set_int(explainer, SSCAM_OPTION_DEADLINE, milliseconds);
    if (status == SSCAM_OK)
        status = sscam_explainer_set_progress(explainer, show_progress, NULL);
    atomic_store(&running, explainer);
    if (status == SSCAM_OK)
        status = sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, map);
    atomic_store(&running, NULL);
    sscam_explainer_unref(explainer);
    fputc('\n', stderr);
    return status;
}

static sscam_status explain_in_time(sscam_model *model, const sscam_image *image, double seconds,
                                    sscam_map **map)
{
    const int64_t milliseconds = seconds < 0.001 ? 1 : (int64_t)(seconds * 1000);
    sscam_status status = explain(model, "ss-cam-mean", image, milliseconds, map);

    if (status != SSCAM_E_CANCELLED)
        return status;
    fprintf(stderr, "%s; Grad-CAM instead\n", sscam_last_error());
    return explain(model, "grad-cam", image, 0, map);
}

int main(int argc, char **argv)
{
    sscam_model *model = NULL;
    sscam_image *image = NULL, *overlay = NULL;
    sscam_map *map = NULL;

    if (argc != 5) {
        fprintf(stderr, "usage: progress MODEL.pt IMAGE EXPLAINED.png SECONDS\n");
        return 2;
    }
    signal(SIGINT, cancel);
    int failed = sscam_model_load(argv[1], "cpu", &model) ||
                 sscam_image_read(argv[2], NULL, &image) ||
                 explain_in_time(model, image, strtod(argv[4], NULL), &map) ||
                 sscam_map_overlay(map, image, NULL, &overlay) ||
                 sscam_image_write_png(overlay, argv[3]);
    if (failed)
        fprintf(stderr, "progress: %s\n", sscam_last_error());
    else
        printf("%s: class %lld\n", sscam_map_method(map), (long long)sscam_map_class_index(map));
    sscam_image_unref(overlay);
    sscam_map_unref(map);
    sscam_image_unref(image);
    sscam_model_unref(model);
    return failed;
}
