/* Options of any value on every method, on networks and inputs at the limits of floating point.
 *
 * The first four bytes choose method, network, input, and the report at which the caller cancels
 * (0: never); lines name=value follow. Each call fails with a message or gives a map of numbers in
 * [0,1]. */
#include <math.h>
#include <string.h>

#include "sscam/sscam.h"
#include "support/arrays.h"
#include "support/shorthands.h"
#include "target.h"

enum { SIDE = 6, PLANE = SIDE * SIDE, SIZE = 3 * PLANE, MOST_RUNS = 48, LARGEST_INPUT = 64 * 64 };

static const char *const networks[] = {"fake linear",
                                       "fake quadratic",
                                       "fake positional",
                                       "fake one-output",
                                       "fake large",
                                       "fake huge",
                                       "fake tiny",
                                       "fake flat",
                                       "fake spaceless",
                                       "fake nan-activations",
                                       "fake nan-gradients",
                                       "fake nan-elsewhere",
                                       "fake nan-logits",
                                       "fake nan-scores",
                                       "fake infinite-scores",
                                       "fake fails",
                                       "fake linear channels-last"};

static void fill(float *input, uint8_t kind)
{
    static const float scales[] = {1.0f, 0.0f, 1e-45f, 1e-38f, 1e-20f, 1e18f, 1e30f, 3e38f};
    uint32_t state = kind * 2654435761u + 1u;

    for (int i = 0; i < SIZE; i++) {
        state = state * 1664525u + 1013904223u;
        float value = (float)(state >> 8) / (float)(1 << 24);
        if (kind & 0x40)
            value = 0.5f; /* constant */
        input[i] = (kind & 0x80 ? value - 0.5f : value) * scales[kind & 7];
    }
}

static void assert_reported(sscam_status status)
{
    PROMISE((status == SSCAM_OK) == (sscam_last_error()[0] == '\0'));
    PROMISE(!strpbrk(sscam_last_error(), "\r\n"));
    PROMISE(strcmp(sscam_status_name(status), "SSCAM_E_UNKNOWN") != 0);
}

/* Sets an option. A refused value changes nothing; an accepted one can be set again from its text.
 */
static void set(sscam_explainer *explainer, const char *name, const char *value)
{
    char before[64] = "", after[64] = "";
    const char *text = option_text(explainer, name);

    if (text)
        snprintf(before, sizeof before, "%s", text);
    sscam_status status = sscam_explainer_set(explainer, name, value);
    assert_reported(status);
    PROMISE(status == SSCAM_OK || status == SSCAM_E_ARGUMENT);
    text = option_text(explainer, name);
    if (text)
        snprintf(after, sizeof after, "%s", text);
    if (status != SSCAM_OK)
        PROMISE(!strcmp(before, after));
    else if (strcmp(name, "preset") != 0 && text && strlen(text) < sizeof after) {
        char again[64];
        snprintf(again, sizeof again, "%s", after);
        PROMISE(sscam_explainer_set(explainer, name, again) == SSCAM_OK);
        PROMISE(!strcmp(option_text(explainer, name), after));
    }
}

static void set_lines(sscam_explainer *explainer, char *lines)
{
    for (char *line = lines, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = '\0';
        char *value = strchr(line, '=');
        if (!value)
            continue;
        *value++ = '\0';
        set(explainer, line, value);
    }
}

/* More samples and steps are only slower. */
static void bound_the_work(sscam_explainer *explainer)
{
    static const char *const counts[] = {"samples", "metric_steps", "batch_size"};

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (strtoll(option_text(explainer, counts[i]), NULL, 10) > MOST_RUNS)
            PROMISE(sscam_explainer_set(explainer, counts[i], "48") == SSCAM_OK);
}

static int32_t count_down(void *user, double fraction)
{
    int *left = user;

    PROMISE(fraction >= 0.0 && fraction <= 1.0);
    return *left > 0 && --*left == 0;
}

static void look_at(const sscam_map *map)
{
    const float *data = sscam_map_data(map), *raw = sscam_map_raw(map);
    int64_t pixels = sscam_map_width(map) * sscam_map_height(map);
    const int64_t *sides = sscam_map_raw_shape(map, NULL);
    int64_t places = sides[0] * sides[1];
    float highest = 0.0f;

    for (int64_t i = 0; i < pixels; i++) {
        PROMISE(data[i] >= 0.0f && data[i] <= 1.0f);
        highest = fmaxf(highest, data[i]);
    }
    for (int64_t i = 0; i < places; i++)
        PROMISE(isfinite(raw[i]));
    for (int64_t i = 0; sscam_map_weights(map) && i < sscam_map_channel_count(map); i++)
        PROMISE(isfinite(sscam_map_weights(map)[i]));
    PROMISE(isfinite(sscam_map_logit(map)));
    PROMISE(sscam_map_probability(map) >= 0.0 && sscam_map_probability(map) <= 1.0);
    PROMISE(!sscam_map_is_flat(map) || highest == 0.0f);
}

static void explain_tensor(sscam_explainer *explainer, uint8_t kind)
{
    static const int64_t shape[4] = {1, 3, SIDE, SIDE};
    float input[SIZE];
    sscam_map *map = NULL;

    fill(input, kind);
    sscam_status status = sscam_explain_array(explainer, ARRAY(input, shape, 4), NULL, &map);
    assert_reported(status);
    PROMISE((status == SSCAM_OK) == (map != NULL));
    if (map)
        look_at(map);
    sscam_map_unref(map);
}

static void evaluate(sscam_explainer *explainer, const sscam_image *image)
{
    static const float box[4] = {1, 1, 5, 4};
    sscam_evaluation *evaluation = NULL;
    double value;

    PROMISE(sscam_evaluation_create(&explainer, 1, &evaluation) == SSCAM_OK);
    assert_reported(sscam_evaluation_add(evaluation, image, CASES(NULL, 1, box, NULL, 1)));
    for (int32_t metric = 1; metric <= SSCAM_METRIC_ADCC; metric++)
        if (sscam_evaluation_value(evaluation, 0, 0, metric, &value) == SSCAM_VALUE_DEFINED)
            PROMISE(isfinite(value));
    sscam_evaluation_unref(evaluation);
}

/* Only where the options ask for an input of reasonable size. */
static void explain_image(sscam_explainer *explainer, uint8_t kind)
{
    uint8_t pixels[SIZE];
    int64_t shape[4];
    sscam_image *image = NULL;

    for (int i = 0; i < SIZE; i++)
        pixels[i] = (uint8_t)(i * (kind | 1));
    sscam_pixels view = SSCAM_PIXELS_INIT;
    view.data = pixels;
    view.width = view.height = SIDE;
    view.format = SSCAM_PIXELS_RGB8;
    PROMISE(sscam_image_create(&view, &image) == SSCAM_OK);
    sscam_status status = sscam_explainer_preprocess(explainer, image, shape, NULL, 0);
    assert_reported(status);
    if (status == SSCAM_OK && shape[2] * shape[3] <= LARGEST_INPUT)
        evaluate(explainer, image);
    sscam_image_unref(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sscam_model *model = NULL;
    sscam_explainer *explainer = NULL;

    if (size < 4)
        return 0;
    const char *network = networks[data[1] % (sizeof networks / sizeof *networks)];
    const char *method = sscam_method_name(sscam_method_info(data[0] % sscam_method_count()));
    PROMISE(sscam_model_load_memory(network, strlen(network), "cpu", &model) == SSCAM_OK);
    PROMISE(sscam_explainer_create(model, method, &explainer) == SSCAM_OK);
    sscam_model_unref(model);

    char *lines = malloc(size - 4 + 1);
    PROMISE(lines != NULL);
    memcpy(lines, data + 4, size - 4);
    lines[size - 4] = '\0';
    set_lines(explainer, lines);
    free(lines);

    int left = data[3];
    bound_the_work(explainer);
    PROMISE(sscam_explainer_set_progress(explainer, count_down, &left) == SSCAM_OK);
    explain_tensor(explainer, data[2]);
    explain_image(explainer, data[2]);
    sscam_explainer_unref(explainer);
    return 0;
}
