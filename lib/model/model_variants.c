/* Models of one network whose inputs are given in different forms. */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/public_struct.h"
#include "model/model_private.h"

/* Each may hold measurements and converted weights: those used last are kept. */
enum { MOST_KEPT = 2 };

/* A form with all that it refers to, and its model. */
typedef struct kept_variant {
    sscam_model *model; /* NULL: none */
    sscam_input_layout layout;
    sscam_input_type type;
    char *image_input; /* malloc'ed */
    sscam_other_inputs others;
} kept_variant;

/* The one used last comes first. */
struct sscam_model_variants {
    kept_variant kept[MOST_KEPT];
};

/* Of the lists of all models. No backend works while it is held. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void release(kept_variant *variant)
{
    sscam_model_unref(variant->model);
    sscam_other_inputs_release(&variant->others);
    free(variant->image_input);
    *variant = (kept_variant){0};
}

void sscam_model_variants_destroy(sscam_model *model)
{
    for (int i = 0; model->variants && i < MOST_KEPT; i++)
        release(&model->variants->kept[i]);
    free(model->variants);
}

static int32_t is_of(const kept_variant *variant, const sscam_input_form *form)
{
    return variant->model && strcmp(variant->layout.axes, form->layout.axes) == 0 &&
           variant->type == form->type && strcmp(variant->image_input, form->image_input) == 0 &&
           sscam_other_inputs_are_same(&variant->others, form->others);
}

/* With a reference for the caller; NULL: it is not there. */
static sscam_model *find(sscam_model *model, const sscam_input_form *form)
{
    sscam_model *found = NULL;
    pthread_mutex_lock(&mutex);
    for (int i = 0; model->variants && i < MOST_KEPT && !found; i++)
        if (is_of(&model->variants->kept[i], form))
            found = sscam_model_ref(model->variants->kept[i].model);
    pthread_mutex_unlock(&mutex);
    return found;
}

static sscam_status copy_form(const sscam_input_form *form, kept_variant *out)
{
    *out = (kept_variant){.layout = form->layout,
                          .type = form->type,
                          .image_input = strdup(form->image_input)};
    if (!out->image_input)
        return sscam_fail_memory("the inputs of a model");
    sscam_status status = sscam_other_inputs_copy(form->others, &out->others);
    if (status != SSCAM_OK)
        release(out);
    return status;
}

/* Puts a variant first, in place of the one used longest ago. */
static sscam_status keep(sscam_model *model, kept_variant *variant)
{
    kept_variant dropped = {0};
    pthread_mutex_lock(&mutex);
    if (!model->variants)
        model->variants = calloc(1, sizeof *model->variants);
    if (model->variants) {
        kept_variant *kept = model->variants->kept;
        dropped = kept[MOST_KEPT - 1];
        memmove(kept + 1, kept, (MOST_KEPT - 1) * sizeof *kept);
        kept[0] = *variant;
    }
    const int32_t is_kept = model->variants != NULL;
    pthread_mutex_unlock(&mutex);
    release(&dropped);
    return is_kept ? SSCAM_OK : sscam_fail_memory("the inputs of a model");
}

/* Engines of the host take float32 [N,C,sides] and nothing else. */
static int32_t is_usual(const sscam_input_form *form)
{
    return sscam_input_layout_is_plain(&form->layout) && form->type <= SSCAM_INPUT_TYPE_FLOAT32 &&
           !form->image_input[0] && form->others->count == 0;
}

static sscam_status fail_one_input(const sscam_input_form *form)
{
    static const char reason[] = "the network runs in an engine of the host, which takes one input, "
                                 "[N,C,sides] of float32";
    if (form->others->count > 0)
        return sscam_fail(SSCAM_E_UNSUPPORTED, "input \"%s\": %s", form->others->items[0].name,
                          reason);
    return sscam_fail(SSCAM_E_UNSUPPORTED, "option %s: %s",
                      form->image_input[0]                         ? "image_input"
                      : sscam_input_layout_is_plain(&form->layout) ? "input_type"
                                                                   : "input_layout",
                      reason);
}

static sscam_status create(sscam_model *model, const sscam_input_form *form, sscam_model **out)
{
    void *network = NULL;
    if (!model->backend->with_inputs && is_usual(form)) {
        *out = sscam_model_ref(model);
        return SSCAM_OK;
    }
    if (!model->backend->with_inputs)
        return fail_one_input(form);
    sscam_status status = model->backend->with_inputs(model->network, form, &network);
    if (status != SSCAM_OK)
        return status;
    *out = sscam_model_create(model->backend, network);
    if (*out)
        return SSCAM_OK;
    model->backend->destroy(network);
    return sscam_fail_memory("a model");
}

sscam_status sscam_model_variant(sscam_model *model, const sscam_input_form *form,
                                 sscam_model **out)
{
    kept_variant variant;
    if (!model->backend->with_inputs)
        return create(model, form, out); /* nothing to keep, and no model that would hold itself */
    *out = find(model, form);
    if (*out)
        return SSCAM_OK;
    sscam_status status = copy_form(form, &variant);
    if (status == SSCAM_OK)
        status = create(model, form, &variant.model);
    if (status != SSCAM_OK) {
        release(&variant);
        return status;
    }
    sscam_model *created = sscam_model_ref(variant.model);
    status = keep(model, &variant);
    if (status == SSCAM_OK) {
        *out = created;
        return SSCAM_OK;
    }
    sscam_model_unref(created);
    release(&variant);
    return status;
}

/* --- the public function ---------------------------------------------------------------------- */

static const char function[] = "sscam_model_with_inputs";

static sscam_status find_choice(const char *const *choices, const char *what, const char *value,
                                int64_t *position)
{
    *position = 0;
    while (value && choices[*position] && strcmp(choices[*position], value) != 0)
        ++*position;
    return choices[*position] ? SSCAM_OK
                              : sscam_fail(SSCAM_E_ARGUMENT, "%s: there is no %s \"%s\"", function,
                                           what, value);
}

static sscam_status read_others(const sscam_model_inputs *given, sscam_other_inputs *others)
{
    sscam_status status = SSCAM_OK;
    if (given->count < 0 || (given->count > 0 && (!given->names || !given->values)))
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: count is %" PRId64 " and names or values are NULL",
                          function, given->count);
    for (int64_t i = 0; i < given->count && status == SSCAM_OK; i++)
        status = given->names[i] && given->values[i]
                     ? sscam_other_inputs_set(others, given->names[i], given->values[i], function)
                     : sscam_fail(SSCAM_E_ARGUMENT, "%s: name or values %" PRId64 " are NULL",
                                  function, i);
    return status;
}

static sscam_status create_as_told(sscam_model *model, const sscam_model_inputs *given,
                                   sscam_model **out)
{
    sscam_other_inputs others = {0};
    int64_t layout, type;
    sscam_status status = find_choice(sscam_input_layout_choices, "layout", given->layout, &layout);
    if (status == SSCAM_OK)
        status = find_choice(sscam_input_type_choices, "type", given->type, &type);
    if (status == SSCAM_OK)
        status = read_others(given, &others);
    if (status == SSCAM_OK) {
        const sscam_input_form form = {.layout = sscam_input_layout_of_choice(layout),
                                       .type = (sscam_input_type)type,
                                       .image_input = given->image_input ? given->image_input : "",
                                       .others = &others};
        status = create(model, &form, out);
    }
    sscam_other_inputs_release(&others);
    return status;
}

sscam_status sscam_model_with_inputs(sscam_model *model, const sscam_model_inputs *inputs,
                                     sscam_model **out)
{
    sscam_model_inputs given;
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: out is NULL", function);
    *out = NULL;
    if (!model)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: model is NULL", function);
    sscam_status status = sscam_public_struct_read(
        inputs, &given, sizeof given, SSCAM_END_OF(sscam_model_inputs, values),
        "sscam_model_inputs");
    if (status == SSCAM_OK)
        status = create_as_told(model, &given, out);
    return status == SSCAM_OK ? sscam_succeed() : status;
}
