#include "options/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "model/activation_layout.h"
#include "options/metric_table.h"
#include "options/region_option.h"

struct sscam_option {
    int32_t id, type;
    const char *name, *default_text, *choices;
    double minimum, maximum;
    int32_t of_transform; /* whether the text describes preprocessing and must have its form */
    const char *help;
};

#define CHOICE(id, name, first, others, help)                                  \
    {                                                                          \
        id, SSCAM_OPTION_TYPE_CHOICE, name, first, first others, 0, 0, 0, help \
    }
#define INT(id, name, text, minimum, maximum, help)                          \
    {                                                                        \
        id, SSCAM_OPTION_TYPE_INT, name, text, "", minimum, maximum, 0, help \
    }
#define REAL(id, name, text, minimum, maximum, help)                          \
    {                                                                         \
        id, SSCAM_OPTION_TYPE_REAL, name, text, "", minimum, maximum, 0, help \
    }
#define TEXT(id, name, text, of_transform, help)                               \
    {                                                                          \
        id, SSCAM_OPTION_TYPE_STRING, name, text, "", 0, 0, of_transform, help \
    }

static const sscam_option table[] = {
    TEXT(SSCAM_OPTION_LAYER, "layer", "", 0,
         "Target layer, by a name that the layer list shows; empty: the last feature map before "
         "global pooling "
         "or flattening, or the tokens that a transformer's last attention reads. Several names, "
         "separated by commas: "
         "one map, fused from those of the layers."),
    CHOICE(SSCAM_OPTION_FUSION, "fusion", "max", "|mean",
           "How the maps of several layers, each at the input's size and in [0,1], become one."),
    TEXT(SSCAM_OPTION_GRID, "grid", "", 0,
         "Grid that the tokens of a layer lie on, HEIGHTxWIDTH, as in 14x14; empty: found from the "
         "input's proportions. "
         "Tokens before those of the grid, such as a class token, are left out."),
    CHOICE(SSCAM_OPTION_CHANNEL_AXIS, "channel_axis", "auto", "|first|last",
           "Whether a layer gives its channels before its places ([1,K,h,w], [1,K,T]) or after "
           "them ([1,h,w,K], "
           "[1,T,K]); auto: found from the input's proportions."),
    CHOICE(SSCAM_OPTION_AUG_SMOOTH, "aug_smooth", "off", "|on",
           "Whether the map is the mean of those of six altered inputs: as it is and mirrored, "
           "times 0.9, 1 and 1.1."),
    CHOICE(SSCAM_OPTION_EIGEN_SMOOTH, "eigen_smooth", "off", "|on",
           "Whether weighted activations are projected on their principal component instead of "
           "added up."),
    CHOICE(SSCAM_OPTION_TARGET, "target", "class", "|against|difference",
           "What is explained: the class's output; its negative, which is what speaks against the "
           "class; its "
           "difference from that of another class (contrast)."),
    INT(SSCAM_OPTION_CONTRAST, "contrast", "-1", -1, 1e9,
        "The other class of target=difference; -1: the one with the highest output but the "
        "explained one."),
    TEXT(SSCAM_OPTION_OUTPUT, "output", "", 0,
         "Which tensor of a network that returns several holds the classes: its position, from 0, "
         "or its key or field "
         "name; empty: the first of shape [N, classes]."),
    TEXT(SSCAM_OPTION_REGION, "region", "predicted", 0,
         "Places of a dense output (segmentation, [N, classes, h, w]) that are explained: "
         "predicted, where the network "
         "sees the class; all; LEFT,TOP,RIGHT,BOTTOM, a box in pixels of the input; mask, one that "
         "the caller gave."),
    CHOICE(SSCAM_OPTION_REDUCTION, "reduction", "mean", "|sum",
           "How a class's scores at these places become one. A sum is what pytorch-grad-cam takes; "
           "most maps made "
           "of gradients are the same."),
    CHOICE(SSCAM_OPTION_SCORE, "score", "logit", "|probability",
           "What a masked input is scored by (Score-CAM, SS-CAM). With probability and "
           "channel_softmax=on the "
           "weights lie within a factor e of each other, so maps are nearly class-blind."),
    CHOICE(SSCAM_OPTION_CHANNEL_SOFTMAX, "channel_softmax", "on", "|off",
           "Softmax of the scores over the channels (Algorithm 1's last step), or the scores as "
           "they are "
           "(eq. 6, 10, 14)."),
    CHOICE(SSCAM_OPTION_BASELINE, "baseline", "zeros", "|none|input|black",
           "Input whose score is subtracted: zeros after normalising, none, the unmasked input, a "
           "black image. "
           "Cancels under channel_softmax=on and is then not evaluated."),
    CHOICE(SSCAM_OPTION_NORMALISE, "normalise", "after_upsample", "|before_upsample",
           "Whether an activation is scaled to [0,1] after upsampling (eq. 8) or before."),
    CHOICE(SSCAM_OPTION_ALIGN_CORNERS, "align_corners", "off", "|on",
           "Grid of the bilinear upsampling of masks: half-pixel centres, or corners aligned. Maps "
           "are always "
           "upsampled with half-pixel centres."),
    CHOICE(SSCAM_OPTION_FLAT_CHANNELS, "flat_channels", "skip", "|score",
           "What becomes of a channel without spatial structure: weight 0 and no pass, or one pass "
           "with a zero "
           "mask, shared by all such channels."),
    INT(SSCAM_OPTION_SAMPLES, "samples", "10", 1, 1000000,
        "Samples: noisy masks a channel, N of eq. 9-15 (SS-CAM); steps of the mask's fading in "
        "(IS-CAM); noisy "
        "inputs (Smooth Grad-CAM++)."),
    REAL(SSCAM_OPTION_SIGMA, "sigma", "4", 0, 1e6,
         "Standard deviation of the noise, in the units that noise_scale says; 0 gives Score-CAM's "
         "weights "
         "(SS-CAM) or those of Grad-CAM++ (Smooth Grad-CAM++, whose default is 0.3)."),
    CHOICE(SSCAM_OPTION_NOISE_TARGET, "noise_target", "mask", "|input|activation",
           "What noise is added to: the normalised mask (eq. 11, 15), the masked input (Algorithm "
           "1), the "
           "upsampled activation (the authors' first code path)."),
    CHOICE(SSCAM_OPTION_NOISE_SCALE, "noise_scale", "absolute", "|range|authors-code",
           "Standard deviation: sigma; sigma x (max - min) of what is noised; (sigma / (max - "
           "min))^2."),
    CHOICE(SSCAM_OPTION_MASK_WEIGHTS, "mask_weights", "none", "|gradient|fc",
           "Weight w_k of an activation before it becomes a mask (Algorithm 1): 1, the mean "
           "gradient, the last "
           "layer's weight. A negative weight inverts the mask."),
    CHOICE(SSCAM_OPTION_RESCORE, "rescore", "off", "|on",
           "Whether a second pass scores the mask times the first pass's score (Algorithm 1)."),
    CHOICE(SSCAM_OPTION_SAMPLE_COUNT, "sample_count", "n", "|n_minus_1",
           "Samples drawn: N, or N - 1 as Algorithm 1's loop does (at least 1)."),
    CHOICE(SSCAM_OPTION_COMBINE, "combine", "low_resolution", "|upsampled",
           "Whether activations are added and rectified at their own size or at the input's."),
    INT(SSCAM_OPTION_MAX_CHANNELS, "max_channels", "0", 0, 1e9,
        "Score only this many channels, those of highest spatial standard deviation (Faster "
        "Score-CAM, "
        "Ablation-CAM); 0: all."),
    INT(SSCAM_OPTION_SEED, "seed", "0", -9223372036854775808.0, 9223372036854775807.0,
        "Seed of the noise: the same seed gives the same map whatever the batch size."),
    INT(SSCAM_OPTION_BATCH_SIZE, "batch_size", "0", 0, 65536,
        "Masked inputs run through the network at once; 0: chosen by speed."),
    CHOICE(SSCAM_OPTION_PROBABILITY, "probability", "softmax", "|sigmoid",
           "How outputs become probabilities: over all classes, or each by itself (multi-label "
           "networks). "
           "Networks with one output always use the sigmoid."),
    CHOICE(SSCAM_OPTION_PRESET, "preset", "paper",
           "|algorithm-1|authors-code|torch-cam|pytorch-grad-cam",
           "Sets the method's options at once to reproduce a publication or another program; "
           "options set later "
           "win."),
    TEXT(SSCAM_OPTION_RESIZE, "resize", "256", 1,
         "Size to which an image is resized: of the shorter side, or HEIGHTxWIDTH, or off."),
    TEXT(SSCAM_OPTION_CROP, "crop", "224", 1,
         "Size of the centre crop after resizing: of both sides, or HEIGHTxWIDTH, or off; black "
         "where the image "
         "ends."),
    CHOICE(SSCAM_OPTION_INTERPOLATION, "interpolation", "bilinear", "|bicubic",
           "Filter of the resizing, both with antialias."),
    TEXT(SSCAM_OPTION_MEAN, "mean", "0.485,0.456,0.406", 1,
         "Mean that is subtracted from pixels in [0,1]: one number, or one a channel in the "
         "network's order."),
    TEXT(SSCAM_OPTION_STD, "std", "0.229,0.224,0.225", 1,
         "Standard deviation by which pixels are divided: one number, or one a channel in the "
         "network's order."),
    CHOICE(SSCAM_OPTION_CHANNEL_ORDER, "channel_order", "rgb", "|bgr|gray",
           "Order of the colour channels that the network wants; gray: one channel, with one mean "
           "and one std."),
    TEXT(SSCAM_OPTION_METRICS, "metrics", SSCAM_METRICS_DEFAULT, 0,
         "Metrics that an evaluation computes: names of the metric table separated by commas, or "
         "all."),
    CHOICE(SSCAM_OPTION_METRIC_SCORE, "metric_score", "probability", "|logit",
           "Score that average drop and average increase compare."),
    CHOICE(SSCAM_OPTION_METRIC_MASK, "metric_mask", "full", "|top50",
           "What the input is multiplied with for average drop and increase: the map, or the map "
           "with the lower "
           "half of its pixels set to 0."),
    INT(SSCAM_OPTION_METRIC_STEPS, "metric_steps", "224", 1, 65536,
        "Steps of the insertion and deletion curves; each is a network evaluation."),
    CHOICE(SSCAM_OPTION_CALIBRATE, "calibrate", "on", "|off",
           "Whether the fastest way of scoring masked inputs is found by measuring, once for a "
           "loaded network. off: "
           "always the same way, so that every run gives the same bytes."),
    INT(SSCAM_OPTION_WORKERS, "workers", "0", 0, 1024,
        "Batches of masked inputs evaluated side by side, each on one thread of the processor; 0: "
        "chosen by speed, up "
        "to the processors that the process may use or OMP_NUM_THREADS, and 1 with calibrate=off."),
    CHOICE(SSCAM_OPTION_PRECISION, "precision", "fp32", "|bf16|fp16|tf32",
           "Elements that the network computes in when it scores masked inputs. bf16 and fp16 are "
           "faster only where "
           "the processor or the card has them, and change scores in the third digit; tf32 is for "
           "CUDA cards."),
};

enum { TABLE_SIZE = sizeof table / sizeof table[0] };

/* Defaults that a method has of its own. */
static const struct {
    const char *method;
    int32_t option;
    const char *value;
} method_defaults[] = {
    {"smooth-grad-cam++", SSCAM_OPTION_SIGMA,
     "0.3"}, /* of the input itself, not of a mask in [0,1] */
};

static const char *default_for(const sscam_option *option, const char *method)
{
    for (size_t i = 0; i < sizeof method_defaults / sizeof method_defaults[0]; i++)
        if (method_defaults[i].option == option->id &&
            strcmp(method_defaults[i].method, method) == 0)
            return method_defaults[i].value;
    return option->default_text;
}

/* What a preset sets, after the options of PRESET_OPTIONS went back to their defaults. */
typedef struct preset_row {
    const char *preset;
    const char *method; /* NULL: any */
    int32_t option;
    const char *value;
} preset_row;

static const preset_row preset_rows[] = {
    {"algorithm-1", NULL, SSCAM_OPTION_NOISE_TARGET, "input"},
    {"algorithm-1", NULL, SSCAM_OPTION_MASK_WEIGHTS, "gradient"},
    {"algorithm-1", NULL, SSCAM_OPTION_RESCORE, "on"},
    {"algorithm-1", NULL, SSCAM_OPTION_SAMPLE_COUNT, "n_minus_1"},
    {"authors-code", NULL, SSCAM_OPTION_SCORE, "probability"},
    {"authors-code", NULL, SSCAM_OPTION_CHANNEL_SOFTMAX, "off"},
    {"authors-code", NULL, SSCAM_OPTION_BASELINE, "none"},
    {"authors-code", NULL, SSCAM_OPTION_NOISE_SCALE, "authors-code"},
    {"authors-code", NULL, SSCAM_OPTION_SAMPLES, "35"},
    {"authors-code", NULL, SSCAM_OPTION_SIGMA, "2"},
    {"authors-code", NULL, SSCAM_OPTION_COMBINE, "upsampled"},
    {"authors-code", "smooth-grad-cam++", SSCAM_OPTION_NOISE_SCALE, "absolute"},
    {"authors-code", "smooth-grad-cam++", SSCAM_OPTION_SAMPLES, "10"},
    {"authors-code", "smooth-grad-cam++", SSCAM_OPTION_SIGMA, "0.3"},
    {"authors-code", "is-cam", SSCAM_OPTION_SAMPLES, "10"},
    {"authors-code", "ss-cam-mean", SSCAM_OPTION_NOISE_TARGET, "activation"},
    {"authors-code", "ss-cam-max", SSCAM_OPTION_NOISE_TARGET, "input"},
    {"torch-cam", NULL, SSCAM_OPTION_NORMALISE, "before_upsample"},
    {"torch-cam", NULL, SSCAM_OPTION_SAMPLES, "35"},
    {"torch-cam", NULL, SSCAM_OPTION_SIGMA, "2"},
    {"torch-cam", "smooth-grad-cam++", SSCAM_OPTION_SAMPLES, "4"},
    {"torch-cam", "smooth-grad-cam++", SSCAM_OPTION_SIGMA, "0.3"},
    {"torch-cam", "is-cam", SSCAM_OPTION_SAMPLES, "10"},
    {"torch-cam", NULL, SSCAM_OPTION_FLAT_CHANNELS, "score"},
    {"torch-cam", NULL, SSCAM_OPTION_BASELINE, "input"},
    {"pytorch-grad-cam", NULL, SSCAM_OPTION_ALIGN_CORNERS, "on"},
    {"pytorch-grad-cam", NULL, SSCAM_OPTION_FLAT_CHANNELS, "score"},
    {"pytorch-grad-cam", NULL, SSCAM_OPTION_BASELINE, "none"},
    {"pytorch-grad-cam", NULL, SSCAM_OPTION_FUSION, "mean"},
    {"pytorch-grad-cam", NULL, SSCAM_OPTION_REDUCTION, "sum"},
};

static const int32_t preset_options[] = {
    SSCAM_OPTION_SCORE,        SSCAM_OPTION_CHANNEL_SOFTMAX, SSCAM_OPTION_BASELINE,
    SSCAM_OPTION_NORMALISE,    SSCAM_OPTION_ALIGN_CORNERS,   SSCAM_OPTION_FLAT_CHANNELS,
    SSCAM_OPTION_SAMPLES,      SSCAM_OPTION_SIGMA,           SSCAM_OPTION_NOISE_TARGET,
    SSCAM_OPTION_NOISE_SCALE,  SSCAM_OPTION_MASK_WEIGHTS,    SSCAM_OPTION_RESCORE,
    SSCAM_OPTION_SAMPLE_COUNT, SSCAM_OPTION_COMBINE,         SSCAM_OPTION_FUSION,
    SSCAM_OPTION_AUG_SMOOTH,   SSCAM_OPTION_EIGEN_SMOOTH,    SSCAM_OPTION_REDUCTION,
};

/* --- the table -------------------------------------------------------------------------------- */

size_t sscam_option_count(void)
{
    return TABLE_SIZE;
}

const sscam_option *sscam_option_info(size_t index)
{
    return index < TABLE_SIZE ? &table[index] : NULL;
}

int32_t sscam_option_id(const sscam_option *option)
{
    return option ? option->id : 0;
}

const char *sscam_option_name(const sscam_option *option)
{
    return option ? option->name : NULL;
}

int32_t sscam_option_type(const sscam_option *option)
{
    return option ? option->type : 0;
}

const char *sscam_option_default(const sscam_option *option)
{
    return option ? option->default_text : NULL;
}

const char *sscam_option_choices(const sscam_option *option)
{
    return option ? option->choices : NULL;
}

double sscam_option_minimum(const sscam_option *option)
{
    return option ? option->minimum : 0;
}

double sscam_option_maximum(const sscam_option *option)
{
    return option ? option->maximum : 0;
}

const char *sscam_option_help(const sscam_option *option)
{
    return option ? option->help : NULL;
}

static const sscam_option *find_by_id(int32_t id)
{
    for (size_t i = 0; i < TABLE_SIZE; i++)
        if (table[i].id == id)
            return &table[i];
    return NULL;
}

static const sscam_option *find_by_name(const char *name)
{
    for (size_t i = 0; i < TABLE_SIZE; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

/* Position of `value` among choices separated by '|', or -1. */
static int64_t find_choice(const char *choices, const char *value)
{
    size_t length = strlen(value);
    int64_t position = 0;
    for (const char *choice = choices;; position++) {
        size_t choice_length = strcspn(choice, "|");
        if (choice_length == length && strncmp(choice, value, length) == 0)
            return position;
        if (choice[choice_length] == '\0')
            return -1;
        choice += choice_length + 1;
    }
}

/* --- values ----------------------------------------------------------------------------------- */

static sscam_status set_integer(sscam_settings *settings, const sscam_option *option, int64_t value)
{
    if ((double)value < option->minimum || (double)value > option->maximum)
        return sscam_fail(SSCAM_E_ARGUMENT, "option %s: %lld is outside %.0f to %.0f", option->name,
                          (long long)value, option->minimum, option->maximum);
    settings->value[option->id].integer = value;
    return SSCAM_OK;
}

static sscam_status set_real(sscam_settings *settings, const sscam_option *option, double value)
{
    /* Written so that NaN fails too. */
    if (!(value >= option->minimum && value <= option->maximum))
        return sscam_fail(SSCAM_E_ARGUMENT, "option %s: %g is outside %g to %g", option->name,
                          value, option->minimum, option->maximum);
    settings->value[option->id].real = value;
    return SSCAM_OK;
}

static int32_t has_empty_name(const char *names)
{
    size_t length = strlen(names);
    return length > 0 &&
           (names[0] == ',' || names[length - 1] == ',' || strstr(names, ",,") != NULL);
}

static sscam_status set_text(sscam_settings *settings, const sscam_option *option,
                             const char *value)
{
    if (option->of_transform) {
        sscam_transform scratch;
        sscam_transform_init(&scratch);
        sscam_status status = sscam_transform_set(&scratch, option->name, value);
        if (status != SSCAM_OK)
            return status;
    }
    uint32_t metrics;
    if (option->id == SSCAM_OPTION_METRICS && sscam_metrics_parse(value, &metrics) != SSCAM_OK)
        return SSCAM_E_ARGUMENT;
    sscam_region region;
    if (option->id == SSCAM_OPTION_REGION && sscam_region_parse(value, &region) != SSCAM_OK)
        return SSCAM_E_ARGUMENT;
    if (option->id == SSCAM_OPTION_LAYER && has_empty_name(value))
        return sscam_fail(SSCAM_E_ARGUMENT, "option layer: \"%s\" has an empty name beside a comma",
                          value);
    int64_t rows, columns;
    if (option->id == SSCAM_OPTION_GRID && !sscam_parse_grid(value, &rows, &columns))
        return sscam_fail(SSCAM_E_ARGUMENT, "option grid: \"%s\" is not HEIGHTxWIDTH, as in 14x14",
                          value);
    char *copy = strdup(value);
    if (copy == NULL)
        return sscam_fail_memory("an option's value");
    free(settings->value[option->id].text);
    settings->value[option->id].text = copy;
    return SSCAM_OK;
}

static sscam_status set_choice(sscam_settings *settings, const sscam_option *option,
                               const char *value)
{
    int64_t position = find_choice(option->choices, value);
    if (position < 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "option %s: \"%s\" is none of %s", option->name, value,
                          option->choices);
    settings->value[option->id].integer = position;
    return SSCAM_OK;
}

static sscam_status set_from_text(sscam_settings *settings, const sscam_option *option,
                                  const char *value)
{
    int64_t integer;
    double real;
    switch (option->type) {
    case SSCAM_OPTION_TYPE_INT:
        if (!sscam_parse_int(value, &integer))
            return sscam_fail(SSCAM_E_ARGUMENT, "option %s: \"%s\" is not a whole number",
                              option->name, value);
        return set_integer(settings, option, integer);
    case SSCAM_OPTION_TYPE_REAL:
        if (!sscam_parse_real(value, &real))
            return sscam_fail(SSCAM_E_ARGUMENT, "option %s: \"%s\" is not a number", option->name,
                              value);
        return set_real(settings, option, real);
    case SSCAM_OPTION_TYPE_CHOICE: return set_choice(settings, option, value);
    default: return set_text(settings, option, value);
    }
}

/* All options of a preset, or none: they are set on a copy first. Text options are not among them.
 */
static sscam_status apply_preset(sscam_settings *settings, const char *method,
                                 const sscam_option *preset_option, const char *preset)
{
    sscam_settings changed = *settings;
    sscam_status preset_status = set_choice(&changed, preset_option, preset);
    if (preset_status != SSCAM_OK)
        return preset_status;
    if (strcmp(preset, "algorithm-1") == 0 && strcmp(method, "ss-cam-max") != 0)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "option preset: algorithm-1 describes ss-cam-max, not %s", method);
    for (size_t i = 0; i < sizeof preset_options / sizeof preset_options[0]; i++) {
        const sscam_option *option = find_by_id(preset_options[i]);
        sscam_status status = set_from_text(&changed, option, default_for(option, method));
        if (status != SSCAM_OK)
            return status;
    }
    for (size_t i = 0; i < sizeof preset_rows / sizeof preset_rows[0]; i++) {
        const preset_row *row = &preset_rows[i];
        if (strcmp(row->preset, preset) != 0 ||
            (row->method != NULL && strcmp(row->method, method) != 0))
            continue;
        sscam_status status = set_from_text(&changed, find_by_id(row->option), row->value);
        if (status != SSCAM_OK)
            return status;
    }
    *settings = changed;
    return SSCAM_OK;
}

static sscam_status set_named(sscam_settings *settings, const char *method,
                              const sscam_option *option, const char *value)
{
    if (option->id == SSCAM_OPTION_PRESET)
        return apply_preset(settings, method, option, value);
    return set_from_text(settings, option, value);
}

sscam_status sscam_settings_set(sscam_settings *settings, const char *method, const char *name,
                                const char *value)
{
    const sscam_option *option = find_by_name(name);
    if (option == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "there is no option \"%s\"", name);
    return set_named(settings, method, option, value);
}

/* The option, or NULL with a message when it does not exist or its type is none of the two. */
static const sscam_option *find_typed(int32_t id, int32_t type, int32_t other_type,
                                      const char *wanted)
{
    const sscam_option *option = find_by_id(id);
    if (option == NULL)
        sscam_fail(SSCAM_E_ARGUMENT, "there is no option number %d", (int)id);
    else if (option->type != type && option->type != other_type) {
        sscam_fail(SSCAM_E_ARGUMENT, "option %s does not take %s", option->name, wanted);
        return NULL;
    }
    return option;
}

sscam_status sscam_settings_set_int(sscam_settings *settings, int32_t id, int64_t value)
{
    const sscam_option *option = find_typed(id, SSCAM_OPTION_TYPE_INT, SSCAM_OPTION_TYPE_INT,
                                            "a whole number");
    return option ? set_integer(settings, option, value) : SSCAM_E_ARGUMENT;
}

sscam_status sscam_settings_set_real(sscam_settings *settings, int32_t id, double value)
{
    const sscam_option *option = find_typed(id, SSCAM_OPTION_TYPE_REAL, SSCAM_OPTION_TYPE_REAL,
                                            "a real number");
    return option ? set_real(settings, option, value) : SSCAM_E_ARGUMENT;
}

sscam_status sscam_settings_set_string(sscam_settings *settings, const char *method, int32_t id,
                                       const char *value)
{
    const sscam_option *option = find_typed(id, SSCAM_OPTION_TYPE_STRING, SSCAM_OPTION_TYPE_CHOICE,
                                            "text");
    return option ? set_named(settings, method, option, value) : SSCAM_E_ARGUMENT;
}

/* The shortest text that reads back as the same number, with a decimal point in every locale. */
static const char *real_text(double value, char *buffer, size_t size)
{
    double read_back;
    for (int digits = 6; digits <= 17; digits++) {
        int length = snprintf(buffer, size, "%.*g", digits, value);
        for (int i = 0; i < length; i++)
            if (buffer[i] == ',')
                buffer[i] = '.';
        if (sscam_parse_real(buffer, &read_back) && read_back == value)
            break;
    }
    return buffer;
}

static const char *choice_text(const char *choices, int64_t position, char *buffer, size_t size)
{
    const char *choice = choices;
    for (; position > 0; position--)
        choice += strcspn(choice, "|") + 1;
    snprintf(buffer, size, "%.*s", (int)strcspn(choice, "|"), choice);
    return buffer;
}

const char *sscam_settings_get(const sscam_settings *settings, const char *name, char *buffer,
                               size_t size)
{
    const sscam_option *option = find_by_name(name);
    if (option == NULL)
        return NULL;
    const sscam_value *value = &settings->value[option->id];
    switch (option->type) {
    case SSCAM_OPTION_TYPE_INT:
        snprintf(buffer, size, "%lld", (long long)value->integer);
        return buffer;
    case SSCAM_OPTION_TYPE_REAL: return real_text(value->real, buffer, size);
    case SSCAM_OPTION_TYPE_CHOICE:
        return choice_text(option->choices, value->integer, buffer, size);
    default: return value->text;
    }
}

static const char *const transform_options[] = {"resize", "crop", "interpolation",
                                                "mean",   "std",  "channel_order"};
enum { TRANSFORM_OPTIONS = sizeof transform_options / sizeof transform_options[0] };

sscam_status sscam_settings_transform(const sscam_settings *settings, sscam_transform *transform)
{
    char buffer[32];
    sscam_transform_init(transform);
    for (size_t i = 0; i < TRANSFORM_OPTIONS; i++) {
        const char *value = sscam_settings_get(settings, transform_options[i], buffer,
                                               sizeof buffer);
        sscam_status status = sscam_transform_set(transform, transform_options[i], value);
        if (status != SSCAM_OK)
            return status;
    }
    return SSCAM_OK;
}

static const char *find_difference(const sscam_settings *a, const sscam_settings *b,
                                   const char *const *names, size_t count)
{
    char a_buffer[32], b_buffer[32];
    for (size_t i = 0; i < count; i++)
        if (strcmp(sscam_settings_get(a, names[i], a_buffer, sizeof a_buffer),
                   sscam_settings_get(b, names[i], b_buffer, sizeof b_buffer)) != 0)
            return names[i];
    return NULL;
}

int32_t sscam_settings_same_transform(const sscam_settings *a, const sscam_settings *b)
{
    return find_difference(a, b, transform_options, TRANSFORM_OPTIONS) == NULL;
}

const char *sscam_settings_evaluation_difference(const sscam_settings *a, const sscam_settings *b)
{
    static const char *const names[] = {"probability",  "region",      "reduction",   "metrics",
                                        "metric_score", "metric_mask", "metric_steps"};
    const char *difference = find_difference(a, b, transform_options, TRANSFORM_OPTIONS);
    return difference ? difference : find_difference(a, b, names, sizeof names / sizeof names[0]);
}

sscam_status sscam_settings_init(sscam_settings *settings, const char *method)
{
    memset(settings, 0, sizeof *settings);
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        sscam_status status = set_from_text(settings, &table[i], default_for(&table[i], method));
        if (status != SSCAM_OK) {
            sscam_settings_release(settings);
            return status;
        }
    }
    return SSCAM_OK;
}

void sscam_settings_release(sscam_settings *settings)
{
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (table[i].type == SSCAM_OPTION_TYPE_STRING) {
            free(settings->value[table[i].id].text);
            settings->value[table[i].id].text = NULL;
        }
    }
}
