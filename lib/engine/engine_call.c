#include "engine/engine_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/printable.h"

/* --- replies ---------------------------------------------------------------------------------- */

void sscam_engine_reply_begin(sscam_engine_reply *reply, int64_t rows)
{
    memset(reply, 0, sizeof *reply);
    reply->rows = rows;
}

void sscam_engine_reply_release(sscam_engine_reply *reply)
{
    sscam_layers_release(&reply->layers);
    free(reply->default_layer);
    free(reply->outputs.values);
    free(reply->activations.values);
    free(reply->gradients.values);
    memset(reply, 0, sizeof *reply);
}

int64_t sscam_engine_value_count(const sscam_engine_values *values)
{
    int64_t count = 1;
    for (int32_t axis = 0; axis < values->rank; axis++)
        count = sscam_times(count, values->shape[axis]);
    return count;
}

const char *sscam_engine_write_shape(const int64_t *numbers, int32_t rank,
                                     char text[SSCAM_ENGINE_SHAPE_SIZE])
{
    int length = 0;
    for (int32_t axis = 0; axis < rank; axis++) {
        char number[24] = "?";
        if (numbers[axis] > 0)
            snprintf(number, sizeof number, "%lld", (long long)numbers[axis]);
        length += snprintf(text + length, SSCAM_ENGINE_SHAPE_SIZE - (size_t)length, "%s%s",
                           axis > 0 ? "x" : "", number);
    }
    return text;
}

/* Keeps the thread's message and the status of the first failure. */
static sscam_status note_failure(sscam_engine_reply *reply, sscam_status status)
{
    if (reply->status == SSCAM_OK && status != SSCAM_OK) {
        reply->status = status;
        sscam_copy_printable(reply->text, sizeof reply->text, sscam_error_message());
    }
    return status;
}

static sscam_status check_values(const float *values, const int64_t *shape, int32_t rank,
                                 const char *what)
{
    const int64_t largest = INT64_C(1) << 40;
    int64_t count = 1;
    if (!values || !shape)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: %s is NULL", what, !values ? "values" : "shape");
    if (rank < 1 || rank > SSCAM_LAYER_MAX_RANK)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: rank is %d, not 1 to %d", what, (int)rank,
                          SSCAM_LAYER_MAX_RANK);
    for (int32_t axis = 0; axis < rank; axis++) {
        if (shape[axis] < 1)
            return sscam_fail(SSCAM_E_ARGUMENT, "%s: dimension %d is %lld, not at least 1", what,
                              (int)axis, (long long)shape[axis]);
        count = sscam_times(count, shape[axis]);
        if (count == SSCAM_TOO_MANY || count > largest)
            return sscam_fail(SSCAM_E_ARGUMENT, "%s: the shape is too large", what);
    }
    return SSCAM_OK;
}

static sscam_status copy_values(const float *values, const int64_t *shape, int32_t rank,
                                const char *what, sscam_engine_values *out)
{
    sscam_status status = check_values(values, shape, rank, what);
    if (status != SSCAM_OK)
        return status;
    sscam_engine_values copy = {.rank = rank};
    memcpy(copy.shape, shape, (size_t)rank * sizeof *shape);
    const int64_t count = sscam_engine_value_count(&copy);
    copy.values = sscam_allocate_array(count, sizeof *values);
    if (!copy.values)
        return sscam_fail_memory(what);
    memcpy(copy.values, values, (size_t)count * sizeof *values);
    free(out->values);
    *out = copy;
    return SSCAM_OK;
}

static sscam_status check_output_shape(const sscam_engine_reply *reply, const int64_t *shape,
                                       int32_t rank)
{
    if (shape && rank != 2 && rank != 4)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "outputs: rank is %d, not 2 ([N,classes]) or 4 ([N,classes,h,w])",
                          (int)rank);
    if (shape && shape[0] != reply->rows)
        return sscam_fail(SSCAM_E_ARGUMENT, "outputs: %lld rows, not %lld as requested",
                          (long long)shape[0], (long long)reply->rows);
    return SSCAM_OK;
}

sscam_status sscam_engine_reply_set_outputs(sscam_engine_reply *reply, const float *values,
                                            const int64_t *shape, int32_t rank)
{
    if (!reply)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_engine_reply_set_outputs: reply is NULL");
    sscam_status status = check_output_shape(reply, shape, rank);
    if (status == SSCAM_OK)
        status = copy_values(values, shape, rank, "outputs", &reply->outputs);
    return note_failure(reply, status);
}

sscam_status sscam_engine_reply_take_input(sscam_engine_reply *reply)
{
    if (!reply)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_engine_reply_take_input: reply is NULL");
    sscam_input_block *block = reply->input_block;
    if (!block)
        return note_failure(reply, sscam_fail(SSCAM_E_ARGUMENT,
                                              "sscam_engine_reply_take_input: the input was taken "
                                              "before, or the call is none of run"));
    const float *taken = block->inputs;
    reply->input_block = NULL;
    block->inputs = sscam_allocate_array(block->size, sizeof *block->inputs);
    reply->lacks_inputs = !block->inputs;
    if (!block->inputs)
        return note_failure(reply, sscam_fail_memory("a batch of inputs"));
    memcpy(block->inputs, taken, (size_t)block->size * sizeof *taken);
    return SSCAM_OK;
}

sscam_status sscam_engine_reply_set_activations(sscam_engine_reply *reply, const float *values,
                                                const int64_t *shape, int32_t rank)
{
    if (!reply)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_engine_reply_set_activations: reply is NULL");
    if (!reply->wants_activations)
        return SSCAM_OK;
    return note_failure(reply,
                        copy_values(values, shape, rank, "activations", &reply->activations));
}

sscam_status sscam_engine_reply_set_gradients(sscam_engine_reply *reply, const float *values,
                                              const int64_t *shape, int32_t rank)
{
    if (!reply)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_engine_reply_set_gradients: reply is NULL");
    return note_failure(reply, copy_values(values, shape, rank, "gradients", &reply->gradients));
}

sscam_status sscam_engine_reply_set_error(sscam_engine_reply *reply, const char *text)
{
    if (!reply)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_engine_reply_set_error: reply is NULL");
    if (reply->status == SSCAM_OK) {
        reply->status = SSCAM_E_MODEL;
        sscam_copy_printable(reply->text, sizeof reply->text, text ? text : "");
    }
    return SSCAM_E_MODEL;
}

/* --- layers ----------------------------------------------------------------------------------- */

static int64_t find_layer(const struct sscam_layers *layers, const char *name)
{
    for (size_t i = 0; i < layers->count; i++)
        if (strcmp(layers->layer[i].name, name) == 0)
            return (int64_t)i;
    return -1;
}

static sscam_status check_new_layer(const sscam_engine_reply *reply, const char *name,
                                    const int64_t *shape, int32_t rank)
{
    static const float some_value = 0.0f;
    if (!reply->is_description)
        return sscam_fail(SSCAM_E_ARGUMENT, "layers are added by `describe` alone");
    if (!name || name[0] == '\0')
        return sscam_fail(SSCAM_E_ARGUMENT, "layer %zu: its name is %s", reply->layers.count,
                          name ? "empty" : "NULL");
    if (find_layer(&reply->layers, name) >= 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "layer \"%s\" is listed twice", name);
    if (!shape && rank == 0)
        return SSCAM_OK;
    return check_values(&some_value, shape, rank, name);
}

static sscam_status append_layer(struct sscam_layers *layers, const char *name, const char *kind,
                                 const int64_t *shape, int32_t rank)
{
    sscam_layer *grown = realloc(layers->layer, (layers->count + 1) * sizeof *grown);
    if (!grown)
        return sscam_fail_memory("a list of layers");
    layers->layer = grown;
    sscam_layer *layer = &grown[layers->count];
    *layer = (sscam_layer){.name = strdup(name), .kind = strdup(kind), .rank = rank};
    if (!layer->name || !layer->kind) {
        free(layer->name);
        free(layer->kind);
        return sscam_fail_memory("a layer");
    }
    if (rank > 0)
        memcpy(layer->shape, shape, (size_t)rank * sizeof *shape);
    layers->count++;
    return SSCAM_OK;
}

sscam_status sscam_engine_reply_add_layer(sscam_engine_reply *reply, const char *name,
                                          const char *kind, const int64_t *shape, int32_t rank)
{
    if (!reply)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_engine_reply_add_layer: reply is NULL");
    sscam_status status = check_new_layer(reply, name, shape, rank);
    if (status == SSCAM_OK)
        status = append_layer(&reply->layers, name, kind ? kind : "", shape, rank);
    return note_failure(reply, status);
}

sscam_status sscam_engine_reply_set_default_layer(sscam_engine_reply *reply, const char *name)
{
    if (!reply)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_engine_reply_set_default_layer: reply is NULL");
    if (!name)
        return note_failure(reply, sscam_fail(SSCAM_E_ARGUMENT, "the default layer is NULL"));
    free(reply->default_layer);
    reply->default_layer = strdup(name);
    return reply->default_layer ? SSCAM_OK
                                : note_failure(reply, sscam_fail_memory("the default layer"));
}

int64_t sscam_engine_fixed_rows(const sscam_engine_network *network)
{
    return network->engine.input_shape[0];
}

sscam_status sscam_engine_keep_first(const sscam_engine_network *network, int64_t *shape,
                                     const char *what)
{
    const int64_t fixed = sscam_engine_fixed_rows(network);
    if (fixed <= 1)
        return SSCAM_OK;
    if (shape[0] != fixed)
        return sscam_fail(SSCAM_E_MODEL, "%s: %s: the first dimension is %lld, not %lld inputs",
                          network->engine.name, what, (long long)shape[0], (long long)fixed);
    shape[0] = 1;
    return SSCAM_OK;
}

static sscam_status keep_first_of_all(const sscam_engine_network *network,
                                      struct sscam_layers *layers)
{
    sscam_status status = SSCAM_OK;
    for (size_t i = 0; i < layers->count && status == SSCAM_OK; i++)
        if (layers->layer[i].rank > 0)
            status = sscam_engine_keep_first(network, layers->layer[i].shape,
                                             layers->layer[i].name);
    return status;
}

/* The layer that was named or, without one, the last that has positions or an unknown shape. */
static sscam_status find_default(const sscam_engine_network *network, const sscam_shape *shape,
                                 sscam_engine_reply *reply)
{
    const sscam_layout_hint no_hint = {.channel_axis = SSCAM_CHANNEL_AXIS_AUTO};
    struct sscam_layers *layers = &reply->layers;
    layers->default_index = -1;
    if (reply->default_layer) {
        layers->default_index = find_layer(layers, reply->default_layer);
        return layers->default_index >= 0
                   ? SSCAM_OK
                   : sscam_fail(SSCAM_E_MODEL,
                                "%s: describe: the default layer \"%s\" is not among the layers",
                                network->engine.name, reply->default_layer);
    }
    for (size_t i = 0; i < layers->count; i++) {
        sscam_activation_layout layout;
        const sscam_layer *layer = &layers->layer[i];
        if (layer->rank == 0 ||
            sscam_find_activation_layout(layer->shape, layer->rank, shape, &no_hint, &layout))
            layers->default_index = (int64_t)i;
    }
    return SSCAM_OK;
}

/* --- calls ------------------------------------------------------------------------------------ */

/* The status of a call from what the callback returned and what went wrong in its reply. */
static sscam_status result_of(const sscam_engine_network *network, const char *callback,
                              sscam_status returned, const sscam_engine_reply *reply)
{
    const int is_known = strcmp(sscam_status_name(returned), "SSCAM_E_UNKNOWN") != 0;
    if (returned == SSCAM_OK && reply->status == SSCAM_OK)
        return SSCAM_OK;
    sscam_status status = returned == SSCAM_OK ? reply->status
                          : is_known           ? returned
                                               : SSCAM_E_MODEL;
    /* What the engine gives in a wrong shape is not the fault of the caller's arguments. */
    if (reply->status == SSCAM_E_ARGUMENT)
        status = SSCAM_E_MODEL;
    if (reply->text[0] != '\0')
        return sscam_fail(status, "%s: %s: %s", network->engine.name, callback, reply->text);
    if (status == SSCAM_E_MEMORY)
        return sscam_fail(status, "%s: %s: out of memory", network->engine.name, callback);
    return sscam_fail(status, "%s: %s: the engine failed with status %d and gave no text",
                      network->engine.name, callback, (int)returned);
}

static sscam_status call(sscam_engine_network *network, sscam_engine_callback callback,
                         const char *name, sscam_engine_request *request, sscam_engine_reply *reply)
{
    sscam_engine_turn turn;
    const int one_at_a_time = !(network->engine.flags & SSCAM_ENGINE_THREAD_SAFE);
    request->struct_size = sizeof *request;
    if (one_at_a_time) {
        sscam_status status = sscam_engine_turn_begin(&network->turns, &turn, network->engine.name);
        if (status != SSCAM_OK)
            return status;
    }
    const sscam_status returned = callback(network->engine.user, request, reply);
    if (one_at_a_time)
        sscam_engine_turn_end(&network->turns, &turn);
    return result_of(network, name, returned, reply);
}

sscam_status sscam_engine_describe(sscam_engine_network *network, const sscam_shape *shape,
                                   int32_t output, sscam_engine_reply *reply)
{
    int64_t numbers[SSCAM_MOST_RANK];
    const int64_t fixed = sscam_engine_fixed_rows(network);
    sscam_shape_write(shape, numbers);
    numbers[0] = fixed > 0 ? fixed : 1;
    sscam_engine_request request = {.shape = numbers, .rank = shape->rank, .output = output};
    reply->is_description = 1;
    sscam_status status = call(network, network->engine.describe, "describe", &request, reply);
    reply->is_description = 0;
    if (status == SSCAM_OK)
        status = keep_first_of_all(network, &reply->layers);
    return status == SSCAM_OK ? find_default(network, shape, reply) : status;
}

static sscam_status fail_missing(const sscam_engine_network *network, const char *callback,
                                 const char *what, const char *layer)
{
    return sscam_fail(SSCAM_E_MODEL, "%s: %s gave no %s%s%s", network->engine.name, callback, what,
                      layer ? " of layer " : "", layer ? layer : "");
}

static sscam_status check_outputs(const sscam_engine_network *network, const char *callback,
                                  const sscam_engine_request *request,
                                  const sscam_engine_reply *reply)
{
    const int64_t expected = request->output == 0 ? network->engine.class_count : 0;
    if (!reply->outputs.values)
        return fail_missing(network, callback, "outputs", NULL);
    if (expected > 0 && reply->outputs.shape[1] != expected)
        return sscam_fail(SSCAM_E_MODEL, "%s: %s gave %lld outputs a row, not class_count, %lld",
                          network->engine.name, callback, (long long)reply->outputs.shape[1],
                          (long long)expected);
    return SSCAM_OK;
}

sscam_status sscam_engine_run(sscam_engine_network *network, sscam_engine_request *request,
                              sscam_engine_reply *reply)
{
    reply->wants_activations = request->layer != NULL;
    sscam_status status = call(network, network->engine.run, "run", request, reply);
    if (status == SSCAM_OK)
        status = check_outputs(network, "run", request, reply);
    if (status == SSCAM_OK && request->layer && !reply->activations.values)
        status = fail_missing(network, "run", "activations", request->layer);
    return status;
}

sscam_status sscam_engine_require(const sscam_engine_network *network,
                                  sscam_engine_callback callback, const char *name)
{
    return callback ? SSCAM_OK
                    : sscam_fail(SSCAM_E_UNSUPPORTED,
                                 "the engine \"%s\" has no callback `%s`, which is needed here",
                                 network->engine.name, name);
}

sscam_status sscam_engine_differentiate(sscam_engine_network *network,
                                        sscam_engine_request *request, sscam_engine_reply *reply)
{
    sscam_status status = call(network, network->engine.gradients, "gradients", request, reply);
    if (status == SSCAM_OK && !reply->gradients.values)
        status = fail_missing(network, "gradients", "gradients", request->layer);
    return status;
}

sscam_status sscam_engine_run_tail(sscam_engine_network *network, sscam_engine_request *request,
                                   sscam_engine_reply *reply)
{
    sscam_status status = call(network, network->engine.tail, "tail", request, reply);
    return status == SSCAM_OK ? check_outputs(network, "tail", request, reply) : status;
}
