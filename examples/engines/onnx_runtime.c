/* Explains a network that runs in ONNX Runtime.
 *
 * onnx_runtime MODEL.onnx IMAGE EXPLAINED.png [METHOD [MAP.f32]]
 *
 * The network has one input [N,3,H,W] and an output [N,classes], the logits. Its other outputs of
 * rank 3 and 4 are layers to explain: an ONNX file shows as an output whatever is declared as one
 * when it is exported (examples/demo/export_onnx.py). MAP.f32 receives the map's values. */
#include <stdio.h>
#include <stdlib.h>

#include <onnxruntime_c_api.h>

#include <sscam/sscam.h>

/* --- the engine ------------------------------------------------------------------------------- */

enum { MOST_OUTPUTS = 16, MOST_RANK = 8 };

typedef struct output {
    char *name;
    size_t rank;
    int64_t shape[MOST_RANK]; /* -1: free */
} output;

typedef struct runtime {
    const OrtApi *api;
    OrtEnv *environment;
    OrtSession *session;
    OrtMemoryInfo *memory;
    OrtAllocator *allocator;
    char *input;
    output outputs[MOST_OUTPUTS];
    size_t output_count;
    const output *logits;
} runtime;

static void close_runtime(void *user)
{
    runtime *own = user;
    if (!own)
        return;
    for (size_t i = 0; i < own->output_count; i++)
        own->allocator->Free(own->allocator, own->outputs[i].name);
    if (own->input)
        own->allocator->Free(own->allocator, own->input);
    if (own->memory)
        own->api->ReleaseMemoryInfo(own->memory);
    if (own->session)
        own->api->ReleaseSession(own->session);
    if (own->environment)
        own->api->ReleaseEnv(own->environment);
    free(own);
}

/* Releases a failure, whose text it gives to `reply`, or prints where that is NULL. 1: it failed.
 * */
static int failed(const runtime *own, OrtStatus *status, sscam_engine_reply *reply)
{
    if (!status)
        return 0;
    if (reply)
        sscam_engine_reply_set_error(reply, own->api->GetErrorMessage(status));
    else
        fprintf(stderr, "onnx_runtime: %s\n", own->api->GetErrorMessage(status));
    own->api->ReleaseStatus(status);
    return 1;
}

/* Reads name and shape of an output. */
static int read_output(runtime *own, size_t index)
{
    output *read = &own->outputs[index];
    OrtTypeInfo *type = NULL;
    const OrtTensorTypeAndShapeInfo *tensor = NULL;
    int is_bad = failed(
        own, own->api->SessionGetOutputName(own->session, index, own->allocator, &read->name),
        NULL);
    if (is_bad)
        return 0;
    own->output_count++;
    is_bad = failed(own, own->api->SessionGetOutputTypeInfo(own->session, index, &type), NULL) ||
             failed(own, own->api->CastTypeInfoToTensorInfo(type, &tensor), NULL) || !tensor ||
             failed(own, own->api->GetDimensionsCount(tensor, &read->rank), NULL) ||
             read->rank > MOST_RANK ||
             failed(own, own->api->GetDimensions(tensor, read->shape, read->rank), NULL);
    if (type)
        own->api->ReleaseTypeInfo(type);
    if (!is_bad && read->rank == 2 && !own->logits)
        own->logits = read;
    return !is_bad;
}

static int open_session(runtime *own, const char *path)
{
    OrtSessionOptions *options = NULL;
    size_t count = 0;
    int is_bad =
        failed(own, own->api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "sscam", &own->environment),
               NULL) ||
        failed(own, own->api->CreateSessionOptions(&options), NULL) ||
        failed(own, own->api->CreateSession(own->environment, path, options, &own->session),
               NULL) ||
        failed(own,
               own->api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &own->memory),
               NULL) ||
        failed(own, own->api->GetAllocatorWithDefaultOptions(&own->allocator), NULL) ||
        failed(own, own->api->SessionGetInputName(own->session, 0, own->allocator, &own->input),
               NULL) ||
        failed(own, own->api->SessionGetOutputCount(own->session, &count), NULL);
    if (options)
        own->api->ReleaseSessionOptions(options);
    for (size_t i = 0; i < count && i < MOST_OUTPUTS && !is_bad; i++)
        is_bad = !read_output(own, i);
    if (!is_bad && !own->logits)
        fprintf(stderr, "onnx_runtime: %s: no output is [N,classes]\n", path);
    return !is_bad && own->logits;
}

static runtime *open_runtime(const char *path)
{
    runtime *own = calloc(1, sizeof *own);
    if (own)
        own->api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    if (own && own->api && open_session(own, path))
        return own;
    if (own && !own->api)
        free(own);
    else
        close_runtime(own);
    return NULL;
}

static sscam_status describe(void *user, const sscam_engine_request *request,
                             sscam_engine_reply *reply)
{
    const runtime *own = user;
    for (size_t i = 0; i < own->output_count; i++) {
        const output *layer = &own->outputs[i];
        int64_t shape[MOST_RANK];
        int is_known = 1;
        if (layer == own->logits)
            continue;
        for (size_t axis = 0; axis < layer->rank; axis++) {
            shape[axis] = axis == 0 ? request->shape[0] : layer->shape[axis];
            is_known = is_known && shape[axis] > 0;
        }
        sscam_engine_reply_add_layer(reply, layer->name, "output", is_known ? shape : NULL,
                                     is_known ? (int32_t)layer->rank : 0);
    }
    return SSCAM_OK;
}

typedef sscam_status (*set_values)(sscam_engine_reply *reply, const float *values,
                                   const int64_t *shape, int32_t rank);

static void give(const runtime *own, OrtValue *value, set_values set, sscam_engine_reply *reply)
{
    OrtTensorTypeAndShapeInfo *tensor = NULL;
    void *values = NULL;
    size_t rank = 0;
    int64_t shape[MOST_RANK];
    if (!failed(own, own->api->GetTensorTypeAndShape(value, &tensor), reply) &&
        !failed(own, own->api->GetDimensionsCount(tensor, &rank), reply) && rank <= MOST_RANK &&
        !failed(own, own->api->GetDimensions(tensor, shape, rank), reply) &&
        !failed(own, own->api->GetTensorMutableData(value, &values), reply))
        set(reply, values, shape, (int32_t)rank);
    if (tensor)
        own->api->ReleaseTensorTypeAndShapeInfo(tensor);
}

static sscam_status run(void *user, const sscam_engine_request *request, sscam_engine_reply *reply)
{
    const runtime *own = user;
    const char *const inputs[] = {own->input};
    const char *const outputs[] = {own->logits->name, request->layer};
    OrtValue *input = NULL, *values[] = {NULL, NULL};
    size_t bytes = sizeof(float);
    for (int32_t i = 0; i < request->rank; i++)
        bytes *= (size_t)request->shape[i];
    /* A view of the library's inputs, which the runtime does not write to. */
    if (!failed(own,
                own->api->CreateTensorWithDataAsOrtValue(
                    own->memory, (void *)request->input, bytes, request->shape,
                    (size_t)request->rank, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &input),
                reply) &&
        !failed(own,
                own->api->Run(own->session, NULL, inputs, (const OrtValue *const *)&input, 1,
                              outputs, request->layer ? 2 : 1, values),
                reply)) {
        give(own, values[0], sscam_engine_reply_set_outputs, reply);
        if (request->layer)
            give(own, values[1], sscam_engine_reply_set_activations, reply);
    }
    for (int i = 0; i < 2; i++)
        if (values[i])
            own->api->ReleaseValue(values[i]);
    if (input)
        own->api->ReleaseValue(input);
    return SSCAM_OK; /* an error that was set fails the call */
}

static sscam_model *make_model(const char *path)
{
    sscam_engine engine = SSCAM_ENGINE_INIT;
    sscam_model *model = NULL;
    runtime *own = open_runtime(path);
    if (!own)
        return NULL;
    engine.user = own;
    engine.name = path;
    engine.flags = SSCAM_ENGINE_THREAD_SAFE; /* Run() is */
    engine.input_rank = 4;
    engine.input_shape[1] = 3;
    engine.describe = describe;
    engine.run = run;
    engine.release = close_runtime;
    if (sscam_model_create_from_engine(&engine, &model)) {
        fprintf(stderr, "onnx_runtime: %s\n", sscam_last_error());
        close_runtime(own);
    }
    return model;
}

/* --- the program ------------------------------------------------------------------------------ */

static int write_values(const sscam_map *map, const char *path)
{
    const size_t count = (size_t)sscam_map_width(map) * (size_t)sscam_map_height(map);
    FILE *file = fopen(path, "wb");
    size_t written = file ? fwrite(sscam_map_data(map), sizeof(float), count, file) : 0;
    if (file && fclose(file) != 0)
        written = 0;
    if (written != count)
        fprintf(stderr, "onnx_runtime: cannot write %s\n", path);
    return written == count;
}

int main(int argc, char **argv)
{
    sscam_explainer *explainer = NULL;
    sscam_image *image = NULL, *overlay = NULL;
    sscam_map *map = NULL;
    int is_bad;
    if (argc < 4 || argc > 6) {
        fprintf(stderr, "usage: onnx_runtime MODEL.onnx IMAGE EXPLAINED.png [METHOD [MAP.f32]]\n");
        return 2;
    }
    sscam_model *model = make_model(argv[1]);
    if (!model)
        return 1;
    is_bad = sscam_image_read(argv[2], NULL, &image) ||
             sscam_explainer_create(model, argc > 4 ? argv[4] : "ss-cam-mean", &explainer) ||
             sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, &map) ||
             sscam_map_overlay(map, image, NULL, &overlay) ||
             sscam_image_write_png(overlay, argv[3]);
    if (is_bad)
        fprintf(stderr, "onnx_runtime: %s\n", sscam_last_error());
    else
        printf("class %lld, layer %s\n", (long long)sscam_map_class_index(map),
               sscam_map_layer(map));
    if (!is_bad && argc > 5)
        is_bad = !write_values(map, argv[5]);
    sscam_image_unref(overlay);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
    sscam_image_unref(image);
    sscam_model_unref(model);
    return is_bad;
}
