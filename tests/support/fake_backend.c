#include "support/fake_backend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Powers of two and their sums, so that little is rounded. Class 2 does not depend on channel 1,
 * and weighs the equal channels with opposite signs. */
const double fake_mix[FAKE_CHANNELS][FAKE_COLORS] = {
    {1.0, 0.0, 0.0}, {0.0, 1.0, -0.5}, {0.25, 0.25, 0.75}, {0.0, 0.0, 0.0}, {1.0, 0.0, 0.0}};
const double fake_bias[FAKE_CHANNELS] = {0.0, 0.25, 0.125, 0.5, 0.0};
const double fake_weight[FAKE_CLASSES][FAKE_CHANNELS] = {
    {2.0, -1.0, 0.5, 1.0, 0.25}, {-0.75, 1.5, 1.0, -0.5, -0.25}, {0.5, 0.0, -1.25, 0.75, -1.0}};
const double fake_head_bias[FAKE_CLASSES] = {0.5, -0.25, 0.125};

fake_counters fake_counted;
static atomic_int failing_call, failing_status;
static atomic_llong failing_number; /* 0: none */

typedef enum head_kind { HEAD_LINEAR, HEAD_QUADRATIC, HEAD_POSITIONAL, HEAD_DENSE } head_kind;

typedef enum fault {
    FAULT_NONE,
    FAULT_ACTIVATIONS,
    FAULT_GRADIENTS,
    FAULT_GRADIENTS_ELSEWHERE,
    FAULT_LOGITS,
    FAULT_SCORES,
    FAULT_RUN
} fault;

typedef struct network_kind {
    const char *name;
    head_kind head;
    int64_t classes;
    double activation_scale, output_scale, mix_scale;
    fault fault;
    double fault_value;
    int32_t without_positions;
    int64_t shown_channels; /* of the features; 0: all */
} network_kind;

static const network_kind kinds[] = {
    {"linear", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_NONE, 0.0, 0, 0},
    {"quadratic", HEAD_QUADRATIC, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_NONE, 0.0, 0, 0},
    {"positional", HEAD_POSITIONAL, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_NONE, 0.0, 0, 0},
    {"dense", HEAD_DENSE, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_NONE, 0.0, 0, 0},
    {"dense-one", HEAD_DENSE, 1, 1.0, 1.0, 1.0, FAULT_NONE, 0.0, 0, 0},
    {"one-output", HEAD_LINEAR, 1, 1.0, 1.0, 1.0, FAULT_NONE, 0.0, 0, 0},
    {"large", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1e4, 1.0, FAULT_NONE, 0.0, 0, 0},
    {"enormous", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1e35, 1.0, FAULT_NONE, 0.0, 0, 0},
    {"deaf", HEAD_LINEAR, FAKE_CLASSES, 1.0, 0.0, 1.0, FAULT_NONE, 0.0, 0, 0},
    {"one-channel", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_NONE, 0.0, 0, 1},
    {"huge", HEAD_LINEAR, FAKE_CLASSES, 1e38, 1.0, 1.0, FAULT_NONE, 0.0, 0, 0},
    {"huge-steep", HEAD_LINEAR, FAKE_CLASSES, 1e38, 1e3, 1.0, FAULT_NONE, 0.0, 0, 0},
    {"tiny", HEAD_LINEAR, FAKE_CLASSES, 1e-40, 1.0, 1.0, FAULT_NONE, 0.0, 0, 0},
    {"flat", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1.0, 0.0, FAULT_NONE, 0.0, 0, 0},
    {"spaceless", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_NONE, 0.0, 1, 0},
    {"nan-activations", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_ACTIVATIONS, NAN, 0, 0},
    {"infinite-activations", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_ACTIVATIONS, INFINITY,
     0, 0},
    {"nan-gradients", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_GRADIENTS, NAN, 0, 0},
    {"infinite-gradients", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_GRADIENTS, -INFINITY, 0,
     0},
    {"nan-elsewhere", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_GRADIENTS_ELSEWHERE, NAN, 0,
     0},
    {"nan-logits", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_LOGITS, NAN, 0, 0},
    {"infinite-logits", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_LOGITS, INFINITY, 0, 0},
    {"nan-scores", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_SCORES, NAN, 0, 0},
    {"infinite-scores", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_SCORES, INFINITY, 0, 0},
    {"fails", HEAD_LINEAR, FAKE_CLASSES, 1.0, 1.0, 1.0, FAULT_RUN, 0.0, 0, 0},
};

/* How the layers' outputs are ordered. */
typedef enum layer_order {
    ORDER_MAPS,
    ORDER_POSITIONS_FIRST,
    ORDER_TOKENS,
    ORDER_FIRST_TOKEN,
    ORDER_TORN
} layer_order;

typedef struct fake_network {
    const network_kind *kind;
    sscam_memory_format layout;
    layer_order order;
} fake_network;

/* --- counting and failing --------------------------------------------------------------------- */

void fake_reset(void)
{
    atomic_store(&failing_number, 0);
    for (int call = 0; call < FAKE_CALL_KINDS; call++)
        atomic_store(&fake_counted.calls[call], 0);
    atomic_store(&fake_counted.inputs, 0);
    atomic_store(&fake_counted.largest_batch, 0);
}

void fake_fail_at(fake_call call, long long nth, sscam_status status)
{
    atomic_store(&failing_call, call);
    atomic_store(&failing_status, status);
    atomic_store(&failing_number, nth);
}

const char *fake_call_name(fake_call call)
{
    static const char *const names[FAKE_CALL_KINDS] = {"load",  "layers", "classify", "capture",
                                                       "score", "ablate", "batch"};
    return names[call];
}

static sscam_status enter(fake_call call)
{
    long long number = atomic_fetch_add(&fake_counted.calls[call], 1) + 1;
    if (atomic_load(&failing_number) != number || atomic_load(&failing_call) != (int)call)
        return SSCAM_OK;
    return sscam_fail(atomic_load(&failing_status), "fake failure of %s %lld", fake_call_name(call),
                      number);
}

static void count_batch(long long size)
{
    long long largest = atomic_load(&fake_counted.largest_batch);
    while (size > largest &&
           !atomic_compare_exchange_weak(&fake_counted.largest_batch, &largest, size))
        continue;
}

/* --- the network ------------------------------------------------------------------------------ */

/* One of the network's outputs. */
typedef struct network_output {
    const char *position, *name;
    double share;          /* of the first output */
    int64_t default_layer; /* position among the layers */
} network_output;

static const network_output outputs[] = {
    {"0", "", 1.0, 1}, {"1", "half", 0.5, 1}, {"2", "early", 0.25, 0}};

static sscam_status find_output(const char *name, const network_output **output)
{
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        *output = &outputs[i];
        if (!name || strcmp(name, outputs[i].position) == 0 || strcmp(name, outputs[i].name) == 0)
            return SSCAM_OK;
    }
    return sscam_fail(
        SSCAM_E_ARGUMENT,
        "option output: the network has no output \"%s\"; it has 0, 1 (half), 2 (early)", name);
}

/* A run of the network on one input. */
typedef struct fake_run {
    const fake_network *network;
    double share;                      /* of the first output */
    sscam_sides step;                  /* pixels of a mean: 2 along each side that the input has */
    int32_t rank;                      /* of the input */
    sscam_sides sides;                 /* of the layers */
    int64_t positions;                 /* of the layers */
    const sscam_target_pixels *target; /* of a dense output; NULL: all positions */
    double *stem;                      /* [FAKE_COLORS, positions] */
    double *features;                  /* [FAKE_CHANNELS, positions]; also what needs freeing */
    double mean[FAKE_CHANNELS];        /* of the features */
} fake_run;

static sscam_sides step_of(const sscam_shape *shape)
{
    return (sscam_sides){shape->rank > SSCAM_IMAGE_RANK ? 2 : 1,
                         shape->rank > SSCAM_LEAST_RANK ? 2 : 1, 2};
}

static sscam_sides layer_sides(const sscam_shape *shape)
{
    const sscam_sides step = step_of(shape);
    return (sscam_sides){shape->sides.depth / step.depth, shape->sides.height / step.height,
                         shape->sides.width / step.width};
}

static sscam_status begin_run(const fake_network *network, const sscam_shape *shape,
                              const char *output, fake_run *run)
{
    *run = (fake_run){.network = network,
                      .step = step_of(shape),
                      .rank = shape->rank,
                      .sides = layer_sides(shape)};
    run->positions = sscam_position_count(run->sides);
    const network_output *found;
    sscam_status status = find_output(output, &found);
    if (status != SSCAM_OK)
        return status;
    run->share = found->share;
    if (network->kind->fault == FAULT_RUN)
        return sscam_fail(SSCAM_E_MODEL, "the fake network fails whatever it is given");
    if (shape->channels != FAKE_COLORS || run->positions < 1)
        return sscam_fail(
            SSCAM_E_MODEL,
            "the fake network wants 3 channels of at least 2x2, not %lld of %lldx%lld",
            (long long)shape->channels, (long long)shape->sides.height,
            (long long)shape->sides.width);
    run->features = malloc((size_t)run->positions * (FAKE_CHANNELS + FAKE_COLORS) *
                           sizeof *run->features);
    if (!run->features)
        return sscam_fail_memory("the fake network");
    run->stem = run->features + run->positions * FAKE_CHANNELS;
    return SSCAM_OK;
}

static void end_run(fake_run *run)
{
    free(run->features);
}

/* Mean of the pixels below a position; `pixel_step`: floats from one to the next. */
static double mean_below(const fake_run *run, const float *input, const sscam_shape *shape,
                         int64_t position, int64_t pixel_step)
{
    const sscam_sides sides = run->sides, step = run->step, pixels = shape->sides;
    const int64_t x = position % sides.width * step.width,
                  y = position / sides.width % sides.height * step.height;
    const int64_t z = position / sides.width / sides.height * step.depth;
    double sum = 0.0;
    for (int64_t i = 0; i < sscam_position_count(step); i++) {
        const int64_t column = x + i % step.width, row = y + i / step.width % step.height;
        const int64_t slice = z + i / step.width / step.height;
        sum += (double)input[((slice * pixels.height + row) * pixels.width + column) * pixel_step];
    }
    return sum / (double)sscam_position_count(step);
}

static void run_stem(fake_run *run, const float *input, const sscam_shape *shape,
                     sscam_memory_format layout)
{
    int64_t color_step = layout == SSCAM_MEMORY_FORMAT_NCHW ? sscam_position_count(shape->sides)
                                                            : 1;
    int64_t pixel_step = layout == SSCAM_MEMORY_FORMAT_NCHW ? 1 : FAKE_COLORS;
    for (int64_t color = 0; color < FAKE_COLORS; color++)
        for (int64_t p = 0; p < run->positions; p++)
            run->stem[color * run->positions + p] = mean_below(run, input + color * color_step,
                                                               shape, p, pixel_step);
}

static void run_features(fake_run *run)
{
    double mix_scale = run->network->kind->mix_scale;
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        double sum_over_positions = 0.0;
        for (int64_t p = 0; p < run->positions; p++) {
            double sum = fake_bias[k];
            for (int color = 0; color < FAKE_COLORS; color++)
                sum += mix_scale * fake_mix[k][color] * run->stem[color * run->positions + p];
            run->features[k * run->positions + p] = fmax(sum, 0.0);
            sum_over_positions += fmax(sum, 0.0);
        }
        run->mean[k] = sum_over_positions / (double)run->positions;
    }
}

static double position_weight(const fake_run *run, int64_t position)
{
    double positions = (double)run->positions;
    if (run->network->kind->head == HEAD_DENSE && run->target)
        return run->target->inside[position] ? 1.0 / (double)run->target->count : 0.0;
    if (run->network->kind->head == HEAD_DENSE)
        return 1.0 / positions;
    return 2.0 * (double)(position + 1) / (positions * (positions + 1.0));
}

/* Value of channel k in the head, before the weight of the class. */
static double pooled(const fake_run *run, int k)
{
    double sum = 0.0;
    switch (run->network->kind->head) {
    case HEAD_QUADRATIC: return run->mean[k] * run->mean[k];
    case HEAD_POSITIONAL:
    case HEAD_DENSE:
        for (int64_t p = 0; p < run->positions; p++)
            sum += position_weight(run, p) * run->features[k * run->positions + p];
        return sum;
    default: return run->mean[k];
    }
}

/* Derivative of pooled() by A_k at a position. */
static double pooled_slope(const fake_run *run, int k, int64_t position)
{
    switch (run->network->kind->head) {
    case HEAD_QUADRATIC: return 2.0 * run->mean[k] / (double)run->positions;
    case HEAD_POSITIONAL:
    case HEAD_DENSE: return position_weight(run, position);
    default: return 1.0 / (double)run->positions;
    }
}

static void run_head(const fake_run *run, float *logits)
{
    const network_kind *kind = run->network->kind;
    for (int64_t c = 0; c < kind->classes; c++) {
        double sum = fake_head_bias[c];
        for (int k = 0; k < FAKE_CHANNELS; k++)
            sum += fake_weight[c][k] * pooled(run, k);
        logits[c] = (float)(run->share * kind->output_scale * sum);
    }
}

/* Dense outputs at a position, into logits [classes]. */
static void run_head_at(const fake_run *run, int64_t position, float *logits)
{
    for (int64_t c = 0; c < run->network->kind->classes; c++) {
        double sum = fake_head_bias[c];
        for (int k = 0; k < FAKE_CHANNELS; k++)
            sum += fake_weight[c][k] * run->features[k * run->positions + position];
        logits[c] = (float)(run->share * run->network->kind->output_scale * sum);
    }
}

/* Mean probabilities over the target pixels, into row [classes]. */
static void run_probabilities(const fake_run *run, sscam_score_kind kind, float *row)
{
    float logits[FAKE_CLASSES];
    double mean[FAKE_CLASSES] = {0.0};
    const int64_t classes = run->network->kind->classes;
    for (int64_t p = 0; p < run->positions; p++) {
        run_head_at(run, p, logits);
        for (int64_t c = 0; c < classes; c++)
            mean[c] += position_weight(run, p) * sscam_score_of(logits, classes, c, kind);
    }
    for (int64_t c = 0; c < classes; c++)
        row[c] = (float)mean[c];
}

/* The row that scores are computed from: logits or, of a dense output, means of logits or of
 * probabilities. */
static void run_row(fake_run *run, const sscam_target_pixels *target_pixels, sscam_score_kind kind,
                    float *row)
{
    run->target = target_pixels;
    if (run->network->kind->head == HEAD_DENSE && kind != SSCAM_SCORE_LOGIT)
        run_probabilities(run, kind, row);
    else
        run_head(run, row);
}

static double score_run(fake_run *run, const sscam_target *target, sscam_score_kind kind)
{
    const network_kind *network = run->network->kind;
    float row[FAKE_CLASSES];
    run_row(run, target->target_pixels, kind, row);
    return network->fault == FAULT_SCORES
               ? network->fault_value
               : sscam_target_score(row, network->classes, target, sscam_row_kind(target, kind));
}

/* Runs the network on one input, up to its head. To be ended by end_run(). */
static sscam_status evaluate(const fake_network *network, const float *input,
                             const sscam_shape *shape, sscam_memory_format layout,
                             const char *output, fake_run *run)
{
    sscam_status status = begin_run(network, shape, output, run);
    if (status != SSCAM_OK)
        return status;
    run_stem(run, input, shape, layout);
    run_features(run);
    atomic_fetch_add(&fake_counted.inputs, 1);
    return SSCAM_OK;
}

/* --- loading ---------------------------------------------------------------------------------- */

static const char *build_info(void)
{
    return "fake: 1";
}

static const network_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

/* The words of a file; SSCAM_E_FORMAT when it is not one of ours. */
static sscam_status read_words(const sscam_byte_source *source, char kind[32], char layout[32])
{
    char text[128] = "", first[32] = "";
    if (source->size < sizeof text) {
        sscam_status status = sscam_byte_source_read(source, 0, text, source->size);
        if (status != SSCAM_OK)
            return status;
    }
    kind[0] = layout[0] = '\0';
    if (sscanf(text, "%31s %31s %31s", first, kind, layout) < 2 || strcmp(first, "fake") != 0)
        return sscam_fail(SSCAM_E_FORMAT, "%s: not a fake network", source->name);
    return SSCAM_OK;
}

static layer_order order_of(const char *word)
{
    static const char *const words[] = {"", "places-first", "tokens", "first-token", "torn"};
    for (int order = ORDER_POSITIONS_FIRST; order <= ORDER_TORN; order++)
        if (strcmp(word, words[order]) == 0)
            return (layer_order)order;
    return ORDER_MAPS;
}

static sscam_status load(const sscam_byte_source *source, const char *device, void **network)
{
    char kind[32], layout[32];
    sscam_status status = enter(FAKE_LOAD);
    if (status == SSCAM_OK)
        status = read_words(source, kind, layout);
    if (status != SSCAM_OK)
        return status;
    if (strcmp(device, "cpu") != 0 && strcmp(device, "auto") != 0)
        return sscam_fail(SSCAM_E_DEVICE, "device \"%s\": the fake backend has only cpu", device);
    if (!find_kind(kind))
        return sscam_fail(SSCAM_E_MODEL, "%s: there is no fake network \"%s\"", source->name, kind);
    fake_network *loaded = malloc(sizeof *loaded);
    if (!loaded)
        return sscam_fail_memory("a fake network");
    loaded->kind = find_kind(kind);
    loaded->layout = strcmp(layout, "channels-last") == 0 ? SSCAM_MEMORY_FORMAT_NHWC
                                                          : SSCAM_MEMORY_FORMAT_NCHW;
    loaded->order = order_of(layout);
    atomic_fetch_add(&fake_counted.networks, 1);
    *network = loaded;
    return SSCAM_OK;
}

static void destroy(void *network)
{
    atomic_fetch_sub(&fake_counted.networks, 1);
    free(network);
}

static const char *device_name(const void *network)
{
    (void)network;
    return "cpu";
}

/* --- layers ----------------------------------------------------------------------------------- */

static int64_t channels_of(const fake_network *network, int layer)
{
    const int64_t shown = network->kind->shown_channels;
    return layer == 0 ? FAKE_COLORS : shown > 0 ? shown : FAKE_CHANNELS;
}

static sscam_status add_layer(struct sscam_layers *layers, const char *name, const char *kind,
                              int32_t rank, const int64_t *shape)
{
    sscam_layer *grown = realloc(layers->layer, (layers->count + 1) * sizeof *grown);
    if (!grown)
        return sscam_fail_memory("a list of layers");
    layers->layer = grown;
    sscam_layer *layer = &grown[layers->count];
    *layer = (sscam_layer){.name = strdup(name), .kind = strdup(kind), .rank = rank};
    memcpy(layer->shape, shape, (size_t)rank * sizeof *shape);
    layers->count++;
    return layer->name && layer->kind ? SSCAM_OK : sscam_fail_memory("a layer");
}

/* Shape of the output of the stem or of the features, in the network's order; gives its rank. */
static int32_t layer_shape(const fake_network *network, int layer, int32_t rank, sscam_sides sides,
                           int64_t shape[SSCAM_MOST_RANK])
{
    const int64_t channels = channels_of(network, layer), positions = sscam_position_count(sides);
    const sscam_shape maps = {rank, 1, channels, sides};
    const int64_t others[][4] = {{1, sides.height, sides.width, channels},
                                 {1, 1 + positions, channels, 1},
                                 {1, 1 + positions, channels, 1},
                                 {2, positions, channels, 1}};
    if (network->order == ORDER_MAPS)
        sscam_shape_write(&maps, shape);
    else
        memcpy(shape, others[network->order - ORDER_POSITIONS_FIRST], sizeof others[0]);
    return network->order >= ORDER_TOKENS ? 3 : rank;
}

static sscam_status list_layers(const fake_network *network, const sscam_shape *shape,
                                const char *output, struct sscam_layers *layers)
{
    const network_output *found;
    int64_t stem[SSCAM_MOST_RANK], features[SSCAM_MOST_RANK];
    int32_t rank = layer_shape(network, 0, shape->rank, layer_sides(shape), stem);
    layer_shape(network, 1, shape->rank, layer_sides(shape), features);
    const int64_t pool[] = {1, FAKE_CHANNELS}, head[] = {1, network->kind->classes};
    sscam_status status = find_output(output, &found);
    if (status != SSCAM_OK)
        return status;
    *layers = (struct sscam_layers){.default_index = -1};
    if (!network->kind->without_positions) {
        status = add_layer(layers, "stem", "AvgPool2d", rank, stem);
        if (status == SSCAM_OK)
            status = add_layer(layers, "features", "Sequential", rank, features);
        layers->default_index = found->default_layer;
    }
    if (status == SSCAM_OK)
        status = add_layer(layers, "pool", "AdaptiveAvgPool2d", 2, pool);
    if (status == SSCAM_OK)
        status = add_layer(layers, "head", "Linear", 2, head);
    if (status != SSCAM_OK)
        sscam_layers_release(layers);
    return status;
}

static sscam_status layers_of(void *network, const sscam_shape *shape, const char *output,
                              struct sscam_layers *out)
{
    fake_run run;
    sscam_status status = enter(FAKE_LAYERS);
    if (status == SSCAM_OK)
        status = begin_run(network, shape, NULL, &run);
    if (status != SSCAM_OK)
        return status;
    end_run(&run);
    atomic_fetch_add(&fake_counted.inputs, 1);
    return list_layers(network, shape, output, out);
}

/* Position of the layer of a request: 0 stem, 1 features. */
static sscam_status find_layer(const fake_network *network, const sscam_capture_request *request,
                               int *layer)
{
    struct sscam_layers layers;
    sscam_status status = list_layers(network, &request->shape, request->output, &layers);
    if (status != SSCAM_OK)
        return status;
    int64_t found = layers.default_index;
    if (request->layer && request->layer[0] != '\0') {
        found = 0;
        while (found < (int64_t)layers.count &&
               strcmp(layers.layer[found].name, request->layer) != 0)
            found++;
    }
    if (found == (int64_t)layers.count)
        status = sscam_fail_unknown_layer(request->layer, &layers);
    else if (found < 0)
        status = sscam_fail(SSCAM_E_LAYER, "the fake network has no layer with positions");
    else if (layers.layer[found].rank < 3)
        status = sscam_fail(SSCAM_E_LAYER, "layer %s: its output has no positions", request->layer);
    *layer = (int)found;
    sscam_layers_release(&layers);
    return status;
}

/* --- capture ---------------------------------------------------------------------------------- */

/* dY_c/dA at a channel and a position of a layer. */
static double slope_at(const fake_run *run, int layer, int64_t class_index, int64_t channel,
                       int64_t position)
{
    const network_kind *kind = run->network->kind;
    double sum = 0.0;
    if (layer == 1)
        sum = fake_weight[class_index][channel] * pooled_slope(run, (int)channel, position);
    for (int k = 0; layer == 0 && k < FAKE_CHANNELS; k++)
        if (run->features[k * run->positions + position] > 0.0)
            sum += fake_weight[class_index][k] * pooled_slope(run, k, position) * kind->mix_scale *
                   fake_mix[k][channel];
    return run->share * sum * kind->output_scale / kind->activation_scale;
}

static int64_t values_in(const sscam_capture *capture)
{
    int64_t count = 1;
    for (int32_t axis = 0; axis < capture->rank; axis++)
        count *= capture->shape[axis];
    return count;
}

/* Index in the layer's output of what is at `index` when channels are first. */
static int64_t position_of(const fake_run *run, int layer, int64_t index)
{
    const int64_t channel = index / run->positions, position = index % run->positions;
    switch (run->network->order) {
    case ORDER_MAPS: return index;
    case ORDER_TOKENS:
    case ORDER_FIRST_TOKEN: return (1 + position) * channels_of(run->network, layer) + channel;
    default: return position * channels_of(run->network, layer) + channel;
    }
}

static sscam_status allocate_capture(const fake_run *run, int layer, int32_t want_gradients,
                                     sscam_capture *out)
{
    *out = (sscam_capture){.class_count = run->network->kind->classes};
    out->rank = layer_shape(run->network, layer, run->rank, run->sides, out->shape);
    size_t size = (size_t)values_in(out) * sizeof(float);
    out->layer = strdup(layer == 0 ? "stem" : "features");
    out->activations = malloc(size);
    out->gradients = want_gradients ? malloc(size) : NULL;
    out->logits = malloc((size_t)out->class_count * sizeof *out->logits);
    if (out->layer && out->activations && out->logits && (out->gradients || !want_gradients))
        return SSCAM_OK;
    sscam_capture_release(out);
    return sscam_fail_memory("a capture");
}

/* Applies the network's fault. */
static void apply_fault(const fake_run *run, sscam_capture *capture)
{
    const network_kind *kind = run->network->kind;
    int64_t last = values_in(capture) - 1;
    int32_t spoils_gradients = kind->fault == FAULT_GRADIENTS ||
                               (kind->fault == FAULT_GRADIENTS_ELSEWHERE && run->stem[0] < 0.0);
    if (kind->fault == FAULT_ACTIVATIONS)
        capture->activations[last] = (float)kind->fault_value;
    if (spoils_gradients && capture->gradients)
        capture->gradients[last / 2] = (float)kind->fault_value;
    if (kind->fault == FAULT_LOGITS)
        capture->logits[capture->class_count - 1] = (float)kind->fault_value;
}

static double target_slope_at(const fake_run *run, int layer, const sscam_target *target,
                              int64_t channel, int64_t position)
{
    double slope = slope_at(run, layer, target->class_index, channel, position);
    if (target->kind == SSCAM_TARGET_AGAINST)
        return -slope;
    if (target->kind == SSCAM_TARGET_DIFFERENCE)
        return slope - slope_at(run, layer, target->other_index, channel, position);
    return slope;
}

/* Fills tokens that are not of the grid too. Only the first has gradients, if any. */
static void fill_other_tokens(const fake_run *run, sscam_capture *out)
{
    for (int64_t i = 0; i < values_in(out); i++) {
        int32_t is_read = run->network->order == ORDER_FIRST_TOKEN && i < out->shape[2];
        out->activations[i] = 100.0f + (float)i;
        if (out->gradients)
            out->gradients[i] = is_read ? 1.0f : 0.0f;
    }
}

static int32_t predicts(const float *logits, int64_t classes, int64_t class_index,
                        const sscam_region *region)
{
    if (region->by_sign || classes == 1)
        return logits[class_index] > 0.0f;
    return sscam_top_class(logits, classes) == class_index;
}

/* Resolves the class of the target, and keeps the pixels of the region where it is predicted. */
static sscam_status keep_predicted(const fake_run *run, const sscam_region *region,
                                   sscam_target *target, sscam_target_pixels *target_pixels)
{
    float logits[FAKE_CLASSES];
    int64_t predicted[FAKE_CLASSES] = {0};
    const int64_t classes = run->network->kind->classes;
    for (int64_t p = 0; p < run->positions; p++) {
        run_head_at(run, p, logits);
        for (int64_t c = 0; c < classes; c++)
            predicted[c] += target_pixels->inside[p] && predicts(logits, classes, c, region);
    }
    sscam_status status = sscam_resolve_dense_class(target, predicted, classes);
    for (int64_t p = 0;
         p < run->positions && status == SSCAM_OK && region->kind == SSCAM_REGION_PREDICTED; p++) {
        run_head_at(run, p, logits);
        target_pixels->inside[p] = (uint8_t)predicts(logits, classes, target->class_index, region);
    }
    return status == SSCAM_OK
               ? sscam_target_pixels_finish(target_pixels, region, target->class_index)
               : status;
}

static sscam_status find_target_pixels(fake_run *run, const sscam_capture_request *request,
                                       sscam_capture *out)
{
    static const sscam_region everywhere = {.kind = SSCAM_REGION_ALL};
    const sscam_region *region = request->region ? request->region : &everywhere;
    out->probabilities = malloc((size_t)out->class_count * sizeof *out->probabilities);
    if (!out->probabilities)
        return sscam_fail_memory("probabilities");
    sscam_status status =
        request->target.target_pixels
            ? sscam_target_pixels_copy(request->target.target_pixels, &out->target_pixels)
            : sscam_target_pixels_create(run->sides.height, run->sides.width, &out->target_pixels);
    if (status == SSCAM_OK && !request->target.target_pixels) {
        status = sscam_target_pixels_mark(out->target_pixels, region, request->shape.sides.height,
                                          request->shape.sides.width);
        if (status == SSCAM_OK)
            status = keep_predicted(run, region, &out->target, out->target_pixels);
    }
    if (status != SSCAM_OK)
        return status;
    out->target.target_pixels = out->target_pixels;
    run_row(run, out->target_pixels, region->by_sign ? SSCAM_SCORE_SIGMOID : SSCAM_SCORE_SOFTMAX,
            out->probabilities);
    return SSCAM_OK;
}

static sscam_status fill_capture(fake_run *run, int layer, const sscam_capture_request *request,
                                 sscam_capture *out)
{
    const double *values = layer == 0 ? run->stem : run->features;
    sscam_status status = SSCAM_OK;
    out->target = request->target;
    if (run->network->kind->head == HEAD_DENSE)
        status = find_target_pixels(run, request, out);
    run_row(run, out->target_pixels, SSCAM_SCORE_LOGIT, out->logits);
    if (status == SSCAM_OK)
        status = sscam_resolve_target(&out->target, out->logits, out->class_count);
    if (status != SSCAM_OK)
        return status;
    fill_other_tokens(run, out);
    for (int64_t i = 0; i < channels_of(run->network, layer) * run->positions; i++) {
        int64_t at = position_of(run, layer, i);
        out->activations[at] = (float)(run->network->kind->activation_scale * values[i]);
        if (out->gradients && run->network->order != ORDER_FIRST_TOKEN)
            out->gradients[at] = (float)(target_slope_at(run, layer, &out->target,
                                                         i / run->positions, i % run->positions) *
                                         (out->target_pixels ? out->target_pixels->factor : 1.0));
    }
    apply_fault(run, out);
    return SSCAM_OK;
}

static sscam_status capture(void *network, const sscam_capture_request *request, sscam_capture *out)
{
    fake_run run;
    int layer = 0;
    sscam_status status = enter(FAKE_CAPTURE);
    if (status == SSCAM_OK)
        status = find_layer(network, request, &layer);
    if (status == SSCAM_OK)
        status = begin_run(network, &request->shape, request->output, &run);
    if (status != SSCAM_OK)
        return status;
    run_stem(&run, request->input, &request->shape, SSCAM_MEMORY_FORMAT_NCHW);
    run_features(&run);
    atomic_fetch_add(&fake_counted.inputs, 1);
    status = allocate_capture(&run, layer, request->want_gradients, out);
    if (status == SSCAM_OK)
        status = fill_capture(&run, layer, request, out);
    if (status != SSCAM_OK)
        sscam_capture_release(out);
    end_run(&run);
    return status;
}

/* --- scoring ---------------------------------------------------------------------------------- */

static sscam_status classify(void *network, const float *input, const sscam_shape *shape,
                             const sscam_output_selection *reading, float **logits,
                             int64_t *class_count)
{
    const fake_network *fake = network;
    const int64_t size = sscam_input_size(shape), images = shape->images,
                  classes = fake->kind->classes;
    sscam_status status = enter(FAKE_CLASSIFY);
    if (status != SSCAM_OK)
        return status;
    float *all = malloc((size_t)(images * classes) * sizeof *all);
    if (!all)
        return sscam_fail_memory("logits");
    for (int64_t i = 0; i < images && status == SSCAM_OK; i++) {
        fake_run run;
        status = evaluate(fake, input + i * size, shape, SSCAM_MEMORY_FORMAT_NCHW, reading->output,
                          &run);
        if (status != SSCAM_OK)
            break;
        run_row(&run, reading->target_pixels, reading->kind, all + i * classes);
        end_run(&run);
    }
    if (status != SSCAM_OK) {
        free(all);
        return status;
    }
    *logits = all;
    *class_count = classes;
    if (reading->is_dense)
        *reading->is_dense = fake->kind->head == HEAD_DENSE;
    return SSCAM_OK;
}

/* Buffers of one call of score(). */
typedef struct batch_buffers {
    float *inputs, *scratch;
} batch_buffers;

/* Scores masked inputs `start` to `start + size - 1`, which are all in memory at once, as in a real
 * backend. */
static sscam_status score_batch(const fake_network *network, const sscam_score_request *request,
                                const batch_buffers *buffers, int64_t start, int64_t size,
                                float *scores)
{
    const sscam_shape shape = sscam_mask_shape(
        request->masks->plans[0]); /* all are of one input shape */
    const int64_t input_size = sscam_input_size(&shape),
                  count = sscam_mask_list_count(request->masks);
    sscam_status status = enter(FAKE_BATCH);
    count_batch(size);
    for (int64_t i = 0; i < size && status == SSCAM_OK; i++)
        sscam_mask_list_write(request->masks, start + i, network->layout, buffers->scratch,
                              buffers->inputs + i * input_size);
    for (int64_t i = 0; i < size && status == SSCAM_OK; i++) {
        fake_run run;
        status = evaluate(network, buffers->inputs + i * input_size, &shape, network->layout,
                          request->output, &run);
        if (status != SSCAM_OK)
            break;
        for (int64_t j = 0; j < request->target_count; j++)
            scores[j * count + start + i] = (float)score_run(&run, &request->targets[j],
                                                             request->kind);
        end_run(&run);
    }
    return status;
}

static sscam_status score_in_batches(const fake_network *network,
                                     const sscam_score_request *request,
                                     const batch_buffers *buffers, int64_t batch, float *scores)
{
    const int64_t count = sscam_mask_list_count(request->masks);
    sscam_status status = SSCAM_OK;
    for (int64_t start = 0; start < count && status == SSCAM_OK; start += batch) {
        int64_t size = count - start < batch ? count - start : batch;
        status = score_batch(network, request, buffers, start, size, scores);
        if (status == SSCAM_OK)
            status = sscam_progress_report(request->progress,
                                           (double)(start + size) / (double)count);
    }
    return status;
}

static sscam_status score(void *network, const sscam_score_request *request, float *scores)
{
    const sscam_shape shape = sscam_mask_shape(request->masks->plans[0]);
    const int64_t input_size = sscam_input_size(&shape);
    const int64_t batch = request->scoring.batch_size > 0 ? request->scoring.batch_size
                                                          : FAKE_DEFAULT_BATCH;
    sscam_status status = enter(FAKE_SCORE);
    if (status != SSCAM_OK)
        return status;
    if (request->diagnostics)
        *request->diagnostics = (sscam_scoring_diagnostics){
            request->scoring.calibrate ? "measured" : "unmeasured", 1, batch};
    batch_buffers buffers = {
        .inputs = malloc((size_t)(batch * input_size) * sizeof *buffers.inputs),
        .scratch = malloc((size_t)sscam_mask_list_scratch_size(request->masks) *
                          sizeof *buffers.scratch)};
    if (!buffers.inputs || !buffers.scratch)
        status = sscam_fail_memory("a batch");
    else
        status = score_in_batches(network, request, &buffers, batch, scores);
    free(buffers.inputs);
    free(buffers.scratch);
    return status;
}

/* --- ablations -------------------------------------------------------------------------------- */

/* A score of the run with a channel of a layer set to zero in what follows the layer. */
static sscam_status score_ablated(const fake_run *run, int layer, int64_t channel,
                                  const sscam_target *target, sscam_score_kind kind, double *score)
{
    fake_run augmented = *run;
    const double *whole = run->features;
    augmented.features = malloc((size_t)run->positions * (FAKE_CHANNELS + FAKE_COLORS) *
                                sizeof *augmented.features);
    if (!augmented.features)
        return sscam_fail_memory("an altered run");
    memcpy(augmented.features, whole,
           (size_t)run->positions * (FAKE_CHANNELS + FAKE_COLORS) * sizeof *whole);
    augmented.stem = augmented.features + run->positions * FAKE_CHANNELS;
    double *zeroed = (layer == 0 ? augmented.stem : augmented.features) + channel * run->positions;
    for (int64_t p = 0; p < run->positions; p++)
        zeroed[p] = 0.0;
    if (layer == 0)
        run_features(&augmented);
    else
        augmented.mean[channel] = 0.0;
    *score = score_run(&augmented, target, kind);
    free(augmented.features);
    return SSCAM_OK;
}

static sscam_status ablate_batch(const fake_run *run, const sscam_ablation_request *request,
                                 int layer, int64_t start, int64_t size, float *scores)
{
    const int64_t count = request->plan->channel_count;
    sscam_status status = enter(FAKE_BATCH);
    if (status != SSCAM_OK)
        return status;
    count_batch(size);
    for (int64_t i = start; i < start + size; i++) {
        atomic_fetch_add(&fake_counted.inputs, 1);
        for (int64_t j = 0; j < request->target_count; j++) {
            double score = 0.0;
            status = score_ablated(run, layer, request->plan->channels[i], &request->targets[j],
                                   request->kind, &score);
            if (status != SSCAM_OK)
                return status;
            scores[j * count + i] = (float)score;
        }
    }
    return sscam_progress_report(request->progress, (double)(start + size) / (double)count);
}

static sscam_status check_axes(const fake_network *network, const sscam_ablation_plan *plan)
{
    static const int32_t channel_axes[] = {1, 3, 2, 2, 2};
    if (plan->batch_axis == 0 && plan->channel_axis == channel_axes[network->order])
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_MODEL, "the fake network has its channels on axis %d, not %d",
                      (int)channel_axes[network->order], (int)plan->channel_axis);
}

static sscam_status ablate(void *network, const sscam_ablation_request *request, float *scores)
{
    const int64_t count = request->plan->channel_count;
    const int64_t batch = request->batch_size > 0 ? request->batch_size : FAKE_DEFAULT_BATCH;
    const sscam_capture_request at_layer = {.layer = request->plan->layer, .shape = request->shape};
    fake_run run;
    int layer = 0;
    sscam_status status = enter(FAKE_ABLATE);
    if (status == SSCAM_OK)
        status = find_layer(network, &at_layer, &layer);
    if (status == SSCAM_OK)
        status = check_axes(network, request->plan);
    if (status == SSCAM_OK)
        status = begin_run(network, &request->shape, request->output, &run);
    if (status != SSCAM_OK)
        return status;
    run_stem(&run, request->plan->input, &request->shape, SSCAM_MEMORY_FORMAT_NCHW);
    run_features(&run);
    atomic_fetch_add(&fake_counted.inputs, 1);
    *request->extra_inputs = FAKE_ABLATION_EXTRA;
    for (int64_t start = 0; start < count && status == SSCAM_OK; start += batch)
        status = ablate_batch(&run, request, layer, start,
                              count - start < batch ? count - start : batch, scores);
    end_run(&run);
    return status;
}

const sscam_backend *sscam_backend_default(void)
{
    static const sscam_backend backend = {build_info, load,    destroy, device_name, layers_of,
                                          classify,   capture, score,   ablate};
    return &backend;
}
