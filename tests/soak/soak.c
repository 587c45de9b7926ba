/* Explains one image again and again, by every method and many threads on one model, and fails when
 * a map is another than the one found alone, or when memory grows.
 *
 * soak MODEL.pt IMAGE EXPLANATIONS [THREADS]
 *
 * The first WARM_UP explanations fill what is kept for later ones; from then on memory must stay
 * flat, if need be after a further round or two. */
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sscam/sscam.h>

enum { WARM_UP = 100, MOST_METHODS = 64, MOST_THREADS = 64, MOST_ROUNDS = 10 };
static const double ALLOWED_GROWTH = 0.02;

/* Few and small masked inputs, computed in one fixed way: then maps are equal to the last bit. */
static const char *const options[][2] = {
    {"samples", "2"}, {"max_channels", "4"}, {"workers", "1"}, {"calibrate", "off"}};

static sscam_model *model;
static sscam_image *image;
static sscam_map *alone[MOST_METHODS];

static int32_t has_map(int64_t method) /* of the network, which has no attention */
{
    return (sscam_method_needs(sscam_method_info(method)) & SSCAM_NEEDS_ATTENTION) == 0;
}

/* --- explanations ----------------------------------------------------------------------------- */

static sscam_status explain(size_t method, sscam_map **map)
{
    sscam_explainer *explainer = NULL;
    sscam_status status = sscam_explainer_create(
        model, sscam_method_name(sscam_method_info(method)), &explainer);
    for (size_t i = 0; i < sizeof options / sizeof options[0] && status == SSCAM_OK; i++)
        status = sscam_explainer_set(explainer, options[i][0], options[i][1]);
    if (status == SSCAM_OK)
        status = sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, map);
    if (status != SSCAM_OK)
        fprintf(stderr, "soak: %s: %s\n", sscam_method_name(sscam_method_info(method)),
                sscam_last_error());
    sscam_explainer_unref(explainer);
    return status;
}

static int same_floats(const float *a, const float *b, int64_t count)
{
    return (!a) == (!b) && (!a || memcmp(a, b, (size_t)count * sizeof *a) == 0);
}

static int same_maps(const sscam_map *a, const sscam_map *b)
{
    return same_floats(sscam_map_weights(a), sscam_map_weights(b), sscam_map_channel_count(b)) &&
           same_floats(sscam_map_raw(a), sscam_map_raw(b),
                       sscam_map_raw_shape(b, NULL)[0] * sscam_map_raw_shape(b, NULL)[1]) &&
           same_floats(sscam_map_data(a), sscam_map_data(b),
                       sscam_map_width(b) * sscam_map_height(b));
}

/* Explains by one method as before, and compares. */
static int is_as_alone(size_t method)
{
    sscam_map *map = NULL;
    int good = explain(method, &map) == SSCAM_OK;
    if (good && !same_maps(map, alone[method])) {
        fprintf(stderr, "soak: %s: another map than alone\n", sscam_map_method(map));
        good = 0;
    }
    sscam_map_unref(map);
    return good;
}

/* --- threads ---------------------------------------------------------------------------------- */

/* A crew that takes explanations one by one until there are `goal`; then all meet, and the main
 * thread measures. */
static atomic_long taken, failures;
static long goal;
static int is_over;
static pthread_barrier_t start, end;

static void *work(void *unused)
{
    for (;;) {
        pthread_barrier_wait(&start);
        if (is_over)
            return unused;
        long turn;
        while ((turn = atomic_fetch_add(&taken, 1)) < goal)
            if (has_map(turn % sscam_method_count()) &&
                !is_as_alone((size_t)(turn % sscam_method_count())))
                atomic_fetch_add(&failures, 1);
        pthread_barrier_wait(&end);
    }
}

/* Lets the crew work until `until` explanations have been made in all. */
static void soak(long done, long until)
{
    atomic_store(&taken, done);
    goal = until;
    pthread_barrier_wait(&start);
    pthread_barrier_wait(&end);
}

/* Without what was freed and the allocator has at hand: how much of that there is hangs on how
 * threads meet. */
static double resident_megabytes(void)
{
    malloc_trim(0);
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    if (file)
        fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

/* Growth of memory in the last round. Threads fill caches of libtorch's when they first meet a
 * method, some late: what leaks goes on growing in every round. */
static double soak_until_flat(long explanations, long *made)
{
    const long warm_up = explanations < WARM_UP ? explanations : WARM_UP,
               a_round = explanations - warm_up;
    double growth = 0.0;
    soak(0, warm_up);
    *made = warm_up;
    for (int round = 0; round < MOST_ROUNDS && (round == 0 || growth > ALLOWED_GROWTH); round++) {
        const double before = resident_megabytes();
        soak(*made, *made + a_round);
        const double after = resident_megabytes();
        growth = after / before - 1.0;
        printf("resident after %ld: %.1f MB, after %ld: %.1f MB, %+.2f %%\n", *made, before,
               *made + a_round, after, 100.0 * growth);
        *made += a_round;
    }
    return growth;
}

static int run_crew(long explanations, int thread_count)
{
    pthread_t threads[MOST_THREADS];
    pthread_barrier_init(&start, NULL, (unsigned)thread_count + 1);
    pthread_barrier_init(&end, NULL, (unsigned)thread_count + 1);
    for (int i = 0; i < thread_count; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0) {
            perror("soak");
            exit(1);
        }
    long made = 0;
    const double growth = soak_until_flat(explanations, &made);
    is_over = 1;
    pthread_barrier_wait(&start);
    for (int i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    printf("%ld explanations by %" PRId64
           " methods in %d threads: %ld differ from those made alone\n",
           made, sscam_method_count(), thread_count, atomic_load(&failures));
    if (growth > ALLOWED_GROWTH)
        fprintf(stderr, "soak: memory grew by more than %.0f %%\n", 100.0 * ALLOWED_GROWTH);
    return atomic_load(&failures) > 0 || growth > ALLOWED_GROWTH;
}

int main(int argc, char **argv)
{
    const long explanations = argc > 3 ? atol(argv[3]) : 0;
    const int thread_count = argc > 4 ? atoi(argv[4]) : 8;
    if (explanations < 1 || thread_count < 1 || thread_count > MOST_THREADS) {
        fprintf(stderr, "usage: soak MODEL.pt IMAGE EXPLANATIONS [THREADS]\n");
        return 2;
    }
    if (sscam_model_load(argv[1], "cpu", &model) || sscam_image_read(argv[2], NULL, &image)) {
        fprintf(stderr, "soak: %s\n", sscam_last_error());
        return 1;
    }
    int failed = sscam_method_count() > MOST_METHODS;
    for (int64_t i = 0; i < sscam_method_count() && !failed; i++)
        failed = has_map(i) && explain(i, &alone[i]) != SSCAM_OK;
    failed = failed || run_crew(explanations, thread_count);
    for (int64_t i = 0; i < sscam_method_count() && i < MOST_METHODS; i++)
        sscam_map_unref(alone[i]);
    sscam_image_unref(image);
    sscam_model_unref(model);
    return failed;
}
