/* What the library does on a GPU, for tests: on a GPU, or by the same arithmetic on the CPU. Not
 * part of the library. */
#ifndef SSCAM_SHIM_CUDA_CUDA_CHECK_H
#define SSCAM_SHIM_CUDA_CUDA_CHECK_H

#include "model/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Masked inputs number first to first + rows - 1 as CudaMasks makes them, widened to float32;
 * `uploaded` receives the bytes that went to the device for all of the list. `device`: "cpu" or
 * "cuda:N". */
sscam_status sscam_check_cuda_masks(const char *device, const sscam_mask_list *masks, int64_t first,
                                    int64_t rows, sscam_memory_format layout,
                                    sscam_precision precision, float *out, int64_t *uploaded);

/* Scores [target_count][rows] of logits [rows][class_count] as a GPU computes them. */
sscam_status sscam_check_cuda_scores(const char *device, const float *logits, int64_t rows,
                                     int64_t class_count, const sscam_target *targets,
                                     int64_t target_count, sscam_score_kind kind, float *scores);

/* As the backend's score() does it on a GPU, of a network that sscam_torch_backend() loaded, in
 * batches of request->scoring.batch_size. */
sscam_status sscam_check_cuda_scoring(void *network, const sscam_score_request *request,
                                      float *scores);

/* The values of an array in the host's memory, read as one of a GPU's is on a GPU; `in_place`:
 * whether they were not copied. */
sscam_status sscam_check_device_values(const sscam_cuda_array *array, float *out,
                                       int32_t *in_place);

/* A network on the CPU holds a copy of some values as one on a GPU holds an input; `held` receives
 * the address that requests may pass. */
sscam_status sscam_check_hold(void *network, const float *values, int64_t count,
                              const float **held);

/* Memory of a GPU into which a stream copies values after much else that it has to do before, for
 * the test of waiting. Both live as long as the process. SSCAM_E_DEVICE without a GPU. */
sscam_status sscam_check_late_values(const char *device, const float *values, int64_t count,
                                     const void **data, void **stream);

/* Number of settings of libtorch's TF32 switches that a host may have made, for
 * sscam_check_tf32(). */
int64_t sscam_check_tf32_settings(void);

/* Whether, after a host's setting number `setting`, precision fp32 (or tf32, as `in_tf32` says) is
 * what a GPU would compute in, and afterwards the host's setting holds again. Needs no GPU. Sets
 * the switches to libtorch's defaults. */
int32_t sscam_check_tf32(int64_t setting, int32_t in_tf32);

/* SSCAM_E_MODEL, with the reason, unless calls of both precisions take turns: a thread that waits
 * for one is not overtaken by later ones of the other. Needs no GPU. */
sscam_status sscam_check_tf32_turns(void);

/* SSCAM_E_MODEL, with the reason, unless a call within another has its own precision, the outer one
 * has its own afterwards, and a callback holds nobody up. Needs no GPU. */
sscam_status sscam_check_tf32_nesting(void);

/* Whether a convolution that was traced with TF32 allowed follows the switches that hold when it
 * runs. SSCAM_E_MODEL unless it does. */
sscam_status sscam_check_traced_convolution(void);

/* The status of an exception of libtorch with that text. */
sscam_status sscam_check_status_of(const char *text);

/* SSCAM_E_DEVICE, with the reason, unless there is a compiler and it compiles the kernel, for GPUs
 * of one capability. */
sscam_status sscam_check_cuda_program(int32_t capability);

/* SSCAM_E_MODEL where a variant of a loaded network refers to functions that need not exist any
 * more when it fails. */
sscam_status sscam_check_call_stacks(void *network);

/* From here on, allocations of libtorch of more bytes on the CPU fail as if memory had
 * run out; 0: none. */
void sscam_check_limit_memory(size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
