/** @file
 * @brief Networks that run in an engine of the host: ONNX Runtime, OpenVINO, TensorRT, OpenCV,
 * TFLite, a server elsewhere.
 *
 * A struct of callbacks becomes an sscam_model, which explainers and evaluations use like any
 * other. Masks, noise, batches, progress, cancellation, checks and errors are the library's; the
 * engine only runs the network. What works depends on what the engine can do:
 *
 * | callbacks | what they serve |
 * | --- | --- |
 * | `describe` and `run` | Score-CAM, both SS-CAMs, IS-CAM, Eigen-CAM; every metric |
 * | and `gradients` | the methods that need gradients |
 * | and `tail` | Ablation-CAM |
 *
 * A method that needs a callback which the engine lacks fails with SSCAM_E_UNSUPPORTED; the message
 * names the method and the callback.
 *
 * @code
 * static sscam_status describe(void *user, const sscam_engine_request *request,
 *                              sscam_engine_reply *reply)
 * {
 *     const int64_t shape[] = {1, 512, 7, 7};
 *     return sscam_engine_reply_add_layer(reply, "features", "Relu", shape, 4);
 * }
 *
 * static sscam_status run(void *user, const sscam_engine_request *request,
 *                         sscam_engine_reply *reply)
 * {
 *     const int64_t rows = request->shape[0], outputs[] = {rows, 1000}, features[] = {1, 512, 7,
 *     7}; if (!my_engine_run(user, request->input, rows))
 *         return sscam_engine_reply_set_error(reply, my_engine_error(user));
 *     if (request->layer)
 *         sscam_engine_reply_set_activations(reply, my_engine_features(user), features, 4);
 *     return sscam_engine_reply_set_outputs(reply, my_engine_logits(user), outputs, 2);
 * }
 *
 * sscam_engine engine = SSCAM_ENGINE_INIT;
 * engine.user = my_engine;
 * engine.describe = describe;
 * engine.run = run;
 * sscam_status status = sscam_model_create_from_engine(&engine, &model);
 * @endcode
 */
#ifndef SSCAM_ENGINE_H
#define SSCAM_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "model.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @name Bits of sscam_engine's flags
 * @{ */
/** The callbacks may be called by several threads at the same time. Without it, the library calls
 * one at a time. */
#define SSCAM_ENGINE_THREAD_SAFE 1
/** The values of inputs are in the order [N,H,W,C] ([N,W,C], [N,D,H,W,C]), as TensorFlow Lite takes
 * them, rather than [N,C,H,W]. Shapes are written as {N,C,H,W} all the same. */
#define SSCAM_ENGINE_CHANNELS_LAST 2
/** @} */

/** What the library asks a callback for. The library makes it, and owns what it points to; all of
 * it is valid until the callback returns. A callback reads the fields that its description names.
 * */
typedef struct sscam_engine_request {
    /** sizeof(sscam_engine_request) of the library. */
    size_t struct_size;
    /** The inputs: finite float32, as many as `shape` says, without gaps. NULL for `describe`. */
    const float *input;
    /** `rank` numbers: {N,C,W}, {N,C,H,W} or {N,C,D,H,W}. */
    const int64_t *shape;
    /** 3 to 5. */
    int32_t rank;
    /** Which of the network's outputs is wanted: its position among the engine's `output_names`; 0
     * where there are none. */
    int32_t output;
    /** Name of a layer that `describe` listed, or NULL. */
    const char *layer;
    /** Activations of `layer`, without gaps. */
    const float *activations;
    /** `activation_rank` numbers. */
    const int64_t *activation_shape;
    /** Number of dimensions of `activations`. */
    int32_t activation_rank;
    /** Always 0. */
    int32_t reserved;
    /** The factors w of the scalar sum_j w_j y_j that is differentiated. */
    const float *output_weights;
    /** Number of factors: that of the classes, or of dense outputs classes x h x w. */
    int64_t output_weight_count;
} sscam_engine_request;

/** Where a callback puts its results: the functions sscam_engine_reply_ copy what they are given.
 * It is valid until the callback returns, for one thread at a time. */
typedef struct sscam_engine_reply sscam_engine_reply;

/**
 * A callback of the host.
 *
 * It is called by the thread that called the library (an explanation, sscam_model_classify(),
 * sscam_model_layers(), an evaluation), never under a lock of the library's. It may call functions
 * of the library for other models. A call for the model that it serves is refused with
 * SSCAM_E_ARGUMENT unless the engine is SSCAM_ENGINE_THREAD_SAFE; so is, in place of a wait that
 * could last forever, a call for another model whose engine is busy in another thread. It must not
 * wait for another thread that uses the same model, and must neither throw nor longjmp past the
 * library.
 *
 * @param user    The engine's `user`.
 * @param request What is wanted.
 * @param reply   Receives the results.
 * @return SSCAM_OK, or the status with which the caller's call fails: one of the SSCAM_E_ values;
 *         any other value becomes SSCAM_E_MODEL. After SSCAM_E_MEMORY, batches are tried again with
 *         half as many inputs. The text of sscam_engine_reply_set_error() becomes part of the
 *         message.
 * @since 1.0
 */
typedef sscam_status (*sscam_engine_callback)(void *user, const sscam_engine_request *request,
                                              sscam_engine_reply *reply);

/** An engine of the host. Set it to SSCAM_ENGINE_INIT, then its fields; `describe` and `run` are
 * required. The struct and its texts are copied and need not outlive
 * sscam_model_create_from_engine(). */
typedef struct sscam_engine {
    /** sizeof(sscam_engine). */
    size_t struct_size;
    /** Passed to every callback. */
    void *user;
    /** What messages call the network, such as its file's name. NULL: "engine". */
    const char *name;
    /** What sscam_model_device() gives. NULL: "host". */
    const char *device;
    /** SSCAM_ENGINE_ bits. */
    int32_t flags;
    /** Number of dimensions that inputs have to have, 3 to 5; 0: any of them. */
    int32_t input_rank;
    /** The shape {N,C,H,W} that inputs have to have; 0: any size, and for all of them where
     * input_rank is 0. N above 0 means exactly that many inputs at once: the library fills up
     * batches that have fewer and drops what the engine gives for the added ones. */
    int64_t input_shape[SSCAM_INPUT_MAX_RANK];
    /** Number of classes of the first output; 0: not known before it is run. */
    int64_t class_count;
    /** Most inputs at once; 0: any number. */
    int64_t largest_batch;
    /** How many inputs at once are the fastest, where the option `batch_size` is 0; 0: not known.
     * */
    int64_t preferred_batch;
    /** Names of the outputs among which the option `output` chooses; NULL: there is one, without a
     * name. */
    const char *const *output_names;
    /** Number of names. */
    int64_t output_count;
    /**
     * Lists the layers that can be explained, by sscam_engine_reply_add_layer() in the order of
     * execution. Called whenever a layer is looked up, so it has to be cheap.
     *
     * Reads: `shape` (N is 1, or the fixed one), `rank`, `output`.
     */
    sscam_engine_callback describe;
    /**
     * Runs the network.
     *
     * Reads: `input`, `shape`, `rank`, `output`, `layer`. Gives the outputs by
     * sscam_engine_reply_set_outputs(): logits, before any softmax; one row for each input. Where
     * `layer` is not NULL, also the layer's activations, by sscam_engine_reply_set_activations();
     * there is one input then (or the fixed number, of which the first counts).
     */
    sscam_engine_callback run;
    /**
     * Differentiates y = sum_j output_weights[j] * output[j] of one input by the activations of
     * `layer`, and gives the result, of the activations' shape, by
     * sscam_engine_reply_set_gradients(). May be NULL.
     *
     * Reads all fields. `activations` are those that `run` gave for this input, so that an engine
     * may differentiate only what follows the layer. For a fixed number N of inputs the activations
     * are those of the first input; the gradients may be those of all N, of which the first count.
     */
    sscam_engine_callback gradients;
    /**
     * Runs what follows `layer` on altered activations, and gives one row of outputs for each of
     * them by sscam_engine_reply_set_outputs(). May be NULL.
     *
     * Reads all fields but the weights. `input` is the one input (or the fixed number of equal
     * ones) whose activations were altered, for networks in which something else than the layer
     * passes the input on. The batch axis of the activations, which had size 1, has the number of
     * rows. The library checks once a call that unaltered activations give the outputs of `run`.
     */
    sscam_engine_callback tail;
    /** Called once, when the last reference to the model is released; not called when the model
     * cannot be created. May be NULL. */
    void (*release)(void *user);
} sscam_engine;

/** Initial value of an sscam_engine. */
#define SSCAM_ENGINE_INIT                                                                      \
    {                                                                                          \
        sizeof(sscam_engine), NULL, NULL, NULL, 0, 0, {0, 0, 0, 0, 0}, 0, 0, 0, NULL, 0, NULL, \
            NULL, NULL, NULL, NULL                                                             \
    }

/**
 * Makes a model of an engine of the host.
 *
 * @param engine The engine. It is copied; `user` has to be valid until `release` is called.
 * @param[out] out The model, or NULL on failure. Ownership: the caller's, to be released with
 *               sscam_model_unref().
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, a struct_size that is not a sizeof, `describe` or `run`
 *         is NULL, an unknown flag, a negative or unusable number: the message names it);
 *         SSCAM_E_MEMORY.
 * Thread: any thread. No callback is called.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_model_create_from_engine(const sscam_engine *engine,
                                                      sscam_model **out);

/**
 * Adds a layer to the list of `describe`.
 *
 * @param reply The callback's.
 * @param name  Its name, not empty and not listed before; the option `layer` takes it. Copied.
 * @param kind  Its kind, such as "Conv2d". Copied. NULL: "".
 * @param shape `rank` numbers, each at least 1: the shape of its activations for one input (or the
 *              fixed number). NULL: unknown; where it is needed, `run` is called with zeros.
 * @param rank  1 to 8, or 0 with a shape of NULL. A layer can be explained whose activations are
 *              [1,K,h,w], [1,h,w,K], [1,T,K] or [1,K,T] for images ([1,K,w], [1,K,d,h,w] and the
 *              same with K last for other inputs).
 * @return SSCAM_OK; SSCAM_E_ARGUMENT; SSCAM_E_MEMORY. A failure fails the caller's call, whatever
 *         the callback returns.
 * Thread: any thread while the callback runs, one at a time for a reply.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_engine_reply_add_layer(sscam_engine_reply *reply, const char *name,
                                                    const char *kind, const int64_t *shape,
                                                    int32_t rank);

/**
 * Names the layer that explanations use when none is named. Without this call it is the last one
 * listed that has positions or whose shape is unknown.
 *
 * @param reply The callback's.
 * @param name  Name of a layer that was added, or is added later.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL); SSCAM_E_MEMORY.
 * Thread: any thread while the callback runs, one at a time for a reply.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_engine_reply_set_default_layer(sscam_engine_reply *reply,
                                                            const char *name);

/**
 * Gives the network's outputs: raw logits, before any softmax or sigmoid.
 *
 * @param reply  The callback's.
 * @param values Row-major, without gaps. Copied.
 * @param shape  {N, classes}; of dense outputs, as segmentation networks have them,
 *               {N, classes, h, w}. N is that of the request (in `tail`: of its activations).
 * @param rank   2 or 4.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL or another shape); SSCAM_E_MEMORY. A failure fails the
 *         caller's call, whatever the callback returns.
 * Thread: any thread while the callback runs, one at a time for a reply.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_engine_reply_set_outputs(sscam_engine_reply *reply,
                                                      const float *values, const int64_t *shape,
                                                      int32_t rank);

/**
 * Takes over the memory of a request's `input`, in `run` alone: for engines that keep inputs beyond
 * the callback. The library goes on with memory of its own.
 *
 * @param reply The callback's.
 * @return SSCAM_OK, or SSCAM_E_MEMORY where the library finds no other memory, which fails the
 *         caller's call: in both cases the caller owns what `input` points to, and frees it with
 *         sscam_free(). SSCAM_E_ARGUMENT (NULL; not in `run`; taken before): nothing changes
 *         hands, and the caller's call fails.
 * Thread: any thread while the callback runs, one at a time for a reply.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_engine_reply_take_input(sscam_engine_reply *reply);

/**
 * Gives the activations of the layer that the request names. Ignored where it names none.
 *
 * @param reply  The callback's.
 * @param values Row-major, without gaps. Copied.
 * @param shape  `rank` numbers, each at least 1; those that `describe` told, where it did.
 * @param rank   1 to 8.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL or an unusable shape); SSCAM_E_MEMORY. A failure fails
 *         the caller's call, whatever the callback returns.
 * Thread: any thread while the callback runs, one at a time for a reply.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_engine_reply_set_activations(sscam_engine_reply *reply,
                                                          const float *values, const int64_t *shape,
                                                          int32_t rank);

/**
 * Gives the derivatives by the activations of the request.
 *
 * @param reply  The callback's.
 * @param values Row-major, without gaps. Copied.
 * @param shape  `rank` numbers: the shape of the activations.
 * @param rank   1 to 8.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL or an unusable shape); SSCAM_E_MEMORY. A failure fails
 *         the caller's call, whatever the callback returns.
 * Thread: any thread while the callback runs, one at a time for a reply.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_engine_reply_set_gradients(sscam_engine_reply *reply,
                                                        const float *values, const int64_t *shape,
                                                        int32_t rank);

/**
 * Says why a callback fails. The first text counts; the caller finds it in sscam_last_error(),
 * behind the names of engine and callback.
 *
 * @param reply The callback's.
 * @param text  UTF-8. Copied, up to 767 bytes. NULL: no text.
 * @return SSCAM_OK never: SSCAM_E_MODEL, for the callback to return, or SSCAM_E_ARGUMENT (reply is
 *         NULL). The caller's call fails even if the callback returns SSCAM_OK.
 * Thread: any thread while the callback runs, one at a time for a reply.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_engine_reply_set_error(sscam_engine_reply *reply, const char *text);

#ifdef __cplusplus
}
#endif

#endif
