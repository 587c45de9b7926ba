/* The vtable between the C core and whatever runs networks.
 *
 * Rules for a backend: every function may be called from several threads on one network at the same
 * time; none throws, prints or changes global state; each failure sets a message with sscam_fail()
 * and returns its status; memory handed out is taken with malloc() so that the core frees it; what
 * is written to out-parameters before a failure is freed by the backend itself. Inputs are float32
 * of a shape of shape.h, checked by the core to be finite; the network is given the rank that the
 * shape has. */
#ifndef SSCAM_LIB_MODEL_BACKEND_H
#define SSCAM_LIB_MODEL_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/progress.h"
#include "base/shape.h"
#include "masks/masked_input.h"
#include "model/activation_layout.h"
#include "model/target_pixels.h"
#include "sscam/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SSCAM_LAYER_MAX_RANK 8

typedef struct sscam_layer {
    char *name; /* malloc'ed */
    char *kind; /* malloc'ed */
    int32_t rank;
    int64_t shape[SSCAM_LAYER_MAX_RANK];
} sscam_layer;

struct sscam_layers {
    sscam_layer *layer; /* malloc'ed array, in the order of execution */
    size_t count;
    int64_t default_index; /* -1: none */
};

/* What of the network's outputs is explained. */
typedef enum sscam_target_kind {
    SSCAM_TARGET_CLASS,     /* f^c */
    SSCAM_TARGET_AGAINST,   /* -f^c */
    SSCAM_TARGET_DIFFERENCE /* f^c - f^d */
} sscam_target_kind;

typedef struct sscam_target {
    sscam_target_kind kind;
    int64_t class_index; /* c; -k until resolved: the class with the kth highest logit; ties: the
                            lowest index first */
    int64_t other_index; /* d of a difference; -1 until resolved: the class with the highest logit
                            but c's */
    const sscam_target_pixels *target_pixels; /* of a dense output: those that count; NULL until
                                                 resolved, and for other outputs */
} sscam_target;

/* What to capture on one input. */
typedef struct sscam_capture_request {
    const float *input;
    sscam_shape shape;
    const char *layer;  /* NULL or "": the default target layer */
    const char *output; /* which output the logits are: position or name; NULL or "": the first that
                           can be */
    sscam_target
        target; /* need not be resolved; of a dense output whose places it has, these count */
    const sscam_region
        *region;            /* of a dense output, for a target without places; NULL: all of it */
    int32_t want_gradients; /* of the target by A, on raw logits */
} sscam_capture_request;

/* A backend gives the layer's values in the order of its output; the core then puts their channels
 * first and fills in what it found of their arrangement. */
typedef struct sscam_capture {
    char *layer; /* name of the layer that was used; malloc'ed */
    int32_t rank;
    int64_t shape[SSCAM_LAYER_MAX_RANK]; /* of the layer's output, whatever it is */
    float *activations; /* A, [shape]; by the core [channels, its places]; malloc'ed */
    float *gradients;   /* dY/dA, likewise; malloc'ed; NULL when not wanted */
    float *logits;      /* [class_count]; malloc'ed; of a dense output the means over the places */
    float *probabilities; /* [class_count] means over the places of a dense output; malloc'ed; NULL
                             for others */
    sscam_target_pixels *target_pixels; /* of a dense output: those that count; NULL for others */
    int64_t class_count;
    sscam_target target; /* resolved: what gradients belong to */

    /* The core's. */
    int64_t channels;
    sscam_sides sides;
    int32_t batch_axis, channel_axis; /* of shape */
    float extra_gradient; /* the largest magnitude of a gradient at tokens that are none of the
                             grid's */
} sscam_capture;

/* How a masked input's outputs become one score. */
typedef enum sscam_score_kind {
    SSCAM_SCORE_LOGIT,
    SSCAM_SCORE_SOFTMAX, /* softmax over the classes */
    SSCAM_SCORE_SIGMOID
} sscam_score_kind;

/* How outputs are read as one row of logits. */
typedef struct sscam_output_selection {
    const char *output;                       /* as in a capture */
    const sscam_target_pixels *target_pixels; /* of a dense output: those that count; NULL: all */
    sscam_score_kind kind; /* what the row holds of a dense output: means over the places of logits,
                            * or of probabilities; of other outputs it holds the logits */
    int32_t *is_dense;     /* receives whether the output is dense; may be NULL */
} sscam_output_selection;

/* Elements that the network computes in when it scores masked inputs. */
typedef enum sscam_precision {
    SSCAM_PRECISION_FP32,
    SSCAM_PRECISION_BF16,
    SSCAM_PRECISION_FP16,
    SSCAM_PRECISION_TF32 /* float32 whose products a graphics card may round to 10 bits */
} sscam_precision;

/* How the caller wants masked inputs scored. */
typedef struct sscam_scoring_options {
    sscam_precision precision;
    int64_t batch_size; /* 0: the backend chooses */
    int64_t workers;    /* batches evaluated side by side; 0: the backend chooses */
    int32_t calibrate; /* whether it may choose by measuring: faster, but rounding then hangs on the
                          clock */
} sscam_scoring_options;

/* How a backend scored masked inputs, for reports. */
typedef struct sscam_scoring_diagnostics {
    const char *form; /* of the network; static; NULL: nothing was scored */
    int64_t workers;  /* batches evaluated side by side */
    int64_t batch_size;
} sscam_scoring_diagnostics;

typedef struct sscam_score_request {
    const sscam_mask_list *masks;
    sscam_score_kind kind;
    const char *output;          /* as in a capture */
    const sscam_target *targets; /* resolved */
    int64_t target_count;
    sscam_scoring_options scoring;
    sscam_scoring_diagnostics *diagnostics; /* receives how it was done; may be NULL */
    const sscam_progress *progress;         /* reported between batches; cancels */
} sscam_score_request;

/* Channels of a layer, each of which is set to zero by itself. */
typedef struct sscam_ablation_plan {
    const float *input;
    const char *layer;                /* a name that a capture gave */
    int32_t batch_axis, channel_axis; /* of the layer's output */
    const int64_t *channels;
    int64_t channel_count; /* at least 1 */
} sscam_ablation_plan;

typedef struct sscam_ablation_request {
    const sscam_ablation_plan *plan;
    sscam_shape shape; /* of the input */
    sscam_score_kind kind;
    const char *output;          /* as in a capture */
    const sscam_target *targets; /* resolved */
    int64_t target_count;
    int64_t batch_size;    /* 0: the backend chooses */
    int64_t *extra_inputs; /* receives how many inputs were run besides those of the channels */
    const sscam_progress *progress; /* reported between batches; cancels */
} sscam_ablation_request;

typedef struct sscam_backend {
    /* One line a component, "name: value"; static. */
    const char *(*build_info)(void);
    /* Loads a network from a file's content. `name` is what messages call it. */
    sscam_status (*load)(const char *name, const void *data, size_t size, const char *device,
                         void **network);
    void (*destroy)(void *network);
    /* Name of the device it was loaded to; the network's. */
    const char *(*device)(const void *network);
    /* Layers for an input shape of one image, found by running zeros of that shape; the default one
     * is that of an output, named as in a capture. */
    sscam_status (*layers)(void *network, const sscam_shape *shape, const char *output,
                           struct sscam_layers *out);
    /* Raw outputs of a batch: malloc'ed [N, class_count]. */
    sscam_status (*classify)(void *network, const float *input, const sscam_shape *shape,
                             const sscam_output_selection *reading, float **logits,
                             int64_t *class_count);
    sscam_status (*capture)(void *network, const sscam_capture_request *request,
                            sscam_capture *out);
    /* scores: [target_count of the request][sscam_mask_list_count(masks)]. */
    sscam_status (*score)(void *network, const sscam_score_request *request, float *scores);
    /* scores: [target_count of the request][channel_count of the plan]: what the network says when
     * what follows the layer sees the channel as zeros. */
    sscam_status (*ablate)(void *network, const sscam_ablation_request *request, float *scores);
} sscam_backend;

/* The backend of this build: backends.c in the library, the fake one in the tests of the core. */
const sscam_backend *sscam_backend_default(void);

/* --- shared by backends ----------------------------------------------------------------------- */

/* Score of one row of logits; float64 inside. */
double sscam_score_of(const float *logits, int64_t class_count, int64_t class_index,
                      sscam_score_kind kind);

/* Index of the highest logit, the lowest index among equals. */
int64_t sscam_top_class(const float *logits, int64_t class_count);

/* The same of a resolved target, whose places' factor goes in. */
double sscam_target_score(const float *logits, int64_t class_count, const sscam_target *target,
                          sscam_score_kind kind);

/* Score of the input that was captured. Of a dense output, the kind of its probabilities is the
 * region's. */
double sscam_capture_score(const sscam_capture *capture, const sscam_target *target,
                           sscam_score_kind kind);

/* What a row that was read with a kind has to be scored by: probabilities of a dense output are
 * scores already. */
sscam_score_kind sscam_row_kind(const sscam_target *target, sscam_score_kind kind);

/* Makes a target of a dense output an index of a class: of the one that has the most places, or the
 * kth most, of [class_count] numbers of places within the region. */
sscam_status sscam_resolve_dense_class(sscam_target *target, const int64_t *places,
                                       int64_t class_count);

/* SSCAM_E_CLASS with a message unless class_index is 0 to class_count - 1 or -1 to -class_count. */
sscam_status sscam_check_class(int64_t class_index, int64_t class_count);

/* Makes both classes of a target indices. SSCAM_E_CLASS where there is no such class, or no other
 * one. */
sscam_status sscam_resolve_target(sscam_target *target, const float *logits, int64_t class_count);

/* Whether two resolved targets are one. */
int32_t sscam_same_target(const sscam_target *a, const sscam_target *b);

/* Frees what a capture holds and clears it. */
void sscam_capture_release(sscam_capture *capture);

/* Frees the entries of a list and clears it, not the struct itself. */
void sscam_layers_release(struct sscam_layers *layers);

/* SSCAM_E_LAYER: there is no layer `name`; the message lists the names nearest to it, or says
 * `sscam layers`. */
sscam_status sscam_fail_unknown_layer(const char *name, const struct sscam_layers *layers);

#ifdef __cplusplus
}
#endif

#endif
