/* Allocations of libsscam.so and of libtorch fail while libtorch loads and explains the bundled
 * network. As in check_memory.c, each call returns SSCAM_E_MEMORY, leaks nothing and succeeds as
 * before when memory is back.
 *
 * usage: memory_probe NETWORK IMAGE [CALL...]
 *
 * The calls are those of the table `steps`; without any, all are made.
 *
 * libtorch does not survive every failure of its own allocations: it allocates in destructors, and
 * oneDNN dereferences failed allocations and caches what it failed to create. When libtorch's
 * allocations fail, a process that ends, leaked blocks and a network that cannot be run again are
 * therefore counted and no failure of the test; a call that returns must report what happened.
 *
 * A file is not held in memory while it is loaded: no allocation of libsscam.so then is as large.
 *
 * There are far too many allocations for a run of the tests: SSCAM_FAULTS_EVERY=1 lets every one of
 * libsscam.so fail (and every 37th of libtorch's), another number n every nth; by default a few,
 * evenly spread. Each try is a child of a process that has loaded the network and not run it, so
 * that all begin in the same state and may die. */
#define _GNU_SOURCE
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sscam/sscam.h>

#include "faulty_call.h"
#include "support/arrays.h"
#include "support/shorthands.h"

enum {
    DEFAULT_TRIES = 3,
    TORCH_STRIDE = 37,
    INPUT_SIDE = 64,
    MOST_VALUES = 224 * 224,
    LARGEST_OF_LOAD = 1 << 16
};

typedef struct step {
    const char *name, *method;
    sscam_status (*act)(const struct step *step, uint64_t *signature);
} step;

/* The results that children report to their parent. */
typedef struct report {
    uint64_t signature; /* of the call as it should be, and its map */
    float map[MOST_VALUES];
    int64_t count; /* of its allocations */
    int64_t left;  /* blocks that libtorch keeps when all is destroyed */
    long long tries, refused, absorbed, failures;
    long long unusable, losses; /* after failures of libtorch's allocations */
} report;

static report *told;
static const char *network_path, *image_path;
static sscam_model *model;
static sscam_image *image;
static float last_map[MOST_VALUES];

__attribute__((format(printf, 1, 2))) static void report_failure(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    told->failures++;
}

static void sign_map(uint64_t *signature, const sscam_map *map)
{
    const size_t count = (size_t)sscam_map_width(map) * (size_t)sscam_map_height(map);
    sign(signature, sscam_map_data(map), count * sizeof(float));
    memcpy(last_map, sscam_map_data(map),
           (count < MOST_VALUES ? count : MOST_VALUES) * sizeof(float));
}

/* --- the calls -------------------------------------------------------------------------------- */

static sscam_status load(const step *step, uint64_t *signature)
{
    (void)step;
    (void)signature;
    if (model)
        return SSCAM_OK;
    return UNDER_FAULTS(sscam_model_load(network_path, "cpu", &model));
}

static sscam_status list_layers(const step *step, uint64_t *signature)
{
    static const int64_t shape[4] = {1, 3, INPUT_SIDE, INPUT_SIDE};
    sscam_layers *layers = NULL;
    sscam_status status = UNDER_FAULTS(sscam_model_layers(model, shape, 4, &layers));
    (void)step;
    if (status != SSCAM_OK && layers)
        report_failure("layers: not NULL");
    for (int64_t i = 0; i < sscam_layers_count(layers); i++)
        sign(signature, sscam_layers_name(layers, i), strlen(sscam_layers_name(layers, i)));
    sscam_layers_unref(layers);
    return status;
}

static sscam_status classify(const step *step, uint64_t *signature)
{
    static const int64_t shape[4] = {1, 3, INPUT_SIDE, INPUT_SIDE};
    static float input[3 * INPUT_SIDE * INPUT_SIDE], logits[64];
    int64_t count = 0;
    sscam_status status = UNDER_FAULTS(
        sscam_model_classify(model, ARRAY(input, shape, 4), logits, 64, &count));
    (void)step;
    if (status == SSCAM_OK)
        sign(signature, logits, (size_t)count * sizeof(float));
    return status;
}

static sscam_explainer *explainer_of(const char *method)
{
    sscam_explainer *made = NULL;
    if (sscam_explainer_create(model, method, &made) ||
        sscam_explainer_set(made, "calibrate", "off") ||
        sscam_explainer_set(made, "samples", "1") || sscam_explainer_set(made, "workers", "1") ||
        sscam_explainer_set(made, "max_channels", "3"))
        report_failure("%s: %s", method, sscam_last_error());
    return made;
}

static sscam_status explain(const step *step, uint64_t *signature)
{
    sscam_explainer *explainer = explainer_of(step->method);
    sscam_map *map = NULL;
    sscam_status status = UNDER_FAULTS(
        sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, &map));
    if (status != SSCAM_OK && map)
        report_failure("%s: a map in spite of the failure", step->method);
    if (status == SSCAM_OK)
        sign_map(signature, map);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
    return status;
}

static sscam_status evaluate(const step *step, uint64_t *signature)
{
    sscam_explainer *explainer = explainer_of(step->method);
    sscam_evaluation *evaluation = NULL;
    if (sscam_explainer_set(explainer, "metrics", "all") ||
        sscam_explainer_set(explainer, "metric_steps", "3") ||
        sscam_evaluation_create(&explainer, 1, &evaluation))
        report_failure("evaluation: %s", sscam_last_error());
    sscam_status status = UNDER_FAULTS(sscam_evaluation_add(evaluation, image, NULL));
    if (status == SSCAM_OK)
        sign_map(signature, sscam_evaluation_map(evaluation, 0, 0));
    sscam_evaluation_unref(evaluation);
    sscam_explainer_unref(explainer);
    return status;
}

static const step steps[] = {
    {"load", NULL, load},
    {"layers", NULL, list_layers},
    {"classify", NULL, classify},
    {"grad-cam", "grad-cam", explain},
    {"cam", "cam", explain},
    {"ss-cam-mean", "ss-cam-mean", explain},
    {"ablation-cam", "ablation-cam", explain},
    {"evaluate", "grad-cam", evaluate},
};

/* --- one try ---------------------------------------------------------------------------------- */

static sscam_status act(const step *step, int64_t allocation, int from_on, uint64_t *signature)
{
    fault_board_here()->allocation = allocation;
    fault_board_here()->from_on = from_on;
    *signature = UINT64_C(0xcbf29ce484222325);
    return step->act(step, signature);
}

static void begin(const step *step, int owners)
{
    fault_board_here()->owners = owners;
    fault_board_here()->outstanding = 0;
    fault_board_here()->tracks = 1;
    if (step->act == load) {
        sscam_model_unref(model);
        model = NULL;
    }
}

static int64_t end(void)
{
    sscam_model_unref(model);
    fault_board_here()->tracks = 0;
    return fault_board_here()->outstanding;
}

static void run_without_faults(const step *step, int owners)
{
    uint64_t again;
    begin(step, owners);
    if (act(step, 0, 0, &told->signature) != SSCAM_OK)
        report_failure("%s without faults: %s", step->name, sscam_last_error());
    told->count = fault_board_here()->allocations;
    if (step->act == load && owners == FAULT_LIBRARY &&
        fault_board_here()->largest > LARGEST_OF_LOAD)
        report_failure("load: an allocation of %lld bytes", (long long)fault_board_here()->largest);
    memcpy(told->map, last_map, sizeof told->map);
    if (act(step, 0, 0, &again) != SSCAM_OK || again != told->signature)
        report_failure("%s is not the same twice", step->name);
    told->left = end();
}

/* Where memory is short, masked inputs are scored in smaller batches or by another form, which
 * rounds otherwise. */
static int is_near(uint64_t signature)
{
    double farthest = 0.0;
    for (size_t i = 0; i < MOST_VALUES; i++)
        farthest = fmax(farthest, fabs((double)last_map[i] - (double)told->map[i]));
    return signature == told->signature || (farthest > 0.0 && farthest < 2e-3);
}

static void try_one(const step *step, int owners, int64_t allocation, int from_on)
{
    uint64_t signature;
    begin(step, owners);
    sscam_status status = act(step, allocation, from_on, &signature);
    told->tries++;
    told->refused += fault_board_here()->refused;
    if (status == SSCAM_OK) {
        told->absorbed++;
        if (!is_near(signature))
            report_failure("%s without allocation %lld: another result", step->name,
                           (long long)allocation);
    } else if (status != SSCAM_E_MEMORY || !strstr(sscam_last_error(), "memory")) {
        report_failure("%s without allocation %lld: %s: %s", step->name, (long long)allocation,
                       sscam_status_name(status), sscam_last_error());
    }
    const int is_own = owners == FAULT_LIBRARY;
    sscam_status again = act(step, 0, 0, &signature);
    told->unusable += again != SSCAM_OK;
    if ((again != SSCAM_OK && is_own) || (again == SSCAM_OK && signature != told->signature))
        report_failure("%s after allocation %lld failed: another result: %s", step->name,
                       (long long)allocation, sscam_last_error());
    int64_t left = end();
    told->losses += left > told->left;
    if (left > told->left && is_own)
        report_failure("%s loses %lld blocks where allocation %lld fails", step->name,
                       (long long)(left - told->left), (long long)allocation);
}

/* --- all of them ------------------------------------------------------------------------------ */

/* How a child ended that does one try, or the call without faults (allocation 0). */
static int run_child(const step *step, int owners, int64_t allocation, int from_on)
{
    int how = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (allocation > 0)
            try_one(step, owners, allocation, from_on);
        else
            run_without_faults(step, owners);
        _exit(0);
    }
    return child < 0 || waitpid(child, &how, 0) < 0 ? -1 : how;
}

static int64_t stride_of(int owners, int64_t count)
{
    const char *every = getenv("SSCAM_FAULTS_EVERY");
    int64_t stride = every ? atoll(every) : count / DEFAULT_TRIES + 1;
    return owners == FAULT_TORCH && stride < TORCH_STRIDE ? TORCH_STRIDE : stride;
}

/* Adds what was refused to *refused; the number of things that are wrong. */
static long long try_all(const step *step, int owners, int from_on, long long *refused)
{
    long long deaths = 0;
    *told = (report){0};
    if (run_child(step, owners, 0, 0) != 0)
        report_failure("%s without faults ended the process", step->name);
    const int64_t stride = stride_of(owners, told->count);
    for (int64_t at = 1 + (from_on ? stride / 2 : 0); at <= told->count; at += stride) {
        int how = run_child(step, owners, at, from_on);
        if (how == 0)
            continue;
        deaths++;
        if (owners == FAULT_LIBRARY && !MODULES_END_PROCESS)
            report_failure("%s: allocation %lld%s ended the process (%d)", step->name,
                           (long long)at, from_on ? " and all after it" : "", how);
    }
    printf("%s, %s%s: %lld of %lld allocations tried, %lld refused, %lld times done without; ",
           step->name, owners == FAULT_LIBRARY ? "libsscam" : "libtorch",
           from_on ? ", all from one on" : "", told->tries + deaths, (long long)told->count,
           told->refused, told->absorbed);
    printf("%lld deaths, %lld times unusable, %lld times blocks lost\n", deaths, told->unusable,
           told->losses);
    fflush(stdout);
    *refused += told->refused;
    return told->failures;
}

/* libtorch makes some tables when it first fails. */
static void fail_once(void)
{
    static const int64_t shape[4] = {1, 1, INPUT_SIDE, INPUT_SIDE};
    static const float input[INPUT_SIDE * INPUT_SIDE];
    sscam_model *none = NULL;
    int64_t count = 0;
    if (sscam_model_load_memory("no network", 10, "cpu", &none) == SSCAM_OK ||
        sscam_model_classify(model, ARRAY(input, shape, 4), NULL, 0, &count) == SSCAM_OK)
        report_failure("what must fail does not");
}

static int is_wanted(const step *step, int argc, char **argv)
{
    int wanted = argc == 3;
    for (int i = 3; i < argc; i++)
        wanted = wanted || strcmp(argv[i], step->name) == 0;
    return wanted;
}

int main(int argc, char **argv)
{
    long long refused = 0, bad = 0;
    if (argc < 3)
        return 2;
    network_path = argv[1];
    image_path = argv[2];
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED || sscam_model_load(network_path, "cpu", &model) ||
        sscam_image_read(image_path, NULL, &image)) {
        fprintf(stderr, "%s\n", sscam_last_error());
        return 2;
    }
    fail_once();
    for (int way = 0; way < 4; way++)
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
            if (is_wanted(&steps[i], argc, argv))
                bad += try_all(&steps[i], way < 2 ? FAULT_LIBRARY : FAULT_TORCH, way % 2, &refused);
    printf("all: %lld allocations refused\n", refused);
    sscam_image_unref(image);
    sscam_model_unref(model);
    return bad != 0;
}
