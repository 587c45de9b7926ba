/* Models of engines of the host: the sscam_backend on top of the callbacks of sscam/engine.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/public_struct.h"
#include "engine/engine_batch.h"
#include "engine/engine_call.h"
#include "engine/engine_scoring.h"
#include "engine/host_engine.h"
#include "engine/output_rows.h"
#include "model/model_private.h"

/* --- creation --------------------------------------------------------------------------------- */

static sscam_status check_input_shape(const sscam_engine *engine)
{
    const int32_t rank = engine->input_rank;
    if (rank != 0 && (rank < SSCAM_LEAST_RANK || rank > SSCAM_MOST_RANK))
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_engine: input_rank is %d, not 3 to 5, or 0",
                          (int)rank);
    for (int32_t i = 0; i < SSCAM_INPUT_MAX_RANK; i++)
        if (engine->input_shape[i] < 0 || (i >= rank && engine->input_shape[i] != 0))
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "sscam_engine: input_shape[%d] is %lld, for an input_rank of %d",
                              (int)i, (long long)engine->input_shape[i], (int)rank);
    return SSCAM_OK;
}

static sscam_status check_counts(const sscam_engine *engine)
{
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {{"class_count", engine->class_count},
                  {"largest_batch", engine->largest_batch},
                  {"preferred_batch", engine->preferred_batch},
                  {"output_count", engine->output_count}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (counts[i].value < 0)
            return sscam_fail(SSCAM_E_ARGUMENT, "sscam_engine: %s is %lld, not at least 0",
                              counts[i].name, (long long)counts[i].value);
    if (engine->output_count > INT32_MAX || (engine->output_count > 0 && !engine->output_names))
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_engine: output_count is %lld, without names",
                          (long long)engine->output_count);
    for (int64_t i = 0; i < engine->output_count; i++)
        if (!engine->output_names[i])
            return sscam_fail(SSCAM_E_ARGUMENT, "sscam_engine: output_names[%lld] is NULL",
                              (long long)i);
    if (engine->largest_batch > 0 && engine->input_shape[0] > engine->largest_batch)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "sscam_engine: input_shape[0] is %lld, above largest_batch, %lld",
                          (long long)engine->input_shape[0], (long long)engine->largest_batch);
    return SSCAM_OK;
}

static sscam_status check_engine(const sscam_engine *engine)
{
    const int32_t known = SSCAM_ENGINE_THREAD_SAFE | SSCAM_ENGINE_CHANNELS_LAST;
    if (!engine->describe || !engine->run)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_engine: %s is NULL",
                          engine->describe ? "run" : "describe");
    if (engine->flags & ~known)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_engine: flags has unknown bits, 0x%x",
                          (unsigned)(engine->flags & ~known));
    sscam_status status = check_input_shape(engine);
    return status == SSCAM_OK ? check_counts(engine) : status;
}

static void free_texts(sscam_engine *engine)
{
    char **names = (char **)engine->output_names;
    free((char *)engine->name);
    free((char *)engine->device);
    for (int64_t i = 0; names && i < engine->output_count; i++)
        free(names[i]);
    free(names);
}

/* Replaces the texts of the host by copies. */
static sscam_status copy_texts(sscam_engine *engine)
{
    const sscam_engine given = *engine;
    char **names = NULL;
    int32_t is_complete = 1;
    engine->name = strdup(given.name ? given.name : "engine");
    engine->device = strdup(given.device ? given.device : "host");
    if (given.output_count > 0)
        names = sscam_zeros(given.output_count, sizeof *names);
    for (int64_t i = 0; names && i < given.output_count; i++) {
        names[i] = strdup(given.output_names[i]);
        is_complete = is_complete && names[i];
    }
    engine->output_names = (const char *const *)names;
    if (engine->name && engine->device && is_complete && (names || given.output_count == 0))
        return SSCAM_OK;
    free_texts(engine);
    return sscam_fail_memory("an engine");
}

sscam_status sscam_engine_network_create(const sscam_engine *engine, void **network)
{
    sscam_engine_network *created = calloc(1, sizeof *created);
    if (!created)
        return sscam_fail_memory("an engine");
    sscam_status status = sscam_public_struct_read(
        engine, &created->engine, sizeof created->engine,
        offsetof(sscam_engine, release) + sizeof engine->release, "sscam_engine");
    if (status == SSCAM_OK)
        status = check_engine(&created->engine);
    if (status == SSCAM_OK)
        status = copy_texts(&created->engine);
    if (status == SSCAM_OK) {
        status = sscam_engine_turns_create(&created->turns);
        if (status != SSCAM_OK)
            free_texts(&created->engine);
    }
    if (status != SSCAM_OK) {
        free(created);
        return status;
    }
    *network = created;
    return SSCAM_OK;
}

sscam_status sscam_model_create_from_engine(const sscam_engine *engine, sscam_model **out)
{
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_create_from_engine: out is NULL");
    *out = NULL;
    if (!engine)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_create_from_engine: engine is NULL");
    sscam_model *model = sscam_model_create(sscam_engine_backend(), NULL);
    if (!model)
        return sscam_fail_memory("a model");
    sscam_status status = sscam_engine_network_create(engine, &model->network);
    if (status != SSCAM_OK) {
        free(model);
        return status;
    }
    *out = model;
    return sscam_succeed();
}

static void destroy(void *handle)
{
    sscam_engine_network *network = handle;
    if (network->engine.release)
        network->engine.release(network->engine.user);
    sscam_engine_free_blocks(network);
    sscam_engine_turns_destroy(&network->turns);
    free_texts(&network->engine);
    free(network);
}

static const char *device(const void *handle)
{
    return ((const sscam_engine_network *)handle)->engine.device;
}

/* --- layers ----------------------------------------------------------------------------------- */

/* Finds the shapes that the engine did not tell by running the network on zeros. */
static sscam_status find_shapes(const sscam_engine_batch *zeros, struct sscam_layers *layers)
{
    sscam_status status = SSCAM_OK;
    for (size_t i = 0; i < layers->count && status == SSCAM_OK; i++) {
        sscam_layer *layer = &layers->layer[i];
        sscam_engine_reply reply;
        if (layer->rank > 0)
            continue;
        status = sscam_engine_batch_run(zeros, 1, layer->name, &reply);
        if (status == SSCAM_OK) {
            layer->rank = reply.activations.rank;
            memcpy(layer->shape, reply.activations.shape, sizeof layer->shape);
        }
        sscam_engine_reply_release(&reply);
    }
    return status;
}

static sscam_status layers(void *handle, const sscam_shape *shape, const char *output,
                           struct sscam_layers *out)
{
    sscam_engine_network *network = handle;
    sscam_engine_batch zeros;
    sscam_engine_reply reply;
    sscam_engine_reply_begin(&reply, 1);
    sscam_status status = sscam_engine_batch_create(network, shape, output, 1, &zeros);
    if (status == SSCAM_OK)
        status = sscam_engine_describe(network, shape, zeros.output, &reply);
    if (status == SSCAM_OK) {
        memset(sscam_engine_batch_row(&zeros, 0), 0,
               (size_t)sscam_input_size(shape) * sizeof(float));
        status = find_shapes(&zeros, &reply.layers);
    }
    if (status == SSCAM_OK) {
        *out = reply.layers;
        memset(&reply.layers, 0, sizeof reply.layers);
    }
    sscam_engine_batch_destroy(&zeros);
    sscam_engine_reply_release(&reply);
    return status;
}

/* The layer of that name; NULL or "": the default one. */
static sscam_status find_layer(const sscam_engine_network *network,
                               const struct sscam_layers *listed, const char *name,
                               const sscam_layer **out)
{
    const int32_t is_named = name && name[0] != '\0';
    *out = NULL;
    if (!is_named && listed->default_index >= 0)
        *out = &listed->layer[listed->default_index];
    for (size_t i = 0; is_named && i < listed->count && !*out; i++)
        if (strcmp(listed->layer[i].name, name) == 0)
            *out = &listed->layer[i];
    if (*out && ((*out)->rank == 0 || (*out)->rank >= SSCAM_LEAST_RANK))
        return SSCAM_OK;
    if (*out)
        return sscam_fail(SSCAM_E_LAYER, "layer %s: its output has no positions", (*out)->name);
    return is_named ? sscam_fail_unknown_layer(name, listed)
                    : sscam_fail(SSCAM_E_LAYER, "%s describes no layer with positions",
                                 network->engine.name);
}

/* --- classification --------------------------------------------------------------------------- */

/* Rows of all inputs of a call. */
typedef struct classification {
    const sscam_output_selection *selection;
    const float *input;
    int64_t images;
    float *rows; /* malloc'ed when the number of classes is known */
    int64_t classes;
} classification;

/* `first`: number of the first input. */
static sscam_status check_finite(const sscam_engine_network *network,
                                 const sscam_engine_values *outputs, int64_t first)
{
    const int64_t size = sscam_engine_output_size(outputs), count = outputs->shape[0] * size;
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(outputs->values[i]))
            return sscam_fail(SSCAM_E_MODEL, "%s: output %lld of input %lld is %g",
                              network->engine.name, (long long)(i % size),
                              (long long)(first + i / size), (double)outputs->values[i]);
    return SSCAM_OK;
}

static sscam_status keep_rows(classification *work, const sscam_engine_network *network,
                              const sscam_engine_values *outputs, int64_t first)
{
    const sscam_output_selection *selection = work->selection;
    const int64_t classes = sscam_engine_class_count(outputs);
    sscam_status status = check_finite(network, outputs, first);
    if (status == SSCAM_OK && !work->rows) {
        work->classes = classes;
        work->rows = sscam_allocate_array(sscam_times(work->images, classes), sizeof *work->rows);
        if (!work->rows)
            status = sscam_fail_memory("logits");
    }
    if (status == SSCAM_OK && classes != work->classes)
        status = sscam_fail(SSCAM_E_MODEL, "%s: %lld outputs for one input and %lld for another",
                            network->engine.name, (long long)work->classes, (long long)classes);
    for (int64_t i = 0; i < outputs->shape[0] && status == SSCAM_OK; i++)
        status = sscam_engine_read_row(outputs, i, selection->target_pixels, selection->kind,
                                       work->rows + (first + i) * classes);
    if (status == SSCAM_OK && selection->is_dense)
        *selection->is_dense = sscam_engine_is_dense(outputs);
    return status;
}

static sscam_status classify_in_batches(classification *work, const sscam_engine_batch *batch)
{
    const int64_t size = sscam_input_size(&batch->shape);
    sscam_status status = SSCAM_OK;
    for (int64_t first = 0; first < work->images && status == SSCAM_OK;) {
        const int64_t left = work->images - first,
                      rows = left < batch->row_count ? left : batch->row_count;
        sscam_engine_reply reply;
        for (int64_t i = 0; i < rows; i++)
            sscam_engine_batch_set(batch, i, work->input + (first + i) * size);
        status = sscam_engine_batch_run(batch, rows, NULL, &reply);
        if (status == SSCAM_OK)
            status = keep_rows(work, batch->network, &reply.outputs, first);
        sscam_engine_reply_release(&reply);
        first += rows;
    }
    return status;
}

static sscam_status classify(void *handle, const float *input, const sscam_shape *shape,
                             const sscam_output_selection *selection, float **logits,
                             int64_t *class_count)
{
    sscam_engine_network *network = handle;
    sscam_engine_batch batch;
    classification work = {.selection = selection, .input = input, .images = shape->images};
    int64_t rows = 0;
    sscam_status status = sscam_engine_choose_rows(network, 0, &rows);
    if (status != SSCAM_OK)
        return status;
    status = sscam_engine_batch_create(network, shape, selection->output,
                                       rows < shape->images ? rows : shape->images, &batch);
    if (status == SSCAM_OK)
        status = classify_in_batches(&work, &batch);
    sscam_engine_batch_destroy(&batch);
    if (status != SSCAM_OK) {
        free(work.rows);
        return status;
    }
    *logits = work.rows;
    *class_count = work.classes;
    return SSCAM_OK;
}

/* --- capture ---------------------------------------------------------------------------------- */

/* Checks the shape of what a callback gave for a layer; `expected_rank` 0: any shape will do. */
static sscam_status check_layer_shape(const sscam_engine_network *network, const char *what,
                                      const char *layer, const sscam_engine_values *given,
                                      const int64_t *expected, int32_t expected_rank)
{
    char shape[SSCAM_ENGINE_SHAPE_SIZE], expected_shape[SSCAM_ENGINE_SHAPE_SIZE];
    if (expected_rank == 0 ||
        (expected_rank == given->rank &&
         memcmp(expected, given->shape, (size_t)expected_rank * sizeof *expected) == 0))
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_MODEL, "%s: %s of layer %s have shape %s, and not %s",
                      network->engine.name, what, layer,
                      sscam_engine_write_shape(given->shape, given->rank, shape),
                      sscam_engine_write_shape(expected, expected_rank, expected_shape));
}

/* Logits and, of a dense output, target pixels and probabilities; resolves the target. */
static sscam_status read_outputs(const sscam_engine_values *outputs,
                                 const sscam_capture_request *request, sscam_capture *out)
{
    const int64_t classes = sscam_engine_class_count(outputs);
    const sscam_score_kind kind = request->region && request->region->by_sign ? SSCAM_SCORE_SIGMOID
                                                                              : SSCAM_SCORE_SOFTMAX;
    const int32_t is_dense = sscam_engine_is_dense(outputs);
    sscam_status status = SSCAM_OK;
    out->class_count = classes;
    out->target = request->target;
    out->logits = sscam_allocate_array(classes, sizeof *out->logits);
    out->probabilities = is_dense ? sscam_allocate_array(classes, sizeof *out->probabilities)
                                  : NULL;
    if (!out->logits || (is_dense && !out->probabilities))
        return sscam_fail_memory("logits");
    if (is_dense) {
        status = sscam_engine_find_pixels(outputs, request, &out->target, &out->target_pixels);
        out->target.target_pixels = out->target_pixels;
    }
    if (status == SSCAM_OK && is_dense)
        status = sscam_engine_read_row(outputs, 0, out->target_pixels, kind, out->probabilities);
    if (status == SSCAM_OK)
        status = sscam_engine_read_row(outputs, 0, out->target_pixels, SSCAM_SCORE_LOGIT,
                                       out->logits);
    return status == SSCAM_OK ? sscam_resolve_target(&out->target, out->logits, classes) : status;
}

/* Takes the activations from the reply. */
static sscam_status take_activations(const sscam_layer *layer, sscam_engine_values *activations,
                                     sscam_capture *out)
{
    out->layer = strdup(layer->name);
    if (!out->layer)
        return sscam_fail_memory("a layer's name");
    out->rank = activations->rank;
    memcpy(out->shape, activations->shape, sizeof out->shape);
    out->activations = activations->values;
    activations->values = NULL;
    return SSCAM_OK;
}

static sscam_status differentiate(const sscam_engine_batch *batch, const sscam_layer *layer,
                                  const sscam_engine_values *outputs, sscam_capture *out)
{
    int64_t numbers[SSCAM_MOST_RANK];
    sscam_engine_request request = sscam_engine_batch_request(batch, 1, numbers);
    sscam_engine_reply reply;
    const int64_t count = sscam_engine_output_size(outputs);
    float *weights = sscam_allocate_array(count, sizeof *weights);
    if (!weights)
        return sscam_fail_memory("output weights");
    sscam_status status = sscam_engine_write_weights(outputs, out->logits, &out->target, weights);
    if (status != SSCAM_OK) {
        free(weights);
        return status;
    }
    request.layer = layer->name;
    request.activations = out->activations;
    request.activation_shape = out->shape;
    request.activation_rank = out->rank;
    request.output_weights = weights;
    request.output_weight_count = count;
    sscam_engine_reply_begin(&reply, 1);
    status = sscam_engine_differentiate(batch->network, &request, &reply);
    /* They may be those of the first input or of all that the engine takes. */
    if (status == SSCAM_OK && reply.gradients.shape[0] != out->shape[0])
        status = sscam_engine_keep_first(batch->network, reply.gradients.shape, layer->name);
    if (status == SSCAM_OK)
        status = check_layer_shape(batch->network, "gradients", layer->name, &reply.gradients,
                                   out->shape, out->rank);
    if (status == SSCAM_OK) {
        out->gradients = reply.gradients.values;
        reply.gradients.values = NULL;
    }
    sscam_engine_reply_release(&reply);
    free(weights);
    return status;
}

static sscam_status capture_layer(const sscam_engine_batch *batch, const sscam_layer *layer,
                                  const sscam_capture_request *request, sscam_capture *out)
{
    sscam_engine_network *network = batch->network;
    sscam_engine_reply reply;
    sscam_engine_batch_set(batch, 0, request->input);
    sscam_status status = sscam_engine_batch_run(batch, 1, layer->name, &reply);
    if (status == SSCAM_OK)
        status = check_layer_shape(network, "activations", layer->name, &reply.activations,
                                   layer->shape, layer->rank);
    if (status == SSCAM_OK)
        status = read_outputs(&reply.outputs, request, out);
    if (status == SSCAM_OK)
        status = take_activations(layer, &reply.activations, out);
    if (status == SSCAM_OK && request->want_gradients)
        status = differentiate(batch, layer, &reply.outputs, out);
    sscam_engine_reply_release(&reply);
    return status;
}

static sscam_status capture(void *handle, const sscam_capture_request *request, sscam_capture *out)
{
    sscam_engine_network *network = handle;
    const sscam_layer *layer;
    sscam_engine_batch batch;
    sscam_engine_reply description;
    memset(out, 0, sizeof *out);
    if (request->want_gradients) {
        sscam_status status = sscam_engine_require(network, network->engine.gradients, "gradients");
        if (status != SSCAM_OK)
            return status;
    }
    if (request->want_curvature)
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "%s is an engine of the host, which gives no second derivatives",
                          network->engine.name);
    sscam_engine_reply_begin(&description, 1);
    sscam_status status = sscam_engine_batch_create(network, &request->shape, request->output, 1,
                                                    &batch);
    if (status == SSCAM_OK)
        status = sscam_engine_describe(network, &request->shape, batch.output, &description);
    if (status == SSCAM_OK)
        status = find_layer(network, &description.layers, request->layer, &layer);
    if (status == SSCAM_OK)
        status = capture_layer(&batch, layer, request, out);
    if (status != SSCAM_OK)
        sscam_capture_release(out);
    sscam_engine_reply_release(&description);
    sscam_engine_batch_destroy(&batch);
    return status;
}

static sscam_status refuse_gradients(void *handle, const sscam_gradient_request *request,
                                     sscam_gradients *out)
{
    const sscam_engine_network *network = handle;
    (void)request;
    memset(out, 0, sizeof *out);
    return sscam_fail(SSCAM_E_UNSUPPORTED,
                      "%s is an engine of the host, which gives no gradients throughout the "
                      "network; files of TorchScript and torch.export have them",
                      network->engine.name);
}

static void facts_of(const void *network, sscam_network_facts *facts)
{
    const sscam_engine *engine = &((const sscam_engine_network *)network)->engine;
    facts->rank = engine->input_rank;
    for (int32_t i = 0; i < SSCAM_INPUT_MAX_RANK; i++)
        facts->shape[i] = engine->input_shape[i];
    facts->class_count = engine->class_count;
}

/* --- the backend ------------------------------------------------------------------------------ */

const sscam_backend *sscam_engine_backend(void)
{
    /* Networks are created by sscam_model_create_from_engine() and not loaded. */
    static const sscam_backend backend = {
        .destroy = destroy,
        .device = device,
        .layers = layers,
        .classify = classify,
        .capture = capture,
        .differentiate = refuse_gradients,
        .score = sscam_engine_score,
        .ablate = sscam_engine_ablate,
        .describe = facts_of,
    };
    return &backend;
}
