/** @file
 * @brief A loaded network and its layers.
 */
#ifndef SSCAM_MODEL_H
#define SSCAM_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "array.h"
#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A loaded classifier. Immutable after loading and reference-counted: any number of threads and
 * explainers may share one. A TorchScript network whose forward() changes its own attributes, such
 * as the running statistics of a batch norm that was traced in training mode, runs on a copy of
 * them each time: every evaluation starts from the state in the file. */
typedef struct sscam_model sscam_model;

/** The layers of a model for one input shape: an immutable list. */
typedef struct sscam_layers sscam_layers;

/**
 * Loads a program of torch.export (.pt2; what `torch.export.save` writes) or a TorchScript file
 * (scripted, traced or frozen; what `torch.jit.save` writes). The format is told by the content.
 *
 * A TorchScript file is code: load only files whose origin you trust. A program of torch.export
 * runs operators of libtorch alone.
 *
 * @param path   File name.
 * @param device "cpu", "cuda", "cuda:N", or "auto" (CUDA when there is a device, else the CPU).
 * NULL means "cpu".
 * @param[out] out The model, or NULL on failure. Ownership: the caller's, to be released with
 *               sscam_model_unref().
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (path or out is NULL); SSCAM_E_IO (the file cannot be read);
 *         SSCAM_E_FORMAT (neither of them, or a damaged one: the message says what it is, and how
 * the network is exported where that is known); SSCAM_E_UNSUPPORTED (a program of torch.export with
 * an operator that this libtorch lacks, or that is not taken); SSCAM_E_MODEL (its program cannot be
 * used); SSCAM_E_DEVICE (no such device); SSCAM_E_MEMORY. Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_model_load(const char *path, const char *device, sscam_model **out);

/**
 * Loads a file that is in memory already. As sscam_model_load() otherwise.
 *
 * @param data   The file's content; it may be freed after the call.
 * @param size   Bytes at data, at least 1.
 * @param device As for sscam_model_load().
 * @param[out] out The model, or NULL on failure. Ownership: the caller's.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT; SSCAM_E_FORMAT; SSCAM_E_UNSUPPORTED; SSCAM_E_MODEL;
 *         SSCAM_E_DEVICE; SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_model_load_memory(const void *data, size_t size, const char *device,
                                               sscam_model **out);

/**
 * Adds a reference to a model.
 *
 * @param model A model, or NULL (then nothing happens).
 * @return model. Ownership: the caller has one more reference to release.
 * Thread: any thread; the count is atomic.
 * @since 1.0
 */
SSCAM_API sscam_model *sscam_model_ref(sscam_model *model);

/**
 * Releases one reference; the last one frees the model. Explainers hold a reference of their own.
 *
 * @param model A model, or NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API void sscam_model_unref(sscam_model *model);

/**
 * Device that the model runs on, such as "cpu" or "cuda:0".
 *
 * @param model A model.
 * @return The name. Ownership: the model's. "" for NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const char *sscam_model_device(const sscam_model *model);

/** Number of dimensions that an input has at most. */
#define SSCAM_INPUT_MAX_RANK 5

/**
 * What is known of the shape of a model's inputs without running it: of programs of torch.export
 * the shape that they were exported for, such as {0, 3, 224, 224}; of TorchScript files what the
 * weights of the layer say that reads the input, such as {0, 3, 0, 0}; of an engine of the host
 * what it states.
 *
 * @param model A model.
 * @param[out] shape {N, C, W}, {N, C, H, W} or {N, C, D, H, W}, whatever the order of axes in which
 * the network takes them (sscam_model_input_layout()); 0 for each number that may be any or is
 * unknown, and beyond the rank. May be NULL.
 * @return The number of dimensions, 3 to 5; 0 when it is unknown, and for NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API int32_t sscam_model_input_shape(const sscam_model *model,
                                          int64_t shape[SSCAM_INPUT_MAX_RANK]);

/**
 * Order in which a model takes the axes of the input that is explained, as the option
 * `input_layout` names it: "nchw", "nhwc", "ntchw"; "chw" where it takes no batches. Found without
 * running it, from what reads the input first, or what sscam_model_with_inputs() was told.
 *
 * @param model A model.
 * @return The layout; "" where it is unknown, and for NULL: then inputs are given as [N,C,W],
 *         [N,C,H,W] or [N,C,D,H,W]. Ownership: the library's, static.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const char *sscam_model_input_layout(const sscam_model *model);

/**
 * Type of the elements that a model takes, as the option `input_type` names it: "float32", "uint8".
 *
 * @param model A model.
 * @return The type; "" for NULL. Ownership: the library's, static.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const char *sscam_model_input_type(const sscam_model *model);

/** How a network's inputs are given, where the network itself does not tell. Set it to
 * SSCAM_MODEL_INPUTS_INIT, then its fields. @since 1.0 */
typedef struct sscam_model_inputs {
    /** sizeof(sscam_model_inputs). */
    size_t struct_size;
    /** Order of the axes of the input that is explained: a value of the option `input_layout`, such
     * as "nhwc". NULL: "auto". */
    const char *layout;
    /** Type of its elements: a value of the option `input_type`, such as "uint8". NULL: "auto". */
    const char *type;
    /** Name of the input that is explained. NULL or "": the first tensor that is an image. */
    const char *image_input;
    /** Number of other inputs, at least 0. */
    int64_t count;
    /** `count` names: of arguments of forward() or inputs of a program of torch.export; of what a
     * dictionary or list holds, "x.depth" and "x.0". */
    const char *const *names;
    /** `count` values, as sscam_explainer_set_input() takes them. They are copied. */
    const sscam_array *const *values;
} sscam_model_inputs;

/** Initial value of an sscam_model_inputs: nothing is given. */
#define SSCAM_MODEL_INPUTS_INIT                                     \
    {                                                               \
        sizeof(sscam_model_inputs), NULL, NULL, NULL, 0, NULL, NULL \
    }

/**
 * A model of the same network and weights whose inputs are given as told: its explainers,
 * sscam_model_classify() and sscam_model_layers() use them. What is not told is as the first model
 * has it. Explainers can also be told one by one,
 * by sscam_explainer_set_input() and the options `input_layout`, `input_type` and `image_input`.
 *
 * @param model  A model.
 * @param inputs How inputs are given; it may be freed after the call.
 * @param[out] out The new model, or NULL on failure. Ownership: the caller's, to be released with
 *               sscam_model_unref(). It does not need the first one to live.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, no such layout, type or input: the message lists the
 *         inputs; values that cannot be used); SSCAM_E_UNSUPPORTED (the network runs in an engine
 *         of the host, which has one input); SSCAM_E_MEMORY; SSCAM_E_DEVICE. Inputs that are
 *         missing are told by the first call that runs the network.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_model_with_inputs(sscam_model *model, const sscam_model_inputs *inputs,
                                               sscam_model **out);

/** @param model A model. @return Number of its classes, where it is certain without running it;
 * else 0, and for NULL. sscam_model_classify() always tells. Thread: any. @since 1.0 */
SSCAM_API int64_t sscam_model_class_count(const sscam_model *model);

/**
 * Makes a copy of a model in which the last layers have random parameters, for the sanity check of
 * Adebayo et al. 2018: a map that does not change with the parameters explains nothing of them.
 * Each parameter becomes normal random numbers of its own mean and standard deviation; buffers,
 * such as the statistics of batch norms, stay.
 *
 * @param model  A model. It does not change.
 * @param layers Number of modules that have parameters, counted from the last that the file lists;
 *               more than there are: all. At least 0.
 * @param seed   Seed of the numbers; equal seeds give equal networks on one release of libtorch.
 * @param[out] randomised How many modules have random parameters now; 0 on failure. May be NULL.
 * @param[out] out The model, or NULL on failure. Ownership: the caller's, to be released with
 *               sscam_model_unref().
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, layers below 0); SSCAM_E_UNSUPPORTED (an engine of the
 *         host; a frozen network, whose parameters are constants); SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_model_randomise(sscam_model *model, int64_t layers, int64_t seed,
                                             int64_t *randomised, sscam_model **out);

/**
 * What was measured so far to score masked inputs fast (option `calibrate`): for each shape of
 * inputs the form of the network, the workers and the batch size. Measurements of other runs may
 * choose otherwise, and results then differ in rounding; with the text they do not.
 *
 * @param model A model.
 * @param[out] text The calibration, several lines of ASCII, or NULL on failure. Ownership: the
 *             caller's, to be freed with sscam_free().
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL); SSCAM_E_UNSUPPORTED (the network runs in an engine of
 *         the host); SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_model_calibration(sscam_model *model, char **text);

/**
 * Scores masked inputs as a text of sscam_model_calibration() says, instead of measuring: maps are
 * then bit for bit those of the run that the text comes from. Calls in progress are not affected.
 * Explanations of inputs that the text has nothing for fail with SSCAM_E_UNSUPPORTED unless
 * calibrate=off.
 *
 * @param model A model.
 * @param text  The calibration. NULL forgets it, and what was measured.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (model is NULL); SSCAM_E_FORMAT (no calibration, a damaged
 * one, or one of a later release); SSCAM_E_UNSUPPORTED (one of another network, device, release
 *         of libtorch, kind of processor or number of threads: the message says which; or the
 *         network runs in an engine of the host); SSCAM_E_MEMORY. On failure nothing changes.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_model_set_calibration(sscam_model *model, const char *text);

/**
 * Runs the network on a batch of ready-made inputs.
 *
 * @param model  A model.
 * @param input  [N,C,W] (sound), [N,C,H,W] (images) or [N,C,D,H,W] (video, volumes), already
 *               normalised as the network wants it; where sscam_model_input_layout() tells another
 *               order of axes, in that order, with or without N. Float32 that is row-major without
 *               gaps is read in place; other strides and orders, float64 (rounded to float32),
 *               uint8 and int64 through a copy.
 * @param[out] logits Room for capacity floats; receives [N,classes], the network's raw outputs; of
 * dense outputs [N,classes,h,w] their means over all pixels. May be NULL when capacity is 0: then
 *               only class_count is written.
 * @param capacity Floats at logits: 0, or at least N x classes.
 * @param[out] class_count Number of outputs a row.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, a rank other than 3 to 5, a bad shape, an element type
 *         that is no input's, a NaN, an infinity or a value beyond float32 in the input, capacity
 *         too small: the message says how many are needed); SSCAM_E_MODEL (the network failed or
 *         gave no tensor [N,classes] or [N,classes,h,w]); SSCAM_E_MEMORY; SSCAM_E_DEVICE.
 * Thread: any thread; calls on one model may run at the same time.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_model_classify(sscam_model *model, const sscam_array *input,
                                            float *logits, int64_t capacity, int64_t *class_count);

/**
 * Lists the layers that can be explained, in the order in which the network runs them.
 *
 * @param model A model.
 * @param shape `rank` numbers, {1, C, W}, {1, C, H, W} or {1, C, D, H, W}: an input's shape. The
 *              network is run once on zeros of that shape.
 * @param rank  3 to 5.
 * @param[out] out The list, or NULL on failure. Ownership: the caller's, to be freed with
 *              sscam_layers_unref().
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, another rank or a bad shape); SSCAM_E_MODEL (the
 *         network failed on that shape); SSCAM_E_MEMORY; SSCAM_E_DEVICE. Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_model_layers(sscam_model *model, const int64_t *shape, int32_t rank,
                                          sscam_layers **out);

/** @param layers A list, or NULL. @return Number of layers; 0 for NULL. Thread: any. @since 1.0 */
SSCAM_API int64_t sscam_layers_count(const sscam_layers *layers);

/**
 * The layer that explanations use when none is named: the last feature map before global pooling or
 * flattening, or the tokens that a transformer's last attention reads.
 *
 * @param layers A list.
 * @return Its index, or -1 when the network has no layer with a spatial output.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API int64_t sscam_layers_default(const sscam_layers *layers);

/**
 * Name of a layer, as the `layer` option takes it ("layer4.1.conv2"; for frozen files, which carry
 * no module names, the name of the value).
 *
 * @param layers A list.
 * @param index  0 to count - 1.
 * @return The name. Ownership: the list's. NULL for an index out of range.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const char *sscam_layers_name(const sscam_layers *layers, int64_t index);

/**
 * Kind of a layer: the class of its module or the name of its operation ("Conv2d", "aten::relu").
 *
 * @param layers A list.
 * @param index  0 to count - 1.
 * @return The kind. Ownership: the list's. NULL for an index out of range.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const char *sscam_layers_kind(const sscam_layers *layers, int64_t index);

/**
 * Shape of a layer's output for the input shape that the list was made for.
 *
 * @param layers A list.
 * @param index  0 to count - 1.
 * @param[out] rank Number of dimensions; 0 for an index out of range. May be NULL.
 * @return The dimensions, usually {1, K, h, w}; {1, K, w} for sound, {1, K, d, h, w} for video.
 *         Ownership: the list's. NULL for an index out of range.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const int64_t *sscam_layers_shape(const sscam_layers *layers, int64_t index,
                                            int32_t *rank);

/**
 * Number of tensors among the network's outputs, as the option `output` counts them.
 *
 * @param layers A list.
 * @return The number; 0 where it is unknown, as of engines of the host, and for NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API int64_t sscam_layers_output_count(const sscam_layers *layers);

/**
 * The output whose values are the class scores where the option `output` names none: the first one
 * of a suitable shape.
 *
 * @param layers A list.
 * @return Its index, or -1 where the outputs are unknown.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API int64_t sscam_layers_output_taken(const sscam_layers *layers);

/**
 * Name of an output: its key in a dictionary, or its field in a named tuple.
 *
 * @param layers A list.
 * @param index  0 to count - 1.
 * @return The name; "" where it has none. Ownership: the list's. NULL for an index out of range.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const char *sscam_layers_output_name(const sscam_layers *layers, int64_t index);

/**
 * Shape of an output for the input shape that the list was made for.
 *
 * @param layers A list.
 * @param index  0 to count - 1.
 * @param[out] rank Number of dimensions; 0 for an index out of range and for a single number. May
 * be NULL.
 * @return The dimensions. Ownership: the list's. NULL for an index out of range.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const int64_t *sscam_layers_output_shape(const sscam_layers *layers, int64_t index,
                                                   int32_t *rank);

/**
 * Adds a reference to a list.
 *
 * @param layers A list, or NULL (then nothing happens).
 * @return layers. Ownership: the caller has one more reference to release.
 * Thread: any thread; the count is atomic.
 * @since 1.0
 */
SSCAM_API sscam_layers *sscam_layers_ref(sscam_layers *layers);

/**
 * Releases one reference; the last one frees the list.
 *
 * @param layers A list, or NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API void sscam_layers_unref(sscam_layers *layers);

#ifdef __cplusplus
}
#endif

#endif
