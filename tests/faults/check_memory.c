/* Every allocation of every call of the core fails in turn: alone, and with all after it. The call
 * returns SSCAM_E_MEMORY with a message, leaves its results NULL, leaks nothing, and succeeds as
 * before when memory is back. A call that can do without the memory may succeed, with the same
 * result.
 *
 * usage: check_memory CORPUS (that of tests/fuzz: images to read) */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "faulty_call.h"
#include "support/arrays.h"
#include "support/assertions.h"
#include "support/check_main.h"
#include "support/fake_backend.h"
#include "support/fake_device.h"
#include "support/pixels.h"
#include "support/shorthands.h"

enum {
    WIDTH = 8,
    HEIGHT = 6,
    PIXELS = WIDTH * HEIGHT,
    SIZE = FAKE_COLORS * PIXELS,
    INPUTS = 2,
    MOST_METHODS = 4,
    MOST_MAPS = 16,
    MOST_OPTIONS = 3
};

typedef struct step step;
typedef sscam_status step_act(const step *step, uint64_t *signature);

struct step {
    const char *name;
    step_act *act;
    const char *methods[MOST_METHODS];
    const char *options[MOST_OPTIONS][2];
    const char *file;
    const char *network; /* NULL: the linear one */
};

static sscam_model *model;
static sscam_explainer *explainers[MOST_METHODS];
static size_t explainer_count;
static sscam_image *image;
static sscam_map *map;
static sscam_evaluation *evaluation;
static float input[INPUTS * SIZE];
static const int64_t shape[4] = {INPUTS, FAKE_COLORS, HEIGHT, WIDTH};
static const int64_t classes[] = {1, SSCAM_CLASS_TOP, 0, 2};
static const char *corpus;
static char folder[] = "/tmp/sscam-check-memory-XXXXXX", path[512];
static long long all_refused, all_absorbed;

/* --- faults ----------------------------------------------------------------------------------- */

static void plan(int64_t allocation, int from_on)
{
    fault_board_here()->allocation = allocation;
    fault_board_here()->from_on = from_on;
}

/* --- results of a call ------------------------------------------------------------------------ */

static void sign_map(uint64_t *signature, const sscam_map *made)
{
    const size_t channels = (size_t)sscam_map_channel_count(made);
    ck_assert_ptr_nonnull(made);
    sign(signature, sscam_map_data(made), PIXELS * sizeof(float));
    if (sscam_map_weights(made))
        sign(signature, sscam_map_weights(made), channels * sizeof(float));
    sign(signature, sscam_map_layer(made), strlen(sscam_map_layer(made)));
}

/* Signs maps that a call made and destroys them; those of a failure are NULL. */
static void take_maps(sscam_status status, sscam_map **maps, size_t count, uint64_t *signature)
{
    for (size_t i = 0; i < count; i++) {
        if (status == SSCAM_OK)
            sign_map(signature, maps[i]);
        else
            ck_assert_ptr_null(maps[i]);
        sscam_map_unref(maps[i]);
    }
}

static void take_image(sscam_status status, sscam_image *made, uint64_t *signature)
{
    if (status != SSCAM_OK) {
        ck_assert_ptr_null(made);
        return;
    }
    size_t size;
    const void *pixels = all_pixels_of(made, &size);
    sign(signature, pixels, size);
    sscam_image_unref(made);
}

/* A pointer that a failing call must replace. */
#define STALE(type) ((type *)(void *)folder)

/* --- the calls -------------------------------------------------------------------------------- */

static sscam_status load_file(const step *step, uint64_t *signature)
{
    sscam_model *made = STALE(sscam_model);
    sscam_status status = UNDER_FAULTS(sscam_model_load(path, "cpu", &made));
    (void)step;
    (void)signature;
    ck_assert((!made) == (status != SSCAM_OK));
    sscam_model_unref(made);
    return status;
}

static sscam_status classify(const step *step, uint64_t *signature)
{
    float logits[INPUTS * FAKE_CLASSES] = {0};
    int64_t count = 0;
    sscam_status status = UNDER_FAULTS(sscam_model_classify(
        model, ARRAY(input, shape, 4), logits, sizeof logits / sizeof logits[0], &count));
    (void)step;
    if (status == SSCAM_OK)
        sign(signature, logits, sizeof logits);
    return status;
}

static sscam_status list_layers(const step *step, uint64_t *signature)
{
    static const int64_t one[4] = {1, FAKE_COLORS, HEIGHT, WIDTH};
    sscam_layers *layers = STALE(sscam_layers);
    sscam_status status = UNDER_FAULTS(sscam_model_layers(model, one, 4, &layers));
    (void)step;
    ck_assert((!layers) == (status != SSCAM_OK));
    for (int64_t i = 0; i < sscam_layers_count(layers); i++)
        sign(signature, sscam_layers_name(layers, i), strlen(sscam_layers_name(layers, i)));
    sscam_layers_unref(layers);
    return status;
}

static sscam_status create_explainer(const step *step, uint64_t *signature)
{
    sscam_explainer *made = STALE(sscam_explainer);
    sscam_status status = UNDER_FAULTS(sscam_explainer_create(model, "smooth-grad-cam++", &made));
    (void)step;
    ck_assert((!made) == (status != SSCAM_OK));
    if (made)
        sign(signature, option_text(made, "sigma"), strlen(option_text(made, "sigma")));
    sscam_explainer_unref(made);
    return status;
}

/* Option 0 is set; a failure leaves its old value. */
static sscam_status set_option(const step *step, uint64_t *signature)
{
    const char *name = step->options[0][0], *value = step->options[0][1];
    char before[256], after[256];
    snprintf(before, sizeof before, "%s", option_text(explainers[0], name));
    sscam_status status = UNDER_FAULTS(
        sscam_explainer_set(explainers[0], name, step->file ? step->file : value));
    snprintf(after, sizeof after, "%s", option_text(explainers[0], name));
    if (status != SSCAM_OK)
        ck_assert_str_eq(after, before);
    else
        sign(signature, after, strlen(after));
    return status;
}

/* A failure leaves the region as it was. */
static sscam_status set_region(const step *step, uint64_t *signature)
{
    static const uint8_t mask[6] = {0, 1, 0, 1, 1, 0};
    sscam_status status = UNDER_FAULTS(sscam_explainer_set_region(explainers[0], mask, 2, 3));
    (void)step;
    ck_assert_str_eq(option_text(explainers[0], "region"), status == SSCAM_OK ? "mask" : "all");
    sign(signature, mask, sizeof mask);
    return status;
}

/* A failure leaves the weights and the target as they were. */
static sscam_status set_target_weights(const step *step, uint64_t *signature)
{
    static const float weights[FAKE_CLASSES] = {0.5f, -1.0f, 2.0f};
    sscam_status status = UNDER_FAULTS(
        sscam_explainer_set_target_weights(explainers[0], weights, FAKE_CLASSES));
    (void)step;
    ck_assert_str_eq(option_text(explainers[0], "target"),
                     status == SSCAM_OK ? "weights" : "class");
    sign(signature, weights, sizeof weights);
    return status;
}

static sscam_status preprocess(const step *step, uint64_t *signature)
{
    float pixels[SIZE] = {0};
    int64_t made[4];
    sscam_status status = UNDER_FAULTS(
        sscam_explainer_preprocess(explainers[0], image, made, pixels, SIZE));
    (void)step;
    if (status == SSCAM_OK)
        sign(signature, pixels, sizeof pixels);
    return status;
}

static sscam_status explain_image(const step *step, uint64_t *signature)
{
    sscam_map *maps[MOST_MAPS];
    const size_t count = explainer_count * 2;
    (void)step;
    for (size_t i = 0; i < count; i++)
        maps[i] = STALE(sscam_map);
    sscam_status status = UNDER_FAULTS(
        sscam_explain_image_all(explainers, explainer_count, image, classes, 2, maps));
    take_maps(status, maps, count, signature);
    return status;
}

static sscam_status explain_tensor(const step *step, uint64_t *signature)
{
    sscam_map *maps[MOST_MAPS];
    const size_t count = explainer_count * 2 * INPUTS;
    (void)step;
    for (size_t i = 0; i < count; i++)
        maps[i] = STALE(sscam_map);
    sscam_status status = UNDER_FAULTS(sscam_explain_array_all(
        explainers, explainer_count, ARRAY(input, shape, 4), classes, 2, maps));
    take_maps(status, maps, count, signature);
    return status;
}

/* In the memory of a device; what the method reads itself is copied to the host. */
static sscam_status explain_cuda(const step *step, uint64_t *signature)
{
    static const void *data;
    sscam_map *maps[MOST_MAPS];
    const size_t count = explainer_count * 2 * INPUTS;
    (void)step;
    if (!data)
        data = fake_device_upload(input, sizeof input);
    const sscam_cuda_array array = {sizeof array,          data,        shape, NULL, 4,
                                    SSCAM_ELEMENT_FLOAT32, FAKE_DEVICE, 0,     NULL};
    for (size_t i = 0; i < count; i++)
        maps[i] = STALE(sscam_map);
    sscam_status status = UNDER_FAULTS(
        sscam_explain_cuda_all(explainers, explainer_count, &array, classes, 2, maps));
    ck_assert_int_eq(fake_device_counted.held, 0);
    take_maps(status, maps, count, signature);
    return status;
}

static sscam_status encode_map(const step *step, uint64_t *signature)
{
    void *data = folder;
    size_t size = 1;
    sscam_status status = UNDER_FAULTS(sscam_map_encode(map, &data, &size));
    (void)step;
    ck_assert((!data) == (status != SSCAM_OK) && (size == 0) == !data);
    if (data)
        sign(signature, data, size);
    sscam_free(data);
    return status;
}

static sscam_status decode_map(const step *step, uint64_t *signature)
{
    void *data = NULL;
    size_t size = 0;
    sscam_map *made = STALE(sscam_map);
    (void)step;
    ASSERT_OK(sscam_map_encode(map, &data, &size));
    sscam_status status = UNDER_FAULTS(sscam_map_decode(data, size, &made));
    sscam_free(data);
    take_maps(status, &made, 1, signature);
    return status;
}

static sscam_status draw_overlay(const step *step, uint64_t *signature)
{
    sscam_image *made = STALE(sscam_image);
    sscam_status status = UNDER_FAULTS(sscam_map_overlay(map, image, NULL, &made));
    (void)step;
    take_image(status, made, signature);
    return status;
}

static sscam_status draw_heatmap(const step *step, uint64_t *signature)
{
    sscam_image *made = STALE(sscam_image);
    sscam_status status = UNDER_FAULTS(sscam_map_heatmap(map, NULL, &made));
    (void)step;
    take_image(status, made, signature);
    return status;
}

static sscam_status create_image(const step *step, uint64_t *signature)
{
    sscam_image *made = STALE(sscam_image);
    sscam_status status = UNDER_FAULTS(create_packed(WIDTH, HEIGHT, 1, pixels_of(image), &made));
    (void)step;
    take_image(status, made, signature);
    return status;
}

static sscam_status read_image(const step *step, uint64_t *signature)
{
    char name[600];
    sscam_image *made = STALE(sscam_image);
    snprintf(name, sizeof name, "%s/%s", corpus, step->file);
    sscam_status status = UNDER_FAULTS(sscam_image_read(name, NULL, &made));
    take_image(status, made, signature);
    return status;
}

static size_t count_files(void)
{
    size_t count = 0;
    DIR *listed = opendir(folder);
    while (readdir(listed))
        count++;
    closedir(listed);
    return count;
}

/* Over a file that is there already, which a failure leaves as it is. */
static sscam_status write_png(const step *step, uint64_t *signature)
{
    static const char old[] = "what was there before";
    char name[600], content[4096] = "";
    snprintf(name, sizeof name, "%s/written.png", folder);
    FILE *file = fopen(name, "wb");
    fputs(old, file);
    fclose(file);
    size_t before = count_files();
    sscam_status status = UNDER_FAULTS(sscam_image_write_png(image, name));
    ck_assert_uint_eq(count_files(), before);
    file = fopen(name, "rb");
    size_t size = fread(content, 1, sizeof content, file);
    fclose(file);
    if (status != SSCAM_OK)
        ck_assert_str_eq(content, old);
    else
        sign(signature, content, size);
    unlink(name);
    (void)step;
    return status;
}

static sscam_status create_evaluation(const step *step, uint64_t *signature)
{
    sscam_evaluation *made = STALE(sscam_evaluation);
    sscam_status status = UNDER_FAULTS(sscam_evaluation_create(explainers, explainer_count, &made));
    (void)step;
    (void)signature;
    ck_assert((!made) == (status != SSCAM_OK));
    sscam_evaluation_unref(made);
    return status;
}

static void sign_values(uint64_t *signature, int64_t case_position)
{
    for (int64_t i = 0; i < (int64_t)explainer_count * sscam_metric_count(); i++) {
        double value = 0.0;
        int32_t metric = sscam_metric_id(sscam_metric_info(i % sscam_metric_count()));
        int32_t state = sscam_evaluation_value(evaluation, i / sscam_metric_count(), case_position,
                                               metric, &value);
        sign(signature, &state, sizeof state);
        /* The clock and the allocator do not tell the same twice. */
        if (state == SSCAM_VALUE_DEFINED && metric != SSCAM_METRIC_SECONDS &&
            metric != SSCAM_METRIC_PEAK_MEMORY)
            sign(signature, &value, sizeof value);
    }
}

/* On a failure nothing is added. */
static sscam_status evaluate_case(const step *step, uint64_t *signature)
{
    static const float boxes[] = {1.0f, 1.0f, 5.0f, 4.0f};
    const int64_t before = sscam_evaluation_case_count(evaluation);
    sscam_status status = UNDER_FAULTS(
        sscam_evaluation_add(evaluation, image, CASES(classes, 2, boxes, NULL, 1)));
    (void)step;
    ck_assert_uint_eq(sscam_evaluation_case_count(evaluation),
                      before + (status == SSCAM_OK ? 2 : 0));
    if (status == SSCAM_OK) {
        sign_values(signature, before);
        sign_map(signature, sscam_evaluation_map(evaluation, 0, 1));
    }
    return status;
}

/* The first method's maps are from outside, the others are explained. */
static sscam_status evaluate_given(const step *step, uint64_t *signature)
{
    sscam_map *made[2];
    ASSERT_OK(sscam_explain_image_all(explainers, 1, image, classes, 2, made));
    const sscam_map *maps[2 * MOST_METHODS] = {made[0], made[1]};
    sscam_evaluation_case cases = *CASES(classes, 2, NULL, NULL, 0);
    cases.maps = maps;
    const int64_t before = sscam_evaluation_case_count(evaluation);
    sscam_status status = UNDER_FAULTS(sscam_evaluation_add(evaluation, image, &cases));
    (void)step;
    ck_assert_int_eq(sscam_evaluation_case_count(evaluation),
                     before + (status == SSCAM_OK ? 2 : 0));
    if (status == SSCAM_OK)
        sign_values(signature, before);
    sscam_map_unref(made[0]);
    sscam_map_unref(made[1]);
    return status;
}

static sscam_status map_activations(const step *step, uint64_t *signature)
{
    static const int64_t numbers[3] = {3, 2, 2}, sides[2] = {HEIGHT, WIDTH};
    static const double values[12] = {1, 2, 3, 4, -1, 0, 2, 5, 0, 1, 0, 2};
    const sscam_array array = {sizeof array, values, numbers, NULL, 3, SSCAM_ELEMENT_FLOAT64};
    static const char *const options[2] = {"combine", "upsampled"};
    sscam_activations given = SSCAM_ACTIVATIONS_INIT;
    sscam_map *made = STALE(sscam_map);
    given.activations = given.gradients = &array;
    given.sides = sides;
    given.options = options;
    given.option_count = 1;
    sscam_status status = UNDER_FAULTS(sscam_map_from_activations(step->file, &given, &made));
    take_maps(status, &made, 1, signature);
    return status;
}

static sscam_status get_option(const step *step, uint64_t *signature)
{
    char *text = (char *)folder;
    sscam_status status = UNDER_FAULTS(
        sscam_explainer_get(explainers[0], step->options[0][0], &text));
    ck_assert((!text) == (status != SSCAM_OK));
    if (text)
        sign(signature, text, strlen(text));
    sscam_free(text);
    return status;
}

static sscam_status add_known(const step *step, uint64_t *signature)
{
    const int64_t before = sscam_evaluation_case_count(evaluation);
    sscam_status status = UNDER_FAULTS(sscam_evaluation_add_known(evaluation, 1));
    (void)step;
    ck_assert_uint_eq(sscam_evaluation_case_count(evaluation), before + (status == SSCAM_OK));
    if (status == SSCAM_OK)
        sign_values(signature, before);
    return status;
}

static sscam_status total(const step *step, uint64_t *signature)
{
    sscam_metric_total values = SSCAM_METRIC_TOTAL_INIT;
    ASSERT_OK(sscam_evaluation_add_known(evaluation, 0));
    ASSERT_OK(sscam_evaluation_set_value(evaluation, 0, 0, SSCAM_METRIC_AVERAGE_DROP, 25.0));
    sscam_status status = UNDER_FAULTS(
        sscam_evaluation_total(evaluation, 0, SSCAM_METRIC_AVERAGE_DROP, &values));
    (void)step;
    if (status == SSCAM_OK)
        sign(signature, &values, sizeof values);
    return status;
}

/* --- before and after ------------------------------------------------------------------------- */

static void use_methods(const step *step)
{
    for (explainer_count = 0; explainer_count < MOST_METHODS && step->methods[explainer_count];
         explainer_count++) {
        sscam_explainer **made = &explainers[explainer_count];
        ASSERT_OK(sscam_explainer_create(model, step->methods[explainer_count], made));
        ASSERT_OK(sscam_explainer_set(*made, "resize", "off"));
        ASSERT_OK(sscam_explainer_set(*made, "crop", "off"));
        ASSERT_OK(sscam_explainer_set(*made, "samples", "2"));
        ASSERT_OK(sscam_explainer_set(*made, "metrics", "all"));
        ASSERT_OK(sscam_explainer_set(*made, "metric_steps", "3"));
        for (int i = 0; i < MOST_OPTIONS && step->options[i][0]; i++)
            ASSERT_OK(sscam_explainer_set(*made, step->options[i][0], step->options[i][1]));
    }
}

static void prepare(const step *step)
{
    uint8_t pixels[SIZE];
    uint32_t state = 99u;
    for (int i = 0; i < INPUTS * SIZE; i++) {
        state = state * 1664525u + 1013904223u;
        pixels[i % SIZE] = (uint8_t)(state >> 24);
        input[i] = (float)(state >> 24) / 128.0f - 1.0f;
    }
    model = load_fake(step->network ? step->network : "fake linear");
    ASSERT_OK(create_packed(WIDTH, HEIGHT, 3, pixels, &image));
    use_methods(step);
    if (explainer_count > 0) {
        ASSERT_OK(sscam_explain_image(explainers[0], image, 1, &map));
        ASSERT_OK(sscam_evaluation_create(explainers, explainer_count, &evaluation));
    }
}

static void clean_up(void)
{
    sscam_evaluation_unref(evaluation);
    evaluation = NULL;
    sscam_map_unref(map);
    map = NULL;
    for (size_t i = 0; i < explainer_count; i++)
        sscam_explainer_unref(explainers[i]);
    sscam_image_unref(image);
    sscam_model_unref(model);
}

/* --- every allocation in turn ----------------------------------------------------------------- */

static uint64_t result_without_faults(const step *step)
{
    uint64_t signature = UINT64_C(0xcbf29ce484222325);
    plan(0, 0);
    sscam_status status = step->act(step, &signature);
    ck_assert_msg(status == SSCAM_OK, "%s: %s", step->name, sscam_last_error());
    return signature;
}

/* Lets the allocation fail; whether there was one. */
static int try_one(const step *step, int64_t number, int from_on, uint64_t wanted)
{
    uint64_t signature = UINT64_C(0xcbf29ce484222325);
    prepare(step);
    plan(number, from_on);
    sscam_status status = step->act(step, &signature);
    const long long refused = fault_board_here()->refused;
    if (status == SSCAM_OK) {
        ck_assert_msg(signature == wanted, "%s: another result without allocation %lld", step->name,
                      (long long)number);
        all_absorbed += refused > 0;
    } else {
        ck_assert_msg(status == SSCAM_E_MEMORY, "%s without allocation %lld: %s: %s", step->name,
                      (long long)number, sscam_status_name(status), faulty_call_message);
        ck_assert_msg(strstr(faulty_call_message, "memory"), "%s: \"%s\" does not name memory",
                      step->name, faulty_call_message);
    }
    ck_assert_msg(refused == 0 || result_without_faults(step) == wanted,
                  "%s: another result after allocation %lld failed", step->name, (long long)number);
    clean_up();
    all_refused += refused;
    return refused > 0;
}

static void try_all(const step *step)
{
    const long long before = all_refused;
    prepare(step);
    const uint64_t wanted = result_without_faults(step);
    clean_up();
    for (int from_on = 0; from_on < 2; from_on++)
        for (int64_t number = 1;; number++) {
            fault_board_here()->outstanding = 0;
            fault_board_here()->tracks = 1;
            int was_there = try_one(step, number, from_on, wanted);
            fault_board_here()->tracks = 0;
            ck_assert_msg(fault_board_here()->outstanding == 0,
                          "%s loses %lld blocks where allocation %lld fails", step->name,
                          (long long)fault_board_here()->outstanding, (long long)number);
            if (!was_there)
                break;
        }
    ck_assert_msg(all_refused > before || step->act == preprocess, "%s allocates nothing",
                  step->name);
    printf("# %s%s%s: %lld allocations refused\n", step->name, step->methods[0] ? ", " : "",
           step->methods[0] ? step->methods[0] : "", all_refused - before);
}

static const step steps[] = {
    {"load", load_file, .methods = {0}},
    {"classify", classify, .methods = {0}},
    {"layers", list_layers, .methods = {0}},
    {"create explainer", create_explainer, .methods = {0}},
    {"set layer", set_option, {"grad-cam"}, {{"layer", ""}}, .file = "stem,features"},
    {"set metrics", set_option, {"grad-cam"}, {{"metrics", "average_drop"}}, .file = "all"},
    {"set mean", set_option, {"grad-cam"}, {{"mean", "0.5"}}, .file = "0.1,0.2,0.3"},
    {"preprocess", preprocess, {"grad-cam"}, {{0}}, .file = NULL},
    {"preprocess larger", preprocess, {"grad-cam"}, {{"resize", "6x8"}}, .file = NULL},
    {"several methods",
     explain_image,
     {"ss-cam-mean", "grad-cam", "score-cam", "eigen-cam"},
     {{0}},
     .file = NULL},
    {"several methods", explain_tensor, {"cam", "layer-cam", "is-cam"}, {{0}}, .file = NULL},
    {"fusion",
     explain_image,
     {"grad-cam++"},
     {{"layer", "stem,features"}, {"fusion", "mean"}},
     .file = NULL},
    {"aug_smooth",
     explain_image,
     {"score-cam"},
     {{"aug_smooth", "on"}, {"layer", "stem,features"}},
     .file = NULL},
    {"eigen_smooth", explain_image, {"grad-cam"}, {{"eigen_smooth", "on"}}, .file = NULL},
    {"difference",
     explain_image,
     {"grad-cam", "ablation-cam"},
     {{"target", "difference"}},
     .file = NULL},
    {"dense",
     explain_image,
     {"hires-cam", "score-cam", "ablation-cam"},
     {{"region", "all"}, {"aug_smooth", "on"}},
     .network = "fake dense"},
    {"set region", set_region, {"grad-cam"}, {{"region", "all"}}, .network = "fake dense"},
    {"set target weights", set_target_weights, {"grad-cam"}, {{0}}, .file = NULL},
    {"several references",
     explain_image,
     {"grad-cam", "score-cam"},
     {{"target", "difference"}, {"contrast_count", "2"}},
     .file = NULL},
    {"product of layers",
     explain_image,
     {"recipro-cam"},
     {{"layer", "stem,features"}, {"fusion", "product"}},
     .file = NULL},
    {"algorithm-1", explain_image, {"ss-cam-max"}, {{"preset", "algorithm-1"}}, .file = NULL},
    {"authors-code",
     explain_image,
     {"ss-cam-mean"},
     {{"preset", "authors-code"}, {"samples", "2"}},
     .file = NULL},
    {"torch-cam",
     explain_image,
     {"ss-cam-max"},
     {{"preset", "torch-cam"}, {"samples", "2"}},
     .file = NULL},
    {"max_channels", explain_image, {"score-cam"}, {{"max_channels", "2"}}, .file = NULL},
    {"input on a GPU", explain_cuda, {"score-cam", "grad-cam"}, {{0}}, .file = NULL},
    {"input copied from a GPU", explain_cuda, {"smooth-grad-cam++"}, {{0}}, .file = NULL},
    {"encode map", encode_map, {"grad-cam"}, {{0}}, .file = NULL},
    {"decode map", decode_map, {"score-cam"}, {{0}}, .file = NULL},
    {"overlay", draw_overlay, {"grad-cam"}, {{0}}, .file = NULL},
    {"heatmap", draw_heatmap, {"grad-cam"}, {{0}}, .file = NULL},
    {"create image", create_image, .methods = {0}},
    {"read gray PNG", read_image, .file = "png/seed-L"},
    {"read PNG of 1 bit", read_image, .file = "png/seed-1"},
    {"read PNG of 16 bits", read_image, .file = "png/seed-16-bit"},
    {"read PNG with palette", read_image, .file = "png/seed-P"},
    {"read interlaced PNG", read_image, .file = "png/seed-interlaced"},
    {"read transparent PNG", read_image, .file = "png/seed-transparent-colour"},
    {"read JPEG", read_image, .file = "jpeg/seed-colour"},
    {"read gray JPEG", read_image, .file = "jpeg/seed-gray"},
    {"read JPEG of inks", read_image, .file = "jpeg/seed-inks"},
    {"read progressive JPEG", read_image, .file = "jpeg/seed-progressive"},
    {"write PNG", write_png, .methods = {0}},
    {"create evaluation", create_evaluation, {"grad-cam", "ss-cam-mean"}, {{0}}, .file = NULL},
    {"evaluate", evaluate_case, {"grad-cam", "ss-cam-mean", "cam"}, {{0}}, .file = NULL},
    {"evaluate top50", evaluate_case, {"score-cam"}, {{"metric_mask", "top50"}}, .file = NULL},
    {"rescale",
     explain_image,
     {"full-grad", "opti-cam", "legrad"},
     {{"rescale", "layer"}, {"iterations", "2"}},
     .file = NULL},
    {"evaluate costs",
     evaluate_case,
     {"grad-cam"},
     {{"metrics", "seconds,peak_memory"}},
     .file = NULL},
    {"evaluate ROAD", evaluate_case, {"grad-cam"}, {{"metrics", "arcc,road"}}, .file = NULL},
    {"evaluate sensitivity",
     evaluate_case,
     {"grad-cam"},
     {{"metrics", "infidelity,max_sensitivity"}, {"metric_threshold", "0.3"}},
     .file = NULL},
    {"evaluate given maps", evaluate_given, {"grad-cam", "eigen-cam"}, {{0}}, .file = NULL},
    {"evaluate given dense maps",
     evaluate_given,
     {"grad-cam"},
     {{"region", "all"}},
     .network = "fake dense"},
    {"given activations", map_activations, .file = "grad-cam++"},
    {"given activations", map_activations, .file = "eigen-grad-cam"},
    {"get option", get_option, {"grad-cam"}, {{"mean", "0.25"}}, .file = NULL},
    {"add known case", add_known, {"grad-cam"}, {{0}}, .file = NULL},
    {"total", total, {"grad-cam"}, {{0}}, .file = NULL},
};

START_TEST(calls_survive_every_failed_allocation)
{
    try_all(&steps[_i]);
}
END_TEST

START_TEST(methods_survive_every_failed_allocation)
{
    const char *method = sscam_method_name(sscam_method_info((size_t)_i));
    const step of_image = {
        "explain image", explain_image, {method}, {{"iterations", "2"}}, .file = NULL};
    const step of_tensor = {
        "explain tensor", explain_tensor, {method}, {{"iterations", "2"}}, .file = NULL};
    try_all(&of_image);
    try_all(&of_tensor);
}
END_TEST

static void write_network(void)
{
    if (!mkdtemp(folder))
        exit(2);
    snprintf(path, sizeof path, "%s/network", folder);
    FILE *file = fopen(path, "wb");
    fputs("fake linear", file);
    fclose(file);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    corpus = argv[1];
    setenv("CK_FORK", "no", 1); /* the totals are counted here */
    write_network();
    fault_board_here()->owners = FAULT_ANYBODY;
    Suite *suite = suite_create("memory");
    TCase *cases = tcase_create("every allocation");
    tcase_set_timeout(cases, 0);
    tcase_add_loop_test(cases, calls_survive_every_failed_allocation, 0,
                        (int)(sizeof steps / sizeof steps[0]));
    tcase_add_loop_test(cases, methods_survive_every_failed_allocation, 0,
                        (int)sscam_method_count());
    suite_add_tcase(suite, cases);
    int failed = run_suite(suite);
    printf("# all: %lld allocations refused, %lld times done without\n", all_refused, all_absorbed);
    unlink(path);
    rmdir(folder);
    return failed;
}
