#include "options/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "detect/box.h"
#include "model/activation_layout.h"
#include "model/backend.h"
#include "model/input_layout.h"
#include "options/kernel_widths.h"
#include "options/metric_table.h"
#include "options/region_option.h"

struct sscam_option {
    int32_t id, type;
    const char *name;
    const char *default_text;   /* NULL: the first choice */
    const char *const *choices; /* NULL-terminated; NULL for other types */
    double minimum, maximum;
    /* Of texts: SSCAM_OK where the value is one that the option takes; NULL: every text is. */
    sscam_status (*check)(const char *name, const char *value);
    const char *help;
};

/* --- forms of texts --------------------------------------------------------------------------- */

static sscam_status check_layers(const char *name, const char *value)
{
    const size_t length = strlen(value);
    if (length > 0 && (value[0] == ',' || value[length - 1] == ',' || strstr(value, ",,")))
        return sscam_fail(SSCAM_E_ARGUMENT, "option %s: \"%s\" has an empty name beside a comma",
                          name, value);
    return SSCAM_OK;
}

static sscam_status check_grid(const char *name, const char *value)
{
    sscam_layout_hint hint;
    if (!sscam_parse_grid(value, &hint))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "option %s: \"%s\" is not HEIGHTxWIDTH, as in 14x14, or "
                          "DEPTHxHEIGHTxWIDTH",
                          name, value);
    return SSCAM_OK;
}

static sscam_status check_region(const char *name, const char *value)
{
    sscam_region region;
    (void)name;
    return sscam_region_parse(value, &region);
}

static sscam_status check_box(const char *name, const char *value)
{
    sscam_box box;
    if (value[0] != '\0' && !sscam_box_parse(value, &box))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "option %s: \"%s\" is no box LEFT,TOP,RIGHT,BOTTOM, as in 12,40,96,120, "
                          "of a width and a height above 0",
                          name, value);
    return SSCAM_OK;
}

static sscam_status check_metrics(const char *name, const char *value)
{
    uint32_t metrics;
    (void)name;
    return sscam_metrics_parse(value, &metrics);
}

static sscam_status check_kernel_widths(const char *name, const char *value)
{
    double widths[SSCAM_MOST_KERNEL_WIDTHS];
    int32_t count;
    (void)name;
    return sscam_parse_kernel_widths(value, widths, &count);
}

static sscam_status check_preprocessing(const char *name, const char *value)
{
    sscam_transform transform;
    sscam_transform_init(&transform);
    return sscam_transform_set(&transform, name, value);
}

/* --- the table -------------------------------------------------------------------------------- */

#define VALUES(...)       \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }
/* Rows. `id` is what follows SSCAM_OPTION_; a choice's default is the first of its values. */
#define CHOICE(id, name, values, help)                                                    \
    {                                                                                     \
        SSCAM_OPTION_##id, SSCAM_OPTION_TYPE_CHOICE, name, NULL, values, 0, 0, NULL, help \
    }
#define INT(id, name, text, minimum, maximum, help)                                              \
    {                                                                                            \
        SSCAM_OPTION_##id, SSCAM_OPTION_TYPE_INT, name, text, NULL, minimum, maximum, NULL, help \
    }
#define REAL(id, name, text, minimum, maximum, help)                                              \
    {                                                                                             \
        SSCAM_OPTION_##id, SSCAM_OPTION_TYPE_REAL, name, text, NULL, minimum, maximum, NULL, help \
    }
#define TEXT(id, name, text, check, help)                                                \
    {                                                                                    \
        SSCAM_OPTION_##id, SSCAM_OPTION_TYPE_STRING, name, text, NULL, 0, 0, check, help \
    }

static const sscam_option table[] = {
    TEXT(LAYER, "layer", "", check_layers,
         "Target layer, by a name of the layer list; empty: the last feature map before global "
         "pooling or flattening, or the tokens that a transformer's last attention reads. Several "
         "names, separated by commas: one map, fused from those of the layers."),
    CHOICE(FUSION, "fusion", VALUES("max", "mean", "product"),
           "How the maps of several layers, each at the input's size and in [0,1], become one."),
    TEXT(GRID, "grid", "", check_grid,
         "Grid that the tokens of a layer lie on, HEIGHTxWIDTH, as in 14x14, or of a volume "
         "DEPTHxHEIGHTxWIDTH; empty: found from the input's proportions. Tokens before those of "
         "the grid, such as a class token, are left out."),
    CHOICE(CHANNEL_AXIS, "channel_axis", VALUES("auto", "first", "last"),
           "Whether a layer's output has its channels before its positions ([1,K,h,w], [1,K,T]) or "
           "after them ([1,h,w,K], [1,T,K]); auto: found from the input's proportions."),
    CHOICE(RESCALE, "rescale", VALUES("channel", "layer", "channel_epsilon"),
           "What FullGrad scales to [0,1] before it adds up: each channel of a layer; all channels "
           "of a layer together; or each channel, by its range plus 1e-7, as pytorch-grad-cam "
           "does."),
    INT(ITERATIONS, "iterations", "100", 1, 1e6,
        "Steps of Opti-CAM's optimisation; each is a network evaluation with gradients."),
    REAL(LEARNING_RATE, "learning_rate", "0.1", 0, 1e3, "Learning rate of Opti-CAM's Adam."),
    INT(ATTENTION_BLOCKS, "attention_blocks", "0", 0, 1e6,
        "Last blocks of a transformer whose attention LeGrad takes the mean over; 0: all."),
    CHOICE(AUG_SMOOTH, "aug_smooth", VALUES("off", "on"),
           "Whether the map is the mean of those of six altered inputs: as it is and mirrored, "
           "times 0.9, 1 and 1.1."),
    CHOICE(EIGEN_SMOOTH, "eigen_smooth", VALUES("off", "on"),
           "Whether weighted activations are projected on their principal component instead of "
           "added up."),
    CHOICE(TARGET, "target", VALUES("class", "against", "difference", "weights", "cosine"),
           "What is explained: the class's output; its negative, for what counts against the "
           "class; its difference from the output of other classes (contrast); the sum of all "
           "outputs times weights that the caller gave; their cosine similarity to these weights, "
           "for embeddings."),
    INT(CONTRAST, "contrast", "-1", -1, 1e9,
        "The other class of target=difference; -1: the one with the highest output besides the "
        "explained one."),
    INT(CONTRAST_COUNT, "contrast_count", "1", 1, SSCAM_REFERENCES_LIMIT,
        "Number of classes whose mean target=difference subtracts (Finer-CAM): besides contrast, "
        "those with the highest outputs."),
    REAL(CONTRAST_WEIGHT, "contrast_weight", "1", 0, 1e6,
         "Factor of what target=difference subtracts, gamma of Finer-CAM."),
    TEXT(OUTPUT, "output", "", NULL,
         "Which tensor of a network that returns several holds the classes: its position, from 0, "
         "or its key or field name; empty: the first of shape [N, classes]. Of a tensor of several "
         "heads or steps, [N, heads, classes], the index of one: 1, or logits:1."),
    CHOICE(DETECTOR, "detector",
           VALUES("auto", "off", "yolov8", "yolov8-transposed", "yolov5", "yolov10", "rt-detr",
                  "rt-detr-transposed", "detr", "deformable-detr", "boxes-scores", "torchvision",
                  "rt-detr-labels"),
           "Layout of a detector's outputs, whose detections are explained: auto, found from the "
           "outputs' shapes, names and values; off, the network is no detector."),
    TEXT(BOX, "box", "", check_box,
         "Detection that is explained, by its box, LEFT,TOP,RIGHT,BOTTOM, in pixels of the image, "
         "or of the input where that is an array; empty: one of those that the detector finds."),
    INT(DETECTION, "detection", "0", 0, 1e9,
        "Which detection is explained, from 0 by descending confidence: of those of the class, or "
        "of all where that is the top one."),
    CHOICE(
        DETECTION_SCORE, "detection_score", VALUES("class", "d-rise"),
        "What a masked input is scored by on a detector: the largest of all boxes' overlap with "
        "the detection (intersection over union) times the confidence of its class; or as D-RISE "
        "has it, times the cosine of the class scores and the objectness."),
    REAL(DETECTION_THRESHOLD, "detection_threshold", "0.25", 0, 1,
         "Confidence above which a box is a detection."),
    REAL(DETECTION_OVERLAP, "detection_overlap", "0.45", 0, 1,
         "Intersection over union with a more confident box of the same class above which a box is "
         "no detection; networks that leave such boxes out themselves keep all."),
    TEXT(REGION, "region", "predicted", check_region,
         "Pixels of a dense output (segmentation, [N, classes, h, w]) that are explained: "
         "predicted, those that the network assigns to the class; all; LEFT,TOP,RIGHT,BOTTOM, a "
         "box in pixels of the input; mask, one that the caller gave."),
    CHOICE(REDUCTION, "reduction", VALUES("mean", "sum"),
           "How a class's scores at these pixels become one. A sum is what pytorch-grad-cam takes; "
           "most maps made of gradients are the same."),
    CHOICE(SCORE, "score", VALUES("logit", "probability"),
           "What a masked input is scored by (Score-CAM, SS-CAM). With probability and "
           "channel_softmax=on the weights lie within a factor e of each other, so maps are nearly "
           "class-blind."),
    CHOICE(CHANNEL_SOFTMAX, "channel_softmax", VALUES("on", "off"),
           "Softmax of the scores over the channels (Algorithm 1's last step), or the scores as "
           "they are (eq. 6, 10, 14)."),
    CHOICE(BASELINE, "baseline", VALUES("zeros", "none", "input", "black"),
           "Input whose score is subtracted: zeros after normalising, none, the unmasked input, a "
           "black image. Cancels under channel_softmax=on and is then not evaluated."),
    CHOICE(NORMALISE, "normalise", VALUES("after_upsample", "before_upsample"),
           "Whether an activation is scaled to [0,1] after upsampling (eq. 8) or before."),
    CHOICE(ALIGN_CORNERS, "align_corners", VALUES("off", "on"),
           "Grid of the bilinear upsampling of masks: half-pixel centres, or corners aligned. Maps "
           "are always upsampled with half-pixel centres."),
    CHOICE(FLAT_CHANNELS, "flat_channels", VALUES("skip", "score"),
           "How a constant channel, which has no spatial structure, is treated: weight 0 without a "
           "pass, or one pass with a zero mask, shared by all such channels."),
    INT(SAMPLES, "samples", "10", 1, 1000000,
        "Samples: noisy masks a channel, N of eq. 9-15 (SS-CAM); steps of the mask's fading in "
        "(IS-CAM); noisy inputs (Smooth Grad-CAM++); random masks (RISE, whose default is 4000); "
        "masks of each width (AISE, whose default is 50)."),
    REAL(
        TOLERANCE, "tolerance", "0", 0, 1,
        "SS-CAM: sampling ends when the map, in [0,1], would with 95 % certainty change by no more "
        "than this at any position if all samples were scored; 0: all are. Other methods score "
        "all their samples."),
    CHOICE(NOISE, "noise", VALUES("independent", "common"),
           "Whether each channel's samples have noise of their own (SS-CAM), or the channels share "
           "that of a sample: their differences, which the softmax is made of, then need far fewer "
           "samples."),
    REAL(SIGMA, "sigma", "4", 0, 1e6,
         "Standard deviation of the noise, in the units that noise_scale says; 0 gives Score-CAM's "
         "weights (SS-CAM) or those of Grad-CAM++ (Smooth Grad-CAM++, whose default is 0.3)."),
    CHOICE(NOISE_TARGET, "noise_target", VALUES("mask", "input", "activation"),
           "What noise is added to: the normalised mask (eq. 11, 15), the masked input (Algorithm "
           "1), the upsampled activation (the authors' first code path)."),
    CHOICE(NOISE_SCALE, "noise_scale", VALUES("absolute", "range", "authors-code"),
           "Standard deviation: sigma; sigma x (max - min) of what noise is added to; (sigma / "
           "(max - min))^2."),
    CHOICE(MASK_WEIGHTS, "mask_weights", VALUES("none", "gradient", "fc"),
           "Weight w_k of an activation before it becomes a mask (Algorithm 1): 1, the mean "
           "gradient, the last layer's weight. A negative weight inverts the mask."),
    CHOICE(RESCORE, "rescore", VALUES("off", "on"),
           "Whether a second pass scores the mask times the first pass's score (Algorithm 1)."),
    CHOICE(SAMPLE_COUNT, "sample_count", VALUES("n", "n_minus_1"),
           "Samples drawn: N, or N - 1 as Algorithm 1's loop does (at least 1)."),
    CHOICE(COMBINE, "combine", VALUES("low_resolution", "upsampled"),
           "Whether activations are added and rectified at their own size or at the input's."),
    INT(MAX_CHANNELS, "max_channels", "0", 0, 1e9,
        "Score only this many channels, the highest by channel_ranking (Faster Score-CAM, "
        "Ablation-CAM); 0: all."),
    REAL(
        CHANNEL_SHARE, "channel_share", "1", 1e-9, 1,
        "Score only this share of the channels, at least one, the highest by channel_ranking; with "
        "max_channels, whichever are fewer."),
    CHOICE(CHANNEL_RANKING, "channel_ranking", VALUES("deviation", "energy", "contribution"),
           "What max_channels and channel_share rank channels by: spatial standard deviation "
           "(Faster Score-CAM); "
           "energy, the sum of squared activations; expected contribution, energy times the "
           "magnitude of the mean gradient, for which the network must have gradients."),
    INT(MASK_CELLS, "mask_cells", "7", 1, 1024,
        "Cells along each side of a random mask (RISE), before it is upsampled and shifted."),
    REAL(MASK_PROBABILITY, "mask_probability", "0.5", 0.001, 0.999,
         "Probability that a cell of a random mask keeps the input (RISE)."),
    TEXT(KERNEL_WIDTHS, "kernel_widths", "0.1,0.175,0.25", check_kernel_widths,
         "Standard deviations of the Gaussian masks (AISE), as shares of the input's sides, "
         "separated by commas; each has as many masks as samples says."),
    INT(GROUPS, "groups", "32", 1, 1e9,
        "Groups of neighbouring channels (Group-CAM), each of which is one mask."),
    REAL(GROUP_PERCENTILE, "group_percentile", "70", 0, 100,
         "Values of a group's mask up to this percentile become 0 (Group-CAM)."),
    INT(SEED, "seed", "0", -9223372036854775808.0, 9223372036854775807.0,
        "Seed of the noise: the same seed gives the same map whatever the batch size."),
    INT(BATCH_SIZE, "batch_size", "0", 0, 65536,
        "Masked inputs run through the network at once; 0: chosen by speed."),
    CHOICE(PROBABILITY, "probability", VALUES("softmax", "sigmoid", "none"),
           "How outputs become probabilities: over all classes, or each by itself (multi-label "
           "networks); none: they are probabilities already. Networks with one output use the "
           "sigmoid. Where a network ends in a softmax or sigmoid itself, outputs are what enters "
           "it, and a final sigmoid makes sigmoid the default."),
    CHOICE(PRESET, "preset",
           VALUES("paper", "algorithm-1", "authors-code", "torch-cam", "pytorch-grad-cam"),
           "Sets the method's options at once to reproduce a publication or another program; "
           "options set later override it."),
    TEXT(RESIZE, "resize", "256", check_preprocessing,
         "Size to which an image is resized: of the shorter side, or HEIGHTxWIDTH, or off; "
         "fit, as large as fits in the crop with the image's proportions (letterbox)."),
    TEXT(CROP, "crop", "224", check_preprocessing,
         "Size of the centre crop after resizing: of both sides, or HEIGHTxWIDTH, or off; "
         "padding beyond the image's edges."),
    TEXT(PADDING, "padding", "0", check_preprocessing,
         "Colour beyond the image's edges: a level from 0 to 255, or one for red, green and blue; "
         "YOLO networks have 114."),
    CHOICE(INTERPOLATION, "interpolation", VALUES("bilinear", "bicubic"),
           "Filter of the resizing, both with antialias."),
    TEXT(MEAN, "mean", "0.485,0.456,0.406", check_preprocessing,
         "Mean that is subtracted from pixels in [0,1]: one number, or one a channel in the "
         "network's order."),
    TEXT(STD, "std", "0.229,0.224,0.225", check_preprocessing,
         "Standard deviation by which pixels are divided: one number, or one a channel in the "
         "network's order."),
    CHOICE(CHANNEL_ORDER, "channel_order", VALUES("rgb", "bgr", "gray", "rgba"),
           "Order of the network's colour channels; gray: one channel, with one mean and one std; "
           "rgba: with the alpha of the image, or opaque, and 1 or 4 means and stds."),
    CHOICE(INPUT_LAYOUT, "input_layout", sscam_input_layout_choices,
           "Order in which the network takes its input's axes: n of a batch, c channels, h height, "
           "w width, t time, f frequency or features; chw and others without n take one input at a "
           "time. auto: found from what reads the input first, else nchw, ncthw or nct."),
    CHOICE(INPUT_TYPE, "input_type", sscam_input_type_choices,
           "Type of the network's input. Whole numbers (uint8) are an image's pixels, 0 to 255, "
           "without mean and std. auto: float32, unless the network asks for another type or "
           "divides by 255 first what it has made float32."),
    TEXT(IMAGE_INPUT, "image_input", "", NULL,
         "Which input of a network that takes several is explained, by its name, such as x, or "
         "x.rgb for a key of the dictionary x; empty: the first tensor that is an image. The "
         "others are given by sscam_explainer_set_input(), --input or the keyword inputs."),
    TEXT(METRICS, "metrics", SSCAM_METRICS_DEFAULT, check_metrics,
         "Metrics that an evaluation computes: names of the metric table separated by commas, or "
         "all, which leaves out seconds and peak_memory."),
    CHOICE(METRIC_SCORE, "metric_score", VALUES("probability", "logit"),
           "Score that average drop and average increase compare."),
    CHOICE(METRIC_MASK, "metric_mask", VALUES("full", "top50"),
           "What the input is multiplied with for average drop and increase: the map, or the map "
           "with the lower half of its pixels set to 0."),
    INT(METRIC_STEPS, "metric_steps", "224", 1, 65536,
        "Steps of the insertion and deletion curves; each is a network evaluation."),
    CHOICE(METRIC_INSERTION, "metric_insertion", VALUES("blur", "zeros"),
           "What insertion starts from: the blurred input, or zeros as torch-cam does."),
    REAL(METRIC_THRESHOLD, "metric_threshold", "0", 0, 1,
         "Share of a map's maximum below which metrics take its values as 0; 0: the map as it "
         "is."),
    CHOICE(CALIBRATE, "calibrate", VALUES("on", "off"),
           "Whether the fastest form of scoring masked inputs is found by measuring, once for a "
           "loaded network. off: always the same form, so that every run gives the same bytes."),
    INT(WORKERS, "workers", "0", 0, 1024,
        "Batches of masked inputs evaluated in parallel, each on one CPU thread; 0: chosen by "
        "speed, up to the CPUs that the process may use or OMP_NUM_THREADS, and 1 with "
        "calibrate=off."),
    CHOICE(PRECISION, "precision", VALUES("fp32", "bf16", "fp16", "tf32"),
           "Number format in which the network scores masked inputs. bf16 and fp16 are faster only "
           "where the CPU or GPU has instructions for them, and change scores in the third digit; "
           "tf32 is for CUDA devices."),
    INT(DEADLINE, "deadline", "0", 0, 1e12,
        "Milliseconds from a call's start after which it is cancelled, between two batches of "
        "network evaluations; 0: never. Of several explainers in one call the earliest holds."),
};

enum { TABLE_SIZE = sizeof table / sizeof table[0] };

/* Defaults of single methods, which differ from the table's. */
static const struct {
    const char *method;
    int32_t option;
    const char *value;
} method_defaults[] = {
    {"smooth-grad-cam++", SSCAM_OPTION_SIGMA, "0.3"}, /* of the input itself, not of a mask */
    {"rise", SSCAM_OPTION_SAMPLES, "4000"},           {"rise", SSCAM_OPTION_SCORE, "probability"},
    {"group-cam", SSCAM_OPTION_SCORE, "probability"}, {"aise", SSCAM_OPTION_SAMPLES, "50"},
    {"aise", SSCAM_OPTION_SCORE, "probability"},
};

/* `method` is NULL for the default of most methods. */
static const char *default_for(const sscam_option *option, const char *method)
{
    for (size_t i = 0; i < sizeof method_defaults / sizeof method_defaults[0]; i++)
        if (method && method_defaults[i].option == option->id &&
            strcmp(method_defaults[i].method, method) == 0)
            return method_defaults[i].value;
    return option->default_text ? option->default_text : option->choices[0];
}

/* One option that a preset sets. All of preset_options go back to their defaults first; later rows
 * override earlier ones. */
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
    {"torch-cam", "rise", SSCAM_OPTION_SAMPLES, "4000"},
    {"authors-code", "rise", SSCAM_OPTION_SAMPLES, "4000"},
    {"torch-cam", "aise", SSCAM_OPTION_SAMPLES, "50"},
    {"authors-code", "aise", SSCAM_OPTION_SAMPLES, "50"},
    {"torch-cam", NULL, SSCAM_OPTION_FLAT_CHANNELS, "score"},
    {"torch-cam", NULL, SSCAM_OPTION_BASELINE, "input"},
    {"pytorch-grad-cam", NULL, SSCAM_OPTION_ALIGN_CORNERS, "on"},
    {"pytorch-grad-cam", NULL, SSCAM_OPTION_FLAT_CHANNELS, "score"},
    {"pytorch-grad-cam", NULL, SSCAM_OPTION_BASELINE, "none"},
    {"pytorch-grad-cam", NULL, SSCAM_OPTION_FUSION, "mean"},
    {"pytorch-grad-cam", NULL, SSCAM_OPTION_REDUCTION, "sum"},
    {"authors-code", "full-grad", SSCAM_OPTION_RESCALE, "layer"},
    {"authors-code", "full-grad", SSCAM_OPTION_ALIGN_CORNERS, "on"},
    {"pytorch-grad-cam", "full-grad", SSCAM_OPTION_RESCALE, "channel_epsilon"},
    {"pytorch-grad-cam", "full-grad", SSCAM_OPTION_ALIGN_CORNERS, "off"},
    {"authors-code", "opti-cam", SSCAM_OPTION_ITERATIONS, "50"},
    {"authors-code", "legrad", SSCAM_OPTION_ATTENTION_BLOCKS, "2"},
};

static const int32_t preset_options[] = {
    SSCAM_OPTION_SCORE,        SSCAM_OPTION_CHANNEL_SOFTMAX, SSCAM_OPTION_BASELINE,
    SSCAM_OPTION_NORMALISE,    SSCAM_OPTION_ALIGN_CORNERS,   SSCAM_OPTION_FLAT_CHANNELS,
    SSCAM_OPTION_SAMPLES,      SSCAM_OPTION_SIGMA,           SSCAM_OPTION_NOISE_TARGET,
    SSCAM_OPTION_NOISE_SCALE,  SSCAM_OPTION_MASK_WEIGHTS,    SSCAM_OPTION_RESCORE,
    SSCAM_OPTION_SAMPLE_COUNT, SSCAM_OPTION_COMBINE,         SSCAM_OPTION_FUSION,
    SSCAM_OPTION_AUG_SMOOTH,   SSCAM_OPTION_EIGEN_SMOOTH,    SSCAM_OPTION_REDUCTION,
    SSCAM_OPTION_RESCALE,      SSCAM_OPTION_ITERATIONS,      SSCAM_OPTION_ATTENTION_BLOCKS,
};

/* --- the public view of the table ------------------------------------------------------------- */

int64_t sscam_option_count(void)
{
    return TABLE_SIZE;
}

const sscam_option *sscam_option_info(int64_t index)
{
    return index >= 0 && index < TABLE_SIZE ? &table[index] : NULL;
}

const sscam_option *sscam_option_find(const char *name)
{
    for (size_t i = 0; name && i < TABLE_SIZE; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
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

const char *sscam_option_default(const sscam_option *option, const sscam_method *method)
{
    return option ? default_for(option, sscam_method_name(method)) : NULL;
}

int64_t sscam_option_choice_count(const sscam_option *option)
{
    int64_t count = 0;
    while (option && option->choices && option->choices[count])
        count++;
    return count;
}

const char *sscam_option_choice(const sscam_option *option, int64_t index)
{
    return index >= 0 && index < sscam_option_choice_count(option) ? option->choices[index] : NULL;
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

static sscam_status fail_no_option(const char *name)
{
    return sscam_fail(SSCAM_E_ARGUMENT, "there is no option \"%s\"", name);
}

static sscam_status fail_no_choice(const sscam_option *option, const char *value)
{
    char names[256] = "";
    size_t used = 0;
    for (size_t i = 0; option->choices[i] && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 option->choices[i]);
    return sscam_fail(SSCAM_E_ARGUMENT, "option %s: \"%s\" is none of %s", option->name, value,
                      names);
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

static sscam_status set_text(sscam_settings *settings, const sscam_option *option,
                             const char *value)
{
    sscam_status status = option->check ? option->check(option->name, value) : SSCAM_OK;
    if (status != SSCAM_OK)
        return status;
    char *copy = strdup(value);
    if (!copy)
        return sscam_fail_memory("an option's value");
    free(settings->value[option->id].text);
    settings->value[option->id].text = copy;
    return SSCAM_OK;
}

static sscam_status set_choice(sscam_settings *settings, const sscam_option *option,
                               const char *value)
{
    for (int64_t i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], value) == 0) {
            settings->value[option->id].integer = i;
            return SSCAM_OK;
        }
    }
    return fail_no_choice(option, value);
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

static void release_texts(sscam_settings *settings)
{
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (table[i].type == SSCAM_OPTION_TYPE_STRING) {
            free(settings->value[table[i].id].text);
            settings->value[table[i].id].text = NULL;
        }
    }
}

/* A copy with texts of its own, to be released; nothing to release on failure. */
static sscam_status copy_settings(const sscam_settings *settings, sscam_settings *copy)
{
    *copy = *settings;
    for (size_t i = 0; i < TABLE_SIZE; i++)
        if (table[i].type == SSCAM_OPTION_TYPE_STRING)
            copy->value[table[i].id].text = NULL;
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (table[i].type != SSCAM_OPTION_TYPE_STRING)
            continue;
        copy->value[table[i].id].text = strdup(settings->value[table[i].id].text);
        if (!copy->value[table[i].id].text) {
            release_texts(copy);
            return sscam_fail_memory("the options of a preset");
        }
    }
    return SSCAM_OK;
}

/* Sets what a preset sets, and the preset's other options to their defaults. */
static sscam_status set_preset_rows(sscam_settings *settings, const char *method,
                                    const char *preset)
{
    for (size_t i = 0; i < sizeof preset_options / sizeof preset_options[0]; i++) {
        const sscam_option *option = find_by_id(preset_options[i]);
        sscam_status status = set_from_text(settings, option, default_for(option, method));
        if (status != SSCAM_OK)
            return status;
    }
    for (size_t i = 0; i < sizeof preset_rows / sizeof preset_rows[0]; i++) {
        const preset_row *row = &preset_rows[i];
        if (strcmp(row->preset, preset) != 0 || (row->method && strcmp(row->method, method) != 0))
            continue;
        sscam_status status = set_from_text(settings, find_by_id(row->option), row->value);
        if (status != SSCAM_OK)
            return status;
    }
    return SSCAM_OK;
}

/* All options of a preset, or none: they are set on a copy, which then takes the old one's place.
 */
static sscam_status apply_preset(sscam_settings *settings, const char *method,
                                 const sscam_option *preset_option, const char *preset)
{
    sscam_settings changed;
    sscam_status status = copy_settings(settings, &changed);
    if (status != SSCAM_OK)
        return status;
    status = set_choice(&changed, preset_option, preset);
    if (status == SSCAM_OK && strcmp(preset, "algorithm-1") == 0 &&
        strcmp(method, "ss-cam-max") != 0)
        status = sscam_fail(SSCAM_E_ARGUMENT,
                            "option preset: algorithm-1 describes ss-cam-max, not %s", method);
    if (status == SSCAM_OK)
        status = set_preset_rows(&changed, method, preset);
    release_texts(status == SSCAM_OK ? settings : &changed);
    if (status == SSCAM_OK)
        *settings = changed;
    return status;
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
    const sscam_option *option = sscam_option_find(name);
    return option ? set_named(settings, method, option, value) : fail_no_option(name);
}

/* The option, or NULL with a message when it does not exist or has neither of the two types. */
static const sscam_option *find_typed(int32_t id, int32_t type, int32_t other_type,
                                      const char *wanted)
{
    const sscam_option *option = find_by_id(id);
    if (!option)
        sscam_fail(SSCAM_E_ARGUMENT, "there is no option number %d", (int)id);
    else if (option->type != type && option->type != other_type) {
        sscam_fail(SSCAM_E_ARGUMENT, "option %s is not %s", option->name, wanted);
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

/* The shortest text that reads back as the same number. */
static const char *real_text(double value, char *buffer, size_t size)
{
    char text[SSCAM_REAL_SIZE];
    double read_back;
    for (int digits = 6; digits <= 17; digits++) {
        sscam_format_real(value, digits, text);
        if (sscam_parse_real(text, &read_back) && read_back == value)
            break;
    }
    snprintf(buffer, size, "%s", text);
    return buffer;
}

static const char *value_text(const sscam_settings *settings, const sscam_option *option,
                              char *buffer, size_t size)
{
    const sscam_value *value = &settings->value[option->id];
    switch (option->type) {
    case SSCAM_OPTION_TYPE_INT:
        snprintf(buffer, size, "%lld", (long long)value->integer);
        return buffer;
    case SSCAM_OPTION_TYPE_REAL: return real_text(value->real, buffer, size);
    case SSCAM_OPTION_TYPE_CHOICE: return option->choices[value->integer];
    default: return value->text;
    }
}

const char *sscam_settings_get(const sscam_settings *settings, const char *name, char *buffer,
                               size_t size)
{
    const sscam_option *option = sscam_option_find(name);
    if (!option)
        fail_no_option(name);
    return option ? value_text(settings, option, buffer, size) : NULL;
}

sscam_status sscam_settings_get_int(const sscam_settings *settings, int32_t id, int64_t *value)
{
    const sscam_option *option = find_typed(id, SSCAM_OPTION_TYPE_INT, SSCAM_OPTION_TYPE_INT,
                                            "a whole number");
    *value = option ? settings->value[id].integer : 0;
    return option ? SSCAM_OK : SSCAM_E_ARGUMENT;
}

sscam_status sscam_settings_get_real(const sscam_settings *settings, int32_t id, double *value)
{
    const sscam_option *option = find_typed(id, SSCAM_OPTION_TYPE_REAL, SSCAM_OPTION_TYPE_REAL,
                                            "a real number");
    *value = option ? settings->value[id].real : 0.0;
    return option ? SSCAM_OK : SSCAM_E_ARGUMENT;
}

const char *sscam_settings_get_string(const sscam_settings *settings, int32_t id)
{
    const sscam_option *option = find_typed(id, SSCAM_OPTION_TYPE_STRING, SSCAM_OPTION_TYPE_CHOICE,
                                            "text");
    return option ? value_text(settings, option, NULL, 0) : NULL;
}

static const char *const transform_options[] = {"resize", "crop",          "interpolation", "mean",
                                                "std",    "channel_order", "padding"};
enum { TRANSFORM_OPTIONS = sizeof transform_options / sizeof transform_options[0] };

/* The input's values are the pixels, 0 to 255. */
static sscam_status keep_pixels(const sscam_settings *settings, sscam_transform *transform)
{
    static const int32_t normalising[] = {SSCAM_OPTION_MEAN, SSCAM_OPTION_STD};
    for (size_t i = 0; i < sizeof normalising / sizeof *normalising; i++) {
        const sscam_option *option = find_by_id(normalising[i]);
        if (strcmp(settings->value[option->id].text, option->default_text) != 0)
            return sscam_fail(
                SSCAM_E_ARGUMENT,
                "option %s: the network takes whole numbers, an image's pixels as they "
                "are; input_type=float32 gives it normalised ones",
                option->name);
    }
    transform->mean_count = transform->std_count = 1;
    transform->mean[0] = 0.0;
    transform->std[0] = 1.0 / 255.0;
    return SSCAM_OK;
}

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
    return settings->takes_pixels ? keep_pixels(settings, transform) : SSCAM_OK;
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
    return !find_difference(a, b, transform_options, TRANSFORM_OPTIONS);
}

const char *sscam_settings_evaluation_difference(const sscam_settings *a, const sscam_settings *b)
{
    static const char *const names[] = {"probability",  "region",           "reduction",
                                        "metrics",      "metric_score",     "metric_mask",
                                        "metric_steps", "metric_insertion", "metric_threshold"};
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
    release_texts(settings);
}
