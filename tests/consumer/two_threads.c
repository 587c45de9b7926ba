/* Two explainers in two threads on one model, at the same time, give what they give one after the
 * other.
 *
 * two_threads MODEL.pt IMAGE */
#include <math.h>
#include <pthread.h>
#include <stdio.h>

#include <sscam/sscam.h>

enum { ROUNDS = 5 };

/* What one thread does: the same explanation again and again, compared with the first. */
struct task {
    sscam_model *model;
    const sscam_image *image;
    const char *method;
    sscam_map *alone;
    int failed;
};

static sscam_status explain(const struct task *task, sscam_map **map)
{
    sscam_explainer *explainer = NULL;
    sscam_status status = sscam_explainer_create(task->model, task->method, &explainer);

    if (status == SSCAM_OK)
        status = sscam_explainer_set(explainer, "max_channels", "8");
    if (status == SSCAM_OK)
        status = sscam_explainer_set(explainer, "samples", "3");
    if (status == SSCAM_OK)
        status = sscam_explain_image(explainer, task->image, SSCAM_CLASS_TOP, map);
    if (status != SSCAM_OK)
        fprintf(stderr, "two_threads: %s: %s\n", task->method, sscam_last_error());
    sscam_explainer_unref(explainer);
    return status;
}

static double largest_difference(const sscam_map *a, const sscam_map *b)
{
    double largest = 0;
    int64_t count = sscam_map_width(a) * sscam_map_height(a);

    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)sscam_map_data(a)[i] - sscam_map_data(b)[i]));
    return largest;
}

static void *repeat(void *argument)
{
    struct task *task = argument;

    for (int round = 0; round < ROUNDS && !task->failed; round++) {
        sscam_map *map = NULL;
        task->failed = explain(task, &map) != SSCAM_OK;
        if (!task->failed && largest_difference(map, task->alone) > 1e-4) {
            fprintf(stderr, "two_threads: %s gave another map than alone\n", task->method);
            task->failed = 1;
        }
        sscam_map_unref(map);
    }
    return NULL;
}

static int run_together(struct task tasks[2])
{
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, repeat, &tasks[i]) != 0) {
            perror("two_threads");
            return 1;
        }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return tasks[0].failed || tasks[1].failed;
}

int main(int argc, char **argv)
{
    sscam_model *model = NULL;
    sscam_image *image = NULL;

    if (argc != 3 || sscam_model_load(argv[1], "cpu", &model) ||
        sscam_image_read(argv[2], NULL, &image)) {
        fprintf(stderr, "two_threads: %s\n",
                argc == 3 ? sscam_last_error() : "usage: two_threads MODEL.pt IMAGE");
        return 1;
    }
    struct task tasks[2] = {
        {.model = model, .image = image, .method = "grad-cam++"},
        {.model = model, .image = image, .method = "ss-cam-max"},
    };
    int failed = explain(&tasks[0], &tasks[0].alone) || explain(&tasks[1], &tasks[1].alone) ||
                 run_together(tasks);
    if (!failed)
        printf("%d maps each of %s and %s, as alone\n", ROUNDS, tasks[0].method, tasks[1].method);
    sscam_map_unref(tasks[0].alone);
    sscam_map_unref(tasks[1].alone);
    sscam_image_unref(image);
    sscam_model_unref(model);
    return failed;
}
