/* The struct behind sscam_model: a backend's network, shared by reference counting; and models of
 * the same network whose inputs are given otherwise. */
#ifndef SSCAM_LIB_MODEL_MODEL_PRIVATE_H
#define SSCAM_LIB_MODEL_MODEL_PRIVATE_H

#include "base/reference_count.h"
#include "model/backend.h"
#include "model/input_array.h"
#include "sscam/model.h"

struct sscam_model {
    sscam_reference_count references;
    const sscam_backend *backend;
    void *network;
    struct sscam_kept_form *form;         /* what was said of its inputs; NULL: nothing */
    struct sscam_models_by_form *by_form; /* of models_by_form.c; NULL: there are none */
};

/* A model that runs the network of another handle, which it takes over. NULL where memory runs
 * out; the handle is then the caller's. */
sscam_model *sscam_model_create(const sscam_backend *backend, void *network);

/* The same for a network whose inputs are given as those of `model`. */
sscam_status sscam_model_create_like(const sscam_model *model, void *network, sscam_model **out);

/* What is certain of the network. */
sscam_network_facts sscam_model_facts(const sscam_model *model);

/* How the network takes an input. */
sscam_input_description sscam_model_input_description(const sscam_model *model);

/* The model of the same network whose inputs are given as told, and what is not told as those of
 * `model`. It is kept for later calls with the same form: measurements made for it stay valid. The
 * caller has a reference. */
sscam_status sscam_model_in_form(sscam_model *model, const sscam_input_form *form,
                                 sscam_model **out);

/* Frees what a model keeps of forms: its own, and the models of sscam_model_in_form(). */
void sscam_model_forms_destroy(sscam_model *model);

#endif
