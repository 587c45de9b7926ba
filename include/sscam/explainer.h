/** @file
 * @brief One method with its options, bound to a model.
 */
#ifndef SSCAM_EXPLAINER_H
#define SSCAM_EXPLAINER_H

#include <stddef.h>
#include <stdint.h>

#include "array.h"
#include "export.h"
#include "image.h"
#include "map.h"
#include "model.h"
#include "option.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A method and its options, bound to a model. Belongs to one thread at a time: of two calls at the
 * same time the second fails with SSCAM_E_ARGUMENT. */
typedef struct sscam_explainer sscam_explainer;

/** The class with the highest output; of dense outputs the class that is predicted at most pixels.
 */
#define SSCAM_CLASS_TOP INT64_C(-1)

/** The class with the kth highest output, or with the kth most pixels of a dense output, k from 1
 * to the number of classes; of equal outputs the lower index comes first. SSCAM_CLASS_RANKED(1) is
 * SSCAM_CLASS_TOP. @since 1.0 */
#define SSCAM_CLASS_RANKED(k) ((k) > 0 ? -INT64_C(1) * (k) : INT64_MIN)

/**
 * Is called with the progress of a call, between batches of network evaluations, by the thread that
 * called the library. It must not throw or longjmp. It may use other explainers, of the same model
 * too. On an explainer of the same call every function but sscam_explainer_get(), the typed
 * getters, _cancel, _ref and _unref fails with SSCAM_E_ARGUMENT.
 *
 * @param user     The pointer given to sscam_explainer_set_progress().
 * @param fraction Share done, 0 to 1, never decreasing within a call.
 * @return 0 to go on; anything else stops the call, which then returns SSCAM_E_CANCELLED.
 */
typedef int32_t (*sscam_progress_callback)(void *user, double fraction);

/**
 * Network evaluations of the call whose progress callback is running: of masked inputs, as
 * sscam_map_passes() counts them.
 *
 * @param[out] done  How many are done. Never NULL.
 * @param[out] total How many the call is expected to take; 0 before it is known. With the option
 *                   `tolerance` an estimate, which later calls of the callback may correct. Never
 *                   NULL.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL; the calling thread is in no progress callback).
 * Thread: the one that called the library, in the callback.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_progress_passes(int64_t *done, int64_t *total);

/**
 * Creates an explainer with all options at their defaults.
 *
 * @param model  A model; the explainer takes a reference of its own.
 * @param method Name from the method table, such as "ss-cam-max".
 * @param[out] out The explainer, or NULL on failure. Ownership: the caller's, to be released with
 *               sscam_explainer_unref().
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, or no such method: the message lists them);
 * SSCAM_E_MEMORY. Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_create(sscam_model *model, const char *method,
                                              sscam_explainer **out);

/**
 * Adds a reference to an explainer.
 *
 * @param explainer An explainer, or NULL (then nothing happens).
 * @return explainer. Ownership: the caller has one more reference to release.
 * Thread: any thread; the count is atomic.
 * @since 1.0
 */
SSCAM_API sscam_explainer *sscam_explainer_ref(sscam_explainer *explainer);

/**
 * Releases one reference; the last one frees the explainer. A call that uses it holds one until it
 * ends.
 *
 * @param explainer An explainer, or NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API void sscam_explainer_unref(sscam_explainer *explainer);

/**
 * Sets an option from text, whatever its type.
 *
 * @param explainer An explainer.
 * @param name      Option name, such as "samples".
 * @param value     Value as text, such as "10". It is copied.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, no such option, a value of the wrong form or out of
 *         range: the message says what is allowed); SSCAM_E_MEMORY. On failure the option keeps its
 *         value.
 * Thread: the explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_set(sscam_explainer *explainer, const char *name,
                                           const char *value);

/**
 * Sets a whole-number option.
 *
 * @param explainer An explainer.
 * @param option    An SSCAM_OPTION_ identifier of type SSCAM_OPTION_TYPE_INT.
 * @param value     The value.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, no such option, another type, out of range).
 * Thread: the explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_set_int(sscam_explainer *explainer, int32_t option,
                                               int64_t value);

/**
 * Sets a real-number option.
 *
 * @param explainer An explainer.
 * @param option    An SSCAM_OPTION_ identifier of type SSCAM_OPTION_TYPE_REAL.
 * @param value     The value, finite.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, no such option, another type, out of range, not
 *         finite).
 * Thread: the explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_set_real(sscam_explainer *explainer, int32_t option,
                                                double value);

/**
 * Sets a text or choice option.
 *
 * @param explainer An explainer.
 * @param option    An SSCAM_OPTION_ identifier of type SSCAM_OPTION_TYPE_STRING or _CHOICE.
 * @param value     The value. It is copied.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, no such option, another type, not one of the choices);
 *         SSCAM_E_MEMORY.
 * Thread: the explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_set_string(sscam_explainer *explainer, int32_t option,
                                                  const char *value);

/**
 * Value of an option as text, in the form that sscam_explainer_set() takes, whatever its type.
 *
 * @param explainer An explainer.
 * @param name      Option name.
 * @param[out] text The value, or NULL on failure. Ownership: the caller's, to be freed with
 *                  sscam_free().
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, no such option, or another thread is changing an
 *         option); SSCAM_E_MEMORY. The option of a call in progress can be read.
 * Thread: any thread, while none changes an option.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_get(const sscam_explainer *explainer, const char *name,
                                           char **text);

/**
 * Value of a whole-number option.
 *
 * @param explainer  An explainer.
 * @param option     An SSCAM_OPTION_ identifier of type SSCAM_OPTION_TYPE_INT.
 * @param[out] value The value; 0 on failure.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, no such option, another type, or another thread is
 *         changing an option).
 * Thread: as sscam_explainer_get().
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_get_int(const sscam_explainer *explainer, int32_t option,
                                               int64_t *value);

/**
 * Value of a real-number option.
 *
 * @param explainer  An explainer.
 * @param option     An SSCAM_OPTION_ identifier of type SSCAM_OPTION_TYPE_REAL.
 * @param[out] value The value; 0 on failure.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT as from sscam_explainer_get_int().
 * Thread: as sscam_explainer_get().
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_get_real(const sscam_explainer *explainer, int32_t option,
                                                double *value);

/**
 * Value of a text or choice option.
 *
 * @param explainer An explainer.
 * @param option    An SSCAM_OPTION_ identifier of type SSCAM_OPTION_TYPE_STRING or _CHOICE.
 * @param[out] text The value, or NULL on failure. Ownership: the caller's, to be freed with
 *                  sscam_free().
 * @return As sscam_explainer_get_int(); SSCAM_E_MEMORY.
 * Thread: as sscam_explainer_get().
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_get_string(const sscam_explainer *explainer, int32_t option,
                                                  char **text);

/**
 * Selects by a mask which pixels of a network's dense outputs (segmentation, [N,classes,h,w]) are
 * explained, and sets the option `region` to `mask`. Another value of `region` afterwards leaves
 * the mask unused, but keeps it.
 *
 * @param explainer An explainer.
 * @param mask      [height,width] over the whole input, row-major; 0 is outside. It is copied. NULL
 * removes the mask and sets `region` to `predicted`.
 * @param height    Rows, 1 or more: not necessarily the input's. A pixel of the output is inside
 * if its centre lies in a pixel of the mask that is not 0.
 * @param width     Columns, 1 or more.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (explainer is NULL, a size below 1, a mask that is 0
 * everywhere); SSCAM_E_MEMORY. After a failure the mask and the option are as before. Thread: the
 * explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_set_region(sscam_explainer *explainer, const uint8_t *mask,
                                                  int64_t height, int64_t width);

/**
 * Gives the weights w of a target sum_j w_j y_j over the network's outputs y, and sets the option
 * `target` to `weights`. With `target=cosine` the same weights are the vector to which the outputs'
 * cosine similarity is explained, as for embeddings. Another value of `target` afterwards leaves
 * the weights unused, but keeps them. The class of a call then decides only which output
 * sscam_map_logit() and sscam_map_probability() are of, and where a dense output is explained.
 *
 * @param explainer An explainer.
 * @param weights   [count], finite, not all 0. It is copied. NULL removes the weights and sets
 *                  `target` to `class`.
 * @param count     Number of the network's outputs, 1 or more; explaining fails with
 *                  SSCAM_E_ARGUMENT where it is another. For a dense output that of its classes.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (explainer is NULL, count below 1, a weight that is NaN or
 *         infinite, all weights 0); SSCAM_E_MEMORY. After a failure the weights and the option are
 *         as before.
 * Thread: the explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_set_target_weights(sscam_explainer *explainer,
                                                          const float *weights, int64_t count);

/**
 * Gives an input of the network besides the one that is explained: a tensor, or the number or flag
 * that an argument of forward() is. The same values are used for all that the explainer explains.
 * Values whose first side is 1 are repeated for each row of a batch, unless the network's outputs
 * then differ. Explainers that share a call, or an evaluation, must be given the same inputs.
 *
 * @param explainer An explainer.
 * @param name      Name of the input: of the argument of forward(), or of the input of a program of
 *                  torch.export; "x.depth" for the key `depth` of the dictionary `x`, "x.0" for the
 *                  first element of the list or tuple `x`. It is copied.
 * @param values    The values, of up to 8 dimensions; rank 0 for a number or flag. They are copied,
 *                  as float32, uint8, int64 or bool. NULL removes what was given before.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, an array that cannot be used); SSCAM_E_MEMORY. On
 *         failure what was given before stays. The calls that explain refuse names and values that
 *         do not suit the network with SSCAM_E_ARGUMENT, and any with SSCAM_E_UNSUPPORTED where it
 *         runs in an engine of the host.
 * Thread: the explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_set_input(sscam_explainer *explainer, const char *name,
                                                 const sscam_array *values);

/**
 * How the network takes arrays from this explainer, by its options and what
 * sscam_explainer_set_input() was given.
 *
 * @param explainer An explainer.
 * @param[out] layout The order of axes, as sscam_model_input_layout() tells it. May be NULL.
 * Ownership: the library's, static.
 * @param[out] type   The type of elements, as sscam_model_input_type() tells it. May be NULL.
 * Ownership: the library's, static.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (explainer is NULL, another thread is changing an option, or
 *         what was given does not suit the network: the message says why); SSCAM_E_UNSUPPORTED (the
 *         network runs in an engine of the host); SSCAM_E_MEMORY. On failure both are "".
 * Thread: any thread, while none changes an option.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_input_form(const sscam_explainer *explainer,
                                                  const char **layout, const char **type);

/**
 * Sets the callback that progress is reported to, and that may cancel.
 *
 * @param explainer An explainer.
 * @param callback  The function, or NULL for none.
 * @param user      Handed to it unchanged.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (explainer is NULL).
 * Thread: the explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_set_progress(sscam_explainer *explainer,
                                                    sscam_progress_callback callback, void *user);

/**
 * Ends the call that uses an explainer, whichever thread made it: sscam_explain_image() and its
 * siblings, sscam_evaluation_add() and every other call that runs the network. It returns
 * SSCAM_E_CANCELLED, and the explainer can be used again. A batch of network evaluations that has
 * begun is finished first. Where no call uses the explainer, nothing happens: the next call runs.
 *
 * @param explainer An explainer, or NULL; the caller has to hold a reference.
 * Thread: any thread, also during a call and in a progress callback; a signal handler, too: this
 * stores one lock-free atomic variable and does nothing else.
 * @since 1.0
 */
SSCAM_API void sscam_explainer_cancel(sscam_explainer *explainer);

/**
 * Turns an image into the network's input by the options `resize`, `interpolation`, `crop`,
 * `mean`, `std` and `channel_order`; the defaults are torchvision's classification transform.
 *
 * @param explainer An explainer.
 * @param image     An image.
 * @param[out] shape {1, C, H, W} of the input.
 * @param[out] input Room for capacity floats; receives float32 [1,C,H,W]. May be NULL when capacity
 * is 0: then only the shape is written.
 * @param capacity  Floats at input: 0, or at least C x H x W.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, capacity too small, an image of one pixel, or whose
 * proportions make the resized one exceed SSCAM_IMAGE_MAX_PIXELS and the image's own size, mean
 * or std of another count than the channels); SSCAM_E_MEMORY. Thread: the explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_preprocess(sscam_explainer *explainer,
                                                  const sscam_image *image, int64_t shape[4],
                                                  float *input, int64_t capacity);

/** A class of an image. It has no room to grow: arrays of it are passed. @since 1.0 */
typedef struct sscam_class_score {
    /** Index of the network's output. */
    int64_t class_index;
    /** The network's raw output. */
    double logit;
    /** In [0,1], by the option `probability` (softmax or sigmoid). */
    double probability;
} sscam_class_score;

/**
 * Runs the network on an image and gives its highest classes. Options of the preprocessing,
 * `output`, `probability` and `deadline` apply.
 *
 * @param explainer An explainer.
 * @param image     An image; preprocessed as sscam_explainer_preprocess() does.
 * @param[out] scores Room for capacity classes; receives the highest ones, sorted by logit, the
 *                  lower index first among equals. Of dense outputs [1,classes,h,w], logits and
 *                  probabilities are means over all pixels, sorted by the latter. May be NULL when
 *                  capacity is 0.
 * @param capacity  At least 0.
 * @param[out] count Number of classes that the network has: as many as capacity are written, or all
 *                  where there are fewer.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, a negative capacity, an explainer in use, an unusable
 *         image); SSCAM_E_MODEL (the network failed, or gave NaN or infinity); SSCAM_E_CANCELLED;
 *         SSCAM_E_MEMORY; SSCAM_E_DEVICE. Thread: the explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_classify(sscam_explainer *explainer,
                                                const sscam_image *image, sscam_class_score *scores,
                                                int64_t capacity, int64_t *count);

/**
 * Does what the first explanation of inputs of a shape would do besides the others, so that it
 * takes no longer than they do: lists the layers, prepares the network's forms, captures once, and
 * measures which form scores masked inputs fastest. Does so with noise as the input.
 *
 * @param explainer An explainer.
 * @param shape     `rank` numbers, {N, C, W}, {N, C, H, W} or {N, C, D, H, W}: of what will be
 *                  explained in one call. sscam_explainer_preprocess() gives that of images.
 * @param rank      3 to 5.
 * @return As sscam_explain_array(): SSCAM_OK or one of its SSCAM_E_ values. Thread: the
 * explainer's. Its progress callback is called.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explainer_prepare(sscam_explainer *explainer, const int64_t *shape,
                                               int32_t rank);

/**
 * Explains a class on an image.
 *
 * @param explainer   An explainer.
 * @param image       An image; preprocessed as sscam_explainer_preprocess() does.
 * @param class_index Index of the network's output, or SSCAM_CLASS_TOP for the highest, or
 * SSCAM_CLASS_RANKED().
 * @param[out] out    The map, or NULL on failure. Ownership: the caller's, to be released with
 *                    sscam_map_unref().
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, an explainer in use, an image of one pixel or whose
 * input has 2^31 positions or more, options that contradict each other); SSCAM_E_LAYER (the layer
 * does not exist: the message lists near names; or it has no spatial output); SSCAM_E_CLASS;
 * SSCAM_E_MODEL (the network failed, or gave NaN or infinity); SSCAM_E_UNSUPPORTED (the method
 * cannot explain this network: the message says why); SSCAM_E_CANCELLED; SSCAM_E_MEMORY;
 * SSCAM_E_DEVICE. After a failure the explainer can be used again. Thread: the explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explain_image(sscam_explainer *explainer, const sscam_image *image,
                                           int64_t class_index, sscam_map **out);

/**
 * Explains one class on each of a batch of ready-made inputs: sound, images, videos and volumes.
 * The maps have the inputs' sides; sscam_map_shape() says which.
 *
 * @param explainer An explainer.
 * @param input     [N,C,W], [N,C,H,W] or [N,C,D,H,W], as for sscam_model_classify().
 * @param classes   N indices of the network's output, each possibly SSCAM_CLASS_TOP or
 *                  SSCAM_CLASS_RANKED(); NULL means SSCAM_CLASS_TOP for all.
 * @param[out] maps Room for N maps; on failure all are NULL; none is written when the shape is
 *                  refused, since their number is unknown. Ownership: the caller's, each to be
 *                  released with sscam_map_unref().
 * @return As sscam_explain_image(); SSCAM_E_ARGUMENT also for a bad shape, another rank, an element
 *         type that is no input's, and a NaN, an infinity or a value beyond float32 in the input
 *         (the message says where); SSCAM_E_LAYER also where the layer's output has another rank
 *         than the input. Thread: the explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explain_array(sscam_explainer *explainer, const sscam_array *input,
                                           const int64_t *classes, sscam_map **maps);

/**
 * Explains several classes on one image with several explainers, and does once what they have in
 * common: the network's pass to the target layer, and the scores of masked inputs that several
 * explanations need (the two SS-CAMs, one method for several classes). Each map equals the one that
 * sscam_explain_image() gives, up to the network's rounding in batches of other sizes;
 * sscam_map_passes() counts a shared pass once, at the first map that needs it.
 *
 * @param explainers      Explainers of one model, with the same preprocessing options.
 * @param explainer_count Their number, at least 1.
 * @param image           An image.
 * @param classes         class_count class indices, each possibly SSCAM_CLASS_TOP or
 *                        SSCAM_CLASS_RANKED(); NULL means the top class alone.
 * @param class_count     Number of classes, at least 1; ignored when classes is NULL.
 * @param[out] maps       Room for explainer_count x class_count maps (x 1 when classes is NULL):
 *                        those of the first explainer first. On failure all are NULL. Ownership:
 *                        the caller's.
 * @return As sscam_explain_image(); SSCAM_E_ARGUMENT also for explainers of different models or
 *         with different preprocessing.
 * Thread: that of the explainers. The first explainer that has a progress callback reports for all.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explain_image_all(sscam_explainer *const *explainers,
                                               int64_t explainer_count, const sscam_image *image,
                                               const int64_t *classes, int64_t class_count,
                                               sscam_map **maps);

/**
 * Explains several classes on each of a batch of ready-made inputs with several explainers, sharing
 * work as sscam_explain_image_all() does; images share batches of masked inputs too.
 *
 * @param explainers      Explainers of one model.
 * @param explainer_count Their number, at least 1.
 * @param input           As for sscam_explain_array().
 * @param classes         [N,class_count] class indices, each possibly SSCAM_CLASS_TOP or
 *                        SSCAM_CLASS_RANKED(); NULL means the top class of each input alone.
 * @param class_count     Number of classes an input, at least 1; ignored when classes is NULL.
 * @param[out] maps       Room for [N,explainer_count,class_count] maps. On failure all are NULL, or
 *                        none is written when the shape or class_count is refused. Ownership: the
 *                        caller's.
 * @return As sscam_explain_array(); SSCAM_E_ARGUMENT also for explainers of different models.
 * Thread: that of the explainers. The first explainer that has a progress callback reports for all.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explain_array_all(sscam_explainer *const *explainers,
                                               int64_t explainer_count, const sscam_array *input,
                                               const int64_t *classes, int64_t class_count,
                                               sscam_map **maps);

#ifdef __cplusplus
}
#endif

#endif
