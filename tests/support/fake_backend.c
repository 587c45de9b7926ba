#include "support/fake_backend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "engine/engine_call.h"
#include "engine/host_engine.h"
#include "support/fake_device.h"

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

/* Whether the thread's call of the engine is one of score() or ablate(), and of the latter the
 * first, which checks the tail. */
static _Thread_local int is_scoring, is_checking_tail, is_differentiating;

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

static _Atomic(void (*)(fake_call, long long)) call_hook;

void fake_on_call(void (*hook)(fake_call call, long long number))
{
    atomic_store(&call_hook, hook);
}

void fake_reset(void)
{
    atomic_store(&failing_number, 0);
    atomic_store(&call_hook, NULL);
    for (int call = 0; call < FAKE_CALL_KINDS; call++)
        atomic_store(&fake_counted.calls[call], 0);
    atomic_store(&fake_counted.inputs, 0);
    atomic_store(&fake_counted.prepared_inputs, 0);
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
                                                       "score", "ablate", "batch",    "prepare"};
    return names[call];
}

static sscam_status enter(fake_call call)
{
    long long number = atomic_fetch_add(&fake_counted.calls[call], 1) + 1;
    void (*hook)(fake_call, long long) = atomic_load(&call_hook);
    if (hook)
        hook(call, number);
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

/* The network's outputs. */
static const char *const output_names[] = {"", "half", "early"};
static const double output_shares[] = {1.0, 0.5, 0.25}; /* of the first output */
static const char *const default_layers[] = {"features", "features", "stem"};
enum { OUTPUTS = sizeof output_names / sizeof output_names[0] };

/* A run of the network on one input. */
typedef struct fake_run {
    const fake_network *network;
    double share;               /* of the first output */
    sscam_sides step;           /* pixels of a mean: 2 along each side that the input has */
    int32_t rank;               /* of the input */
    sscam_sides sides;          /* of the layers */
    int64_t positions;          /* of the layers */
    double *stem;               /* [FAKE_COLORS, positions] */
    double *features;           /* [FAKE_CHANNELS, positions]; also what needs freeing */
    double mean[FAKE_CHANNELS]; /* of the features */
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

static sscam_shape shape_of(const sscam_engine_request *request)
{
    const int64_t *last = request->shape + request->rank - 1;
    return (sscam_shape){request->rank, request->shape[0], request->shape[1],
                         .sides = {request->rank > SSCAM_IMAGE_RANK ? last[-2] : 1,
                                   request->rank > SSCAM_LEAST_RANK ? last[-1] : 1, last[0]}};
}

static sscam_status check_input(const fake_network *network, const sscam_shape *shape,
                                sscam_engine_reply *reply)
{
    char text[128];
    if (network->kind->fault == FAULT_RUN)
        return sscam_engine_reply_set_error(reply, "the fake network fails whatever it is given");
    if (shape->channels == FAKE_COLORS && sscam_position_count(layer_sides(shape)) > 0)
        return SSCAM_OK;
    snprintf(text, sizeof text,
             "the fake network wants 3 channels of at least 2x2, not %lld of %lldx%lld",
             (long long)shape->channels, (long long)shape->sides.height,
             (long long)shape->sides.width);
    return sscam_engine_reply_set_error(reply, text);
}

/* To be ended by end_run(). */
static sscam_status begin_run(const fake_network *network, const sscam_engine_request *request,
                              sscam_engine_reply *reply, fake_run *run)
{
    const sscam_shape shape = shape_of(request);
    *run = (fake_run){.network = network,
                      .share = output_shares[request->output],
                      .step = step_of(&shape),
                      .rank = shape.rank,
                      .sides = layer_sides(&shape)};
    run->positions = sscam_position_count(run->sides);
    sscam_status status = check_input(network, &shape, reply);
    if (status != SSCAM_OK)
        return status;
    run->features = malloc((size_t)run->positions * (FAKE_CHANNELS + FAKE_COLORS) *
                           sizeof *run->features);
    if (!run->features) {
        sscam_engine_reply_set_error(reply, "out of memory for the fake network");
        return SSCAM_E_MEMORY;
    }
    run->stem = run->features + run->positions * FAKE_CHANNELS;
    return SSCAM_OK;
}

static void end_run(fake_run *run)
{
    free(run->features);
}

/* Mean of the pixels from an index on, of as many along each side as a step has; `pixel_step`:
 * floats from one to the next. Without divisions: suites run the network millions of times. */
static double mean_from(const float *input, int64_t first, sscam_sides pixels, sscam_sides step,
                        int64_t pixel_step)
{
    double sum = 0.0;
    for (int64_t slice = 0; slice < step.depth; slice++)
        for (int64_t row = 0; row < step.height; row++)
            for (int64_t column = 0; column < step.width; column++) {
                const int64_t line = slice * pixels.height + row;
                sum += (double)input[(first + line * pixels.width + column) * pixel_step];
            }
    return sum / (double)sscam_position_count(step);
}

/* The means of one colour. */
static void run_stem_color(const fake_run *run, const float *input, sscam_sides pixels,
                           int64_t pixel_step, double *stem)
{
    const sscam_sides sides = run->sides, step = run->step;
    for (int64_t z = 0; z < sides.depth; z++)
        for (int64_t y = 0; y < sides.height; y++)
            for (int64_t x = 0; x < sides.width; x++) {
                const int64_t line = z * step.depth * pixels.height + y * step.height;
                *stem++ = mean_from(input, line * pixels.width + x * step.width, pixels, step,
                                    pixel_step);
            }
}

static void run_stem(fake_run *run, const float *input, const sscam_shape *shape,
                     sscam_memory_format layout)
{
    int64_t color_step = layout == SSCAM_MEMORY_FORMAT_NCHW ? sscam_position_count(shape->sides)
                                                            : 1;
    int64_t pixel_step = layout == SSCAM_MEMORY_FORMAT_NCHW ? 1 : FAKE_COLORS;
    for (int64_t color = 0; color < FAKE_COLORS; color++)
        run_stem_color(run, input + color * color_step, shape->sides, pixel_step,
                       run->stem + color * run->positions);
}

static void find_means(fake_run *run)
{
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        double sum = 0.0;
        for (int64_t p = 0; p < run->positions; p++)
            sum += run->features[k * run->positions + p];
        run->mean[k] = sum / (double)run->positions;
    }
}

static void run_features(fake_run *run)
{
    double mix_scale = run->network->kind->mix_scale;
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        for (int64_t p = 0; p < run->positions; p++) {
            double sum = fake_bias[k];
            for (int color = 0; color < FAKE_COLORS; color++)
                sum += mix_scale * fake_mix[k][color] * run->stem[color * run->positions + p];
            run->features[k * run->positions + p] = sum > 0.0 ? sum : 0.0;
        }
    }
    find_means(run);
}

static double position_weight(const fake_run *run, int64_t position)
{
    double positions = (double)run->positions;
    return 2.0 * (double)(position + 1) / (positions * (positions + 1.0));
}

/* Value of channel k in the head, before the weight of the class; of a dense head at a position. */
static double pooled(const fake_run *run, int k, int64_t position)
{
    double sum = 0.0;
    switch (run->network->kind->head) {
    case HEAD_QUADRATIC: return run->mean[k] * run->mean[k];
    case HEAD_DENSE: return run->features[k * run->positions + position];
    case HEAD_POSITIONAL:
        for (int64_t p = 0; p < run->positions; p++)
            sum += position_weight(run, p) * run->features[k * run->positions + p];
        return sum;
    default: return run->mean[k];
    }
}

/* Derivative of pooled() by A_k at a position, for a dense head at the same position. */
static double pooled_slope(const fake_run *run, int k, int64_t position)
{
    switch (run->network->kind->head) {
    case HEAD_QUADRATIC: return 2.0 * run->mean[k] / (double)run->positions;
    case HEAD_POSITIONAL: return position_weight(run, position);
    case HEAD_DENSE: return 1.0;
    default: return 1.0 / (double)run->positions;
    }
}

/* Positions of the output. */
static int64_t output_positions(const fake_run *run)
{
    return run->network->kind->head == HEAD_DENSE ? run->positions : 1;
}

static int64_t output_size(const fake_run *run)
{
    return run->network->kind->classes * output_positions(run);
}

/* Outputs [classes], of a dense head [classes,positions]. */
static void run_head(const fake_run *run, float *outputs)
{
    const network_kind *kind = run->network->kind;
    const int64_t positions = output_positions(run);
    for (int64_t i = 0; i < output_size(run); i++) {
        double sum = fake_head_bias[i / positions];
        for (int k = 0; k < FAKE_CHANNELS; k++)
            sum += fake_weight[i / positions][k] * pooled(run, k, i % positions);
        outputs[i] = (float)(run->share * kind->output_scale * sum);
        if (kind->fault == FAULT_SCORES && is_scoring && !is_checking_tail)
            outputs[i] = (float)kind->fault_value;
    }
}

/* --- loading ---------------------------------------------------------------------------------- */

/* The engine that serves a network: see below. */
static sscam_status create_engine(fake_network *fake, const char *kind, void **network);

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
    return create_engine(loaded, kind, network);
}

/* --- layers ----------------------------------------------------------------------------------- */

static int64_t channels_of(const fake_network *network, int layer)
{
    const int64_t shown = network->kind->shown_channels;
    return layer == 0 ? FAKE_COLORS : shown > 0 ? shown : FAKE_CHANNELS;
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

static sscam_status describe(void *user, const sscam_engine_request *request,
                             sscam_engine_reply *reply)
{
    const fake_network *network = user;
    const sscam_shape shape = shape_of(request);
    const int64_t pool[] = {1, FAKE_CHANNELS}, head[] = {1, network->kind->classes};
    int64_t stem[SSCAM_MOST_RANK], features[SSCAM_MOST_RANK];
    sscam_status status = check_input(network, &shape, reply);
    if (status != SSCAM_OK)
        return status;
    int32_t rank = layer_shape(network, 0, shape.rank, layer_sides(&shape), stem);
    layer_shape(network, 1, shape.rank, layer_sides(&shape), features);
    if (!network->kind->without_positions) {
        sscam_engine_reply_add_layer(reply, "stem", "AvgPool2d", stem, rank);
        sscam_engine_reply_add_layer(reply, "features", "Sequential", features, rank);
        sscam_engine_reply_set_default_layer(reply, default_layers[request->output]);
    }
    sscam_engine_reply_add_layer(reply, "pool", "AdaptiveAvgPool2d", pool, 2);
    return sscam_engine_reply_add_layer(reply, "head", "Linear", head, 2);
}

/* --- activations and gradients ---------------------------------------------------------------- */

static int layer_number(const char *name)
{
    return strcmp(name, "stem") == 0 ? 0 : 1;
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

/* Values of a layer in its own order; malloc'ed. */
typedef struct layer_values {
    int32_t rank;
    int64_t shape[SSCAM_MOST_RANK], count;
    float *values;
} layer_values;

static sscam_status allocate_values(const fake_run *run, int layer, sscam_engine_reply *reply,
                                    layer_values *out)
{
    out->rank = layer_shape(run->network, layer, run->rank, run->sides, out->shape);
    out->count = 1;
    for (int32_t axis = 0; axis < out->rank; axis++)
        out->count *= out->shape[axis];
    out->values = malloc((size_t)out->count * sizeof *out->values);
    if (out->values)
        return SSCAM_OK;
    sscam_engine_reply_set_error(reply, "out of memory for a layer");
    return SSCAM_E_MEMORY;
}

static sscam_status give_activations(const fake_run *run, int layer, sscam_engine_reply *reply)
{
    const network_kind *kind = run->network->kind;
    const double *values = layer == 0 ? run->stem : run->features;
    layer_values out;
    sscam_status status = allocate_values(run, layer, reply, &out);
    if (status != SSCAM_OK)
        return status;
    for (int64_t i = 0; i < out.count; i++)
        out.values[i] = 100.0f + (float)i; /* of tokens that are not of the grid */
    for (int64_t i = 0; i < channels_of(run->network, layer) * run->positions; i++)
        out.values[position_of(run, layer, i)] = (float)(kind->activation_scale * values[i]);
    if (kind->fault == FAULT_ACTIVATIONS)
        out.values[out.count - 1] = (float)kind->fault_value;
    status = sscam_engine_reply_set_activations(reply, out.values, out.shape, out.rank);
    free(out.values);
    return status;
}

/* Derivative of the weighted outputs by the features. */
static double feature_slope(const fake_run *run, const float *weights, int k, int64_t position)
{
    const int64_t positions = output_positions(run);
    double sum = 0.0;
    for (int64_t c = 0; c < run->network->kind->classes; c++)
        sum += (double)weights[c * positions + position % positions] * fake_weight[c][k] *
               pooled_slope(run, k, position);
    return sum;
}

/* Derivative of the weighted outputs by a layer, which shows its values scaled. */
static double slope_at(const fake_run *run, int layer, const float *weights, int64_t channel,
                       int64_t position)
{
    const network_kind *kind = run->network->kind;
    double sum = layer == 1 ? feature_slope(run, weights, (int)channel, position) : 0.0;
    for (int k = 0; layer == 0 && k < FAKE_CHANNELS; k++)
        if (run->features[k * run->positions + position] > 0.0)
            sum += feature_slope(run, weights, k, position) * kind->mix_scale *
                   fake_mix[k][channel];
    return run->share * sum * kind->output_scale / kind->activation_scale;
}

static sscam_status give_gradients(const fake_run *run, int layer, const float *weights,
                                   sscam_engine_reply *reply)
{
    const network_kind *kind = run->network->kind;
    const int reads_first_token = run->network->order == ORDER_FIRST_TOKEN;
    const int is_spoiled = kind->fault == FAULT_GRADIENTS ||
                           (kind->fault == FAULT_GRADIENTS_ELSEWHERE && run->stem[0] < 0.0);
    layer_values out;
    sscam_status status = allocate_values(run, layer, reply, &out);
    if (status != SSCAM_OK)
        return status;
    for (int64_t i = 0; i < out.count; i++)
        out.values[i] = reads_first_token && i < out.shape[2] ? 1.0f : 0.0f;
    for (int64_t i = 0; i < channels_of(run->network, layer) * run->positions && !reads_first_token;
         i++)
        out.values[position_of(run, layer, i)] = (float)slope_at(
            run, layer, weights, i / run->positions, i % run->positions);
    if (is_spoiled)
        out.values[(out.count - 1) / 2] = (float)kind->fault_value;
    status = sscam_engine_reply_set_gradients(reply, out.values, out.shape, out.rank);
    free(out.values);
    return status;
}

/* --- callbacks -------------------------------------------------------------------------------- */

/* The runs of which a derivative is made count as one: engines need no more. */
static void count_inputs(int64_t rows)
{
    if (!is_differentiating)
        atomic_fetch_add(&fake_counted.inputs, rows);
}

/* Gives outputs of `rows` inputs, [rows] times output_size(). */
static sscam_status give_outputs(const fake_run *run, int64_t rows, const float *outputs,
                                 sscam_engine_reply *reply)
{
    const int64_t shape[] = {rows, run->network->kind->classes, run->sides.height,
                             run->sides.width};
    return sscam_engine_reply_set_outputs(reply, outputs, shape,
                                          run->network->kind->head == HEAD_DENSE ? 4 : 2);
}

static float *allocate_outputs(const fake_run *run, int64_t rows)
{
    return malloc((size_t)(rows * output_size(run)) * sizeof(float));
}

static void evaluate(fake_run *run, const sscam_engine_request *request, int64_t row)
{
    const sscam_shape shape = shape_of(request);
    run_stem(run, request->input + row * sscam_input_size(&shape), &shape, run->network->layout);
    run_features(run);
}

/* Batches of scores are counted and may fail. */
static sscam_status enter_batch(int64_t rows, sscam_engine_reply *reply)
{
    if (!is_scoring || is_checking_tail)
        return SSCAM_OK;
    sscam_status status = enter(FAKE_BATCH);
    count_batch(rows);
    if (status != SSCAM_OK)
        sscam_engine_reply_set_error(reply, sscam_error_message());
    return status;
}

static sscam_status run(void *user, const sscam_engine_request *request, sscam_engine_reply *reply)
{
    const fake_network *network = user;
    const int64_t rows = request->shape[0];
    fake_run run;
    sscam_status status = enter_batch(rows, reply);
    if (status == SSCAM_OK)
        status = begin_run(network, request, reply, &run);
    if (status != SSCAM_OK)
        return status;
    count_inputs(rows);
    float *outputs = allocate_outputs(&run, rows);
    for (int64_t row = 0; outputs && row < rows; row++) {
        evaluate(&run, request, row);
        run_head(&run, outputs + row * output_size(&run));
    }
    if (!outputs)
        status = SSCAM_E_MEMORY;
    else if (request->layer && network->kind->fault == FAULT_LOGITS)
        outputs[network->kind->classes - 1] = (float)network->kind->fault_value;
    if (status == SSCAM_OK)
        status = give_outputs(&run, rows, outputs, reply);
    if (status == SSCAM_OK && request->layer)
        status = give_activations(&run, layer_number(request->layer), reply);
    free(outputs);
    end_run(&run);
    return status;
}

static sscam_status gradients(void *user, const sscam_engine_request *request,
                              sscam_engine_reply *reply)
{
    fake_run run;
    sscam_status status = begin_run(user, request, reply, &run);
    if (status != SSCAM_OK)
        return status;
    evaluate(&run, request, 0);
    status = give_gradients(&run, layer_number(request->layer), request->output_weights, reply);
    end_run(&run);
    return status;
}

/* Puts altered activations of one row into a run. Those that are unaltered keep their precision. */
static void alter(fake_run *run, int layer, const float *activations)
{
    const double scale = run->network->kind->activation_scale;
    double *values = layer == 0 ? run->stem : run->features;
    for (int64_t i = 0; i < channels_of(run->network, layer) * run->positions; i++) {
        const float given = activations[position_of(run, layer, i)];
        if (given != (float)(scale * values[i]))
            values[i] = given / scale;
    }
    if (layer == 0)
        run_features(run);
    else
        find_means(run);
}

static sscam_status tail(void *user, const sscam_engine_request *request, sscam_engine_reply *reply)
{
    const int layer = layer_number(request->layer);
    const int64_t rows = request->activation_shape[0];
    fake_run run;
    int64_t size = 1;
    sscam_status status = enter_batch(rows, reply);
    if (status == SSCAM_OK)
        status = begin_run(user, request, reply, &run);
    if (status != SSCAM_OK)
        return status;
    count_inputs(rows);
    for (int32_t axis = 1; axis < request->activation_rank; axis++)
        size *= request->activation_shape[axis];
    float *outputs = allocate_outputs(&run, rows);
    for (int64_t row = 0; outputs && row < rows; row++) {
        evaluate(&run, request, 0);
        alter(&run, layer, request->activations + row * size);
        run_head(&run, outputs + row * output_size(&run));
    }
    status = outputs ? give_outputs(&run, rows, outputs, reply) : SSCAM_E_MEMORY;
    free(outputs);
    end_run(&run);
    is_checking_tail = 0; /* that is what the first call is for */
    return status;
}

static void release(void *user)
{
    atomic_fetch_sub(&fake_counted.networks, 1);
    free(user);
}

static sscam_status create_engine(fake_network *fake, const char *kind, void **network)
{
    char name[48];
    sscam_engine engine = SSCAM_ENGINE_INIT;
    snprintf(name, sizeof name, "fake %s", kind);
    engine.user = fake;
    engine.name = name;
    engine.device = "cpu";
    engine.flags = SSCAM_ENGINE_THREAD_SAFE;
    if (fake->layout == SSCAM_MEMORY_FORMAT_NHWC)
        engine.flags |= SSCAM_ENGINE_CHANNELS_LAST;
    engine.class_count = fake->kind->classes;
    engine.preferred_batch = FAKE_DEFAULT_BATCH;
    engine.output_names = output_names;
    engine.output_count = OUTPUTS;
    engine.describe = describe;
    engine.run = run;
    engine.gradients = gradients;
    engine.tail = tail;
    engine.release = release;
    atomic_fetch_add(&fake_counted.networks, 1);
    sscam_status status = sscam_engine_network_create(&engine, network);
    if (status != SSCAM_OK)
        release(fake);
    return status;
}

/* --- the vtable: counts calls and lets them fail ---------------------------------------------- */

static void destroy(void *network)
{
    sscam_engine_backend()->destroy(network);
}

static const char *device_name(const void *network)
{
    return sscam_engine_backend()->device(network);
}

static sscam_status layers_of(void *network, const sscam_shape *shape, const char *output,
                              struct sscam_layers *out)
{
    sscam_status status = enter(FAKE_LAYERS);
    return status == SSCAM_OK ? sscam_engine_backend()->layers(network, shape, output, out)
                              : status;
}

static sscam_status classify(void *network, const float *input, const sscam_shape *shape,
                             const sscam_output_selection *selection, float **logits,
                             int64_t *class_count)
{
    sscam_status status = enter(FAKE_CLASSIFY);
    input = fake_device_contents(input);
    return status == SSCAM_OK ? sscam_engine_backend()->classify(network, input, shape, selection,
                                                                 logits, class_count)
                              : status;
}

/* The Hessian times A: the gradients where the head is quadratic in A, and 0 where it is linear. */
static sscam_status add_curvature(const sscam_engine_network *network, sscam_capture *out)
{
    const fake_network *fake = network->engine.user;
    size_t count = 1;
    for (int32_t i = 0; i < out->rank; i++)
        count *= (size_t)out->shape[i];
    out->curvature = calloc(count, sizeof *out->curvature);
    if (!out->curvature) {
        sscam_capture_release(out);
        return sscam_fail_memory("second derivatives");
    }
    if (fake->kind->head == HEAD_QUADRATIC)
        memcpy(out->curvature, out->gradients, count * sizeof *out->curvature);
    return SSCAM_OK;
}

static sscam_status capture(void *network, const sscam_capture_request *request, sscam_capture *out)
{
    sscam_status status = enter(FAKE_CAPTURE);
    sscam_capture_request readable = *request;
    readable.want_curvature = 0; /* which an engine of the host does not give */
    readable.input = fake_device_contents(request->input);
    if (status == SSCAM_OK)
        status = sscam_engine_backend()->capture(network, &readable, out);
    return status == SSCAM_OK && request->want_curvature ? add_curvature(network, out) : status;
}

/* The masks of a request with inputs that the host can read: no more plans than a call of
 * SSCAM_IMAGES_AT_ONCE inputs makes in the suites. */
typedef struct readable_masks {
    sscam_mask_plan plan[256];
    const sscam_mask_plan *pointer[256];
    sscam_mask_list list;
} readable_masks;

static readable_masks *make_readable(const sscam_mask_list *masks)
{
    readable_masks *made = malloc(sizeof *made);
    if (!made || masks->plan_count > 256) {
        free(made);
        return NULL;
    }
    for (int64_t i = 0; i < masks->plan_count; i++) {
        made->plan[i] = *masks->plans[i];
        made->plan[i].input = fake_device_contents(made->plan[i].input);
        made->pointer[i] = &made->plan[i];
    }
    made->list = (sscam_mask_list){made->pointer, masks->plan_count};
    return made;
}

static sscam_status score(void *network, const sscam_score_request *request, float *scores)
{
    sscam_status status = enter(FAKE_SCORE);
    if (status != SSCAM_OK)
        return status;
    readable_masks *masks = NULL;
    if (fake_device_counted.held > 0 && !(masks = make_readable(request->masks)))
        return sscam_fail_memory("masks");
    /* An engine of the host refuses what it decides about itself. */
    sscam_score_request plain = *request;
    plain.scoring.precision = SSCAM_PRECISION_FP32;
    plain.scoring.workers = 0;
    if (masks)
        plain.masks = &masks->list;
    is_scoring = 1;
    status = sscam_engine_backend()->score(network, &plain, scores);
    is_scoring = 0;
    free(masks);
    if (request->diagnostics)
        request->diagnostics->form = request->scoring.calibrate ? "measured" : "unmeasured";
    return status;
}

static sscam_status ablate(void *network, const sscam_ablation_request *request, float *scores)
{
    sscam_status status = enter(FAKE_ABLATE);
    if (status != SSCAM_OK)
        return status;
    sscam_ablation_plan plan = *request->plan;
    sscam_ablation_request readable = *request;
    plan.input = fake_device_contents(plan.input);
    readable.plan = &plan;
    is_scoring = is_checking_tail = 1;
    status = sscam_engine_backend()->ablate(network, &readable, scores);
    is_scoring = is_checking_tail = 0;
    return status;
}

/* The target's values on inputs of a request's shape. */
static sscam_status values_on(void *network, const float *inputs, int64_t count,
                              const sscam_gradient_request *request, double *values)
{
    float *logits = NULL;
    int64_t classes = 0;
    sscam_shape shape = request->shape;
    const sscam_output_selection selection = {.output = request->output,
                                              .target_pixels = request->target->target_pixels,
                                              .kind = SSCAM_SCORE_LOGIT};
    shape.images = count;
    sscam_status status = sscam_engine_backend()->classify(network, inputs, &shape, &selection,
                                                           &logits, &classes);
    for (int64_t i = 0; i < count && status == SSCAM_OK; i++)
        values[i] = sscam_target_score(logits + i * classes, classes, request->target,
                                       SSCAM_SCORE_LOGIT);
    free(logits);
    return status;
}

enum { DIFFERENCES_AT_ONCE = 64 };

/* Of `count` values of the input from `first` on; `inputs`: room for two inputs a value. */
static sscam_status add_some_differences(void *network, const sscam_gradient_request *request,
                                         const float *input, int64_t first, int64_t count,
                                         float *inputs, float *gradient)
{
    const float half = 0x1p-4f;
    const int64_t size = sscam_input_size(&request->shape);
    double values[2 * DIFFERENCES_AT_ONCE];
    for (int64_t i = 0; i < 2 * count; i++) {
        memcpy(inputs + i * size, input, (size_t)size * sizeof *inputs);
        inputs[i * size + first + i / 2] += i % 2 == 0 ? half : -half;
    }
    sscam_status status = values_on(network, inputs, 2 * count, request, values);
    for (int64_t i = 0; i < count && status == SSCAM_OK; i++)
        gradient[first + i] = (float)((values[2 * i] - values[2 * i + 1]) / (2.0 * (double)half));
    return status;
}

/* By differences of the target, which are exact for outputs of the second degree. Many inputs a
 * call: a call takes longer than so small a network. */
static sscam_status add_differences(void *network, const float *input,
                                    const sscam_gradient_request *request, float *gradient)
{
    const int64_t size = sscam_input_size(&request->shape);
    float *inputs = malloc((size_t)(2 * DIFFERENCES_AT_ONCE * size) * sizeof *inputs);
    sscam_status status = inputs ? SSCAM_OK : sscam_fail_memory("gradients");
    for (int64_t i = 0; i < size && status == SSCAM_OK; i += DIFFERENCES_AT_ONCE)
        status = add_some_differences(
            network, request, input, i,
            size - i < DIFFERENCES_AT_ONCE ? size - i : DIFFERENCES_AT_ONCE, inputs, gradient);
    free(inputs);
    return status;
}

/* One map, of a bias of 2 that is added to the input itself. */
static sscam_status add_bias(const sscam_gradient_request *request, sscam_gradients *out)
{
    const int64_t size = sscam_input_size(&request->shape);
    out->maps = calloc(1, sizeof *out->maps);
    if (!out->maps)
        return sscam_fail_memory("gradients");
    out->map_count = 1;
    *out->maps = (sscam_gradient_map){request->shape.channels, request->shape.sides,
                                      malloc((size_t)size * sizeof(float))};
    if (!out->maps->values)
        return sscam_fail_memory("gradients");
    for (int64_t i = 0; i < size; i++)
        out->maps->values[i] = 2.0f * out->input[i];
    return SSCAM_OK;
}

/* Two blocks whose tokens are the input's pixels, behind a class token. Each has a class score of
 * its own, for which the network is run again. */
static sscam_status add_attention(const sscam_gradient_request *request, const float *input,
                                  sscam_gradients *out)
{
    const int64_t pixels = sscam_position_count(request->shape.sides),
                  blocks = request->block_count == 1 ? 1 : 2;
    out->maps = calloc((size_t)blocks, sizeof *out->maps);
    for (; out->maps && out->map_count < blocks; out->map_count++) {
        sscam_gradient_map *map = &out->maps[out->map_count];
        *map = (sscam_gradient_map){
            1, {1, 1, pixels + 1}, calloc((size_t)pixels + 1, sizeof(float))};
        if (!map->values)
            return sscam_fail_memory("gradients");
        for (int64_t i = 0; i < sscam_input_size(&request->shape); i++)
            map->values[1 + i % pixels] += fmaxf(
                out->input[i] * (out->map_count + 1 == blocks ? input[i] : 1.0f - input[i]), 0.0f);
    }
    atomic_fetch_add(&fake_counted.inputs, blocks);
    out->tokens = (sscam_layout_hint){.grid_height = request->shape.sides.height,
                                      .grid_width = request->shape.sides.width};
    free(out->input);
    out->input = NULL;
    return out->maps ? SSCAM_OK : sscam_fail_memory("gradients");
}

static sscam_status differentiate(void *network, const sscam_gradient_request *request,
                                  sscam_gradients *out)
{
    const size_t bytes = (size_t)sscam_input_size(&request->shape) * sizeof(float);
    sscam_status status = enter(FAKE_DIFFERENTIATE);
    if (status != SSCAM_OK)
        return status;
    *out = (sscam_gradients){.input = malloc(bytes)};
    float *input = malloc(bytes);
    if (!input || !out->input)
        status = sscam_fail_memory("gradients");
    if (status == SSCAM_OK) {
        memcpy(input, fake_device_contents(request->input), bytes);
        status = values_on(network, input, 1, request, &out->value);
    }
    is_differentiating = 1;
    if (status == SSCAM_OK)
        status = add_differences(network, input, request, out->input);
    is_differentiating = 0;
    if (status == SSCAM_OK && request->kind == SSCAM_GRADIENTS_OF_BIASES)
        status = add_bias(request, out);
    if (status == SSCAM_OK && request->kind == SSCAM_GRADIENTS_OF_ATTENTION)
        status = add_attention(request, input, out);
    free(input);
    if (status != SSCAM_OK)
        sscam_gradients_release(out);
    return status;
}

static void facts_of(const void *network, sscam_network_facts *facts)
{
    sscam_engine_backend()->describe(network, facts);
}

static sscam_status prepare(void *network, const sscam_score_request *request)
{
    (void)network;
    atomic_fetch_add(&fake_counted.prepared_inputs, sscam_mask_list_count(request->masks));
    return enter(FAKE_PREPARE);
}

const sscam_backend *sscam_backend_default(void)
{
    static const sscam_backend backend = {.build_info = build_info,
                                          .load = load,
                                          .destroy = destroy,
                                          .device = device_name,
                                          .layers = layers_of,
                                          .classify = classify,
                                          .capture = capture,
                                          .score = score,
                                          .ablate = ablate,
                                          .describe = facts_of,
                                          .prepare = prepare,
                                          .differentiate = differentiate,
                                          .hold_device_input = fake_device_hold,
                                          .release_device_input = fake_device_release,
                                          .read_device_input = fake_device_read};
    return &backend;
}
