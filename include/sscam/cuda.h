/** @file
 * @brief Inputs that lie in the memory of a CUDA GPU: explained and classified there.
 *
 * Programs that prepare their inputs on the GPU, by a video decoder or another network, hand over
 * the GPU's pointer. The values are not copied through the host: float32 that is row-major without
 * gaps is read in place, other types and strides are converted on the GPU.
 *
 * The model has to be loaded to the GPU on which the input lies (sscam_model_load()). Other inputs
 * are refused with the reason; sscam_explain_array() takes the same values from the host's memory.
 *
 * Streams: the library makes its own stream wait for what is in the input's `stream` when it is
 * called, by an event, so that the host need not wait for it. When a function returns, also with a
 * failure, the library has finished reading. The host's current device, stream and context stay as
 * they are. The stream must not be capturing a CUDA graph.
 *
 * Nothing of CUDA is needed to compile or to link: pointers and streams are void pointers.
 *
 * A few methods and options compute with the input's values on the CPU, and copy them there:
 * smooth-grad-cam++, cam, `mask_weights=fc`, `aug_smooth`, and `noise_target=input` with
 * another `noise_scale` than `absolute`.
 */
#ifndef SSCAM_CUDA_H
#define SSCAM_CUDA_H

#include <stddef.h>
#include <stdint.h>

#include "array.h"
#include "explainer.h"
#include "export.h"
#include "map.h"
#include "model.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A view of numbers in the memory of a CUDA GPU. Nothing of it is kept after the call that takes
 * it. Set it to SSCAM_CUDA_ARRAY_INIT, then its fields. */
typedef struct sscam_cuda_array {
    /** sizeof(sscam_cuda_array). */
    size_t struct_size;
    /** The element with all indexes 0: the address on the GPU, aligned to the size of an element.
     * Memory of the device or managed memory; not memory of the host. */
    const void *data;
    /** `rank` numbers, each at least 1, in the host's memory. */
    const int64_t *shape;
    /** `rank` distances between neighbours along each dimension, in elements, in the host's memory;
     * negative and zero ones are allowed. NULL: row-major without gaps. */
    const int64_t *strides;
    /** Number of dimensions. */
    int32_t rank;
    /** SSCAM_ELEMENT_FLOAT32, _FLOAT64 or _UINT8. */
    int32_t element_type;
    /** Number of the GPU, N of "cuda:N", 0 or more: that of the CUDA runtime of this process. */
    int32_t device;
    /** 0. */
    int32_t reserved;
    /** The cudaStream_t, or CUstream, of `device` in which the values are written. NULL: the
     * default stream. */
    void *stream;
} sscam_cuda_array;

/** Initial value of an sscam_cuda_array. */
#define SSCAM_CUDA_ARRAY_INIT                                                            \
    {                                                                                    \
        sizeof(sscam_cuda_array), NULL, NULL, NULL, 0, SSCAM_ELEMENT_FLOAT32, 0, 0, NULL \
    }

/**
 * Explains one class on each of a batch of ready-made inputs on a GPU, as sscam_explain_array()
 * does of inputs in the host's memory.
 *
 * @param explainer An explainer of a model on the GPU of the input.
 * @param input     [N,C,W], [N,C,H,W] or [N,C,D,H,W], normalised as the network wants it.
 * @param classes   N indices of the network's output, each possibly SSCAM_CLASS_TOP or
 *                  SSCAM_CLASS_RANKED(); NULL means SSCAM_CLASS_TOP for all.
 * @param[out] maps Room for N maps, which are in the host's memory; on failure all are NULL; none
 *                  is written when the shape is refused. Ownership: the caller's, each to be
 *                  released with sscam_map_unref().
 * @return As sscam_explain_array(); SSCAM_E_ARGUMENT also for `data` that is no memory of the
 *         device, `stream` that is none of it, a negative `device` and a `reserved` that is not 0;
 *         SSCAM_E_DEVICE also for a model on the CPU or on another GPU; SSCAM_E_UNSUPPORTED also
 *         for a network that runs in an engine of the host, one whose axes are in another order or
 *         that takes whole numbers, and a GPU that the library cannot write masked inputs on. Each
 *         message says what to do instead.
 * Thread: the explainer's.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explain_cuda(sscam_explainer *explainer, const sscam_cuda_array *input,
                                          const int64_t *classes, sscam_map **maps);

/**
 * Explains several classes on each of a batch of ready-made inputs on a GPU with several
 * explainers, sharing work as sscam_explain_array_all() does.
 *
 * @param explainers      Explainers of one model, which is on the GPU of the input.
 * @param explainer_count Their number, at least 1.
 * @param input           As for sscam_explain_cuda().
 * @param classes         [N,class_count] class indices, each possibly SSCAM_CLASS_TOP or
 *                        SSCAM_CLASS_RANKED(); NULL means the top class of each input alone.
 * @param class_count     Number of classes an input, at least 1; ignored when classes is NULL.
 * @param[out] maps       Room for [N,explainer_count,class_count] maps. On failure all are NULL, or
 *                        none is written when the shape or class_count is refused. Ownership: the
 *                        caller's.
 * @return As sscam_explain_cuda(); SSCAM_E_ARGUMENT also for explainers of different models.
 * Thread: that of the explainers. The first explainer that has a progress callback reports for all.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_explain_cuda_all(sscam_explainer *const *explainers,
                                              int64_t explainer_count,
                                              const sscam_cuda_array *input, const int64_t *classes,
                                              int64_t class_count, sscam_map **maps);

/**
 * Runs the network on a batch of ready-made inputs on a GPU, as sscam_model_classify() does on
 * inputs in the host's memory.
 *
 * @param model  A model on the GPU of the input.
 * @param input  As for sscam_explain_cuda().
 * @param[out] logits Room for capacity floats in the host's memory; receives [N,classes], the
 *               network's raw outputs; of dense outputs [N,classes,h,w] their means over all
 *               pixels. May be NULL when capacity is 0: then only class_count is written.
 * @param capacity Floats at logits: 0, or at least N x classes.
 * @param[out] class_count Number of outputs a row.
 * @return SSCAM_OK, SSCAM_E_MODEL, SSCAM_E_MEMORY and others as sscam_model_classify();
 *         SSCAM_E_ARGUMENT, SSCAM_E_DEVICE and SSCAM_E_UNSUPPORTED as sscam_explain_cuda().
 * Thread: any thread; calls on one model may run at the same time.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_model_classify_cuda(sscam_model *model, const sscam_cuda_array *input,
                                                 float *logits, int64_t capacity,
                                                 int64_t *class_count);

#ifdef __cplusplus
}
#endif

#endif
