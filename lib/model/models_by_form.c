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

/* A form with all that it refers to. */
typedef struct sscam_kept_form {
    sscam_input_layout layout;
    sscam_input_type type;
    char *image_input; /* malloc'ed */
    sscam_other_inputs others;
} kept_form;

typedef struct kept_model {
    sscam_model *model; /* NULL: none */
    kept_form form;
} kept_model;

/* The one used last comes first. */
struct sscam_models_by_form {
    kept_model kept[MOST_KEPT];
};

/* Of the lists of all models. No backend works while it is held. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void release_form(kept_form *form)
{
    sscam_other_inputs_release(&form->others);
    free(form->image_input);
    *form = (kept_form){0};
}

static void release(kept_model *kept)
{
    sscam_model_unref(kept->model);
    kept->model = NULL;
    release_form(&kept->form);
}

void sscam_model_forms_destroy(sscam_model *model)
{
    for (int i = 0; model->by_form && i < MOST_KEPT; i++)
        release(&model->by_form->kept[i]);
    free(model->by_form);
    if (model->form)
        release_form(model->form);
    free(model->form);
}

/* --- forms ------------------------------------------------------------------------------------ */

static sscam_input_form view_of(const kept_form *form)
{
    return (sscam_input_form){form->layout, form->type, form->image_input, &form->others};
}

static int32_t is_same(const kept_form *kept, const sscam_input_form *form)
{
    return strcmp(kept->layout.axes, form->layout.axes) == 0 && kept->type == form->type &&
           strcmp(kept->image_input, form->image_input) == 0 &&
           sscam_other_inputs_are_same(&kept->others, form->others);
}

static int32_t says_no_more(const sscam_input_form *form, const kept_form *own)
{
    return (!form->layout.axes[0] || strcmp(form->layout.axes, own->layout.axes) == 0) &&
           (form->type == SSCAM_INPUT_TYPE_AUTO || form->type == own->type) &&
           (!form->image_input[0] || strcmp(form->image_input, own->image_input) == 0) &&
           (form->others->count == 0 || sscam_other_inputs_are_same(form->others, &own->others));
}

static sscam_status copy_form(const sscam_input_form *form, kept_form *out)
{
    *out = (kept_form){
        .layout = form->layout, .type = form->type, .image_input = strdup(form->image_input)};
    if (!out->image_input)
        return sscam_fail_memory("the inputs of a model");
    sscam_status status = sscam_other_inputs_copy(form->others, &out->others);
    if (status != SSCAM_OK)
        release_form(out);
    return status;
}

/* A copy of a form; what it does not say is taken from `own`, which may be NULL. */
static sscam_status complete_form(const sscam_input_form *form, const kept_form *own,
                                  kept_form *out)
{
    if (!own)
        return copy_form(form, out);
    const sscam_input_form without_others = {
        form->layout.axes[0] ? form->layout : own->layout,
        form->type != SSCAM_INPUT_TYPE_AUTO ? form->type : own->type,
        form->image_input[0] ? form->image_input : own->image_input, &own->others};
    sscam_status status = copy_form(&without_others, out);
    if (status == SSCAM_OK)
        status = sscam_other_inputs_copy(form->others, &out->others);
    if (status != SSCAM_OK)
        release_form(out);
    return status;
}

/* --- models ----------------------------------------------------------------------------------- */

/* With a reference for the caller; NULL: it is not there. */
static sscam_model *find(sscam_model *model, const sscam_input_form *form)
{
    sscam_model *found = NULL;
    pthread_mutex_lock(&mutex);
    for (int i = 0; model->by_form && i < MOST_KEPT && !found; i++)
        if (model->by_form->kept[i].model && is_same(&model->by_form->kept[i].form, form))
            found = sscam_model_ref(model->by_form->kept[i].model);
    pthread_mutex_unlock(&mutex);
    return found;
}

/* Puts a model first, in place of the one used longest ago. */
static sscam_status keep(sscam_model *model, kept_model *added)
{
    kept_model dropped = {0};
    pthread_mutex_lock(&mutex);
    if (!model->by_form)
        model->by_form = calloc(1, sizeof *model->by_form);
    if (model->by_form) {
        kept_model *kept = model->by_form->kept;
        dropped = kept[MOST_KEPT - 1];
        memmove(kept + 1, kept, (MOST_KEPT - 1) * sizeof *kept);
        kept[0] = *added;
    }
    const int32_t is_kept = model->by_form != NULL;
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
    static const char reason[] =
        "the network runs in an engine of the host, which takes one input, "
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

/* A model of the form, which it takes over on success. */
static sscam_status create_with(const sscam_backend *backend, void *network, const kept_form *form,
                                sscam_model **out)
{
    kept_form *own = malloc(sizeof *own);
    sscam_model *created = own ? sscam_model_create(backend, network) : NULL;
    if (!created) {
        free(own);
        return sscam_fail_memory("a model");
    }
    *own = *form;
    created->form = own;
    *out = created;
    return SSCAM_OK;
}

static sscam_status create_from(const sscam_model *model, const kept_form *form, sscam_model **out)
{
    void *network = NULL;
    const sscam_input_form view = view_of(form);
    sscam_status status = model->backend->with_inputs(model->network, &view, &network);
    if (status != SSCAM_OK)
        return status;
    status = create_with(model->backend, network, form, out);
    if (status != SSCAM_OK)
        model->backend->destroy(network);
    return status;
}

sscam_status sscam_model_create_like(const sscam_model *model, void *network, sscam_model **out)
{
    kept_form form;
    if (!model->form) {
        *out = sscam_model_create(model->backend, network);
        return *out ? SSCAM_OK : sscam_fail_memory("a model");
    }
    const sscam_input_form own = view_of(model->form);
    sscam_status status = copy_form(&own, &form);
    if (status != SSCAM_OK)
        return status;
    status = create_with(model->backend, network, &form, out);
    if (status != SSCAM_OK)
        release_form(&form);
    return status;
}

static sscam_status create(sscam_model *model, const sscam_input_form *form, sscam_model **out)
{
    kept_form complete;
    if (!model->backend->with_inputs) {
        if (!is_usual(form))
            return fail_one_input(form);
        *out = sscam_model_ref(model);
        return SSCAM_OK;
    }
    sscam_status status = complete_form(form, model->form, &complete);
    if (status == SSCAM_OK)
        status = create_from(model, &complete, out);
    if (status != SSCAM_OK)
        release_form(&complete);
    return status;
}

sscam_status sscam_model_in_form(sscam_model *model, const sscam_input_form *form,
                                 sscam_model **out)
{
    kept_model added = {NULL};
    if (!model->backend->with_inputs)
        return create(model, form, out); /* nothing to keep, and no model that would hold itself */
    *out = model->form && says_no_more(form, model->form) ? sscam_model_ref(model)
                                                          : find(model, form);
    if (*out)
        return SSCAM_OK;
    sscam_status status = copy_form(form, &added.form);
    if (status == SSCAM_OK)
        status = create(model, form, &added.model);
    if (status != SSCAM_OK) {
        release(&added);
        return status;
    }
    sscam_model *created = sscam_model_ref(added.model);
    status = keep(model, &added);
    if (status == SSCAM_OK) {
        *out = created;
        return SSCAM_OK;
    }
    sscam_model_unref(created);
    release(&added);
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
    return choices[*position]
               ? SSCAM_OK
               : sscam_fail(SSCAM_E_ARGUMENT, "%s: there is no %s \"%s\"", function, what, value);
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
    sscam_status status = sscam_public_struct_read(inputs, &given, sizeof given,
                                                   SSCAM_END_OF(sscam_model_inputs, values),
                                                   "sscam_model_inputs");
    if (status == SSCAM_OK)
        status = create_as_told(model, &given, out);
    return status == SSCAM_OK ? sscam_succeed() : status;
}
