/* An engine in plain C for tests of the core: tiny networks whose answers can be computed by hand,
 * given through the public struct of callbacks (sscam/engine.h). Around it lies a thin vtable of a
 * backend, which loads "files", counts calls, and lets any of them fail with any status.
 *
 * All networks have the same layers. Their input X is [N,3,H,W] with H and W at least 2, or [N,3,W]
 * or [N,3,D,H,W] likewise:
 *   stem      [3,h,w], h = H / 2, w = W / 2, d = D / 2: S_j, means of 2 x 2 pixels (of 2, of
 *             2 x 2 x 2)
 *   features  [5,h,w]: A_k(p) = ReLU(bias_k + sum_j mix_kj S_j(p)); channel 3 is constant, and
 *             channel 4 equals channel 0
 *   head      [classes], with m_k the mean of A_k over its P = h w positions:
 *     linear      Y_c = b_c + sum_k w_ck m_k
 *     quadratic   Y_c = b_c + sum_k w_ck m_k^2
 *     positional  Y_c = b_c + sum_k w_ck sum_p v(p) A_k(p), v(p) = 2 (p + 1) / (P (P + 1))
 *     dense       Y_c(p) = b_c + sum_k w_ck A_k(p), a dense output of h x w pixels
 *
 * Output 1, "half", is half of output 0. Output 2, "early", is a quarter of it, and its default
 * layer is stem; that of the others is features.
 *
 * A "file" is a line of words. The first is "fake", the second the kind of network:
 *   linear, quadratic, positional, dense
 *   one-output       linear, with class 0 only
 *   dense-one        dense, with class 0 only
 *   large, enormous  linear, Y times 10^4 or 10^35: exp() of it overflows
 *   deaf             linear, Y is 0 for every input
 *   one-channel      linear, but features shows only its channel 0
 *   huge, tiny       linear, but the layers show values times 10^38 or 10^-40
 *   huge-steep       huge, and Y times 10^3
 *   flat             linear, mix is 0 everywhere
 *   spaceless        linear, has no layer with positions
 *   nan-activations, nan-gradients, nan-logits
 *                    a capture has one NaN in these; with "infinite-" for "nan-", one infinity
 *   nan-elsewhere    gradients have a NaN where the first value of the stem is negative
 *   nan-scores, infinite-scores
 *                    outputs for masked inputs are not finite
 *   fails            every run fails with SSCAM_E_MODEL
 *   broken           cannot be loaded: SSCAM_E_MODEL
 * A third word changes the layout of what the core gets and gives:
 *   channels-last    masked inputs are [H,W,C]
 *   positions-first     layers give [1,h,w,K]
 *   tokens           layers give [1,1+P,K]; the first token is not of the grid, and the head does
 *                    not read it
 *   first-token      tokens, with the gradients of a head that reads only the first token
 *   torn             layers give [2,P,K]
 * Other files are refused with SSCAM_E_FORMAT, devices but "cpu" and "auto" with SSCAM_E_DEVICE. */
#ifndef SSCAM_TESTS_SUPPORT_FAKE_BACKEND_H
#define SSCAM_TESTS_SUPPORT_FAKE_BACKEND_H

#include <stdatomic.h>

#include "model/backend.h"

enum { FAKE_COLORS = 3, FAKE_CHANNELS = 5, FAKE_CLASSES = 3 };
enum { FAKE_FLAT_CHANNEL = 3, FAKE_ORIGINAL_CHANNEL = 0, FAKE_DUPLICATE_CHANNEL = 4 };
enum { FAKE_DEFAULT_BATCH = 8 };
enum { FAKE_ABLATION_EXTRA = 2 }; /* inputs that an ablation runs besides those of its channels */

extern const double fake_mix[FAKE_CHANNELS][FAKE_COLORS], fake_bias[FAKE_CHANNELS];
extern const double fake_weight[FAKE_CLASSES][FAKE_CHANNELS], fake_head_bias[FAKE_CLASSES];

/* Calls that are counted, and can be made to fail. */
typedef enum fake_call {
    FAKE_LOAD,
    FAKE_LAYERS,
    FAKE_CLASSIFY,
    FAKE_CAPTURE,
    FAKE_SCORE,
    FAKE_ABLATE,
    FAKE_BATCH, /* one of the batches that a FAKE_SCORE or FAKE_ABLATE is made of */
    FAKE_PREPARE,
    FAKE_DIFFERENTIATE,
    FAKE_CALL_KINDS
} fake_call;

/* Counted since fake_reset(). Any thread may read at any time. */
typedef struct fake_counters {
    atomic_llong calls[FAKE_CALL_KINDS];
    atomic_llong inputs;          /* network evaluations, of all calls together */
    atomic_llong prepared_inputs; /* masked inputs that a FAKE_PREPARE was told of */
    atomic_llong largest_batch;   /* masked inputs that were in memory at once */
    atomic_llong networks;        /* loaded and not destroyed; not touched by fake_reset() */
} fake_counters;

extern fake_counters fake_counted;

/* Sets the counters to zero, and lets no call fail. */
void fake_reset(void);

/* The nth call of a kind after fake_reset() (the first is 1) fails, with a message that says so. */
void fake_fail_at(fake_call call, long long nth, sscam_status status);

/* Is called at every counted call, with its number from 1, by the thread that makes it.
 * fake_reset() removes it. */
void fake_on_call(void (*hook)(fake_call call, long long number));

/* Name of a kind of call, as in its message. */
const char *fake_call_name(fake_call call);

#endif
