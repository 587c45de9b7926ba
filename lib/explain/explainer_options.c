/* The options of an explainer: setters and getters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/busy_guard.h"
#include "explain/explainer_private.h"
#include "options/region_option.h"

static sscam_status finish(sscam_status status)
{
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_explainer_set(sscam_explainer *explainer, const char *name, const char *value)
{
    if (!explainer || !name || !value)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_set: a pointer is NULL");
    sscam_status status = sscam_busy_begin_change(&explainer, "sscam_explainer_set");
    if (status != SSCAM_OK)
        return status;
    status = sscam_settings_set(&explainer->settings, explainer->method->name, name, value);
    sscam_busy_end_change(&explainer);
    return finish(status);
}

sscam_status sscam_explainer_set_int(sscam_explainer *explainer, int32_t option, int64_t value)
{
    if (!explainer)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_set_int: explainer is NULL");
    sscam_status status = sscam_busy_begin_change(&explainer, "sscam_explainer_set_int");
    if (status != SSCAM_OK)
        return status;
    status = sscam_settings_set_int(&explainer->settings, option, value);
    sscam_busy_end_change(&explainer);
    return finish(status);
}

sscam_status sscam_explainer_set_real(sscam_explainer *explainer, int32_t option, double value)
{
    if (!explainer)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_set_real: explainer is NULL");
    sscam_status status = sscam_busy_begin_change(&explainer, "sscam_explainer_set_real");
    if (status != SSCAM_OK)
        return status;
    status = sscam_settings_set_real(&explainer->settings, option, value);
    sscam_busy_end_change(&explainer);
    return finish(status);
}

sscam_status sscam_explainer_set_string(sscam_explainer *explainer, int32_t option,
                                        const char *value)
{
    if (!explainer || !value)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_set_string: a pointer is NULL");
    sscam_status status = sscam_busy_begin_change(&explainer, "sscam_explainer_set_string");
    if (status != SSCAM_OK)
        return status;
    status = sscam_settings_set_string(&explainer->settings, explainer->method->name, option,
                                       value);
    sscam_busy_end_change(&explainer);
    return finish(status);
}

/* --- getters ---------------------------------------------------------------------------------- */

static sscam_status copy_text(const char *value, char **text)
{
    if (!value)
        return SSCAM_E_ARGUMENT;
    *text = strdup(value);
    return *text ? SSCAM_OK : sscam_fail_memory("an option's value");
}

sscam_status sscam_explainer_get(const sscam_explainer *explainer, const char *name, char **text)
{
    char buffer[64];
    if (text)
        *text = NULL;
    if (!explainer || !name || !text)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_get: a pointer is NULL");
    sscam_status status = sscam_busy_begin_reading(explainer, "sscam_explainer_get");
    if (status != SSCAM_OK)
        return status;
    status = copy_text(sscam_settings_get(&explainer->settings, name, buffer, sizeof buffer), text);
    sscam_busy_end_reading(explainer);
    return finish(status);
}

sscam_status sscam_explainer_get_int(const sscam_explainer *explainer, int32_t option,
                                     int64_t *value)
{
    if (value)
        *value = 0;
    if (!explainer || !value)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_get_int: a pointer is NULL");
    sscam_status status = sscam_busy_begin_reading(explainer, "sscam_explainer_get_int");
    if (status != SSCAM_OK)
        return status;
    status = sscam_settings_get_int(&explainer->settings, option, value);
    sscam_busy_end_reading(explainer);
    return finish(status);
}

sscam_status sscam_explainer_get_real(const sscam_explainer *explainer, int32_t option,
                                      double *value)
{
    if (value)
        *value = 0.0;
    if (!explainer || !value)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_get_real: a pointer is NULL");
    sscam_status status = sscam_busy_begin_reading(explainer, "sscam_explainer_get_real");
    if (status != SSCAM_OK)
        return status;
    status = sscam_settings_get_real(&explainer->settings, option, value);
    sscam_busy_end_reading(explainer);
    return finish(status);
}

sscam_status sscam_explainer_get_string(const sscam_explainer *explainer, int32_t option,
                                        char **text)
{
    if (text)
        *text = NULL;
    if (!explainer || !text)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_get_string: a pointer is NULL");
    sscam_status status = sscam_busy_begin_reading(explainer, "sscam_explainer_get_string");
    if (status != SSCAM_OK)
        return status;
    status = copy_text(sscam_settings_get_string(&explainer->settings, option), text);
    sscam_busy_end_reading(explainer);
    return finish(status);
}

/* --- regions ---------------------------------------------------------------------------------- */

static int32_t has_pixels(const uint8_t *mask, int64_t count)
{
    for (int64_t p = 0; p < count; p++)
        if (mask[p] != 0)
            return 1;
    return 0;
}

static sscam_status copy_mask(const uint8_t *mask, int64_t height, int64_t width, uint8_t **out)
{
    const int64_t count = sscam_times(height, width);
    if (height < 1 || width < 1 || count == SSCAM_TOO_MANY)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "sscam_explainer_set_region: a mask of %lldx%lld pixels",
                          (long long)width, (long long)height);
    if (!has_pixels(mask, count))
        return sscam_fail(
            SSCAM_E_ARGUMENT,
            "sscam_explainer_set_region: the mask of %lldx%lld pixels is zero everywhere",
            (long long)width, (long long)height);
    *out = sscam_allocate_array(count, sizeof **out);
    if (!*out)
        return sscam_fail_memory("a region's mask");
    memcpy(*out, mask, (size_t)count);
    return SSCAM_OK;
}

sscam_status sscam_explainer_set_region(sscam_explainer *explainer, const uint8_t *mask,
                                        int64_t height, int64_t width)
{
    uint8_t *copy = NULL;
    if (!explainer)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_set_region: explainer is NULL");
    sscam_status status = mask ? copy_mask(mask, height, width, &copy) : SSCAM_OK;
    if (status == SSCAM_OK)
        status = sscam_busy_begin_change(&explainer, "sscam_explainer_set_region");
    if (status != SSCAM_OK) {
        free(copy);
        return status;
    }
    status = sscam_settings_set(&explainer->settings, explainer->method->name, "region",
                                mask ? "mask" : "predicted");
    if (status == SSCAM_OK) {
        free(explainer->region_mask);
        explainer->region_mask = copy;
        explainer->region_height = mask ? height : 0;
        explainer->region_width = mask ? width : 0;
    } else {
        free(copy);
    }
    sscam_busy_end_change(&explainer);
    return finish(status);
}

int32_t sscam_explainers_share_region(const sscam_explainer *a, const sscam_explainer *b)
{
    sscam_region own, other;
    if (sscam_region_of(&a->settings, a->region_mask, a->region_height, a->region_width, &own) !=
            SSCAM_OK ||
        sscam_region_of(&b->settings, b->region_mask, b->region_height, b->region_width, &other) !=
            SSCAM_OK)
        return 1; /* explaining fails with the reason */
    return sscam_same_region(&own, &other);
}

/* --- target weights --------------------------------------------------------------------------- */

static sscam_status check_target_weights(const float *weights, int64_t count)
{
    static const char function[] = "sscam_explainer_set_target_weights";
    int32_t is_zero = 1;
    if (count < 1)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: count is %lld, not at least 1", function,
                          (long long)count);
    for (int64_t j = 0; j < count; j++) {
        if (!isfinite(weights[j]))
            return sscam_fail(SSCAM_E_ARGUMENT, "%s: weight %lld is %g", function, (long long)j,
                              (double)weights[j]);
        is_zero = is_zero && weights[j] == 0.0f;
    }
    return is_zero ? sscam_fail(SSCAM_E_ARGUMENT, "%s: all %lld weights are 0", function,
                                (long long)count)
                   : SSCAM_OK;
}

static sscam_status copy_target_weights(const float *weights, int64_t count, float **out)
{
    sscam_status status = check_target_weights(weights, count);
    if (status != SSCAM_OK)
        return status;
    *out = sscam_allocate_array(count, sizeof **out);
    if (!*out)
        return sscam_fail_memory("target weights");
    memcpy(*out, weights, (size_t)count * sizeof *weights);
    return SSCAM_OK;
}

sscam_status sscam_explainer_set_target_weights(sscam_explainer *explainer, const float *weights,
                                                int64_t count)
{
    static const char function[] = "sscam_explainer_set_target_weights";
    float *copy = NULL;
    if (!explainer)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: explainer is NULL", function);
    sscam_status status = weights ? copy_target_weights(weights, count, &copy) : SSCAM_OK;
    if (status == SSCAM_OK)
        status = sscam_busy_begin_change(&explainer, function);
    if (status != SSCAM_OK) {
        free(copy);
        return status;
    }
    free(explainer->target_weights);
    explainer->target_weights = copy;
    explainer->target_weight_count = weights ? count : 0;
    explainer->settings.value[SSCAM_OPTION_TARGET].integer = weights ? SSCAM_TARGET_WEIGHTS
                                                                     : SSCAM_TARGET_CLASS;
    sscam_busy_end_change(&explainer);
    return finish(status);
}
