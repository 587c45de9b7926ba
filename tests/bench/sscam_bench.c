/* Measures the overhead of the methods over the cost of the network itself.
 *
 * usage: sscam-bench MODEL.pt [NAME=VALUE...]
 *
 * NAME=VALUE are options of the methods, and device=NAME (cpu) and rounds=N (5), the number of
 * measurements, which are made in turn; medians are shown. The input is synthetic, 224 x 224.
 *
 * The floor is the same scoring call without writing masks: the network alone, in the variant,
 * batches and workers that the library chose. overhead is the time of a whole explanation, from the
 * input to the map, over passes at the floor. The linker wraps three functions for that: those that
 * write masked inputs, on the CPU and on a GPU (CudaProgram::write()), and the one that gives the
 * backend. */
#include <inttypes.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/backend.h"
#include "sscam/sscam.h"
#include "support/arrays.h"

enum { SIDE = 224, CHANNELS = 3, MOST_ROUNDS = 99, MOST_SETTINGS = 16 };

static const char *settings[MOST_SETTINGS];
static int setting_count, rounds = 5;
static const char *device = "cpu";
static sscam_model *model;
static float *input;
static const int64_t shape[4] = {1, CHANNELS, SIDE, SIDE};

/* --- wrapped functions ------------------------------------------------------------------------ */

void __real_sscam_mask_list_write(const sscam_mask_list *list, int64_t index,
                                  sscam_memory_format layout, float *scratch, float *out);
void __wrap_sscam_mask_list_write(const sscam_mask_list *list, int64_t index,
                                  sscam_memory_format layout, float *scratch, float *out);
void __real__ZNK5sscam11CudaProgram5writeERK17sscam_mask_kernel(const void *program,
                                                                const void *kernel);
void __wrap__ZNK5sscam11CudaProgram5writeERK17sscam_mask_kernel(const void *program,
                                                                const void *kernel);
const sscam_backend *__real_sscam_torch_backend(void);
const sscam_backend *__wrap_sscam_torch_backend(void);

static int writes_masks = 1;
static double capture_seconds, scoring_seconds;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void __wrap_sscam_mask_list_write(const sscam_mask_list *list, int64_t index,
                                  sscam_memory_format layout, float *scratch, float *out)
{
    if (writes_masks)
        __real_sscam_mask_list_write(list, index, layout, scratch, out);
}

void __wrap__ZNK5sscam11CudaProgram5writeERK17sscam_mask_kernel(const void *program,
                                                                const void *kernel)
{
    if (writes_masks)
        __real__ZNK5sscam11CudaProgram5writeERK17sscam_mask_kernel(program, kernel);
}

static sscam_status timed_score(void *network, const sscam_score_request *request, float *scores)
{
    double start = now();
    sscam_status status = __real_sscam_torch_backend()->score(network, request, scores);
    scoring_seconds += now() - start;
    return status;
}

static sscam_status timed_capture(void *network, const sscam_capture_request *request,
                                  sscam_capture *capture)
{
    double start = now();
    sscam_status status = __real_sscam_torch_backend()->capture(network, request, capture);
    capture_seconds += now() - start;
    return status;
}

const sscam_backend *__wrap_sscam_torch_backend(void)
{
    static sscam_backend timed;
    timed = *__real_sscam_torch_backend();
    timed.capture = timed_capture;
    timed.score = timed_score;
    return &timed;
}

/* --- tools ------------------------------------------------------------------------------------ */

static void need(sscam_status status)
{
    if (status == SSCAM_OK)
        return;
    fprintf(stderr, "sscam-bench: %s\n", sscam_last_error());
    exit(1);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* MiB of a line of /proc/self/status; 0 where there is none. */
static double memory(const char *name)
{
    char line[256];
    double kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtod(line + strlen(name) + 1, NULL);
    if (file)
        fclose(file);
    return kib / 1024;
}

static void forget_peak(void)
{
    malloc_trim(0);
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (file) {
        fputs("5", file);
        fclose(file);
    }
}

static sscam_explainer *explainer_of(const char *method)
{
    sscam_explainer *explainer;
    need(sscam_explainer_create(model, method, &explainer));
    for (int i = 0; i < setting_count; i++) {
        char name[64];
        size_t length = strcspn(settings[i], "=");
        snprintf(name, sizeof name, "%.*s", (int)length, settings[i]);
        need(sscam_explainer_set(explainer, name,
                                 settings[i] + length + (settings[i][length] == '=')));
    }
    return explainer;
}

static sscam_map *explain(sscam_explainer *explainer)
{
    sscam_map *map;
    need(sscam_explain_array(explainer, ARRAY(input, shape, 4), NULL, &map));
    return map;
}

/* --- what is measured ------------------------------------------------------------------------- */

static double classification_seconds(int64_t count)
{
    const int64_t batch_shape[4] = {count, CHANNELS, SIDE, SIDE};
    const size_t size = (size_t)CHANNELS * SIDE * SIDE;
    float *batch = malloc((size_t)count * size * sizeof *batch);
    int64_t class_count = 0;
    if (!batch)
        exit(1);
    for (int64_t i = 0; i < count; i++)
        memcpy(batch + (size_t)i * size, input, size * sizeof *batch);
    need(sscam_model_classify(model, ARRAY(batch, batch_shape, 4), NULL, 0, &class_count));
    float *logits = malloc((size_t)(count * class_count) * sizeof *logits);
    double start = now();
    need(sscam_model_classify(model, ARRAY(batch, batch_shape, 4), logits,
                              (size_t)(count * class_count), &class_count));
    double seconds = now() - start;
    free(logits);
    free(batch);
    return seconds;
}

static void measure_gradient_method(const char *method)
{
    double seconds[MOST_ROUNDS], forward[MOST_ROUNDS];
    sscam_explainer *explainer = explainer_of(method);
    sscam_map_unref(explain(explainer));
    for (int round = 0; round < rounds; round++) {
        double start = now();
        sscam_map_unref(explain(explainer));
        seconds[round] = now() - start;
        forward[round] = classification_seconds(1);
    }
    double explained = median(seconds, rounds), passed = median(forward, rounds);
    printf("%-12s %8.1f ms; a forward pass %.1f ms; ratio %.2f\n", method, 1e3 * explained,
           1e3 * passed, explained / passed);
    sscam_explainer_unref(explainer);
}

static void measure_scoring_method(const char *method)
{
    double seconds[MOST_ROUNDS], floor_seconds[MOST_ROUNDS], captures[MOST_ROUNDS],
        others[MOST_ROUNDS];
    sscam_explainer *explainer = explainer_of(method);
    double start = now();
    sscam_map *map = explain(explainer);
    double first = now() - start,
           passes = (double)(sscam_map_passes(map) - 1); /* but for the capture's */
    for (int round = 0; round < rounds; round++) {
        writes_masks = 0;
        scoring_seconds = 0;
        sscam_map_unref(explain(explainer));
        floor_seconds[round] = scoring_seconds;
        writes_masks = 1;
        capture_seconds = scoring_seconds = 0;
        start = now();
        sscam_map_unref(explain(explainer));
        seconds[round] = now() - start;
        captures[round] = capture_seconds;
        others[round] = seconds[round] - capture_seconds - scoring_seconds;
    }
    double all = median(seconds, rounds), network = median(floor_seconds, rounds);
    printf("%-12s %8.4f s (the first %.2f); %.0f passes; %.1f a second; floor %.1f a second; "
           "overhead %.1f %%; capture %.1f ms, the library itself %.1f ms; %s\n",
           method, all, first, passes, passes / all, passes / network, 100 * (all / network - 1),
           1e3 * median(captures, rounds), 1e3 * median(others, rounds),
           sscam_map_diagnostics(map));
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}

/* A number of a map's diagnostics. */
static int64_t diagnostic(const sscam_map *map, const char *key)
{
    const char *found = strstr(sscam_map_diagnostics(map), key);
    return found ? strtoll(strchr(found, ':') + 1, NULL, 10) : 0;
}

/* Peak over the loaded model, beside that of two batches run through the plain network. */
static void measure_memory(void)
{
    sscam_explainer *explainer = explainer_of("score-cam");
    sscam_map *map = explain(explainer);
    int64_t batch = diagnostic(map, "batch_size") * diagnostic(map, "workers");
    sscam_map_unref(map);
    forget_peak();
    double before = memory("VmRSS");
    sscam_map_unref(explain(explainer));
    double explained = memory("VmHWM") - before;
    forget_peak();
    before = memory("VmRSS");
    classification_seconds(2 * batch);
    double two_batches = memory("VmHWM") - before;
    printf("memory       %8.0f MiB over the loaded model in Score-CAM; %.0f MiB for %" PRId64
           " inputs classified at once\n",
           explained, two_batches, 2 * batch);
    sscam_explainer_unref(explainer);
}

static void read_arguments(int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        if (strncmp(argv[i], "rounds=", 7) == 0)
            rounds = atoi(argv[i] + 7);
        else if (strncmp(argv[i], "device=", 7) == 0)
            device = argv[i] + 7;
        else if (setting_count < MOST_SETTINGS)
            settings[setting_count++] = argv[i];
    if (argc < 2 || rounds < 1 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "usage: sscam-bench MODEL.pt [device=NAME] [rounds=N] [NAME=VALUE...]\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    mallopt(M_MMAP_MAX, 0); /* as the program sscam does */
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    need(sscam_model_load(argv[1], device, &model));
    input = malloc((size_t)CHANNELS * SIDE * SIDE * sizeof *input);
    if (!input)
        return 1;
    for (int i = 0; i < CHANNELS * SIDE * SIDE; i++)
        input[i] = (float)(sin(i * 0.0137) +
                           sin((i % SIDE) * 0.11) * cos((double)(i / SIDE) * 0.07));
    printf("%s on %s; %s\n", argv[1], sscam_model_device(model), sscam_build_info());
    measure_gradient_method("grad-cam");
    measure_gradient_method("grad-cam++");
    measure_scoring_method("score-cam");
    measure_scoring_method("ss-cam-mean");
    if (strcmp(device, "cpu") == 0)
        measure_memory();
    free(input);
    sscam_model_unref(model);
    return 0;
}
