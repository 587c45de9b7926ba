/* Explains within a time budget: shows the progress, cancels when the time is over or the user
 * presses Ctrl-C, and then falls back on a method that takes a single pass.
 *
 * progress MODEL.pt IMAGE EXPLAINED.png SECONDS */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sscam/sscam.h>

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* The time budget, passed to the callback. */
struct budget {
    struct timespec start;
    double seconds;
};

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

/* Non-zero stops the explanation, which then returns SSCAM_E_CANCELLED. */
static int32_t show_progress(void *user, double fraction)
{
    const struct budget *budget = user;
    enum { WIDTH = 40 };
    char bar[WIDTH + 1];

    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < (int)(fraction * WIDTH) ? '#' : '.';
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %3.0f %%", bar, 100 * fraction);
    return interrupted || seconds_since(&budget->start) > budget->seconds;
}

static sscam_status explain(sscam_model *model, const char *method, const sscam_image *image,
                            sscam_progress_callback callback, void *user, sscam_map **map)
{
    sscam_explainer *explainer = NULL;
    sscam_status status = sscam_explainer_create(model, method, &explainer);

    if (status == SSCAM_OK)
        status = sscam_explainer_set_progress(explainer, callback, user);
    if (status == SSCAM_OK)
        status = sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, map);
    sscam_explainer_unref(explainer);
    return status;
}

static sscam_status explain_in_time(sscam_model *model, const sscam_image *image, double seconds,
                                    sscam_map **map)
{
    struct budget budget = {.seconds = seconds};

    timespec_get(&budget.start, TIME_UTC);
    sscam_status status = explain(model, "ss-cam-mean", image, show_progress, &budget, map);
    fputc('\n', stderr);
    if (status != SSCAM_E_CANCELLED)
        return status;
    fprintf(stderr, "cancelled; Grad-CAM instead\n");
    return explain(model, "grad-cam", image, NULL, NULL, map);
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
    signal(SIGINT, interrupt);
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
