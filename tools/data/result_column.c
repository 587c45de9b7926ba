#include "data/result_column.h"

#include <stddef.h>
#include <string.h>

static const struct measure own[] = {
    {MEASURE_NEAR_SCORE_CAM, "near_score_cam", "Near Score-CAM", "",
     "Pearson's correlation of the map and Score-CAM's of the same class; undefined where either "
     "is constant",
     0},
    {MEASURE_NEAR_GRAD_CAM, "near_grad_cam", "Near Grad-CAM", "",
     "Pearson's correlation of the map and Grad-CAM's of the same class; undefined where either is "
     "constant",
     0},
};

#define OWN_COUNT (sizeof own / sizeof *own)

static struct measure of_metric(const sscam_metric *metric)
{
    return (struct measure){sscam_metric_id(metric),      sscam_metric_name(metric),
                            sscam_metric_title(metric),   sscam_metric_unit(metric),
                            sscam_metric_summary(metric), sscam_metric_direction(metric)};
}

struct measure measure_of(int32_t id)
{
    for (size_t i = 0; i < OWN_COUNT; i++)
        if (own[i].id == id)
            return own[i];
    for (int64_t i = 0; i < sscam_metric_count(); i++)
        if (sscam_metric_id(sscam_metric_info(i)) == id)
            return of_metric(sscam_metric_info(i));
    return (struct measure){0};
}

double measure_badness(const struct measure *measure, double value)
{
    return measure->direction < 0 ? value : -value;
}

int32_t measure_named(const char *name)
{
    for (size_t i = 0; i < OWN_COUNT; i++)
        if (!strcmp(own[i].name, name))
            return own[i].id;
    return sscam_metric_id(sscam_metric_find(name));
}
