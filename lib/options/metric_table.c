#include "options/metric_table.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

struct sscam_metric {
    int32_t id, direction;
    const char *name, *title, *unit, *summary, *citation;
};

#define GRAD_CAM_PP                                                                              \
    "Chattopadhyay, Sarkar, Howlader & Balasubramanian: Grad-CAM++: Generalized Gradient-based " \
    "Visual Explanations for Deep Convolutional Networks. WACV 2018 (arXiv:1710.11063)"
#define ADCC                                                                                     \
    "Poppi, Cornia, Baraldi & Cucchiara: Revisiting the Evaluation of Class Activation Mapping " \
    "for "                                                                                       \
    "Explainability: A Novel Metric and Experimental Analysis. CVPR Workshops 2021 "             \
    "(arXiv:2104.10252)"
#define RISE                                                                                       \
    "Petsiuk, Das & Saenko: RISE: Randomized Input Sampling for Explanation of Black-box Models. " \
    "BMVC 2018 (arXiv:1806.07421)"

#define YEH                                                                            \
    "Yeh, Hsieh, Suggala, Inouye & Ravikumar: On the (In)fidelity and Sensitivity of " \
    "Explanations. NeurIPS 2019 (arXiv:1901.09392)"

static const sscam_metric table[] = {
    {SSCAM_METRIC_AVERAGE_DROP, -1, "average_drop", "Average Drop", "%",
     "100 max(0, Y - O) / Y, the class's score on the input and on the input times the map; "
     "undefined for Y of 0 or less",
     GRAD_CAM_PP},
    {SSCAM_METRIC_AVERAGE_INCREASE, 1, "average_increase", "Average Increase", "%",
     "100 where the score on the input times the map is above the score on the input, else 0",
     GRAD_CAM_PP},
    {SSCAM_METRIC_ENERGY_POINTING, 1, "energy_pointing", "Energy Pointing", "%",
     "100 times the sum of the map inside the class's boxes over its sum; undefined for a constant "
     "map",
     "Wang, Wang, Du, Yang, Zhang, Ding, Mardziel & Hu: Score-CAM: Score-Weighted Visual "
     "Explanations for Convolutional Neural Networks. CVPR Workshops 2020 (arXiv:1910.01279)"},
    {SSCAM_METRIC_POINTING, 1, "pointing", "Pointing Game", "%",
     "100 where the map's maximum, the first in reading order, is in one of the class's boxes, "
     "else 0; undefined for a constant map",
     "Zhang, Lin, Brandt, Shen & Sclaroff: Top-down Neural Attention by Excitation Backprop. ECCV "
     "2016 (arXiv:1608.00507)"},
    {SSCAM_METRIC_INSERTION, 1, "insertion", "Insertion", "",
     "area under the class's probability while pixels appear in the blurred input, the most "
     "salient first",
     RISE},
    {SSCAM_METRIC_DELETION, -1, "deletion", "Deletion", "",
     "area under the class's probability while pixels become 0, the most salient first", RISE},
    {SSCAM_METRIC_CLASS_SENSITIVITY, -1, "class_sensitivity", "Class Sensitivity", "",
     "Pearson's correlation of the maps of the top class and of the least likely one, 1 for maps "
     "that do not depend on the class; undefined where either is constant",
     "Rebuffi, Fong, Ji & Vedaldi: There and Back Again: Revisiting Backpropagation Saliency "
     "Methods. CVPR 2020 (arXiv:2004.02866)"},
    {SSCAM_METRIC_COMPLEXITY, -1, "complexity", "Complexity", "%",
     "100 times the mean of the map; undefined for a constant map", ADCC},
    {SSCAM_METRIC_COHERENCY, 1, "coherency", "Coherency", "%",
     "50 (1 + r), r being Pearson's correlation of the map and of the map of the input times the "
     "map; undefined where either is constant",
     ADCC},
    {SSCAM_METRIC_ADCC, 1, "adcc", "ADCC", "%",
     "harmonic mean of coherency, 100 - complexity and 100 - average drop; undefined where one of "
     "them is",
     ADCC},
    {SSCAM_METRIC_ROAD, 1, "road", "ROAD", "%",
     "50 times the mean probability of the class without the least salient pixels minus that "
     "without the most salient ones, over shares of 10 to 90 %, which their neighbours replace; "
     "undefined for a constant map",
     "Rong, Leemann, Borisov, Kasneci & Kasneci: A Consistent and Efficient Evaluation Strategy "
     "for Attribution Methods. ICML 2022 (arXiv:2202.00449)"},
    {SSCAM_METRIC_ARCC, 1, "arcc", "ARCC", "%",
     "harmonic mean of coherency, 100 - complexity and twice ROAD over shares of 20 to 80 %, from "
     "0 to 100; undefined where one of them is",
     "Gildenblat and contributors: PyTorch library for CAM methods, ARCC. 2026 (arXiv:2605.14641, "
     "https://github.com/jacobgil/pytorch-grad-cam)"},
    {SSCAM_METRIC_INFIDELITY, -1, "infidelity", "Infidelity", "",
     "mean of (b I.L - (f(X0) - f(X0 - I)))^2 over 50 noises I of deviation 0.2, b the factor "
     "that makes it least; undefined for a constant map",
     YEH},
    {SSCAM_METRIC_MAX_SENSITIVITY, -1, "max_sensitivity", "Max-Sensitivity", "",
     "largest |L' - L| / |L| of the maps L' of 10 inputs whose values differ by up to 0.02; "
     "undefined for a constant map",
     YEH},
    {SSCAM_METRIC_PASSES, -1, "passes", "Passes", "",
     "network evaluations that were run for the map alone; what other maps of the call had run "
     "before does not count",
     "the library's own count"},
    {SSCAM_METRIC_SECONDS, -1, "seconds", "Seconds", "",
     "time of a map by the wall clock, each method explaining the image's classes in a call of its "
     "own, over the number of classes",
     "the library's own measurement"},
    {SSCAM_METRIC_PEAK_MEMORY, -1, "peak_memory", "Peak Memory", "MiB",
     "memory that the process had allocated at most while the method explained the image's classes "
     "in a call of its own, with the network; without memory of a GPU",
     "the library's own measurement"},
};

enum { TABLE_SIZE = sizeof table / sizeof table[0] };

int64_t sscam_metric_count(void)
{
    return TABLE_SIZE;
}

const sscam_metric *sscam_metric_info(int64_t index)
{
    return index >= 0 && index < TABLE_SIZE ? &table[index] : NULL;
}

const sscam_metric *sscam_metric_find(const char *name)
{
    for (size_t i = 0; name && i < TABLE_SIZE; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

int32_t sscam_metric_id(const sscam_metric *metric)
{
    return metric ? metric->id : 0;
}

const char *sscam_metric_name(const sscam_metric *metric)
{
    return metric ? metric->name : NULL;
}

const char *sscam_metric_title(const sscam_metric *metric)
{
    return metric ? metric->title : NULL;
}

const char *sscam_metric_unit(const sscam_metric *metric)
{
    return metric ? metric->unit : NULL;
}

int32_t sscam_metric_direction(const sscam_metric *metric)
{
    return metric ? metric->direction : 0;
}

/* What differs between equal runs, and lets methods share no work, is computed only where it is
 * named. */
int32_t sscam_metric_is_reproducible(const sscam_metric *metric)
{
    return metric && metric->id != SSCAM_METRIC_SECONDS && metric->id != SSCAM_METRIC_PEAK_MEMORY;
}

const char *sscam_metric_summary(const sscam_metric *metric)
{
    return metric ? metric->summary : NULL;
}

const char *sscam_metric_citation(const sscam_metric *metric)
{
    return metric ? metric->citation : NULL;
}

int32_t sscam_metric_exists(int32_t id)
{
    for (size_t i = 0; i < TABLE_SIZE; i++)
        if (table[i].id == id)
            return 1;
    return 0;
}

/* --- sets ------------------------------------------------------------------------------------- */

static sscam_status fail_unknown(const char *name, size_t length)
{
    char names[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < TABLE_SIZE && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s, ", table[i].name);
    return sscam_fail(
        SSCAM_E_ARGUMENT,
        "option metrics: \"%.*s\" is no metric; there are %sand all for all of them but "
        "seconds and peak_memory",
        (int)(length < 64 ? length : 64), name, names);
}

/* The bits of a name; 0: no such metric. */
static uint32_t find_bits(const char *name, size_t length)
{
    uint32_t all = 0;
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0)
            return SSCAM_METRIC_BIT(table[i].id);
        if (sscam_metric_is_reproducible(&table[i]))
            all |= SSCAM_METRIC_BIT(table[i].id);
    }
    return length == 3 && strncmp(name, "all", 3) == 0 ? all : 0;
}

sscam_status sscam_metrics_parse(const char *text, uint32_t *metrics)
{
    uint32_t found = 0;
    for (const char *name = text;;) {
        size_t length = strcspn(name, ",");
        uint32_t bits = find_bits(name, length);
        if (bits == 0)
            return fail_unknown(name, length);
        found |= bits;
        if (name[length] == '\0')
            break;
        name += length + 1;
    }
    *metrics = found;
    return SSCAM_OK;
}
