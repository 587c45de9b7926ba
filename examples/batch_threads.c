/* Explains many images with one model on several threads. The threads share the model; each has
 * an explainer of its own and takes the next image of the list.
 *
 * batch_threads MODEL.pt FOLDER THREADS IMAGE...      writes FOLDER/0.png, FOLDER/1.png, ... */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <sscam/sscam.h>

/* Shared by the threads. */
struct batch {
    sscam_model *model;
    const char *folder;
    char **images;
    int image_count;
    atomic_int next, failures;
};

static sscam_status write_overlay(const sscam_map *map, const sscam_image *image, const char *path)
{
    sscam_image *overlay = NULL;
    sscam_status status = sscam_map_overlay(map, image, NULL, &overlay);

    if (status == SSCAM_OK)
        status = sscam_image_write_png(overlay, path);
    sscam_image_unref(overlay);
    return status;
}

static sscam_status explain(sscam_explainer *explainer, const char *image_path,
                            const char *explained_path)
{
    sscam_image *image = NULL;
    sscam_map *map = NULL;
    sscam_status status = sscam_image_read(image_path, NULL, &image);

    if (status == SSCAM_OK)
        status = sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, &map);
    if (status == SSCAM_OK)
        status = write_overlay(map, image, explained_path);
    if (status == SSCAM_OK)
        printf("%s: class %lld\n", image_path, (long long)sscam_map_class_index(map));
    sscam_map_unref(map);
    sscam_image_unref(image);
    return status;
}

static void explain_next(struct batch *batch, sscam_explainer *explainer, int index)
{
    char explained_path[4096];

    snprintf(explained_path, sizeof explained_path, "%s/%d.png", batch->folder, index);
    if (explain(explainer, batch->images[index], explained_path) != SSCAM_OK) {
        /* The message is this thread's own: others that fail at the same time do not touch it. */
        fprintf(stderr, "batch_threads: %s: %s\n", batch->images[index], sscam_last_error());
        atomic_fetch_add(&batch->failures, 1);
    }
}

static void *work(void *shared)
{
    struct batch *batch = shared;
    sscam_explainer *explainer = NULL;
    int index;

    if (sscam_explainer_create(batch->model, "grad-cam++", &explainer) != SSCAM_OK) {
        fprintf(stderr, "batch_threads: %s\n", sscam_last_error());
        atomic_fetch_add(&batch->failures, 1);
        return NULL;
    }
    while ((index = atomic_fetch_add(&batch->next, 1)) < batch->image_count)
        explain_next(batch, explainer, index);
    sscam_explainer_unref(explainer);
    return NULL;
}

/* Number of threads that could be started. */
static int run_threads(struct batch *batch, int thread_count)
{
    pthread_t *threads = calloc((size_t)thread_count, sizeof *threads);
    int started = 0;

    while (threads && started < thread_count &&
           pthread_create(&threads[started], NULL, work, batch) == 0)
        started++;
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    return started;
}

int main(int argc, char **argv)
{
    if (argc < 5 || atoi(argv[3]) < 1) {
        fprintf(stderr, "usage: batch_threads MODEL.pt FOLDER THREADS IMAGE...\n");
        return 2;
    }
    struct batch batch = {.folder = argv[2], .images = argv + 4, .image_count = argc - 4};

    if (sscam_model_load(argv[1], "cpu", &batch.model) != SSCAM_OK) {
        fprintf(stderr, "batch_threads: %s\n", sscam_last_error());
        return 1;
    }
    int started = run_threads(&batch, atoi(argv[3]));
    sscam_model_unref(batch.model);
    if (started == 0)
        fprintf(stderr, "batch_threads: no thread could be started\n");
    return started == 0 || atomic_load(&batch.failures) != 0;
}
