#include "explain/explainer_inputs.h"

#include <inttypes.h>

#include "base/error.h"
#include "explain/busy_guard.h"
#include "explain/explainer_private.h"

sscam_status sscam_explainer_set_input(sscam_explainer *explainer, const char *name,
                                       const sscam_array *values)
{
    static const char function[] = "sscam_explainer_set_input";
    if (!explainer || !name)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: %s is NULL", function,
                          !explainer ? "explainer" : "name");
    sscam_status status = sscam_busy_begin_change(&explainer, function);
    if (status != SSCAM_OK)
        return status;
    status = sscam_other_inputs_set(&explainer->other_inputs, name, values, function);
    sscam_busy_end_change(&explainer);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

static sscam_input_form form_of(const sscam_explainer *explainer)
{
    const sscam_value *value = explainer->settings.value;
    return (sscam_input_form){
        .layout = sscam_input_layout_of_choice(value[SSCAM_OPTION_INPUT_LAYOUT].integer),
        .type = (sscam_input_type)value[SSCAM_OPTION_INPUT_TYPE].integer,
        .image_input = value[SSCAM_OPTION_IMAGE_INPUT].text,
        .others = &explainer->other_inputs};
}

static int32_t says_nothing(const sscam_input_form *form)
{
    return !form->layout.axes[0] && form->type == SSCAM_INPUT_TYPE_AUTO && !form->image_input[0] &&
           form->others->count == 0;
}

/* The model that a call of the explainer runs, with a reference. */
static sscam_status find_model(const sscam_explainer *explainer, sscam_model **out)
{
    const sscam_input_form form = form_of(explainer);
    if (!says_nothing(&form))
        return sscam_model_in_form(explainer->given_model, &form, out);
    *out = sscam_model_ref(explainer->given_model);
    return SSCAM_OK;
}

sscam_status sscam_describe_input(const sscam_explainer *explainer, const char *function,
                                  sscam_input_description *out)
{
    sscam_model *model = NULL;
    sscam_status status = sscam_busy_begin_reading(explainer, function);
    if (status != SSCAM_OK)
        return status;
    status = find_model(explainer, &model);
    sscam_busy_end_reading(explainer);
    if (status == SSCAM_OK)
        *out = sscam_model_input_description(model);
    sscam_model_unref(model);
    return status;
}

sscam_status sscam_explainer_input_form(const sscam_explainer *explainer, const char **layout,
                                        const char **type)
{
    static const char function[] = "sscam_explainer_input_form";
    sscam_input_description found = {.channels = 0};
    if (layout)
        *layout = "";
    if (type)
        *type = "";
    if (!explainer)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: explainer is NULL", function);
    sscam_status status = sscam_describe_input(explainer, function, &found);
    if (status != SSCAM_OK)
        return status;
    if (layout)
        *layout = sscam_input_layout_text(&found.layout);
    if (type)
        *type = sscam_input_type_text(found.type);
    return sscam_succeed();
}

static sscam_status apply(sscam_explainer *explainer)
{
    sscam_model *model = NULL;
    sscam_status status = find_model(explainer, &model);
    if (status != SSCAM_OK)
        return status;
    sscam_model_unref(explainer->model);
    explainer->model = model;
    explainer->settings.takes_pixels = sscam_input_type_is_whole(sscam_model_facts(model).type);
    return SSCAM_OK;
}

sscam_status sscam_apply_inputs(sscam_explainer *const *explainers, int64_t count,
                                const char *function)
{
    sscam_status status = SSCAM_OK;
    for (int64_t i = 0; i < count && status == SSCAM_OK; i++) {
        status = apply(explainers[i]);
        if (status == SSCAM_OK && explainers[i]->model != explainers[0]->model)
            status = sscam_fail(
                SSCAM_E_ARGUMENT,
                "%s: explainer %" PRId64
                " gives the network other inputs than explainer 0: another "
                "input_layout, input_type, image_input or sscam_explainer_set_input()",
                function, i);
    }
    return status;
}
