/* What a card would do, for tests: on a card, or by the same arithmetic on the processor. Not in
 * the library. */
#ifndef SSCAM_SHIM_CUDA_CUDA_CHECK_H
#define SSCAM_SHIM_CUDA_CUDA_CHECK_H

#include "model/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Masked inputs number first to first + rows - 1 as CardMasks makes them, widened to float32;
 * `uploaded` receives the bytes that went to the device for all of the list. `device`: "cpu" or a
 * card's name. */
sscam_status sscam_check_card_masks(const char *device, const sscam_mask_list *masks, int64_t first,
                                    int64_t rows, sscam_memory_format layout,
                                    sscam_precision precision, float *out, int64_t *uploaded);

/* Scores [target_count][rows] of logits [rows][class_count] as a card computes them. */
sscam_status sscam_check_card_scores(const char *device, const float *logits, int64_t rows,
                                     int64_t class_count, const sscam_target *targets,
                                     int64_t target_count, sscam_score_kind kind, float *scores);

/* As the backend's score() does it on a card, of a network that sscam_torch_backend() loaded, in
 * batches of request->scoring.batch_size. */
sscam_status sscam_check_card_scoring(void *network, const sscam_score_request *request,
                                      float *scores);

/* Number of ways in which a host program may have set libtorch's TF32 switches, each a number for
 * what follows. */
int64_t sscam_check_tf32_settings(void);

/* Whether, after a host's setting number `setting`, precision fp32 (or tf32, as `in_tf32` says) is
 * what a card would compute in, and afterwards the host's setting holds again. Needs no card. Sets
 * the switches to libtorch's defaults. */
int32_t sscam_check_tf32(int64_t setting, int32_t in_tf32);

/* Whether a convolution that was traced with TF32 allowed runs by the switches of the day.
 * SSCAM_E_MODEL unless it does. */
sscam_status sscam_check_traced_convolution(void);

/* What becomes of an exception of libtorch's with that text. */
sscam_status sscam_check_status_of(const char *text);

/* SSCAM_E_DEVICE, with the reason, unless there is a compiler and it takes the kernel, for cards of
 * one capability. */
sscam_status sscam_check_card_program(int32_t capability);

/* SSCAM_E_MODEL where a form of a loaded network refers to functions that need not exist any more
 * when it fails. */
sscam_status sscam_check_call_stacks(void *network);

/* From here on, libtorch's requests for more bytes at once on the processor fail as if memory had
 * run out; 0: none. */
void sscam_check_limit_memory(size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
